//! `job.txt`: the job that owns the results in a data directory. Another job overwrites them only
//! on request.
//!
//! ```text
//! JOB kind <crc>
//! INPUT path <crc>        a line for each file
//! ```
//!
//! The same kind of job over the same files may run there again, with any other parameters.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::pending::PendingFile;
use crate::files;
use crate::text::{Scratch, parse_words, push_checksum, push_words, strip_checksum};

/// The kind of a job and its input files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    kind: String,
    /// Absolute paths.
    input: Vec<String>,
}

const FILE: &str = "job.txt";
/// Results that another job would overwrite.
const RESULTS: [&str; 4] = ["checkpoint.txt", "centroids.txt", "labels.txt", "output.txt"];

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.input.first().map_or("nothing", String::as_str);
        write!(f, "{} of {first}", self.kind)?;
        match self.input.len() {
            0 | 1 => Ok(()),
            files => write!(f, " and {} more", files - 1),
        }
    }
}

impl Owner {
    /// A kind of job over these files.
    pub fn new(kind: &str, input: &[PathBuf]) -> Owner {
        let absolute = |path: &PathBuf| {
            let path = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            path.to_string_lossy().into_owned()
        };
        Owner { kind: kind.to_owned(), input: input.iter().map(absolute).collect() }
    }

    /// Makes a directory this job's. Results of another job are an error, or are removed with
    /// `overwrites`.
    ///
    /// # Errors
    /// There are results of another job; errors of the operating system.
    pub fn claim(&self, layout: &Layout, overwrites: bool) -> io::Result<()> {
        let path = layout.file(FILE);
        let results: Vec<PathBuf> = RESULTS.iter().map(|name| layout.file(name)).collect();
        // Now, and not when the job has its results.
        results.iter().try_for_each(|result| files::check_target(result))?;
        let mut there = results.iter().filter(|result| result.exists());
        let before = read(&path)?;
        if before.as_ref() != Some(self)
            && let Some(result) = there.next()
        {
            if !overwrites {
                let name = result.file_name().unwrap_or_default().to_string_lossy();
                let whose = before.map_or("another job".to_owned(), |owner| owner.to_string());
                let reason = format!(
                    "it has {name} of {whose}: choose another --data, or overwrite that with --force"
                );
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, reason));
            }
            [result].into_iter().chain(there).try_for_each(fs::remove_file)?;
        }
        let mut file = PendingFile::create(&path, std::process::id().into())?;
        file.write_all(&self.text())?;
        file.commit()
    }

    fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let named = self.input.iter().map(|path| ["INPUT", path.as_str()]);
        for line in [["JOB", self.kind.as_str()]].into_iter().chain(named) {
            let start = text.len();
            push_words(line.map(str::as_bytes), &mut text);
            push_checksum(&mut text, start);
        }
        text
    }
}

/// The owner of a directory; `None` if `job.txt` is missing or damaged.
fn read(path: &Path) -> io::Result<Option<Owner>> {
    let mut text = Vec::new();
    match files::open_to_read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?.read_to_end(&mut text)?,
    };
    let mut kind = None;
    let mut input = Vec::new();
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    for line in text.split(|byte| *byte == b'\n') {
        let mut scratch = Scratch::default();
        let Ok(line) = strip_checksum(line) else { return Ok(None) };
        let Ok(line) = parse_words(line, &mut scratch) else { return Ok(None) };
        let [word, value] = line[..] else { return Ok(None) };
        let value = String::from_utf8_lossy(value).into_owned();
        match word {
            b"JOB" => kind = Some(value),
            b"INPUT" => input.push(value),
            _ => return Ok(None),
        }
    }
    Ok(kind.map(|kind| Owner { kind, input }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_another_job_are_kept_unless_overwriting_is_requested() {
        let folder = std::env::temp_dir().join(format!("agora-owner-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let layout = Layout::new(&folder);
        let owner = |kind: &str, file: &str| Owner::new(kind, &[folder.join(file)]);
        let (one, other) = (owner("wordcount", "a b\n.txt"), owner("kmeans", "a b\n.txt"));
        one.claim(&layout, false).unwrap();
        assert_eq!(read(&layout.file(FILE)).unwrap(), Some(one.clone()));
        other.claim(&layout, false).unwrap();
        one.claim(&layout, false).unwrap();
        fs::write(layout.file("output.txt"), "results").unwrap();
        one.claim(&layout, false).unwrap();
        for other in [&other, &owner("wordcount", "b.txt")] {
            let error = other.claim(&layout, false).unwrap_err().to_string();
            assert!(error.starts_with("it has output.txt of wordcount of "), "{error}");
            assert!(layout.file("output.txt").exists());
        }
        other.claim(&layout, true).unwrap();
        assert!(!layout.file("output.txt").exists());
        assert_eq!(read(&layout.file(FILE)).unwrap(), Some(other.clone()));
        // Results without a valid `job.txt`.
        fs::write(layout.file("labels.txt"), "results").unwrap();
        fs::write(layout.file(FILE), "JOB kmeans\n").unwrap();
        let error = other.claim(&layout, false).unwrap_err().to_string();
        assert!(error.starts_with("it has labels.txt of another job: "), "{error}");
        fs::remove_dir_all(&folder).unwrap();
    }
}

//! The paths of files in a data directory. Tasks are counted from 0 in the program, from 1 in file
//! names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::pending::is_pending;
use crate::files;

/// A data directory.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

const MAPPERS: &str = "Mappers";
const REDUCERS: &str = "Reducers";

impl Layout {
    /// The layout below this directory.
    pub fn new(root: impl Into<PathBuf>) -> Layout {
        Layout { root: root.into() }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file directly in the data directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The directory of a map task.
    pub fn map(&self, task: u32) -> PathBuf {
        self.root.join(MAPPERS).join(format!("M{}", u64::from(task) + 1))
    }

    /// The partition of a map task for a reduce task.
    pub fn partition(&self, task: u32, partition: u32) -> PathBuf {
        self.map(task).join(format!("partition_{}.txt", u64::from(partition) + 1))
    }

    /// The output of a map task in a round without reduce tasks.
    pub fn map_output(&self, task: u32) -> PathBuf {
        self.map(task).join("output.txt")
    }

    /// The split of a map task, if the master sent it.
    pub fn split(&self, task: u32) -> PathBuf {
        self.map(task).join("split.txt")
    }

    /// The directory of all reduce outputs.
    pub fn reducers(&self) -> PathBuf {
        self.root.join(REDUCERS)
    }

    /// The output of a reduce task.
    pub fn reduce_output(&self, task: u32) -> PathBuf {
        self.reducers().join(format!("R{}.txt", u64::from(task) + 1))
    }

    /// Checks that the data directory and those in it belong to the user, that nobody outside of
    /// its group can write there, and that none of them is a link. What exists in them is checked
    /// when it is opened.
    ///
    /// # Errors
    /// [`files::UnsafePath`]; those of the operating system.
    pub fn check(&self) -> io::Result<()> {
        files::own_directory(&self.root)?;
        let mappers = self.root.join(MAPPERS);
        for directory in [&mappers, &self.reducers()] {
            check_if_exists(directory)?;
        }
        for task in names_in(&mappers)?.iter().filter(|name| is_numbered(name, "M", "")) {
            check_if_exists(&mappers.join(task))?;
        }
        Ok(())
    }

    /// Removes the files of an earlier job: partitions, outputs, and files of unfinished attempts.
    /// Other files stay.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn clear(&self) -> io::Result<()> {
        self.clear_pending()?;
        for task in names_in(&self.root.join(MAPPERS))? {
            if !is_numbered(&task, "M", "") {
                continue;
            }
            let directory = self.root.join(MAPPERS).join(&task);
            for name in names_in(&directory)? {
                let is_ours = is_numbered(&name, "partition_", ".txt")
                    || ["output.txt", "split.txt"].contains(&name.as_str());
                if is_ours {
                    fs::remove_file(directory.join(name))?;
                }
            }
            // A directory with other files in it stays.
            let _ = fs::remove_dir(&directory);
        }
        for name in names_in(&self.reducers())? {
            if is_numbered(&name, "R", ".txt") {
                fs::remove_file(self.reducers().join(name))?;
            }
        }
        Ok(())
    }

    /// Removes the files of unfinished attempts. No task may be running in the directory.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn clear_pending(&self) -> io::Result<()> {
        let mappers = self.root.join(MAPPERS);
        let tasks = names_in(&mappers)?.into_iter().filter(|name| is_numbered(name, "M", ""));
        let directories = tasks.map(|task| mappers.join(task)).chain([self.reducers()]);
        for directory in directories {
            for name in names_in(&directory)?.iter().filter(|name| is_pending(name)) {
                fs::remove_file(directory.join(name))?;
            }
        }
        Ok(())
    }
}

fn check_if_exists(directory: &Path) -> io::Result<()> {
    match files::own_subdirectory(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The names in a directory; none if the directory does not exist.
fn names_in(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().into_string()));
    names.filter_map(|name| name.map(Result::ok).transpose()).collect()
}

/// Whether a name is `before`, a number, and `behind`.
fn is_numbered(name: &str, before: &str, behind: &str) -> bool {
    let number = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind));
    number.is_some_and(|number| crate::text::parse_u64(number.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_names_of_the_course_version() {
        let layout = Layout::new("Data");
        assert_eq!(layout.partition(0, 1), Path::new("Data/Mappers/M1/partition_2.txt"));
        assert_eq!(layout.reduce_output(0), Path::new("Data/Reducers/R1.txt"));
        assert_eq!(layout.file("dump.txt"), Path::new("Data/dump.txt"));
    }

    #[test]
    fn only_files_of_jobs_are_cleared() {
        for (name, is_ours) in [("R1.txt", true), ("R.txt", false), ("R01.txt", false)] {
            assert_eq!(is_numbered(name, "R", ".txt"), is_ours, "{name}");
        }
    }
}

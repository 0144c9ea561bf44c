//! Combines the output of a job's tasks: into one file, or stdout.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use crate::files;
use crate::mapreduce::files::PendingFile;
use crate::mapreduce::job::KeyOrder;
use crate::mapreduce::master::TaskOutput;

/// Concatenates the outputs.
pub(super) fn concatenate(outputs: &[TaskOutput], target: &Path) -> io::Result<()> {
    write(target, |writer| {
        for output in outputs {
            io::copy(&mut output.open()?, writer)?;
        }
        Ok(())
    })
}

/// Merges sorted outputs by key: the result does not depend on how many there are.
pub(super) fn merge(outputs: &[TaskOutput], order: KeyOrder, target: &Path) -> io::Result<()> {
    if outputs.len() == 1 {
        return concatenate(outputs, target);
    }
    write(target, |writer| {
        let mut sources = Vec::new();
        for output in outputs {
            let mut source = Source { reader: BufReader::new(output.open()?), line: Vec::new() };
            if source.advance()? {
                sources.push(source);
            }
        }
        // Every key is in one output, and there are few outputs: a linear search for the smallest
        // head.
        while let Some(least) =
            (0..sources.len()).min_by(|a, b| sources[*a].compare(&sources[*b], order))
        {
            writer.write_all(&sources[least].line)?;
            if !sources[least].advance()? {
                sources.swap_remove(least);
            }
        }
        Ok(())
    })
}

struct Source<'o> {
    reader: BufReader<Box<dyn Read + 'o>>,
    line: Vec<u8>,
}

impl Source<'_> {
    fn advance(&mut self) -> io::Result<bool> {
        self.line.clear();
        Ok(self.reader.read_until(b'\n', &mut self.line)? > 0)
    }

    fn key(&self) -> &[u8] {
        let end = self.line.iter().position(|byte| b"\t\n".contains(byte));
        &self.line[..end.unwrap_or(self.line.len())]
    }

    fn compare(&self, other: &Source<'_>, order: KeyOrder) -> Ordering {
        order.compare(self.key(), other.key())
    }
}

/// Writes a file that is renamed to its name when it is complete, or stdout for `-`.
fn write(target: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if target == Path::new("-") {
        let mut stdout = BufWriter::new(io::stdout().lock());
        fill(&mut stdout)?;
        return stdout.flush();
    }
    // A device or a pipe cannot be replaced by a rename.
    if target.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        files::check_device(target)?;
        let mut file = BufWriter::new(File::options().write(true).open(target)?);
        fill(&mut file)?;
        return file.flush();
    }
    let mut file = BufWriter::with_capacity(256 * 1024, PendingFile::create(target, process_id())?);
    fill(&mut file)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.commit_durably()
}

fn process_id() -> u64 {
    std::process::id().into()
}

//! Saves a driver as text and restores it after a crash. `schemas/job-files.md` has the grammar.
//!
//! ```text
//! KMEANS k=20 dims=2 ... <crc>          the job; a checkpoint of another job is refused
//! INPUT path bytes digest <crc>         a line for each file
//! TOTALS points skipped squares <crc>
//! AT restart iteration phase <crc>
//! BEFORE x y ... <crc>                  a line for each centroid of the iteration before, if any
//! CENTROID x y ... <crc>                a line for each centroid
//! BEST restart iterations converged error <crc>     with BESTCENTROID and SIZES lines, if any
//! END lines <crc>
//! ```

use std::fmt;

use super::driver::{Clustering, Driver, Init, Options, Phase, Totals};
use crate::kmeans::{Centroids, Dyadic};
use crate::text::{
    Scratch, parse_f64, parse_u64, parse_words, push_checksum, push_words, strip_checksum,
};

/// Why a checkpoint cannot be restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckpointError {
    /// A line, from 1, is damaged.
    Damaged(usize),
    /// It belongs to another job.
    OtherJob,
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointError::Damaged(line) => write!(f, "line {line} is damaged"),
            CheckpointError::OtherJob => f.write_str("it is of a job with other flags or input"),
        }
    }
}

impl std::error::Error for CheckpointError {}

/// A file of the input at the time of the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Its path.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// A digest of its content, in hexadecimal digits.
    pub digest: String,
}

/// The parameters of the job, in a line. `format` is the text format of points.
fn job_line(options: &Options, format: &str) -> String {
    // Every option is named, so that a new one cannot be forgotten. The number of reduce tasks has
    // no effect on the result and may change.
    let Options { k, dims, iterations, tolerance, seed, init, restarts, relocates, reduces: _ } =
        options;
    let init = match init {
        Init::Random => "random".to_owned(),
        Init::PlusPlus => "k-means++".to_owned(),
        Init::Given(centroids) => format!("given:{:08x}", digest(centroids)),
    };
    format!(
        "k={k} dims={dims} iterations={iterations} tolerance={tolerance:?} seed={seed} \
         init={init} restarts={restarts} relocates={relocates} format={format}"
    )
}

fn digest(centroids: &Centroids) -> u32 {
    crate::text::crc32c(centroids.to_string().as_bytes())
}

impl Driver {
    /// The driver as text; `None` while it does not iterate. `input` was read in `format`.
    pub fn save(&self, format: &str, input: &[InputFile]) -> Option<Vec<u8>> {
        let (phase, before, centroids) = match &self.phase {
            Phase::Iterate { before, centroids } => ("iterate", before, centroids),
            Phase::Evaluate { before, centroids, is_converged: true } => {
                ("evaluate-converged", before, centroids)
            }
            Phase::Evaluate { before, centroids, is_converged: false } => {
                ("evaluate", before, centroids)
            }
            _ => return None,
        };
        let Totals { points, skipped, squares } = self.totals.as_ref()?;
        let mut file = LineWriter::default();
        file.line(&format!("KMEANS {}", job_line(&self.options, format)));
        for InputFile { path, bytes, digest } in input {
            file.words(["INPUT", path, &bytes.to_string(), digest]);
        }
        file.line(&format!("TOTALS {points} {skipped} {squares}"));
        file.line(&format!("AT {} {} {phase}", self.restart, self.iteration));
        file.centroids("BEFORE", before.as_ref());
        file.centroids("CENTROID", Some(centroids));
        if let Some(best) = &self.best {
            let Clustering { restart, iterations, is_converged, squared_error, sizes, .. } = best;
            file.line(&format!("BEST {restart} {iterations} {is_converged} {squared_error}"));
            file.centroids("BESTCENTROID", Some(&best.centroids));
            let sizes: Vec<String> = sizes.iter().map(u64::to_string).collect();
            file.line(&format!("SIZES {}", sizes.join(" ")));
        }
        file.line(&format!("END {}", file.lines));
        Some(file.text)
    }

    /// Restores a driver from the text of [`save`](Self::save). Also returns the input to read
    /// again.
    ///
    /// # Errors
    /// The text is damaged, or belongs to another job.
    pub fn restore(
        options: Options,
        format: &str,
        text: &[u8],
    ) -> Result<(Driver, Vec<InputFile>), CheckpointError> {
        let mut lines = LineReader::read(text)?;
        let expected = job_line(&options, format);
        if lines.next("KMEANS")? != expected {
            return Err(CheckpointError::OtherJob);
        }
        let mut input = Vec::new();
        while lines.is_next("INPUT ") {
            input.push(lines.input_file()?);
        }
        let totals = lines.fields::<3>("TOTALS")?;
        let totals = Totals {
            points: lines.number(totals[0])?,
            skipped: lines.number(totals[1])?,
            squares: lines.dyadic(totals[2])?,
        };
        let [restart, iteration, phase] = lines.fields::<3>("AT")?;
        let (restart, iteration) = (lines.number(restart)?, lines.number(iteration)?);
        let before = lines.centroids("BEFORE", options.dims)?;
        let centroids = lines.centroids("CENTROID", options.dims)?;
        let centroids = centroids.ok_or(lines.damaged())?;
        let phase = match phase {
            "iterate" => Phase::Iterate { before, centroids },
            "evaluate" => Phase::Evaluate { before, centroids, is_converged: false },
            "evaluate-converged" => Phase::Evaluate { before, centroids, is_converged: true },
            _ => return Err(lines.damaged()),
        };
        let best = if lines.is_next("BEST ") { Some(lines.best(options.dims)?) } else { None };
        let count = lines.at as u64;
        let [end] = lines.fields::<1>("END")?;
        if lines.number(end)? != count || lines.at != lines.lines.len() {
            return Err(lines.damaged());
        }
        let driver = Driver { options, totals: Some(totals), restart, iteration, phase, best };
        Ok((driver, input))
    }
}

#[derive(Default)]
struct LineWriter {
    text: Vec<u8>,
    lines: usize,
}

impl LineWriter {
    fn line(&mut self, words: &str) {
        let start = self.text.len();
        self.text.extend_from_slice(words.as_bytes());
        push_checksum(&mut self.text, start);
        self.lines += 1;
    }

    fn words(&mut self, words: [&str; 4]) {
        let start = self.text.len();
        push_words(words.map(str::as_bytes), &mut self.text);
        push_checksum(&mut self.text, start);
        self.lines += 1;
    }

    fn centroids(&mut self, word: &str, centroids: Option<&Centroids>) {
        for centroid in centroids.into_iter().flat_map(Centroids::iter) {
            let numbers: Vec<String> = centroid.iter().map(|x| format!("{x:?}")).collect();
            self.line(&format!("{word} {}", numbers.join(" ")));
        }
    }
}

/// Lines with valid checksums.
struct LineReader<'t> {
    lines: Vec<&'t str>,
    at: usize,
}

impl<'t> LineReader<'t> {
    fn read(text: &'t [u8]) -> Result<LineReader<'t>, CheckpointError> {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let line = |(number, line): (usize, &'t [u8])| {
            let line = strip_checksum(line).ok().and_then(|body| std::str::from_utf8(body).ok());
            line.ok_or(CheckpointError::Damaged(number + 1))
        };
        let lines: Result<_, _> = text.split(|byte| *byte == b'\n').enumerate().map(line).collect();
        Ok(LineReader { lines: lines?, at: 0 })
    }

    fn damaged(&self) -> CheckpointError {
        CheckpointError::Damaged(self.at.max(1))
    }

    fn is_next(&self, beginning: &str) -> bool {
        self.lines.get(self.at).is_some_and(|line| line.starts_with(beginning))
    }

    /// The rest of the next line after its first word, which must be `word`.
    fn next(&mut self, word: &str) -> Result<&'t str, CheckpointError> {
        let line = self.lines.get(self.at).copied();
        self.at += 1;
        let rest = line.and_then(|line| line.strip_prefix(word)?.strip_prefix(' '));
        rest.ok_or_else(|| self.damaged())
    }

    fn fields<const N: usize>(&mut self, word: &str) -> Result<[&'t str; N], CheckpointError> {
        let fields: Vec<&str> = self.next(word)?.split(' ').collect();
        fields.try_into().map_err(|_| self.damaged())
    }

    fn number(&self, word: &str) -> Result<u64, CheckpointError> {
        parse_u64(word.as_bytes()).ok_or_else(|| self.damaged())
    }

    fn dyadic(&self, word: &str) -> Result<Dyadic, CheckpointError> {
        word.parse().map_err(|_| self.damaged())
    }

    fn input_file(&mut self) -> Result<InputFile, CheckpointError> {
        let mut scratch = Scratch::default();
        let line = self.next("INPUT")?;
        let fields = parse_words(line.as_bytes(), &mut scratch).map_err(|_| self.damaged())?;
        let [path, bytes, digest] = fields[..] else { return Err(self.damaged()) };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let bytes = parse_u64(bytes).ok_or_else(|| self.damaged())?;
        Ok(InputFile { path: text(path), bytes, digest: text(digest) })
    }

    fn centroids(&mut self, word: &str, dims: usize) -> Result<Option<Centroids>, CheckpointError> {
        let mut coordinates = Vec::new();
        while self.is_next(&format!("{word} ")) {
            let before = coordinates.len();
            for number in self.next(word)?.split(' ') {
                let x = parse_f64(number.as_bytes()).ok_or_else(|| self.damaged())?;
                coordinates.push(x);
            }
            if coordinates.len() - before != dims {
                return Err(self.damaged());
            }
        }
        if coordinates.is_empty() {
            return Ok(None);
        }
        Centroids::new(dims, coordinates).map(Some).map_err(|_| self.damaged())
    }

    fn best(&mut self, dims: usize) -> Result<Clustering, CheckpointError> {
        let [restart, iterations, converged, error] = self.fields("BEST")?;
        let (restart, iterations) = (self.number(restart)?, self.number(iterations)?);
        let is_converged = converged.parse().map_err(|_| self.damaged())?;
        let squared_error = self.dyadic(error)?;
        let centroids = self.centroids("BESTCENTROID", dims)?.ok_or_else(|| self.damaged())?;
        let sizes = self.next("SIZES")?.split(' ').map(|size| self.number(size));
        let sizes: Vec<u64> = sizes.collect::<Result<_, _>>()?;
        if sizes.len() != centroids.len() {
            return Err(self.damaged());
        }
        Ok(Clustering { centroids, squared_error, sizes, iterations, is_converged, restart })
    }
}

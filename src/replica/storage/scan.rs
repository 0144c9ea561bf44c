//! Reads `logs.txt`, and tells a write that never became durable from damage.
//!
//! A write is one or more lines, synced together. When a process is killed or a machine loses
//! power, the current write may be partly on disk: see the guarantees of [`Disk`](super::Disk).
//! None of it was acknowledged, so it is cut off. Damage to synced data must never be cut off.
//! Three criteria distinguish them, and whatever they do not explain is [`Corruption`]:
//!
//! 1. *Appearance.* The missing parts of an unfinished write are at the end of the file, or read as
//!    zeros, in whole sectors; text contains no zeros. A complete but invalid line was valid once.
//! 2. *Later lines.* A line says which entries were durable before it was written (`batch=`). If
//!    one of those is missing or invalid, it was damaged later. If not, the line and the missing
//!    one belong to the same unfinished write, and both are cut off.
//! 3. *The commit index.* An entry at or below the commit length of `metadata.txt` was durable.
//!
//! ```text
//!  SET a 1 1 # 7 ...            SET a 1 1 # 7 ...              SET a 1 1 # 7 ...
//!  SET b 2 1 # 8 ...            0000000000000000               0000000000000000
//!  SET c 3 1 # 9 at=... batc    SET c 3 1 # 9 ... batch=3      SET c 3 1 # 9 ...
//!  torn: cut after 8            torn: cut after 7              corrupt: 8 was durable before 9
//! ```

use super::commands::Commands;
use super::disk::{DiskFile, SECTOR_BYTES};
use super::entry_line::{self, LineProblem, Placed};
use super::error::{Corruption, StorageError};
use super::line_reader::{Kind, LineReader, MAX_LINE_BYTES, Piece};
use super::metadata::Truncation;
use crate::raft::{Entry, Index, Term};
use crate::text::{self, Scratch};

pub(super) const LOG: &str = "logs.txt";

/// Receives the entries, in the order of the file.
pub(super) type EachEntry<'e> = dyn FnMut(Entry) + 'e;

/// The contents of a log.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// The index of the first valid entry.
    pub(super) first: Option<Index>,
    /// The term and line of the last valid entry.
    pub(super) last_term: Term,
    pub(super) last_line: u64,
    /// The offset of the line of each valid entry.
    pub(super) offsets: Vec<u64>,
    /// The offset of the last write that has a valid line.
    pub(super) last_write: u64,
    /// The end of the valid lines.
    pub(super) end: u64,
    /// A write after them that never became durable: its place, and what is missing.
    pub(super) torn: Option<Corruption>,
}

/// Reads a log. `next` is the expected index of its first entry, in case that line is damaged.
/// Entries up to `commit_length` are known to have been durable. Bytes after `truncating` are
/// ignored.
///
/// # Errors
/// [`StorageError::Corrupt`], or the file cannot be read.
pub(super) fn scan(
    file: &dyn DiskFile,
    commands: &Commands,
    next: Index,
    commit_length: Index,
    truncating: Option<Truncation>,
    each: &mut EachEntry<'_>,
) -> Result<Scanned, StorageError> {
    let scanned = Scanned::default();
    let mut scan = Scan { next, commit_length, place: 0, scanned, damage: None, each };
    let end = truncating.map_or(u64::MAX, |truncation| truncation.offset);
    let mut lines = LineReader::before(file, end);
    let mut scratch = Scratch::default();
    loop {
        let piece = lines.next().map_err(|error| StorageError::io(LOG, "cannot read", error))?;
        let Some(piece) = piece else { break };
        let parsed = match piece.kind {
            Kind::Line(line) => entry_line::parse(line, commands, &mut scratch),
            Kind::Fragment(_) => Err(missing("the line is cut off")),
            Kind::Zeros(_) => Err(missing("zeros where a line was to be")),
            Kind::TooLong => Err(missing(&format!("a line above {MAX_LINE_BYTES} bytes"))),
        };
        scan.take(&piece, parsed);
    }
    let (line, byte) = (lines.line(), lines.offset());
    match truncating {
        None => Ok(scan.finish(byte)?),
        Some(Truncation { from, offset }) if from <= commit_length => {
            let what = format!("entry {from} is being replaced, and is committed");
            Err(Corruption { file: LOG.into(), line, byte: offset, what }.into())
        }
        // The entries that stay were durable.
        Some(Truncation { from, offset }) => match scan.damage {
            Some(damage) => Err(damage.first.into()),
            None if byte == offset && scan.next == from => Ok(scan.finish(byte)?),
            None => {
                let what = format!("entry {from} was to begin at byte {offset}");
                Err(Corruption { file: LOG.into(), line, byte, what }.into())
            }
        },
    }
}

fn missing(what: &str) -> LineProblem {
    LineProblem { at: 0, what: what.into() }
}

struct Scan<'e, 'c> {
    /// The expected index of the next entry.
    next: Index,
    commit_length: Index,
    /// The position of the last valid entry in its write.
    place: u64,
    scanned: Scanned,
    damage: Option<Damage>,
    each: &'e mut EachEntry<'c>,
}

/// The part of the file from the first invalid line on.
struct Damage {
    /// Its offset.
    offset: u64,
    first: Corruption,
    /// The first part that no unfinished write explains.
    unexplained: Option<Corruption>,
    /// The end of the last run of zeros, until the next piece.
    zeros_end: Option<u64>,
    /// The highest index that a later valid line declares to have been durable.
    durable: Index,
}

impl Scan<'_, '_> {
    fn take(&mut self, piece: &Piece<'_>, parsed: Result<Placed, LineProblem>) {
        match (parsed, &mut self.damage) {
            (Ok((entry, place)), None) => match self.check(&entry, place) {
                Ok(()) => self.append(piece, entry, place),
                Err(what) => {
                    let what = at(piece, 0, what);
                    let damage = Damage::new(piece, what.clone());
                    self.damage = Some(Damage { unexplained: Some(what), ..damage });
                }
            },
            (Ok((entry, place)), Some(damage)) => {
                damage.durable = damage.durable.max(entry.index.saturating_sub(place));
                if !damage.follows_zeros(piece).unwrap_or(true) {
                    damage.mark_unexplained(at(piece, 0, "a line behind zeros"));
                }
            }
            (Err(problem), damage) => {
                let what = at(piece, problem.at as u64, problem.what);
                damage.get_or_insert_with(|| Damage::new(piece, what.clone())).add(piece, what);
            }
        }
    }

    /// Whether an entry may follow the entries before it.
    fn check(&self, entry: &Entry, place: u64) -> Result<(), String> {
        let (Entry { index, term, .. }, before) = (entry, self.scanned.last_term);
        if self.scanned.first.is_none() {
            return Ok(());
        }
        if *index != self.next {
            return Err(format!("entry {index} where {} was to follow", self.next));
        }
        if *term < before {
            return Err(format!("an entry of term {term} behind one of term {before}"));
        }
        if place != 1 && place != self.place + 1 {
            return Err(format!("batch={place} behind batch={}", self.place));
        }
        Ok(())
    }

    fn append(&mut self, piece: &Piece<'_>, entry: Entry, place: u64) {
        if place == 1 || self.scanned.first.is_none() {
            self.scanned.last_write = piece.offset;
        }
        self.scanned.first.get_or_insert(entry.index);
        self.scanned.last_term = entry.term;
        self.scanned.last_line = piece.line;
        self.scanned.offsets.push(piece.offset);
        self.next = entry.index.saturating_add(1);
        self.place = place;
        (self.each)(entry);
    }

    fn finish(mut self, len: u64) -> Result<Scanned, Corruption> {
        self.scanned.end = len;
        if let Some(damage) = self.damage {
            if damage.durable >= self.next || self.next <= self.commit_length {
                return Err(damage.first);
            }
            if let Some(unexplained) = damage.unexplained {
                return Err(unexplained);
            }
            self.scanned.end = damage.offset;
            self.scanned.torn = Some(damage.first);
        }
        Ok(self.scanned)
    }
}

impl Damage {
    fn new(piece: &Piece<'_>, first: Corruption) -> Damage {
        Damage { offset: piece.offset, first, unexplained: None, zeros_end: None, durable: 0 }
    }

    /// Adds a piece that is not a valid line.
    fn add(&mut self, piece: &Piece<'_>, what: Corruption) {
        let is_explained = match piece.kind {
            // Zeros begin with a sector, or where the write begins.
            Kind::Zeros(zeros) => {
                self.zeros_end = Some(piece.offset + zeros);
                piece.offset.is_multiple_of(SECTOR_BYTES) || piece.offset == self.offset
            }
            // The rest of a line whose beginning reads as zeros.
            Kind::Line(_) => self.follows_zeros(piece) == Some(true),
            // Cut off by the end of the file, or by zeros, which are checked next.
            Kind::Fragment(bytes) => self.follows_zeros(piece).unwrap_or_else(|| may_be_cut(bytes)),
            Kind::TooLong => false,
        };
        if !is_explained {
            self.mark_unexplained(what);
        }
    }

    fn mark_unexplained(&mut self, what: Corruption) {
        self.unexplained.get_or_insert(what);
    }

    /// Whether zeros right before a piece end with a sector; `None` if there are none.
    fn follows_zeros(&mut self, piece: &Piece<'_>) -> Option<bool> {
        let end = self.zeros_end.take()?;
        Some(end == piece.offset && end.is_multiple_of(SECTOR_BYTES))
    }
}

/// Whether bytes may be the beginning of a valid line that was cut off.
fn may_be_cut(bytes: &[u8]) -> bool {
    let is_shown = |byte: &u8| *byte >= b' ' && *byte != 0x7f;
    // A UTF-8 character may be cut off, but must be valid up to the cut.
    let is_text = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    // A complete line and one byte: the newline was damaged.
    let is_line_and_more =
        bytes.split_last().is_some_and(|(_, line)| text::strip_checksum(line).is_ok());
    bytes.iter().all(is_shown) && is_text && !is_line_and_more
}

fn at(piece: &Piece<'_>, within: u64, what: impl Into<String>) -> Corruption {
    let (line, byte) = (piece.line, piece.offset + within);
    Corruption { file: LOG.into(), line, byte, what: what.into() }
}

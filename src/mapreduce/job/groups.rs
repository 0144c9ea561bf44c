//! Sorted records, grouped by key.

use super::fault::Fault;
use super::records::{
    KeySpan, LineChunks, RecordCursor, Records, SortMemory, Values, append_record,
};
use super::runs::{Merge, sort_error};

/// Iterates over groups: [`next_key`](Groups::next_key) gives a key, then the [`Values`] of that
/// key follow.
pub struct Groups {
    source: Source,
    /// The current key.
    key: Vec<u8>,
    /// Whether the current key may have more values.
    in_group: bool,
}

enum Source {
    Memory {
        records: Records,
        next: RecordCursor,
        /// The first span of the current key.
        first: Option<KeySpan>,
    },
    Runs {
        merge: Merge,
        /// Records of the current key, as lines.
        lines: Vec<u8>,
    },
}

/// Records from runs are returned in chunks of up to this size, or one longer record.
const LINES_BYTES: usize = 1024 * 1024;

impl Groups {
    /// Groups of sorted records in memory.
    pub(super) fn in_memory(records: Records) -> Groups {
        Groups::of(Source::Memory { records, next: RecordCursor::default(), first: None })
    }

    /// Groups of sorted runs.
    pub(super) fn in_runs(merge: Merge) -> Groups {
        Groups::of(Source::Runs { merge, lines: Vec::new() })
    }

    fn of(source: Source) -> Groups {
        Groups { source, key: Vec::new(), in_group: false }
    }

    /// The next key. Unread values of the previous key are skipped.
    ///
    /// # Errors
    /// A run could not be read.
    pub fn next_key(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        while self.in_group {
            self.in_group = self.next_lines()?.count() > 0;
        }
        let key = match &mut self.source {
            Source::Memory { records, next, first } => {
                *first = records.span(*next).copied();
                first.as_ref().map(|span| records.key(span))
            }
            Source::Runs { merge, .. } => merge.key().map_err(|e| sort_error(&e))?,
        };
        let Some(key) = key else { return Ok(None) };
        self.key.clear();
        self.key.extend_from_slice(key);
        self.in_group = true;
        Ok(Some(self.key.clone()))
    }

    /// Up to `most` next keys with the lines of all their values, if they are in memory. Empty if
    /// they are not, and at the end.
    pub fn next_in_memory(&mut self, most: usize) -> Vec<(&[u8], Vec<&[u8]>)> {
        let Source::Memory { records, next, first: before } = &mut self.source else {
            return Vec::new();
        };
        let records = &*records;
        if let Some(first) = before.take() {
            LineChunks::of(records, next, &first).for_each(drop);
        }
        self.in_group = false;
        let mut groups = Vec::new();
        while groups.len() < most
            && let Some(first) = records.span(*next)
        {
            let mut pieces = Vec::new();
            while records.has_key_of(*next, first) {
                pieces.extend(records.next_lines(next));
            }
            groups.push((records.key(first), pieces));
        }
        groups
    }

    /// The memory, to be reused by another sorter.
    pub fn into_memory(self) -> SortMemory {
        match self.source {
            Source::Memory { records, .. } => records.into_memory(),
            Source::Runs { .. } => SortMemory::default(),
        }
    }
}

impl Values for Groups {
    fn next(&mut self) -> Result<Option<&[u8]>, Fault> {
        match &mut self.source {
            Source::Memory { records, next, first: Some(first) }
                if records.has_key_of(*next, first) =>
            {
                Ok(records.next_value(next))
            }
            Source::Runs { merge, .. } if self.in_group => merge.next_of(&self.key),
            _ => Ok(None),
        }
    }

    fn next_lines(&mut self) -> Result<LineChunks<'_>, Fault> {
        match &mut self.source {
            Source::Memory { records, next, first } => {
                let first = first.as_ref();
                Ok(first
                    .map_or(LineChunks::single(None), |first| LineChunks::of(records, next, first)))
            }
            Source::Runs { merge, lines } => {
                lines.clear();
                while self.in_group && lines.len() < LINES_BYTES {
                    let Some(value) = merge.next_of(&self.key)? else { break };
                    append_record(&self.key, value, lines);
                }
                Ok(LineChunks::single(Some(&lines[..]).filter(|lines| !lines.is_empty())))
            }
        }
    }
}

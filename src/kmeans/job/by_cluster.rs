//! Builds the records of points, grouped by cluster, from the lines of the input.
//!
//! There are many short lines. Copying a line in one step of fixed size, whose excess bytes are
//! overwritten by the next line, takes a third of the time of a copy of its exact length.

use crate::text::push_u64;

/// Concatenated lines.
#[derive(Default)]
pub(super) struct PointLines {
    text: Vec<u8>,
    /// The end of each line in the text, after its newline; a line begins at the end of the one
    /// before.
    ends: Vec<usize>,
}

impl PointLines {
    /// Appends a line and a newline.
    pub(super) fn push(&mut self, line: &[u8]) {
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        self.ends.push(self.text.len());
    }
}

/// The records of all clusters, in reused memory.
#[derive(Default)]
pub(super) struct ByCluster {
    clusters: Vec<ClusterRecords>,
}

/// The records of one cluster.
#[derive(Default)]
struct ClusterRecords {
    /// `index TAB`; the rest is unused.
    key: [u8; KEY_BYTES],
    key_bytes: usize,
    /// Records up to `len`; then zeros or stale bytes.
    bytes: Vec<u8>,
    len: usize,
    count: u64,
}

/// Enough for any index and a tab: there are at most 100,000 clusters.
const KEY_BYTES: usize = 8;
/// A shorter line is copied in one step.
const STEP_BYTES: usize = 32;

impl ByCluster {
    /// Rebuilds the records from lines and the label of each.
    pub(super) fn fill(&mut self, clusters: usize, labels: &[u32], lines: &PointLines) {
        self.clusters.truncate(clusters);
        self.clusters.iter_mut().for_each(ClusterRecords::clear);
        for index in self.clusters.len()..clusters {
            self.clusters.push(ClusterRecords::new(index));
        }
        let mut start = 0;
        for (label, end) in labels.iter().zip(&lines.ends) {
            if let Some(records) = self.clusters.get_mut(*label as usize) {
                records.push(&lines.text[start..], end - start);
            }
            start = *end;
        }
    }

    /// By cluster: its key, its records as lines, and their number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8], u64)> {
        self.clusters.iter().map(|records| {
            let key = &records.key[..records.key_bytes.saturating_sub(1)];
            (key, &records.bytes[..records.len], records.count)
        })
    }
}

impl ClusterRecords {
    fn new(index: usize) -> ClusterRecords {
        let mut text = Vec::new();
        push_u64(index as u64, &mut text);
        text.push(b'\t');
        let mut key = [0; KEY_BYTES];
        key[..text.len()].copy_from_slice(&text);
        ClusterRecords { key, key_bytes: text.len(), ..ClusterRecords::default() }
    }

    fn clear(&mut self) {
        (self.len, self.count) = (0, 0);
    }

    /// Adds a record with the first `line_bytes` bytes of `text`, which may be longer.
    #[inline]
    fn push(&mut self, text: &[u8], line_bytes: usize) {
        let needed = KEY_BYTES + line_bytes.max(STEP_BYTES);
        if self.bytes.len() - self.len < needed {
            self.grow(needed);
        }
        let target = &mut self.bytes[self.len..][..needed];
        target[..KEY_BYTES].copy_from_slice(&self.key);
        let target = &mut target[self.key_bytes..];
        match (text.first_chunk::<STEP_BYTES>(), target.first_chunk_mut::<STEP_BYTES>()) {
            (Some(step), Some(target)) if line_bytes <= STEP_BYTES => *target = *step,
            _ => copy(&mut target[..line_bytes], &text[..line_bytes]),
        }
        self.len += self.key_bytes + line_bytes;
        self.count += 1;
    }

    /// Grows by `needed` bytes and half of the present length.
    #[cold]
    fn grow(&mut self, needed: usize) {
        self.bytes.resize(self.len + self.len / 2 + needed, 0);
    }
}

/// Not inlined, so that the compiler keeps the copy of fixed size without a call.
#[inline(never)]
fn copy(target: &mut [u8], line: &[u8]) {
    target.copy_from_slice(line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    #[test]
    fn records_are_keys_and_lines_in_the_order_of_the_input() {
        each_seed(|seed| {
            if !seed.one_in(20) {
                return;
            }
            let mut by_cluster = ByCluster::default();
            for _ in 0..3 {
                let most = *seed.pick(&[2, 20, 200]);
                let clusters = 1 + seed.below(most);
                let longest = *seed.pick(&[5, 31, 33, 100]);
                let mut lines = PointLines::default();
                let mut expected = vec![(Vec::new(), 0); clusters];
                let mut labels = Vec::new();
                for number in 0..seed.below(200) {
                    let line = vec![b'a' + number as u8 % 26; seed.below(longest)];
                    let label = seed.below(clusters);
                    lines.push(&line);
                    labels.push(label as u32);
                    expected[label].0.extend_from_slice(format!("{label}\t").as_bytes());
                    expected[label].0.extend_from_slice(&line);
                    expected[label].0.push(b'\n');
                    expected[label].1 += 1;
                }
                by_cluster.fill(clusters, &labels, &lines);
                for (index, (key, records, count)) in by_cluster.iter().enumerate() {
                    assert_eq!(key, index.to_string().as_bytes());
                    assert_eq!((records, count), (&expected[index].0[..], expected[index].1));
                }
                assert_eq!(by_cluster.iter().count(), clusters);
            }
        });
    }

    #[test]
    fn the_highest_key_fits() {
        let records = ClusterRecords::new(crate::kmeans::MAX_CENTROIDS - 1);
        assert!(records.key_bytes <= KEY_BYTES);
    }
}

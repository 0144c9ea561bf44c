//! Adds up points that arrive as text: the reduce of a job without combining.

use std::sync::{Mutex, PoisonError};

use super::KMeans;
use crate::kmeans::extent::Extent;
use crate::kmeans::sums::{FixedPointScale, Sums};
use crate::kmeans::{Error, Partial, Reader};
use crate::mapreduce::job::{TaskContext, Work};
use crate::text::find;

/// The bytes of points that are added up at once (more if a line is longer): the parsed points stay
/// in the cache of the core.
const SHARE_BYTES: usize = 128 * 1024;
/// There is one adder, possibly with its own thread, for as many bytes.
const ADDER_BYTES: usize = 512 * 1024;

/// The points of a cluster, in chunks of whole lines `key TAB point NEWLINE`.
pub(super) struct Group<'l> {
    /// The length of the key and its tab.
    pub(super) key_bytes: usize,
    pub(super) pieces: Vec<&'l [u8]>,
}

/// The partial sum of each group.
pub(super) fn add_points(
    job: &KMeans,
    dims: usize,
    groups: &[Group<'_>],
    context: &mut dyn TaskContext,
) -> Result<Vec<Partial>, Error> {
    let shares: Vec<_> = groups.iter().enumerate().flat_map(shares).collect();
    let bytes: usize = groups.iter().flat_map(|group| &group.pieces).map(|piece| piece.len()).sum();
    let adders = context.threads().min(bytes / ADDER_BYTES).max(1);
    let sums: Vec<_> = groups.iter().map(|_| Mutex::new(Partial::empty(dims))).collect();
    let shares = Mutex::new(shares.into_iter());
    // A panic while a lock is held fails the task.
    let next = || shares.lock().unwrap_or_else(PoisonError::into_inner).next();
    let add = || -> Result<(), Error> {
        let mut adder = Adder::new(job, dims)?;
        while let Some((number, share)) = next() {
            let partial = adder.add(groups[number].key_bytes, &share)?;
            sums[number].lock().unwrap_or_else(PoisonError::into_inner).merge(&partial)?;
        }
        Ok(())
    };
    let mut results = vec![Ok(()); adders];
    let add = &add;
    let work = results.iter_mut().map(|result| -> Work<'_> { Box::new(move || *result = add()) });
    context.run_parallel(work.collect());
    results.into_iter().collect::<Result<(), Error>>()?;
    let sums = sums.into_iter().map(|sum| sum.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(sums.collect())
}

/// Splits the lines of a group into shares of about [`SHARE_BYTES`], each with the number of the
/// group.
fn shares<'l>((number, group): (usize, &Group<'l>)) -> Vec<(usize, Vec<&'l [u8]>)> {
    let mut shares = Vec::new();
    let (mut share, mut bytes) = (Vec::new(), 0);
    for piece in &group.pieces {
        let mut piece = *piece;
        while !piece.is_empty() {
            let (before, behind) = cut(piece, SHARE_BYTES - bytes);
            share.push(before);
            bytes += before.len();
            piece = behind;
            if bytes >= SHARE_BYTES {
                shares.push((number, std::mem::take(&mut share)));
                bytes = 0;
            }
        }
    }
    if bytes > 0 {
        shares.push((number, share));
    }
    shares
}

/// Splits lines after the first line end at or behind `bytes`.
fn cut(lines: &[u8], bytes: usize) -> (&[u8], &[u8]) {
    let from = bytes.clamp(1, lines.len().max(1)) - 1;
    let line_end = find(b'\n', lines.get(from..).unwrap_or_default());
    lines.split_at(line_end.map_or(lines.len(), |end| from + end + 1))
}

/// Parses and adds up points, in reused memory.
struct Adder(Reader);

impl Adder {
    fn new(job: &KMeans, dims: usize) -> Result<Adder, Error> {
        let mut format = job.format.clone();
        (format.skip_bad, format.header) = (false, false);
        Ok(Adder(Reader::new(format, Some(dims), 0, false)?))
    }

    fn add(&mut self, key_bytes: usize, lines: &[&[u8]]) -> Result<Partial, Error> {
        let Adder(reader) = self;
        reader.reset(key_bytes);
        lines.iter().try_for_each(|lines| reader.read(lines)).map_err(|bad| bad.error)?;
        let points = reader.points();
        let mut sums = Sums::new(FixedPointScale::new(&Extent::of(points), points.len()), 1);
        sums.add_all(0, points);
        Ok(sums.partial(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmeans::Format;
    use crate::mapreduce::job::Fault;
    use crate::seed::each_seed;

    /// Runs the work items one after the other, in reverse order.
    struct Backwards {
        threads: usize,
    }

    impl TaskContext for Backwards {
        fn check_cancelled(&mut self) -> Result<(), Fault> {
            Ok(())
        }

        fn progress(&mut self) {}

        fn status(&mut self, _: &str) {}

        fn threads(&self) -> usize {
            self.threads
        }

        fn run_parallel(&mut self, work: Vec<Work<'_>>) {
            assert!(work.len() <= self.threads);
            work.into_iter().rev().for_each(|piece| piece());
        }
    }

    fn job(delimiter: u8) -> KMeans {
        let format = Format::new(delimiter).unwrap();
        KMeans { format, dims: 2, combines: false }
    }

    #[test]
    fn lines_are_cut_at_their_ends() {
        let cuts = [(0, "ab\n"), (3, "ab\n"), (4, "ab\n\n"), (5, "ab\n\nc\n"), (9, "ab\n\nc\n")];
        for (bytes, first) in cuts {
            let (before, behind) = cut(b"ab\n\nc\n", bytes);
            assert_eq!(before, first.as_bytes(), "{bytes}");
            assert_eq!([before, behind].concat(), b"ab\n\nc\n");
        }
        assert_eq!(cut(b"", 5), (&b""[..], &b""[..]));
    }

    #[test]
    fn shares_are_few_and_have_all_lines_in_order() {
        let text = b"7\t1,2\n".repeat(100_000);
        let (small, large) = text.split_at(6 * 70_000);
        let pieces = small.chunks(6).chain([large]).collect();
        let shares = shares((3, &Group { key_bytes: 2, pieces }));
        assert!(shares.iter().all(|(number, _)| *number == 3));
        let together: Vec<Vec<u8>> = shares.iter().map(|(_, share)| share.concat()).collect();
        assert_eq!(together.concat(), text);
        let lengths: Vec<usize> = together.iter().map(Vec::len).collect();
        assert_eq!(lengths, [131_076, 131_076, 131_076, 131_076, 75_696]);
    }

    #[test]
    fn sums_do_not_depend_on_chunks_and_threads() {
        each_seed(|seed| {
            if !seed.one_in(2_000) {
                return;
            }
            let delimiter = *seed.pick(b",\t ");
            let (mut texts, mut expected) = (Vec::new(), Vec::new());
            for _ in 0..seed.below(4) {
                let key = seed.below(200).to_string();
                let (mut lines, mut sum) = (Vec::new(), Partial::empty(2));
                let most = *seed.pick(&[3, 2_000, 60_000]);
                for _ in 0..seed.below(most) {
                    let [x, y] = [seed.below(1_000_000) as f64 / 1e6, seed.below(1_000) as f64];
                    sum.add(&[x, y]);
                    let text = format!("{key}\t{x}{}{y}\n", char::from(delimiter));
                    lines.extend_from_slice(text.as_bytes());
                }
                texts.push((key.len() + 1, lines));
                expected.push(sum);
            }
            let longest = *seed.pick(&[1, 100_000, 1_000_000]);
            let mut groups = Vec::new();
            for (key_bytes, lines) in &texts {
                let (mut pieces, mut left) = (Vec::new(), &lines[..]);
                while !left.is_empty() {
                    let (piece, behind) = cut(left, longest);
                    pieces.push(piece);
                    left = behind;
                }
                groups.push(Group { key_bytes: *key_bytes, pieces });
            }
            for threads in [1, 3] {
                let sums = add_points(&job(delimiter), 2, &groups, &mut Backwards { threads });
                assert_eq!(sums.as_ref(), Ok(&expected), "{threads} threads");
            }
        });
    }

    #[test]
    fn an_invalid_point_is_an_error_at_any_place() {
        let mut lines = b"7\t1,2\n".repeat(400_000);
        let at = lines.len() / 12 * 6;
        for at in [at, 0] {
            lines[at + 3] = b';';
            let groups = [Group { key_bytes: 2, pieces: vec![&lines] }];
            let sums = add_points(&job(b','), 2, &groups, &mut Backwards { threads: 3 });
            assert_eq!(sums, Err(Error::NoDelimiter));
        }
    }
}

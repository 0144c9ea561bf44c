//! Points that came one by one, as text, added up: what a reduce does without combining.

use super::{KMeans, fault};
use crate::kmeans::extent::Extent;
use crate::kmeans::sums::{Grains, Sums};
use crate::kmeans::{Error, Partial, Reader};
use crate::mapreduce::job::{Fault, Host, ReduceTask, Values, Work};
use crate::text::find;

/// So many bytes of points are added up at once, or a line that is longer.
const CHUNK_BYTES: usize = 128 * 1024;
/// A thread has so many to add up: several times what beginning it takes.
const THREAD_BYTES: usize = 256 * 1024;

/// What the points of a cluster add up to. Each value is the text of one.
pub(super) fn add_points(
    job: &KMeans,
    dims: usize,
    key: &[u8],
    values: &mut dyn Values,
    task: &mut ReduceTask<'_>,
) -> Result<Partial, Fault> {
    let mut adders = Vec::new();
    for _ in 0..task.host.threads().max(1) {
        adders.push(Adder::new(job, dims, key).map_err(|error| fault(&error))?);
    }
    loop {
        let pieces: Vec<&[u8]> = values.next_lines()?.collect();
        if pieces.is_empty() {
            break;
        }
        task.host.check()?;
        task.host.progress();
        add_side_by_side(&mut adders, &pieces, task.host).map_err(|error| fault(&error))?;
    }
    let mut sum = Partial::empty(dims);
    for adder in adders {
        let partial = adder.finish().map_err(|error| fault(&error))?;
        sum.merge(&partial).map_err(|error| fault(&error))?;
    }
    Ok(sum)
}

/// Shares pieces of lines among adders, as many as there is enough to do for.
fn add_side_by_side(
    adders: &mut [Adder],
    pieces: &[&[u8]],
    host: &mut dyn Host,
) -> Result<(), Error> {
    let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
    let threads = adders.len().min(bytes / THREAD_BYTES).max(1);
    let shares = shares(pieces, bytes.div_ceil(threads));
    let mut results = vec![Ok(()); shares.len()];
    let work = adders.iter_mut().zip(shares).zip(&mut results);
    let work = work.map(|((adder, share), result)| -> Work<'_> {
        Box::new(move || *result = share.into_iter().try_for_each(|lines| adder.add(lines)))
    });
    host.side_by_side(work.collect());
    results.into_iter().collect()
}

/// Pieces of whole lines cut into shares of whole lines, all but the last of this many bytes or a
/// little more.
fn shares<'l>(pieces: &[&'l [u8]], bytes: usize) -> Vec<Vec<&'l [u8]>> {
    let mut shares = vec![Vec::new()];
    let mut left = bytes;
    for piece in pieces {
        let mut piece = *piece;
        while !piece.is_empty() {
            if left == 0 {
                shares.push(Vec::new());
                left = bytes;
            }
            let (before, behind) = cut(piece, left);
            shares.last_mut().into_iter().for_each(|share| share.push(before));
            left = left.saturating_sub(before.len());
            piece = behind;
        }
    }
    shares
}

/// Adds points up, chunk by chunk: neither their text nor they are ever copied.
struct Adder {
    reader: Reader,
    /// Bytes of lines whose points are still in the reader.
    read_bytes: usize,
    sum: Partial,
}

impl Adder {
    fn new(job: &KMeans, dims: usize, key: &[u8]) -> Result<Adder, Error> {
        let mut format = job.format.clone();
        (format.skip_bad, format.header) = (false, false);
        let reader = Reader::new(format, Some(dims), 0, false)?.of_records(key.len() + 1);
        Ok(Adder { reader, read_bytes: 0, sum: Partial::empty(dims) })
    }

    /// Adds the points of whole lines, `key TAB point NEWLINE` each.
    fn add(&mut self, mut lines: &[u8]) -> Result<(), Error> {
        while !lines.is_empty() {
            let (chunk, left) = cut(lines, CHUNK_BYTES - self.read_bytes);
            self.reader.read(chunk).map_err(|bad| bad.error)?;
            self.read_bytes += chunk.len();
            if self.read_bytes >= CHUNK_BYTES {
                self.sum_up()?;
            }
            lines = left;
        }
        Ok(())
    }

    fn sum_up(&mut self) -> Result<(), Error> {
        let points = self.reader.points();
        let mut sums = Sums::new(Grains::new(&Extent::of(points), points.len()), 1);
        points.iter().for_each(|point| sums.shift(None, 0, point));
        self.sum.merge(&sums.partial(0))?;
        self.reader.clear();
        self.read_bytes = 0;
        Ok(())
    }

    fn finish(mut self) -> Result<Partial, Error> {
        self.sum_up()?;
        Ok(self.sum)
    }
}

/// Cuts whole lines into the fewest that have so many bytes, if there are so many, and the others.
fn cut(lines: &[u8], bytes: usize) -> (&[u8], &[u8]) {
    let from = bytes.clamp(1, lines.len().max(1)) - 1;
    let line_end = find(b'\n', lines.get(from..).unwrap_or_default());
    lines.split_at(line_end.map_or(lines.len(), |end| from + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmeans::Format;
    use crate::seed::each_seed;

    struct OneByOne;

    impl Host for OneByOne {
        fn check(&mut self) -> Result<(), Fault> {
            Ok(())
        }

        fn progress(&mut self) {}

        fn status(&mut self, _: &str) {}

        fn threads(&self) -> usize {
            1
        }

        fn side_by_side(&mut self, work: Vec<Work<'_>>) {
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
    fn shares_are_all_lines_in_order() {
        let pieces: [&[u8]; 3] = [b"a\nb\nc\n", b"d\n", b"e\nf\n"];
        let texts = |bytes| -> Vec<String> {
            let text = |share: &Vec<&[u8]>| String::from_utf8(share.concat()).unwrap();
            shares(&pieces, bytes).iter().map(text).collect()
        };
        assert_eq!(texts(12), ["a\nb\nc\nd\ne\nf\n"]);
        assert_eq!(texts(7), ["a\nb\nc\nd\n", "e\nf\n"]);
        assert_eq!(texts(4), ["a\nb\n", "c\nd\n", "e\nf\n"]);
        assert_eq!(texts(1).len(), 6);
    }

    #[test]
    fn points_add_up_to_the_same_however_many_adders_there_are() {
        each_seed(|seed| {
            if !seed.one_in(2_000) {
                return;
            }
            let delimiter = *seed.pick(b",\t ");
            let key = seed.below(200).to_string();
            let (mut lines, mut expected) = (Vec::new(), Partial::empty(2));
            let most = *seed.pick(&[3, 20_000, 200_000]);
            for _ in 0..seed.below(most) {
                let point = [seed.below(1_000_000) as f64 / 1e6, seed.below(1_000) as f64];
                expected.add(&point);
                let text = format!("{key}\t{}{}{}\n", point[0], char::from(delimiter), point[1]);
                lines.extend_from_slice(text.as_bytes());
            }
            for count in [1, 2, 3] {
                let adder = || Adder::new(&job(delimiter), 2, key.as_bytes()).unwrap();
                let mut adders: Vec<Adder> = (0..count).map(|_| adder()).collect();
                let (before, behind) = cut(&lines, seed.below(lines.len() + 1));
                let pieces = shares(&[before], 1 + seed.below(100_000)).concat();
                add_side_by_side(&mut adders, &pieces, &mut OneByOne).unwrap();
                add_side_by_side(&mut adders, &[behind], &mut OneByOne).unwrap();
                let mut sum = Partial::empty(2);
                adders.into_iter().for_each(|adder| sum.merge(&adder.finish().unwrap()).unwrap());
                assert_eq!(sum, expected, "{count} adders");
            }
        });
    }

    #[test]
    fn what_is_no_point_is_an_error_of_any_adder() {
        let mut lines = b"7\t1,2\n".repeat(400_000);
        lines.extend_from_slice(b"7\t1;2\n");
        let mut adders: Vec<Adder> =
            (0..3).map(|_| Adder::new(&job(b','), 2, b"7").unwrap()).collect();
        assert_eq!(
            add_side_by_side(&mut adders, &[&lines], &mut OneByOne),
            Err(Error::NoDelimiter)
        );
    }
}

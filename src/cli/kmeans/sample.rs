//! A sample of the points of the input, for a page: it is read apart from the job, which does not
//! wait for it.

use std::path::PathBuf;

use crate::kmeans::{Format, Points, Reader};
use crate::mapreduce::files::Inputs;

/// Shorter input is read as a whole.
const WHOLE_BYTES: u64 = 4 * 1024 * 1024;
/// What a line may take beside its coordinates, and what a coordinate may take.
const LINE_BYTES: u64 = 4 * 1024;
const COORDINATE_BYTES: u64 = 40;

/// At most `wanted` points of the input, in its order. Lines that are not points are left out. From
/// long input it takes the lines behind places that are evenly spread; so longer lines are a little
/// more likely.
///
/// # Errors
/// A description of what cannot be read.
pub(super) fn points(
    input: &[PathBuf],
    format: &Format,
    dims: usize,
    wanted: usize,
) -> Result<Points, String> {
    let opened = Inputs::open_all(input);
    let (mut inputs, _) = opened.map_err(|(path, error)| format!("{}: {error}", path.display()))?;
    let mut format = format.clone();
    format.skip_bad = true;
    let total: u64 = inputs.lengths().iter().sum();
    if total <= WHOLE_BYTES {
        let all = whole(&mut inputs, &format, dims)?;
        return every(&all, dims, wanted);
    }
    let mut reader = reader(&format, dims, false)?;
    for number in 0..wanted as u64 {
        let offset = u128::from(total) * u128::from(number) / wanted.max(1) as u128;
        let window = LINE_BYTES + COORDINATE_BYTES * dims as u64;
        if let Some(line) = line_behind(&mut inputs, offset as u64, 2 * window)? {
            reader.read(&line).map_err(|bad| bad.to_string())?;
        }
    }
    reader.finish().map(|(points, _)| points).map_err(|bad| bad.to_string())
}

fn reader(format: &Format, dims: usize, starts_file: bool) -> Result<Reader, String> {
    Reader::new(format.clone(), Some(dims), 0, starts_file).map_err(|error| error.to_string())
}

/// All points of all files.
fn whole(inputs: &mut Inputs, format: &Format, dims: usize) -> Result<Vec<Points>, String> {
    let lengths = inputs.lengths();
    let read = |(file, length): (u32, u64)| {
        let mut bytes = Vec::new();
        let read = inputs.append(file, 0, length, &mut bytes);
        read.map_err(|error| error.to_string())?;
        let mut reader = reader(format, dims, true)?;
        reader.read(&bytes).map_err(|bad| bad.to_string())?;
        reader.finish().map(|(points, _)| points).map_err(|bad| bad.to_string())
    };
    (0..).zip(lengths).map(read).collect()
}

/// So many of these points, evenly spread.
fn every(all: &[Points], dims: usize, wanted: usize) -> Result<Points, String> {
    let count: usize = all.iter().map(Points::len).sum();
    let wanted = wanted.min(count);
    let mut taken = Points::new(dims).map_err(|error| error.to_string())?;
    let mut next = 0;
    for (index, point) in all.iter().flat_map(Points::iter).enumerate() {
        if taken.len() < wanted && index >= next {
            taken.push(index as u64, point).map_err(|error| error.to_string())?;
            next = count * taken.len() / wanted;
        }
    }
    Ok(taken)
}

/// The first complete line behind a place in the input, with its end, if it is within so many bytes
/// of the place and in the same file.
fn line_behind(inputs: &mut Inputs, place: u64, bytes: u64) -> Result<Option<Vec<u8>>, String> {
    let mut start = place;
    for (file, length) in (0..).zip(inputs.lengths()) {
        if start >= length {
            start -= length;
            continue;
        }
        let mut window = Vec::new();
        let read = inputs.append(file, start, length.min(start + bytes), &mut window);
        read.map_err(|error| error.to_string())?;
        let mut lines = window.split_inclusive(|byte| *byte == b'\n').skip(1);
        return Ok(lines.next().filter(|line| line.ends_with(b"\n")).map(<[u8]>::to_vec));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that is removed at the end of the test.
    struct Written(PathBuf);

    impl Written {
        fn new(name: &str, text: &str) -> Written {
            let name = format!("agora-sample-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            std::fs::write(&path, text).unwrap();
            Written(path)
        }
    }

    impl Drop for Written {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn format() -> Format {
        let mut format = Format::default();
        format.header = true;
        format
    }

    fn firsts(points: &Points) -> Vec<f64> {
        points.iter().map(|point| point[0]).collect()
    }

    #[test]
    fn of_little_input_all_points_are_taken_or_evenly_spread_ones() {
        let first = Written::new("a", "x,y\n0,5\n1,5\n2,5\n3,5\n");
        let second = Written::new("b", "x,y\n4,5\nnonsense\n5,5");
        let input = [first.0.clone(), second.0.clone()];
        let all = points(&input, &format(), 2, 100).unwrap();
        assert_eq!(firsts(&all), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let some = points(&input, &format(), 2, 3).unwrap();
        assert_eq!(firsts(&some), [0.0, 2.0, 4.0]);
    }

    #[test]
    fn of_much_input_lines_everywhere_are_taken() {
        let lines = (0..400_000).map(|number| format!("{number}.25,1000\n"));
        let file = Written::new("c", &format!("x,y\n{}", lines.collect::<String>()));
        let taken = points(std::slice::from_ref(&file.0), &format(), 2, 1_000).unwrap();
        let firsts = firsts(&taken);
        // The place behind which there is no line is the only one without a point.
        assert!((999..=1_000).contains(&firsts.len()), "{}", firsts.len());
        assert!(firsts.is_sorted() && firsts.iter().all(|x| x.fract() == 0.25));
        let low = firsts.iter().filter(|x| **x < 200_000.0).count();
        assert!((450..550).contains(&low), "{low}");
    }

    #[test]
    fn input_that_is_gone_is_named() {
        let missing = PathBuf::from("/nowhere/points.csv");
        let error = points(&[missing], &format(), 2, 10).unwrap_err();
        assert!(error.starts_with("/nowhere/points.csv: "), "{error}");
    }
}

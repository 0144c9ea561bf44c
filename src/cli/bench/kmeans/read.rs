//! The speed of parsing points.

use std::thread;
use std::time::Instant;

use super::{file, print_line, threads};
use crate::cli::Failure;
use crate::cli::flags::Parsed;
use crate::kmeans::{Format, Points, Reader};

/// Bytes read from a file at a time.
const PIECE_BYTES: usize = 1 << 20;

pub(super) fn read(parsed: &Parsed) -> Result<(), Failure> {
    let text = file(&parsed.required("input")?)?;
    let threads = threads(parsed)?;
    let bytes = parsed.number("mib", 300, 1..=100_000)? << 20;
    let copies = (bytes as usize).div_ceil(text.len().max(1) * threads).max(1);
    let work = || -> Result<Points, String> {
        let mut reader =
            Reader::new(Format::default(), None, 0, true).map_err(|e| e.to_string())?;
        for _ in 0..copies {
            for piece in text.chunks(PIECE_BYTES) {
                reader.read(piece).map_err(|bad| bad.to_string())?;
            }
        }
        Ok(reader.finish().map_err(|bad| bad.to_string())?.0)
    };
    let start = Instant::now();
    let read: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    let took = start.elapsed();
    let mut points = 0;
    for part in read {
        let part = part.map_err(|_| Failure::Failed("a thread panicked".into()))?;
        points += part.map_err(Failure::Failed)?.len();
    }
    let megabytes = (text.len() * copies * threads) as f64 / 1e6;
    let rate = megabytes / took.as_secs_f64() / threads as f64;
    print_line(&format!("{points} points, {megabytes:.0} MB, {rate:.0} MB/s a thread"))
}

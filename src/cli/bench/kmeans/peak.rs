//! The roofline of plain k-means, that is the limits of the machine: multiply-add operations and memory
//! reads.

use std::hint::black_box;
use std::thread;
use std::time::Instant;

use super::{print_line, threads};
use crate::cli::Failure;
use crate::cli::flags::Parsed;
use crate::kmeans::multiply_adds;

/// The number of tries; the best counts.
const TRIES: usize = 7;
/// Multiplications in a try, about 20 ms.
const MULTIPLICATIONS: u64 = 1 << 30;
/// Bytes that each thread reads in a try, many times the size of the caches.
const BYTES: usize = 256 << 20;

pub(super) fn peak(parsed: &Parsed) -> Result<(), Failure> {
    let threads = threads(parsed)?;
    let multiplications = best(
        threads,
        || (),
        |()| {
            black_box(multiply_adds(MULTIPLICATIONS));
        },
    );
    let flop_per_s = 2.0 * MULTIPLICATIONS as f64 * threads as f64 / multiplications;
    let reading = best(
        threads,
        || vec![1_u64; BYTES / 8],
        |words| {
            // Eight independent sums, so that memory is the only limit.
            let (rows, _) = words.as_chunks::<8>();
            let mut sums = [0_u64; 8];
            for row in rows {
                sums.iter_mut().zip(row).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
            }
            black_box(sums);
        },
    );
    let bytes_per_s = BYTES as f64 * threads as f64 / reading;
    print_line(&format!("f32_gflop_per_s {:.1}", flop_per_s / 1e9))?;
    // A vector holds half as many.
    print_line(&format!("f64_gflop_per_s {:.1}", flop_per_s / 2e9))?;
    print_line(&format!("read_gb_per_s {:.1}", bytes_per_s / 1e9))
}

/// The seconds of the fastest try, with all threads.
fn best<T: Sync>(threads: usize, prepare: impl Fn() -> T, work: impl Fn(&T) + Sync) -> f64 {
    let prepared: Vec<T> = (0..threads).map(|_| prepare()).collect();
    let mut best = f64::INFINITY;
    for _ in 0..TRIES {
        let start = Instant::now();
        thread::scope(|scope| {
            for own in &prepared {
                let work = &work;
                scope.spawn(move || work(own));
            }
        });
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}

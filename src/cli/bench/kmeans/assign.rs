//! Measures iterations, with a split for each thread.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::{given, ms, print_line, threads};
use crate::cli::Failure;
use crate::cli::flags::Parsed;
use crate::kmeans::{Centroids, Dyadic, Partial, Points, Split, Step};

pub(super) fn assign(parsed: &Parsed) -> Result<(), Failure> {
    let iterations = parsed.number("iterations", 20, 1..=1_000_000)?;
    let threads = threads(parsed)?;
    let (points, mut centroids) = given(parsed)?;
    let because = |error| Failure::because("k-means", error);
    let about = format!(
        "{} points of {} coordinates, {} centroids, {threads} threads",
        points.len(),
        points.dims(),
        centroids.len()
    );
    let parts = cut(&points, threads).map_err(because)?;
    drop(points);
    let start = Instant::now();
    let (mut splits, squares) = prepared(parts);
    print_line(&format!("{about}; prepared in {:.3} ms", ms(start.elapsed())))?;
    let (mut total, mut total_cpu) = (Duration::ZERO, Duration::ZERO);
    let mut done = 0;
    for iteration in 1..=iterations {
        let start = Instant::now();
        let (moved, cpu) = assign_all(&mut splits, &centroids).map_err(because)?;
        let assigned = start.elapsed();
        let clusters = merged(&splits, &centroids).map_err(because)?;
        let step = Step::new(&centroids, &clusters, &squares).map_err(because)?;
        let took = start.elapsed();
        total += took;
        total_cpu += cpu;
        done = iteration;
        print_line(&format!(
            "{iteration:4} {:9.3} ms  assign {:9.3} ms, CPU {:9.3} ms  moved {moved:9}  \
             shift {:.3e}  error {:.9e}",
            ms(took),
            ms(assigned),
            ms(cpu),
            step.shift,
            step.squared_error.to_f64()
        ))?;
        let converged = step.shift == 0.0;
        centroids = step.centroids;
        if converged {
            break;
        }
    }
    let mean = |total| ms(total) / done as f64;
    print_line(&format!("mean {:.3} ms an iteration, CPU {:.3} ms", mean(total), mean(total_cpu)))
}

/// Parts of equal length, in order.
fn cut(points: &Points, parts: usize) -> Result<Vec<Points>, crate::kmeans::Error> {
    let part = |part: usize| {
        let mut own = Points::new(points.dims())?;
        for index in points.len() * part / parts..points.len() * (part + 1) / parts {
            own.push(points.offset(index), points.get(index))?;
        }
        Ok(own)
    };
    (0..parts).map(part).collect()
}

/// Splits in memory, and the sum of their squares.
fn prepared(parts: Vec<Points>) -> (Vec<Split>, Dyadic) {
    let prepare = |points| {
        let split = Split::new(points);
        let squares = split.squares();
        (split, squares)
    };
    let prepared: Vec<(Split, Dyadic)> = thread::scope(|scope| {
        let threads: Vec<_> =
            parts.into_iter().map(|points| scope.spawn(move || prepare(points))).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, (Split, Dyadic)>| match thread.join() {
            Ok(prepared) => prepared,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        threads.into_iter().map(join).collect()
    });
    let mut total = Dyadic::ZERO;
    let add = |(split, squares): (Split, Dyadic)| {
        total += &squares;
        split
    };
    (prepared.into_iter().map(add).collect(), total)
}

/// Assigns all splits, each in its own thread. Returns how many points moved, and the CPU time of
/// all threads.
fn assign_all(
    splits: &mut [Split],
    centroids: &Centroids,
) -> Result<(u64, Duration), crate::kmeans::Error> {
    let assign = |split: &mut Split| {
        let before = cpu_time();
        let moved = split.assign(centroids)?;
        Ok((moved, cpu_time().saturating_sub(before)))
    };
    if let [split] = splits {
        return assign(split);
    }
    let done: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> =
            splits.iter_mut().map(|split| scope.spawn(move || assign(split))).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        threads.into_iter().map(join).collect()
    });
    done.into_iter().try_fold((0, Duration::ZERO), |(moved, cpu), one| {
        one.map(|(more, time)| (moved + more, cpu + time))
    })
}

/// The CPU time of this thread, which depends less on other programs than wall time does. Zero
/// where the system does not have it (Linux: proc(5), schedstat).
fn cpu_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

fn merged(splits: &[Split], centroids: &Centroids) -> Result<Vec<Partial>, crate::kmeans::Error> {
    let mut clusters = vec![Partial::empty(centroids.dims()); centroids.len()];
    for split in splits {
        for (cluster, partial) in clusters.iter_mut().enumerate() {
            partial.merge(&split.partial(cluster))?;
        }
    }
    Ok(clusters)
}

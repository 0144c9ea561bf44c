//! `agora bench kmeans`: the arithmetic of k-means alone, without processes and sockets.

mod synthetic;

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::Failure;
use crate::cli::flags::{Flags, Parsed};
use crate::kmeans::{
    Centroids, Dyadic, Format, MAX_CENTROIDS, MAX_DIMS, Partial, Points, Reader, Split, Step,
    merge, seeding,
};
use synthetic::Shape;

const USAGE: &str = "agora bench kmeans read|assign [FLAGS]";
const ABOUT: &str = "\
Measures k-means without processes and sockets.

  read     reads --input as text, --mib of it
  assign   clusters --input or points made up, and prints each iteration's time

Threads have a split each. --save writes points and first centroids for other programs: f64 in
little-endian order, row after row.";

/// Bytes read from a file at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Does what the first argument says.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(USAGE, ABOUT)
        .value("input", "points as text", "FILE")
        .value("points", "how many to make up (1000000)", "N")
        .value("dims", "coordinates of a point (2)", "D")
        .value("shape", "uniform, or clustered around centres (uniform)", "SHAPE")
        .value("clusters", "centroids (10)", "K")
        .value("iterations", "at most (20)", "N")
        .value("threads", "threads (1)", "N")
        .value("seed", "of points and first centroids (1)", "N")
        .value("mib", "how much text is read, repeating the file (300)", "MIB")
        .value("save", "an existing folder for points.f64 and centroids.f64", "DIR");
    let parsed = flags.parse(arguments)?;
    match parsed.free() {
        [word] if word == "read" => read(&parsed),
        [word] if word == "assign" => assign(&parsed),
        _ => Err(parsed.wrong("expected read or assign")),
    }
}

fn read(parsed: &Parsed) -> Result<(), Failure> {
    let text = file(&parsed.required("input")?)?;
    let threads = parsed.number("threads", 1, 1..=256)? as usize;
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
    say(&format!("{points} points, {megabytes:.0} MB, {rate:.0} MB/s a thread"))
}

fn assign(parsed: &Parsed) -> Result<(), Failure> {
    let k = parsed.number("clusters", 10, 1..=MAX_CENTROIDS as u64)? as usize;
    let iterations = parsed.number("iterations", 20, 1..=1_000_000)?;
    let threads = parsed.number("threads", 1, 1..=256)? as usize;
    let seed = parsed.parsed("seed", 1_u64)?;
    let points = points(parsed, seed, k)?;
    let picked = merge([seeding::random(&points, seed, k)], k);
    let because = |error| Failure::because("k-means", error);
    let mut centroids = seeding::centroids(&picked, k).map_err(because)?;
    if let Some(folder) = parsed.text("save") {
        save(&format!("{folder}/points.f64"), points.coordinates())?;
        save(&format!("{folder}/centroids.f64"), centroids.coordinates())?;
    }
    let about = format!(
        "{} points of {} coordinates, {k} centroids, {threads} threads",
        points.len(),
        points.dims()
    );
    let parts = cut(&points, threads).map_err(because)?;
    drop(points);
    let start = Instant::now();
    let (mut splits, squares) = prepared(parts);
    say(&format!("{about}; prepared in {:.3} ms", ms(start.elapsed())))?;
    let mut total = Duration::ZERO;
    let mut done = 0;
    for iteration in 1..=iterations {
        let start = Instant::now();
        let moved = assign_all(&mut splits, &centroids).map_err(because)?;
        let assigned = start.elapsed();
        let clusters = merged(&splits, &centroids).map_err(because)?;
        let step = Step::new(&centroids, &clusters, &squares).map_err(because)?;
        let took = start.elapsed();
        total += took;
        done = iteration;
        say(&format!(
            "{iteration:4} {:9.3} ms  assign {:9.3} ms  moved {moved:9}  shift {:.3e}  error {:.9e}",
            ms(took),
            ms(assigned),
            step.shift,
            step.squared_error.to_f64()
        ))?;
        let converged = step.shift == 0.0;
        centroids = step.centroids;
        if converged {
            break;
        }
    }
    say(&format!("mean {:.3} ms an iteration", ms(total) / done as f64))
}

fn points(parsed: &Parsed, seed: u64, k: usize) -> Result<Points, Failure> {
    if let Some(path) = parsed.text("input") {
        let bad = |error: &dyn std::fmt::Display| Failure::because(&path, error);
        let mut reader =
            Reader::new(Format::default(), None, 0, true).map_err(|error| bad(&error))?;
        reader.read(&file(&path)?).map_err(|error| bad(&error))?;
        return reader.finish().map(|(points, _)| points).map_err(|error| bad(&error));
    }
    let n = parsed.number("points", 1_000_000, 1..=1_000_000_000)? as usize;
    let dims = parsed.number("dims", 2, 1..=MAX_DIMS as u64)? as usize;
    let shape = parsed.parsed("shape", Shape::Uniform)?;
    synthetic::points(shape, n, dims, k, seed).map_err(|error| Failure::because("points", error))
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

fn assign_all(splits: &mut [Split], centroids: &Centroids) -> Result<u64, crate::kmeans::Error> {
    if let [split] = splits {
        return split.assign(centroids);
    }
    thread::scope(|scope| {
        let threads: Vec<_> =
            splits.iter_mut().map(|split| scope.spawn(move || split.assign(centroids))).collect();
        let moved = threads.into_iter().map(|thread| match thread.join() {
            Ok(moved) => moved,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        moved.sum()
    })
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

fn file(path: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| file.read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| Failure::because(path, error))
}

fn save(path: &str, numbers: &[f64]) -> Result<(), Failure> {
    let written = File::create(path).and_then(|file| {
        let mut file = BufWriter::new(file);
        numbers.iter().try_for_each(|x| file.write_all(&x.to_le_bytes()))?;
        file.flush()
    });
    written.map_err(|error| Failure::because(path, error))
}

fn say(line: &str) -> Result<(), Failure> {
    let written = writeln!(io::stdout(), "{line}");
    written.map_err(|error| Failure::because("stdout", error))
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

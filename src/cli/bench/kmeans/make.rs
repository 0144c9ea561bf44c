//! Files of points and initial centroids, as text and as f64.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::{given, print_line};
use crate::cli::Failure;
use crate::cli::flags::Parsed;

pub(super) fn make(parsed: &Parsed) -> Result<(), Failure> {
    let folder = parsed.required("save")?;
    let (points, centroids) = given(parsed)?;
    let dims = points.dims();
    for (name, rows) in [("points", points.coordinates()), ("centroids", centroids.coordinates())] {
        // Points of a file exist as text already.
        if name != "points" || parsed.text("input").is_none() {
            write(&format!("{folder}/{name}.txt"), |file| text(file, rows, dims))?;
        }
        write(&format!("{folder}/{name}.f64"), |file| {
            rows.iter().try_for_each(|x| file.write_all(&x.to_le_bytes()))
        })?;
    }
    print_line(&format!(
        "{} points of {dims} coordinates, {} centroids",
        points.len(),
        centroids.len()
    ))
}

/// Each number as the shortest text that parses to it.
fn text(file: &mut impl Write, rows: &[f64], dims: usize) -> io::Result<()> {
    for row in rows.chunks_exact(dims) {
        for (place, x) in row.iter().enumerate() {
            let before: &dyn Display = if place == 0 { &"" } else { &"," };
            write!(file, "{before}{x}")?;
        }
        file.write_all(b"\n")?;
    }
    Ok(())
}

fn write(
    path: &str,
    rows: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), Failure> {
    let written = crate::files::create(path.as_ref()).and_then(|file| {
        let mut file = BufWriter::new(file);
        rows(&mut file)?;
        file.flush()
    });
    written.map_err(|error| Failure::because(path, error))
}

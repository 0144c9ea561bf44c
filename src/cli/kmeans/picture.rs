//! `--plot`: collects the data of a plot during the clustering, and writes the plot.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::cli::flags::{Flags, Parsed};
use crate::kmeans::job::{Clustering, DriverEvent};
use crate::kmeans::plot::{Axes, History, Plot, Sample};
use crate::mapreduce::files::PendingFile;
use crate::mapreduce::master::TaskOutput;
use crate::text::{find, parse_f64, parse_u64};

/// The data of the plot.
pub(super) struct Picture {
    target: PathBuf,
    axes: Option<Axes>,
    note: Option<String>,
    k: usize,
    dims: usize,
    /// The history of the current start.
    history: History,
    /// The history of the best finished start, and its number.
    best: Option<(u64, History)>,
}

/// Adds the flags.
pub(super) fn flags(flags: Flags) -> Flags {
    flags
        .value("plot", "plot the points, the paths of the centroids, and the errors", "FILE.svg")
        .value(
            "plot-axes",
            "the coordinates to plot, and to draw on the page, by number from 1, optionally with names: 2=longitude,\
             1=latitude (default: the only two, or the first two principal axes)",
            "RIGHT,UP",
        )
        .value(
            "plot-note",
            "a line at the foot of the plot, such as the source of the data",
            "TEXT",
        )
}

/// The error in a flag.
type Wrong = String;

/// A coordinate to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedCoordinate {
    /// From 0.
    pub(super) index: usize,
    pub(super) name: String,
}

impl NamedCoordinate {
    /// Without a name of its own.
    pub(super) fn new(index: usize) -> NamedCoordinate {
        NamedCoordinate { index, name: format!("coordinate {}", index + 1) }
    }
}

/// The coordinates of `--plot-axes`, right and up.
pub(super) fn coordinates(
    parsed: &Parsed,
    dims: usize,
) -> Result<Option<[NamedCoordinate; 2]>, Failure> {
    let Some(text) = parsed.text("plot-axes") else { return Ok(None) };
    let read = parse_coordinates(&text, dims);
    read.map(Some).map_err(|why| parsed.wrong(format!("--plot-axes {text:?}: {why}")))
}

/// Reads `--plot-axes`.
fn parse_coordinates(text: &str, dims: usize) -> Result<[NamedCoordinate; 2], Wrong> {
    let axis = |text: &str| -> Result<NamedCoordinate, Wrong> {
        let (number, name) = text.split_once('=').unwrap_or((text, ""));
        let place = number.trim().parse().ok().filter(|place| (1..=dims).contains(place));
        let place = place.ok_or(format!("{number:?} is none of the {dims} coordinates"))?;
        let unnamed = NamedCoordinate::new(place - 1);
        Ok(match name {
            "" => unnamed,
            name => NamedCoordinate { name: name.to_owned(), ..unnamed },
        })
    };
    let (right, up) = text.split_once(',').ok_or("expected two coordinates, such as 1,2")?;
    Ok([axis(right)?, axis(up)?])
}

fn axes(coordinates: [NamedCoordinate; 2]) -> Axes {
    let [right, up] = coordinates;
    Axes::coordinates(right.index, up.index).named([right.name, up.name])
}

impl Picture {
    /// The plot that the flags ask for. Errors in the flags and the target are found here, not at
    /// the end.
    pub(super) fn from_flags(
        parsed: &Parsed,
        k: usize,
        dims: usize,
    ) -> Result<Option<Picture>, Failure> {
        let Some(target) = parsed.text("plot") else {
            if parsed.text("plot-note").is_some() {
                return Err(parsed.wrong("--plot-note belongs to --plot"));
            }
            return match (parsed.text("plot-axes"), parsed.text("page")) {
                (Some(_), None) => Err(parsed.wrong("--plot-axes belongs to --plot or --page")),
                _ => Ok(None),
            };
        };
        let axes = coordinates(parsed, dims)?.map(axes);
        let target = PathBuf::from(target);
        if target.is_dir() {
            return Err(Failure::because(&target.display().to_string(), "it is a directory"));
        }
        let begun = PendingFile::create(&target, std::process::id().into());
        begun.map_err(|error| Failure::because(&target.display().to_string(), error))?;
        Ok(Some(Picture {
            target,
            axes,
            note: parsed.text("plot-note"),
            k,
            dims,
            history: History::new(k, dims),
            best: None,
        }))
    }

    /// Takes the events of a round.
    pub(super) fn take(&mut self, news: &[DriverEvent], best: Option<&Clustering>) {
        for news in news {
            match news {
                DriverEvent::Scanned { .. } => {}
                DriverEvent::Started { centroids, .. } => {
                    self.history = History::new(self.k, self.dims);
                    self.history.step(centroids);
                }
                DriverEvent::Iterated { iteration, squared_error, centroids, .. } => {
                    self.history.step(centroids);
                    self.history.error(*iteration, *squared_error);
                }
                DriverEvent::Relocated { centroids } => self.history.step(centroids),
                DriverEvent::Ended(ended)
                    if best.is_some_and(|best| best.restart == ended.restart) =>
                {
                    self.best = Some((ended.restart, self.history.clone()));
                }
                DriverEvent::Ended(_) => {}
            }
        }
    }

    /// Draws the best clustering, with the labels that map tasks wrote.
    pub(super) fn draw(
        self,
        best: &Clustering,
        outputs: &[TaskOutput],
        input: &[PathBuf],
    ) -> Result<(), Failure> {
        let failed = |error| Failure::because(&self.target.display().to_string(), error);
        let sample = sample(self.dims, outputs).map_err(failed)?;
        let axes = self.axes.unwrap_or_else(|| Axes::of(self.dims, &sample.shown()));
        // Of a start that ended before this master began only the centroids are known.
        let known = self.best.filter(|(restart, _)| *restart == best.restart);
        let history = known.map(|(_, history)| history).unwrap_or_else(|| {
            let mut history = History::new(self.k, self.dims);
            history.step(&best.centroids);
            history
        });
        let svg = Plot {
            title: &title(best, input),
            sample: &sample,
            axes: &axes,
            history: &history,
            sizes: &best.sizes,
            attribution: self.note.as_deref(),
        }
        .svg();
        let written = PendingFile::create(&self.target, std::process::id().into());
        let written = written.and_then(|mut file| {
            file.write_all(svg.as_bytes())?;
            file.commit_durably()
        });
        written.map_err(failed)
    }
}

fn title(best: &Clustering, input: &[PathBuf]) -> String {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names = match input {
        [] => String::new(),
        [one] => name(one),
        [first, rest @ ..] => format!("{} and {} more", name(first), rest.len()),
    };
    let (clusters, error) = (best.centroids.len(), best.squared_error.to_f64());
    format!("{names}: {clusters} clusters, squared error {}", eight_digits(error))
}

/// A human-readable number with at most eight digits.
fn eight_digits(x: f64) -> String {
    let rounded = format!("{x:.7e}");
    match rounded.parse::<f64>() {
        Ok(x) if x == 0.0 || (1e-4..1e12).contains(&x.abs()) => x.to_string(),
        _ => rounded,
    }
}

/// Reads lines of labels and points.
fn sample(dims: usize, outputs: &[TaskOutput]) -> io::Result<Sample> {
    let mut sample = Sample::new(dims);
    let mut number = 0;
    let mut line = Vec::new();
    for output in outputs {
        let mut reader = BufReader::with_capacity(256 * 1024, output.open()?);
        while reader.read_until(b'\n', &mut line)? > 0 {
            let shown = line.strip_suffix(b"\n").unwrap_or(&line);
            let (label, rest) = label(shown).ok_or_else(|| wrong(shown))?;
            let mut is_wrong = false;
            sample.offer(number, label, || {
                let point: Vec<f64> =
                    rest.split(|byte| *byte == b',').map_while(parse_f64).collect();
                is_wrong = point.len() != dims;
                point
            });
            if is_wrong {
                return Err(wrong(shown));
            }
            number += 1;
            line.clear();
        }
    }
    Ok(sample)
}

fn label(line: &[u8]) -> Option<(u32, &[u8])> {
    let (label, rest) = line.split_at_checked(find(b'\t', line)?)?;
    Some((parse_u64(label)?.try_into().ok()?, rest.get(1..)?))
}

fn wrong(line: &[u8]) -> io::Error {
    let line = line.get(..line.len().min(100)).unwrap_or_default().escape_ascii().to_string();
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a map task wrote what it should not: {line}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_coordinates_by_number_with_names_or_without() {
        let axes = |text: &str, dims| parse_coordinates(text, dims).map(super::axes);
        let plain = Axes::coordinates(1, 0);
        let named = |right: &str, up: &str| plain.clone().named([right.into(), up.into()]);
        assert_eq!(axes("2,1", 2), Ok(plain.clone()));
        assert_eq!(axes("2=longitude,1=latitude", 2), Ok(named("longitude", "latitude")));
        assert_eq!(axes("2,1=latitude", 2), Ok(named("coordinate 2", "latitude")));
        for wrong in ["", "1", "0,1", "1,3", "x,1", "-1,2", "1,2,3"] {
            assert!(axes(wrong, 2).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_short() {
        let all = [0.0, 78.851441426146, 17401415.424702488, 1.5e-9, 3e20];
        let expected = ["0", "78.851441", "17401415", "1.5000000e-9", "3.0000000e20"];
        assert_eq!(all.map(eight_digits), expected);
    }

    #[test]
    fn labels_are_read_as_map_tasks_write_them() {
        let outputs = [&b"0\t1.5,2.0\n7\t-1e-7,3"[..], b"", b"1\t5.0,6.0\n"];
        let outputs = outputs.map(|text| TaskOutput::Memory(text.to_vec()));
        let sample = sample(2, &outputs).unwrap();
        let shown = sample.shown();
        let labels: Vec<(u64, u32)> =
            shown.iter().map(|shown| (shown.number, shown.label)).collect();
        assert_eq!(labels, [(0, 0), (1, 7), (2, 1)]);
        assert_eq!(shown[1].point, [-1e-7, 3.0]);
        for wrong in ["x\t1,2\n", "0 1,2\n", "0\t1\n", "0\t1,2,3\n", "0\t1,x\n"] {
            let outputs = [TaskOutput::Memory(wrong.as_bytes().to_vec())];
            assert!(super::sample(2, &outputs).is_err(), "{wrong}");
        }
    }
}

//! k-means end to end: the same bits in every configuration and with every failure.

use std::fs;
use std::time::Duration;

use crate::processes::{Folder, Worker, signal};
use crate::seed::Seed;
use crate::wait::pace;

const IRIS: &str = include_str!("../data/iris.csv");
const POINTS: &str = include_str!("../data/points.txt");
const POINTS2: &str = include_str!("../data/points2.txt");
const POINTS3: &str = include_str!("../data/points3.txt");
/// GeoNames, CC BY 4.0: test/data/README.md.
const CITIES: &str = include_str!("../data/cities.csv");

/// Points of 15 digits around some centers.
pub fn blobs(seed: u64, count: usize) -> String {
    let mut seed = Seed::new(seed);
    let mut unit = move || (seed.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let places: Vec<[f64; 3]> = (0..7).map(|_| [unit(), unit(), unit()]).collect();
    let mut text = String::new();
    for number in 0..count {
        for (dim, x) in places[number % places.len()].iter().enumerate() {
            let x = 1000.0 * x + 90.0 * (unit() + unit() + unit() - 1.5) - 500.0;
            let comma = if dim == 0 { "" } else { "," };
            text.push_str(&format!("{comma}{x:.12}"));
        }
        text.push('\n');
    }
    text
}

/// The result files of a clustering.
fn result(folder: &Folder) -> [String; 2] {
    ["Data/centroids.txt", "Data/labels.txt"].map(|name| folder.read(name))
}

/// The lines of iterations in `dump.txt`, without the time at their end.
fn iterations_of(folder: &Folder) -> Vec<String> {
    let dump = folder.read("Data/dump.txt");
    let without_time = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words[..words.len() - 2].join(" ")
    };
    dump.lines().filter(|line| line.starts_with("iteration ")).map(without_time).collect()
}

#[test]
fn thirty_ways_to_run_it_have_one_result() {
    let blobs = blobs(1, 3_000);
    let mut seed = Seed::new(8);
    let inputs: [(&str, &str, &[&str]); 3] = [
        ("iris.csv", IRIS, &["-k", "4", "--init", "k-means++"]),
        ("cities.csv", CITIES, &["-k", "9", "--iterations", "12"]),
        ("blobs.csv", &blobs, &["-k", "7", "--iterations", "12"]),
    ];
    let ways: [&[&str]; 10] = [
        &["-m", "2", "-r", "1"],
        &["-m", "1", "-r", "3", "--no-cache"],
        &["-m", "3", "-r", "2", "--no-combine"],
        &["-m", "5", "-r", "4", "--no-backup"],
        &["-m", "2", "-r", "2", "--no-combine", "--no-cache"],
        &["-m", "3", "-r", "1", "--fail-probability", "0.3"],
        &["-m", "2", "-r", "3", "--fail-probability", "0.5", "--no-combine"],
        &["-m", "4", "-r", "2", "--sort-memory", "1", "--no-combine"],
        &["-m", "9", "-r", "5"],
        &["-m", "2", "-r", "2", "--protocol", "grpc"],
    ];
    for (name, text, flags) in inputs {
        let folder = Folder::new();
        folder.file(name, text);
        let line = [&["kmeans", "--input", name][..], flags].concat();
        let output = folder.succeed(&[&line[..], &["-m", "1", "-r", "1", "-q"]].concat());
        let (expected, steps) = (result(&folder), iterations_of(&folder));
        assert_eq!(output.stdout, expected[0]);
        assert!(steps.len() > 2, "{steps:?}");
        for (number, way) in ways.into_iter().enumerate() {
            if number % 3 == 2 {
                // One or two workers are killed at a random time.
                let line = [&line[..], way, &["--task-delay", "0.02"]].concat();
                let mut job = folder.start(&line);
                job.lines.wait_for("SUCCESS");
                for _ in 0..2 {
                    pace(Duration::from_millis(seed.below(150) as u64));
                    let kind = *seed.pick(&["mapper", "reducer"]);
                    let workers = job.workers(kind);
                    if let Some(victim) = workers.get(seed.below(workers.len())) {
                        let _ = std::process::Command::new("kill")
                            .args(["-s", "KILL", &victim.to_string()])
                            .output();
                    }
                }
                job.succeed();
            } else {
                folder.succeed(&[&line[..], way].concat());
            }
            assert!(result(&folder) == expected, "{name} {way:?}");
            assert_eq!(iterations_of(&folder), steps, "{name} {way:?}");
        }
    }
}

#[test]
fn killed_workers_do_not_change_the_result() {
    let folder = Folder::new();
    folder.file("blobs.csv", blobs(2, 2_000));
    let line = ["kmeans", "--input", "blobs.csv", "-k", "5", "--iterations", "15"];
    folder.succeed(&[&line[..], &["-m", "1", "-q"]].concat());
    let (expected, steps) = (result(&folder), iterations_of(&folder));
    let mut seed = Seed::new(3);
    for combine in [&[][..], &["--no-combine"]] {
        let more = ["-m", "3", "-r", "2", "--task-delay", "0.05"];
        let mut job = folder.start(&[&line[..], &more, combine].concat());
        for number in 2..12 {
            job.lines.wait_for(&format!("iteration {number:3}"));
            pace(Duration::from_millis(seed.below(60) as u64));
            let workers = job.workers(if seed.one_in(2) { "mapper" } else { "reducer" });
            if let Some(victim) = workers.get(seed.below(workers.len())) {
                signal(*victim, "KILL");
            }
        }
        let output = job.succeed();
        assert!(output.contains("FAILURE: its worker is gone"), "{output}");
        assert!(result(&folder) == expected);
        assert_eq!(iterations_of(&folder), steps);
    }
}

#[test]
fn a_killed_master_resumes_from_its_checkpoint() {
    let folder = Folder::new();
    folder.file("blobs.csv", blobs(4, 2_000));
    let line = ["kmeans", "--input", "blobs.csv", "-k", "6", "--iterations", "14", "-m", "2"];
    folder.succeed(&[&line[..], &["-q"]].concat());
    let (expected, steps) = (result(&folder), iterations_of(&folder));
    fs::remove_file(folder.0.join("Data/centroids.txt")).unwrap();
    let resume = [&line[..], &["--resume", "--task-delay", "0.05"]].concat();
    let mut began = Vec::new();
    for until in [3, 6, 9] {
        let mut job = folder.start(&resume);
        job.lines.wait_for(&format!("iteration {until:3}"));
        job.child.kill().unwrap();
        began.push(job.lines.seen.join("\n"));
    }
    folder.succeed(&[&resume[..], &["-q"]].concat());
    assert!(result(&folder) == expected);
    let dump = folder.read("Data/dump.txt");
    assert_eq!(dump.matches("Nothing to resume").count(), 1, "{dump}");
    assert_eq!(dump.matches("Resumed").count(), 3, "{dump}");
    // Every iteration is listed; those during which a master was killed may be listed twice.
    let mut seen = iterations_of(&folder);
    seen.dedup();
    assert!(steps.iter().all(|step| seen.contains(step)));
    assert!(!folder.has("Data/checkpoint.txt"), "it is done");
}

/// The results of an iteration may be reported while the next one runs, but before its lines.
#[test]
fn iterations_are_reported_in_order() {
    let folder = Folder::new();
    folder.file("blobs.csv", blobs(7, 500));
    let line = ["kmeans", "--input", "blobs.csv", "-k", "5", "--iterations", "6", "-m", "2", "-v"];
    for delay in ["0.001", "0.03"] {
        let output = folder.succeed(&[&line[..], &["--task-delay", delay]].concat());
        for text in [folder.read("Data/dump.txt"), output.stderr] {
            let words = ["Iteration", "iteration", "Centroids:"];
            let reported: Vec<Vec<&str>> =
                text.lines().map(|line| line.split(' ').collect()).collect();
            let reported: Vec<&str> = reported.iter().map(|line| line[0]).collect();
            let reported: Vec<&str> =
                reported.into_iter().filter(|word| words.contains(word)).collect();
            assert!(reported.len() >= 9, "{text}");
            assert!(reported.chunks(3).all(|of_one| words.starts_with(of_one)), "{text}");
            assert_eq!(text.matches(" called").count(), text.matches("SUCCESS").count(), "{text}");
        }
    }
}

#[test]
fn a_checkpoint_of_another_job_is_refused() {
    let folder = Folder::new();
    folder.file("blobs.csv", blobs(5, 500));
    let line = ["kmeans", "--input", "blobs.csv", "-k", "6", "-m", "1", "--task-delay", "0.05"];
    let mut job = folder.start(&line);
    job.lines.wait_for("iteration   3");
    job.child.kill().unwrap();
    let resumed = [&line[..], &["--resume", "-q"]].concat();
    let other = folder.run(&[&resumed[..], &["--seed", "2"]].concat());
    assert_eq!(other.code, Some(1));
    assert!(
        other.stderr.contains("checkpoint.txt: it is of a job with other flags"),
        "{}",
        other.stderr
    );
    let path = folder.0.join("Data/checkpoint.txt");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("CENTROID ", "CENTROID 1", 1)).unwrap();
    let damaged = folder.run(&resumed);
    assert_eq!(damaged.code, Some(1));
    assert!(damaged.stderr.contains("is damaged; without --resume"), "{}", damaged.stderr);
    fs::write(&path, text).unwrap();
    folder.succeed(&resumed);
}

#[test]
fn known_clusterings_are_found() {
    let folder = Folder::new();
    folder.file("points.txt", POINTS);
    folder.file("iris.csv", IRIS);
    let line = ["kmeans", "--input", "points.txt", "-k", "2", "-m", "2", "-r", "2"];
    let output = folder.succeed(&line);
    assert!(output.stderr.contains("squared error 104.0264"), "{}", output.stderr);
    let mut lines: Vec<&str> = output.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["-0.175,8.141666666666667", "9.547368421052632,1.0473684210526315"]);
    folder.file("points2.txt", POINTS2);
    folder.file("points3.txt", POINTS3);
    for (name, k, error) in [
        ("points2.txt", "2", "12343.1006"),
        ("points3.txt", "2", "590.53359"),
        ("iris.csv", "3", "78.851441426146"),
        ("iris.csv", "2", "152.34795176035"),
    ] {
        let line = ["kmeans", "--input", name, "-k", k, "--restarts", "20", "-m", "2"];
        let output =
            folder.succeed(&[&line[..], &["--data", name.split('.').next().unwrap()]].concat());
        let words = format!("squared error {error}");
        assert!(output.stderr.contains(&words), "{name}, {k}: {}", output.stderr);
        assert!(output.stderr.contains("the best of 20 starts"), "{}", output.stderr);
        assert!(output.stderr.contains("sizes "), "{}", output.stderr);
    }
}

#[test]
fn points_are_read_as_they_are_written() {
    let folder = Folder::new();
    let line = ["kmeans", "-k", "2", "-m", "2", "-q", "--init", "centroids.txt"];
    folder.file("centroids.txt", "1.0,1.0\n5.0,5.0\n");
    for (text, flags) in [
        ("1,1\n5,5\n1,2\n5,6", &[][..]),
        (" 1 ; +1.0\r\n5;5e0\r\n\r\n1;2.\r\n5;6\r\n", &["--delimiter", ";"]),
        ("x\ty\n1\t1\n5\t5\n1\t2\n5\t6\n", &["--delimiter", "tab", "--header"]),
        ("1  1\n5 5\n  1 2\n5   6\n", &["--delimiter", "space"]),
        ("1,1\nnan,5\n5,5\nbad\n1,2\n5,6,7\n5,6\n", &["--skip-bad"]),
    ] {
        folder.file("Data/Input/points.txt", text);
        let output = folder.succeed(&[&line[..], flags].concat());
        assert_eq!(output.stdout, "1.0,1.5\n5.0,5.5\n", "{text:?}");
        let labels = folder.read("Data/labels.txt");
        assert_eq!(labels, "0\t1.0,1.0\n1\t5.0,5.0\n0\t1.0,2.0\n1\t5.0,6.0\n", "{text:?}");
    }
}

#[test]
fn new_points_get_labels_from_what_was_found() {
    let folder = Folder::new();
    folder.file("centroids.txt", "1.0,1.5\n5.0,5.5\n");
    let predict = |text: &str, flags: &[&str]| {
        folder.file("new.csv", text);
        let line = ["kmeans", "--predict", "new.csv", "--centroids", "centroids.txt", "-q"];
        folder.run(&[&line[..], flags].concat())
    };
    let expected = "0\t0.0,0.0\n1\t9.0,9.0\n";
    for (text, flags) in [
        ("0,0\n9,9", &["-m", "2"][..]),
        ("0;0\r\n9;9\r\n", &["--delimiter", ";"]),
        ("x y\n0 0\n9 9\n", &["--delimiter", "space", "--header"]),
        ("0,0\n9,9,9\nnine\n9,9\n", &["--skip-bad", "-m", "3"]),
    ] {
        let output = predict(text, flags);
        assert_eq!((output.code, &output.stdout[..]), (Some(0), expected), "{}", output.stderr);
    }
    assert_eq!(predict("", &[]).stdout, "", "nothing has no labels");
    assert_eq!(predict("", &[]).code, Some(0));
    assert_eq!(predict("0,0\n9,9\n", &["--output", "labels.txt"]).stdout, "");
    assert_eq!(folder.read("labels.txt"), expected);
    for (text, words) in [
        ("1,2\n1,2,3\n", "new.csv, line 2, column 1: 3 coordinates instead of 2"),
        ("1\n", "new.csv, line 1, column 1: 1 coordinates instead of 2"),
        ("1,2\n1,two\n", "new.csv, line 2, column 3: "),
    ] {
        let output = predict(text, &["--output", "none.txt"]);
        assert_eq!(output.code, Some(1), "{text:?}");
        assert!(output.stderr.contains(words), "{}", output.stderr);
        assert!(!folder.has("none.txt"));
    }
    folder.file("centroids.txt", "1,2\n3\n");
    let output = predict("1,2\n", &[]);
    assert!(output.stderr.contains("centroids.txt: line 2, column 1: "), "{}", output.stderr);
    folder.file("centroids.txt", "");
    assert_eq!(predict("1,2\n", &[]).code, Some(1));
}

#[test]
fn a_plot_does_not_depend_on_the_splits() {
    let folder = Folder::new();
    folder.file("iris.csv", IRIS);
    let line = ["kmeans", "--input", "iris.csv", "-k", "3", "--restarts", "4", "-q"];
    let note = "Iris, by R. A. Fisher";
    let mut pictures = ["1", "3"].map(|maps| {
        let more = ["-m", maps, "--plot", "iris.svg", "--plot-note", note, "--no-labels"];
        folder.succeed(&[&line[..], &more].concat());
        folder.read("iris.svg")
    });
    assert!(!folder.has("Data/labels.txt"));
    let [picture, other] = &mut pictures;
    assert!(picture == other);
    for words in ["iris.csv: 3 clusters", "first principal axis (92.", "150 points", note] {
        assert!(picture.contains(words), "{words}: {picture}");
    }
    // The legend and each cluster have a dot, each first centroid a ring.
    assert!(picture.matches("<circle").count() > 9, "{picture}");
    folder.succeed(&[&line[..], &["--plot", "axes.svg", "--plot-axes", "4=width,1"]].concat());
    let picture = folder.read("axes.svg");
    assert!(picture.contains(">width<") && picture.contains(">coordinate 1<"), "{picture}");
    // An output that cannot be written is an error before the work begins.
    let output = folder.run(&[&line[..], &["--plot", "missing/iris.svg"]].concat());
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("missing/iris.svg: No such file"), "{}", output.stderr);
    let output = folder.run(&[&line[..], &["--plot", "Data"]].concat());
    assert!(output.stderr.contains("Data: it is a directory"), "{}", output.stderr);
}

#[test]
fn a_bad_line_is_named_by_file_line_and_column() {
    let folder = Folder::new();
    let succeed: String = (0..1_000).map(|number| format!("{number},{number}.5\n")).collect();
    folder.file("a.csv", &succeed);
    folder.file("b.csv", format!("{succeed}12, 3x\n{succeed}"));
    let line = ["kmeans", "--input", "a.csv", "--input", "b.csv", "-k", "2", "-m", "5", "-q"];
    let output = folder.run(&line);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("b.csv, line 1001, column "), "{}", output.stderr);
    for (text, words) in [
        ("", "the input has no points"),
        ("a,b\n", "points.csv, line 1, column 1: "),
        ("1,2\n1,inf\n", "points.csv, line 2, column 3: "),
        ("1,2\n1,2,3\n", "points.csv, line 2, column 1: 3 coordinates instead of 2"),
        ("1,2\n1,2\n", "2 centroids need 2 different points, and there are 1"),
    ] {
        folder.file("points.csv", text);
        let output = folder.run(&["kmeans", "--input", "points.csv", "-k", "2", "-m", "1", "-q"]);
        assert_eq!(output.code, Some(1), "{text:?}: {}", output.stderr);
        assert!(output.stderr.contains(words), "{text:?}: {}", output.stderr);
    }
}

#[test]
fn flags_that_make_no_sense_are_wrong_usage() {
    let folder = Folder::new();
    folder.file("a", "1,2\n");
    folder.file("c", "1,2\n3,4\n");
    for line in [
        "kmeans --input a",
        "kmeans -k 2",
        "kmeans --input a -k 0",
        "kmeans --input a -k 100001",
        "kmeans --input a -k 2 -r 0",
        "kmeans --input a -k 2 --delimiter ab",
        "kmeans --input a -k 2 --delimiter 5",
        "kmeans --input a -k 2 --tolerance -1",
        "kmeans --input a -k 2 --empty drop",
        "kmeans --input a -k 3 --init c",
        "kmeans --input a --init c --restarts 2",
        "kmeans --predict a",
        "kmeans --predict a --centroids c -k 2",
        "kmeans --predict a --centroids c --plot x.svg",
        "kmeans --predict a --centroids c --input a",
        "kmeans --input a -k 2 --plot-axes 1,2",
        "kmeans --input a -k 2 --plot x.svg --plot-axes 1,3",
        "kmeans --input a --centroids c",
    ] {
        let output = folder.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(output.code, Some(2), "{line}: {}", output.stderr);
    }
    let output = folder.run(&["kmeans", "--input", "a", "--init", "missing"]);
    assert_eq!(output.code, Some(1), "{}", output.stderr);
}

#[test]
fn workers_elsewhere_keep_their_splits_from_round_to_round() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    folder.file("blobs.csv", blobs(6, 1_000));
    let line = ["kmeans", "--input", "blobs.csv", "-k", "5", "--iterations", "10"];
    folder.succeed(&[&line[..], &["-m", "1", "-q"]].concat());
    let expected = result(&folder);
    let mappers = [(); 2].map(|()| Worker::start(&elsewhere, "mapper", &["--data", "d"]));
    let reducer = Worker::start(&elsewhere, "reducer", &["--data", "d"]);
    let addresses = format!("{},{}", mappers[0].address, mappers[1].address);
    let named = ["--mappers", &addresses, "--reducers", &reducer.address, "--ship", "-m", "3"];
    folder.succeed(&[&line[..], &named].concat());
    assert!(result(&folder) == expected);
    let dump = folder.read("Data/dump.txt");
    let splits = (1..=3).map(|number| elsewhere.has(&format!("d/Mappers/M{number}/split.txt")));
    assert!(splits.into_iter().all(|is_there| is_there), "{dump}");
    // Three splits on two mappers: each split stays on its mapper.
    let places = |iteration: u32| -> Vec<String> {
        let from = dump.find(&format!("\nIteration {iteration}\n")).unwrap();
        let round = &dump[from..];
        let round = &round[..round.find("iteration ").unwrap()];
        let mut places: Vec<String> = round
            .lines()
            .filter(|line| line.contains(": map ") && line.contains(" called"))
            .map(|line| line.split(", ").next().unwrap().to_owned())
            .collect();
        places.sort();
        places
    };
    assert_eq!(places(3), places(9), "{dump}");
}

//! The trial of the course version, and mistakes that copies of that course assignment have made,
//! with the tests against them.
//!
//! | mistake | tests |
//! |---|---|
//! | an empty cluster loops forever, becomes NaN or jumps to (0,0) | here: `a_cluster_without_points_stays_where_it_is`; `kmeans/job/tests.rs` |
//! | a dead mapper is skipped, and the means are wrong | `kmeans::killed_workers_do_not_change_the_result`; `mapreduce/simulation.rs` |
//! | the retry runs the neighbour's split | the same two |
//! | completed maps of a dead mapper are not rerun | `faults::a_completed_map_of_a_killed_mapper_is_rerun` |
//! | a dead worker is never tried again | `workers::a_worker_that_is_restarted_at_its_address_is_a_new_one`, `faults::all_workers_may_be_killed_at_once` |
//! | the first K points are taken instead of random ones | here: `centroids_begin_at_random_points` |
//! | waits without a timeout | `faults::a_stopped_worker_is_replaced`, `refusals::workers_that_are_not_there_are_named` |

use crate::processes::{Folder, files_in, signal};

const POINTS: &str = include_str!("../data/points.txt");

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// The initial centroids in a dump, one per line.
fn first_centroids(dump: &str, k: usize) -> Vec<String> {
    let (_, rest) = dump.split_once("Initial centroids:\n").unwrap();
    rest.lines().take(k).map(str::to_owned).collect()
}

#[test]
fn the_course_trial() {
    let folder = Folder::new();
    folder.file("Data/Input/points.txt", POINTS);
    let line = ["kmeans", "-k", "2", "-m", "3", "-r", "2", "-v"];
    let expected = ["-0.175,8.141666666666667", "9.547368421052632,1.0473684210526315"];
    // Workers that fail at random.
    let output = folder.succeed(&[&line[..], &["--fail-probability", "0.5"]].concat());
    for words in ["\nIteration 1\n", ": SUCCESS", ": FAILURE: failed on purpose", "Centroids:\n"] {
        assert!(output.stderr.contains(words), "{words}: {}", output.stderr);
    }
    let points: Vec<String> = POINTS.lines().map(|line| line.trim().replace(' ', "")).collect();
    let same = |centroid: &str, point: &str| {
        let numbers = |text: &str| -> Vec<f64> {
            text.split(',').map(|number| number.parse().unwrap()).collect()
        };
        numbers(centroid) == numbers(point)
    };
    for centroid in first_centroids(&output.stderr, 2) {
        assert!(points.iter().any(|point| same(&centroid, point)), "{centroid}");
    }
    assert_eq!(sorted(&folder.read("Data/centroids.txt")), expected);
    let files = files_in(&folder.0.join("Data"));
    for map in 1..=3 {
        for reduce in 1..=2_u32 {
            let name = format!("Mappers/M{map}/partition_{reduce}.txt");
            assert!(files.contains(&name), "{files:?}");
            for line in folder.read(&format!("Data/{name}")).lines() {
                let (key, _) = line.split_once('\t').unwrap();
                assert_eq!(key.parse::<u32>().unwrap() % 2 + 1, reduce, "{name}: {line}");
            }
        }
    }
    for (reduce, key) in [("R1.txt", "0\t"), ("R2.txt", "1\t")] {
        assert!(folder.read(&format!("Data/Reducers/{reduce}")).starts_with(key));
    }
    assert!(files.contains(&"dump.txt".to_owned()), "{files:?}");
    let nothing_is_left = || {
        let files = files_in(&folder.0.join("Data"));
        assert!(files.iter().all(|name| !name.contains(".attempt_")), "{files:?}");
    };
    nothing_is_left();
    // A mapper and a reducer are killed during a task.
    let mut job = folder.start(&[&line[..7], &["--task-delay", "0.3"]].concat());
    for (words, kind) in [("Iteration 1", "mapper"), ("iteration   1", "reducer")] {
        job.lines.wait_for(words);
        job.lines.wait_for("called");
        signal(job.workers(kind)[0], "KILL");
    }
    let output = job.succeed();
    assert!(output.contains("FAILURE: its worker is gone"), "{output}");
    nothing_is_left();
    assert_eq!(sorted(&folder.read("Data/centroids.txt")), expected);
}

#[test]
fn a_cluster_without_points_stays_where_it_is() {
    let folder = Folder::new();
    folder.file("points.csv", "1,1\n2,2\n3,3\n100,100\n");
    folder.file("first.txt", "2,2\n500,-500\n2.5,2.5\n");
    let line = ["kmeans", "--input", "points.csv", "--init", "first.txt", "-m", "2", "-r", "3"];
    let output = folder.succeed(&line);
    assert_eq!(output.stdout, "2.0,2.0\n500.0,-500.0\n100.0,100.0\n");
    assert!(output.stderr.contains("sizes 3 0 1\n1 cluster has no points"), "{}", output.stderr);
    assert!(folder.read("Data/dump.txt").contains("without points: [1]"));
    // On request it moves to the point with the largest error.
    let output = folder.succeed(&[&line[..], &["--empty", "relocate"]].concat());
    assert!(
        !output.stdout.contains("500") && !output.stderr.contains("no points"),
        "{}",
        output.stderr
    );
}

#[test]
fn centroids_begin_at_random_points() {
    let points: Vec<String> =
        (0..500).map(|number| format!("{number}.5,{}.25", 7 * number)).collect();
    let folder = Folder::new();
    folder.file("points.csv", points.join("\n"));
    let mut taken = Vec::new();
    for seed in 1..=4 {
        let line =
            ["kmeans", "--input", "points.csv", "-k", "8", "--iterations", "1", "-q", "--seed"];
        folder.succeed(&[&line[..], &[&seed.to_string()]].concat());
        let first = first_centroids(&folder.read("Data/dump.txt"), 8);
        for centroid in first {
            taken.push(points.iter().position(|point| *point == centroid).unwrap());
        }
    }
    let first_eight = taken.iter().filter(|number| **number < 8).count();
    assert!(first_eight < 8, "{taken:?}");
    let quarters = [0, 125, 250, 375]
        .map(|low| taken.iter().filter(|number| (low..low + 125).contains(*number)).count());
    assert!(quarters.iter().all(|count| *count > 0), "{taken:?}");
    taken.sort_unstable();
    taken.dedup();
    assert!(taken.len() > 20, "four seeds take other points: {taken:?}");
}

//! Whole clusterings in memory: the result is the same, bit for bit, for any way of running them.

use super::*;
use crate::kmeans::Centroids;
use crate::mapreduce::execute::{LocalRound, run_local};
use crate::mapreduce::job::Cache;
use crate::seed::{Seed, each_seed};

const POINTS: &str = include_str!("../../../test/data/points.txt");
const IRIS: &str = include_str!("../../../test/data/iris.csv");

fn options(k: usize, dims: usize) -> Options {
    Options {
        k,
        dims,
        iterations: 100,
        tolerance: 0.0,
        seed: 1,
        init: Init::Random,
        restarts: 1,
        relocates: false,
        reduces: 1,
    }
}

fn job(dims: usize) -> KMeans {
    KMeans { format: Format::default(), dims, combines: true }
}

/// A job that runs in memory, and its events.
struct Run<'r> {
    job: &'r KMeans,
    splits: Vec<&'r [u8]>,
    caches: Vec<Cache>,
    /// The cache of a split is lost in one of as many rounds.
    forgets_one_in: usize,
    seed: Seed,
    events: Vec<DriverEvent>,
    labels: Vec<u8>,
}

impl<'r> Run<'r> {
    /// Splits the text at line ends, into at most `splits` parts.
    fn new(job: &'r KMeans, text: &'r str, splits: usize) -> Run<'r> {
        let text = text.as_bytes();
        let mut cuts = vec![0];
        for number in 1..splits {
            let target = text.len() * number / splits;
            let rest = text.iter().skip(target).position(|byte| *byte == b'\n');
            cuts.push(rest.map_or(text.len(), |at| target + at + 1));
        }
        cuts.push(text.len());
        let splits: Vec<&[u8]> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
        let caches = splits.iter().map(|_| None).collect();
        let (seed, events, labels) = (Seed::new(7), Vec::new(), Vec::new());
        Run { job, splits, caches, forgets_one_in: usize::MAX, seed, events, labels }
    }

    fn round(&mut self, driver: &mut Driver) -> Result<bool, String> {
        let Some(round) = driver.next_round() else { return Ok(false) };
        for cache in &mut self.caches {
            if self.seed.one_in(self.forgets_one_in) {
                *cache = None;
            }
        }
        let (outputs, counters) = run_local(LocalRound {
            job: self.job,
            splits: &self.splits,
            caches: &mut self.caches,
            map_parameter: &round.map,
            reduce_parameter: &round.reduce,
            reduces: round.reduces,
        })
        .map_err(|fault| fault.to_string())?;
        if round.reduces == 0 {
            self.labels = outputs.concat();
        }
        let events = driver.take(&outputs, &counters).map_err(|error| error.to_string())?;
        self.events.extend(events);
        Ok(true)
    }

    fn until_done(&mut self, options: Options) -> Result<Driver, String> {
        let mut driver = Driver::new(options);
        while self.round(&mut driver)? {}
        Ok(driver)
    }
}

fn cluster(
    text: &str,
    options: Options,
) -> Result<(Clustering, Vec<DriverEvent>, Vec<u8>), String> {
    let job = job(options.dims);
    let mut run = Run::new(&job, text, 1);
    let driver = run.until_done(options)?;
    Ok((driver.best().unwrap().clone(), run.events, run.labels))
}

#[test]
fn known_answers_are_reached() {
    let (best, _, labels) = cluster(POINTS, options(2, 2)).unwrap();
    assert_eq!(format!("{:.6}", best.squared_error.to_f64()), "104.026404");
    let mut centroids = best.centroids.to_string();
    if centroids.starts_with('9') {
        centroids = centroids.lines().rev().map(|line| format!("{line}\n")).collect();
    }
    assert_eq!(centroids, "-0.175,8.141666666666667\n9.547368421052632,1.0473684210526315\n");
    assert!(best.is_converged);
    assert_eq!(labels.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count(), 31);
    let restarts = Options { restarts: 20, ..options(3, 4) };
    let (best, ..) = cluster(IRIS, restarts).unwrap();
    assert_eq!(format!("{:.12}", best.squared_error.to_f64()), "78.851441426146");
}

#[test]
fn the_result_does_not_depend_on_how_the_job_runs() {
    for (text, dims, k) in [(POINTS, 2, 4), (IRIS, 4, 5)] {
        for init in [Init::Random, Init::PlusPlus] {
            let settings = Options { init, restarts: 2, ..options(k, dims) };
            let (expected, events, labels) = cluster(text, settings.clone()).unwrap();
            for (splits, reduces, combines, forgets_one_in) in [
                (1, 3, true, usize::MAX),
                (3, 1, true, 2),
                (7, 2, true, 3),
                (40, 9, true, usize::MAX),
                (1, 1, false, usize::MAX),
                (4, 3, false, 2),
            ] {
                let job = KMeans { combines, ..job(dims) };
                let mut run = Run::new(&job, text, splits);
                run.forgets_one_in = forgets_one_in;
                let driver = run.until_done(Options { reduces, ..settings.clone() }).unwrap();
                assert_eq!(driver.best(), Some(&expected));
                assert_eq!(run.events, events, "{splits} splits, {reduces} reduces");
                assert!(run.labels == labels);
            }
        }
    }
}

#[test]
fn a_restarted_master_resumes_with_the_same_result() {
    let settings = Options { restarts: 3, init: Init::PlusPlus, ..options(4, 4) };
    let (expected, events, _) = cluster(IRIS, settings.clone()).unwrap();
    let job = job(4);
    let mut run = Run::new(&job, IRIS, 2);
    let mut driver = Driver::new(settings.clone());
    let mut saved = 0;
    let file = |path: &str| InputFile { path: path.into(), bytes: 9, digest: "ab".into() };
    let input = ["iris.csv", "a \u{fc}b\n"].map(file);
    while run.round(&mut driver).unwrap() {
        let Some(text) = driver.save("csv", &input) else { continue };
        saved += 1;
        let restored = Driver::restore(settings.clone(), "csv", &text).unwrap();
        assert_eq!(restored.1, input);
        driver = restored.0;
        assert_eq!(driver.save("csv", &input).unwrap(), text);
        // Mappers lose their caches as well.
        run.caches.iter_mut().for_each(|cache| *cache = None);
    }
    assert!(saved > 10, "{saved}");
    assert_eq!(driver.best(), Some(&expected));
    assert_eq!(run.events, events);
}

#[test]
fn a_checkpoint_of_another_job_or_a_damaged_one_is_refused() {
    let job = job(2);
    let mut run = Run::new(&job, POINTS, 1);
    let settings = options(3, 2);
    let mut driver = Driver::new(settings.clone());
    run.round(&mut driver).unwrap();
    run.round(&mut driver).unwrap();
    let saved = driver.save("points", &[]).unwrap();
    assert!(Driver::restore(settings.clone(), "points", &saved).is_ok());
    let other = Options { seed: 2, ..settings.clone() };
    let refused = Driver::restore(other, "points", &saved);
    assert_eq!(refused, Err(CheckpointError::OtherJob));
    assert_eq!(Driver::restore(settings.clone(), "x", &saved), Err(CheckpointError::OtherJob));
    each_seed(|seed| {
        let mut damaged = saved.clone();
        seed.mutate(&mut damaged);
        if let Ok((restored, _)) = Driver::restore(settings.clone(), "points", &damaged) {
            // A newline at the end may be missing.
            assert_eq!(restored, driver);
        }
    });
}

#[test]
fn an_empty_cluster_stays_or_is_relocated_to_the_farthest_point() {
    let text = "0\n1\n10\n11\n";
    let given = Centroids::new(1, vec![0.5, 10.5, 1000.0]).unwrap();
    let init = Init::Given(given.clone());
    let keeps = Options { init, ..options(3, 1) };
    let (best, events, _) = cluster(text, keeps.clone()).unwrap();
    assert_eq!((best.centroids, best.sizes), (given, vec![2, 2, 0]));
    assert!(
        events
            .iter()
            .any(|event| matches!(event, DriverEvent::Iterated { empty, .. } if *empty == [2]))
    );
    let (best, events, _) = cluster(text, Options { relocates: true, ..keeps }).unwrap();
    assert!(events.iter().any(|event| matches!(event, DriverEvent::Relocated { .. })));
    // Of equally far points the first one in the input is taken.
    assert_eq!(best.centroids.coordinates(), [1.0, 10.5, 0.0]);
    assert_eq!((best.sizes, best.squared_error.to_f64()), (vec![1, 2, 1], 0.5));
}

#[test]
fn relocation_ends_when_all_points_lie_on_centroids() {
    let given = Centroids::new(1, vec![1.0, 2.0, 3.0]).unwrap();
    let settings = Options { relocates: true, init: Init::Given(given), ..options(3, 1) };
    let (best, ..) = cluster("1\n2\n1\n", settings).unwrap();
    assert_eq!((best.sizes, best.squared_error.to_f64()), (vec![2, 1, 0], 0.0));
}

#[test]
fn the_final_error_is_that_of_the_final_centroids() {
    for iterations in 1..6 {
        let settings = Options { iterations, ..options(3, 4) };
        let (best, events, labels) = cluster(IRIS, settings).unwrap();
        assert_eq!(best.iterations, iterations);
        let mut error = 0.0;
        let mut sizes = vec![0; 3];
        for (line, label) in IRIS.lines().zip(String::from_utf8(labels).unwrap().lines()) {
            let point: Vec<f64> = line.split(',').map(|x| x.parse().unwrap()).collect();
            let (nearest, distance) = best.centroids.nearest(&point);
            assert!(label.starts_with(&format!("{nearest}\t")));
            error += distance;
            sizes[nearest] += 1;
        }
        assert_eq!(best.sizes, sizes);
        assert!((best.squared_error.to_f64() - error).abs() < 1e-9);
        let iterated = events.iter().filter(|event| matches!(event, DriverEvent::Iterated { .. }));
        assert_eq!(iterated.count() as u64, iterations);
    }
}

#[test]
fn labels_are_in_input_order() {
    let (_, _, labels) = cluster("5,5\n1,1\n\n5,6\r\n 1 , 2\n", options(2, 2)).unwrap();
    let labels = String::from_utf8(labels).unwrap();
    let points: Vec<&str> = labels.lines().map(|line| line.split_once('\t').unwrap().1).collect();
    assert_eq!(points, ["5.0,5.0", "1.0,1.0", "5.0,6.0", "1.0,2.0"]);
}

#[test]
fn a_failed_clustering_gives_the_reason() {
    let error_of = |text, settings| cluster(text, settings).unwrap_err();
    assert_eq!(error_of("", options(1, 2)), "the input has no points");
    let few = "3 centroids need 3 different points, and there are 2";
    assert_eq!(error_of("1\n2\n1\n", options(3, 1)), few);
    let settings = Options { init: Init::PlusPlus, ..options(3, 1) };
    assert_eq!(error_of("1\n2\n1\n", settings), few);
    let bad = error_of("1,2\n3;4\n", options(1, 2));
    assert!(bad.starts_with("byte 4 of the input, column 2: "), "{bad}");
}

#[test]
fn skipped_lines_are_counted() {
    let mut job = job(2);
    job.format.skip_bad = true;
    job.format.header = true;
    let mut run = Run::new(&job, "x,y\n1,2\nbad\n3,4\n5\n", 1);
    let driver = run.until_done(options(2, 2)).unwrap();
    assert_eq!(driver.points(), Some((2, 2)));
}

#[test]
fn a_worker_refuses_malformed_parameters() {
    for parameters in
        [&b""[..], b", header", b"a \\e \\e \\e 2", b", \\e \\e \\e 0", b", \\e \\e \\e x"]
    {
        assert!(KMeans::make(parameters).is_err(), "{}", parameters.escape_ascii());
    }
    for combines in [true, false] {
        let job = KMeans { combines, ..job(3) };
        assert!(KMeans::make(&job.parameters()).is_ok());
    }
}

#[test]
fn malformed_output_is_refused() {
    let job = job(2);
    let mut run = Run::new(&job, POINTS, 1);
    let mut driver = Driver::new(options(2, 2));
    run.round(&mut driver).unwrap();
    let good = "0\t1.0,2.0\t12\t-5\n1\t3.0,4.0\t19\t-6\n";
    for bad in [
        "",
        "0\t1.0,2.0\t12\t-5\n",
        "0\t1.0\t12\t-5\n1\t3.0,4.0\t19\t-6\n",
        "0\t1.0,2.0,3.0\t12\t-5\n1\t3.0,4.0\t19\t-6\n",
        "2\t1.0,2.0\t12\t-5\n1\t3.0,4.0\t19\t-6\n",
        "0\t1.0,2.0\t12\t-5\n0\t3.0,4.0\t19\t-6\n",
        "0\t1.0,2.0\t12\t-5\n1\t3.0,4.0\t20\t-6\n",
        "0\t1.0,x\t12\t-5\n1\t3.0,4.0\t19\t-6\n",
        "18446744073709551615\t1.0,2.0\t12\t-5\n1\t3.0,4.0\t19\t-6\n",
        "0\t1.0,2.0\t12\tx\n1\t3.0,4.0\t19\t-6\n",
    ] {
        let taken = driver.clone().take(&[bad.into()], &Default::default());
        assert!(matches!(taken, Err(super::DriverError::Output(_))), "{bad}");
    }
    assert!(driver.clone().take(&[good.into()], &Default::default()).is_ok());
    each_seed(|seed| {
        if seed.one_in(4) {
            let mut bytes = good.as_bytes().to_vec();
            seed.mutate(&mut bytes);
            let _ = driver.clone().take(&[bytes], &Default::default());
        }
    });
}

//! The smallest known squared errors of the sample data.

use agora::kmeans::{Format, Points, Reader};

use crate::lloyd::{best_of, lloyd};

fn read(text: &str) -> Points {
    let mut reader = Reader::new(Format::default(), None, 0, true).unwrap();
    reader.read(text.as_bytes()).unwrap();
    let (points, skipped) = reader.finish().unwrap();
    assert_eq!(skipped, 0);
    points
}

fn points() -> Points {
    read(include_str!("../data/points.txt"))
}

fn iris() -> Points {
    read(include_str!("../data/iris.csv"))
}

#[test]
fn points_in_two_clusters_from_any_start() {
    for seed in 1..=200 {
        let outcome = lloyd(&[points()], 2, seed);
        assert_eq!(format!("{:.6}", outcome.squared_error.to_f64()), "104.026404");
        let mut centroids: Vec<&[f64]> = outcome.centroids.iter().collect();
        centroids.sort_by(|a, b| a.partial_cmp(b).unwrap());
        assert_eq!(centroids[0], [-0.175, 8.141666666666667]);
        assert_eq!(centroids[1], [9.547368421052632, 1.0473684210526315]);
        let mut counts = outcome.counts;
        counts.sort_unstable();
        assert_eq!(counts, [12, 19]);
    }
}

#[test]
fn the_other_samples_at_best() {
    for (text, error) in [
        (include_str!("../data/points2.txt"), "12343.100624"),
        (include_str!("../data/points3.txt"), "590.533596"),
    ] {
        let best = best_of(200, &[read(text)], 2);
        assert_eq!(format!("{:.6}", best.squared_error.to_f64()), error);
    }
}

#[test]
fn iris_with_twenty_starts() {
    let error = |k| format!("{:.12}", best_of(20, &[iris()], k).squared_error.to_f64());
    assert_eq!(error(3), "78.851441426146");
    assert_eq!(error(2), "152.347951760358");
}

//! The whole job in one process: the work of master, mappers and reducers.

use agora::kmeans::{Centroids, Dyadic, Partial, Points, Split, Step, merge, seeding};

/// The result of a run.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub centroids: Centroids,
    /// Of the last iteration.
    pub squared_error: Dyadic,
    pub iterations: usize,
    /// The number of points of each cluster.
    pub counts: Vec<u64>,
}

/// Clusters the points of these splits until no centroid moves.
pub fn lloyd(splits: &[Points], k: usize, seed: u64) -> Outcome {
    let picked = merge(splits.iter().map(|points| seeding::random(points, seed, k)), k);
    let mut splits: Vec<Split> = splits.iter().cloned().map(Split::new).collect();
    let mut squares = Dyadic::ZERO;
    splits.iter().for_each(|split| squares += &split.squares());
    let mut centroids = seeding::centroids(&picked, k).unwrap();
    for iterations in 1.. {
        let mut clusters = vec![Partial::empty(centroids.dims()); k];
        for split in &mut splits {
            split.assign(&centroids).unwrap();
            for (cluster, partial) in clusters.iter_mut().enumerate() {
                partial.merge(&split.partial(cluster)).unwrap();
            }
        }
        let step = Step::new(&centroids, &clusters, &squares).unwrap();
        if step.shift == 0.0 {
            let counts = clusters.iter().map(Partial::count).collect();
            return Outcome { centroids, squared_error: step.squared_error, iterations, counts };
        }
        centroids = step.centroids;
    }
    unreachable!("the error falls in each iteration, and there are finitely many assignments")
}

/// The best of `starts` runs with seeds 1, 2, ...
pub fn best_of(starts: u64, splits: &[Points], k: usize) -> Outcome {
    let outcomes = (1..=starts).map(|seed| lloyd(splits, k, seed));
    outcomes.min_by(|a, b| a.squared_error.cmp(&b.squared_error)).unwrap()
}

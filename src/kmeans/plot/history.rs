//! The centroids and errors of each iteration, thinned out as the number of iterations grows.

use crate::kmeans::Centroids;

/// The most positions of a centroid that are kept, beside the last one.
const MAX_STEPS: usize = 200;
/// The most coordinates that are kept: many or long centroids have fewer steps.
const MAX_COORDINATES: usize = 8_000_000;
/// The most errors that are kept, beside the last one.
const MAX_ERRORS: usize = 2_000;

/// The trajectories of the centroids of one start, and the errors.
#[derive(Clone, Debug)]
pub struct History {
    centroids: Thinned<Centroids>,
    squared_errors: Thinned<(u64, f64)>,
}

impl History {
    /// An empty history of `k` centroids of `dims` coordinates.
    pub fn new(k: usize, dims: usize) -> History {
        let coordinates = k.saturating_mul(dims).max(1);
        History {
            centroids: Thinned::new(MAX_STEPS.min(MAX_COORDINATES / coordinates).max(1)),
            squared_errors: Thinned::new(MAX_ERRORS),
        }
    }

    /// Adds the next positions of the centroids.
    pub fn step(&mut self, centroids: &Centroids) {
        self.centroids.push(centroids.clone());
    }

    /// Adds the error of an iteration; iterations count from 1.
    pub fn error(&mut self, iteration: u64, squared_error: f64) {
        self.squared_errors.push((iteration, squared_error));
    }

    /// The positions of the centroids, first to last.
    pub(super) fn centroids(&self) -> Vec<&Centroids> {
        self.centroids.iter().collect()
    }

    /// Iterations and their errors, first to last.
    pub(super) fn squared_errors(&self) -> Vec<(u64, f64)> {
        self.squared_errors.iter().copied().collect()
    }
}

/// A sequence of which the first value, the last one, and every `stride`th are kept.
#[derive(Clone, Debug)]
struct Thinned<T> {
    most: usize,
    /// A power of two.
    stride: usize,
    kept: Vec<T>,
    /// The last value, if it is not among those.
    last: Option<T>,
    seen: usize,
}

impl<T> Thinned<T> {
    fn new(most: usize) -> Thinned<T> {
        Thinned { most, stride: 1, kept: Vec::new(), last: None, seen: 0 }
    }

    fn push(&mut self, value: T) {
        if self.seen.is_multiple_of(self.stride) {
            self.last = None;
            self.kept.push(value);
        } else {
            self.last = Some(value);
        }
        self.seen += 1;
        if self.kept.len() > self.most {
            self.thin();
        }
    }

    /// Keeps every other value, and the last one.
    fn thin(&mut self) {
        self.stride *= 2;
        let mut number = 0;
        if self.kept.len().is_multiple_of(2) {
            self.last = self.kept.pop();
        }
        self.kept.retain(|_| {
            number += 1;
            number % 2 == 1
        });
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.kept.iter().chain(&self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_the_last_and_every_nth_value_are_kept() {
        for most in [1, 2, 7] {
            let mut thinned = Thinned::new(most);
            for number in 0..1_000 {
                thinned.push(number);
                let kept: Vec<usize> = thinned.iter().copied().collect();
                assert!(kept.len() <= most + 1, "{most}: {kept:?}");
                assert_eq!((kept[0], kept[kept.len() - 1]), (0, number), "{most}: {kept:?}");
                let steps = kept[..kept.len() - 1].windows(2).map(|pair| pair[1] - pair[0]);
                assert!(steps.clone().all(|step| step == thinned.stride), "{most}: {kept:?}");
            }
        }
    }

    #[test]
    fn long_centroids_have_fewer_steps() {
        let mut history = History::new(1_000, 4_000);
        let far = Centroids::new(1, vec![1.0]).unwrap();
        (0..10).for_each(|_| history.step(&far));
        assert!(history.centroids().len() <= 3);
    }
}

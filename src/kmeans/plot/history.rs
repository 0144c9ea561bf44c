//! What became of the centroids, iteration by iteration, thinned as it grows.

use crate::kmeans::Centroids;

/// Places of a centroid that are kept at most, beside the last.
const MAX_STEPS: usize = 200;
/// Coordinates that are kept at most: of many or long centroids there are fewer steps.
const MAX_COORDINATES: usize = 8_000_000;
/// Errors that are kept at most, beside the last.
const MAX_ERRORS: usize = 2_000;

/// The trajectory of the centroids of one start.
#[derive(Clone, Debug)]
pub struct History {
    centroids: Thinned<Centroids>,
    squared_errors: Thinned<(u64, f64)>,
}

impl History {
    /// Of so many centroids with so many coordinates, of which none is known yet.
    pub fn new(k: usize, dims: usize) -> History {
        let coordinates = k.saturating_mul(dims).max(1);
        History {
            centroids: Thinned::new(MAX_STEPS.min(MAX_COORDINATES / coordinates).max(1)),
            squared_errors: Thinned::new(MAX_ERRORS),
        }
    }

    /// The centroids are now there.
    pub fn step(&mut self, centroids: &Centroids) {
        self.centroids.push(centroids.clone());
    }

    /// An iteration, counted from 1, had this error.
    pub fn error(&mut self, iteration: u64, squared_error: f64) {
        self.squared_errors.push((iteration, squared_error));
    }

    /// Where the centroids were, first to last.
    pub(super) fn centroids(&self) -> Vec<&Centroids> {
        self.centroids.iter().collect()
    }

    /// Iterations and their errors, first to last.
    pub(super) fn squared_errors(&self) -> Vec<(u64, f64)> {
        self.squared_errors.iter().copied().collect()
    }
}

/// Values of which the first, the last and every so many are kept.
#[derive(Clone, Debug)]
struct Thinned<T> {
    most: usize,
    /// Every so many are kept; a power of two.
    stride: usize,
    kept: Vec<T>,
    /// The latest, if it is not among those.
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

    /// Keeps every other one, and the latest.
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
    fn the_first_the_last_and_every_so_many_are_kept() {
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

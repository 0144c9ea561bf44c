//! The state machine of the master: which round comes next, and what its outputs mean.
//!
//! ```text
//!   Scan --> (Race)* --> Iterate --> ... --> Iterate --> (Evaluate) --> next restart, or Label
//!                          ^   |
//!                          |   v
//!                         Farthest            when empty clusters are relocated
//! ```
//!
//! A driver is a pure value: the same outputs give the same rounds. Its decisions depend only on
//! exact numbers, so that crashes and retries have no effect on the result.

use super::error::DriverError;
use super::output::{Means, ScanResult, read_candidates};
use super::parameter::{MapRound, ReduceRound};
use super::{COUNTERS, MOVED};
use crate::kmeans::{Candidate, Centroids, Dyadic, Error, merge, seeding};
use crate::mapreduce::job::Counters;

/// How the first centroids are chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// Random points.
    Random,
    /// k-means++.
    PlusPlus,
    /// Given centroids.
    Given(Centroids),
}

/// The parameters of a clustering.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The number of clusters.
    pub k: usize,
    /// The number of coordinates of a point.
    pub dims: usize,
    /// The most iterations of each restart.
    pub iterations: u64,
    /// A restart has converged when no centroid moves farther than this.
    pub tolerance: f64,
    /// The seed of all random choices.
    pub seed: u64,
    /// How the first centroids are chosen.
    pub init: Init,
    /// The number of starts, of which the best one is kept.
    pub restarts: u64,
    /// Whether empty clusters are relocated to the farthest points.
    pub relocates: bool,
    /// The number of reduce tasks.
    pub reduces: u32,
}

/// A round to run.
#[derive(Clone, Debug, PartialEq)]
pub struct NextRound {
    /// Human-readable.
    pub name: String,
    /// The parameter of the map tasks.
    pub map: std::sync::Arc<[u8]>,
    /// The parameter of the reduce tasks.
    pub reduce: std::sync::Arc<[u8]>,
    /// The number of reduce tasks. 0: the round of labels, whose map output is the result.
    pub reduces: u32,
}

impl NextRound {
    /// The round that writes each point with the index of its nearest centroid.
    pub fn labels(centroids: &Centroids) -> NextRound {
        let map = MapRound::Label { centroids: centroids.clone() }.encode();
        NextRound { name: "Labels".into(), map, reduce: [].into(), reduces: 0 }
    }
}

/// The result of a clustering.
#[derive(Clone, Debug, PartialEq)]
pub struct Clustering {
    /// The centroids.
    pub centroids: Centroids,
    /// The sum of the squared distances of all points to them.
    pub squared_error: Dyadic,
    /// The number of points of each cluster.
    pub sizes: Vec<u64>,
    /// The number of iterations.
    pub iterations: u64,
    /// Whether it converged, rather than reached the most iterations.
    pub is_converged: bool,
    /// The number of the restart, from 0.
    pub restart: u64,
}

/// Progress to report after a round.
#[derive(Clone, Debug, PartialEq)]
pub enum DriverEvent {
    /// The input was scanned.
    Scanned {
        /// The number of points.
        points: u64,
        /// The number of skipped lines.
        skipped: u64,
    },
    /// A restart has its first centroids.
    Started {
        /// The number of the restart, from 0.
        restart: u64,
        /// The centroids.
        centroids: Centroids,
    },
    /// An iteration is complete.
    Iterated {
        /// The number of the iteration, from 1.
        iteration: u64,
        /// The largest distance that a centroid moved.
        shift: f64,
        /// The squared error of the centroids before the iteration.
        squared_error: f64,
        /// The number of points whose centroid has changed.
        moved: u64,
        /// Clusters without points.
        empty: Vec<usize>,
        /// The centroids after the iteration.
        centroids: Centroids,
    },
    /// Empty clusters were relocated to points.
    Relocated {
        /// The centroids now.
        centroids: Centroids,
    },
    /// A restart has ended.
    Ended(Clustering),
}

/// What does not change: the number of points, of skipped lines, and the sum of all squares.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Totals {
    pub(super) points: u64,
    pub(super) skipped: u64,
    pub(super) squares: Dyadic,
}

/// The phase of a restart.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    Scan,
    Race { winners: Vec<Candidate> },
    Iterate { before: Option<Centroids>, centroids: Centroids },
    Farthest { before: Option<Centroids>, centroids: Centroids, empty: Vec<usize> },
    Evaluate { before: Option<Centroids>, centroids: Centroids, is_converged: bool },
    Label,
    Done,
}

/// The state of a clustering on the master.
#[derive(Clone, Debug, PartialEq)]
pub struct Driver {
    pub(super) options: Options,
    pub(super) totals: Option<Totals>,
    pub(super) restart: u64,
    pub(super) iteration: u64,
    pub(super) phase: Phase,
    pub(super) best: Option<Clustering>,
}

impl Driver {
    /// Before the first round.
    pub fn new(options: Options) -> Driver {
        let phase = Phase::Scan;
        Driver { options, totals: None, restart: 0, iteration: 0, phase, best: None }
    }

    /// The result, once there is one.
    pub fn best(&self) -> Option<&Clustering> {
        self.best.as_ref()
    }

    /// The numbers of points and of skipped lines, once they are counted.
    pub fn points(&self) -> Option<(u64, u64)> {
        self.totals.as_ref().map(|totals| (totals.points, totals.skipped))
    }

    /// Whether a restart iterates: only then [`save`](Self::save) gives a checkpoint.
    pub fn is_iterating(&self) -> bool {
        matches!(self.phase, Phase::Iterate { .. } | Phase::Evaluate { .. })
    }

    /// The next round; `None` when the clustering is complete.
    pub fn next_round(&self) -> Option<NextRound> {
        let Options { k, init, .. } = &self.options;
        let seed = self.seed();
        let restart = match self.options.restarts {
            0 | 1 => String::new(),
            restarts => format!(" of start {} of {restarts}", self.restart + 1),
        };
        let (name, map, reduce) = match &self.phase {
            Phase::Scan => {
                let counts = self.totals.is_none();
                let count = if *init == Init::Random { *k } else { 0 };
                let map = MapRound::Scan { seed, count, counts };
                (format!("Reading{restart}"), map, ReduceRound::Pick { count })
            }
            Phase::Race { winners } => {
                let round = winners.len() as u64;
                let centroids = seeding::centroids(winners, winners.len()).ok();
                let map = MapRound::Race { seed, round, centroids };
                let name = format!("Centroid {}{restart}", round + 1);
                (name, map, ReduceRound::Pick { count: 1 })
            }
            Phase::Iterate { before, centroids } => {
                let (before, centroids) = (before.clone(), centroids.clone());
                let reduce = ReduceRound::Means { centroids: centroids.clone() };
                let name = format!("Iteration {}{restart}", self.iteration + 1);
                (name, MapRound::Assign { before, centroids }, reduce)
            }
            Phase::Evaluate { before, centroids, .. } => {
                let (before, centroids) = (before.clone(), centroids.clone());
                let reduce = ReduceRound::Means { centroids: centroids.clone() };
                let name = format!("Final error{restart}");
                (name, MapRound::Assign { before, centroids }, reduce)
            }
            Phase::Farthest { centroids, empty, .. } => {
                let (count, centroids) = (empty.len(), centroids.clone());
                let map = MapRound::Farthest { count, centroids };
                (format!("Empty clusters{restart}"), map, ReduceRound::Pick { count })
            }
            Phase::Label => return Some(NextRound::labels(&self.best.as_ref()?.centroids)),
            Phase::Done => return None,
        };
        let reduces = self.options.reduces;
        Some(NextRound { name, map: map.encode(), reduce: reduce.encode(), reduces })
    }

    /// Takes the outputs of the reduce tasks of a round.
    ///
    /// # Errors
    /// There are too few points, or an output is malformed.
    pub fn take(
        &mut self,
        outputs: &[Vec<u8>],
        counters: &Counters,
    ) -> Result<Vec<DriverEvent>, DriverError> {
        match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Scan => self.take_scan(outputs),
            Phase::Race { winners } => self.take_race(winners, outputs),
            Phase::Iterate { centroids, .. } => self.take_iteration(centroids, outputs, counters),
            Phase::Farthest { before, centroids, empty } => {
                self.take_farthest(before, centroids, &empty, outputs)
            }
            Phase::Evaluate { centroids, is_converged, .. } => {
                let means = self.means(&centroids, outputs)?;
                Ok(vec![self.end_restart(centroids, means, is_converged)])
            }
            Phase::Label | Phase::Done => Ok(Vec::new()),
        }
    }

    /// The seed of the present restart; the first one uses the given seed.
    fn seed(&self) -> u64 {
        self.options.seed.wrapping_add(self.restart.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn take_scan(&mut self, outputs: &[Vec<u8>]) -> Result<Vec<DriverEvent>, DriverError> {
        let mut events = Vec::new();
        let scan = ScanResult::read(outputs)?;
        if self.totals.is_none() {
            let Some((points, skipped, squares)) = scan.totals.filter(|(points, ..)| *points > 0)
            else {
                return Err(DriverError::NoPoints);
            };
            self.totals = Some(Totals { points, skipped, squares });
            events.push(DriverEvent::Scanned { points, skipped });
        }
        match &self.options.init {
            Init::Random => {
                let picked = merge([scan.candidates], self.options.k);
                let centroids = seeding::centroids(&picked, self.options.k)?;
                events.push(self.start_restart(centroids));
            }
            Init::PlusPlus => self.phase = Phase::Race { winners: Vec::new() },
            Init::Given(centroids) => {
                let centroids = centroids.clone();
                events.push(self.start_restart(centroids));
            }
        }
        Ok(events)
    }

    fn take_race(
        &mut self,
        mut winners: Vec<Candidate>,
        outputs: &[Vec<u8>],
    ) -> Result<Vec<DriverEvent>, DriverError> {
        let (k, distinct) = (self.options.k, winners.len());
        let winner = read_candidates(outputs)?.pop().ok_or(Error::TooFewPoints { distinct, k })?;
        winners.push(winner);
        if winners.len() < k {
            self.phase = Phase::Race { winners };
            return Ok(Vec::new());
        }
        let centroids = seeding::centroids(&winners, k)?;
        Ok(vec![self.start_restart(centroids)])
    }

    /// Starts a restart with these centroids.
    fn start_restart(&mut self, centroids: Centroids) -> DriverEvent {
        self.iteration = 0;
        self.phase = Phase::Iterate { before: None, centroids: centroids.clone() };
        DriverEvent::Started { restart: self.restart, centroids }
    }

    fn take_iteration(
        &mut self,
        old: Centroids,
        outputs: &[Vec<u8>],
        counters: &Counters,
    ) -> Result<Vec<DriverEvent>, DriverError> {
        let means = self.means(&old, outputs)?;
        self.iteration += 1;
        let shift = old.shift(&means.centroids);
        let empty = means.empty();
        let mut events = vec![DriverEvent::Iterated {
            iteration: self.iteration,
            shift,
            squared_error: means.squared_error.to_f64(),
            moved: counters.get(COUNTERS, MOVED),
            empty: empty.clone(),
            centroids: means.centroids.clone(),
        }];
        let is_last = self.iteration >= self.options.iterations;
        if self.options.relocates && !empty.is_empty() && !is_last {
            let centroids = means.centroids;
            self.phase = Phase::Farthest { before: Some(old), centroids, empty };
            return Ok(events);
        }
        let is_converged = shift <= self.options.tolerance;
        if is_converged && old == means.centroids {
            // Old and new centroids are equal, and so are their errors.
            events.push(self.end_restart(old, means, true));
        } else if is_converged || is_last {
            let (before, centroids) = (Some(old), means.centroids);
            self.phase = Phase::Evaluate { before, centroids, is_converged };
        } else {
            self.phase = Phase::Iterate { before: Some(old), centroids: means.centroids };
        }
        Ok(events)
    }

    fn take_farthest(
        &mut self,
        before: Option<Centroids>,
        centroids: Centroids,
        empty: &[usize],
        outputs: &[Vec<u8>],
    ) -> Result<Vec<DriverEvent>, DriverError> {
        let dims = centroids.dims();
        let mut coordinates = centroids.coordinates().to_vec();
        for (index, farthest) in empty.iter().zip(read_candidates(outputs)?) {
            let slot = coordinates.get_mut(index * dims..(index + 1) * dims);
            match slot.filter(|_| farthest.point.len() == dims) {
                Some(slot) => slot.copy_from_slice(&farthest.point),
                None => return Err(DriverError::Output(farthest.to_string())),
            }
        }
        let moved = Centroids::new(dims, coordinates)?;
        if moved == centroids && before.as_ref() == Some(&centroids) {
            // All points lie on centroids: there is no point to relocate to.
            self.phase = Phase::Evaluate { before, centroids, is_converged: true };
            return Ok(Vec::new());
        }
        self.phase = Phase::Iterate { before, centroids: moved.clone() };
        Ok(vec![DriverEvent::Relocated { centroids: moved }])
    }

    fn means(&self, old: &Centroids, outputs: &[Vec<u8>]) -> Result<Means, DriverError> {
        let totals = self.totals.as_ref().ok_or(DriverError::NoPoints)?;
        Means::read(old, totals.points, &totals.squares, outputs)
    }

    /// Ends a restart with these centroids, to which the points of the last round were assigned.
    fn end_restart(
        &mut self,
        centroids: Centroids,
        means: Means,
        is_converged: bool,
    ) -> DriverEvent {
        let Means { sizes, squared_error, .. } = means;
        let (iterations, restart) = (self.iteration, self.restart);
        let ended =
            Clustering { centroids, squared_error, sizes, iterations, is_converged, restart };
        if self.best.as_ref().is_none_or(|best| ended.squared_error < best.squared_error) {
            self.best = Some(ended.clone());
        }
        self.restart += 1;
        self.iteration = 0;
        let is_over = self.restart >= self.options.restarts;
        self.phase = match self.options.init {
            _ if is_over => Phase::Label,
            Init::PlusPlus => Phase::Race { winners: Vec::new() },
            Init::Random | Init::Given(_) => Phase::Scan,
        };
        DriverEvent::Ended(ended)
    }
}

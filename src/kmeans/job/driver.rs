//! Which round comes next, and what a round means.
//!
//! ```text
//!   Scan --> (Race)* --> Iterate --> ... --> Iterate --> (Evaluate) --> next restart, or Label
//!                          ^   |
//!                          |   v
//!                         Farthest            when clusters are empty and are to be moved
//! ```
//!
//! A driver is a value: the same answers give the same rounds. It decides by what is exact alone,
//! so that crashes and retries do not show.

use super::error::DriverError;
use super::output::{Means, ScanResult, read_candidates};
use super::parameter::{MapRound, ReduceRound};
use super::{COUNTERS, MOVED};
use crate::kmeans::{Candidate, Centroids, Dyadic, Error, merge, seeding};
use crate::mapreduce::job::Counters;

/// Where centroids begin.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// Random points.
    Random,
    /// k-means++.
    PlusPlus,
    /// These.
    Given(Centroids),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Clusters.
    pub k: usize,
    /// Coordinates of a point.
    pub dims: usize,
    /// Iterations at most, of each restart.
    pub iterations: u64,
    /// Centroids that go no farther than this have converged.
    pub tolerance: f64,
    /// What chance is made of.
    pub seed: u64,
    /// Where centroids begin.
    pub init: Init,
    /// Begin so often, and keep the best.
    pub restarts: u64,
    /// Empty clusters go to the farthest points.
    pub relocates: bool,
    /// Reduce tasks.
    pub reduces: u32,
}

/// A round that is to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct NextRound {
    /// For people.
    pub name: String,
    /// What map tasks need to know.
    pub map: std::sync::Arc<[u8]>,
    /// What reduce tasks need to know.
    pub reduce: std::sync::Arc<[u8]>,
    /// The number of reduce tasks. 0: this is the labels' round, whose output is the result.
    pub reduces: u32,
}

impl NextRound {
    /// Each point with the index of the nearest of these centroids.
    pub fn labels(centroids: &Centroids) -> NextRound {
        let map = MapRound::Label { centroids: centroids.clone() }.encode();
        NextRound { name: "Labels".into(), map, reduce: [].into(), reduces: 0 }
    }
}

/// What came of a clustering.
#[derive(Clone, Debug, PartialEq)]
pub struct Clustering {
    /// The centroids.
    pub centroids: Centroids,
    /// The squared distances of all points to them.
    pub squared_error: Dyadic,
    /// The points of each cluster.
    pub sizes: Vec<u64>,
    /// Iterations that it took.
    pub iterations: u64,
    /// Whether it ended because nothing moved any more.
    pub is_converged: bool,
    /// Which of the restarts it is, from 0.
    pub restart: u64,
}

/// What a round has brought, for people.
#[derive(Clone, Debug, PartialEq)]
pub enum DriverEvent {
    /// Points, and lines that are none.
    Scanned {
        /// How many points there are.
        points: u64,
        /// How many lines were left out.
        skipped: u64,
    },
    /// The first centroids of a restart.
    Started {
        /// Which restart, from 0.
        restart: u64,
        /// The centroids.
        centroids: Centroids,
    },
    /// An iteration.
    Iterated {
        /// Which, from 1.
        iteration: u64,
        /// The longest way of a centroid.
        shift: f64,
        /// The squared error of the centroids before.
        squared_error: f64,
        /// Points that have another centroid than in the iteration before.
        moved: u64,
        /// Clusters without points.
        empty: Vec<usize>,
        /// The centroids that came of it.
        centroids: Centroids,
    },
    /// Empty clusters were moved to points.
    Relocated {
        /// The centroids now.
        centroids: Centroids,
    },
    /// A restart has ended.
    Ended(Clustering),
}

/// Points, lines that are none, and all squares: what does not change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Totals {
    pub(super) points: u64,
    pub(super) skipped: u64,
    pub(super) squares: Dyadic,
}

/// Where a restart is.
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

/// The master's side of k-means.
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
    /// At the beginning.
    pub fn new(options: Options) -> Driver {
        let phase = Phase::Scan;
        Driver { options, totals: None, restart: 0, iteration: 0, phase, best: None }
    }

    /// The result, once there is one.
    pub fn best(&self) -> Option<&Clustering> {
        self.best.as_ref()
    }

    /// Points, and lines that are none, once they are counted.
    pub fn points(&self) -> Option<(u64, u64)> {
        self.totals.as_ref().map(|totals| (totals.points, totals.skipped))
    }

    /// Whether a restart iterates: then [`save`](Self::save) has something to go on from.
    pub fn is_iterating(&self) -> bool {
        matches!(self.phase, Phase::Iterate { .. } | Phase::Evaluate { .. })
    }

    /// The round that is to be run next; `None` when all is done.
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

    /// Takes what the reduce tasks of the round wrote.
    ///
    /// # Errors
    /// There are too few points, or what they wrote makes no sense.
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

    /// The seed of a restart: the first one's is the one that was given.
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

    /// A restart begins with these centroids.
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
            // Nothing will change any more: the error of the old ones is that of the new ones.
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
            // All points lie on centroids, and there is nowhere to go.
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

    /// A restart has ended with these centroids, to which a round's points were assigned.
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

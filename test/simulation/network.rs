//! A network that loses, duplicates, delays and reorders messages, and is cut in one direction or
//! both.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::seed::Seed;

/// The fault rates, fixed for a run, and the links that are cut.
#[derive(Debug)]
pub struct Network {
    /// Cut links: sender and receiver.
    cuts: BTreeSet<(u64, u64)>,
    lost_per_mille: usize,
    doubled_per_mille: usize,
    late_per_mille: usize,
    /// The maximum delay of a message.
    longest: Duration,
    is_quiet: bool,
}

impl Network {
    /// Random fault rates. `longest` is the maximum delay of a message.
    pub fn new(seed: &mut Seed, longest: Duration) -> Network {
        Network {
            cuts: BTreeSet::new(),
            lost_per_mille: *seed.pick(&[0, 5, 20, 80]),
            doubled_per_mille: *seed.pick(&[0, 10, 50]),
            late_per_mille: *seed.pick(&[0, 5, 20, 60]),
            longest,
            is_quiet: false,
        }
    }

    /// No faults from now on.
    pub fn heal(&mut self) {
        self.cuts.clear();
        self.is_quiet = true;
    }

    /// The delays of the copies of a message.
    pub fn deliver(&self, seed: &mut Seed, from: u64, to: u64) -> Vec<Duration> {
        let mut chance = |per_mille| !self.is_quiet && seed.below(1000) < per_mille;
        if self.cuts.contains(&(from, to)) || chance(self.lost_per_mille) {
            return Vec::new();
        }
        let copies = 1 + usize::from(chance(self.doubled_per_mille));
        (0..copies).map(|_| self.delay(seed)).collect()
    }

    fn delay(&self, seed: &mut Seed) -> Duration {
        if !self.is_quiet && seed.below(1000) < self.late_per_mille {
            return self.longest.mul_f64(seed.below(1000) as f64 / 1000.0);
        }
        Duration::from_micros(100 + seed.below(2000) as u64)
    }

    /// Cuts one direction.
    pub fn cut(&mut self, from: u64, to: u64) {
        self.cuts.insert((from, to));
    }

    /// Restores all links.
    pub fn restore(&mut self) {
        self.cuts.clear();
    }
}

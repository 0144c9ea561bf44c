//! The configuration of a node.

use std::collections::BTreeSet;
use std::time::Duration;

use super::entry::NodeId;
use super::random::Random;

/// `rho`: how far a clock may drift from true time, in milliseconds a second.
pub const DRIFT_PER_MILLE: u32 = 1;

/// The longest lease in election timeouts, and the longest promise to others in own leases.
const LONGEST_LEASE: u32 = 10;

/// The configuration of a node. All durations are measured by the node's own clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// This node.
    pub id: NodeId,
    /// All voters of the group, with this node.
    pub voters: Vec<NodeId>,
    /// The time between two heartbeats of a leader.
    pub heartbeat_interval: Duration,
    /// The minimum election timeout; see [`Config::random_election_timeout`] for the whole rule.
    pub election_timeout: Duration,
    /// The length of the range of random election timeouts.
    pub election_spread: Duration,
    /// `L`: how long followers promise to help no other node to lead.
    pub lease: Duration,
    /// `g`: subtracted from the lease, for errors of clocks and rounding.
    pub lease_guard: Duration,
    /// The most entries in one AppendEntries.
    pub max_append_bytes: usize,
    /// The most that is written at once, so that progress of a slow disk shows in steps.
    pub max_write_bytes: usize,
    /// The number of AppendEntries in flight to a follower.
    pub max_inflight_appends: usize,
    /// The size of all AppendEntries in flight to a follower.
    pub max_inflight_bytes: usize,
    /// The longest time that commands wait for each other while a batch is in flight; the commit of
    /// that batch ends the wait.
    pub batch_pause: Duration,
    /// The size of all uncommitted entries beyond which commands are refused.
    pub max_uncommitted_bytes: usize,
    /// The size of one piece of a snapshot.
    pub max_snapshot_piece_bytes: usize,
    /// The part of the log that a compaction keeps for slow followers, so that they need no snapshot.
    pub trailing_log_bytes: usize,
    /// The most that it keeps for a follower which is receiving a snapshot and needs the log behind it.
    pub max_retained_log_bytes: usize,
    /// Seeds the choice of election timeouts.
    pub seed: u64,
}

impl Config {
    /// The default, for a LAN. The heartbeat interval is far above a round trip and an fsync (some ms at
    /// worst). The election timeout is ten heartbeats, so that a busy machine can pause without an
    /// election. The lease is as long as the minimum election timeout: a new leader that was elected
    /// earlier would only have to wait for it. The spread is many times the duration of an election,
    /// but not more, since a dead leader costs half of it on average. So a leader is replaced in
    /// 300 to 450 ms, and a round of split votes stays below a second.
    pub fn lan(id: NodeId, voters: Vec<NodeId>) -> Config {
        Config {
            id,
            voters,
            heartbeat_interval: Duration::from_millis(30),
            election_timeout: Duration::from_millis(300),
            election_spread: Duration::from_millis(150),
            lease: Duration::from_millis(300),
            lease_guard: Duration::from_millis(20),
            max_append_bytes: 256 * 1024,
            max_write_bytes: 2 * 1024 * 1024,
            max_inflight_appends: 64,
            max_inflight_bytes: 8 * 1024 * 1024,
            batch_pause: Duration::from_millis(1),
            max_uncommitted_bytes: 64 * 1024 * 1024,
            max_snapshot_piece_bytes: 512 * 1024,
            trailing_log_bytes: 8 * 1024 * 1024,
            max_retained_log_bytes: 256 * 1024 * 1024,
            seed: id,
        }
    }

    /// The rule of the election timeout. A follower that gets no message of a leader for a random time
    /// in `election_timeout .. election_timeout + election_spread` stands for election; the time is
    /// chosen anew at each message, so that two nodes rarely stand at once (section 5.2 of the paper).
    /// A node whose disk is full waits longer by the end of this range: nodes with space go first.
    ///
    /// A voter that got a leader's message less than `election_timeout` ago, the minimum, helps no
    /// candidate (section 4.2.3 of the dissertation). [`Config::check`] has the limits.
    pub(super) fn random_election_timeout(&self, random: &mut Random, is_full: bool) -> Duration {
        let timeout = random.span(self.election_timeout, self.election_spread);
        match is_full {
            true => timeout.saturating_add(self.max_election_timeout()),
            false => timeout,
        }
    }

    /// The end of the range of election timeouts.
    pub fn max_election_timeout(&self) -> Duration {
        self.election_timeout.saturating_add(self.election_spread)
    }

    /// The same with another election timeout; the spread grows in proportion.
    pub fn with_election_timeout(self, election_timeout: Duration) -> Config {
        let share = self.election_spread.div_duration_f64(self.election_timeout);
        Config { election_timeout, election_spread: election_timeout.mul_f64(share), ..self }
    }

    /// Checks that the values fit together.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), String> {
        let voters: BTreeSet<NodeId> = self.voters.iter().copied().collect();
        if voters.len() != self.voters.len() {
            return Err("a node is there twice".into());
        }
        if !voters.contains(&self.id) {
            return Err(format!("node {} is not among the nodes of the group", self.id));
        }
        if self.heartbeat_interval.is_zero() {
            return Err("heartbeats need an interval".into());
        }
        // One heartbeat may be lost, and the next one has time to be answered.
        let least = self.heartbeat_interval.saturating_mul(3);
        for (span, name) in [(self.election_timeout, "election timeout"), (self.lease, "lease")] {
            if span < least {
                return Err(format!(
                    "{name} {span:?}: too short for heartbeats every {:?}, three of them are the least",
                    self.heartbeat_interval
                ));
            }
        }
        let longest = self.election_timeout.saturating_mul(LONGEST_LEASE);
        if self.lease > longest {
            return Err(format!(
                "lease {:?}: too long for an election timeout of {:?}, since a new leader and a node that starts again wait for it: {LONGEST_LEASE} of them ({longest:?}) are the most",
                self.lease, self.election_timeout
            ));
        }
        if self.lease < self.lease_guard.saturating_mul(2) {
            return Err(format!(
                "a lease of {:?} is too short: {:?} of it are kept back",
                self.lease, self.lease_guard
            ));
        }
        Ok(())
    }

    /// A request for a longer promise is refused: it is an error in the other node's configuration, and
    /// every restart of this node would have to wait for it.
    pub(super) fn longest_promise(&self) -> Duration {
        self.lease.saturating_mul(LONGEST_LEASE)
    }

    /// The timing of the course version (`--classic`): slow enough to watch. The lease is as long as the
    /// maximum election timeout, so that a new leader visibly waits for the end of the old lease.
    pub fn classic(id: NodeId, voters: Vec<NodeId>) -> Config {
        Config {
            heartbeat_interval: Duration::from_secs(1),
            election_timeout: Duration::from_secs(5),
            election_spread: Duration::from_secs(5),
            lease: Duration::from_secs(10),
            ..Config::lan(id, voters)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest wait of a node with disk space is shorter than the shortest one without.
    #[test]
    fn nodes_with_disk_space_stand_for_election_first() {
        for config in [Config::lan(0, vec![0]), Config::classic(0, vec![0])] {
            let mut random = Random::new(1);
            let (min, max) = (config.election_timeout, config.max_election_timeout());
            for _ in 0..1000 {
                let usual = config.random_election_timeout(&mut random, false);
                assert!((min..max).contains(&usual), "{usual:?}");
                let full = config.random_election_timeout(&mut random, true);
                assert!((max + min..2 * max).contains(&full), "{full:?}");
            }
        }
    }
}

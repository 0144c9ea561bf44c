//! How a node is set up.

use std::collections::BTreeSet;
use std::time::Duration;

use super::entry::NodeId;
use super::random::Random;

/// `rho`: how far a clock may drift from true time, in milliseconds a second.
pub const DRIFT_PER_MILLE: u32 = 1;

/// Election timeouts that a lease may last, and our own leases that others may ask for.
const LONGEST_LEASE: u32 = 10;

/// How a node behaves. All times are spans of the node's own clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// This node.
    pub id: NodeId,
    /// Every voter of the group, this node among them.
    pub voters: Vec<NodeId>,
    /// How often a leader sends heartbeats.
    pub heartbeat_interval: Duration,
    /// The minimum election timeout; see [`Config::random_election_timeout`] for the whole rule.
    pub election_timeout: Duration,
    /// The length of the range of random election timeouts.
    pub election_spread: Duration,
    /// `L`: how long followers promise to help nobody else.
    pub lease: Duration,
    /// `g`: what is taken off the lease for what clocks and rounding may do.
    pub lease_guard: Duration,
    /// The most that one AppendEntries carries.
    pub max_append_bytes: usize,
    /// The most that is written at once, so that a disk that works is seen to, and that what is
    /// durable is known in steps.
    pub max_write_bytes: usize,
    /// AppendEntries on their way to a follower before one must be answered.
    pub max_inflight_appends: usize,
    /// What these may carry together.
    pub max_inflight_bytes: usize,
    /// While a batch of entries is under way, so long is waited before the next one, for what may
    /// come meanwhile to go with it. Its commit ends the wait.
    pub batch_pause: Duration,
    /// The most that may wait to be committed; beyond it commands are refused.
    pub max_uncommitted_bytes: usize,
    /// The most that one piece of a snapshot carries.
    pub max_snapshot_piece_bytes: usize,
    /// What a compaction leaves of the log for followers that lag a little: they need no snapshot.
    pub trailing_log_bytes: usize,
    /// What it leaves at most for a follower that is getting a snapshot and needs the log behind it.
    pub max_retained_log_bytes: usize,
    /// Seeds the choice of election timeouts.
    pub seed: u64,
}

impl Config {
    /// For a LAN. A heartbeat is far above a round trip and an fsync (some ms at worst) and cheap;
    /// an election timeout of ten heartbeats lets a busy machine hiccup without an election; the
    /// lease is as long as the election timeout, for a follower that stands earlier would only have
    /// to wait for it. The spread is many times what an election takes, and no more: half of it is
    /// what a dead leader costs beyond the timeout. So one is replaced in between 300 and 450 ms,
    /// and a round of split votes stays below a second.
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

    /// Whether the parts fit together.
    ///
    /// # Errors
    /// What does not.
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
        // Time for one heartbeat to be lost, and the next one to be answered.
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

    /// Who asks for a longer promise than this is refused: he has made a mistake that every restart
    /// of ours would have to wait for.
    pub(super) fn longest_promise(&self) -> Duration {
        self.lease.saturating_mul(LONGEST_LEASE)
    }

    /// The timing of the classic trial: slow enough to watch. A lease is as long as the longest wait
    /// for an election, so that a new leader is seen to wait until the old one's lease has ended.
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

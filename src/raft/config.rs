//! How a node is set up.

use std::time::Duration;

use super::entry::NodeId;

/// How far two clocks may drift apart from true time, as a share: 1 ms in a second.
pub const RHO: f64 = 0.001;

/// How a node behaves. All times are spans of the node's own clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// This node.
    pub id: NodeId,
    /// Every voter of the group, this node among them.
    pub voters: Vec<NodeId>,
    /// How often a leader sends heartbeats.
    pub heartbeat_interval: Duration,
    /// The least time without a leader after which a follower stands for election; the most is
    /// twice as much, chosen at random each time.
    pub election_timeout: Duration,
    /// `L`: how long followers promise to help nobody else.
    pub lease: Duration,
    /// `g`: what is taken off the lease for what clocks and rounding may do.
    pub lease_guard: Duration,
    /// The most that one AppendEntries carries.
    pub max_append_bytes: usize,
    /// AppendEntries on their way to a follower before one must be answered.
    pub max_inflight_appends: usize,
    /// The most that may wait to be committed; beyond it commands are refused.
    pub max_uncommitted_bytes: usize,
    /// The most that one piece of a snapshot carries.
    pub max_snapshot_piece_bytes: usize,
    /// Seeds the choice of election timeouts.
    pub seed: u64,
}

impl Config {
    /// For a LAN. A heartbeat is far above a round trip and an fsync (some ms at worst) and cheap;
    /// an election timeout of ten heartbeats lets a busy machine hiccup without an election; the
    /// lease is as long as the election timeout, for a follower that stands earlier would only have
    /// to wait for it. So a dead leader is replaced in between 300 and 600 ms, and a round of split
    /// votes stays below a second.
    pub fn lan(id: NodeId, voters: Vec<NodeId>) -> Config {
        Config {
            id,
            voters,
            heartbeat_interval: Duration::from_millis(30),
            election_timeout: Duration::from_millis(300),
            lease: Duration::from_millis(300),
            lease_guard: Duration::from_millis(20),
            max_append_bytes: 1024 * 1024,
            max_inflight_appends: 64,
            max_uncommitted_bytes: 64 * 1024 * 1024,
            max_snapshot_piece_bytes: 512 * 1024,
            seed: id,
        }
    }

    /// The timing of the classic trial: slow enough to watch.
    pub fn classic(id: NodeId, voters: Vec<NodeId>) -> Config {
        Config {
            heartbeat_interval: Duration::from_secs(1),
            election_timeout: Duration::from_secs(5),
            lease: Duration::from_secs(4),
            ..Config::lan(id, voters)
        }
    }
}

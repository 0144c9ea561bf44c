//! Metadata names that nodes and clients share.

/// Trailing metadata of a refusal because a bound of the state is reached. A RESOURCE_EXHAUSTED
/// without it is of a node that is busy: nothing was done, and the call may be repeated.
pub const FULL: &str = "agora-full";
/// Trailing metadata of a refusal: the id of the refusing node.
pub const NODE_ID: &str = "agora-node-id";
/// Trailing metadata of a refusal: the id of the leader.
pub const LEADER_ID: &str = "agora-leader-id";
/// Trailing metadata of a refusal: the address of the leader.
pub const LEADER: &str = "agora-leader";

//! What nodes and their clients must agree on beside messages: names of metadata.

/// Trailing metadata of a refusal: the number of the node that refuses.
pub const NODE_ID: &str = "agora-node-id";
/// Trailing metadata of a refusal: the number of the node that leads.
pub const LEADER_ID: &str = "agora-leader-id";
/// Trailing metadata of a refusal: its address.
pub const LEADER: &str = "agora-leader";

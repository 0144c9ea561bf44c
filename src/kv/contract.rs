//! What both sides of the wire must agree on beside the messages: names.

/// The service's full name.
pub const SERVICE: &str = "agora.kv.v1.KvService";
/// That of the classic one.
pub const CLASSIC_SERVICE: &str = "RaftService";

/// Trailing metadata of a refusal: the number of the node that refuses.
pub const NODE_ID: &str = "agora-node-id";
/// Trailing metadata of a refusal: the number of the node that leads.
pub const LEADER_ID: &str = "agora-leader-id";
/// Trailing metadata of a refusal: its address.
pub const LEADER: &str = "agora-leader";
/// Trailing metadata of a watch that was ended: from where on changes are known.
pub const OLDEST_REVISION: &str = "agora-oldest-revision";

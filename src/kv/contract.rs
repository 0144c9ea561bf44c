//! Names that client and service must agree on, beside the messages.

pub use crate::replica::contract::{FULL, LEADER, LEADER_ID, NODE_ID};

/// The full name of the service.
pub const SERVICE: &str = "agora.kv.v1.KvService";
/// The full name of the course version's service.
pub const COURSE_SERVICE: &str = "RaftService";

/// Trailing metadata of a watch that the node ended: the oldest revision that a watch can start
/// after.
pub const OLDEST_REVISION: &str = "agora-oldest-revision";

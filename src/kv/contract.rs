//! What both sides of the wire must agree on beside the messages: names.

pub use crate::replica::contract::{LEADER, LEADER_ID, NODE_ID};

/// The service's full name.
pub const SERVICE: &str = "agora.kv.v1.KvService";
/// The full name of the course version's service.
pub const COURSE_SERVICE: &str = "RaftService";

/// Trailing metadata of a watch that was ended: from where on changes are known.
pub const OLDEST_REVISION: &str = "agora-oldest-revision";

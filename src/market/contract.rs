//! What both sides of the wire must agree on beside the messages: names of metadata.

/// Trailing metadata of the refusal of a request id that is too low: the highest one that the market
/// knows of the account. Ids above it are new.
pub const LAST_REQUEST_ID: &str = "agora-last-request-id";

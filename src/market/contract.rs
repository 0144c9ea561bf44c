//! What both sides of the wire must agree on beside the messages: names of metadata.

/// Trailing metadata of the refusal of a request id that is too low: the highest one that the market
/// knows of the account. Ids above it are new.
pub const LAST_REQUEST_ID: &str = "agora-last-request-id";

/// Trailing metadata of a refusal because the market, or what an account may have there, is full. A
/// RESOURCE_EXHAUSTED without it is of a server that is busy: nothing was done, and the same command
/// is worth another try.
pub const FULL: &str = "agora-full";

//! What both sides of the wire must agree on beside the messages.

/// Trailing metadata of the refusal of a request id that is too low: the highest id that the market
/// knows of the account. Ids above it are new.
pub const LAST_REQUEST_ID: &str = "agora-last-request-id";

/// Also with the refusal of a command because a bound of the market or of an account is reached.
pub use crate::replica::contract::FULL;

/// Trailing metadata of a refusal because of a limit an hour: the milliseconds after which the same
/// command will be taken. It is not gRPC's `grpc-retry-pushback-ms` (gRFC A6): names with that prefix
/// are no metadata of an application.
pub const RETRY_AFTER_MS: &str = "agora-retry-after-ms";

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// Linearizable: only the leader gives it.
    #[default]
    Linearizable,
    /// The state that the replica has applied so far.
    Stale,
}

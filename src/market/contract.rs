//! What both sides of the wire must agree on beside the messages.

/// Trailing metadata of the refusal of a request id that is too low: the highest id that the market
/// knows of the account. Ids above it are new.
pub const LAST_REQUEST_ID: &str = "agora-last-request-id";

/// Also with the refusal of a command because a bound of the market or of an account is reached.
pub use crate::replica::contract::FULL;

/// Trailing metadata of a refusal because of a limit an hour: the milliseconds after which the same
/// command will be taken. The name and the format are gRPC's, for its retry policies (gRFC A6).
pub const RETRY_PUSHBACK: &str = "grpc-retry-pushback-ms";

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// Linearizable: only the leader gives it.
    #[default]
    Linearizable,
    /// The state that the replica has applied so far.
    Stale,
}

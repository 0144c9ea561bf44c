//! What sending on a call that has ended returns.

use std::fmt;

use super::Status;

/// The call has ended: finished, cancelled, or lost with its connection. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallEnded;

impl fmt::Display for CallEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call has ended")
    }
}

impl std::error::Error for CallEnded {}

/// Why a message of a server was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The call has ended already.
    Ended,
    /// The message cannot be sent. The call has ended with this status instead, which the client
    /// receives; it is not reported to the [`ServerSink`](super::ServerSink).
    Refused(Status),
}

impl From<CallEnded> for SendError {
    fn from(_: CallEnded) -> SendError {
        SendError::Ended
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Ended => CallEnded.fmt(f),
            SendError::Refused(status) => status.fmt(f),
        }
    }
}

impl std::error::Error for SendError {}

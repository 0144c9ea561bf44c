//! The outcome of an attempt at a node.

use crate::call::{Code, Status};
use crate::raft::NodeId;
use crate::replica::contract::{LEADER, LEADER_ID, NODE_ID};

use super::Exhausted;

/// Why a node did not answer a call, for the error text.
pub(super) enum NodeFailure {
    Unreachable(String),
    Incompatible,
    TimedOut,
    NoLeader,
    NamesLeader(Leader),
    /// The message of the status.
    Busy(String),
}

/// The leader that a node names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leader {
    pub(super) id: NodeId,
    /// As the group knows it; a client may know the node by another address.
    pub(super) address: String,
}

impl Leader {
    pub(super) fn of(status: &Status) -> Option<Leader> {
        let text = |name| status.metadata.get(name).and_then(|text| std::str::from_utf8(text).ok());
        let id = text(LEADER_ID)?.parse().ok()?;
        Some(Leader { id, address: text(LEADER).unwrap_or_default().to_owned() })
    }
}

/// The outcome of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The node does not lead; it may name the leader.
    NotLeader(Option<Leader>),
    /// There is no connection, or it broke.
    Unreachable,
    /// The server is not a node of a group, or is faulty.
    Incompatible,
    /// No answer came in time.
    TimedOut,
    /// The node accepted no more calls.
    Busy,
    /// The node lost its leadership during the call.
    LostLeadership,
    /// The status is the answer.
    Refused,
}

impl Outcome {
    pub(super) fn of(status: &Status, exhausted: Exhausted) -> Outcome {
        let of_node = status.metadata.get(NODE_ID).is_some();
        match status.code {
            Code::Unavailable if of_node => Outcome::NotLeader(Leader::of(status)),
            Code::Unavailable => Outcome::Unreachable,
            Code::DeadlineExceeded => Outcome::TimedOut,
            Code::ResourceExhausted => match exhausted {
                Exhausted::RefusedIf(name) if status.metadata.get(name).is_some() => {
                    Outcome::Refused
                }
                _ => Outcome::Busy,
            },
            Code::Unknown if of_node => Outcome::LostLeadership,
            // A node never returns these for a valid call.
            Code::Internal | Code::Unimplemented => Outcome::Incompatible,
            _ => Outcome::Refused,
        }
    }

    /// Whether a node that received the request may have executed it, or still may.
    pub(super) fn may_be_done(&self) -> bool {
        matches!(
            self,
            Outcome::Unreachable
                | Outcome::Incompatible
                | Outcome::TimedOut
                | Outcome::LostLeadership
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_exhausted_is_retried_unless_the_service_is_full() {
        let mut status = Status::new(Code::ResourceExhausted, "too much");
        for exhausted in [Exhausted::Busy, Exhausted::RefusedIf("x-full")] {
            assert_eq!(Outcome::of(&status, exhausted), Outcome::Busy);
        }
        status.metadata.insert("x-full", b"1").unwrap();
        assert_eq!(Outcome::of(&status, Exhausted::Busy), Outcome::Busy);
        assert_eq!(Outcome::of(&status, Exhausted::RefusedIf("x-full")), Outcome::Refused);
    }
}

//! What an attempt at a node has come to.

use crate::call::{Code, Status};
use crate::raft::NodeId;
use crate::replica::contract::{LEADER, LEADER_ID, NODE_ID};

use super::Exhausted;

/// What is known of a node at the end of a call that nobody answered.
pub(super) enum NodeFailure {
    Unreachable(String),
    Incompatible,
    TimedOut,
    NoLeader,
    NamesLeader(Leader),
    /// What it said.
    Busy(String),
}

/// Who leads, as a node says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leader {
    pub(super) id: NodeId,
    /// As the group knows it; a client may know it by another one.
    pub(super) address: String,
}

impl Leader {
    pub(super) fn of(status: &Status) -> Option<Leader> {
        let text = |name| status.metadata.get(name).and_then(|text| std::str::from_utf8(text).ok());
        let id = text(LEADER_ID)?.parse().ok()?;
        Some(Leader { id, address: text(LEADER).unwrap_or_default().to_owned() })
    }
}

/// What an attempt has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The node does not lead; perhaps it knows who does.
    NotLeader(Option<Leader>),
    /// There is no connection, or it broke.
    Unreachable,
    /// Somebody else listens there, or a node that has gone wrong.
    Incompatible,
    /// No answer came for long.
    TimedOut,
    /// The node took nothing more.
    Busy,
    /// The node lost its leadership in the middle of it.
    LostLeadership,
    /// That is the answer.
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
            // A node says neither of a call that makes sense.
            Code::Internal | Code::Unimplemented => Outcome::Incompatible,
            _ => Outcome::Refused,
        }
    }

    /// Whether a node that began to work on it may have done it, or still may.
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

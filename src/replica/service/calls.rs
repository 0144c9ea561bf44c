//! Reads, writes and their answers.

use std::sync::Arc;

use crate::call::Status;
use crate::raft::{NotLeader, Origin, StateMachine};
use crate::replica::engine::{PendingRead, ReadAccess};
use crate::replica::node::{Service, Shared, not_leader};
use crate::rpc::{Answer, Answered, Reactor, Reply};

/// Refuses a call of a node that does not lead.
///
/// # Errors
/// `UNAVAILABLE`, with the leader in the metadata.
pub fn check_leader<S: Service>(node: &Shared<S>) -> Result<(), Status> {
    if node.raft().is_leader() {
        return Ok(());
    }
    Err(not_leader(node, NotLeader { leader: node.raft().leader() }))
}

/// Whether a linearizable read can use the state now (`None`), or what it has to wait for. `encode`
/// gives the read as the state machine's [`StateMachine::conflicts`] takes it; it is called at most
/// once, and only if entries of an earlier leader have to be searched. `words` is for `dump.txt`.
///
/// # Errors
/// `UNAVAILABLE`: the node does not lead.
pub fn check_read<S: Service>(
    node: &mut Shared<S>,
    encode: impl Fn() -> Vec<u8>,
    words: impl FnOnce() -> Vec<Vec<u8>>,
) -> Result<Option<PendingRead>, Status> {
    let mut encoded = None;
    let conflicts =
        |command: &[u8]| S::Machine::conflicts(encoded.get_or_insert_with(&encode), command);
    match node.read(conflicts, words) {
        ReadAccess::Now => Ok(None),
        ReadAccess::Wait(pending) => Ok(Some(pending)),
        ReadAccess::NotLeader(not) => Err(not_leader(node, not)),
    }
}

/// Answers a read: at once with what `append` appends to the response, or when `pending` is over,
/// by the ticket that `ticket` makes.
///
/// # Errors
/// Those of `append`; `RESOURCE_EXHAUSTED`: too many calls of the connection wait.
pub fn read<S: Service>(
    node: &mut Shared<S>,
    pending: Option<PendingRead>,
    answer: Answer<'_>,
    append: impl FnOnce(&Shared<S>, &mut Vec<u8>) -> Result<(), Status>,
    ticket: impl FnOnce(Reply) -> S::Ticket,
) -> Result<Answered, Status> {
    let Some(pending) = pending else {
        return answer_now(answer, |response| append(node, response));
    };
    let (reply, answered) = answer.later()?;
    node.queue_read(pending, ticket(reply));
    Ok(answered)
}

/// Proposes the command that `encode` appends; the ticket that `ticket` makes answers the call once
/// the command is applied.
///
/// # Errors
/// Those of `encode`; `RESOURCE_EXHAUSTED`: too many calls of the connection wait.
pub fn write<S: Service>(
    node: &mut Shared<S>,
    origin: Option<Origin>,
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), Status>,
    answer: Answer<'_>,
    ticket: impl FnOnce(Reply) -> S::Ticket,
) -> Result<Answered, Status> {
    let bytes = node.scratch();
    encode(bytes)?;
    let command = Arc::from(&bytes[..]);
    let (reply, answered) = answer.later()?;
    node.write(origin, command, ticket(reply));
    Ok(answered)
}

/// Answers at once with what `append` appends, or with its error.
///
/// # Errors
/// Those of `append`; what it has appended before is dropped.
pub fn answer_now(
    answer: Answer<'_>,
    append: impl FnOnce(&mut Vec<u8>) -> Result<(), Status>,
) -> Result<Answered, Status> {
    let mut result = Ok(());
    let answered = answer.now(|response| {
        let before = response.len();
        result = append(response);
        if result.is_err() {
            response.truncate(before);
        }
    });
    result.map(|()| answered)
}

/// Answers a call that has waited with what `append` appends, or with its error.
pub fn complete(
    reactor: &mut Reactor<'_>,
    reply: Reply,
    append: impl FnOnce(&mut Vec<u8>) -> Result<(), Status>,
) {
    let mut response = Vec::new();
    let result = append(&mut response);
    reactor.answer(reply, result.map(|()| &response[..]));
}

/// A status with one more entry in its metadata.
pub fn with_metadata(mut status: Status, name: &str, value: &str) -> Status {
    if let Err(error) = status.metadata.insert(name, value.as_bytes()) {
        log::error!("{name}: {error}");
    }
    status
}

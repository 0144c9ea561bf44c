//! Calls that wait for the log, for a read or for a transfer.

use super::KvService;
use super::course::{self, PendingRequest};
use super::wire::{self, ScanRequest};
use crate::call::{Code, Status};
use crate::kv::state::{self, Kv};
use crate::replica::engine::Answer;
use crate::replica::node::{Shared, refusal};
use crate::replica::service::complete;
use crate::rpc::{Reactor, Reply};

/// A call that waits, and the right to answer it.
pub struct Ticket {
    reply: Reply,
    call: Call,
}

/// The kind of a call, with the parts of its request that the response needs.
pub(super) enum Call {
    Get(Vec<u8>),
    Scan(ScanRequest),
    Set,
    Delete,
    CompareAndSet,
    OpenSession,
    TransferLeadership,
    /// A request of the course version: the call itself always succeeds.
    Course(PendingRequest),
}

impl Ticket {
    pub(super) fn new(reply: Reply, call: Call) -> Ticket {
        Ticket { reply, call }
    }

    /// Answers the call.
    pub(super) fn answer(
        self,
        node: &mut Shared<KvService>,
        answer: Answer,
        reactor: &mut Reactor<'_>,
    ) {
        let Ticket { reply, call } = self;
        complete(reactor, reply, |response| match &call {
            Call::Course(pending) => {
                course::append(node, pending, &answer, response);
                Ok(())
            }
            call => append(node, call, &answer, response),
        });
    }
}

fn append(
    node: &Shared<KvService>,
    call: &Call,
    answer: &Answer,
    response: &mut Vec<u8>,
) -> Result<(), Status> {
    match (call, answer) {
        (Call::Get(key), Answer::Read) => wire::append_get(machine(node), key, response),
        (Call::Scan(request), Answer::Read) => wire::append_scan(node.state(), request, response),
        (Call::OpenSession, Answer::Opened(session)) => {
            wire::append_open_session(*session, response)
        }
        (Call::TransferLeadership, Answer::Transferred) => (),
        (call, Answer::Done(reply)) => append_done(call, reply, response)?,
        (_, answer) => return Err(refusal(node, answer)),
    }
    Ok(())
}

/// Appends the response to a write, given the reply of the state machine.
fn append_done(call: &Call, reply: &[u8], response: &mut Vec<u8>) -> Result<(), Status> {
    let reply = state::Reply::decode(reply);
    let reply = reply.map_err(|error| Status::new(Code::Internal, error.to_string()))?;
    match (call, reply) {
        (Call::Set, state::Reply::Written { revision }) => wire::append_set(revision, response),
        (Call::Delete, state::Reply::Deleted { revision }) => {
            wire::append_delete(true, revision, response);
        }
        (Call::Delete, state::Reply::Missing { revision }) => {
            wire::append_delete(false, revision, response);
        }
        (Call::CompareAndSet, state::Reply::Written { revision }) => {
            wire::append_compare_and_set(true, revision, response);
        }
        (Call::CompareAndSet, state::Reply::CompareFailed { modified }) => {
            wire::append_compare_and_set(false, modified, response);
        }
        // The sequence number belongs to an earlier write of another kind. All calls are listed, so that
        // a new one without its response does not compile.
        (
            Call::Set
            | Call::Delete
            | Call::CompareAndSet
            | Call::Get(_)
            | Call::Scan(_)
            | Call::OpenSession
            | Call::TransferLeadership
            | Call::Course(_),
            _,
        ) => {
            let message = "this sequence was the number of another write";
            return Err(Status::new(Code::InvalidArgument, message));
        }
    }
    Ok(())
}

pub(super) fn machine(node: &Shared<KvService>) -> &Kv {
    node.state().machine()
}

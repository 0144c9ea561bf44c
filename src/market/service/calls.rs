//! One handler for each method.

use std::net::SocketAddr;
use std::sync::Arc;

use super::queries::{QUERIES, QueryMethod};
use super::ticket::Ticket;
use super::watch::WatchCall;
use super::wire::{self, CommandRequest};
use super::{MarketService, NAME, identity};
use crate::call::Status;
use crate::market::contract::{Consistency, FULL, LAST_REQUEST_ID};
use crate::market::state::{Action, Command, Error, ItemId, Market, ReadSet, Reply};
use crate::raft::{NotLeader, StateMachine};
use crate::replica::engine::{PendingRead, ReadAccess};
use crate::replica::node::{Node, Shared, not_leader};
use crate::rpc::{Answer, Answered, Services, Shape};

/// Adds the market's methods to what a server answers.
pub fn register(services: &mut Services, node: &Node<MarketService>) {
    for (method, read) in wire::COMMANDS {
        let node = node.clone();
        services.deferrable(&path(method), move |_, message, answer| {
            command(&mut node.lock(), read(message)?, answer)
        });
    }
    for method in QUERIES {
        let node = node.clone();
        services.deferrable(&method.path(), move |context, message, answer| {
            query(&mut node.lock(), method, context.peer, message, answer)
        });
    }
    services.streaming(&path("WatchNotifications"), Shape::ServerStreaming, {
        let node = node.clone();
        move |_, responder| Ok(Box::new(WatchCall::new(node.clone(), responder)))
    });
    let node = node.clone();
    services.on_shutdown(move || node.lock().service_mut().watches.shut_down());
}

fn path(method: &str) -> String {
    format!("/{NAME}/{method}")
}

/// Has a command done. Whoever does not lead does not look at it.
fn command(
    node: &mut Shared<MarketService>,
    asked: CommandRequest<'_>,
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    if !node.raft().is_leader() {
        return Err(not_leader(node, NotLeader { leader: node.raft().leader() }));
    }
    let CommandRequest { uuid, address, request_id, action } = asked;
    let rating = node.service_mut().print_request(address, uuid, &action);
    let caller = identity::caller(uuid, address)?;
    let command = Command { request_id, caller, action };
    command.check_size(node.state().machine().limits())?;
    let updated = match action {
        Action::UpdateItem { item, .. } => Some(item),
        _ => None,
    };
    if let Some(known) = settled_answer(node, &command) {
        let mut refusal = None;
        let answered =
            answer.now(|response| match append_outcome(node, updated, known, response) {
                Ok(()) => (),
                Err(status) => refusal = Some(status),
            });
        let done = refusal.map_or(Ok(answered), Err);
        node.service_mut().print_rating(rating.as_ref(), done.as_ref().err());
        return done;
    }
    let bytes = node.scratch();
    command.encode_into(bytes)?;
    let bytes = Arc::from(&bytes[..]);
    let (reply, answered) = answer.later()?;
    node.write(None, bytes, Ticket::Command { reply, updated, rating });
    Ok(answered)
}

/// The answer to a command that need not go into the log: a later one could not be another, or it is
/// a refusal that nobody remembers, and nothing is on its way that could change it.
fn settled_answer(
    node: &mut Shared<MarketService>,
    command: &Command<'_>,
) -> Option<Result<Reply, Error>> {
    let market = node.state().machine();
    if let Some(answer) = market.final_answer(command) {
        return Some(answer);
    }
    let refusal = market.unrecorded_refusal(command)?;
    node.is_up_to_date().then_some(Err(refusal))
}

/// The response to a command, from what the market has answered.
pub(super) fn append_outcome(
    node: &Shared<MarketService>,
    updated: Option<ItemId>,
    answer: Result<Reply, Error>,
    response: &mut Vec<u8>,
) -> Result<(), Status> {
    let reply = answer.map_err(refused)?;
    wire::append_reply(node.state().machine(), updated, reply, response);
    Ok(())
}

/// The status of a refusal, with what a client needs to go on.
fn refused(error: Error) -> Status {
    let status = Status::from(error);
    match error {
        Error::RequestForgotten(_, last) => with(status, LAST_REQUEST_ID, &last.to_string()),
        Error::Full(..) => full(status),
        _ => status,
    }
}

/// The status of a bound of the market's own.
pub(super) fn full(status: Status) -> Status {
    with(status, FULL, "1")
}

fn with(mut status: Status, name: &str, value: &str) -> Status {
    if let Err(error) = status.metadata.insert(name, value.as_bytes()) {
        log::error!("{name}: {error}");
    }
    status
}

fn query(
    node: &mut Shared<MarketService>,
    method: QueryMethod,
    peer: SocketAddr,
    message: &[u8],
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    let (read_set, consistency) = (method.parse)(message)?;
    let waiting = match consistency {
        Consistency::Stale => None,
        Consistency::Linearizable => read_linearizable(node, read_set, method.name)?,
    };
    (method.print)(node.service_mut(), peer, message)?;
    let Some(waiting) = waiting else {
        let mut refusal = None;
        let answered = answer.now(|response| {
            let before = response.len();
            if let Err(status) = method.execute(node, message, response) {
                response.truncate(before);
                refusal = Some(status);
            }
        });
        return refusal.map_or(Ok(answered), Err);
    };
    let (reply, answered) = answer.later()?;
    node.queue_read(waiting, Ticket::Query { reply, method, message: message.to_vec() });
    Ok(answered)
}

/// Whether a read may look at the state now (`None`), or has to wait.
pub(super) fn read_linearizable(
    node: &mut Shared<MarketService>,
    read_set: ReadSet,
    name: &str,
) -> Result<Option<PendingRead>, Status> {
    let mut encoded = None;
    let conflicts = |command: &[u8]| {
        Market::conflicts(encoded.get_or_insert_with(|| read_set.encode()), command)
    };
    match node.read(conflicts, || vec![name.as_bytes().to_vec()]) {
        ReadAccess::Now => Ok(None),
        ReadAccess::Wait(waiting) => Ok(Some(waiting)),
        ReadAccess::NotLeader(not) => Err(not_leader(node, not)),
    }
}

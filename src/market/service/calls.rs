//! One handler for each method.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::address_limits::{Limited, TooMany};
use super::queries::{QUERIES, QueryMethod};
use super::ticket::Ticket;
use super::wire::{self, CommandRequest};
use super::{MarketService, NAME, admin, identity};
use crate::call::{Code, Status};
use crate::market::contract::{Consistency, FULL, LAST_REQUEST_ID, RETRY_AFTER_MS};
use crate::market::names;
use crate::market::state::{Action, Caller, Command, Error, ItemId, Reply};
use crate::replica::node::{Node, Shared};
use crate::replica::service::{self, WatchCall};
use crate::rpc::{Answer, Answered, Services, Shape};

/// Adds the market's methods to what a server answers.
pub fn register(services: &mut Services, node: &Node<MarketService>) {
    for (method, read) in wire::COMMANDS {
        let node = node.clone();
        services.deferrable(&path(method), move |context, message, answer| {
            command(&mut node.lock(), context.peer, read(message)?, answer)
        });
    }
    for method in QUERIES {
        let node = node.clone();
        services.deferrable(&method.path(), move |context, message, answer| {
            query(&mut node.lock(), method, context.peer, message, answer)
        });
    }
    admin::register(services, node);
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

/// Executes a command. A node that does not lead refuses it before it reads the command.
fn command(
    node: &mut Shared<MarketService>,
    peer: SocketAddr,
    request: CommandRequest<'_>,
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    service::check_leader(node)?;
    let CommandRequest { uuid, address, request_id, action } = request;
    let caller = identity::caller(uuid, address);
    if let Ok(caller) = caller {
        // Before the line is printed, so that a flood of refused calls prints nothing.
        let command = Command { request_id, caller, action };
        check_address_limits(node, peer.ip(), &command)?;
        check_new_name(node, &caller)?;
    }
    let rating = node.service_mut().print_request(address, uuid, &action);
    let command = Command { request_id, caller: caller?, action };
    command.check_size(node.state().machine().limits())?;
    let updated = match action {
        Action::UpdateItem { item, .. } => Some(item),
        _ => None,
    };
    if let Some(settled) = settled_answer(node, &command) {
        let append = |response: &mut Vec<u8>| append_outcome(node, updated, settled, response);
        let answered = service::answer_now(answer, append);
        node.service_mut().print_rating(rating.as_ref(), answered.as_ref().err());
        return answered;
    }
    let encode = |bytes: &mut Vec<u8>| Ok(command.encode_into(bytes)?);
    service::write(node, None, encode, answer, |reply| Ticket::Command { reply, updated, rating })
}

/// Checks the name of a caller without an account: others must see which name it is. The check is
/// made here, and not when the command is applied, because logs have names from before it.
fn check_new_name(node: &Shared<MarketService>, caller: &Caller<'_>) -> Result<(), Status> {
    if caller.address.is_ascii() || node.state().machine().has_account(&caller.identity) {
        return Ok(());
    }
    names::check(caller.address).map_err(|deception| {
        let reason = format!("this name would deceive others: {deception}");
        Status::new(Code::InvalidArgument, reason)
    })
}

/// Takes the tokens that a command costs its network address. A repeated command costs nothing.
fn check_address_limits(
    node: &mut Shared<MarketService>,
    peer: IpAddr,
    command: &Command<'_>,
) -> Result<(), Status> {
    let limiter = &node.service_mut().address_limiter;
    let of_action = Limited::of(&command.action).filter(|what| limiter.applies(*what, peer));
    let of_new_caller =
        Some(Limited::Registrations).filter(|registrations| limiter.applies(*registrations, peer));
    if of_action.is_none() && of_new_caller.is_none() {
        return Ok(());
    }
    let now = node.elapsed_since(Duration::ZERO);
    let (service, state) = node.service_and_state();
    let market = state.machine();
    let is_new_caller = !market.has_account(&command.caller.identity);
    let of_new_caller = of_new_caller.filter(|_| is_new_caller);
    let registers = matches!(command.action, Action::RegisterSeller | Action::RegisterBuyer);
    let of_action = of_action.filter(|_| !(is_new_caller && registers));
    if of_action.is_none() && of_new_caller.is_none() || market.final_answer(command).is_some() {
        return Ok(());
    }
    let limiter = &mut service.address_limiter;
    let taken = [of_new_caller, of_action]
        .into_iter()
        .flatten()
        .try_for_each(|what| limiter.take(what, peer, now));
    if let Some(count) = limiter.refusals_to_log(now) {
        log::warn!("commands refused because of their network address: {count}, now of {peer}");
    }
    taken.map_err(too_many)
}

/// The status of a command beyond the limits of its network address.
fn too_many(too_many: TooMany) -> Status {
    let status = full(Status::new(Code::ResourceExhausted, too_many.to_string()));
    let wait_ms = i32::try_from(too_many.wait.as_millis() + 1).unwrap_or(i32::MAX);
    service::with_metadata(status, RETRY_AFTER_MS, &wait_ms.to_string())
}

/// The answer to a command that need not go into the log, because no later state could give another
/// one, or because it is a refusal that the state does not record and no entry is under way that
/// could change it.
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

/// Appends the response to a command, given the reply of the state machine.
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

/// The status of a refusal, with the metadata that a client needs to continue.
fn refused(error: Error) -> Status {
    let status = Status::from(error);
    match error {
        Error::RequestForgotten(_, last) => {
            service::with_metadata(status, LAST_REQUEST_ID, &last.to_string())
        }
        Error::Full(..) => full(status),
        _ => status,
    }
}

/// The status of a limit of the market itself, as opposed to a busy server.
pub(super) fn full(status: Status) -> Status {
    service::with_metadata(status, FULL, "1")
}

fn query(
    node: &mut Shared<MarketService>,
    method: QueryMethod,
    peer: SocketAddr,
    message: &[u8],
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    let (read_set, consistency) = (method.parse)(message)?;
    let pending = match consistency {
        Consistency::Stale => None,
        Consistency::Linearizable => {
            let words = || vec![method.name.as_bytes().to_vec()];
            service::check_read(node, || read_set.encode(), words)?
        }
    };
    (method.print)(node.service_mut(), peer, message)?;
    let append = |node: &Shared<MarketService>, response: &mut Vec<u8>| {
        method.execute(node, message, response)
    };
    let ticket = |reply| Ticket::Query { reply, method, message: message.to_vec() };
    service::read(node, pending, answer, append, ticket)
}

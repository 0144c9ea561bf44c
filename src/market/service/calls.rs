//! One handler for each method.

use std::net::SocketAddr;
use std::sync::Arc;

use super::looks::{LOOKS, LookMethod};
use super::ticket::Ticket;
use super::watch::WatchCall;
use super::{MarketService, NAME, identity, shown};
use crate::call::Status;
use crate::market::print::Request;
use crate::market::state::{Action, Command, Look, Market};
use crate::market::wire::{self, Asked, Consistency};
use crate::raft::{NotLeader, StateMachine};
use crate::replica::engine::{ReadNow, Waiting};
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
    for method in LOOKS {
        let node = node.clone();
        services.deferrable(&method.path(), move |context, message, answer| {
            look(&mut node.lock(), method, context.peer, message, answer)
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
    asked: Asked<'_>,
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    if !node.raft().is_leader() {
        return Err(not_leader(node, NotLeader { leader: node.raft().leader() }));
    }
    let Asked { uuid, address, request_id, action } = asked;
    node.service_mut().print(address, Request::Command(&action, shown(uuid)));
    let caller = identity::caller(uuid, address)?;
    let command = Command { request_id, caller, action };
    command.check_size(node.state().machine().limits())?;
    let bytes = node.scratch();
    command.encode_into(bytes)?;
    let bytes = Arc::from(&bytes[..]);
    let updated = match action {
        Action::UpdateItem { item, .. } => Some(item),
        _ => None,
    };
    let (reply, answered) = answer.later()?;
    node.write(None, bytes, Ticket::Command { reply, updated });
    Ok(answered)
}

fn look(
    node: &mut Shared<MarketService>,
    method: LookMethod,
    peer: SocketAddr,
    message: &[u8],
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    let (looks_at, consistency) = (method.asked)(message)?;
    let waiting = match consistency {
        Consistency::Stale => None,
        Consistency::Linearizable => may_read_latest(node, looks_at, method.name)?,
    };
    (method.print)(node.service_mut(), peer, message)?;
    let Some(waiting) = waiting else {
        let mut refusal = None;
        let answered = answer.now(|response| {
            let before = response.len();
            if let Err(status) = method.look(node, message, response) {
                response.truncate(before);
                refusal = Some(status);
            }
        });
        return refusal.map_or(Ok(answered), Err);
    };
    let (reply, answered) = answer.later()?;
    node.read_later(waiting, Ticket::Look { reply, method, message: message.to_vec() });
    Ok(answered)
}

/// Whether a read may look at the state now (`None`), or has to wait.
pub(super) fn may_read_latest(
    node: &mut Shared<MarketService>,
    look: Look,
    name: &str,
) -> Result<Option<Waiting>, Status> {
    let mut encoded = None;
    let conflicts =
        |command: &[u8]| Market::conflicts(encoded.get_or_insert_with(|| look.encode()), command);
    match node.read(conflicts, || vec![name.as_bytes().to_vec()]) {
        ReadNow::Yes => Ok(None),
        ReadNow::Wait(waiting) => Ok(Some(waiting)),
        ReadNow::NotLeader(not) => Err(not_leader(node, not)),
    }
}

//! One handler for each method.

use std::sync::Arc;
use std::time::Duration;

use super::KvService;
use super::course::{self, PendingRequest};
use super::ticket::{Call, Ticket, machine};
use super::watch::WatchCall;
use super::wire::{self, Consistency};
use crate::call::Status;
use crate::kv::contract::{COURSE_SERVICE, SERVICE};
use crate::kv::state::{Command, Kv, Read, check_key};
use crate::raft::{Origin, StateMachine};
use crate::replica::engine::{PendingRead, ReadAccess};
use crate::replica::node::{Node, Shared, not_leader};
use crate::rpc::{Answer, Answered, Services, Shape};

/// How long the target of a transfer may take; with classic timing an election takes ten seconds.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(12);

/// Adds the store's methods, and the classic one, to what a server answers.
pub fn register(services: &mut Services, node: &Node<KvService>) {
    register_reads(services, node);
    register_writes(services, node);
    register_rest(services, node);
    let node = node.clone();
    services.deferrable(&format!("/{COURSE_SERVICE}/ServeClient"), move |_, message, answer| {
        let request = wire::parse_serve_client(message)?;
        serve_client(&mut node.lock(), request.as_ref(), answer)
    });
}

fn path(method: &str) -> String {
    format!("/{SERVICE}/{method}")
}

fn register_reads(services: &mut Services, node: &Node<KvService>) {
    services.deferrable(&path("Get"), {
        let node = node.clone();
        move |_, message, answer| {
            let (key, consistency) = wire::parse_get(message)?;
            let mut node = node.lock();
            match read_or_wait(&mut node, consistency, Read::Key(key))? {
                None => Ok(answer.now(|response| wire::append_get(machine(&node), key, response))),
                Some(waiting) => wait(&mut node, waiting, Call::Get(key.to_vec()), answer),
            }
        }
    });
    services.deferrable(&path("Scan"), {
        let node = node.clone();
        move |_, message, answer| {
            let (request, consistency) = wire::parse_scan(message)?;
            let mut node = node.lock();
            match read_or_wait(&mut node, consistency, Read::Prefix(&request.prefix))? {
                None => Ok(answer.now(|response| {
                    wire::append_scan(node.state(), &request, response);
                })),
                Some(waiting) => wait(&mut node, waiting, Call::Scan(request), answer),
            }
        }
    });
}

/// Whether a read may look at the state now (`None`), or has to wait.
fn read_or_wait(
    node: &mut Shared<KvService>,
    consistency: Consistency,
    read: Read<'_>,
) -> Result<Option<PendingRead>, Status> {
    match consistency {
        Consistency::Stale => Ok(None),
        Consistency::Linearizable => read_linearizable(node, read),
    }
}

fn read_linearizable(
    node: &mut Shared<KvService>,
    read: Read<'_>,
) -> Result<Option<PendingRead>, Status> {
    let mut encoded = None;
    let conflicts =
        |command: &[u8]| Kv::conflicts(encoded.get_or_insert_with(|| read.encode()), command);
    match node.read(conflicts, || read.words()) {
        ReadAccess::Now => Ok(None),
        ReadAccess::Wait(waiting) => Ok(Some(waiting)),
        ReadAccess::NotLeader(not) => Err(not_leader(node, not)),
    }
}

fn wait(
    node: &mut Shared<KvService>,
    waiting: PendingRead,
    call: Call,
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    let (reply, answered) = answer.later()?;
    node.queue_read(waiting, Ticket::new(reply, call));
    Ok(answered)
}

fn register_writes(services: &mut Services, node: &Node<KvService>) {
    services.deferrable(&path("Set"), {
        let node = node.clone();
        move |_, message, answer| {
            let request = wire::parse_set(message)?;
            let command = Command::Set { key: &request.key, value: &request.value };
            write(&mut node.lock(), request.origin(), command, Call::Set, answer)
        }
    });
    services.deferrable(&path("Delete"), {
        let node = node.clone();
        move |_, message, answer| {
            let request = wire::parse_delete(message)?;
            let command = Command::Delete { key: &request.key };
            write(&mut node.lock(), request.origin(), command, Call::Delete, answer)
        }
    });
    services.deferrable(&path("CompareAndSet"), {
        let node = node.clone();
        move |_, message, answer| {
            let request = wire::parse_compare_and_set(message)?;
            let old = request.old.as_ref().map(|old| &*old.value);
            let command = Command::CompareAndSet { key: &request.key, old, new: &request.new };
            write(&mut node.lock(), request.origin(), command, Call::CompareAndSet, answer)
        }
    });
    services.deferrable(&path("OpenSession"), {
        let node = node.clone();
        move |_, _, answer| {
            let (reply, answered) = answer.later()?;
            node.lock().open_session(Ticket::new(reply, Call::OpenSession));
            Ok(answered)
        }
    });
}

fn write(
    node: &mut Shared<KvService>,
    origin: Option<Origin>,
    command: Command<'_>,
    call: Call,
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    let bytes = node.scratch();
    command.encode_into(bytes).map_err(wire::invalid)?;
    let command = Arc::from(&bytes[..]);
    let (reply, answered) = answer.later()?;
    node.write(origin, command, Ticket::new(reply, call));
    Ok(answered)
}

fn register_rest(services: &mut Services, node: &Node<KvService>) {
    services.unary(&path("Status"), {
        let node = node.clone();
        move |_, _, response| {
            wire::append_status(&node.lock(), response);
            Ok(())
        }
    });
    services.deferrable(&path("TransferLeadership"), {
        let node = node.clone();
        move |_, message, answer| {
            let to = wire::parse_transfer(message)?;
            let (reply, answered) = answer.later()?;
            let ticket = Ticket::new(reply, Call::TransferLeadership);
            node.lock().transfer(to, TRANSFER_TIMEOUT, ticket);
            Ok(answered)
        }
    });
    services.streaming(&path("Watch"), Shape::ServerStreaming, {
        let node = node.clone();
        move |_, responder| Ok(Box::new(WatchCall::new(node.clone(), responder)))
    });
    let node = node.clone();
    services.on_shutdown(move || node.lock().service_mut().watches.end_all());
}

/// A classic request. Whatever is wrong is said in the response; the call itself succeeds.
fn serve_client(
    node: &mut Shared<KvService>,
    request: &str,
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    let command = match course::parse(request) {
        Ok(course::Request::Get(key)) => match check_key(key.as_bytes()) {
            Ok(()) => return serve_get(node, key, answer),
            Err(invalid) => Err(invalid.to_string()),
        },
        Ok(course::Request::Set(key, value)) => {
            let (key, value) = (key.as_bytes(), value.as_bytes());
            Command::Set { key, value }.encode().map_err(|invalid| invalid.to_string())
        }
        Err(what) => Err(what),
    };
    match command {
        Ok(command) => {
            let (reply, answered) = answer.later()?;
            let ticket = Ticket::new(reply, Call::Course(PendingRequest::Set));
            node.write(None, command.into(), ticket);
            Ok(answered)
        }
        Err(what) => Ok(answer.now(|response| course::append_failure(node, &what, response))),
    }
}

fn serve_get(
    node: &mut Shared<KvService>,
    key: &str,
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    let pending = PendingRequest::Get(key.to_owned());
    match read_linearizable(node, Read::Key(key.as_bytes())) {
        Ok(None) => Ok(answer.now(|response| course::append_value(node, key, response))),
        Ok(Some(waiting)) => wait(node, waiting, Call::Course(pending), answer),
        Err(status) => {
            Ok(answer.now(|response| course::append_failure(node, &status.message, response)))
        }
    }
}

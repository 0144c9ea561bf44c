//! One handler for each method.

use std::time::Duration;

use super::course::{self, PendingRequest};
use super::ticket::{Call, Ticket, machine};
use super::wire::{self, Consistency};
use super::{KvService, watch};
use crate::call::Status;
use crate::kv::contract::{COURSE_SERVICE, SERVICE};
use crate::kv::state::{Command, Read, check_key};
use crate::raft::Origin;
use crate::replica::engine::PendingRead;
use crate::replica::node::{Node, Shared};
use crate::replica::service::{self, WatchCall};
use crate::rpc::{Answer, Answered, Services, Shape};

/// How long the target of a transfer may take; with `--classic` timing an election takes ten
/// seconds.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(12);

/// Adds the methods of the store, and that of the course version, to the services of a server.
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
            let pending = check_consistency(&mut node, consistency, Read::Key(key))?;
            let append = |node: &Shared<KvService>, response: &mut Vec<u8>| {
                wire::append_get(machine(node), key, response);
                Ok(())
            };
            let ticket = |reply| Ticket::new(reply, Call::Get(key.to_vec()));
            service::read(&mut node, pending, answer, append, ticket)
        }
    });
    services.deferrable(&path("Scan"), {
        let node = node.clone();
        move |_, message, answer| {
            let (request, consistency) = wire::parse_scan(message)?;
            let mut node = node.lock();
            let pending = check_consistency(&mut node, consistency, Read::Prefix(&request.prefix))?;
            let append = |node: &Shared<KvService>, response: &mut Vec<u8>| {
                wire::append_scan(node.state(), &request, response);
                Ok(())
            };
            let ticket = |reply| Ticket::new(reply, Call::Scan(request.clone()));
            service::read(&mut node, pending, answer, append, ticket)
        }
    });
}

/// What a read has to wait for, if anything.
fn check_consistency(
    node: &mut Shared<KvService>,
    consistency: Consistency,
    read: Read<'_>,
) -> Result<Option<PendingRead>, Status> {
    match consistency {
        Consistency::Stale => Ok(None),
        Consistency::Linearizable => check_linearizable(node, read),
    }
}

fn check_linearizable(
    node: &mut Shared<KvService>,
    read: Read<'_>,
) -> Result<Option<PendingRead>, Status> {
    service::check_read(node, || read.encode(), || read.words())
}

fn register_writes(services: &mut Services, node: &Node<KvService>) {
    services.deferrable(&path("Set"), {
        let node = node.clone();
        move |_, message, answer| {
            let request = wire::parse_set(message)?;
            let command = Command::Set { key: &request.key, value: &request.value };
            let origin = wire::origin(request.origin.as_ref());
            write(&mut node.lock(), origin, command, Call::Set, answer)
        }
    });
    services.deferrable(&path("Delete"), {
        let node = node.clone();
        move |_, message, answer| {
            let request = wire::parse_delete(message)?;
            let command = Command::Delete { key: &request.key };
            let origin = wire::origin(request.origin.as_ref());
            write(&mut node.lock(), origin, command, Call::Delete, answer)
        }
    });
    services.deferrable(&path("CompareAndSet"), {
        let node = node.clone();
        move |_, message, answer| {
            let request = wire::parse_compare_and_set(message)?;
            let old = request.old.as_ref().map(|old| &*old.value);
            let command = Command::CompareAndSet { key: &request.key, old, new: &request.new };
            let origin = wire::origin(request.origin.as_ref());
            write(&mut node.lock(), origin, command, Call::CompareAndSet, answer)
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
    let encode = |bytes: &mut Vec<u8>| command.encode_into(bytes).map_err(wire::invalid);
    service::write(node, origin, encode, answer, |reply| Ticket::new(reply, call))
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
    services.on_shutdown(move || watch::shut_down(&mut node.lock().service_mut().watches));
}

/// A request of the course version. A failure is described in the response; the call itself
/// succeeds.
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
        Err(reason) => Err(reason),
    };
    match command {
        Ok(command) => {
            let (reply, answered) = answer.later()?;
            let ticket = Ticket::new(reply, Call::Course(PendingRequest::Set));
            node.write(None, command.into(), ticket);
            Ok(answered)
        }
        Err(reason) => Ok(answer.now(|response| course::append_failure(node, &reason, response))),
    }
}

fn serve_get(
    node: &mut Shared<KvService>,
    key: &str,
    answer: Answer<'_>,
) -> Result<Answered, Status> {
    let pending = match check_linearizable(node, Read::Key(key.as_bytes())) {
        Ok(pending) => pending,
        Err(status) => {
            let append = |response: &mut Vec<u8>| {
                course::append_failure(node, &status.message, response);
            };
            return Ok(answer.now(append));
        }
    };
    let append = |node: &Shared<KvService>, response: &mut Vec<u8>| {
        course::append_value(node, key, response);
        Ok(())
    };
    let ticket = |reply| Ticket::new(reply, Call::Course(PendingRequest::Get(key.to_owned())));
    service::read(node, pending, answer, append, ticket)
}

//! `agora bench serve`: the echo service.

use std::mem;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::wire::{ECHO, ECHO_STREAM, answer};
use crate::call::Status;
use crate::cli::flags::Flags;
use crate::cli::monitoring::Monitoring;
use crate::cli::{Failure, serve};
use crate::rpc::{
    CallHandler, EventLoopTask, Reactor, Reply, Responder, Services, ServingStatus, Shape,
};

/// The kind of handler of the unary echo.
#[derive(Clone, Copy)]
enum Handler {
    Unary,
    Deferred,
    Deferrable,
    EventLoopTask,
}

impl FromStr for Handler {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Handler, &'static str> {
        match text {
            "unary" => Ok(Handler::Unary),
            "deferred" => Ok(Handler::Deferred),
            "deferrable" => Ok(Handler::Deferrable),
            "resident" => Ok(Handler::EventLoopTask),
            _ => Err("expected unary, deferred, deferrable or resident"),
        }
    }
}

/// Serves the echo.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(
        "agora bench serve --listen HOST:PORT [FLAGS]",
        "Serves agora.bench.v1.EchoService, which sends back what it gets.",
    )
    .value(
        "handler",
        "kind of handler: unary, deferred, deferrable, or resident, the event-loop task (default unary)",
        "KIND",
    );
    let parsed = serve::flags(flags).parse(arguments)?;
    parsed.no_arguments()?;
    let handler = parsed.parsed("handler", Handler::Unary)?;
    let pending = PendingRequests::default();
    let addresses = serve::addresses(&parsed, None)?;
    let monitoring = Monitoring::new();
    let services = services(handler, &pending);
    serve::run_with_setup(&parsed, services, &addresses, "", &monitoring, |server, health| {
        health.set_all(ServingStatus::Serving);
        if let Handler::EventLoopTask = handler {
            server.attach(Echo { pending, found: Vec::new(), response: Vec::new() });
        }
        Ok(())
    })
}

/// Requests that wait for the event-loop task.
type PendingRequests = Arc<Mutex<Vec<(Vec<u8>, Reply)>>>;

fn services(handler: Handler, pending: &PendingRequests) -> Services {
    let mut services = Services::new();
    match handler {
        Handler::Unary => services.unary(ECHO, |_, request, response| answer(request, response)),
        Handler::Deferred => services.deferred(ECHO, |_, request, reply| {
            let mut response = Vec::new();
            reply.send(answer(request, &mut response).map(|()| response));
        }),
        Handler::Deferrable => services.deferrable(ECHO, |_, request, at_once| {
            let mut result = Ok(());
            let answered = at_once.now(|response| result = answer(request, response));
            result.map(|()| answered)
        }),
        Handler::EventLoopTask => services.deferred(ECHO, {
            let pending = Arc::clone(pending);
            move |_, request, reply| {
                let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
                pending.push((request.to_vec(), reply));
            }
        }),
    }
    services.streaming(ECHO_STREAM, Shape::Bidirectional, |_, responder| {
        Ok(Box::new(Stream { responder }))
    });
    services
}

/// Answers the pending requests when it is polled.
struct Echo {
    pending: PendingRequests,
    found: Vec<(Vec<u8>, Reply)>,
    response: Vec<u8>,
}

impl EventLoopTask for Echo {
    fn poll(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut *pending, &mut self.found);
        drop(pending);
        for (request, reply) in self.found.drain(..) {
            self.response.clear();
            let answer = answer(&request, &mut self.response);
            reactor.answer(reply, answer.map(|()| self.response.as_slice()));
        }
        None
    }
}

struct Stream {
    responder: Responder,
}

impl CallHandler for Stream {
    fn message(&mut self, message: &[u8]) {
        let mut response = Vec::new();
        match answer(message, &mut response) {
            Ok(()) => self.responder.send(response),
            Err(status) => self.responder.finish(status),
        }
    }

    fn half_close(&mut self) {
        self.responder.finish(Status::OK);
    }

    fn cancelled(&mut self, _: &Status) {}
}

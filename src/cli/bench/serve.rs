//! `agora bench serve`: the echo service.

use super::wire::{ECHO, ECHO_STREAM, answer};
use crate::call::Status;
use crate::cli::flags::Flags;
use crate::cli::{Failure, serve};
use crate::rpc::{CallHandler, Responder, Services, Shape};

/// Serves the echo.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(
        "agora bench serve --listen HOST:PORT [FLAGS]",
        "Serves agora.bench.v1.EchoService, which sends back what it gets.",
    );
    let parsed = serve::flags(flags).parse(arguments)?;
    parsed.no_arguments()?;
    serve::run(&parsed, services())
}

fn services() -> Services {
    let mut services = Services::new();
    services.unary(ECHO, |_, request, response| answer(request, response));
    services.streaming(ECHO_STREAM, Shape::Bidirectional, |_, responder| {
        Ok(Box::new(Stream { responder }))
    });
    services
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

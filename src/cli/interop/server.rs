//! `agora interop server`: the test service.
//!
//! Unary calls are answered on the reactor's thread. Streaming calls run on worker threads: they
//! wait between responses, and for slow clients.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{
    CACHEABLE_UNARY_CALL, DETAILS, ECHO_DETAILS, ECHO_INITIAL, ECHO_TRAILING, EMPTY_CALL,
    FULL_DUPLEX_CALL, HALF_DUPLEX_CALL, STREAMING_INPUT_CALL, STREAMING_OUTPUT_CALL, UNARY_CALL,
    wire,
};
use crate::call::{Code, Metadata, Status};
use crate::cli::flags::Flags;
use crate::cli::{Failure, serve};
use crate::rpc::{BlockingCall, CallHandler, Responder, Services, Shape};

/// The most responses that a HalfDuplexCall may defer until its client has half-closed.
const MAX_DEFERRED_REPLIES: usize = 100_000;

/// Serves the tests.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(
        "agora interop server --listen HOST:PORT [FLAGS]",
        "Serves grpc.testing.TestService, gRPC's interoperability tests.",
    );
    let parsed = serve::flags(flags).parse(arguments)?;
    parsed.no_arguments()?;
    serve::run(&parsed, services())
}

fn services() -> Services {
    let mut services = Services::new();
    register_unary(&mut services, EMPTY_CALL, wire::answer_empty);
    register_unary(&mut services, UNARY_CALL, wire::answer_simple);
    register_unary(&mut services, CACHEABLE_UNARY_CALL, answer_cacheable);
    services.streaming(STREAMING_INPUT_CALL, Shape::ClientStreaming, |context, responder| {
        let echo = Echo::begin(context.metadata, |headers| responder.send_headers(headers));
        Ok(Box::new(StreamingInputCall { responder, echo, compressed: false, total: 0 }))
    });
    register_blocking(&mut services, STREAMING_OUTPUT_CALL, Shape::ServerStreaming, full_duplex);
    register_blocking(&mut services, FULL_DUPLEX_CALL, Shape::Bidirectional, full_duplex);
    register_blocking(&mut services, HALF_DUPLEX_CALL, Shape::Bidirectional, half_duplex);
    for path in [
        EMPTY_CALL,
        UNARY_CALL,
        CACHEABLE_UNARY_CALL,
        STREAMING_INPUT_CALL,
        STREAMING_OUTPUT_CALL,
        FULL_DUPLEX_CALL,
        HALF_DUPLEX_CALL,
    ] {
        services.keep_metadata(path);
    }
    services
}

/// The metadata that a call sends back ("Echo Metadata").
struct Echo {
    trailing: Metadata,
}

impl Echo {
    /// Sends the metadata for the headers, if there is any.
    fn begin(metadata: &Metadata, send_headers: impl FnOnce(Metadata)) -> Echo {
        let echoed = |pairs: &[(&str, &str)]| {
            let mut echoed = Metadata::new();
            for (from, to) in pairs {
                for value in metadata.get_all(from) {
                    // Received metadata is valid.
                    let _ = echoed.insert(to, value);
                }
            }
            echoed
        };
        let initial = echoed(&[(ECHO_INITIAL, ECHO_INITIAL)]);
        if !initial.is_empty() {
            send_headers(initial);
        }
        Echo { trailing: echoed(&[(ECHO_TRAILING, ECHO_TRAILING), (ECHO_DETAILS, DETAILS)]) }
    }

    /// The final status, with the metadata for the trailers.
    fn end(&self, status: Status) -> Status {
        Status { metadata: self.trailing.clone(), ..status }
    }
}

/// A method with one request and one response.
fn register_unary(services: &mut Services, path: &str, answer: AnswerUnary) {
    services.streaming(path, Shape::Unary, move |context, responder| {
        let echo = Echo::begin(context.metadata, |headers| responder.send_headers(headers));
        Ok(Box::new(UnaryCall { responder, echo, answer, compressed: false }))
    });
}

/// Answers a request, which arrived compressed or not.
type AnswerUnary = fn(&[u8], bool) -> Result<wire::Answer, Status>;

struct UnaryCall {
    responder: Responder,
    echo: Echo,
    answer: AnswerUnary,
    /// The request was compressed.
    compressed: bool,
}

impl CallHandler for UnaryCall {
    fn compressed(&mut self) {
        self.compressed = true;
    }

    fn message(&mut self, message: &[u8]) {
        let status = match (self.answer)(message, self.compressed) {
            Ok(answer) => {
                if let Some(compressed) = answer.compressed {
                    self.responder.choose_compression(compressed);
                }
                self.responder.send(answer.message);
                Status::OK
            }
            Err(status) => status,
        };
        self.responder.finish(self.echo.end(status));
    }

    fn cancelled(&mut self, _: &Status) {}
}

/// Answers CacheableUnaryCall: with the time, so that an answer from a cache can be told from a
/// new one.
fn answer_cacheable(message: &[u8], _: bool) -> Result<wire::Answer, Status> {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    wire::answer_cacheable(message, time.as_nanos().to_string().as_bytes())
}

/// Counts the bytes of all its requests.
struct StreamingInputCall {
    responder: Responder,
    echo: Echo,
    /// The next request was compressed.
    compressed: bool,
    total: usize,
}

impl CallHandler for StreamingInputCall {
    fn compressed(&mut self) {
        self.compressed = true;
    }

    fn message(&mut self, message: &[u8]) {
        match wire::input_len(message, std::mem::take(&mut self.compressed)) {
            Ok(len) => self.total = self.total.saturating_add(len),
            Err(status) => self.responder.finish(self.echo.end(status)),
        }
    }

    fn half_close(&mut self) {
        let status = match wire::input_answer(self.total) {
            Ok(answer) => {
                self.responder.send(answer);
                Status::OK
            }
            Err(status) => status,
        };
        self.responder.finish(self.echo.end(status));
    }

    fn cancelled(&mut self, _: &Status) {}
}

/// A method with many responses.
fn register_blocking(
    services: &mut Services,
    path: &str,
    shape: Shape,
    answer: fn(&mut BlockingCall) -> Result<(), Status>,
) {
    services.blocking(path, shape, move |call| {
        let echo = Echo::begin(call.context().metadata, |headers| call.send_headers(headers));
        call.set_trailers(echo.trailing.clone());
        answer(call).map_err(|status| echo.end(status))
    });
}

/// Answers each request when it arrives; StreamingOutputCall has one.
fn full_duplex(call: &mut BlockingCall) -> Result<(), Status> {
    while let Some(message) = call.receive()? {
        send_all(call, wire::outputs(&message)?)?;
    }
    Ok(())
}

/// Answers all requests after half-close.
fn half_duplex(call: &mut BlockingCall) -> Result<(), Status> {
    let mut wanted = Vec::new();
    while let Some(message) = call.receive()? {
        wanted.extend(wire::outputs(&message)?);
        if wanted.len() > MAX_DEFERRED_REPLIES {
            let reason = format!("more than {MAX_DEFERRED_REPLIES} answers are asked for");
            return Err(Status::new(Code::ResourceExhausted, reason));
        }
    }
    send_all(call, wanted)
}

fn send_all(call: &mut BlockingCall, wanted: Vec<wire::Wanted>) -> Result<(), Status> {
    if wanted.iter().any(|answer| answer.compressed.is_some()) {
        // The headers, which go out with the first response, name the encoding for the others.
        call.choose_compression(false);
    }
    for answer in wanted {
        if let Some(compressed) = answer.compressed {
            call.choose_compression(compressed);
        }
        if !answer.interval.is_zero() {
            call.sleep(answer.interval)?;
        }
        call.send(answer.message()?)?;
    }
    Ok(())
}

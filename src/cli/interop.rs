//! `agora interop`: gRPC's interoperability tests ("Interoperability Test Case Descriptions"),
//! both sides, to test other implementations against this one and this one against them.
//!
//! The service is `grpc.testing.TestService`. Three additional cases are not part of `all`:
//! `max_message`, `concurrent_calls` and `rich_error`.

mod cases;
mod client;
mod server;
mod wire;

use super::Failure;

const USAGE: &str = "\
Usage: agora interop server --listen HOST:PORT [FLAGS]
       agora interop client --server HOST:PORT --case NAME [FLAGS]

  server     serve grpc.testing.TestService
  client     run a test case, or all, against such a server

`agora interop server --help` and `agora interop client --help` list the flags and cases.
";

/// Runs one side.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    match arguments.split_first() {
        Some((word, rest)) if word == "server" => server::run(rest),
        Some((word, rest)) if word == "client" => client::run(rest),
        Some((word, _)) if word == "--help" || word == "-h" => Err(Failure::Help(USAGE.into())),
        _ => Err(Failure::Usage(USAGE.into())),
    }
}

/// The full path of a method of the test service.
macro_rules! test_service {
    ($method:literal) => {
        concat!("/grpc.testing.TestService/", $method)
    };
}

const EMPTY_CALL: &str = test_service!("EmptyCall");
const UNARY_CALL: &str = test_service!("UnaryCall");
const CACHEABLE_UNARY_CALL: &str = test_service!("CacheableUnaryCall");
const STREAMING_OUTPUT_CALL: &str = test_service!("StreamingOutputCall");
const STREAMING_INPUT_CALL: &str = test_service!("StreamingInputCall");
const FULL_DUPLEX_CALL: &str = test_service!("FullDuplexCall");
const HALF_DUPLEX_CALL: &str = test_service!("HalfDuplexCall");
/// Declared, and implemented by no server.
const UNIMPLEMENTED_CALL: &str = test_service!("UnimplementedCall");
const UNIMPLEMENTED_SERVICE: &str = "/grpc.testing.UnimplementedService/UnimplementedCall";

/// Metadata that the server sends back: in its headers, in its trailers, and as the details of a
/// rich error (an extension).
const ECHO_INITIAL: &str = "x-grpc-test-echo-initial";
const ECHO_TRAILING: &str = "x-grpc-test-echo-trailing-bin";
const ECHO_DETAILS: &str = "x-grpc-test-echo-status-details-bin";
const DETAILS: &str = "grpc-status-details-bin";

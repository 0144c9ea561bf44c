//! The test cases of gRPC's descriptions: the calls, and the expected responses.

mod compressed;
mod ours;

use std::fmt;
use std::time::Duration;

use super::{
    ECHO_INITIAL, ECHO_TRAILING, EMPTY_CALL, FULL_DUPLEX_CALL, STREAMING_INPUT_CALL,
    STREAMING_OUTPUT_CALL, UNARY_CALL, UNIMPLEMENTED_CALL, UNIMPLEMENTED_SERVICE, wire,
};
use crate::call::{Code, Metadata, Status};
use crate::rpc::{CallOptions, Channel, ChannelOptions, ClientCall};

/// A test case.
pub(super) struct Case {
    /// Its name, as gRPC's descriptions have it.
    pub(super) name: &'static str,
    /// Runs it.
    pub(super) run: fn(&Peer) -> Result<(), Unexpected>,
}

/// The cases of gRPC's descriptions.
pub(super) const CASES: &[Case] = &[
    Case { name: "empty_unary", run: empty_unary },
    Case { name: "large_unary", run: large_unary },
    Case { name: "client_streaming", run: client_streaming },
    Case { name: "server_streaming", run: server_streaming },
    Case { name: "ping_pong", run: ping_pong },
    Case { name: "empty_stream", run: empty_stream },
    Case { name: "timeout_on_sleeping_server", run: timeout_on_sleeping_server },
    Case { name: "cancel_after_begin", run: cancel_after_begin },
    Case { name: "cancel_after_first_response", run: cancel_after_first_response },
    Case { name: "custom_metadata", run: custom_metadata },
    Case { name: "status_code_and_message", run: status_code_and_message },
    Case { name: "special_status_message", run: special_status_message },
    Case { name: "unimplemented_method", run: unimplemented_method },
    Case { name: "unimplemented_service", run: unimplemented_service },
];

/// The cases of gRPC's descriptions for servers that have gzip.
pub(super) const COMPRESSED_CASES: &[Case] = &[
    Case { name: "client_compressed_unary", run: compressed::client_unary },
    Case { name: "server_compressed_unary", run: compressed::server_unary },
    Case { name: "client_compressed_streaming", run: compressed::client_streaming },
    Case { name: "server_compressed_streaming", run: compressed::server_streaming },
];

/// Additional cases. The last needs an extension of the test service.
pub(super) const OUR_CASES: &[Case] = &[
    Case { name: "max_message", run: ours::max_message },
    Case { name: "concurrent_calls", run: ours::concurrent_calls },
    Case { name: "rich_error", run: ours::rich_error },
];

/// The request and the answer of large_unary and its like, in bytes of payload.
const LARGE_REQUEST: usize = 271_828;
const LARGE_RESPONSE: usize = 314_159;
/// What ping_pong sends and asks for, in turn.
const PING_PONG: [(usize, usize); 4] = [(27_182, 31_415), (8, 9), (1828, 2653), (45_904, 58_979)];
/// The timeout of a case.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server under test.
pub(super) struct Peer {
    channel: Channel,
    options: ChannelOptions,
    /// All requests are compressed.
    compress: bool,
}

/// The server did not do what the case demands.
#[derive(Debug)]
pub(super) struct Unexpected(String);

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Status> for Unexpected {
    fn from(status: Status) -> Unexpected {
        Unexpected(format!("the call ended with {status}"))
    }
}

impl Peer {
    /// Nothing is connected yet.
    pub(super) fn new(
        server: &str,
        options: ChannelOptions,
        compress: bool,
    ) -> Result<Peer, Status> {
        Ok(Peer { channel: Channel::new(server, options.clone())?, options, compress })
    }

    fn unary(&self, path: &str, request: &[u8]) -> Result<Vec<u8>, Status> {
        self.channel.unary(path, request, &self.call_options())
    }

    fn call_options(&self) -> CallOptions {
        let timeout = Some(PATIENCE);
        CallOptions { timeout, compress: self.compress, ..CallOptions::default() }
    }

    fn start(&self, path: &str) -> Result<ClientCall, Status> {
        self.channel.start(path, &self.call_options())
    }
}

/// Fails with both sides when they differ.
fn equal<T: PartialEq + fmt::Debug>(what: &str, found: T, wanted: T) -> Result<(), Unexpected> {
    if found == wanted {
        return Ok(());
    }
    Err(Unexpected(format!("{what} is {found:?}, wanted {wanted:?}")))
}

/// The call failed with this code, and with this message if there is one to compare.
fn failed_with<T>(
    result: Result<T, Status>,
    code: Code,
    message: Option<&str>,
) -> Result<Status, Unexpected> {
    let Err(status) = result else {
        return Err(Unexpected(format!("the call succeeded, wanted {code}")));
    };
    if status.code != code {
        return Err(Unexpected(format!("the call ended with {status}, wanted {code}")));
    }
    if let Some(message) = message {
        equal("the status's message", status.message.as_str(), message)?;
    }
    Ok(status)
}

/// The next answer of a stream, which must be there.
fn next(call: &mut ClientCall) -> Result<Vec<u8>, Unexpected> {
    call.receive()?.ok_or_else(|| Unexpected("the call ended too early".into()))
}

/// The sizes of all answers until the stream ends well.
fn rest(call: &mut ClientCall) -> Result<Vec<usize>, Unexpected> {
    let mut sizes = Vec::new();
    while let Some(message) = call.receive()? {
        sizes.push(wire::output_body_len(&message)?);
    }
    Ok(sizes)
}

fn empty_unary(peer: &Peer) -> Result<(), Unexpected> {
    equal("the answer", peer.unary(EMPTY_CALL, &[])?, Vec::new())
}

fn large_unary(peer: &Peer) -> Result<(), Unexpected> {
    let answer = peer.unary(UNARY_CALL, &wire::simple_request(LARGE_RESPONSE, LARGE_REQUEST))?;
    equal("the payload's size", wire::simple_body_len(&answer)?, LARGE_RESPONSE)
}

fn client_streaming(peer: &Peer) -> Result<(), Unexpected> {
    let mut call = peer.start(STREAMING_INPUT_CALL)?;
    for size in [27_182, 8, 1828, 45_904] {
        call.send(&wire::input_request(size))?;
    }
    call.half_close()?;
    let answer = next(&mut call)?;
    equal("aggregated_payload_size", wire::aggregated(&answer)?, 74_922)?;
    equal("what follows", rest(&mut call)?, Vec::new())
}

fn server_streaming(peer: &Peer) -> Result<(), Unexpected> {
    let sizes = [31_415, 9, 2653, 58_979];
    let mut call = peer.start(STREAMING_OUTPUT_CALL)?;
    call.send_last(&wire::output_request(&sizes, 0))?;
    equal("the payloads' sizes", rest(&mut call)?, sizes.to_vec())
}

fn ping_pong(peer: &Peer) -> Result<(), Unexpected> {
    let mut call = peer.start(FULL_DUPLEX_CALL)?;
    for (ping, pong) in PING_PONG {
        call.send(&wire::output_request(&[pong], ping))?;
        equal("the payload's size", wire::output_body_len(&next(&mut call)?)?, pong)?;
    }
    call.half_close()?;
    equal("what follows", rest(&mut call)?, Vec::new())
}

fn empty_stream(peer: &Peer) -> Result<(), Unexpected> {
    let mut call = peer.start(FULL_DUPLEX_CALL)?;
    call.half_close()?;
    equal("the answers", rest(&mut call)?, Vec::new())
}

fn timeout_on_sleeping_server(peer: &Peer) -> Result<(), Unexpected> {
    // Connected beforehand, so that the time runs out during the call.
    empty_unary(peer)?;
    let timeout = Some(Duration::from_millis(1));
    let options = CallOptions { timeout, ..peer.call_options() };
    let mut call = match peer.channel.start(FULL_DUPLEX_CALL, &options) {
        Ok(call) => call,
        Err(status) => {
            return failed_with::<()>(Err(status), Code::DeadlineExceeded, None).map(drop);
        }
    };
    // If time is up by now, the answer says so.
    let _ = call.send(&wire::output_request(&[], 27_182));
    failed_with(call.receive(), Code::DeadlineExceeded, None).map(drop)
}

fn cancel_after_begin(peer: &Peer) -> Result<(), Unexpected> {
    let mut call = peer.start(STREAMING_INPUT_CALL)?;
    call.cancel();
    failed_with(call.receive(), Code::Cancelled, None).map(drop)
}

fn cancel_after_first_response(peer: &Peer) -> Result<(), Unexpected> {
    let mut call = peer.start(FULL_DUPLEX_CALL)?;
    call.send(&wire::output_request(&[31_415], 27_182))?;
    equal("the payload's size", wire::output_body_len(&next(&mut call)?)?, 31_415)?;
    call.cancel();
    failed_with(call.receive(), Code::Cancelled, None).map(drop)
}

fn custom_metadata(peer: &Peer) -> Result<(), Unexpected> {
    let (initial, trailing) = (&b"test_initial_metadata_value"[..], &b"\xab\xab\xab"[..]);
    let mut options = peer.call_options();
    for (name, value) in [(ECHO_INITIAL, initial), (ECHO_TRAILING, trailing)] {
        let inserted = options.metadata.insert(name, value);
        inserted.map_err(|error| Unexpected(error.to_string()))?;
    }
    let echoed = |headers: &Metadata, trailers: &Metadata| {
        equal("the initial metadata", headers.get(ECHO_INITIAL), Some(initial))?;
        equal("the trailing metadata", trailers.get(ECHO_TRAILING), Some(trailing))
    };
    let request = wire::simple_request(LARGE_RESPONSE, LARGE_REQUEST);
    let response = peer.channel.unary_with_metadata(UNARY_CALL, &request, &options)?;
    echoed(&response.headers, &response.trailers)?;

    let mut call = peer.channel.start(FULL_DUPLEX_CALL, &options)?;
    call.send_last(&wire::output_request(&[LARGE_RESPONSE], LARGE_REQUEST))?;
    equal("the payloads' sizes", rest(&mut call)?, vec![LARGE_RESPONSE])?;
    let headers = call.headers().clone();
    echoed(&headers, call.trailers().unwrap_or(&Metadata::new()))
}

fn status_code_and_message(peer: &Peer) -> Result<(), Unexpected> {
    let (code, message) = (Code::Unknown, "test status message");
    let answer = peer.unary(UNARY_CALL, &wire::simple_request_for_status(code, message));
    failed_with(answer, code, Some(message))?;
    let mut call = peer.start(FULL_DUPLEX_CALL)?;
    // A server may end the call before the half-close arrives.
    let _ = call.send_last(&wire::output_request_for_status(code, message));
    failed_with(call.receive(), code, Some(message)).map(drop)
}

fn special_status_message(peer: &Peer) -> Result<(), Unexpected> {
    let message = "\t\ntest with whitespace\r\nand Unicode BMP \u{263a} and non-BMP \u{1f608}\t\n";
    let request = wire::simple_request_for_status(Code::Unknown, message);
    failed_with(peer.unary(UNARY_CALL, &request), Code::Unknown, Some(message)).map(drop)
}

fn unimplemented_method(peer: &Peer) -> Result<(), Unexpected> {
    failed_with(peer.unary(UNIMPLEMENTED_CALL, &[]), Code::Unimplemented, None).map(drop)
}

fn unimplemented_service(peer: &Peer) -> Result<(), Unexpected> {
    failed_with(peer.unary(UNIMPLEMENTED_SERVICE, &[]), Code::Unimplemented, None).map(drop)
}

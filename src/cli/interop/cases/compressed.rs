//! gRPC's four cases of compressed messages. Whether a message was compressed is in its flag, which a
//! case looks at in both directions: the server in the requests, the client in the responses.

use super::{
    LARGE_REQUEST, LARGE_RESPONSE, Peer, STREAMING_INPUT_CALL, STREAMING_OUTPUT_CALL, UNARY_CALL,
    Unexpected, equal, failed_with, next, rest,
};
use crate::call::{Code, Status};
use crate::cli::interop::wire;
use crate::rpc::{CallOptions, ClientCall};

/// The requests of client_compressed_streaming: sizes, and whether they are compressed.
const INPUTS: [(usize, bool); 2] = [(27_182, true), (45_904, false)];
/// The responses of server_compressed_streaming.
const OUTPUTS: [(usize, bool); 2] = [(31_415, true), (92_653, false)];

/// Starts a call whose requests are compressed, or are not.
fn start(peer: &Peer, path: &str, compressed: bool) -> Result<ClientCall, Status> {
    let options = CallOptions { compress: compressed, ..peer.call_options() };
    let mut call = peer.channel.start(path, &options)?;
    call.choose_compression(compressed);
    Ok(call)
}

/// The one response of a unary call.
fn unary(
    peer: &Peer,
    request: &[u8],
    compressed: bool,
) -> Result<(ClientCall, Vec<u8>), Unexpected> {
    let mut call = start(peer, UNARY_CALL, compressed)?;
    // If the call is over already, `next` returns its status.
    let _ = call.send_last(request);
    let answer = next(&mut call)?;
    Ok((call, answer))
}

pub(super) fn client_unary(peer: &Peer) -> Result<(), Unexpected> {
    let request = |said| wire::simple_request_expecting(LARGE_RESPONSE, LARGE_REQUEST, said);
    // The probe: a server that does not look at the flag fails here.
    let mut probe = start(peer, UNARY_CALL, false)?;
    let _ = probe.send_last(&request(true));
    failed_with(probe.receive(), Code::InvalidArgument, None)?;
    for compressed in [true, false] {
        let (_, answer) = unary(peer, &request(compressed), compressed)?;
        equal("the payload's size", wire::simple_body_len(&answer)?, LARGE_RESPONSE)?;
    }
    Ok(())
}

pub(super) fn server_unary(peer: &Peer) -> Result<(), Unexpected> {
    for compressed in [true, false] {
        let request = wire::simple_request_choosing(LARGE_RESPONSE, LARGE_REQUEST, compressed);
        let (call, answer) = unary(peer, &request, peer.compress)?;
        equal("the compressed-flag", call.was_compressed(), compressed)?;
        equal("the payload's size", wire::simple_body_len(&answer)?, LARGE_RESPONSE)?;
    }
    Ok(())
}

pub(super) fn client_streaming(peer: &Peer) -> Result<(), Unexpected> {
    let mut probe = start(peer, STREAMING_INPUT_CALL, false)?;
    let _ = probe.send_last(&wire::input_request_expecting(INPUTS[0].0, true));
    failed_with(probe.receive(), Code::InvalidArgument, None)?;
    let mut call = start(peer, STREAMING_INPUT_CALL, true)?;
    for (size, compressed) in INPUTS {
        call.choose_compression(compressed);
        call.send(&wire::input_request_expecting(size, compressed))?;
    }
    call.half_close()?;
    let answer = next(&mut call)?;
    equal("aggregated_payload_size", wire::aggregated(&answer)?, 73_086)?;
    equal("what follows", rest(&mut call)?, Vec::new())
}

pub(super) fn server_streaming(peer: &Peer) -> Result<(), Unexpected> {
    let mut call = peer.start(STREAMING_OUTPUT_CALL)?;
    call.send_last(&wire::output_request_choosing(&OUTPUTS))?;
    for (size, compressed) in OUTPUTS {
        let answer = next(&mut call)?;
        equal("the compressed-flag", call.was_compressed(), compressed)?;
        equal("the payload's size", wire::output_body_len(&answer)?, size)?;
    }
    equal("what follows", rest(&mut call)?, Vec::new())
}

//! The echo's messages.

use std::borrow::Cow;

use crate::call::{Code, Status};
use crate::pb::agora_bench_v1::{EchoRequest, EchoResponse};
use crate::protobuf::{decode, encode, encode_into};

/// Where the echo is.
pub(super) const ECHO: &str = "/agora.bench.v1.EchoService/Echo";
/// Where the streaming echo is.
pub(super) const ECHO_STREAM: &str = "/agora.bench.v1.EchoService/EchoStream";

/// A request with a payload.
pub(super) fn request(payload: &[u8]) -> Vec<u8> {
    encode(&EchoRequest { payload: Cow::Borrowed(payload) })
}

/// Answers a request, unary or one of many (they look the same), with its payload.
pub(super) fn answer(request: &[u8], response: &mut Vec<u8>) -> Result<(), Status> {
    let EchoRequest { payload } =
        decode(request).map_err(|error| Status::new(Code::Internal, error.to_string()))?;
    encode_into(&EchoResponse { payload }, response);
    Ok(())
}

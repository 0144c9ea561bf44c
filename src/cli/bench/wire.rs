//! The messages that are sent to be measured.

use std::borrow::Cow;

use crate::call::{Code, Status};
use crate::pb::agora_bench_v1::{EchoRequest, EchoResponse};
use crate::pb::agora_kv_v1::{Consistency, GetRequest, Role, SetRequest, StatusResponse};
use crate::protobuf::{decode, encode, encode_into};

/// Where the echo is.
pub(super) const ECHO: &str = "/agora.bench.v1.EchoService/Echo";
/// Where the streaming echo is.
pub(super) const ECHO_STREAM: &str = "/agora.bench.v1.EchoService/EchoStream";
/// Where a key is looked up.
pub(super) const GET: &str = "/agora.kv.v1.KvService/Get";
/// Where a key is set.
pub(super) const SET: &str = "/agora.kv.v1.KvService/Set";
/// Where a node tells how it is.
pub(super) const STATUS: &str = "/agora.kv.v1.KvService/Status";

/// A request with a payload.
pub(super) fn echo_request(payload: &[u8]) -> Vec<u8> {
    encode(&EchoRequest { payload: Cow::Borrowed(payload) })
}

/// Answers a request, unary or one of many (they look the same), with its payload.
pub(super) fn answer(request: &[u8], response: &mut Vec<u8>) -> Result<(), Status> {
    let EchoRequest { payload } =
        decode(request).map_err(|error| Status::new(Code::Internal, error.to_string()))?;
    encode_into(&EchoResponse { payload }, response);
    Ok(())
}

/// Asks for a key, linearizably.
pub(super) fn get_request(key: &[u8], out: &mut Vec<u8>) {
    let consistency = Consistency::CONSISTENCY_LINEARIZABLE;
    encode_into(&GetRequest { key: Cow::Borrowed(key), consistency }, out);
}

/// Sets a key, however often it arrives.
pub(super) fn set_request(key: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let (key, value) = (Cow::Borrowed(key), Cow::Borrowed(value));
    encode_into(&SetRequest { key, value, origin: None }, out);
}

/// Whether the node that answered so leads.
pub(super) fn is_leader(status: &[u8]) -> bool {
    decode::<StatusResponse<'_>>(status).is_ok_and(|status| status.role == Role::ROLE_LEADER)
}

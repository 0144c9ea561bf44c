//! Requests in words, as clients of the course version send them: `SET key value`, `GET key`.

use super::KvService;
use super::ticket::machine;
use super::wire;
use crate::replica::engine::Answer;
use crate::replica::node::{Shared, refusal};

/// A request that was parsed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'r> {
    /// Returns the value of this key.
    Get(&'r str),
    /// Sets the value of this key.
    Set(&'r str, &'r str),
}

/// A request that waits for the log or for a read.
#[derive(Debug)]
pub(super) enum PendingRequest {
    Get(String),
    Set,
}

/// Parses a request. Everything after the key and one space is the value, spaces included.
pub(super) fn parse(request: &str) -> Result<Request<'_>, String> {
    let (word, rest) = request.trim_start().split_once(' ').unwrap_or((request.trim(), ""));
    let rest = rest.trim_start();
    if word.eq_ignore_ascii_case("GET") {
        match rest.trim_end() {
            "" => Err("GET needs a key".into()),
            key if key.contains(' ') => Err("GET takes one key, and a key has no space".into()),
            key => Ok(Request::Get(key)),
        }
    } else if word.eq_ignore_ascii_case("SET") {
        match rest.split_once(' ') {
            Some((key, value)) => Ok(Request::Set(key, value)),
            None => Err("SET needs a key and a value".into()),
        }
    } else {
        Err(format!("no request {word:?}: expected SET key value, or GET key"))
    }
}

/// Appends the response to a request that has waited.
pub(super) fn append(
    node: &Shared<KvService>,
    pending: &PendingRequest,
    answer: &Answer,
    response: &mut Vec<u8>,
) {
    match (pending, answer) {
        (PendingRequest::Get(key), Answer::Read) => append_value(node, key, response),
        (PendingRequest::Set, Answer::Done(_)) => {
            wire::append_serve_client("", &own_id(node), true, response)
        }
        (_, answer) => append_failure(node, &refusal(node, answer).message, response),
    }
}

/// Appends the value of a key, the empty string if there is no such key.
pub(super) fn append_value(node: &Shared<KvService>, key: &str, response: &mut Vec<u8>) {
    let value = machine(node).get(key.as_bytes()).map(|record| record.value());
    match std::str::from_utf8(value.unwrap_or_default()) {
        Ok(value) => wire::append_serve_client(value, &own_id(node), true, response),
        Err(_) => append_failure(node, "the value is no text", response),
    }
}

/// Appends a failure: its reason, and the leader.
pub(super) fn append_failure(node: &Shared<KvService>, what: &str, response: &mut Vec<u8>) {
    let leader = node.raft().leader().map(|leader| leader.to_string());
    wire::append_serve_client(what, &leader.unwrap_or_default(), false, response);
}

fn own_id(node: &Shared<KvService>) -> String {
    node.raft().id().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_word_a_key_and_the_rest() {
        for (request, expected) in [
            ("GET x", Request::Get("x")),
            ("get  x ", Request::Get("x")),
            ("SET x 5", Request::Set("x", "5")),
            ("set name Jaggu the  Great ", Request::Set("name", "Jaggu the  Great ")),
            ("SET x ", Request::Set("x", "")),
        ] {
            assert_eq!(parse(request), Ok(expected), "{request:?}");
        }
        for request in ["", " ", "GET", "GET ", "GET a b", "SET", "SET x", "DEL x", "SETx 5"] {
            assert!(parse(request).is_err(), "{request:?}");
        }
    }
}

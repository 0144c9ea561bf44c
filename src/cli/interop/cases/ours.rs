//! Cases beyond gRPC's own.

use std::collections::HashMap;
use std::io;
use std::time::Instant;

use super::{PATIENCE, Peer, Unexpected, equal, failed_with};
use crate::call::{Code, Limits};
use crate::cli::interop::{DETAILS, ECHO_DETAILS, UNARY_CALL, wire};
use crate::rpc::Multiplexer;
use crate::session::StartError;

/// The details of an error come back byte for byte beside its code and message.
pub(super) fn rich_error(peer: &Peer) -> Result<(), Unexpected> {
    let details: Vec<u8> = (0..=255).collect();
    let mut options = peer.call_options();
    let inserted = options.metadata.insert(ECHO_DETAILS, &details);
    inserted.map_err(|error| Unexpected(error.to_string()))?;
    let request = wire::simple_request_for_status(Code::FailedPrecondition, "rich");
    let answer = peer.channel.unary(UNARY_CALL, &request, &options);
    let status = failed_with(answer, Code::FailedPrecondition, Some("rich"))?;
    equal("the status's details", status.metadata.get(DETAILS), Some(&details[..]))
}

/// A request and an answer that are exactly as large as a message may be.
pub(super) fn max_message(peer: &Peer) -> Result<(), Unexpected> {
    let max = Limits::DEFAULT.max_message_bytes;
    // Around the body are two tags and two lengths of four bytes.
    let body = max - 10;
    let around = wire::simple_request(body, max).len() - max;
    let request = wire::simple_request(body, max - around);
    equal("the request's size", request.len(), max)?;
    let answer = peer.unary(UNARY_CALL, &request)?;
    equal("the answer's size", answer.len(), max)?;
    equal("the payload's size", wire::simple_body_len(&answer)?, body)
}

const CALLS: usize = 1000;
const CONNECTIONS: usize = 10;
/// Bytes of payload in each request.
const BODY: usize = 100;

/// As many calls at once as a server commonly takes on some connections; each gets its own answer.
pub(super) fn concurrent_calls(peer: &Peer) -> Result<(), Unexpected> {
    let wrong = |error: io::Error| Unexpected(error.to_string());
    let until = Instant::now() + PATIENCE;
    let mut multiplexer = Multiplexer::new().map_err(wrong)?;
    let target = peer.channel.target();
    for _ in 0..CONNECTIONS {
        multiplexer.connect(target, &peer.options).map_err(wrong)?;
    }
    let mut open = HashMap::new();
    let (mut begun, mut answered) = (0, 0);
    while answered < CALLS {
        while begun < CALLS {
            let (link, request) = (begun % CONNECTIONS, wire::simple_request(begun, BODY));
            match multiplexer.start(link, UNARY_CALL, &request, Some(PATIENCE)) {
                Ok(call) => open.insert((link, call), begun),
                // The server takes no more on this connection: some must end first.
                Err(StartError::TooManyCalls) if !open.is_empty() => break,
                Err(error) => return Err(Unexpected(format!("a call cannot begin: {error:?}"))),
            };
            begun += 1;
        }
        let mut outcome = Ok(());
        let left = until.saturating_duration_since(Instant::now());
        let turn = multiplexer.poll(left, |completion| {
            let size = open.remove(&(completion.link, completion.call));
            let found = if completion.status.is_ok() {
                wire::simple_body_len(completion.message)
            } else {
                Err(completion.status.clone())
            };
            let checked = found
                .map_err(Unexpected::from)
                .and_then(|found| equal("the payload's size", Some(found), size));
            answered += 1;
            if outcome.is_ok() {
                outcome = checked;
            }
        });
        turn.map_err(wrong)?;
        outcome?;
        if Instant::now() >= until {
            let reason = format!("{answered} of {CALLS} calls were answered in {PATIENCE:?}");
            return Err(Unexpected(reason));
        }
    }
    Ok(())
}

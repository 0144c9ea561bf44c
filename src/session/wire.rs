//! The protocol of a server's connection: which it is, and one interface for all.

use std::sync::Arc;
use std::time::Duration;

use super::{Compat, Negotiated, Sniffed, sniff};
use crate::call::{CallEnded, CallId, Code, Limits, ResourceResponse, ServerSink};
use crate::exchange::Site;
use crate::{grpc, http1, native};

/// The answer to a peer with no protocol that is served: HTTP/1.1, which most peers can show.
const UNKNOWN_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain\r\n\
    content-length: 75\r\n\
    connection: close\r\n\r\n\
    This port speaks gRPC (HTTP/2), HTTP/1.1 and AGR1, as --compat permits.  \r\n";

/// The answer to a protocol other than the negotiated one.
const NEGOTIATED_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain\r\n\
    content-length: 75\r\n\
    connection: close\r\n\r\n\
    The protocol of these bytes is not the one that TLS negotiated (ALPN).   \r\n";

/// The answer to cleartext where TLS is required.
const CLEARTEXT_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain\r\n\
    content-length: 76\r\n\
    connection: close\r\n\r\n\
    This port speaks gRPC (HTTP/2), HTTP/1.1 and AGR1, inside TLS only: https.\r\n";

/// The answer to a ClientHello without TLS configured: the fatal alert `handshake_failure` in a
/// record of TLS 1.2, which every version accepts first (RFC 8446 sections 5.1 and 6.2).
const TLS_ALERT: &[u8] = &[21, 3, 3, 0, 2, 2, 40];

/// The same for a refused client whose protocol is TLS: the alert `internal_error`. A handshake
/// would cost too much, and no alert says that there are too many connections.
const BUSY_ALERT: &[u8] = &[21, 3, 3, 0, 2, 2, 80];

/// The protocol of a connection, once its first bytes have told.
pub(super) enum Wire {
    Sniffing,
    Grpc(Box<grpc::ServerConnection>),
    Native(Box<native::ServerConnection>),
    Http1(Box<http1::ServerConnection>),
    /// Refused or lost; `unsent` is the rest of the answer.
    Refused {
        unsent: &'static [u8],
    },
}

/// Calls the same method of whichever protocol.
macro_rules! any {
    ($wire:expr, $connection:ident => $then:expr, else $otherwise:expr) => {
        match $wire {
            Wire::Grpc($connection) => $then,
            Wire::Native($connection) => $then,
            Wire::Http1($connection) => $then,
            Wire::Sniffing | Wire::Refused { .. } => $otherwise,
        }
    };
}
pub(super) use any;

/// What a protocol begins with.
pub(super) struct New<'a> {
    pub(super) limits: &'a Limits,
    pub(super) site: &'a Arc<Site>,
    pub(super) is_secure: bool,
    pub(super) now: Duration,
}

impl Wire {
    /// Closes a connection whose protocol is known now, and tells the client why. Returns how many
    /// bytes of the input were used.
    pub(super) fn refuse(
        &mut self,
        now: Duration,
        input: &[u8],
        reason: &str,
        sink: &mut impl ServerSink,
    ) -> usize {
        if let Wire::Http1(connection) = self {
            connection.refuse(reason);
            return input.len();
        }
        if let Wire::Native(connection) = self {
            // A server may not send anything before it has received the magic.
            connection.receive(now, input.get(..4).unwrap_or_default(), sink);
        }
        any!(self, connection => connection.close(Code::ResourceExhausted, reason, sink), else ());
        input.len()
    }

    /// The protocol that the first bytes show; `None` if they are too few.
    pub(super) fn detect(
        first: &[u8],
        compat: Compat,
        negotiated: Negotiated,
        is_refused: bool,
        &New { limits, site, is_secure, now }: &New<'_>,
    ) -> Option<Wire> {
        let mut wire = match sniff(first) {
            Sniffed::NeedMore => return None,
            Sniffed::Tls if is_refused => Wire::Refused { unsent: BUSY_ALERT },
            Sniffed::Tls => Wire::Refused { unsent: TLS_ALERT },
            sniffed if !compat.accepts(sniffed) => Wire::Refused { unsent: UNKNOWN_ANSWER },
            // RFC 7301 section 3.2: the negotiated protocol is definitive, even if the other is served.
            sniffed if !negotiated.accepts(sniffed) => Wire::Refused { unsent: NEGOTIATED_ANSWER },
            Sniffed::Native => Wire::Native(Box::new(native::ServerConnection::new(limits, now))),
            Sniffed::Http1 => Wire::Http1(Box::new(http1::ServerConnection::new(limits, site))),
            _ => Wire::Grpc(Box::new(grpc::ServerConnection::new(limits, site, now))),
        };
        match &mut wire {
            Wire::Grpc(connection) if is_secure => connection.set_secure(),
            Wire::Http1(connection) if is_secure => connection.set_secure(),
            _ => {}
        }
        Some(wire)
    }

    /// Refuses a cleartext peer where TLS is required.
    pub(super) fn cleartext_refusal() -> Wire {
        Wire::Refused { unsent: CLEARTEXT_ANSWER }
    }

    pub(super) fn respond(
        &mut self,
        call: CallId,
        response: &ResourceResponse,
    ) -> Result<usize, CallEnded> {
        match self {
            Wire::Grpc(connection) => connection.respond(call, response),
            Wire::Http1(connection) => connection.respond(call, response),
            Wire::Native(_) | Wire::Sniffing | Wire::Refused { .. } => Err(CallEnded),
        }
    }

    /// Bytes that wait for the peer's windows.
    pub(super) fn total_queued(&self) -> usize {
        match self {
            Wire::Grpc(connection) => connection.total_queued(),
            Wire::Native(connection) => connection.total_queued(),
            Wire::Http1(_) | Wire::Sniffing | Wire::Refused { .. } => 0,
        }
    }

    pub(super) fn allow_pings(&mut self) {
        match self {
            Wire::Grpc(connection) => connection.allow_pings(),
            Wire::Native(connection) => connection.allow_pings(),
            Wire::Http1(_) | Wire::Sniffing | Wire::Refused { .. } => (),
        }
    }

    pub(super) fn ping(&mut self) {
        match self {
            Wire::Grpc(connection) => connection.ping(),
            Wire::Native(connection) => connection.ping(),
            Wire::Http1(_) | Wire::Sniffing | Wire::Refused { .. } => (),
        }
    }

    pub(super) fn go_away(&mut self, reason: &str) {
        match self {
            Wire::Grpc(connection) => connection.go_away(reason),
            Wire::Native(connection) => connection.go_away(reason),
            Wire::Http1(connection) => connection.go_away(),
            Wire::Sniffing | Wire::Refused { .. } => *self = Wire::Refused { unsent: &[] },
        }
    }

    /// Whether unfinished messages are to be checked.
    pub(super) fn has_unfinished(&self) -> bool {
        match self {
            Wire::Grpc(connection) => connection.has_unfinished(),
            Wire::Native(connection) => connection.has_unfinished(),
            // A body that makes no progress has a deadline of its own.
            Wire::Http1(_) | Wire::Sniffing | Wire::Refused { .. } => false,
        }
    }

    pub(super) fn output(&self) -> &[u8] {
        match self {
            Wire::Grpc(connection) => connection.output(),
            Wire::Native(connection) => connection.output(),
            Wire::Http1(connection) => connection.output(),
            Wire::Refused { unsent } => unsent,
            Wire::Sniffing => &[],
        }
    }

    pub(super) fn consume_output(&mut self, n: usize) {
        match self {
            Wire::Grpc(connection) => connection.consume_output(n),
            Wire::Native(connection) => connection.consume_output(n),
            Wire::Http1(connection) => connection.consume_output(n),
            Wire::Refused { unsent } => *unsent = unsent.get(n..).unwrap_or_default(),
            Wire::Sniffing => (),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        match self {
            Wire::Grpc(connection) => connection.is_closed(),
            Wire::Native(connection) => connection.is_closed(),
            Wire::Http1(connection) => connection.is_closed(),
            Wire::Refused { .. } => true,
            Wire::Sniffing => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CLEARTEXT_ANSWER, NEGOTIATED_ANSWER, UNKNOWN_ANSWER};
    use crate::session::is_cleartext_refusal;

    #[test]
    fn the_content_length_of_a_refusal_is_right() {
        for answer in [UNKNOWN_ANSWER, NEGOTIATED_ANSWER, CLEARTEXT_ANSWER] {
            let text = std::str::from_utf8(answer).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let length = format!("content-length: {}\r\n", body.len());
            assert!(head.contains(&length), "{}", body.len());
        }
    }

    #[test]
    fn a_client_recognizes_that_cleartext_is_refused() {
        assert!(is_cleartext_refusal(CLEARTEXT_ANSWER));
        assert!(!is_cleartext_refusal(UNKNOWN_ANSWER));
    }
}

//! The encoding of Raft messages, as `proto/agora/raft/v1/raft.proto` defines them.
//!
//! A received message is checked in three steps before the core sees it: it must be well-formed
//! protobuf, it must have all required fields, and its numbers must be consistent with each other.
//! So a core never sees a term of 2^64 - 1, entries with a gap, or a promise of a hundred years.
//!
//! Entries are most of the traffic. They are encoded and decoded by hand ([`entries`]), with one
//! copy and one allocation each, and an [`Encoder`] encodes entries for several followers once.

mod entries;
mod hello_wire;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::pb::agora_raft_v1 as pb;
use crate::pb::agora_raft_v1::mod_AppendEntriesReply::OneOfoutcome as WireOutcome;
use crate::pb::agora_raft_v1::mod_Message::OneOfbody as WireBody;
use crate::protobuf::{self, FieldReader, Value, encode_into};
use crate::raft::{AppendOutcome, Body, Entry, Message, SnapshotMark, Term};
use entries::{put_length, put_number};

pub use crate::raft::MAX_NUMBER;
pub use entries::MAX_ENTRIES;
pub use hello_wire::{Hello, encode_hello};

/// The version of the protocol, and the oldest version that is supported.
pub const VERSION: u32 = 2;
const OLDEST_VERSION: u32 = 2;

/// The maximum lease.
pub const MAX_LEASE: Duration = Duration::from_secs(24 * 60 * 60);
/// The maximum number of promises in a vote.
pub const MAX_PROMISES: usize = 1024;
/// The maximum number of nodes in a group.
pub const MAX_MEMBERS: usize = 1024;
/// The maximum length of a group's name, and of a node's address.
pub const MAX_GROUP_BYTES: usize = 1024;

/// A decoded message of a peer.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// A hello: the first message of a call, repeated after changes.
    Hello(Box<Hello>),
    /// A Raft message.
    Message(Message),
}

/// Why the bytes of a peer are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// They are not such a protobuf message.
    Malformed(protobuf::Error),
    /// The message is inconsistent.
    Invalid(&'static str),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Malformed(error) => error.fmt(f),
            WireError::Invalid(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for WireError {}

impl From<protobuf::Error> for WireError {
    fn from(error: protobuf::Error) -> WireError {
        WireError::Malformed(error)
    }
}

/// Encodes messages into a reused buffer.
#[derive(Default)]
pub struct Encoder {
    out: Vec<u8>,
    /// The entries of the last AppendEntries, and their encoding. Followers with the same next
    /// index get the same entries.
    entries: Option<Arc<[Entry]>>,
    entry_bytes: Vec<u8>,
}

impl Encoder {
    /// The encoding of a message.
    pub fn encode(&mut self, message: &Message) -> &[u8] {
        self.out.clear();
        if let Body::AppendEntries { entries, .. } = &message.body
            && !entries.is_empty()
        {
            if !self.entries.as_ref().is_some_and(|known| Arc::ptr_eq(known, entries)) {
                self.entry_bytes.clear();
                entries::put_entries(&mut self.entry_bytes, entries);
                self.entries = Some(Arc::clone(entries));
            }
            put_append(&mut self.out, message, &self.entry_bytes);
        } else {
            let message =
                Some(pb::Message { term: message.term, body: body_to_wire(&message.body) });
            encode_into(&pb::ExchangeRequest { hello: None, message }, &mut self.out);
        }
        &self.out
    }
}

/// Field numbers of `ExchangeRequest` and `Message`.
const HELLO: u32 = 1;
const MESSAGE: u32 = 2;
const TERM: u32 = 1;
const APPEND_ENTRIES: u32 = 6;

fn put_append(out: &mut Vec<u8>, message: &Message, entry_bytes: &[u8]) {
    let WireBody::append_entries(head) = body_to_wire(&message.body) else { return };
    let head = protobuf::encode(&head);
    let length = head.len() + entry_bytes.len();
    let mut inner = Vec::with_capacity(32);
    put_number(&mut inner, TERM, message.term);
    put_length(&mut inner, APPEND_ENTRIES, length);
    put_length(out, MESSAGE, inner.len() + length);
    for part in [&inner, &head, entry_bytes] {
        out.extend_from_slice(part);
    }
}

/// The body without its entries.
fn body_to_wire(body: &Body) -> WireBody<'_> {
    match body {
        &Body::PreVote { last_log_index, last_log_term } => {
            WireBody::pre_vote(pb::PreVote { last_log_index, last_log_term })
        }
        &Body::PreVoteReply { granted } => WireBody::pre_vote_reply(pb::PreVoteReply { granted }),
        &Body::RequestVote { last_log_index, last_log_term, lease, released } => {
            let (lease_ns, released) =
                (nanos(lease), released.map(|node_id| pb::Released { node_id }));
            WireBody::request_vote(pb::RequestVote {
                last_log_index,
                last_log_term,
                lease_ns,
                released,
            })
        }
        Body::RequestVoteReply { granted, remaining } => {
            let promise = |&(node_id, left)| pb::Promise { node_id, left_ns: nanos(left) };
            let remaining = remaining.iter().map(promise).collect();
            WireBody::request_vote_reply(pb::RequestVoteReply { granted: *granted, remaining })
        }
        &Body::AppendEntries {
            prev_log_index,
            prev_log_term,
            entries: _,
            leader_commit,
            sent_at,
            lease,
            read_round,
        } => WireBody::append_entries(pb::AppendEntries {
            prev_log_index,
            prev_log_term,
            leader_commit,
            sent_at_ns: nanos(sent_at),
            lease_ns: nanos(lease),
            read_round,
            entries: Vec::new(),
        }),
        &Body::AppendEntriesReply { outcome, sent_at, read_round } => {
            let sent_at_ns = nanos(sent_at);
            let outcome = outcome_to_wire(outcome);
            WireBody::append_entries_reply(pb::AppendEntriesReply {
                outcome,
                sent_at_ns,
                read_round,
            })
        }
        Body::InstallSnapshot { snapshot, offset, data, is_last, sent_at, lease } => {
            WireBody::install_snapshot(pb::InstallSnapshot {
                snapshot: Some(mark(*snapshot)),
                offset: *offset,
                data: Cow::Borrowed(data),
                is_last: *is_last,
                sent_at_ns: nanos(*sent_at),
                lease_ns: nanos(*lease),
            })
        }
        &Body::InstallSnapshotReply { snapshot, next_offset, is_installed, sent_at } => {
            let (snapshot, sent_at_ns) = (Some(mark(snapshot)), nanos(sent_at));
            WireBody::install_snapshot_reply(pb::InstallSnapshotReply {
                snapshot,
                next_offset,
                is_installed,
                sent_at_ns,
            })
        }
        Body::TimeoutNow => WireBody::timeout_now(pb::TimeoutNow {}),
    }
}

fn outcome_to_wire(outcome: AppendOutcome) -> WireOutcome {
    match outcome {
        AppendOutcome::Matched { match_index } => WireOutcome::matched(pb::Matched { match_index }),
        AppendOutcome::Conflict { prev_log_index, conflict_term, conflict_index } => {
            WireOutcome::conflict(pb::Conflict { prev_log_index, conflict_term, conflict_index })
        }
        AppendOutcome::Stale => WireOutcome::stale(pb::Stale {}),
    }
}

fn mark(SnapshotMark { index, term }: SnapshotMark) -> pb::SnapshotMark {
    pb::SnapshotMark { index, term }
}

/// A time or duration in nanoseconds; the type holds 584 years.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Decodes and checks a message of a peer.
///
/// # Errors
/// See [`WireError`].
pub fn decode(bytes: &[u8]) -> Result<Received, WireError> {
    let mut received = None;
    for field in FieldReader::new(bytes) {
        let found = match field? {
            (HELLO, Value::Bytes(hello)) => Received::Hello(hello_wire::read(hello)?),
            (MESSAGE, Value::Bytes(message)) => Received::Message(read_message(message)?),
            (HELLO | MESSAGE, _) => return Err(invalid("a field with the wrong wire type")),
            _ => continue,
        };
        if received.replace(found).is_some() {
            return Err(invalid("more than one hello or message"));
        }
    }
    received.ok_or(invalid("neither a hello nor a message"))
}

fn read_message(bytes: &[u8]) -> Result<Message, WireError> {
    let (mut term, mut found) = (0, None);
    for field in FieldReader::new(bytes) {
        match field? {
            (TERM, Value::Varint(number)) => term = number,
            (TERM, _) => return Err(invalid("a field with the wrong wire type")),
            (number, Value::Bytes(body)) => {
                if found.replace((number, body)).is_some() {
                    return Err(invalid("a message with more than one body"));
                }
            }
            _ => return Err(invalid("a message with an unknown body")),
        }
    }
    let term = number(term)?;
    let (field, body) = found.ok_or(invalid("a message without a body"))?;
    let body = read_body(term, field, body)?;
    if term == 0 && !body.is_reply() {
        return Err(invalid("a message of term 0"));
    }
    Ok(Message { term, body })
}

/// Decodes the body in the field with this number.
fn read_body(term: Term, field: u32, bytes: &[u8]) -> Result<Body, WireError> {
    Ok(match field {
        2 => {
            let pb::PreVote { last_log_index, last_log_term } = protobuf::decode(bytes)?;
            let last_log_term = not_above(last_log_term, term)?;
            Body::PreVote { last_log_index: number(last_log_index)?, last_log_term }
        }
        3 => Body::PreVoteReply { granted: protobuf::decode::<pb::PreVoteReply>(bytes)?.granted },
        4 => {
            let vote: pb::RequestVote = protobuf::decode(bytes)?;
            Body::RequestVote {
                last_log_index: number(vote.last_log_index)?,
                last_log_term: not_above(vote.last_log_term, term)?,
                lease: lease(vote.lease_ns)?,
                released: vote.released.map(|released| released.node_id),
            }
        }
        5 => {
            let pb::RequestVoteReply { granted, remaining } = protobuf::decode(bytes)?;
            if remaining.len() > MAX_PROMISES {
                return Err(invalid("a vote with too many promises"));
            }
            let promise =
                |promise: pb::Promise| lease(promise.left_ns).map(|left| (promise.node_id, left));
            let remaining = remaining.into_iter().map(promise).collect::<Result<_, _>>()?;
            Body::RequestVoteReply { granted, remaining }
        }
        APPEND_ENTRIES => entries::read_append(term, bytes)?,
        7 => {
            let reply: pb::AppendEntriesReply = protobuf::decode(bytes)?;
            Body::AppendEntriesReply {
                outcome: read_outcome(reply.outcome)?,
                sent_at: Duration::from_nanos(reply.sent_at_ns),
                read_round: reply.read_round,
            }
        }
        8 => {
            let piece: pb::InstallSnapshot<'_> = protobuf::decode(bytes)?;
            let snapshot = read_mark(term, piece.snapshot)?;
            number(piece.offset)?;
            Body::InstallSnapshot {
                snapshot,
                offset: piece.offset,
                data: piece.data.as_ref().into(),
                is_last: piece.is_last,
                sent_at: Duration::from_nanos(piece.sent_at_ns),
                lease: lease(piece.lease_ns)?,
            }
        }
        9 => {
            let reply: pb::InstallSnapshotReply = protobuf::decode(bytes)?;
            Body::InstallSnapshotReply {
                snapshot: read_mark(term, reply.snapshot)?,
                next_offset: number(reply.next_offset)?,
                is_installed: reply.is_installed,
                sent_at: Duration::from_nanos(reply.sent_at_ns),
            }
        }
        10 => protobuf::decode::<pb::TimeoutNow>(bytes).map(|_| Body::TimeoutNow)?,
        _ => return Err(invalid("a message with an unknown body")),
    })
}

fn read_outcome(outcome: WireOutcome) -> Result<AppendOutcome, WireError> {
    match outcome {
        WireOutcome::matched(pb::Matched { match_index }) => {
            Ok(AppendOutcome::Matched { match_index: number(match_index)? })
        }
        WireOutcome::conflict(pb::Conflict { prev_log_index, conflict_term, conflict_index }) => {
            number(prev_log_index)?;
            number(conflict_term)?;
            if conflict_index == 0 || conflict_index > prev_log_index {
                return Err(invalid("a conflict outside the refused entries"));
            }
            Ok(AppendOutcome::Conflict { prev_log_index, conflict_term, conflict_index })
        }
        WireOutcome::stale(pb::Stale {}) => Ok(AppendOutcome::Stale),
        WireOutcome::None => Err(invalid("an answer without an outcome")),
    }
}

fn read_mark(term: Term, mark: Option<pb::SnapshotMark>) -> Result<SnapshotMark, WireError> {
    let pb::SnapshotMark { index, term: of } =
        mark.ok_or(invalid("a snapshot without an index and a term"))?;
    if index == 0 || of == 0 {
        return Err(invalid("a snapshot of index or term 0"));
    }
    Ok(SnapshotMark { index: number(index)?, term: not_above(of, term)? })
}

fn lease(nanos: u64) -> Result<Duration, WireError> {
    let lease = Duration::from_nanos(nanos);
    if lease > MAX_LEASE { Err(invalid("a lease that is too long")) } else { Ok(lease) }
}

/// Checks a term, an index or an offset.
fn number(number: u64) -> Result<u64, WireError> {
    if number > MAX_NUMBER { Err(invalid("a number beyond 2^62")) } else { Ok(number) }
}

/// Checks the term of a part of a message, which must not be above the term of the message.
fn not_above(term: Term, own: Term) -> Result<Term, WireError> {
    if term > own { Err(invalid("a term above that of the message")) } else { Ok(term) }
}

const fn invalid(what: &'static str) -> WireError {
    WireError::Invalid(what)
}

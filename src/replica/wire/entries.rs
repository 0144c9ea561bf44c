//! AppendEntries, encoded and decoded by hand: its entries are nearly all of the traffic.
//!
//! The bytes are those of any protobuf implementation. By hand, encoding an entry costs one copy of
//! its command, and decoding it one allocation and one copy.

use std::sync::Arc;
use std::time::Duration;

use super::{WireError, invalid, lease, not_above, number};
use crate::protobuf::{FieldReader, Value, put_varint};
use crate::raft::{Body, Entry, Index, Origin, Payload, Term};

/// The maximum number of entries in a message.
pub const MAX_ENTRIES: usize = 65_536;

/// The field number of entries in `AppendEntries`.
const ENTRIES: u32 = 7;
/// `EntryKind`.
const NO_OP: u64 = 1;
const OPEN_SESSION: u64 = 2;
const COMMAND: u64 = 3;

/// Appends entries as fields of AppendEntries.
pub(super) fn put_entries(out: &mut Vec<u8>, entries: &[Entry]) {
    // The fields before a command are built separately, because their length comes first.
    let mut head = Vec::with_capacity(96);
    for entry in entries {
        head.clear();
        put_number(&mut head, 1, entry.term);
        put_number(&mut head, 2, entry.at_ms);
        let (kind, origin, command): (_, Option<Origin>, &[u8]) = match &entry.payload {
            Payload::NoOp => (NO_OP, None, &[]),
            Payload::OpenSession => (OPEN_SESSION, None, &[]),
            Payload::Command { origin, command } => (COMMAND, *origin, command),
        };
        put_number(&mut head, 3, kind);
        if let Some(Origin { session, sequence, acknowledged }) = origin {
            let numbers = [session, sequence, acknowledged];
            put_length(&mut head, 4, numbers.map(|number| 1 + varint_bytes(number)).iter().sum());
            for (field, number) in (1..).zip(numbers) {
                put_number(&mut head, field, number);
            }
        }
        if !command.is_empty() {
            put_length(&mut head, 5, command.len());
        }
        put_length(out, ENTRIES, head.len() + command.len());
        out.extend_from_slice(&head);
        out.extend_from_slice(command);
    }
}

/// Appends a varint field.
pub(super) fn put_number(out: &mut Vec<u8>, field: u32, number: u64) {
    out.push((field << 3) as u8);
    put_varint(out, number);
}

/// Appends the tag and length of a field with `length` bytes.
pub(super) fn put_length(out: &mut Vec<u8>, field: u32, length: usize) {
    out.push((field << 3) as u8 | 2);
    put_varint(out, length as u64);
}

/// The length of a varint in bytes.
fn varint_bytes(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

/// Decodes an AppendEntries of this term.
pub(super) fn read_append(term: Term, bytes: &[u8]) -> Result<Body, WireError> {
    // prev_log_index, prev_log_term, leader_commit, sent_at_ns, lease_ns, read_round.
    let mut numbers = [0; 6];
    let mut entries = Vec::new();
    for field in FieldReader::new(bytes) {
        match field? {
            (ENTRIES, Value::Bytes(entry)) => {
                if entries.len() == MAX_ENTRIES {
                    return Err(invalid("too many entries"));
                }
                entries.push(read_entry(entry)?);
            }
            (field @ 1..=6, Value::Varint(number)) => numbers[field as usize - 1] = number,
            (1..=ENTRIES, _) => return Err(invalid("a field with the wrong wire type")),
            _ => (),
        }
    }
    let [prev_log_index, prev_log_term, leader_commit, sent_at_ns, lease_ns, read_round] = numbers;
    number(number(prev_log_index)? + entries.len() as Index)?;
    not_above(prev_log_term, term)?;
    put_in_place(&mut entries, prev_log_index, prev_log_term, term)?;
    Ok(Body::AppendEntries {
        prev_log_index,
        prev_log_term,
        entries: Arc::from(entries),
        leader_commit: number(leader_commit)?,
        sent_at: Duration::from_nanos(sent_at_ns),
        lease: lease(lease_ns)?,
        read_round,
    })
}

/// Sets the indices of entries, and checks their terms and times: neither may decrease.
fn put_in_place(
    entries: &mut [Entry],
    prev_log_index: Index,
    prev_log_term: Term,
    own: Term,
) -> Result<(), WireError> {
    let (mut last_term, mut last_ms) = (prev_log_term.max(1), 0);
    for (index, entry) in (prev_log_index + 1..).zip(entries) {
        if entry.term < last_term || entry.at_ms < last_ms {
            return Err(invalid("entries whose terms or times do not rise"));
        }
        (last_term, last_ms) = (entry.term, entry.at_ms);
        entry.index = index;
    }
    not_above(last_term, own)?;
    number(last_ms)?;
    Ok(())
}

/// Decodes an entry, without its index.
fn read_entry(bytes: &[u8]) -> Result<Entry, WireError> {
    let (mut term, mut at_ms, mut kind) = (0, 0, 0);
    let mut origin = None;
    let mut command: &[u8] = &[];
    for field in FieldReader::new(bytes) {
        match field? {
            (1, Value::Varint(number)) => term = number,
            (2, Value::Varint(number)) => at_ms = number,
            (3, Value::Varint(number)) => kind = number,
            (4, Value::Bytes(_)) if origin.is_some() => {
                return Err(invalid("an entry with two origins"));
            }
            (4, Value::Bytes(bytes)) => origin = Some(read_origin(bytes)?),
            (5, Value::Bytes(bytes)) => command = bytes,
            (1..=5, _) => return Err(invalid("a field with the wrong wire type")),
            _ => (),
        }
    }
    let payload = match kind {
        COMMAND => Payload::Command { origin, command: command.into() },
        NO_OP | OPEN_SESSION if origin.is_some() || !command.is_empty() => {
            return Err(invalid("a command in an entry of another kind"));
        }
        NO_OP => Payload::NoOp,
        OPEN_SESSION => Payload::OpenSession,
        _ => return Err(invalid("an entry of an unknown kind")),
    };
    Ok(Entry { term, index: 0, at_ms, payload })
}

fn read_origin(bytes: &[u8]) -> Result<Origin, WireError> {
    let mut origin = Origin { session: 0, sequence: 0, acknowledged: 0 };
    for field in FieldReader::new(bytes) {
        match field? {
            (1, Value::Varint(number)) => origin.session = number,
            (2, Value::Varint(number)) => origin.sequence = number,
            (3, Value::Varint(number)) => origin.acknowledged = number,
            (1..=3, _) => return Err(invalid("a field with the wrong wire type")),
            _ => (),
        }
    }
    Ok(origin)
}

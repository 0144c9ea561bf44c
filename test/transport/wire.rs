//! Every message survives a round trip, and other implementations decode the same; damaged and
//! invalid bytes are refused.

use std::sync::Arc;
use std::time::Duration;

use agora::pb::agora_raft_v1 as pb;
use agora::pb::agora_raft_v1::mod_Message::OneOfbody;
use agora::protobuf;
use agora::raft::{Body, Entry, Message, Payload};
use agora::replica::membership::{Introduction, Loss, Standing, Trust};
use agora::replica::wire::{
    Encoder, Hello, MAX_ENTRIES, MAX_MEMBERS, MAX_NUMBER, Received, WireError, decode, encode_hello,
};

use super::messages::message;
use super::seed::{Seed, each_seed};

#[test]
fn every_message_survives_a_round_trip() {
    let mut encoder = Encoder::default();
    each_seed(|seed| {
        let message = message(seed);
        assert_eq!(decode(encoder.encode(&message)), Ok(Received::Message(message)));
    });
}

#[test]
fn a_hello_survives_a_round_trip() {
    each_seed(|seed| {
        let group = String::from_utf8_lossy(&seed.bytes(9)).into_owned();
        let introduction = introduction(seed);
        let mut hello = Hello::new(&group, seed.next_u64(), seed.next_u64(), introduction);
        hello.members = (0..seed.below(4) as u64).map(|id| (id, format!("host{id}:1"))).collect();
        assert!(hello.is_understood());
        assert_eq!(decode(&encode_hello(&hello)), Ok(Received::Hello(hello.into())));
    });
}

fn any_introduction() -> Introduction {
    Introduction { instance: 5, incarnation: 6, ..Introduction::default() }
}

fn introduction(seed: &mut Seed) -> Introduction {
    let standings = [
        Standing::New,
        Standing::Joining,
        Standing::Voter,
        Standing::Refused(Loss::Replaced),
        Standing::Refused(Loss::Older),
    ];
    let trusts = [Trust::Seen, Trust::Voter, Trust::Refused];
    let count = seed.below(4);
    let remembered = (0..count).map(|_| (seed.next_u64(), seed.next_u64(), *seed.pick(&trusts)));
    Introduction {
        remembered: remembered.collect(),
        instance: seed.next_u64().max(1),
        starts: seed.next_u64() >> 2,
        incarnation: seed.next_u64().max(1),
        term: seed.next_u64() >> 2,
        last_index: seed.next_u64() >> 2,
        standing: *seed.pick(&standings),
        number: seed.next_u64(),
        wants_answer: seed.one_in(2),
        answers: seed.one_in(2).then(|| (seed.next_u64().max(1), seed.next_u64())),
    }
}

#[test]
fn an_invalid_introduction_is_refused() {
    let refused = |change: fn(&mut Introduction)| {
        let mut introduction = any_introduction();
        change(&mut introduction);
        let bytes = encode_hello(&Hello::new("g", 1, 2, introduction));
        assert!(matches!(decode(&bytes), Err(WireError::Invalid(_))));
    };
    refused(|it| it.instance = 0);
    refused(|it| it.incarnation = 0);
    refused(|it| it.starts = MAX_NUMBER + 1);
    refused(|it| it.term = u64::MAX);
    refused(|it| it.remembered = vec![(1, 1, Trust::Seen); MAX_MEMBERS + 1]);
    let mut hello = Hello::new("g", 1, 2, any_introduction());
    hello.members = vec![(1, "x".repeat(2000))];
    assert!(decode(&encode_hello(&hello)).is_err());
    hello.members = vec![(1, String::new()); MAX_MEMBERS + 1];
    assert!(decode(&encode_hello(&hello)).is_err());
}

/// The manual encoding equals that of a protobuf implementation.
#[test]
fn the_bytes_are_those_of_the_contract() {
    let mut encoder = Encoder::default();
    each_seed(|seed| {
        let bytes = encoder.encode(&message(seed)).to_vec();
        let generic: pb::ExchangeRequest<'_> = protobuf::decode(&bytes).unwrap();
        let again = protobuf::encode(&generic);
        let generic_again: pb::ExchangeRequest<'_> = protobuf::decode(&again).unwrap();
        assert_eq!(generic, generic_again);
        // One omits zero fields and the other does not, which has the same meaning.
        assert_eq!(decode(&bytes), decode(&again));
        let response: pb::ExchangeResponse<'_> = protobuf::decode(&bytes).unwrap();
        assert_eq!(protobuf::encode(&response), again, "both directions carry the same");
    });
}

/// Whatever is accepted means the same to the generated code, and survives a round trip.
#[test]
fn damaged_bytes_are_refused_or_decode_to_a_valid_message() {
    let mut encoder = Encoder::default();
    let (mut refused, mut passed) = (0_u32, 0_u32);
    each_seed(|seed| {
        let message = message(seed);
        let mut bytes = encoder.encode(&message).to_vec();
        seed.mutate(&mut bytes);
        match decode(&bytes) {
            Err(WireError::Malformed(_) | WireError::Invalid(_)) => refused += 1,
            Ok(Received::Hello(hello)) => {
                assert_eq!(decode(&encode_hello(&hello)), Ok(Received::Hello(hello)));
            }
            Ok(Received::Message(message)) => {
                passed += 1;
                assert_valid(&message);
                assert!(protobuf::decode::<pb::ExchangeRequest<'_>>(&bytes).is_ok());
                assert_eq!(decode(encoder.encode(&message)), Ok(Received::Message(message)));
            }
        }
    });
    // A single seed has no statistics.
    assert!(refused + passed < 100 || (refused > passed / 10 && passed > 0), "{refused}, {passed}");
}

/// The properties that the core relies on.
fn assert_valid(message: &Message) {
    assert!(message.term <= MAX_NUMBER);
    if let Body::AppendEntries { prev_log_index, prev_log_term, entries, .. } = &message.body {
        let (mut index, mut term, mut ms) = (*prev_log_index, *prev_log_term, 0);
        for entry in entries.iter() {
            assert_eq!(entry.index, index + 1);
            assert!(entry.term >= term && entry.term >= 1 && entry.at_ms >= ms);
            (index, term, ms) = (entry.index, entry.term, entry.at_ms);
        }
        assert!(term <= message.term);
    }
}

fn entry(term: u64, at_ms: u64) -> pb::Entry<'static> {
    let kind = pb::EntryKind::ENTRY_KIND_NO_OP;
    pb::Entry { term, at_ms, kind, ..pb::Entry::default() }
}

/// Decodes a message of term 5 with this body.
fn of_term_5(body: OneOfbody<'_>) -> Result<Received, WireError> {
    let message = Some(pb::Message { term: 5, body });
    decode(&protobuf::encode(&pb::ExchangeRequest { hello: None, message }))
}

fn append(change: impl FnOnce(&mut pb::AppendEntries<'_>)) -> Result<Received, WireError> {
    let mut append =
        pb::AppendEntries { prev_log_index: 7, prev_log_term: 3, ..pb::AppendEntries::default() };
    change(&mut append);
    of_term_5(OneOfbody::append_entries(append))
}

#[test]
fn invalid_entries_are_refused() {
    let with = |entries| append(|append| append.entries = entries);
    assert!(with(vec![entry(3, 1), entry(3, 1), entry(5, 9)]).is_ok());
    assert!(with(vec![entry(2, 1)]).is_err(), "a term below that of the entry before");
    assert!(with(vec![entry(4, 1), entry(3, 1)]).is_err(), "a term that falls");
    assert!(with(vec![entry(6, 1)]).is_err(), "a term above that of the message");
    assert!(with(vec![entry(3, 2), entry(3, 1)]).is_err(), "a time that falls");
    let at_0 = |append: &mut pb::AppendEntries<'_>| {
        (append.prev_log_term, append.entries) = (0, vec![entry(0, 1)]);
    };
    assert!(append(at_0).is_err(), "an entry of term 0");
    assert!(append(|append| append.prev_log_term = 6).is_err());
    assert!(append(|append| append.prev_log_index = MAX_NUMBER + 1).is_err());
    assert!(append(|append| append.leader_commit = u64::MAX).is_err());
    assert!(append(|append| append.lease_ns = u64::MAX).is_err(), "584 years");
    let mut unknown = entry(3, 1);
    unknown.kind = pb::EntryKind::ENTRY_KIND_UNSPECIFIED;
    assert!(with(vec![unknown]).is_err());
    let mut laden = entry(3, 1);
    laden.command = b"SET".into();
    assert!(with(vec![laden]).is_err(), "a NO-OP with a command");
    assert!(with(vec![entry(3, 1); MAX_ENTRIES]).is_ok());
    assert!(with(vec![entry(3, 1); MAX_ENTRIES + 1]).is_err());
}

#[test]
fn other_invalid_messages_are_refused() {
    let mark = |index, term| Some(pb::SnapshotMark { index, term });
    let piece = |snapshot| {
        of_term_5(OneOfbody::install_snapshot(pb::InstallSnapshot {
            snapshot,
            ..pb::InstallSnapshot::default()
        }))
    };
    assert!(piece(mark(1, 5)).is_ok());
    for snapshot in [None, mark(0, 1), mark(1, 0), mark(1, 6), mark(u64::MAX, 1)] {
        assert!(piece(snapshot.clone()).is_err(), "{snapshot:?}");
    }
    let conflict = |prev_log_index, conflict_index| {
        let conflict = pb::Conflict { prev_log_index, conflict_term: 1, conflict_index };
        of_term_5(OneOfbody::append_entries_reply(pb::AppendEntriesReply {
            outcome: pb::mod_AppendEntriesReply::OneOfoutcome::conflict(conflict),
            ..pb::AppendEntriesReply::default()
        }))
    };
    assert!(conflict(4, 4).is_ok());
    for (prev, at) in [(4, 5), (4, 0), (0, 0), (u64::MAX, 1)] {
        assert!(conflict(prev, at).is_err(), "{prev} {at}");
    }
    let no_outcome = OneOfbody::append_entries_reply(pb::AppendEntriesReply::default());
    assert!(of_term_5(no_outcome).is_err());
    let promises = |count| {
        let remaining = vec![pb::Promise { node_id: 1, left_ns: 2 }; count];
        let reply = pb::RequestVoteReply { granted: true, remaining };
        of_term_5(OneOfbody::request_vote_reply(reply))
    };
    assert!(promises(1024).is_ok() && promises(1025).is_err());
    let pre_vote = pb::PreVote { last_log_index: 1, last_log_term: 6 };
    assert!(of_term_5(OneOfbody::pre_vote(pre_vote)).is_err());
    assert!(of_term_5(OneOfbody::None).is_err());
}

#[test]
fn more_or_less_than_one_body_is_refused() {
    let mut encoder = Encoder::default();
    let message = encoder.encode(&Message { term: 1, body: Body::TimeoutNow }).to_vec();
    let hello = encode_hello(&Hello::new("g", 1, 2, any_introduction()));
    for bytes in [[&message[..], &message], [&hello, &message], [&hello, &hello], [b"", b""]] {
        assert!(matches!(decode(&bytes.concat()), Err(WireError::Invalid(_))));
    }
    // Two bodies in one message: field 2, 6 bytes: term 1, field 10 twice.
    assert!(decode(&[0x12, 4, 8, 1, 0x52, 0]).is_ok());
    assert!(decode(&[0x12, 6, 8, 1, 0x52, 0, 0x52, 0]).is_err());
    // A field that a later version may have.
    assert!(decode(&[0x12, 4, 8, 1, 0x52, 0, 0x18, 1]).is_ok());
}

#[test]
fn incompatible_versions_are_detected() {
    let ours = Hello::new("g", 1, 2, any_introduction());
    let later = |oldest_version| Hello { version: 7, oldest_version, ..ours.clone() };
    assert!(later(2).is_understood());
    assert!(!later(3).is_understood());
    assert_eq!(decode(&encode_hello(&later(3))), Ok(Received::Hello(later(3).into())));
    for (version, oldest_version) in [(0, 0), (1, 0), (1, 2)] {
        let wrong = Hello { version, oldest_version, ..ours.clone() };
        assert!(decode(&encode_hello(&wrong)).is_err(), "{wrong:?}");
    }
}

#[test]
fn entries_for_several_followers_are_encoded_once() {
    let mut encoder = Encoder::default();
    let entries = |command: &[u8]| -> Arc<[Entry]> {
        let payload = Payload::Command { origin: None, command: command.into() };
        Arc::new([Entry { term: 2, index: 5, at_ms: 1, payload }])
    };
    let append = |entries: &Arc<[Entry]>, sent: u64| Message {
        term: 2,
        body: Body::AppendEntries {
            prev_log_index: 4,
            prev_log_term: 2,
            entries: Arc::clone(entries),
            leader_commit: 4,
            sent_at: Duration::from_nanos(sent),
            lease: Duration::from_millis(300),
            read_round: 0,
        },
    };
    // The same entries again, other entries, and entries at the address of freed ones.
    let first = entries(b"first");
    let mut sent = vec![append(&first, 1), append(&first, 2), append(&entries(b"second"), 3)];
    drop(first);
    sent.extend((0..100_u8).map(|n| append(&entries(&[n]), 4)));
    for message in sent {
        assert_eq!(decode(encoder.encode(&message)), Ok(Received::Message(message)));
    }
}

#[test]
fn random_bytes_cost_nothing() {
    each_seed(|seed: &mut Seed| {
        let len = seed.below(200);
        let _ = decode(&seed.bytes(len));
    });
}

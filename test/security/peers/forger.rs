//! A caller that claims to be a node, and sends what no node would.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agora::call::Status;
use agora::raft::{
    AppendOutcome, Body, Entry, Index, Message, NodeId, Payload, SnapshotMark, Term,
};
use agora::replica::membership::{Introduction, Standing, Trust};
use agora::replica::transport::EXCHANGE;
use agora::replica::wire::{Encoder, Hello, Received, decode, encode_hello};
use agora::rpc::{CallOptions, Channel, ChannelOptions, ClientCall, random_number};
use agora::session::Protocol;

use super::group::{GROUP, Group, LONG, NodeView};
use crate::authority::client_tls;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
pub const LEASE: Duration = Duration::from_millis(900);

/// A call of Exchange.
pub struct Forger {
    call: ClientCall,
    encoder: Encoder,
}

impl Forger {
    /// Calls a node, with the certificate in a folder or in the clear, and sends a hello as node
    /// `claimed`, and behind it these messages. Returns the introduction of the called node if the
    /// hello is accepted.
    pub fn call(
        group: &Group,
        folder: Option<&Path>,
        protocol: Protocol,
        (claimed, called): (NodeId, NodeId),
        introduction: Introduction,
        then: &[Message],
    ) -> Result<(Forger, Introduction), Status> {
        let at = (folder, group.addresses[called as usize].1.as_str());
        Forger::call_at(group, at, protocol, (claimed, called), introduction, then)
    }

    /// As [`call`](Self::call), at any address.
    pub fn call_at(
        group: &Group,
        (folder, address): (Option<&Path>, &str),
        protocol: Protocol,
        (claimed, called): (NodeId, NodeId),
        introduction: Introduction,
        then: &[Message],
    ) -> Result<(Forger, Introduction), Status> {
        let tls = folder.map(client_tls);
        let options = ChannelOptions { protocol, tls, ..ChannelOptions::default() };
        let channel = Channel::new(address, options)?;
        let timeout = Some(LONG);
        let call = channel.start(EXCHANGE, &CallOptions { timeout, ..CallOptions::default() })?;
        let mut forger = Forger { call, encoder: Encoder::default() };
        let members = group.addresses.clone();
        let hello = Hello { members, ..Hello::new(GROUP, claimed, called, introduction) };
        // A call that has ended says why when something is received.
        let _ = forger.call.send(&encode_hello(&hello));
        then.iter().for_each(|message| forger.send(message));
        let answer = forger.call.receive()?.ok_or(Status::OK)?;
        match decode(&answer) {
            Ok(Received::Hello(hello)) => Ok((forger, hello.introduction)),
            other => panic!("no hello: {other:?}"),
        }
    }

    /// Calls as the newest process of a node: its directory is known to the node that is called.
    pub fn call_as_process(
        group: &Group,
        folder: Option<&Path>,
        protocol: Protocol,
        (claimed, called): (NodeId, NodeId),
    ) -> Result<Forger, Status> {
        let claim = (claimed, called);
        let (first, answer) = Forger::call(group, folder, protocol, claim, guess(), &[])?;
        drop(first);
        let known = answer.remembered.iter().find(|(id, ..)| *id == claimed).unwrap();
        let remembered = answer.remembered.iter().map(|(id, at, _)| (*id, *at, Trust::Voter));
        let introduction = Introduction {
            instance: known.1,
            starts: 1000,
            standing: Standing::Voter,
            term: 1000,
            last_index: 1000,
            remembered: remembered.collect(),
            ..guess()
        };
        let mut last = None;
        super::group::eventually("the first call is over", || {
            let result = Forger::call(group, folder, protocol, claim, introduction.clone(), &[]);
            let is_over = result.is_ok();
            last = Some(result);
            is_over
        });
        last.unwrap().map(|(forger, _)| forger)
    }

    /// Sends a message; the call may have ended.
    pub fn send(&mut self, message: &Message) {
        let bytes = self.encoder.encode(message).to_vec();
        let _ = self.call.send(&bytes);
    }

    /// Waits for a message that satisfies a condition.
    #[track_caller]
    pub fn await_reply(&mut self, what: &str, is_wanted: impl Fn(&Message) -> bool) {
        loop {
            let received = self.call.receive();
            let bytes = received.unwrap_or_else(|status| panic!("{what}: {status}"));
            let bytes = bytes.unwrap_or_else(|| panic!("{what}: the call has ended"));
            if let Ok(Received::Message(message)) = decode(&bytes)
                && is_wanted(&message)
            {
                return;
            }
        }
    }
}

/// An introduction of somebody who knows nothing.
pub fn guess() -> Introduction {
    Introduction {
        instance: random_number() | 1,
        starts: 1,
        incarnation: random_number() | 1,
        number: 1,
        ..Introduction::default()
    }
}

/// Entries that continue a log, the first of them with this command.
pub fn append(term: Term, prev: (Index, Term), command: &[u8], lease: Duration) -> Message {
    let payload = Payload::Command { origin: None, command: command.into() };
    let entry = Entry { term, index: prev.0 + 1, at_ms: 1 << 41, payload };
    let body = Body::AppendEntries {
        prev_log_index: prev.0,
        prev_log_term: prev.1,
        entries: Arc::from([entry]),
        leader_commit: prev.0 + 1,
        sent_at: Duration::ZERO,
        lease,
        read_round: 0,
    };
    Message { term, body }
}

/// A question that every node answers, and that changes nothing.
pub fn question() -> Message {
    Message { term: 1, body: Body::PreVote { last_log_index: 0, last_log_term: 0 } }
}

/// A heartbeat that says nothing about the log.
pub fn heartbeat(term: Term, lease: Duration) -> Message {
    let body = Body::AppendEntries {
        prev_log_index: 0,
        prev_log_term: 0,
        entries: Arc::default(),
        leader_commit: 0,
        sent_at: Duration::ZERO,
        lease,
        read_round: 0,
    };
    Message { term, body }
}

/// A whole snapshot in one piece.
pub fn install(term: Term, snapshot: SnapshotMark) -> Message {
    let body = Body::InstallSnapshot {
        snapshot,
        offset: 0,
        data: b"SNAPSHOT format=1 index=1 term=1 00000000\n".as_slice().into(),
        is_last: true,
        sent_at: Duration::ZERO,
        lease: LEASE,
    };
    Message { term, body }
}

/// Messages with values that no working node sends: they have no effect, whoever sends them.
pub fn insane(view: &NodeView) -> Vec<Message> {
    let stand = |term| {
        let (last_log_index, last_log_term) = (view.last_index + 9, view.last_term);
        let body = Body::RequestVote {
            last_log_index,
            last_log_term,
            lease: LEASE,
            released: view.leader,
        };
        Message { term, body }
    };
    let reply = |term| {
        let (sent_at, read_round) = (Duration::ZERO, 0);
        let body = Body::AppendEntriesReply { outcome: AppendOutcome::Stale, sent_at, read_round };
        Message { term, body }
    };
    let mark = SnapshotMark { index: view.last_index + 1000, term: view.last_term };
    vec![
        stand(1 << 40),
        stand(1 << 62),
        reply(1 << 40),
        reply(1 << 62),
        append(1 << 40, (view.last_index, view.last_term), b"forged", LEASE),
        append(1 << 62, (view.last_index, view.last_term), b"forged", LEASE),
        install(1 << 62, mark),
        heartbeat(view.term, DAY),
        heartbeat(view.term + 1, DAY),
        append(view.term + 1, (view.last_index, view.last_term), b"forged", DAY),
    ]
}

/// Messages that a working node could send, and that take over a group which believes them.
pub fn plausible(view: &NodeView) -> Vec<Message> {
    let mark = SnapshotMark { index: view.last_index + 1000, term: view.last_term };
    vec![
        append(view.term + 1, (view.last_index, view.last_term), b"forged", LEASE),
        install(view.term + 1, mark),
        Message { term: view.term, body: Body::TimeoutNow },
    ]
}

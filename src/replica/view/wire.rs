//! The messages of `agora.node.v1`.

use std::borrow::Cow;

use log::Level;

use super::contents::Contents;
use super::samples::Sample;
use super::{Position, Shown};
use crate::call::{Code, Status};
use crate::pb::agora_node_v1 as pb;
use crate::protobuf::{decode, encode, encode_into};
use crate::raft::{NodeId, RoleName};
use crate::replica::clock::whole_ms;
use crate::replica::node::EventLine;

fn unreadable(error: impl ToString) -> Status {
    Status::new(Code::Internal, error.to_string())
}

/// Where a request for the present state begins.
pub(super) fn parse_describe(message: &[u8]) -> Result<Position, Status> {
    let request: pb::DescribeRequest = decode(message).map_err(unreadable)?;
    Ok(Position { sample: request.after_sample, event: request.after_event })
}

/// Where a watch begins.
pub(super) fn parse_watch(message: &[u8]) -> Result<Position, Status> {
    let request: pb::WatchRequest = decode(message).map_err(unreadable)?;
    Ok(Position { sample: request.after_sample, event: request.after_event })
}

pub(super) fn append_description(shown: &Shown<'_>, response: &mut Vec<u8>) {
    encode_into(&pb::DescribeResponse { view: Some(view(shown)) }, response);
}

pub(super) fn watch_response(shown: &Shown<'_>) -> Vec<u8> {
    encode(&pb::WatchResponse { view: Some(view(shown)) })
}

fn address<'s>(shown: &Shown<'s>, node: NodeId) -> pb::NodeAddress<'s> {
    let known = shown.nodes.iter().find(|(known, _)| *known == node);
    pb::NodeAddress { node, address: known.map_or("", |(_, address)| address).into() }
}

fn view<'s>(shown: &Shown<'s>) -> pb::NodeView<'s> {
    let raft = shown.raft;
    let peers = raft.peers();
    pb::NodeView {
        self_pb: Some(address(shown, raft.id())),
        group: shown.group.into(),
        machine: shown.machine.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        role: match raft.role() {
            RoleName::Leader => pb::Role::ROLE_LEADER,
            RoleName::Follower => pb::Role::ROLE_FOLLOWER,
            RoleName::Candidate => pb::Role::ROLE_CANDIDATE,
        },
        term: raft.current_term(),
        leader: raft.leader().map(|leader| address(shown, leader)),
        // A single node needs no promise of another node, so it has no lease that ends.
        lease_left_ms: if peers.is_empty() { 0 } else { whole_ms(raft.lease_remaining(shown.now)) },
        lease_ms: whole_ms(raft.config().lease),
        heartbeat_ms: whole_ms(raft.config().heartbeat_interval),
        last_index: raft.last_index(),
        commit_index: raft.commit_index(),
        applied_index: shown.applied_index,
        snapshot_index: raft.snapshot().index,
        uptime_ms: whole_ms(shown.uptime),
        now_ms: shown.wall_ms,
        not_ready: shown.not_ready.iter().map(|reason| reason.as_str().into()).collect(),
        peers: peers.iter().map(|peer| peer_view(shown, peer)).collect(),
        contents: shown.contents.map(|contents| contents_view(shown, contents)),
        samples: shown.samples.iter().map(|sample| sample_view(sample)).collect(),
        events: shown.events.iter().map(event_view).collect(),
    }
}

fn peer_view<'s>(shown: &Shown<'s>, peer: &crate::raft::PeerProgress) -> pb::PeerView<'s> {
    let raft = shown.raft;
    let failure = shown.unreachable.get(&peer.peer);
    let progress = raft.is_leader().then(|| pb::PeerProgress {
        match_index: peer.match_index,
        lag: raft.last_index().saturating_sub(peer.match_index),
        round_trip_us: raft
            .round_trip(peer.peer)
            .map_or(0, |took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1)),
        last_answer: peer
            .last_contact
            .map(|at| pb::LastAnswer { ago_ms: whole_ms(shown.now.saturating_sub(at)) }),
    });
    pb::PeerView {
        peer: Some(address(shown, peer.peer)),
        is_reachable: failure.is_none(),
        why_unreachable: failure.map_or("", |failure| failure.reason.as_str()).into(),
        unreachable_ms: failure
            .map_or(0, |failure| whole_ms(shown.now.saturating_sub(failure.since)).max(1)),
        is_voter: peer.is_voter,
        progress,
    }
}

fn contents_view<'s>(shown: &Shown<'s>, contents: &'s Contents) -> pb::Contents<'s> {
    let part = |part: &'s super::Part| pb::Holding {
        name: part.name.as_str().into(),
        count: part.count,
        about_bytes: part.about_bytes,
    };
    pb::Contents {
        what: contents.what.into(),
        count: contents.count,
        bytes: shown.quota.size_bytes,
        quota_bytes: shown.quota.quota_bytes,
        parts: contents.parts.iter().map(part).collect(),
        rest_count: contents.rest_count,
    }
}

fn sample_view(sample: &Sample) -> pb::Sample {
    pb::Sample {
        number: sample.number,
        at_ms: sample.at_ms,
        interval_ms: sample.interval_ms,
        reads: sample.reads.count,
        writes: sample.writes.count,
        read_p50_us: sample.reads.p50_us,
        read_p99_us: sample.reads.p99_us,
        write_p50_us: sample.writes.p50_us,
        write_p99_us: sample.writes.p99_us,
    }
}

fn event_view(event: &EventLine) -> pb::Event<'_> {
    pb::Event {
        number: event.number,
        at_ms: event.at_ms,
        severity: match event.level {
            Level::Error => pb::Severity::SEVERITY_ERROR,
            Level::Warn => pb::Severity::SEVERITY_WARNING,
            _ => pb::Severity::SEVERITY_INFO,
        },
        text: Cow::Borrowed(&event.text),
    }
}

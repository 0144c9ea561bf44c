//! The metrics of a node, see `schemas/metrics.md`.
//!
//! Most are read from the node's state at a scrape, which runs on the server's thread as the node does.
//! What only happens is counted here.

mod families;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::service::Service;
use super::shared::{Node, Shared};
use crate::metrics::{Counter, Exposition, Histogram, Registry};
use crate::raft::{PeerProgress, RoleName, Trace};
use crate::replica::storage::{DiskMetrics, FileKind};

/// What a node counts.
#[derive(Debug, Default)]
pub(super) struct NodeMetrics {
    leader_changes: Counter,
    elections: Counter,
    snapshots: Histogram,
    snapshots_installed: Counter,
    compactions: Counter,
    pub(super) disk: Arc<DiskMetrics>,
}

impl NodeMetrics {
    /// Counts an event of the Raft core.
    pub(super) fn note(&self, trace: &Trace) {
        match trace {
            Trace::BecameLeader { .. } | Trace::LeaderKnown { .. } => {
                self.leader_changes.add_alone(1);
            }
            Trace::ElectionStarted => self.elections.add_alone(1),
            Trace::SnapshotInstalled { .. } => self.snapshots_installed.add_alone(1),
            _ => (),
        }
    }

    /// A snapshot is in place; the log is shortened now.
    pub(super) fn snapshot_taken(&self, took: Duration) {
        self.snapshots.observe_alone(took, 1);
        self.compactions.add_alone(1);
    }
}

/// Registers the metrics of a node whose files are in `directory`, and those of its service.
pub(super) fn register<S: Service>(
    registry: &Registry,
    node: Node<S>,
    metrics: Arc<NodeMetrics>,
    directory: Option<&Path>,
) {
    let directory = directory.map(Path::to_owned);
    let of_service = node.clone();
    registry.register(families::ALL, move |out| {
        let node = node.lock();
        write_raft(&node, &metrics, out);
        write_peers(&node, out);
        write_state(&node, out);
        write_files(&metrics, directory.as_deref(), out);
    });
    registry.register(S::METRICS, move |out| S::write_metrics(&mut of_service.lock(), out));
}

fn write_raft<S: Service>(node: &Shared<S>, metrics: &NodeMetrics, out: &mut Exposition) {
    let raft = node.raft();
    out.family(&families::TERM).value(&[], raft.current_term());
    let mut roles = out.family(&families::ROLE);
    for (name, role) in [
        ("follower", RoleName::Follower),
        ("candidate", RoleName::Candidate),
        ("leader", RoleName::Leader),
    ] {
        roles.value(&[name], raft.role() == role);
    }
    out.family(&families::LEADER_KNOWN).value(&[], raft.leader().is_some());
    out.family(&families::LEADER_CHANGES).value(&[], metrics.leader_changes.get());
    out.family(&families::ELECTIONS).value(&[], metrics.elections.get());
    out.family(&families::LAST_INDEX).value(&[], raft.last_index());
    out.family(&families::DURABLE_INDEX).value(&[], raft.durable_index());
    out.family(&families::COMMIT_INDEX).value(&[], raft.commit_index());
    out.family(&families::APPLIED_INDEX).value(&[], node.state().applied_index());
    let lease = node.lease_remaining().as_secs_f64();
    out.family(&families::LEASE).value(&[], lease);
    out.family(&families::PENDING_WRITES).value(&[], node.engine.pending_writes());
    out.family(&families::PENDING_READS).value(&[], node.engine.pending_reads());
}

/// What a leader knows of the other nodes; followers have no samples.
fn write_peers<S: Service>(node: &Shared<S>, out: &mut Exposition) {
    let raft = node.raft();
    let peers = if raft.is_leader() { raft.peers() } else { Vec::new() };
    let named = |peer: &PeerProgress| peer.peer.to_string();
    let mut lag = out.family(&families::PEER_LAG);
    for peer in &peers {
        lag.value(&[&named(peer)], raft.last_index().saturating_sub(peer.match_index));
    }
    let mut silence = out.family(&families::PEER_SILENCE);
    for peer in &peers {
        let at = peer.last_contact;
        let since = at.map_or(f64::INFINITY, |at| node.elapsed_since(at).as_secs_f64());
        silence.value(&[&named(peer)], since);
    }
    let mut round_trip = out.family(&families::PEER_ROUND_TRIP);
    for peer in &peers {
        if let Some(took) = raft.round_trip(peer.peer) {
            round_trip.value(&[&named(peer)], took.as_secs_f64());
        }
    }
}

fn write_state<S: Service>(node: &Shared<S>, out: &mut Exposition) {
    let quota = node.quota_use();
    out.family(&families::STATE).value(&[], quota.size_bytes);
    out.family(&families::QUOTA).value(&[], quota.quota_bytes);
    out.family(&families::QUOTA_FULL).value(&[], quota.is_full);
    out.family(&families::DISK_FULL).value(&[], node.full().is_some());
    out.family(&families::REFUSED).value(&[], node.refused().is_some());
    out.family(&families::SESSIONS).value(&[], node.state().sessions());
}

fn write_files(metrics: &NodeMetrics, directory: Option<&Path>, out: &mut Exposition) {
    for (family, name) in [(families::LOG, "logs.txt"), (families::SNAPSHOT, "snapshot.txt")] {
        let mut size = out.family(&family);
        // The file of a node without a directory, or without a snapshot, is not there.
        if let Some(Ok(found)) = directory.map(|directory| fs::metadata(directory.join(name))) {
            size.value(&[], found.len());
        }
    }
    out.family(&families::SNAPSHOTS).histogram(&[], &metrics.snapshots.snapshot());
    out.family(&families::INSTALLED).value(&[], metrics.snapshots_installed.get());
    out.family(&families::COMPACTIONS).value(&[], metrics.compactions.get());
    let mut writes = out.family(&families::WRITES);
    for kind in FileKind::ALL {
        writes.histogram(&[kind.name()], &metrics.disk.of(kind).writes.snapshot());
    }
    let mut syncs = out.family(&families::SYNCS);
    for kind in FileKind::ALL {
        syncs.histogram(&[kind.name()], &metrics.disk.of(kind).syncs.snapshot());
    }
    let mut written = out.family(&families::WRITTEN);
    for kind in FileKind::ALL {
        written.value(&[kind.name()], metrics.disk.of(kind).written_bytes.get());
    }
}

//! The families of a node.

use crate::metrics::Family;

pub(super) const TERM: Family = Family::gauge("agora_raft_term", &[], "The current term");
pub(super) const ROLE: Family = Family::gauge(
    "agora_raft_role",
    &["role"],
    "Whether the node has this role: follower, candidate or leader",
);
pub(super) const LEADER_KNOWN: Family = Family::gauge(
    "agora_raft_leader_known",
    &[],
    "Whether the node leads or knows who leads the current term",
);
pub(super) const LEADER_CHANGES: Family = Family::counter(
    "agora_raft_leader_changes_total",
    &[],
    "How often the node learned of a new leader, itself included",
);
pub(super) const ELECTIONS: Family = Family::counter(
    "agora_raft_elections_total",
    &[],
    "How often the node stood for election, or asked whether it would be elected",
);
pub(super) const LAST_INDEX: Family =
    Family::gauge("agora_raft_last_index", &[], "The index of the last entry of the log");
pub(super) const DURABLE_INDEX: Family = Family::gauge(
    "agora_raft_durable_index",
    &[],
    "The index up to which the log is durable on this node",
);
pub(super) const COMMIT_INDEX: Family = Family::gauge(
    "agora_raft_commit_index",
    &[],
    "The index up to which entries are known to be committed",
);
pub(super) const APPLIED_INDEX: Family = Family::gauge(
    "agora_raft_applied_index",
    &[],
    "The index up to which entries are applied to the state",
);
pub(super) const LEASE: Family = Family::gauge(
    "agora_raft_lease_remaining_seconds",
    &[],
    "How long the lease of this leader lasts if it is not renewed; 0 without a lease",
);
pub(super) const PENDING_WRITES: Family = Family::gauge(
    "agora_raft_pending_writes",
    &[],
    "Commands of clients that wait until they are committed and applied",
);
pub(super) const PENDING_READS: Family = Family::gauge(
    "agora_raft_pending_reads",
    &[],
    "Reads of clients that wait for a round of heartbeats or for an index to be applied",
);
pub(super) const PEER_LAG: Family = Family::gauge(
    "agora_raft_peer_lag_entries",
    &["peer"],
    "Entries of this leader's log that are not known to be durable on the peer",
);
pub(super) const PEER_SILENCE: Family = Family::gauge(
    "agora_raft_peer_last_contact_seconds",
    &["peer"],
    "Time since the last answer of the peer to this leader; infinite before the first",
);
pub(super) const PEER_ROUND_TRIP: Family = Family::gauge(
    "agora_raft_peer_round_trip_seconds",
    &["peer"],
    "The quickest of the peer's last answers to this leader, if enough are known",
);
pub(super) const STATE: Family = Family::gauge(
    "agora_replica_state_bytes",
    &[],
    "The size of the replicated state as the quota counts it",
);
pub(super) const QUOTA: Family = Family::gauge(
    "agora_replica_quota_bytes",
    &[],
    "The largest size of the state (--quota-bytes); 0: no limit",
);
pub(super) const QUOTA_FULL: Family = Family::gauge(
    "agora_replica_quota_full",
    &[],
    "Whether this node refuses commands because of the quota",
);
pub(super) const DISK_FULL: Family = Family::gauge(
    "agora_replica_disk_full",
    &[],
    "Whether writes of this node wait for disk space",
);
pub(super) const REFUSED: Family = Family::gauge(
    "agora_replica_refused",
    &[],
    "Whether the group refuses this node as a voter, because its directory was lost or is older",
);
pub(super) const SESSIONS: Family =
    Family::gauge("agora_replica_sessions", &[], "Open sessions of clients");
pub(super) const LOG: Family =
    Family::gauge("agora_replica_log_bytes", &[], "The size of logs.txt");
pub(super) const SNAPSHOT: Family =
    Family::gauge("agora_replica_snapshot_bytes", &[], "The size of snapshot.txt");
pub(super) const SNAPSHOTS: Family = Family::histogram(
    "agora_replica_snapshot_duration_seconds",
    &[],
    "How long it took until a snapshot of this node was in place",
);
pub(super) const INSTALLED: Family = Family::counter(
    "agora_replica_snapshots_installed_total",
    &[],
    "Snapshots of a leader that have replaced the state of this node",
);
pub(super) const COMPACTIONS: Family = Family::counter(
    "agora_replica_compactions_total",
    &[],
    "How often the log was shortened after a snapshot",
);
pub(super) const WRITES: Family = Family::histogram(
    "agora_replica_write_duration_seconds",
    &["file"],
    "How long a write to a file took: log, metadata, snapshot or other",
);
pub(super) const SYNCS: Family = Family::histogram(
    "agora_replica_sync_duration_seconds",
    &["file"],
    "How long it took to make a file durable (fdatasync)",
);
pub(super) const WRITTEN: Family = Family::counter(
    "agora_replica_written_bytes_total",
    &["file"],
    "Bytes that were written to files",
);

/// All of them.
pub(super) const ALL: &[Family] = &[
    TERM,
    ROLE,
    LEADER_KNOWN,
    LEADER_CHANGES,
    ELECTIONS,
    LAST_INDEX,
    DURABLE_INDEX,
    COMMIT_INDEX,
    APPLIED_INDEX,
    LEASE,
    PENDING_WRITES,
    PENDING_READS,
    PEER_LAG,
    PEER_SILENCE,
    PEER_ROUND_TRIP,
    STATE,
    QUOTA,
    QUOTA_FULL,
    DISK_FULL,
    REFUSED,
    SESSIONS,
    LOG,
    SNAPSHOT,
    SNAPSHOTS,
    INSTALLED,
    COMPACTIONS,
    WRITES,
    SYNCS,
    WRITTEN,
];

//! The log lines of a node, for its operator: one line per event, with the term, the index and the
//! cause where they exist. A repeated event is logged once and then at intervals, and changes that
//! another node can cause as often as it likes are counted beyond a number in a minute.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::NodeOptions;
use super::shutdown_reason::ADVICE;
use crate::raft::{Index, NodeId, Raft, SlowRoundTrips, Term, Trace};
use crate::replica::engine::QuotaUse;
use crate::replica::transport::PeerEvent;
use crate::rpc::LogLimit;

/// The minimum interval between two identical lines.
const REMINDER_INTERVAL: Duration = Duration::from_secs(10);

/// Lines about changes of terms and leaders before they are counted, and about the connection to one
/// node. An election without trouble takes each node two or three.
const LINES_OF_CHANGES: u32 = 60;
const LINES_OF_A_PEER: u32 = 10;

/// The interval at which response times are checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// What has been logged so far.
pub(super) struct EventLogger {
    /// The term in which this node leads, if it does.
    leads_in: Option<Term>,
    /// The lease was not renewed since this node last became leader.
    has_lost_lease: bool,
    /// Elections since the last known leader, and when they were last logged.
    elections: u64,
    elections_logged_at: Option<Duration>,
    /// When response times are checked next.
    slow_due: Duration,
    /// Followers that hold entries beyond the leader's log, and when that was last logged.
    ahead: BTreeMap<NodeId, Duration>,
    /// Whether writes are refused because of the quota.
    is_over_quota: bool,
    /// Unreachable peers: the reason, and when it was last logged.
    unreachable: BTreeMap<NodeId, (String, Duration)>,
    /// Changes of terms, leaders and the log that the messages of others cause.
    changes: LogLimit,
    /// Lines about each peer's connection.
    connections: BTreeMap<NodeId, LogLimit>,
}

impl Default for EventLogger {
    fn default() -> EventLogger {
        EventLogger {
            leads_in: None,
            has_lost_lease: false,
            elections: 0,
            elections_logged_at: None,
            slow_due: Duration::ZERO,
            ahead: BTreeMap::new(),
            is_over_quota: false,
            unreachable: BTreeMap::new(),
            changes: LogLimit::with_lines(LINES_OF_CHANGES),
            connections: BTreeMap::new(),
        }
    }
}

/// Logs the configuration and the recovered state at the start.
pub(super) fn log_start(options: &NodeOptions, raft: &Raft) {
    let config = &options.config;
    let nodes: Vec<String> = options.peers.iter().map(|(id, _)| id.to_string()).collect();
    let files = match &options.directory {
        Some(directory) => format!("files in {}", directory.display()),
        None => "no files".into(),
    };
    let ms = |duration: Duration| duration.as_millis();
    log::info!(
        "agora {}: node {} of {} group {:?} (nodes {}), {files}: snapshot to index {}, log to {}, \
         committed to {}, term {}; heartbeat {} ms, election timeout {} to {} ms, lease {} ms",
        env!("CARGO_PKG_VERSION"),
        config.id,
        options.machine,
        options.group,
        nodes.join(", "),
        raft.snapshot().index,
        raft.last_index(),
        raft.commit_index(),
        raft.current_term(),
        ms(config.heartbeat_interval),
        ms(config.election_timeout),
        ms(config.max_election_timeout()),
        ms(config.lease),
    );
}

impl EventLogger {
    /// Logs when a leader begins to refuse writes because of its quota, and when it ends.
    pub(super) fn check_quota(&mut self, quota: QuotaUse) {
        let QuotaUse { size_bytes, quota_bytes, is_full } = quota;
        if is_full != self.is_over_quota {
            self.is_over_quota = is_full;
            let is = format!("{size_bytes} of {quota_bytes} bytes are used");
            match is_full {
                true => log::warn!("writes are refused because of --quota-bytes: {is}"),
                false => log::warn!("writes are no longer refused because of --quota-bytes: {is}"),
            }
        }
    }

    /// Writes how many lines were not written, once a minute.
    fn write_counts(&mut self, now: Instant) {
        if let Some(count) = self.changes.take_count(now) {
            log::warn!("{count} more changes of terms, leaders or the log were not logged");
        }
        for (peer, limit) in &mut self.connections {
            if let Some(count) = limit.take_count(now) {
                log::warn!("the connection to node {peer} changed {count} more times");
            }
        }
    }

    /// Logs an event of the Raft core.
    pub(super) fn log_trace(&mut self, now: Duration, raft: &Raft, trace: &Trace) {
        let id = raft.id();
        let is_change = matches!(
            trace,
            Trace::LeaderKnown { .. }
                | Trace::VoteGranted { .. }
                | Trace::Truncated { .. }
                | Trace::SnapshotInstalled { .. }
        );
        if is_change && !self.changes.admit(Instant::now()) {
            if let Trace::LeaderKnown { .. } = trace {
                self.reset_elections();
            }
            return;
        }
        match *trace {
            Trace::BecameLeader { term } => {
                self.leads_in = Some(term);
                self.has_lost_lease = false;
                self.reset_elections();
                log::info!(
                    "node {id} leads in term {term}, elected at index {}",
                    raft.last_index()
                );
            }
            Trace::WaitingForOldLease => log::info!(
                "node {id} commits nothing until the lease of the previous leader has ended"
            ),
            Trace::LeaseRenewalFailed => self.has_lost_lease = true,
            Trace::SteppedDown => self.log_step_down(raft),
            Trace::LeaderKnown { leader, term } => {
                self.reset_elections();
                let index = raft.last_index();
                log::info!(
                    "node {id} follows node {leader} in term {term}, its log ends at {index}"
                );
            }
            Trace::ElectionStarted => self.log_election(now, raft),
            Trace::VoteGranted { candidate, term } => {
                log::info!("node {id} votes for node {candidate} in term {term}");
            }
            Trace::VoteDenied { candidate, term } => {
                log::debug!("node {id} does not vote for node {candidate} in term {term}");
            }
            Trace::Truncated { from } => log::info!(
                "node {id} removes its entries from index {from} on: they were not committed, and \
                 the leader has other entries"
            ),
            Trace::FollowerAhead { follower, index } => {
                self.log_follower_ahead(now, raft, follower, index)
            }
            Trace::TransferStarted { to } => {
                log::info!("node {id} hands its leadership over to node {to}");
            }
            Trace::TransferAborted => {
                log::info!("node {id} stays leader: the transfer of leadership failed");
            }
            Trace::LeaseRefused { by, lease } => log::warn!(
                "node {by} asks for a promise of {lease:?}, or reports one, more than ten times as long \
                 as the lease of node {id} ({:?}): such messages are ignored",
                raft.config().lease
            ),
            Trace::TermRefused { by, term } => log::error!(
                "node {by} sends a message of term {term}, more than 2^32 beyond the group's (node {id} \
                 is in term {}): such messages are ignored. Either node {by} is compromised or damaged, \
                 or most nodes of the group have such a term, which node {id} learns when it reaches them",
                raft.current_term()
            ),
            Trace::PeerFarBehind { peer, term } => log::error!(
                "node {peer} is in term {term}, and node {id} in term {}, more than 2^32 beyond: node \
                 {peer} ignores the messages of node {id}. If most nodes are in a term as low, the \
                 directory of node {id} is damaged, and node {id} takes no part in the group",
                raft.current_term()
            ),
            Trace::SnapshotInstalled { leader, index, committed } => log::warn!(
                "the snapshot of the leader ({}) up to index {index} has replaced the state of node {id}, \
                 which was committed up to index {committed}",
                leader.map_or_else(|| "unknown".into(), |leader| format!("node {leader}"))
            ),
            Trace::HeartbeatSent | Trace::AppendAccepted { .. } | Trace::AppendRejected { .. } => {}
        }
    }

    /// Writes counts that are due, and a warning with recommended settings when a majority answers too slowly for the
    /// configured timeouts.
    pub(super) fn check_slow_answers(&mut self, now: Duration, raft: &Raft) {
        if now < self.slow_due {
            return;
        }
        self.slow_due = now.saturating_add(CHECK_INTERVAL);
        self.write_counts(Instant::now());
        let Some(slow) = raft.slow_round_trips() else { return };
        self.slow_due = now.saturating_add(REMINDER_INTERVAL);
        let SlowRoundTrips { round_trip, heartbeat_interval, election_timeout } = slow;
        let config = raft.config();
        log::warn!(
            "a majority of the nodes takes {} ms to answer, too long for an election timeout of {} ms \
             and a lease of {} ms: leaders may change often. Start every node with \
             --heartbeat {} --election-timeout {seconds} --lease {seconds}",
            round_trip.as_millis(),
            config.election_timeout.as_millis(),
            config.lease.as_millis(),
            heartbeat_interval.as_secs_f64(),
            seconds = election_timeout.as_secs_f64(),
        );
    }

    /// Logs the end of a leadership. A candidate that steps down is not logged.
    fn log_step_down(&mut self, raft: &Raft) {
        let Some(led_in) = self.leads_in.take() else { return };
        let (id, term) = (raft.id(), raft.current_term());
        let cause = if std::mem::take(&mut self.has_lost_lease) {
            "a majority did not renew its lease in time".into()
        } else if term > led_in {
            format!("term {term} has begun")
        } else {
            "leadership was handed over".into()
        };
        log::info!("node {id} no longer leads in term {led_in}: {cause}");
    }

    /// Logs that a follower holds more entries than this leader.
    fn log_follower_ahead(&mut self, now: Duration, raft: &Raft, follower: NodeId, index: Index) {
        let is_logged = |at: &Duration| now < at.saturating_add(REMINDER_INTERVAL);
        if self.ahead.get(&follower).is_some_and(is_logged) {
            return;
        }
        self.ahead.insert(follower, now);
        let (id, term, last) = (raft.id(), raft.current_term(), raft.last_index());
        log::error!(
            "node {follower} has committed entries up to index {index}, but the log of node {id}, which \
             leads in term {term}, ends at {last}: one of the two directories has lost or changed \
             data. Node {follower} does not count, and gets no messages: {ADVICE}"
        );
    }

    fn log_election(&mut self, now: Duration, raft: &Raft) {
        self.elections += 1;
        let is_logged = self.elections_logged_at.is_some_and(|at| now < at + REMINDER_INTERVAL);
        if is_logged {
            return;
        }
        self.elections_logged_at = Some(now);
        let (id, term) = (raft.id(), raft.current_term());
        match self.elections {
            1 => log::info!(
                "node {id} stands for election: it knows no leader, the last term was {term}"
            ),
            elections => log::info!(
                "node {id} still knows no leader, the last term was {term}: it stood for election \
                 {elections} times"
            ),
        }
    }

    fn reset_elections(&mut self) {
        self.elections = 0;
        self.elections_logged_at = None;
    }

    /// Logs that a peer became reachable or unreachable.
    pub(super) fn log_peer_event(&mut self, now: Duration, event: &PeerEvent) {
        let (PeerEvent::Up(peer) | PeerEvent::Down(peer, _)) = event;
        let is_logged = match event {
            PeerEvent::Up(_) => false,
            PeerEvent::Down(_, reason) => self.unreachable.get(peer).is_some_and(|(logged, at)| {
                logged == reason || now < at.saturating_add(REMINDER_INTERVAL)
            }),
        };
        let limit = self.connections.entry(*peer);
        let limit = limit.or_insert_with(|| LogLimit::with_lines(LINES_OF_A_PEER));
        if is_logged || !limit.admit(Instant::now()) {
            return;
        }
        match event {
            PeerEvent::Up(_) => {
                self.unreachable.remove(peer);
                log::info!("node {peer} can be reached");
            }
            PeerEvent::Down(_, reason) => {
                self.unreachable.insert(*peer, (reason.clone(), now));
                log::info!("node {peer} cannot be reached: {reason}");
            }
        }
    }
}

//! The log lines of a node, for its operator: one line per event, with the term, the index and the
//! cause where they exist. A repeated event is logged once and then at intervals, and changes that
//! another node can cause as often as it likes are counted beyond a number in a minute.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use log::Level;

use super::NodeOptions;
use super::events::{Events, Field};
use super::shutdown_reason::ADVICE;
use crate::raft::{Index, NodeId, Raft, SlowRoundTrips, Term, Trace};
use crate::replica::clock::whole_ms;
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
    events: Events,
    /// The last known leader and its term.
    last_leader: Option<(NodeId, Term)>,
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
    connections: BTreeMap<NodeId, PeerLines>,
}

/// The lines about the connection to a peer.
struct PeerLines {
    limit: LogLimit,
    /// Why it cannot be reached, if that is so.
    down: Option<String>,
}

impl EventLogger {
    /// Logs the configuration and the recovered state, which took so long to read.
    pub(super) fn start(options: &NodeOptions, raft: &Raft, took: Duration) -> EventLogger {
        let events = Events::default();
        log_start(&events, options, raft, took);
        EventLogger::new(events)
    }

    fn new(events: Events) -> EventLogger {
        EventLogger {
            events,
            last_leader: None,
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

    /// The lines.
    pub(super) fn events(&self) -> &Events {
        &self.events
    }

    /// Logs when a leader begins to refuse writes because of its quota, and when it ends.
    pub(super) fn check_quota(&mut self, quota: QuotaUse) {
        let QuotaUse { size_bytes, quota_bytes, is_full } = quota;
        if is_full != self.is_over_quota {
            self.is_over_quota = is_full;
            let are = if is_full { "are" } else { "are no longer" };
            self.events.warn(
                &[("bytes", size_bytes.into())],
                &format!(
                    "writes {are} refused because of --quota-bytes: {size_bytes} of {quota_bytes} bytes \
                     are used"
                ),
            );
        }
    }

    /// Writes how many lines were not written, once a minute.
    fn write_counts(&mut self, now: Instant) {
        if let Some(count) = self.changes.take_count(now) {
            let text = format!("{count} more changes of terms, leaders or the log were not logged");
            self.events.warn(&[], &text);
        }
        for (peer, lines) in &mut self.connections {
            if let Some(count) = lines.limit.take_count(now) {
                let now = match &lines.down {
                    None => "it can be reached now".to_owned(),
                    Some(reason) => format!("it cannot be reached now: {reason}"),
                };
                let text =
                    format!("the connection to node {peer} changed {count} more times; {now}");
                self.events.warn(&[("peer", (*peer).into())], &text);
            }
        }
    }

    /// Logs an event of the Raft core.
    pub(super) fn log_trace(&mut self, now: Duration, raft: &Raft, trace: &Trace) {
        let is_change = matches!(
            trace,
            Trace::LeaderKnown { .. }
                | Trace::VoteGranted { .. }
                | Trace::Truncated { .. }
                | Trace::SnapshotInstalled { .. }
        );
        if is_change && !self.changes.admit(Instant::now()) {
            if let Trace::LeaderKnown { leader, term } = trace {
                self.note_leader(*leader, *term);
            }
            return;
        }
        match *trace {
            Trace::BecameLeader { term } => self.log_leadership(raft, term),
            Trace::LeaseRenewalFailed => self.has_lost_lease = true,
            Trace::SteppedDown => self.log_step_down(raft),
            Trace::LeaderKnown { leader, term } => self.log_leader(raft, leader, term),
            Trace::ElectionStarted => self.log_election(now, raft),
            Trace::VoteDenied { candidate, term } => {
                let id = raft.id();
                log::debug!("node {id} does not vote for node {candidate} in term {term}");
            }
            Trace::FollowerAhead { follower, index } => {
                self.log_follower_ahead(now, raft, follower, index)
            }
            Trace::HeartbeatSent | Trace::AppendAccepted { .. } | Trace::AppendRejected { .. } => {}
            _ => {
                if let Some((level, text)) = sentence(raft, trace) {
                    let fields = [
                        ("node", raft.id().into()),
                        ("term", raft.current_term().into()),
                        ("index", raft.last_index().into()),
                    ];
                    self.events.write(level, &fields, &text);
                }
            }
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
        let text = format!(
            "a majority of the nodes takes {} ms to answer, too long for an election timeout of {} ms \
             and a lease of {} ms: leaders may change often. Start every node with \
             --heartbeat {} --election-timeout {seconds} --lease {seconds}",
            round_trip.as_millis(),
            config.election_timeout.as_millis(),
            config.lease.as_millis(),
            heartbeat_interval.as_secs_f64(),
            seconds = election_timeout.as_secs_f64(),
        );
        self.events.warn(&[("ms", whole_ms(round_trip).into())], &text);
    }

    /// Logs that this node leads.
    fn log_leadership(&mut self, raft: &Raft, term: Term) {
        let (id, index) = (raft.id(), raft.last_index());
        self.leads_in = Some(term);
        self.has_lost_lease = false;
        let text = format!(
            "node {id} leads in term {term}, elected at index {index}{}",
            self.before(term)
        );
        self.note_leader(id, term);
        self.events.info(&leadership(id, term, index, id), &text);
    }

    /// Logs that another node leads.
    fn log_leader(&mut self, raft: &Raft, leader: NodeId, term: Term) {
        let (id, index) = (raft.id(), raft.last_index());
        let before = self.before(term);
        self.note_leader(leader, term);
        let text = format!(
            "node {id} follows node {leader} in term {term}, its log ends at {index}{before}"
        );
        self.events.info(&leadership(id, term, index, leader), &text);
    }

    /// Who led before `term`, as the end of a sentence.
    fn before(&self, term: Term) -> String {
        match self.last_leader {
            Some((leader, led_in)) if led_in < term => {
                format!("; node {leader} led in term {led_in}")
            }
            _ => String::new(),
        }
    }

    fn note_leader(&mut self, leader: NodeId, term: Term) {
        self.last_leader = Some((leader, term));
        (self.elections, self.elections_logged_at) = (0, None);
    }

    /// Logs the end of a leadership. A candidate that steps down is not logged.
    fn log_step_down(&mut self, raft: &Raft) {
        let Some(led_in) = self.leads_in.take() else { return };
        let (id, term, index) = (raft.id(), raft.current_term(), raft.last_index());
        let cause = if std::mem::take(&mut self.has_lost_lease) {
            "a majority did not renew its lease in time".into()
        } else if term > led_in {
            format!("term {term} has begun")
        } else {
            "leadership was handed over".into()
        };
        let text = format!(
            "node {id} no longer leads in term {led_in}: {cause}; its log ends at {index}, committed \
             to {}",
            raft.commit_index()
        );
        let fields = [
            ("node", id.into()),
            ("term", led_in.into()),
            ("index", index.into()),
            ("cause", cause.as_str().into()),
        ];
        self.events.info(&fields, &text);
    }

    /// Logs that a follower holds more entries than this leader.
    fn log_follower_ahead(&mut self, now: Duration, raft: &Raft, follower: NodeId, index: Index) {
        let is_logged = |at: &Duration| now < at.saturating_add(REMINDER_INTERVAL);
        if self.ahead.get(&follower).is_some_and(is_logged) {
            return;
        }
        self.ahead.insert(follower, now);
        let (id, term, last) = (raft.id(), raft.current_term(), raft.last_index());
        let text = format!(
            "node {follower} has committed entries up to index {index}, but the log of node {id}, which \
             leads in term {term}, ends at {last}: one of the two directories has lost or changed \
             data. Node {follower} does not count, and gets no messages: {ADVICE}"
        );
        let fields = [("peer", follower.into()), ("term", term.into()), ("index", index.into())];
        self.events.write(Level::Error, &fields, &text);
    }

    fn log_election(&mut self, now: Duration, raft: &Raft) {
        self.elections += 1;
        let is_logged = self.elections_logged_at.is_some_and(|at| now < at + REMINDER_INTERVAL);
        if is_logged {
            return;
        }
        self.elections_logged_at = Some(now);
        let (id, term, index) = (raft.id(), raft.current_term(), raft.last_index());
        let cause = match (self.elections, self.last_leader) {
            (1, None) => "it knows no leader".to_owned(),
            (1, Some((leader, led_in))) => format!(
                "it knows no leader: node {leader}, which led in term {led_in}, is silent or gone"
            ),
            (elections, _) => format!("it knows no leader after {elections} elections"),
        };
        let text = format!(
            "node {id} stands for election: {cause}; the last term was {term}, its log ends at {index}"
        );
        let fields = [
            ("node", id.into()),
            ("term", term.into()),
            ("index", index.into()),
            ("cause", cause.as_str().into()),
        ];
        self.events.info(&fields, &text);
    }

    /// Logs that a peer became reachable or unreachable.
    pub(super) fn log_peer_event(&mut self, now: Duration, event: &PeerEvent) {
        let (PeerEvent::Up(peer) | PeerEvent::Down(peer, _)) = event;
        let is_logged = match event {
            // Forgotten even if there is no line for it: the next loss is news.
            PeerEvent::Up(_) => {
                self.unreachable.remove(peer);
                false
            }
            PeerEvent::Down(_, reason) => self.unreachable.get(peer).is_some_and(|(logged, at)| {
                logged == reason || now < at.saturating_add(REMINDER_INTERVAL)
            }),
        };
        let lines = self.connections.entry(*peer).or_insert_with(|| PeerLines {
            limit: LogLimit::with_lines(LINES_OF_A_PEER),
            down: None,
        });
        lines.down = match event {
            PeerEvent::Up(_) => None,
            PeerEvent::Down(_, reason) => Some(reason.clone()),
        };
        if is_logged || !lines.limit.admit(Instant::now()) {
            return;
        }
        let field = ("peer", (*peer).into());
        match event {
            PeerEvent::Up(_) => {
                self.events.info(&[field], &format!("node {peer} can be reached"));
            }
            PeerEvent::Down(_, reason) => {
                self.unreachable.insert(*peer, (reason.clone(), now));
                let text = format!("node {peer} cannot be reached: {reason}");
                self.events.info(&[field, ("cause", reason.as_str().into())], &text);
            }
        }
    }
}

/// The fields of a change of leaders.
fn leadership(id: NodeId, term: Term, index: Index, leader: NodeId) -> [Field<'static>; 4] {
    [("node", id.into()), ("term", term.into()), ("index", index.into()), ("leader", leader.into())]
}

/// Logs the configuration and the recovered state at the start.
fn log_start(events: &Events, options: &NodeOptions, raft: &Raft, took: Duration) {
    let config = &options.config;
    let nodes: Vec<String> = options.peers.iter().map(|(id, _)| id.to_string()).collect();
    let files = match &options.directory {
        Some(directory) => format!("files in {}", directory.display()),
        None => "no files".into(),
    };
    let text = format!(
        "agora {}: node {} of {} group {:?} (nodes {}), {files}: snapshot to index {}, log to {}, \
         committed to {}, term {}, read in {} ms; heartbeat {} ms, election timeout {} to {} ms, lease \
         {} ms",
        env!("CARGO_PKG_VERSION"),
        config.id,
        options.machine,
        options.group,
        nodes.join(", "),
        raft.snapshot().index,
        raft.last_index(),
        raft.commit_index(),
        raft.current_term(),
        whole_ms(took),
        whole_ms(config.heartbeat_interval),
        whole_ms(config.election_timeout),
        whole_ms(config.max_election_timeout()),
        whole_ms(config.lease),
    );
    let fields = [
        ("node", config.id.into()),
        ("term", raft.current_term().into()),
        ("index", raft.last_index().into()),
        ("ms", whole_ms(took).into()),
    ];
    events.info(&fields, &text);
}

/// The sentence of an event that needs no memory of earlier ones.
fn sentence(raft: &Raft, trace: &Trace) -> Option<(Level, String)> {
    let (id, own_term) = (raft.id(), raft.current_term());
    let info = |text| Some((Level::Info, text));
    match *trace {
        Trace::WaitingForOldLease => info(format!(
            "node {id}, which leads in term {own_term}, commits nothing until the lease of the previous \
             leader has ended"
        )),
        Trace::VoteGranted { candidate, term } => {
            info(format!("node {id} votes for node {candidate} in term {term}"))
        }
        Trace::Truncated { from } => info(format!(
            "node {id} removes its entries from index {from} on: they were not committed, and the leader \
             of term {own_term} has other entries"
        )),
        Trace::TransferStarted { to } => {
            info(format!("node {id} hands its leadership of term {own_term} over to node {to}"))
        }
        Trace::TransferAborted => info(format!(
            "node {id} stays leader of term {own_term}: the transfer of leadership failed"
        )),
        Trace::LeaseRefused { by, lease } => Some((
            Level::Warn,
            format!(
                "node {by} asks for a promise of {lease:?}, or reports one, more than ten times as long \
                 as the lease of node {id} ({:?}): such messages are ignored",
                raft.config().lease
            ),
        )),
        Trace::TermRefused { by, term } => Some((
            Level::Error,
            format!(
                "node {by} sends a message of term {term}, more than 2^32 beyond the group's (node {id} \
                 is in term {own_term}): such messages are ignored. Either node {by} is compromised or \
                 damaged, or most nodes of the group have such a term, which node {id} learns when it \
                 reaches them"
            ),
        )),
        Trace::PeerFarBehind { peer, term } => Some((
            Level::Error,
            format!(
                "node {peer} is in term {term}, and node {id} in term {own_term}, more than 2^32 beyond: \
                 node {peer} ignores the messages of node {id}. If most nodes are in a term as low, the \
                 directory of node {id} is damaged, and node {id} takes no part in the group"
            ),
        )),
        Trace::SnapshotInstalled { leader, index, committed } => {
            let leader = leader.map_or_else(|| "unknown".into(), |leader| format!("node {leader}"));
            Some((
                Level::Warn,
                format!(
                    "the snapshot of the leader ({leader}) up to index {index} has replaced the state of \
                     node {id}, which was committed up to index {committed}"
                ),
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(events: &Events) -> Vec<String> {
        events.after(0).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_loss_is_logged_even_if_the_return_before_it_was_only_counted() {
        let events = Events::default();
        let mut logger = EventLogger::new(events.clone());
        let (up, down) = (PeerEvent::Up(2), PeerEvent::Down(2, "refused".into()));
        let log = |logger: &mut EventLogger, event| {
            logger.log_peer_event(Duration::ZERO, event);
            texts(&events)
        };
        for _ in 0..LINES_OF_A_PEER / 2 {
            log(&mut logger, &up);
            log(&mut logger, &down);
        }
        let lines = log(&mut logger, &down);
        assert_eq!(lines.len(), LINES_OF_A_PEER as usize, "the same reason is not repeated");
        assert_eq!(lines.last().unwrap(), "node 2 cannot be reached: refused");
        assert_eq!(log(&mut logger, &up).len(), lines.len(), "it is only counted");

        let later = Instant::now() + Duration::from_secs(61);
        logger.write_counts(later);
        let count = "the connection to node 2 changed 1 more times; it can be reached now";
        assert_eq!(texts(&events).last().unwrap(), count);
        logger.write_counts(later + Duration::from_secs(61));
        let lines = log(&mut logger, &down);
        assert_eq!(lines.last().unwrap(), "node 2 cannot be reached: refused");
    }
}

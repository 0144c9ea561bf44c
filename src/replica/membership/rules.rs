//! The rules for voters.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::notice::Notice;
use super::record::{Instance, Introduction, Loss, Peer, Record, Standing, Trust};
use crate::raft::{Index, NodeId, Term};

/// The state at the start of a process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Start {
    /// Identifies the process: a random number.
    pub incarnation: u64,
    /// The term of the directory.
    pub term: Term,
    /// The last index of its log.
    pub last_index: Index,
}

/// A rule that a test can switch off, to show that the rule is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), expect(dead_code, reason = "only tests take rules out"))]
pub enum Rule {
    /// V1: the first directory of a node is recorded, and no other counts.
    Instance,
    /// V2: a directory that has less than it acknowledged does not count.
    Older,
    /// V3: a joining node waits for a majority of the others.
    Majority,
    /// V3: only new nodes found a group.
    Founding,
    /// V5: a refused node stays refused after a restart.
    Durable,
    /// V6: a process does not vote before the others had time to object.
    Quiet,
}

/// How an introduction relates to what is recorded.
enum Freshness {
    /// It is the newest so far.
    Current,
    /// It may have been delayed.
    Unknown,
    /// The directory is older than it was; the evidence.
    Stale(String),
}

/// What a node knows about the voters of its group.
///
/// A decision that grants a right takes effect once it is durable: [`Self::take_record`] returns
/// what has to be written, [`Self::persisted`] reports that it is. A decision that revokes a right
/// takes effect at once.
#[derive(Debug)]
pub struct Membership {
    id: NodeId,
    others: Vec<NodeId>,
    start: Start,
    /// The current decisions.
    record: Record,
    /// The record on disk; its acknowledged indices may be older.
    durable: Record,
    is_changed: bool,
    /// The newest introduction of each peer to this process.
    introductions: BTreeMap<NodeId, Introduction>,
    /// The number of introductions sent so far, and that number when each peer's newest
    /// introduction arrived.
    number: u64,
    /// Peers that have answered this process. Had its directory been older, they would have said
    /// so.
    confirmed: BTreeSet<NodeId>,
    /// The end of the quiet period: peers that have not answered by then are taken for absent.
    quiet_until: Duration,
    quiet_period: Duration,
    is_quiet: bool,
    introduced_at: BTreeMap<NodeId, u64>,
    /// Introductions of this node that have to be sent.
    pending_introductions: BTreeMap<NodeId, PendingIntroduction>,
    next_request_at: Duration,
    notices: Vec<Notice>,
    /// Directories of peers that the operator was told about.
    reported: BTreeSet<(NodeId, Instance)>,
    #[cfg(test)]
    pub(in crate::replica) without: Option<Rule>,
}

/// Why an introduction is sent to a peer.
#[derive(Clone, Copy, Debug, Default)]
struct PendingIntroduction {
    wants_answer: bool,
    answers: Option<(u64, u64)>,
}

impl Membership {
    /// `record` is durable and counts this start. `others` are the other nodes of the group; they
    /// have `quiet_period` to object that this directory is not the newest.
    pub fn new(
        id: NodeId,
        others: Vec<NodeId>,
        record: Record,
        start: Start,
        now: Duration,
        quiet_period: Duration,
    ) -> Membership {
        let mut notices = Vec::new();
        if let Standing::Refused(_) = record.standing {
            notices.push(Notice::Standing { standing: record.standing, by: None });
        }
        let is_quiet = !others.is_empty();
        Membership {
            id,
            others,
            start,
            durable: record.clone(),
            record,
            is_changed: false,
            introductions: BTreeMap::new(),
            number: 0,
            confirmed: BTreeSet::new(),
            quiet_until: now.saturating_add(quiet_period),
            quiet_period,
            is_quiet,
            introduced_at: BTreeMap::new(),
            pending_introductions: BTreeMap::new(),
            next_request_at: Duration::ZERO,
            notices,
            reported: BTreeSet::new(),
            #[cfg(test)]
            without: None,
        }
    }

    /// Whether a rule is in force; tests can switch one off.
    #[cfg(test)]
    fn keeps(&self, rule: Rule) -> bool {
        self.without != Some(rule)
    }

    /// Whether a rule is in force: always.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests take rules out of one node")]
    fn keeps(&self, _: Rule) -> bool {
        true
    }

    /// The standing of this node.
    pub fn standing(&self) -> Standing {
        match (self.record.standing, self.durable.standing) {
            (refused @ Standing::Refused(_), _) => refused,
            (_, durable) => durable,
        }
    }

    /// Its directory.
    pub fn instance(&self) -> Instance {
        self.record.instance
    }

    /// The record, including changes that are not durable yet.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The introduction of this node to a peer that connects.
    pub fn introduction(&mut self) -> Introduction {
        self.introduce(PendingIntroduction { wants_answer: true, answers: None })
    }

    fn introduce(
        &mut self,
        PendingIntroduction { wants_answer, answers }: PendingIntroduction,
    ) -> Introduction {
        let decided = |id: &NodeId| self.record.peers.get(id).map(|peer| peer.trust);
        let known = |(id, peer): (&NodeId, &Peer)| {
            // A revoked right is reported before it is durable.
            let trust = decided(id).filter(|trust| *trust == Trust::Refused).unwrap_or(peer.trust);
            (*id, peer.instance.unwrap_or_default(), trust)
        };
        let remembered = self.durable.peers.iter().map(known).collect();
        self.number += 1;
        Introduction {
            instance: self.durable.instance,
            starts: self.durable.starts,
            incarnation: self.start.incarnation,
            term: self.start.term,
            last_index: self.start.last_index,
            standing: self.standing(),
            remembered,
            number: self.number,
            wants_answer,
            answers,
        }
    }

    /// Whether a message comes from the newest known process of a peer. Messages of other processes
    /// are dropped.
    pub fn is_current(&self, from: NodeId, incarnation: u64) -> bool {
        self.introductions.get(&from).is_some_and(|met| met.incarnation == incarnation)
    }

    /// A message of another process of a peer was dropped: the peer is asked who it is, until it has
    /// answered. A delayed introduction of its former process may have come after that of the present
    /// one.
    pub fn confirm_again(&mut self, from: NodeId) {
        self.confirmed.remove(&from);
    }

    /// Whether this node may vote and be a candidate.
    pub fn may_vote(&self) -> bool {
        !self.is_quiet && matches!(self.standing(), Standing::New | Standing::Voter)
    }

    /// Ends the quiet period (V6) when its time is over or all peers have answered. Returns true if
    /// that changes who votes.
    pub fn tick(&mut self, now: Duration) -> bool {
        if !self.is_quiet {
            return false;
        }
        let is_confirmed = self.others.iter().all(|peer| self.confirmed.contains(peer));
        self.is_quiet = now < self.quiet_until && !is_confirmed && self.keeps(Rule::Quiet);
        !self.is_quiet
    }

    /// Whether a peer's votes and acknowledgements count. For a node that does not vote: whether it
    /// may follow that peer.
    pub fn counts(&self, peer: NodeId) -> bool {
        let Some(met) = self.introductions.get(&peer) else { return false };
        let decided = self.record.peers.get(&peer);
        let is_lost = decided.is_some_and(|known| known.trust == Trust::Refused)
            || matches!(met.standing, Standing::Refused(_));
        let durable = self.durable.peers.get(&peer);
        let is_same = durable.is_some_and(|known| known.instance == Some(met.instance));
        let is_voter = durable.is_some_and(|known| known.trust == Trust::Voter);
        if is_lost || !is_same {
            return false;
        }
        match self.standing() {
            Standing::Voter => is_voter || !self.keeps(Rule::Founding),
            Standing::New => met.standing == Standing::New || met.standing == Standing::Voter,
            Standing::Joining | Standing::Refused(_) => met.standing == Standing::Voter,
        }
    }

    /// The peers that do not count.
    pub fn uncounted(&self) -> BTreeSet<NodeId> {
        self.others.iter().copied().filter(|peer| !self.counts(*peer)).collect()
    }

    /// The node participates from now on; the quiet period starts again.
    pub fn take_part(&mut self, now: Duration) {
        self.quiet_until = now.saturating_add(self.quiet_period);
    }

    /// Receives the introduction of a peer. Returns true if it is from another process than the
    /// last.
    pub fn receive_introduction(&mut self, from: NodeId, introduction: Introduction) -> bool {
        if !self.others.contains(&from) {
            return false;
        }
        if introduction.wants_answer {
            let pending = self.pending_introductions.entry(from).or_default();
            pending.answers = Some((introduction.incarnation, introduction.number));
        }
        if introduction
            .answers
            .is_some_and(|(incarnation, _)| incarnation == self.start.incarnation)
        {
            self.confirmed.insert(from);
        }
        let before = self.introductions.get(&from);
        if before.is_some_and(|met| {
            met.incarnation == introduction.incarnation && met.number >= introduction.number
        }) {
            return false;
        }
        let is_another = before.is_none_or(|met| met.incarnation != introduction.incarnation);
        match self.freshness_of(from, &introduction) {
            Freshness::Current => (),
            Freshness::Unknown => {
                // It may be a delayed introduction.
                self.pending_introductions.entry(from).or_default().wants_answer = true;
                return false;
            }
            Freshness::Stale(evidence) => self.refuse_older(from, evidence, introduction.instance),
        }
        self.remember(from, &introduction);
        self.update_own_standing(from, &introduction);
        if self.is_known_voter(from, &introduction) {
            self.merge_remembered(&introduction);
        }
        self.introductions.insert(from, introduction);
        self.introduced_at.insert(from, self.number);
        self.check_admission();
        is_another
    }

    /// Whether a directory is the newest that was seen (V2). A delayed introduction of an earlier
    /// process proves nothing. Only an answer to a newer question proves that the sender is
    /// running, with an older directory.
    fn freshness_of(&self, from: NodeId, introduction: &Introduction) -> Freshness {
        let Some(known) = self.record.peers.get(&from) else { return Freshness::Current };
        if known.instance != Some(introduction.instance) || known.trust == Trust::Refused {
            return Freshness::Current;
        }
        if !self.keeps(Rule::Older) {
            return Freshness::Current;
        }
        let (had, has) =
            ((known.term, known.acknowledged), (introduction.term, introduction.last_index));
        if introduction.starts > known.starts {
            let ((had_term, had_index), (term, index)) = (had, has);
            return match has < had {
                false => Freshness::Current,
                true => Freshness::Stale(format!(
                    "its log ended with entry {index} in term {term}, and it had acknowledged \
                     entry {had_index} in term {had_term}"
                )),
            };
        }
        let is_duplicate = self.introductions.get(&from).is_some_and(|met| {
            (met.instance, met.starts) == (introduction.instance, introduction.starts)
                && met.incarnation != introduction.incarnation
        });
        if introduction.starts == known.starts && !is_duplicate {
            return Freshness::Current;
        }
        let introduced_at = self.introduced_at.get(&from).copied().unwrap_or_default();
        match introduction.answers {
            Some((incarnation, number))
                if incarnation == self.start.incarnation && number > introduced_at =>
            {
                let (now, before) = (introduction.starts, known.starts);
                Freshness::Stale(format!(
                    "this is its start {now}, but start {before} was seen before"
                ))
            }
            _ => Freshness::Unknown,
        }
    }

    fn refuse_older(&mut self, peer: NodeId, evidence: String, came: Instance) {
        if let Some(known) = self.record.peers.get_mut(&peer) {
            known.trust = Trust::Refused;
            self.is_changed = true;
        }
        if self.reported.insert((peer, came)) {
            self.notices.push(Notice::PeerOlder { peer, evidence });
        }
    }

    /// Records the sender of an introduction (V1, V2).
    fn remember(&mut self, from: NodeId, introduction: &Introduction) {
        let claims = introduction.standing == Standing::Voter;
        let remembers_first = self.keeps(Rule::Instance);
        let Some(known) = self.record.peers.get_mut(&from) else {
            let trust = if claims { Trust::Voter } else { Trust::Seen };
            let instance = Some(introduction.instance);
            let peer = Peer { instance, trust, starts: introduction.starts, ..Peer::default() };
            self.record.peers.insert(from, peer);
            self.is_changed = true;
            return;
        };
        if (known.instance.is_none() && claims) || !remembers_first {
            known.instance = Some(introduction.instance);
            self.is_changed = true;
        }
        if known.instance != Some(introduction.instance) {
            let remembered = known.instance;
            if self.reported.insert((from, introduction.instance)) {
                let came = introduction.instance;
                self.notices.push(Notice::PeerReplaced { peer: from, came, remembered });
            }
            return;
        }
        if introduction.starts > known.starts {
            known.starts = introduction.starts;
            self.is_changed = true;
        }
        let trust = match (known.trust, introduction.standing) {
            (Trust::Seen, Standing::Voter) => Trust::Voter,
            (trust, Standing::Refused(_)) if trust != Trust::Refused => Trust::Refused,
            (trust, _) => trust,
        };
        if trust != known.trust {
            known.trust = trust;
            self.is_changed = true;
        }
    }

    /// Whether the sender is recorded as a voter.
    fn is_known_voter(&self, from: NodeId, introduction: &Introduction) -> bool {
        let known = self.record.peers.get(&from);
        introduction.standing == Standing::Voter
            && known.is_some_and(|known| {
                known.instance == Some(introduction.instance) && known.trust == Trust::Voter
            })
    }

    /// Takes over what a voter has recorded about third nodes (V4).
    fn merge_remembered(&mut self, introduction: &Introduction) {
        for &(id, instance, trust) in &introduction.remembered {
            if instance == 0 || !self.others.contains(&id) {
                continue;
            }
            let known = self.record.peers.entry(id).or_default();
            let is_new =
                known.starts == 0 && known.instance.is_none() && known.trust == Trust::Seen;
            let is_same = known.instance == Some(instance);
            let wins = match trust {
                Trust::Seen => false,
                Trust::Voter => is_new || known.trust == Trust::Seen || known.instance.is_none(),
                Trust::Refused => is_same && known.trust != Trust::Refused,
            };
            if wins {
                let starts = if is_same { known.starts } else { 0 };
                let (term, acknowledged) =
                    if is_same { (known.term, known.acknowledged) } else { (0, 0) };
                *known = Peer { instance: Some(instance), trust, starts, term, acknowledged };
                self.is_changed = true;
            } else if is_new {
                self.record.peers.remove(&id);
            }
        }
    }

    /// Applies what an introduction says about this node (V3, V5).
    fn update_own_standing(&mut self, from: NodeId, introduction: &Introduction) {
        let ours = introduction.remembered.iter().find(|(id, _, _)| *id == self.id);
        let standing = match (self.record.standing, ours) {
            (Standing::Refused(_), _) => return,
            (Standing::Voter, Some(&(_, other, trust))) if other != self.record.instance => {
                if trust == Trust::Voter && other != 0 && self.reported.insert((self.id, other)) {
                    self.notices.push(Notice::DuplicateNode { by: from, other });
                }
                return;
            }
            (_, Some((_, other, _)))
                if *other != self.record.instance && self.keeps(Rule::Instance) =>
            {
                Standing::Refused(Loss::Replaced)
            }
            (_, Some((_, _, Trust::Refused))) => Standing::Refused(Loss::Older),
            (Standing::Voter, _) => return,
            (_, Some((_, _, Trust::Voter))) if introduction.standing == Standing::Voter => {
                Standing::Voter
            }
            (Standing::New, _)
                if introduction.standing != Standing::New && self.keeps(Rule::Founding) =>
            {
                Standing::Joining
            }
            _ => return,
        };
        self.set_standing(standing, Some(from));
    }

    /// Makes a joining node a voter once a majority of the group's nodes, all of them voters other
    /// than itself, have recorded it (V3).
    fn check_admission(&mut self) {
        if self.record.standing != Standing::Joining {
            return;
        }
        let (id, instance) = (self.id, self.record.instance);
        let remembers = |(from, introduction): (&NodeId, &Introduction)| {
            let is_us = |known: &(NodeId, Instance, Trust)| {
                known.0 == id && known.1 == instance && known.2 != Trust::Refused
            };
            self.is_known_voter(*from, introduction) && introduction.remembered.iter().any(is_us)
        };
        let count = self.introductions.iter().filter(|met| remembers(*met)).count();
        let needed = if self.keeps(Rule::Majority) { self.others.len().div_ceil(2) + 1 } else { 1 };
        if count >= needed {
            self.set_standing(Standing::Voter, None);
        }
    }

    fn set_standing(&mut self, standing: Standing, by: Option<NodeId>) {
        if self.record.standing != standing {
            self.record.standing = standing;
            self.is_changed = true;
            self.notices.push(Notice::Standing { standing, by });
        }
    }

    /// This node leads. A new node has founded the group, together with the peers that counted
    /// (V3).
    pub fn found_group(&mut self) {
        if self.record.standing != Standing::New {
            return;
        }
        let founders: Vec<NodeId> =
            self.others.iter().copied().filter(|peer| self.counts(*peer)).collect();
        for founder in founders {
            if let Some(known) = self.record.peers.get_mut(&founder) {
                known.trust = Trust::Voter;
            }
        }
        self.set_standing(Standing::Voter, None);
    }

    /// A voter has durably acknowledged the log up to `index` in `term`, or the term alone by its
    /// vote (V2). It is written together with the next change.
    pub fn acknowledged(&mut self, by: NodeId, term: Term, index: Index) {
        if let Some(known) = self.record.peers.get_mut(&by)
            && (term, index) > (known.term, known.acknowledged)
        {
            (known.term, known.acknowledged) = (term, index);
        }
    }

    /// The record that has to become durable now, if it changed.
    pub fn take_record(&mut self) -> Option<Record> {
        std::mem::take(&mut self.is_changed).then(|| self.record.clone())
    }

    /// Whether a changed record has to become durable.
    pub fn has_record(&self) -> bool {
        self.is_changed
    }

    /// `record`, taken last or earlier, is durable.
    pub fn persisted(&mut self, record: Record) {
        self.durable = record;
        for peer in &self.others {
            self.pending_introductions.entry(*peer).or_default();
        }
    }

    /// The introductions to send now: to peers that asked, to all peers after a change, and at
    /// `interval` to peers that have not confirmed.
    pub fn take_introductions(
        &mut self,
        now: Duration,
        interval: Duration,
    ) -> Vec<(NodeId, Introduction)> {
        if now >= self.next_request_at {
            self.next_request_at = now.saturating_add(interval);
            let unconfirmed: Vec<NodeId> = self.unconfirmed().collect();
            for peer in unconfirmed {
                self.pending_introductions.entry(peer).or_default().wants_answer = true;
            }
        }
        let pending = std::mem::take(&mut self.pending_introductions);
        pending.into_iter().map(|(peer, pending)| (peer, self.introduce(pending))).collect()
    }

    /// When peers are asked again.
    pub fn next_timeout(&self) -> Duration {
        let next_request_at =
            if self.unconfirmed().next().is_some() { self.next_request_at } else { Duration::MAX };
        if self.is_quiet { next_request_at.min(self.quiet_until) } else { next_request_at }
    }

    fn unconfirmed(&self) -> impl Iterator<Item = NodeId> {
        let is_pending = matches!(self.standing(), Standing::New | Standing::Joining);
        let is_settled = move |met: &Introduction| {
            !is_pending && !matches!(met.standing, Standing::New | Standing::Joining)
        };
        // A peer that has answered knows this process; any other may drop its messages.
        let unconfirmed = move |peer: &&NodeId| {
            !self.confirmed.contains(peer) || !self.introductions.get(peer).is_some_and(is_settled)
        };
        self.others.iter().filter(unconfirmed).copied()
    }

    /// The notices since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// What is wrong with the directory of a peer, if anything.
    pub fn loss_of(&self, peer: NodeId) -> Option<Loss> {
        let (met, known) = (self.introductions.get(&peer)?, self.record.peers.get(&peer)?);
        match (known.instance, known.trust, met.standing) {
            (instance, _, _) if instance != Some(met.instance) => Some(Loss::Replaced),
            (_, Trust::Refused, _) => Some(Loss::Older),
            (_, _, Standing::Refused(loss)) => Some(loss),
            _ => None,
        }
    }
}

//! Clients' sessions, part of the replicated state.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::raft::{Index, Origin};
use crate::text::{parse_u64, push_u64};

/// An unused session expires after this time.
pub const EXPIRY_MS: u64 = 60 * 60 * 1000;
/// The maximum number of sessions; beyond it the least recently used session is forgotten.
pub const MAX_SESSIONS: usize = 10_000;
/// A leader refuses requests that would make it forget a session that was used within this time
/// ([`Sessions::may_open`], [`Sessions::may_keep`]). The client of a forgotten session opens
/// another one.
pub const FORGOTTEN_AFTER_MS: u64 = 30 * 1000;
/// Bytes of answers that every session may always keep.
const FAIR_BYTES: usize = MAX_KEPT_BYTES / MAX_SESSIONS;
/// How far the commands of a session may be ahead of its acknowledgements.
pub const MAX_OUTSTANDING: u64 = 1024;
/// Bytes of answers that are kept over all sessions; beyond it the least recently used sessions are
/// forgotten.
pub const MAX_KEPT_BYTES: usize = 64 * 1024 * 1024;
/// The overhead of an answer in bytes.
const ANSWER_BYTES: usize = 64;
/// The assumed size of an answer that is not known yet.
const TYPICAL_ANSWER_BYTES: usize = 64;

/// Why a command of a session is refused. Whether it was applied before is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The session does not exist, or no longer.
    Expired,
    /// The client has acknowledged the answer, so it was forgotten.
    Acknowledged,
    /// The sequence number is too far ahead.
    TooFarAhead,
    /// All sessions are in use.
    NoMoreSessions,
    /// The kept answers use all the memory that is allowed.
    NoRoomForAnswers,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Expired => f.write_str("the session has expired"),
            Refusal::Acknowledged => f.write_str("the command was acknowledged before"),
            Refusal::TooFarAhead => write!(
                f,
                "the command is more than {MAX_OUTSTANDING} ahead of what its session acknowledges"
            ),
            Refusal::NoMoreSessions => {
                write!(f, "{MAX_SESSIONS} sessions are in use, and there can be no more")
            }
            Refusal::NoRoomForAnswers => f.write_str(
                "too many answers are kept: acknowledge those that came before sending more",
            ),
        }
    }
}

impl std::error::Error for Refusal {}

#[derive(Clone, Debug, Default)]
pub(super) struct Sessions {
    open: BTreeMap<Index, Session>,
    /// Sessions by the time of their last use.
    by_use: BTreeSet<(u64, Index)>,
    kept_bytes: usize,
}

#[derive(Clone, Debug, Default)]
struct Session {
    used_ms: u64,
    acknowledged: u64,
    answers: BTreeMap<u64, Arc<[u8]>>,
}

impl Session {
    fn bytes(&self) -> usize {
        self.answers.values().map(|answer| ANSWER_BYTES + answer.len()).sum()
    }
}

impl Sessions {
    /// Forgets the sessions that have expired at this log time.
    pub(super) fn expire(&mut self, now_ms: u64) {
        while let Some((used_ms, session)) = self.by_use.first().copied()
            && used_ms.saturating_add(EXPIRY_MS) < now_ms
        {
            self.forget(session);
        }
    }

    /// Whether another session may be opened now, with so many unapplied entries that may open
    /// sessions as well: no session in use is forgotten for it.
    pub(super) fn may_open(&self, unapplied: usize, now_ms: u64) -> bool {
        let too_many = (self.open.len() + unapplied + 1).saturating_sub(MAX_SESSIONS);
        too_many == 0 || self.is_unused(too_many, now_ms)
    }

    /// Whether a session may keep another answer, with so many unapplied entries that may produce
    /// answers as well.
    pub(super) fn may_keep(&self, origin: Origin, unapplied: usize, now_ms: u64) -> bool {
        let bytes = self.kept_bytes + unapplied * (ANSWER_BYTES + TYPICAL_ANSWER_BYTES);
        let has_its_share = |session: &Session| {
            let kept = session.answers.range(origin.acknowledged.saturating_add(1)..);
            kept.map(|(_, answer)| ANSWER_BYTES + answer.len()).sum::<usize>() > FAIR_BYTES
        };
        bytes <= MAX_KEPT_BYTES
            || self.is_unused(1, now_ms)
            || !self.open.get(&origin.session).is_some_and(has_its_share)
    }

    /// Whether the answer to this command is kept.
    pub(super) fn has_answer(&self, origin: Origin) -> bool {
        let session = self.open.get(&origin.session);
        session.is_some_and(|session| session.answers.contains_key(&origin.sequence))
    }

    /// Whether the `count` least recently used sessions are no longer in use.
    fn is_unused(&self, count: usize, now_ms: u64) -> bool {
        let last = self.by_use.iter().nth(count.saturating_sub(1));
        last.is_some_and(|(used_ms, _)| used_ms.saturating_add(FORGOTTEN_AFTER_MS) <= now_ms)
    }

    /// Opens a session; its number is the index of the entry.
    pub(super) fn open(&mut self, session: Index, now_ms: u64) {
        self.open.insert(session, Session { used_ms: now_ms, ..Session::default() });
        self.by_use.insert((now_ms, session));
        self.enforce_limits(session);
    }

    /// Begins a command: `Ok(None)` if it is to be applied, or its earlier answer.
    pub(super) fn begin(
        &mut self,
        origin: Origin,
        now_ms: u64,
    ) -> Result<Option<Arc<[u8]>>, Refusal> {
        let session = self.open.get_mut(&origin.session).ok_or(Refusal::Expired)?;
        self.by_use.remove(&(session.used_ms, origin.session));
        self.by_use.insert((now_ms, origin.session));
        session.used_ms = now_ms;
        if origin.acknowledged > session.acknowledged {
            session.acknowledged = origin.acknowledged;
            let kept = session.answers.split_off(&origin.acknowledged.saturating_add(1));
            let forgotten = std::mem::replace(&mut session.answers, kept);
            let bytes = |answer: &Arc<[u8]>| ANSWER_BYTES + answer.len();
            self.kept_bytes -= forgotten.values().map(bytes).sum::<usize>();
        }
        if origin.sequence <= session.acknowledged {
            return Err(Refusal::Acknowledged);
        }
        if let Some(answer) = session.answers.get(&origin.sequence) {
            return Ok(Some(Arc::clone(answer)));
        }
        if origin.sequence - session.acknowledged > MAX_OUTSTANDING {
            return Err(Refusal::TooFarAhead);
        }
        Ok(None)
    }

    /// Keeps the answer to an applied command.
    pub(super) fn keep(&mut self, origin: Origin, answer: &[u8]) {
        if let Some(session) = self.open.get_mut(&origin.session) {
            session.answers.insert(origin.sequence, answer.into());
            self.kept_bytes += ANSWER_BYTES + answer.len();
            self.enforce_limits(origin.session);
        }
    }

    /// Forgets sessions until the limits hold; never the one in use.
    fn enforce_limits(&mut self, in_use: Index) {
        while self.open.len() > MAX_SESSIONS || self.kept_bytes > MAX_KEPT_BYTES {
            let oldest = self.by_use.iter().map(|(_, session)| *session);
            match oldest.into_iter().find(|session| *session != in_use) {
                Some(session) => self.forget(session),
                None => return,
            }
        }
    }

    fn forget(&mut self, number: Index) {
        if let Some(session) = self.open.remove(&number) {
            self.by_use.remove(&(session.used_ms, number));
            self.kept_bytes -= session.bytes();
        }
    }

    /// The number of sessions.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// The sessions as lines: `SESSION number used acknowledged`, each followed by its answers,
    /// `ANSWER sequence bytes`.
    pub(super) fn lines(&self) -> Vec<Vec<Vec<u8>>> {
        let mut lines = Vec::new();
        for (number, session) in &self.open {
            let Session { used_ms, acknowledged, answers } = session;
            let numbers = [*number, *used_ms, *acknowledged].map(decimal);
            lines.push([vec![SESSION.to_vec()], numbers.to_vec()].concat());
            for (sequence, answer) in answers {
                lines.push(vec![ANSWER.to_vec(), decimal(*sequence), answer.to_vec()]);
            }
        }
        lines
    }

    /// Restores one line; lines must come in order.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub(super) fn restore(&mut self, words: &[&[u8]]) -> Result<(), String> {
        match *words {
            [SESSION, number, used_ms, acknowledged] => {
                let [number, used_ms, acknowledged] =
                    [number, used_ms, acknowledged].map(parse_u64);
                let (Some(number), Some(used_ms), Some(acknowledged)) =
                    (number, used_ms, acknowledged)
                else {
                    return Err("a SESSION has three numbers".into());
                };
                if self.open.last_key_value().is_some_and(|(last, _)| *last >= number) {
                    return Err(format!("session {number} is not in its place"));
                }
                let answers = BTreeMap::new();
                self.open.insert(number, Session { used_ms, acknowledged, answers });
                self.by_use.insert((used_ms, number));
                Ok(())
            }
            [ANSWER, sequence, answer] => {
                let sequence = parse_u64(sequence).ok_or("an ANSWER has a number")?;
                let mut last = self.open.last_entry().ok_or("an ANSWER of no SESSION")?;
                let answers = &mut last.get_mut().answers;
                if answers.last_key_value().is_some_and(|(before, _)| *before >= sequence) {
                    return Err(format!("answer {sequence} is not in its place"));
                }
                answers.insert(sequence, answer.into());
                self.kept_bytes += ANSWER_BYTES + answer.len();
                Ok(())
            }
            _ => Err("neither a SESSION nor an ANSWER".into()),
        }
    }
}

const SESSION: &[u8] = b"SESSION";
const ANSWER: &[u8] = b"ANSWER";

pub(super) fn decimal(number: u64) -> Vec<u8> {
    let mut digits = Vec::new();
    push_u64(number, &mut digits);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(session: Index, sequence: u64, acknowledged: u64) -> Origin {
        Origin { session, sequence, acknowledged }
    }

    fn opened(sessions: &[Index]) -> Sessions {
        let mut all = Sessions::default();
        for session in sessions {
            all.open(*session, 1000);
        }
        all
    }

    fn done(sessions: &mut Sessions, origin: Origin, answer: &[u8]) {
        assert_eq!(sessions.begin(origin, 1000), Ok(None));
        sessions.keep(origin, answer);
    }

    #[test]
    fn a_command_is_applied_once_and_every_retry_is_answered() {
        let mut sessions = opened(&[7]);
        done(&mut sessions, origin(7, 1, 0), b"one");
        done(&mut sessions, origin(7, 2, 0), b"two");
        assert_eq!(sessions.begin(origin(7, 1, 0), 1000), Ok(Some(b"one"[..].into())));
        assert_eq!(sessions.begin(origin(7, 3, 1), 1000), Ok(None));
        assert_eq!(sessions.begin(origin(7, 1, 0), 1000), Err(Refusal::Acknowledged));
        assert_eq!(sessions.begin(origin(7, 2, 0), 1000), Ok(Some(b"two"[..].into())));
        assert_eq!(sessions.begin(origin(8, 1, 0), 1000), Err(Refusal::Expired));
        assert_eq!(
            sessions.begin(origin(7, 2 + MAX_OUTSTANDING, 1), 1000),
            Err(Refusal::TooFarAhead)
        );
        assert_eq!(sessions.begin(origin(7, 1 + MAX_OUTSTANDING, 1), 1000), Ok(None));
        assert_eq!(sessions.begin(origin(7, u64::MAX, u64::MAX), 1000), Err(Refusal::Acknowledged));
        assert_eq!(sessions.kept_bytes, 0);
    }

    #[test]
    fn an_unused_session_expires_by_log_time() {
        let mut sessions = opened(&[1, 2]);
        sessions.begin(origin(2, 1, 0), 1500).unwrap();
        sessions.expire(1000 + EXPIRY_MS);
        assert_eq!(sessions.len(), 2);
        sessions.expire(1001 + EXPIRY_MS);
        assert_eq!(sessions.begin(origin(1, 1, 0), 1001 + EXPIRY_MS), Err(Refusal::Expired));
        assert_eq!(sessions.len(), 1);
    }

    #[test]
    fn the_least_recently_used_session_is_evicted() {
        let mut sessions = Sessions::default();
        for number in 1..=MAX_SESSIONS as u64 {
            sessions.open(number, number);
        }
        sessions.begin(origin(1, 1, 0), 50_000).unwrap();
        sessions.open(99_999, 50_000);
        assert_eq!(sessions.len(), MAX_SESSIONS);
        assert!(sessions.begin(origin(1, 1, 0), 50_000).is_ok());
        assert_eq!(sessions.begin(origin(2, 1, 0), 50_000), Err(Refusal::Expired));
    }

    #[test]
    fn a_session_in_use_is_not_evicted_for_another() {
        let mut sessions = Sessions::default();
        (1..=MAX_SESSIONS as u64 - 2).for_each(|number| sessions.open(number, 1000));
        assert!(sessions.may_open(1, 1000));
        assert!(!sessions.may_open(2, 1000), "some are on their way");
        (0..2).for_each(|number| sessions.open(90_000 + number, 2000));
        assert!(!sessions.may_open(0, 999 + FORGOTTEN_AFTER_MS));
        assert!(sessions.may_open(0, 1000 + FORGOTTEN_AFTER_MS), "the first has not been used");
        let all = MAX_SESSIONS - 2;
        assert!(sessions.may_open(all - 1, 1000 + FORGOTTEN_AFTER_MS));
        assert!(!sessions.may_open(all, 1000 + FORGOTTEN_AFTER_MS), "one is used that would go");
    }

    #[test]
    fn a_session_with_many_answers_is_refused_when_memory_is_full() {
        let mut sessions = opened(&[1, 2]);
        let large = vec![0; MAX_KEPT_BYTES / 4 - ANSWER_BYTES];
        (1..=4).for_each(|sequence| done(&mut sessions, origin(1, sequence, 0), &large));
        let next = origin(1, 5, 0);
        assert!(sessions.may_keep(next, 0, 1000));
        assert!(!sessions.may_keep(next, 1, 1000));
        assert!(sessions.may_keep(origin(1, 5, 4), 1, 1000), "its acknowledgement frees memory");
        assert!(sessions.may_keep(origin(2, 1, 0), 1, 1000), "another has not had its share");
        assert!(sessions.may_keep(next, 1, 1000 + FORGOTTEN_AFTER_MS), "the other is not in use");
    }

    #[test]
    fn kept_answers_are_bounded() {
        let mut sessions = opened(&[1, 2]);
        let large = vec![0; MAX_KEPT_BYTES / 4];
        for sequence in 1..=3 {
            done(&mut sessions, origin(1, sequence, 0), &large);
        }
        done(&mut sessions, origin(2, 1, 0), &large);
        assert_eq!(sessions.begin(origin(1, 4, 0), 1000), Err(Refusal::Expired));
        assert_eq!(sessions.begin(origin(2, 1, 0), 1000).map(|kept| kept.is_some()), Ok(true));
    }

    #[test]
    fn sessions_survive_a_round_trip() {
        let mut sessions = opened(&[3, 5]);
        done(&mut sessions, origin(3, 4, 3), b"four");
        done(&mut sessions, origin(3, 5, 3), b"");
        let lines = sessions.lines();
        let mut restored = Sessions::default();
        for line in &lines {
            let words: Vec<&[u8]> = line.iter().map(Vec::as_slice).collect();
            restored.restore(&words).unwrap();
        }
        assert_eq!(restored.lines(), lines);
        assert_eq!(
            (restored.kept_bytes, &restored.by_use),
            (sessions.kept_bytes, &sessions.by_use)
        );
        assert_eq!(restored.begin(origin(3, 4, 3), 1000), Ok(Some(b"four"[..].into())));
    }

    #[test]
    fn lines_that_make_no_sense_are_refused() {
        for words in [
            &[&b"ANSWER"[..], b"1", b"x"][..],
            &[b"SESSION", b"1", b"2"],
            &[b"SESSION", b"x", b"2", b"3"],
            &[b"SESSION", b"4", b"2", b"3"],
            &[b"PAIR", b"4"],
            &[],
        ] {
            let mut sessions = Sessions::default();
            if words.len() == 4 {
                sessions.open(4, 0);
            }
            assert!(sessions.restore(words).is_err(), "{words:?}");
        }
    }
}

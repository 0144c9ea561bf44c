//! A state machine behind a log.

use super::sessions::{Refusal, Sessions, decimal};
use crate::raft::{Entry, Frozen, Index, Origin, Payload, StateMachine};
use crate::text::parse_u64;

/// The line between the sessions and the machine's own lines in a snapshot.
const STATE: &[u8] = b"STATE";
/// The line with the log time.
const CLOCK: &[u8] = b"CLOCK";

/// The outcome of a committed entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No effect: the first entry of a leader.
    Nothing,
    /// A session was opened; its number is the index of the entry.
    Opened,
    /// A command was applied, now or before; its answer is in the buffer.
    Answered,
    /// A command was refused.
    Refused(Refusal),
}

/// A state machine, its clients' sessions, and the applied index.
pub struct Replicated<M> {
    machine: M,
    sessions: Sessions,
    /// The log time, in milliseconds since 1970: it never goes back.
    clock_ms: u64,
    applied_index: Index,
    /// Whether a restore has reached the machine's own lines.
    is_past_sessions: bool,
}

impl<M: StateMachine> Default for Replicated<M> {
    fn default() -> Replicated<M> {
        Replicated::of(M::empty())
    }
}

impl<M: StateMachine> Replicated<M> {
    /// The state before the first entry, with this machine.
    pub fn of(machine: M) -> Replicated<M> {
        Replicated {
            machine,
            sessions: Sessions::default(),
            clock_ms: 0,
            applied_index: 0,
            is_past_sessions: false,
        }
    }

    /// The state machine.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The index of the last applied entry.
    pub fn applied_index(&self) -> Index {
        self.applied_index
    }

    /// The log time, in milliseconds since 1970.
    pub fn clock_ms(&self) -> u64 {
        self.clock_ms
    }

    /// Whether a session may be opened at `at_ms`, given the number of unapplied entries.
    pub fn may_open_session(&self, unapplied: u64, at_ms: u64) -> bool {
        let unapplied = usize::try_from(unapplied).unwrap_or(usize::MAX / 2);
        self.sessions.may_open(unapplied, self.clock_ms.max(at_ms))
    }

    /// Whether a session may keep one more answer, given the number of unapplied entries.
    pub fn may_keep_answer(&self, origin: Origin, unapplied: u64, at_ms: u64) -> bool {
        let unapplied = usize::try_from(unapplied).unwrap_or(usize::MAX).min(1 << 32);
        self.sessions.may_keep(origin, unapplied, self.clock_ms.max(at_ms))
    }

    /// Whether the answer to this command of a session is kept.
    pub fn has_answer(&self, origin: Origin) -> bool {
        self.sessions.has_answer(origin)
    }

    /// The number of open sessions.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Applies the next committed entry. The answer replaces the content of `answer`.
    pub fn apply(&mut self, entry: &Entry, answer: &mut Vec<u8>) -> Outcome {
        answer.clear();
        debug_assert_eq!(entry.index, self.applied_index + 1);
        self.applied_index = entry.index;
        self.clock_ms = self.clock_ms.max(entry.at_ms);
        self.sessions.expire(self.clock_ms);
        let (origin, command) = match &entry.payload {
            Payload::NoOp => return Outcome::Nothing,
            Payload::OpenSession => {
                self.sessions.open(entry.index, self.clock_ms);
                return Outcome::Opened;
            }
            Payload::Command { origin, command } => (*origin, command),
        };
        let Some(origin) = origin else {
            self.machine.apply(entry.index, self.clock_ms, command, answer);
            return Outcome::Answered;
        };
        match self.sessions.begin(origin, self.clock_ms) {
            Err(refusal) => return Outcome::Refused(refusal),
            Ok(Some(known)) => answer.extend_from_slice(&known),
            Ok(None) => {
                self.machine.apply(entry.index, self.clock_ms, command, answer);
                self.sessions.keep(origin, answer);
            }
        }
        Outcome::Answered
    }

    /// To be called after all entries that were committed together; see [`StateMachine::settle`].
    pub fn settle(&mut self) {
        self.machine.settle();
    }

    /// The whole state for a snapshot: `CLOCK`, the sessions, `STATE`, the machine.
    pub fn freeze(&self) -> Box<dyn Frozen> {
        let clock = vec![CLOCK.to_vec(), decimal(self.clock_ms)];
        let mut lines = vec![clock];
        lines.append(&mut self.sessions.lines());
        lines.push(vec![STATE.to_vec()]);
        Box::new(FrozenState { lines: lines.into_iter(), machine: self.machine.freeze() })
    }

    /// Restores one line; lines must come in order.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub fn restore(&mut self, words: &[&[u8]]) -> Result<(), String> {
        match *words {
            _ if self.is_past_sessions => self.machine.restore(words),
            [CLOCK, clock_ms] => {
                self.clock_ms = parse_u64(clock_ms).ok_or("the CLOCK has no time")?;
                Ok(())
            }
            [STATE] => {
                self.is_past_sessions = true;
                Ok(())
            }
            _ => self.sessions.restore(words),
        }
    }

    /// Ends a restore: the state contains all entries up to `applied_index`.
    ///
    /// # Errors
    /// Some or all of the machine's own lines are missing.
    pub fn restored(&mut self, applied_index: Index) -> Result<(), String> {
        if !self.is_past_sessions {
            return Err("there is no STATE".into());
        }
        self.applied_index = applied_index;
        self.machine.restored()
    }
}

/// A frozen state.
struct FrozenState {
    lines: std::vec::IntoIter<Vec<Vec<u8>>>,
    machine: Box<dyn Frozen>,
}

impl Frozen for FrozenState {
    fn next_line(&mut self, word: &mut dyn FnMut(&[u8])) -> bool {
        match self.lines.next() {
            Some(words) => {
                words.iter().for_each(|w| word(w));
                true
            }
            None => self.machine.next_line(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Records its commands, in order.
    #[derive(Default)]
    struct Diary(Vec<Vec<u8>>);

    impl StateMachine for Diary {
        fn apply(&mut self, _: Index, _: u64, command: &Arc<[u8]>, reply: &mut Vec<u8>) {
            self.0.push(command.to_vec());
            reply.extend_from_slice(format!("number {}", self.0.len()).as_bytes());
        }
        fn conflicts(_: &[u8], _: &[u8]) -> bool {
            true
        }
        fn to_words(command: &[u8], word: &mut dyn FnMut(&[u8])) {
            word(command);
        }
        fn from_words(words: &[&[u8]]) -> Result<Vec<u8>, String> {
            Ok(words.concat())
        }
        fn freeze(&self) -> Box<dyn Frozen> {
            Box::new(FrozenDiary(self.0.clone().into_iter()))
        }
        fn empty() -> Diary {
            Diary::default()
        }
        fn restore(&mut self, words: &[&[u8]]) -> Result<(), String> {
            self.0.push(words.concat());
            Ok(())
        }
    }

    struct FrozenDiary(std::vec::IntoIter<Vec<u8>>);

    impl Frozen for FrozenDiary {
        fn next_line(&mut self, word: &mut dyn FnMut(&[u8])) -> bool {
            self.0.next().is_some_and(|line| {
                word(&line);
                true
            })
        }
    }

    fn entry(index: Index, at_ms: u64, payload: Payload) -> Entry {
        Entry { term: 1, index, at_ms, payload }
    }

    fn command(origin: Option<(Index, u64, u64)>, text: &str) -> Payload {
        let origin = origin.map(|(session, sequence, acknowledged)| Origin {
            session,
            sequence,
            acknowledged,
        });
        Payload::Command { origin, command: text.as_bytes().into() }
    }

    /// The answer to an entry.
    fn apply(state: &mut Replicated<Diary>, entry: &Entry) -> Result<String, Outcome> {
        let mut answer = b"older".to_vec();
        match state.apply(entry, &mut answer) {
            Outcome::Answered => Ok(String::from_utf8(answer).unwrap()),
            outcome => Err(outcome),
        }
    }

    fn answer(text: &str) -> Result<String, Outcome> {
        Ok(text.to_owned())
    }

    fn lines(state: &Replicated<Diary>) -> Vec<String> {
        let mut frozen = state.freeze();
        let mut lines = Vec::new();
        loop {
            let mut line: Vec<String> = Vec::new();
            if !frozen.next_line(&mut |word| line.push(String::from_utf8_lossy(word).into())) {
                return lines;
            }
            lines.push(line.join(" "));
        }
    }

    #[test]
    fn a_retry_is_answered_and_not_applied_again_even_after_a_snapshot() {
        let mut state = Replicated::<Diary>::default();
        assert_eq!(apply(&mut state, &entry(1, 5, Payload::NoOp)), Err(Outcome::Nothing));
        assert_eq!(apply(&mut state, &entry(2, 7, Payload::OpenSession)), Err(Outcome::Opened));
        let buy = || command(Some((2, 1, 0)), "buy");
        assert_eq!(apply(&mut state, &entry(3, 8, buy())), answer("number 1"));
        assert_eq!(apply(&mut state, &entry(4, 6, buy())), answer("number 1"));
        assert_eq!(apply(&mut state, &entry(5, 9, command(None, "sell"))), answer("number 2"));
        assert_eq!(apply(&mut state, &entry(6, 9, command(None, "sell"))), answer("number 3"));
        assert_eq!(
            lines(&state),
            ["CLOCK 9", "SESSION 2 8 0", "ANSWER 1 number 1", "STATE", "buy", "sell", "sell"]
        );
        let mut restored = Replicated::<Diary>::default();
        let mut frozen = state.freeze();
        loop {
            let mut words: Vec<Vec<u8>> = Vec::new();
            if !frozen.next_line(&mut |word| words.push(word.to_vec())) {
                break;
            }
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            restored.restore(&words).unwrap();
        }
        restored.restored(6).unwrap();
        assert_eq!(lines(&restored), lines(&state));
        assert_eq!(apply(&mut restored, &entry(7, 9, buy())), answer("number 1"));
    }

    #[test]
    fn sessions_expire_by_the_log_clock_which_never_goes_back() {
        let mut state = Replicated::<Diary>::default();
        for (index, at_ms) in [(1, 1000), (2, 500)] {
            let opened = apply(&mut state, &entry(index, at_ms, Payload::OpenSession));
            assert_eq!(opened, Err(Outcome::Opened));
        }
        let late = 1001 + super::super::EXPIRY_MS;
        let outcome = apply(&mut state, &entry(3, late, command(Some((1, 1, 0)), "x")));
        assert_eq!(outcome, Err(Outcome::Refused(Refusal::Expired)));
        assert_eq!(state.sessions(), 0, "both began at 1,000 by the log's time");
        assert_eq!(state.machine().0.len(), 0);
    }

    #[test]
    fn a_snapshot_without_the_machine_state_is_refused() {
        let mut state = Replicated::<Diary>::default();
        state.restore(&[b"CLOCK", b"9"]).unwrap();
        assert!(state.restored(3).is_err());
        assert!(state.restore(&[b"CLOCK", b"x"]).is_err());
    }
}

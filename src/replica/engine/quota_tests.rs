//! The quota of a leader. The state machine is the key-value store's size alone: see `kv::state` for
//! how it counts.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::raft::{Config, Frozen, Index, Origin, Recovered, StateMachine};
use crate::replica::membership::Record;
use crate::replica::recovery::membership;
use crate::replica::state::Replicated;

const MS: Duration = Duration::from_millis(1);

/// Stores texts: `+ab` adds two bytes, `-` removes everything.
#[derive(Default)]
struct Texts(u64);

impl StateMachine for Texts {
    fn apply(&mut self, _: Index, _: u64, command: &Arc<[u8]>, _: &mut Vec<u8>) {
        self.0 = self.size_bytes_after(&mut [&command[..]].into_iter());
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
    fn size_bytes(&self) -> u64 {
        self.0
    }
    fn may_grow(command: &[u8]) -> bool {
        command.starts_with(b"+")
    }
    fn size_bytes_after(&self, commands: &mut dyn Iterator<Item = &[u8]>) -> u64 {
        commands.fold(self.0, |size, command| match command.split_first() {
            Some((b'+', text)) => size + text.len() as u64,
            _ => 0,
        })
    }
    fn freeze(&self) -> Box<dyn Frozen> {
        unimplemented!()
    }
    fn empty() -> Texts {
        Texts::default()
    }
    fn restore(&mut self, _: &[&[u8]]) -> Result<(), String> {
        unimplemented!()
    }
}

struct Leader {
    engine: Engine<Texts, &'static str>,
    now: Duration,
}

impl Leader {
    fn new(quota: u64) -> Leader {
        let config = Config::lan(0, vec![0]);
        let (recovered, record) = (Recovered::default(), Record::new(1, 1));
        let membership = membership(&config, &recovered, record, 1, 1000 * MS);
        let (state, policy) = (Replicated::default(), SnapshotPolicy::default());
        let mut engine = Engine::new(config, recovered, state, policy, membership, 1000 * MS);
        engine.set_quota(quota);
        let mut leader = Leader { engine, now: 1000 * MS };
        leader.settle();
        leader
    }

    fn write(&mut self, command: &str, ticket: &'static str) {
        self.write_as(None, command, ticket);
    }

    fn write_as(&mut self, origin: Option<Origin>, command: &str, ticket: &'static str) {
        self.engine.write(self.now, 5, origin, command.as_bytes().into(), ticket);
    }

    /// Makes everything durable, and returns the answers.
    fn settle(&mut self) -> Vec<(&'static str, Answer)> {
        let mut answers = Vec::new();
        for _ in 0..20 {
            let output = self.engine.advance(self.now);
            answers.extend(output.answers);
            match output.write {
                Some(write) => self.engine.persisted(self.now, write.id),
                // A leader may wait a little, so that more commands share a write.
                None => self.now = output.next.clamp(self.now, self.now + 10 * MS),
            }
        }
        answers
    }

    fn size(&self) -> u64 {
        self.engine.state().machine().0
    }
}

fn refused(size_bytes: u64) -> Answer {
    Answer::OverQuota(QuotaUse { size_bytes, quota_bytes: 10, is_full: true })
}

fn done() -> Answer {
    Answer::Done(Vec::new())
}

#[test]
fn a_write_beyond_the_quota_is_refused_before_it_is_in_the_log() {
    let mut leader = Leader::new(10);
    let last = leader.engine.raft().last_index();
    leader.write("+12345678", "fits");
    leader.write("+123", "too much with the one before");
    leader.write("+12", "fits as well");
    assert_eq!(leader.engine.raft().last_index(), last + 2);
    let expected =
        [("too much with the one before", refused(8)), ("fits", done()), ("fits as well", done())];
    assert_eq!(leader.settle(), expected);
    assert_eq!(leader.size(), 10, "exactly the quota");
    leader.write("+1", "one more");
    assert_eq!(leader.settle(), [("one more", refused(10))]);
    assert!(leader.engine.quota_use().is_full);
}

#[test]
fn deletions_go_on_and_make_room() {
    let mut leader = Leader::new(10);
    leader.write("+1234567890", "all");
    leader.settle();
    leader.write("+1", "refused");
    leader.write("-", "delete");
    leader.write("+12", "after the deletion");
    let answers = leader.settle();
    let expected = [("refused", refused(10)), ("delete", done()), ("after the deletion", done())];
    assert_eq!(answers, expected);
    assert_eq!(leader.size(), 2);
    assert!(!leader.engine.quota_use().is_full, "the alarm ends");
}

#[test]
fn what_is_in_the_log_is_applied_whatever_the_quota_is() {
    let mut leader = Leader::new(0);
    leader.write("+123456789012345", "without a quota");
    leader.engine.set_quota(10);
    assert_eq!(leader.settle(), [("without a quota", done())]);
    assert_eq!(leader.size(), 15);
    leader.write("-", "delete");
    assert_eq!(leader.settle(), [("delete", done())]);
}

#[test]
fn a_repeated_command_gets_its_answer_at_the_quota() {
    let mut leader = Leader::new(10);
    leader.engine.open_session(leader.now, 5, "open");
    let answers = leader.settle();
    let [("open", Answer::Opened(session))] = answers[..] else { panic!("{answers:?}") };
    let origin = Some(Origin { session, sequence: 1, acknowledged: 0 });
    leader.write_as(origin, "+1234567890", "first");
    leader.write_as(origin, "+1234567890", "while it is pending");
    assert_eq!(leader.settle(), [("first", done()), ("while it is pending", done())]);
    leader.write_as(origin, "+1234567890", "later");
    assert_eq!(leader.settle(), [("later", done())]);
    assert_eq!(leader.size(), 10, "applied once");
}

#[test]
fn many_pending_commands_near_the_quota_are_put_off() {
    let mut leader = Leader::new(87_900);
    (0..257).for_each(|_| leader.write(&format!("+{}", "x".repeat(340)), "pending"));
    leader.write(&format!("+{}", "x".repeat(340)), "one more");
    let answers = leader.settle();
    let busy = answers.iter().filter(|(_, answer)| *answer == Answer::Busy).count();
    assert_eq!(busy, 1, "only near the quota, and only beyond 256");
    assert_eq!(leader.size(), 257 * 340);
    leader.write(&format!("+{}", "x".repeat(340)), "again");
    assert_eq!(leader.settle(), [("again", done())]);
}

//! The lines of `dump.txt`.

use std::str::FromStr;

use crate::raft::{Entry, NodeId, Payload, Trace};
use crate::replica::clock::whole_ms;
use crate::replica::storage::Commands;
use crate::text::{escape, push_u64, push_words};

/// The maximum length of an operation; a longer one ends with three points.
const MAX_OPERATION_BYTES: usize = 1024;

/// Which events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    None,
    /// Elections, leases, leadership and errors: events whose number does not depend on the load.
    Changes,
    /// Every request, entry and heartbeat: everything that the course version writes.
    All,
}

impl FromStr for Level {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Level, &'static str> {
        match text {
            "none" => Ok(Level::None),
            "changes" => Ok(Level::Changes),
            "all" => Ok(Level::All),
            _ => Err("expected all, changes or none"),
        }
    }
}

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// An event of the Raft core.
    Core(&'e Trace),
    /// An entry was applied to the state machine.
    Applied {
        /// The applied entry.
        entry: &'e Entry,
        /// Whether this node led.
        is_leader: bool,
    },
    /// A leader received a request with these words: `GET x`.
    Received(&'e [&'e [u8]]),
    /// A leader received a command, in the machine's own encoding.
    Proposed(&'e [u8]),
    /// A node became unreachable.
    Unreachable(NodeId),
    /// A message could not be sent to a node; there may be many of these.
    NotSent(NodeId),
}

impl Event<'_> {
    /// The level at which the event is written.
    pub fn level(&self) -> Level {
        match self {
            Event::Received(_)
            | Event::Proposed(_)
            | Event::NotSent(_)
            | Event::Applied { .. }
            | Event::Core(Trace::HeartbeatSent | Trace::AppendAccepted { .. }) => Level::All,
            Event::Core(_) | Event::Unreachable(_) => Level::Changes,
        }
    }
}

/// Appends the line of an event, with its newline.
pub fn line(node: NodeId, event: Event<'_>, commands: &Commands, text: &mut Vec<u8>) {
    let mut sentence = Sentence { text };
    match event {
        Event::Core(trace) => sentence.push_core(node, trace),
        Event::Applied { entry, is_leader } => {
            let role = if is_leader { "# (leader)" } else { "# (follower)" };
            sentence.push(&["Node ", role, " committed the entry "], &[node]);
            sentence.push_operation(|text| push_entry(entry, commands, text));
            sentence.push(&[" to the state machine."], &[]);
        }
        Event::Received(words) => {
            sentence.push(&["Node ", "# (leader) received an "], &[node]);
            sentence.push_operation(|text| push_words(words.iter().copied(), text));
            sentence.push(&[" request."], &[]);
        }
        Event::Proposed(command) => {
            sentence.push(&["Node ", "# (leader) received an "], &[node]);
            sentence.push_operation(|text| push_command(command, commands, text));
            sentence.push(&[" request."], &[]);
        }
        Event::Unreachable(to) | Event::NotSent(to) => {
            sentence.push(&["Error occurred while sending RPC to Node ", "#."], &[to]);
        }
    }
    text.push(b'\n');
}

struct Sentence<'t> {
    text: &'t mut Vec<u8>,
}

impl Sentence<'_> {
    /// Appends pieces of text; a leading `#` is replaced by the next number.
    fn push(&mut self, pieces: &[&str], numbers: &[u64]) {
        let mut numbers = numbers.iter();
        for piece in pieces {
            let rest = match piece.strip_prefix('#') {
                Some(rest) => {
                    push_u64(numbers.next().copied().unwrap_or_default(), self.text);
                    rest
                }
                None => piece,
            };
            self.text.extend_from_slice(rest.as_bytes());
        }
    }

    fn push_operation(&mut self, push: impl FnOnce(&mut Vec<u8>)) {
        let start = self.text.len();
        push(self.text);
        let end = start + MAX_OPERATION_BYTES;
        if self.text.len() > end {
            // Not within a UTF-8 character.
            let is_within = |at: &usize| self.text.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
            let cut = (start..=end).rev().find(|at| !is_within(at)).unwrap_or(start);
            self.text.truncate(cut);
            self.text.extend_from_slice(b"...");
        }
    }

    fn push_core(&mut self, node: NodeId, trace: &Trace) {
        match *trace {
            Trace::HeartbeatSent => {
                self.push(&["Leader ", "# sending heartbeat & Renewing Lease"], &[node]);
            }
            Trace::LeaseRenewalFailed => {
                self.push(&["Leader ", "# lease renewal failed. Stepping Down."], &[node]);
            }
            Trace::WaitingForOldLease => {
                self.push(&["New Leader waiting for Old Leader Lease to timeout."], &[]);
            }
            Trace::ElectionStarted => {
                self.push(&["Node ", "# election timer timed out, Starting election."], &[node]);
            }
            Trace::BecameLeader { term } => {
                self.push(&["Node ", "# became the leader for term ", "#."], &[node, term]);
            }
            Trace::SteppedDown => self.push(&["# Stepping down"], &[node]),
            Trace::LeaderKnown { leader, term } => {
                self.push(&["Node ", "# follows Node ", "# in term ", "#."], &[node, leader, term]);
            }
            Trace::AppendAccepted { leader } => {
                self.push(&["Node ", "# accepted AppendEntries RPC from ", "#."], &[node, leader]);
            }
            Trace::AppendRejected { leader } => {
                self.push(&["Node ", "# rejected AppendEntries RPC from ", "#."], &[node, leader]);
            }
            Trace::VoteGranted { candidate, term } => {
                self.push(&["Vote granted for Node ", "# in term ", "#."], &[candidate, term]);
            }
            Trace::VoteDenied { candidate, term } => {
                self.push(&["Vote denied for Node ", "# in term ", "#."], &[candidate, term]);
            }
            Trace::LeaseRefused { by, lease } => {
                let ms = whole_ms(lease);
                self.push(&["Lease of Node ", "# refused: ", "# ms are too long."], &[by, ms]);
            }
            Trace::TermRefused { by, term } => {
                let pieces = ["Node ", "# refused term ", "# of Node ", "#."];
                self.push(&pieces, &[node, term, by]);
            }
            Trace::PeerFarBehind { peer, term } => {
                let pieces = ["Node ", "# is ignored by Node ", "# in term ", "#."];
                self.push(&pieces, &[node, peer, term]);
            }
            Trace::SnapshotInstalled { leader, index, committed } => {
                let pieces = [
                    "Node ",
                    "# replaced its state up to ",
                    "# by the snapshot up to ",
                    "# of Leader ",
                ];
                self.push(&pieces, &[node, committed, index]);
                match leader {
                    Some(leader) => self.push(&["#."], &[leader]),
                    None => self.push(&["?."], &[]),
                }
            }
            Trace::Truncated { from } => {
                self.push(&["Node ", "# dropped the entries from ", "# on."], &[node, from]);
            }
            Trace::FollowerAhead { follower, index } => {
                let pieces =
                    ["Node ", "# holds entries up to ", "#, beyond the log of Leader ", "#."];
                self.push(&pieces, &[follower, index, node]);
            }
            Trace::TransferStarted { to } => {
                self.push(&["Leader ", "# hands over to Node ", "#."], &[node, to]);
            }
            Trace::TransferAborted => {
                self.push(&["Leader ", "# stays leader: the transfer failed."], &[node]);
            }
        }
    }
}

fn push_entry(entry: &Entry, commands: &Commands, text: &mut Vec<u8>) {
    match &entry.payload {
        Payload::NoOp => text.extend_from_slice(b"NO-OP"),
        Payload::OpenSession => text.extend_from_slice(b"OPEN-SESSION"),
        Payload::Command { command, .. } => push_command(command, commands, text),
    }
}

fn push_command(command: &[u8], commands: &Commands, text: &mut Vec<u8>) {
    let mut is_first = true;
    (commands.to_words)(command, &mut |word| {
        if !std::mem::take(&mut is_first) {
            text.push(b' ');
        }
        escape(word, text);
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A command is its words, separated by spaces.
    const WORDS: Commands = Commands {
        to_words: |command, word| command.split(|&byte| byte == b' ').for_each(word),
        from_words: |_| Err("not needed".into()),
    };

    fn sentence(event: Event<'_>) -> String {
        let mut text = b"before\n".to_vec();
        line(1, event, &WORDS, &mut text);
        let text = String::from_utf8(text.split_off(7)).unwrap();
        text.strip_suffix('\n').unwrap().to_owned()
    }

    fn core(trace: &Trace) -> String {
        sentence(Event::Core(trace))
    }

    fn applied(payload: Payload, is_leader: bool) -> String {
        let entry = Entry { term: 1, index: 1, at_ms: 0, payload };
        sentence(Event::Applied { entry: &entry, is_leader })
    }

    fn command(command: &[u8]) -> Payload {
        Payload::Command { origin: None, command: command.into() }
    }

    /// The course version's contract, section 2.
    #[test]
    fn the_lines_are_those_of_the_course_version() {
        for (trace, line) in [
            (Trace::HeartbeatSent, "Leader 1 sending heartbeat & Renewing Lease"),
            (Trace::LeaseRenewalFailed, "Leader 1 lease renewal failed. Stepping Down."),
            (Trace::WaitingForOldLease, "New Leader waiting for Old Leader Lease to timeout."),
            (Trace::ElectionStarted, "Node 1 election timer timed out, Starting election."),
            (Trace::BecameLeader { term: 7 }, "Node 1 became the leader for term 7."),
            (Trace::AppendAccepted { leader: 3 }, "Node 1 accepted AppendEntries RPC from 3."),
            (Trace::AppendRejected { leader: 3 }, "Node 1 rejected AppendEntries RPC from 3."),
            (Trace::VoteGranted { candidate: 2, term: 7 }, "Vote granted for Node 2 in term 7."),
            (Trace::VoteDenied { candidate: 2, term: 7 }, "Vote denied for Node 2 in term 7."),
            (Trace::SteppedDown, "1 Stepping down"),
        ] {
            assert_eq!(core(&trace), line);
        }
        assert_eq!(
            applied(command(b"SET x 6"), false),
            "Node 1 (follower) committed the entry SET x 6 to the state machine."
        );
        assert_eq!(
            applied(Payload::NoOp, true),
            "Node 1 (leader) committed the entry NO-OP to the state machine."
        );
        let received = "Node 1 (leader) received an SET x 6 request.";
        assert_eq!(sentence(Event::Proposed(b"SET x 6")), received);
        assert_eq!(sentence(Event::Received(&[b"SET", b"x", b"6"])), received);
        let received = "Node 1 (leader) received an GET x request.";
        assert_eq!(sentence(Event::Received(&[b"GET", b"x"])), received);
        let error = "Error occurred while sending RPC to Node 4.";
        assert_eq!(sentence(Event::Unreachable(4)), error);
        assert_eq!(sentence(Event::NotSent(4)), error);
    }

    #[test]
    fn events_beyond_the_course_version_are_written_too() {
        for (trace, line) in [
            (Trace::LeaderKnown { leader: 3, term: 7 }, "Node 1 follows Node 3 in term 7."),
            (
                Trace::LeaseRefused { by: 2, lease: Duration::from_secs(9) },
                "Lease of Node 2 refused: 9000 ms are too long.",
            ),
            (
                Trace::TermRefused { by: 2, term: 1 << 40 },
                "Node 1 refused term 1099511627776 of Node 2.",
            ),
            (Trace::PeerFarBehind { peer: 2, term: 3 }, "Node 1 is ignored by Node 2 in term 3."),
            (
                Trace::SnapshotInstalled { leader: Some(2), index: 9, committed: 4 },
                "Node 1 replaced its state up to 4 by the snapshot up to 9 of Leader 2.",
            ),
            (Trace::Truncated { from: 12 }, "Node 1 dropped the entries from 12 on."),
            (
                Trace::FollowerAhead { follower: 2, index: 12 },
                "Node 2 holds entries up to 12, beyond the log of Leader 1.",
            ),
            (Trace::TransferStarted { to: 2 }, "Leader 1 hands over to Node 2."),
            (Trace::TransferAborted, "Leader 1 stays leader: the transfer failed."),
        ] {
            assert_eq!(core(&trace), line);
        }
    }

    #[test]
    fn a_long_operation_is_shortened_to_one_line() {
        let lines = "SET k two\nlines\x1b";
        assert!(applied(command(lines.as_bytes()), true).contains("two\\nlines\\x1b to"));
        for filler in 0..4 {
            let long = format!("SET {}{}", "k".repeat(filler), "é".repeat(100_000));
            let sentence = applied(command(long.as_bytes()), true);
            assert!(
                sentence.len() < 1200 && sentence.ends_with("é... to the state machine."),
                "{sentence}"
            );
        }
    }

    #[test]
    fn per_request_events_are_written_only_at_level_all() {
        let entry = Entry { term: 1, index: 1, at_ms: 0, payload: Payload::NoOp };
        for event in [
            Event::Core(&Trace::HeartbeatSent),
            Event::Applied { entry: &entry, is_leader: true },
            Event::Core(&Trace::AppendAccepted { leader: 2 }),
            Event::Received(&[b"GET"]),
            Event::Proposed(b"SET"),
            Event::NotSent(1),
        ] {
            assert_eq!(event.level(), Level::All, "{event:?}");
        }
        assert_eq!(Event::Core(&Trace::SteppedDown).level(), Level::Changes);
        assert_eq!(Event::Unreachable(1).level(), Level::Changes);
        assert!(Level::None < Level::Changes && Level::Changes < Level::All);
        assert_eq!("changes".parse(), Ok(Level::Changes));
        assert!("some".parse::<Level>().is_err());
    }
}

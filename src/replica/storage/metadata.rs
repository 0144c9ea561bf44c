//! `metadata.txt`: durable data besides the log (`schemas/files.md`, section 4).
//!
//! ```text
//! commitLength 12
//! term 3
//! votedFor 2
//! nodeId 0
//! groupId 5f0c2a91
//! machine kv
//! longestLeaseMs 300
//! truncating none
//! instance 5f0c2a91d3e4b5a6
//! starts 3
//! standing voter
//! member 0 10.0.0.1:7000
//! member 1 10.0.0.2:7000
//! peer 1 90c1f2e3d4a5b697 starts 2 term 3 acknowledged 12 voter
//! checksum 0d2f6a11
//! ```
//!
//! Files of the first version lack the lines from `instance` to the last `peer`.
//!
//! `truncating 17 4096` says that the entries from 17 on, whose lines begin at byte 4096 of
//! `logs.txt`, are void because they are being replaced. The note exists only during the
//! replacement. File systems do not guarantee that a truncation is atomic in a crash; with this
//! note it need not be.

use std::time::Duration;

use super::disk::{Disk, discard_if_temporary, replace, sync_file, write_fully};
use super::error::{Corruption, StorageError};
use crate::raft::{HardState, Index, NodeId};
use crate::replica::clock::whole_ms;
use crate::replica::membership::{Instance, Loss, Peer, Record, Standing, Trust};
use crate::text::{self, Scratch, crc32c, parse_hex, parse_u64, push_hex, push_u64};

pub(super) const METADATA: &str = "metadata.txt";
pub(super) const METADATA_TEMPORARY: &str = "metadata.txt.tmp";

/// The owner of the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The node.
    pub node: NodeId,
    /// The group of the node. Other groups have other logs.
    pub group: String,
    /// The kind of state machine.
    pub machine: String,
    /// The nodes of the group and their addresses, in the order of their ids; empty in a file of
    /// the first version.
    pub members: Vec<(NodeId, String)>,
}

/// The contents of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    /// Every entry up to this index is committed.
    pub(super) commit_length: Index,
    pub(super) hard_state: HardState,
    pub(super) identity: Identity,
    /// The entries that are being replaced.
    pub(super) truncating: Option<Truncation>,
    /// The membership record; `None` in a file of the first version.
    pub(super) record: Option<Record>,
}

/// The log is void from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Truncation {
    /// The first void entry.
    pub(super) from: Index,
    /// The offset of its line.
    pub(super) offset: u64,
}

/// The lines that every file has, in order, except the last.
const NAMES: [&str; 8] = [
    "commitLength",
    "term",
    "votedFor",
    "nodeId",
    "groupId",
    "machine",
    "longestLeaseMs",
    "truncating",
];
const CHECKSUM: &str = "checksum";
const INSTANCE: &str = "instance";
const STARTS: &str = "starts";
const STANDING: &str = "standing";
const MEMBER: &str = "member";
const PEER: &str = "peer";
/// A directory without an instance number.
const UNNAMED: &[u8] = b"unnamed";

const STANDINGS: [(&str, Standing); 5] = [
    ("new", Standing::New),
    ("joining", Standing::Joining),
    ("voter", Standing::Voter),
    ("replaced", Standing::Refused(Loss::Replaced)),
    ("older", Standing::Refused(Loss::Older)),
];
const TRUSTS: [(&str, Trust); 3] =
    [("seen", Trust::Seen), ("voter", Trust::Voter), ("refused", Trust::Refused)];
/// No vote, or no entries being replaced.
const NONE: &[u8] = b"none";

impl Metadata {
    /// The text of the file.
    pub(super) fn to_text(&self) -> Vec<u8> {
        let HardState { current_term, voted_for, longest_lease } = self.hard_state;
        let mut text = Vec::new();
        for name in NAMES {
            text.extend_from_slice(name.as_bytes());
            text.push(b' ');
            match name {
                "commitLength" => push_u64(self.commit_length, &mut text),
                "term" => push_u64(current_term, &mut text),
                "votedFor" => match voted_for {
                    Some(node) => push_u64(node, &mut text),
                    None => text.extend_from_slice(NONE),
                },
                "nodeId" => push_u64(self.identity.node, &mut text),
                "groupId" => text::escape(self.identity.group.as_bytes(), &mut text),
                "machine" => text::escape(self.identity.machine.as_bytes(), &mut text),
                "longestLeaseMs" => push_ms(longest_lease, &mut text),
                "truncating" => match self.truncating {
                    Some(Truncation { from, offset }) => {
                        push_u64(from, &mut text);
                        text.push(b' ');
                        push_u64(offset, &mut text);
                    }
                    None => text.extend_from_slice(NONE),
                },
                _ => (),
            }
            text.push(b'\n');
        }
        if let Some(record) = &self.record {
            self.push_record(record, &mut text);
        }
        text.extend_from_slice(CHECKSUM.as_bytes());
        text.push(b' ');
        push_hex(crc32c(&text), &mut text);
        text.push(b'\n');
        text
    }

    fn push_record(&self, record: &Record, text: &mut Vec<u8>) {
        let Record { instance, starts, standing, peers } = record;
        let standing = STANDINGS.iter().find(|(_, known)| known == standing);
        let standing = standing.map_or("", |(name, _)| name);
        text.extend_from_slice(
            format!("{INSTANCE} {instance:016x}\n{STARTS} {starts}\n{STANDING} {standing}\n")
                .as_bytes(),
        );
        for (id, address) in &self.identity.members {
            text.extend_from_slice(format!("{MEMBER} {id} ").as_bytes());
            text::escape(address.as_bytes(), text);
            text.push(b'\n');
        }
        for (id, Peer { instance, trust, starts, term, acknowledged }) in peers {
            text.extend_from_slice(format!("{PEER} {id} ").as_bytes());
            match instance {
                Some(instance) => text.extend_from_slice(format!("{instance:016x}").as_bytes()),
                None => text.extend_from_slice(UNNAMED),
            }
            let trust = TRUSTS.iter().find(|(_, known)| known == trust);
            let trust = trust.map_or("", |(name, _)| name);
            let rest =
                format!(" starts {starts} term {term} acknowledged {acknowledged} {trust}\n");
            text.extend_from_slice(rest.as_bytes());
        }
    }

    /// Parses the text of the file.
    ///
    /// # Errors
    /// It is not a text that [`to_text`](Self::to_text) writes.
    pub(super) fn parse(text: &[u8]) -> Result<Metadata, Corruption> {
        let mut reader = Reader { rest: text, line: 0, offset: 0, scratch: Scratch::default() };
        let commit_length = reader.number()?;
        let current_term = reader.number()?;
        let voted_for = reader.value(|word| match word == NONE {
            true => Some(None),
            false => parse_u64(word).map(Some),
        })?;
        let node = reader.number()?;
        let word = |word: &[u8]| String::from_utf8(word.to_vec()).ok();
        let group = reader.value(word)?;
        let machine = reader.value(word)?;
        let longest_lease = reader.value(parse_ms)?;
        let truncating = reader.values(|words| match *words {
            [NONE] => Some(None),
            [from, offset] => {
                let truncation = Truncation { from: parse_u64(from)?, offset: parse_u64(offset)? };
                Some(Some(truncation))
            }
            _ => None,
        })?;
        let (members, record) = reader.record()?;
        let covered = reader.offset + CHECKSUM.len() + 1;
        let checksum = reader.value_of(CHECKSUM, parse_hex)?;
        if !reader.rest.is_empty() {
            return Err(reader.wrong("something behind the checksum"));
        }
        if checksum != crc32c(text.get(..covered).unwrap_or_default()) {
            reader.offset = covered;
            return Err(reader.wrong("the checksum is not that of the lines above it"));
        }
        let hard_state = HardState { current_term, voted_for, longest_lease };
        let identity = Identity { node, group, machine, members };
        Ok(Metadata { commit_length, hard_state, identity, truncating, record })
    }

    /// Reads the file; `None` if it does not exist.
    pub(super) fn read(disk: &dyn Disk) -> Result<Option<Metadata>, StorageError> {
        /// The maximum length: a thousand nodes have two lines each.
        const MAX_BYTES: usize = 1024 * 1024;
        let failed = |error| StorageError::io(METADATA, "cannot read", error);
        let file = match disk.open_to_read(METADATA) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut text = vec![0; MAX_BYTES];
        let len = super::disk::read_fully(&*file, &mut text, 0).map_err(failed)?;
        text.truncate(len);
        Ok(Some(Metadata::parse(&text)?))
    }

    /// Replaces the file atomically and durably. After a temporary error the old one is in place.
    pub(super) fn write(&self, disk: &dyn Disk) -> Result<(), StorageError> {
        let file = disk
            .create(METADATA_TEMPORARY)
            .map_err(|error| StorageError::io(METADATA_TEMPORARY, "cannot create", error))?;
        write_fully(&*file, METADATA_TEMPORARY, &self.to_text(), 0)
            .and_then(|()| sync_file(&*file, METADATA_TEMPORARY))
            .and_then(|()| replace(disk, METADATA_TEMPORARY, METADATA))
            .inspect_err(|error| discard_if_temporary(disk, METADATA_TEMPORARY, error))
    }
}

/// Parses the lines of the file in order.
struct Reader<'t> {
    rest: &'t [u8],
    /// The number of parsed lines.
    line: usize,
    /// The offset of the next line.
    offset: usize,
    scratch: Scratch,
}

impl Reader<'_> {
    fn wrong(&self, what: impl Into<String>) -> Corruption {
        Corruption {
            file: METADATA.into(),
            line: self.line as u64,
            byte: self.offset as u64,
            what: what.into(),
        }
    }

    fn number(&mut self) -> Result<u64, Corruption> {
        self.value(parse_u64)
    }

    /// The value of the next common line, one word.
    fn value<T>(&mut self, parse: impl Fn(&[u8]) -> Option<T>) -> Result<T, Corruption> {
        let name = NAMES.get(self.line).copied().unwrap_or_default();
        self.value_of(name, parse)
    }

    /// The value of the next line, which has this name; one word.
    fn value_of<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, Corruption> {
        self.values_of(name, |words| match words {
            [word] => parse(word),
            _ => None,
        })
    }

    /// The value of the next common line.
    fn values<T>(&mut self, parse: impl Fn(&[&[u8]]) -> Option<T>) -> Result<T, Corruption> {
        let name = NAMES.get(self.line).copied().unwrap_or_default();
        self.values_of(name, parse)
    }

    /// Whether the next line has this name.
    fn is_next(&self, name: &str) -> bool {
        self.rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b" "))
    }

    /// The members and the record, if the file has them.
    #[expect(clippy::type_complexity, reason = "it is made for one place")]
    fn record(&mut self) -> Result<(Vec<(NodeId, String)>, Option<Record>), Corruption> {
        if !self.is_next(INSTANCE) {
            return Ok((Vec::new(), None));
        }
        let instance = self.value_of(INSTANCE, parse_instance)?;
        let starts = self.value_of(STARTS, parse_u64)?;
        let standing = self.value_of(STANDING, |word| named(&STANDINGS, word))?;
        let mut record = Record { instance, starts, standing, ..Record::default() };
        let mut members = Vec::new();
        while self.is_next(MEMBER) {
            let (id, address) = self.values_of(MEMBER, |words| match *words {
                [id, address] => Some((parse_u64(id)?, String::from_utf8(address.to_vec()).ok()?)),
                _ => None,
            })?;
            if members.last().is_some_and(|(last, _)| *last >= id) {
                return Err(self.wrong("members are not in the order of their numbers"));
            }
            members.push((id, address));
        }
        while self.is_next(PEER) {
            let (id, peer) = self.values_of(PEER, parse_peer)?;
            if record.peers.last_key_value().is_some_and(|(last, _)| *last >= id) {
                return Err(self.wrong("peers are not in the order of their numbers"));
            }
            record.peers.insert(id, peer);
        }
        Ok((members, Some(record)))
    }

    /// The value of the next line, which has this name.
    fn values_of<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&[&[u8]]) -> Option<T>,
    ) -> Result<T, Corruption> {
        self.line += 1;
        let (line, len) = match text::find(b'\n', self.rest) {
            Some(end) => (self.rest.get(..end).unwrap_or_default(), end + 1),
            None => return Err(self.wrong(format!("expected a line that begins with {name}"))),
        };
        let words = text::parse_words(line, &mut self.scratch);
        let value = match words.as_deref() {
            Ok([word, value @ ..]) if *word == name.as_bytes() => parse(value),
            _ => None,
        };
        let Some(value) = value else {
            return Err(self.wrong(format!("expected {name} and its value")));
        };
        self.rest = self.rest.get(len..).unwrap_or_default();
        self.offset += len;
        Ok(value)
    }
}

fn named<T: Copy>(names: &[(&str, T)], word: &[u8]) -> Option<T> {
    names.iter().find(|(name, _)| name.as_bytes() == word).map(|(_, value)| *value)
}

/// Sixteen hexadecimal digits, not all 0.
fn parse_instance(word: &[u8]) -> Option<Instance> {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if word.len() != 16 || !word.iter().all(is_digit) {
        return None;
    }
    let text = std::str::from_utf8(word).ok()?;
    Instance::from_str_radix(text, 16).ok().filter(|instance| *instance > 0)
}

fn parse_peer(words: &[&[u8]]) -> Option<(NodeId, Peer)> {
    let [id, instance, b"starts", starts, b"term", term, b"acknowledged", acknowledged, trust] =
        *words
    else {
        return None;
    };
    let instance = match instance {
        UNNAMED => None,
        word => Some(parse_instance(word)?),
    };
    let peer = Peer {
        instance,
        trust: named(&TRUSTS, trust)?,
        starts: parse_u64(starts)?,
        term: parse_u64(term)?,
        acknowledged: parse_u64(acknowledged)?,
    };
    Some((parse_u64(id)?, peer))
}

/// Milliseconds, with as many decimal places as needed.
fn push_ms(time: Duration, text: &mut Vec<u8>) {
    push_u64(whole_ms(time), text);
    let fraction = time.subsec_nanos() % 1_000_000;
    if fraction > 0 {
        text.extend_from_slice(format!(".{fraction:06}").trim_end_matches('0').as_bytes());
    }
}

fn parse_ms(text: &[u8]) -> Option<Duration> {
    let (ms, fraction) = match text.iter().position(|&byte| byte == b'.') {
        Some(point) => (text.get(..point)?, text.get(point + 1..)?),
        None => (text, &b""[..]),
    };
    let time = Duration::from_millis(parse_u64(ms)?);
    let digits = std::str::from_utf8(fraction).ok()?;
    let fraction = format!("{digits:0<6}").parse::<u32>().ok()?;
    let time = time.checked_add(Duration::from_nanos(fraction.into()))?;
    // Each time has exactly one spelling.
    let mut again = Vec::new();
    push_ms(time, &mut again);
    (again == text).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    fn sample() -> Metadata {
        Metadata {
            commit_length: 12,
            hard_state: HardState {
                current_term: 3,
                voted_for: Some(2),
                longest_lease: Duration::from_millis(300),
            },
            identity: Identity {
                node: 0,
                group: "the cities".into(),
                machine: "kv".into(),
                members: vec![(0, "a:1".into()), (1, "b:1".into()), (2, "c:1".into())],
            },
            truncating: None,
            record: Some(Record {
                instance: 0x5f0c_2a91_d3e4_b5a6,
                starts: 3,
                standing: Standing::Voter,
                peers: [
                    (
                        1,
                        Peer {
                            instance: Some(0x90c1_f2e3),
                            trust: Trust::Voter,
                            starts: 2,
                            term: 3,
                            acknowledged: 12,
                        },
                    ),
                    (2, Peer { trust: Trust::Voter, ..Peer::default() }),
                ]
                .into(),
            }),
        }
    }

    #[test]
    fn a_file_of_the_first_version_has_fewer_lines() {
        let mut first = sample();
        first.record = None;
        first.identity.members.clear();
        let text = String::from_utf8(first.to_text()).unwrap();
        assert!(text.contains("longestLeaseMs 300\ntruncating none\nchecksum "), "{text}");
        assert_eq!(Metadata::parse(text.as_bytes()), Ok(first));
    }

    #[test]
    fn the_file_has_the_documented_lines() {
        let text = String::from_utf8(sample().to_text()).unwrap();
        let (lines, checksum) = text.split_at(text.len() - 9);
        let expected = "commitLength 12\nterm 3\nvotedFor 2\nnodeId 0\ngroupId the\\ cities\n\
                        machine kv\nlongestLeaseMs 300\ntruncating none\n\
                        instance 5f0c2a91d3e4b5a6\nstarts 3\nstanding voter\n\
                        member 0 a:1\nmember 1 b:1\nmember 2 c:1\n\
                        peer 1 0000000090c1f2e3 starts 2 term 3 acknowledged 12 voter\n\
                        peer 2 unnamed starts 0 term 0 acknowledged 0 voter\nchecksum ";
        assert_eq!(lines, expected);
        assert_eq!(checksum, format!("{:08x}\n", crc32c(expected.as_bytes())));
        assert_eq!(Metadata::parse(text.as_bytes()), Ok(sample()));
    }

    #[test]
    fn no_vote_and_any_lease_survive_a_round_trip() {
        each_seed(|seed| {
            let mut metadata = sample();
            metadata.truncating = seed
                .one_in(2)
                .then(|| Truncation { from: seed.next_u64(), offset: seed.next_u64() });
            metadata.hard_state.voted_for = seed.one_in(2).then(|| seed.next_u64());
            metadata.hard_state.longest_lease = match seed.below(3) {
                0 => Duration::from_millis(seed.next_u64() >> seed.below(64)),
                1 => Duration::from_nanos(seed.next_u64() >> seed.below(64)),
                _ => Duration::from_micros(seed.next_u64() >> (10 + seed.below(50))),
            };
            assert_eq!(Metadata::parse(&metadata.to_text()), Ok(metadata));
        });
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_detected() {
        let good = sample().to_text();
        for at in 0..good.len() {
            let cut = Metadata::parse(&good[..at]).unwrap_err();
            assert!(cut.file == METADATA && cut.line >= 1 && cut.byte <= at as u64, "{cut}");
            for bit in 0..8 {
                let mut damaged = good.clone();
                damaged[at] ^= 1 << bit;
                let error = Metadata::parse(&damaged).unwrap_err();
                assert!(error.byte < good.len() as u64, "bit {bit} of byte {at}: {error}");
            }
        }
    }

    #[test]
    fn damage_is_refused() {
        let good = sample().to_text();
        each_seed(|seed| {
            let mut text = good.clone();
            seed.mutate(&mut text);
            assert!(text == good || Metadata::parse(&text).is_err());
        });
    }
}

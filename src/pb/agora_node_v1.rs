//! Messages of package `agora.node.v1`.

use super::*;
use quick_protobuf::sizeofs::*;
use quick_protobuf::{
    BytesReader, MessageInfo, MessageRead, MessageWrite, Result, Writer, WriterBackend,
};
use std::borrow::Cow;

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Role {
    ROLE_UNSPECIFIED = 0,
    ROLE_LEADER = 1,
    ROLE_FOLLOWER = 2,
    ROLE_CANDIDATE = 3,
}

impl Default for Role {
    fn default() -> Self {
        Role::ROLE_UNSPECIFIED
    }
}

impl From<i32> for Role {
    fn from(i: i32) -> Self {
        match i {
            0 => Role::ROLE_UNSPECIFIED,
            1 => Role::ROLE_LEADER,
            2 => Role::ROLE_FOLLOWER,
            3 => Role::ROLE_CANDIDATE,
            _ => Self::default(),
        }
    }
}

impl<'a> From<&'a str> for Role {
    fn from(s: &'a str) -> Self {
        match s {
            "ROLE_UNSPECIFIED" => Role::ROLE_UNSPECIFIED,
            "ROLE_LEADER" => Role::ROLE_LEADER,
            "ROLE_FOLLOWER" => Role::ROLE_FOLLOWER,
            "ROLE_CANDIDATE" => Role::ROLE_CANDIDATE,
            _ => Self::default(),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Severity {
    SEVERITY_UNSPECIFIED = 0,
    SEVERITY_INFO = 1,
    SEVERITY_WARNING = 2,
    SEVERITY_ERROR = 3,
}

impl Default for Severity {
    fn default() -> Self {
        Severity::SEVERITY_UNSPECIFIED
    }
}

impl From<i32> for Severity {
    fn from(i: i32) -> Self {
        match i {
            0 => Severity::SEVERITY_UNSPECIFIED,
            1 => Severity::SEVERITY_INFO,
            2 => Severity::SEVERITY_WARNING,
            3 => Severity::SEVERITY_ERROR,
            _ => Self::default(),
        }
    }
}

impl<'a> From<&'a str> for Severity {
    fn from(s: &'a str) -> Self {
        match s {
            "SEVERITY_UNSPECIFIED" => Severity::SEVERITY_UNSPECIFIED,
            "SEVERITY_INFO" => Severity::SEVERITY_INFO,
            "SEVERITY_WARNING" => Severity::SEVERITY_WARNING,
            "SEVERITY_ERROR" => Severity::SEVERITY_ERROR,
            _ => Self::default(),
        }
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct NodeAddress<'a> {
    pub node: u64,
    pub address: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for NodeAddress<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.node = r.read_uint64(bytes)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for NodeAddress<'a> {
    fn get_size(&self) -> usize {
        0 + if self.node == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.node) as u64) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.node != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.node))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct PeerView<'a> {
    pub peer: Option<NodeAddress<'a>>,
    pub is_reachable: bool,
    pub why_unreachable: Cow<'a, str>,
    pub is_voter: bool,
    pub progress: Option<PeerProgress>,
    pub unreachable_ms: u64,
}

impl<'a> MessageRead<'a> for PeerView<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.peer = Some(r.read_message::<NodeAddress>(bytes)?),
                Ok(16) => msg.is_reachable = r.read_bool(bytes)?,
                Ok(26) => msg.why_unreachable = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(32) => msg.is_voter = r.read_bool(bytes)?,
                Ok(42) => msg.progress = Some(r.read_message::<PeerProgress>(bytes)?),
                Ok(48) => msg.unreachable_ms = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for PeerView<'a> {
    fn get_size(&self) -> usize {
        0 + self.peer.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.is_reachable == false {
                0
            } else {
                1 + sizeof_varint(*(&self.is_reachable) as u64)
            }
            + if self.why_unreachable == "" {
                0
            } else {
                1 + sizeof_len((&self.why_unreachable).len())
            }
            + if self.is_voter == false { 0 } else { 1 + sizeof_varint(*(&self.is_voter) as u64) }
            + self.progress.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.unreachable_ms == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.unreachable_ms) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.peer {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.is_reachable != false {
            w.write_with_tag(16, |w| w.write_bool(*&self.is_reachable))?;
        }
        if self.why_unreachable != "" {
            w.write_with_tag(26, |w| w.write_string(&**&self.why_unreachable))?;
        }
        if self.is_voter != false {
            w.write_with_tag(32, |w| w.write_bool(*&self.is_voter))?;
        }
        if let Some(ref s) = self.progress {
            w.write_with_tag(42, |w| w.write_message(s))?;
        }
        if self.unreachable_ms != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.unreachable_ms))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct PeerProgress {
    pub match_index: u64,
    pub lag: u64,
    pub round_trip_us: u64,
    pub last_answer: Option<LastAnswer>,
}

impl<'a> MessageRead<'a> for PeerProgress {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.match_index = r.read_uint64(bytes)?,
                Ok(16) => msg.lag = r.read_uint64(bytes)?,
                Ok(24) => msg.round_trip_us = r.read_uint64(bytes)?,
                Ok(34) => msg.last_answer = Some(r.read_message::<LastAnswer>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for PeerProgress {
    fn get_size(&self) -> usize {
        0 + if self.match_index == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.match_index) as u64)
        } + if self.lag == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.lag) as u64) }
            + if self.round_trip_us == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.round_trip_us) as u64)
            }
            + self.last_answer.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.match_index != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.match_index))?;
        }
        if self.lag != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.lag))?;
        }
        if self.round_trip_us != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.round_trip_us))?;
        }
        if let Some(ref s) = self.last_answer {
            w.write_with_tag(34, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct LastAnswer {
    pub ago_ms: u64,
}

impl<'a> MessageRead<'a> for LastAnswer {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.ago_ms = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for LastAnswer {
    fn get_size(&self) -> usize {
        0 + if self.ago_ms == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.ago_ms) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.ago_ms != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.ago_ms))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Sample {
    pub number: u64,
    pub at_ms: u64,
    pub interval_ms: u64,
    pub reads: u64,
    pub writes: u64,
    pub read_p50_us: u64,
    pub read_p99_us: u64,
    pub write_p50_us: u64,
    pub write_p99_us: u64,
}

impl<'a> MessageRead<'a> for Sample {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.number = r.read_uint64(bytes)?,
                Ok(16) => msg.at_ms = r.read_uint64(bytes)?,
                Ok(24) => msg.interval_ms = r.read_uint64(bytes)?,
                Ok(32) => msg.reads = r.read_uint64(bytes)?,
                Ok(40) => msg.writes = r.read_uint64(bytes)?,
                Ok(48) => msg.read_p50_us = r.read_uint64(bytes)?,
                Ok(56) => msg.read_p99_us = r.read_uint64(bytes)?,
                Ok(64) => msg.write_p50_us = r.read_uint64(bytes)?,
                Ok(72) => msg.write_p99_us = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for Sample {
    fn get_size(&self) -> usize {
        0 + if self.number == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.number) as u64) }
            + if self.at_ms == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.at_ms) as u64) }
            + if self.interval_ms == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.interval_ms) as u64)
            }
            + if self.reads == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.reads) as u64) }
            + if self.writes == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.writes) as u64) }
            + if self.read_p50_us == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.read_p50_us) as u64)
            }
            + if self.read_p99_us == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.read_p99_us) as u64)
            }
            + if self.write_p50_us == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.write_p50_us) as u64)
            }
            + if self.write_p99_us == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.write_p99_us) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.number != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.number))?;
        }
        if self.at_ms != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.at_ms))?;
        }
        if self.interval_ms != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.interval_ms))?;
        }
        if self.reads != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.reads))?;
        }
        if self.writes != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.writes))?;
        }
        if self.read_p50_us != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.read_p50_us))?;
        }
        if self.read_p99_us != 0u64 {
            w.write_with_tag(56, |w| w.write_uint64(*&self.read_p99_us))?;
        }
        if self.write_p50_us != 0u64 {
            w.write_with_tag(64, |w| w.write_uint64(*&self.write_p50_us))?;
        }
        if self.write_p99_us != 0u64 {
            w.write_with_tag(72, |w| w.write_uint64(*&self.write_p99_us))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Event<'a> {
    pub number: u64,
    pub at_ms: u64,
    pub severity: Severity,
    pub text: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for Event<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.number = r.read_uint64(bytes)?,
                Ok(16) => msg.at_ms = r.read_uint64(bytes)?,
                Ok(24) => msg.severity = r.read_enum(bytes)?,
                Ok(34) => msg.text = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Event<'a> {
    fn get_size(&self) -> usize {
        0 + if self.number == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.number) as u64) }
            + if self.at_ms == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.at_ms) as u64) }
            + if self.severity == agora_node_v1::Severity::SEVERITY_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.severity) as u64)
            }
            + if self.text == "" { 0 } else { 1 + sizeof_len((&self.text).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.number != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.number))?;
        }
        if self.at_ms != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.at_ms))?;
        }
        if self.severity != agora_node_v1::Severity::SEVERITY_UNSPECIFIED {
            w.write_with_tag(24, |w| w.write_enum(*&self.severity as i32))?;
        }
        if self.text != "" {
            w.write_with_tag(34, |w| w.write_string(&**&self.text))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Holding<'a> {
    pub name: Cow<'a, str>,
    pub count: u64,
    pub about_bytes: u64,
}

impl<'a> MessageRead<'a> for Holding<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.name = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.count = r.read_uint64(bytes)?,
                Ok(24) => msg.about_bytes = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Holding<'a> {
    fn get_size(&self) -> usize {
        0 + if self.name == "" { 0 } else { 1 + sizeof_len((&self.name).len()) }
            + if self.count == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.count) as u64) }
            + if self.about_bytes == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.about_bytes) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.name != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.name))?;
        }
        if self.count != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.count))?;
        }
        if self.about_bytes != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.about_bytes))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Contents<'a> {
    pub what: Cow<'a, str>,
    pub count: u64,
    pub bytes: u64,
    pub quota_bytes: u64,
    pub parts: Vec<Holding<'a>>,
    pub rest_count: u64,
}

impl<'a> MessageRead<'a> for Contents<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.what = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.count = r.read_uint64(bytes)?,
                Ok(24) => msg.bytes = r.read_uint64(bytes)?,
                Ok(32) => msg.quota_bytes = r.read_uint64(bytes)?,
                Ok(42) => msg.parts.push(r.read_message::<Holding>(bytes)?),
                Ok(48) => msg.rest_count = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Contents<'a> {
    fn get_size(&self) -> usize {
        0 + if self.what == "" { 0 } else { 1 + sizeof_len((&self.what).len()) }
            + if self.count == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.count) as u64) }
            + if self.bytes == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.bytes) as u64) }
            + if self.quota_bytes == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.quota_bytes) as u64)
            }
            + self.parts.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.rest_count == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.rest_count) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.what != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.what))?;
        }
        if self.count != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.count))?;
        }
        if self.bytes != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.bytes))?;
        }
        if self.quota_bytes != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.quota_bytes))?;
        }
        for s in &self.parts {
            w.write_with_tag(42, |w| w.write_message(s))?;
        }
        if self.rest_count != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.rest_count))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct NodeView<'a> {
    pub self_pb: Option<NodeAddress<'a>>,
    pub group: Cow<'a, str>,
    pub machine: Cow<'a, str>,
    pub version: Cow<'a, str>,
    pub role: Role,
    pub term: u64,
    pub leader: Option<NodeAddress<'a>>,
    pub lease_left_ms: u64,
    pub lease_ms: u64,
    pub last_index: u64,
    pub commit_index: u64,
    pub applied_index: u64,
    pub snapshot_index: u64,
    pub uptime_ms: u64,
    pub now_ms: u64,
    pub not_ready: Vec<Cow<'a, str>>,
    pub peers: Vec<PeerView<'a>>,
    pub contents: Option<Contents<'a>>,
    pub samples: Vec<Sample>,
    pub events: Vec<Event<'a>>,
    pub heartbeat_ms: u64,
}

impl<'a> MessageRead<'a> for NodeView<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.self_pb = Some(r.read_message::<NodeAddress>(bytes)?),
                Ok(18) => msg.group = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(26) => msg.machine = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(34) => msg.version = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(40) => msg.role = r.read_enum(bytes)?,
                Ok(48) => msg.term = r.read_uint64(bytes)?,
                Ok(58) => msg.leader = Some(r.read_message::<NodeAddress>(bytes)?),
                Ok(64) => msg.lease_left_ms = r.read_uint64(bytes)?,
                Ok(72) => msg.lease_ms = r.read_uint64(bytes)?,
                Ok(80) => msg.last_index = r.read_uint64(bytes)?,
                Ok(88) => msg.commit_index = r.read_uint64(bytes)?,
                Ok(96) => msg.applied_index = r.read_uint64(bytes)?,
                Ok(104) => msg.snapshot_index = r.read_uint64(bytes)?,
                Ok(112) => msg.uptime_ms = r.read_uint64(bytes)?,
                Ok(120) => msg.now_ms = r.read_uint64(bytes)?,
                Ok(130) => msg.not_ready.push(r.read_string(bytes).map(Cow::Borrowed)?),
                Ok(138) => msg.peers.push(r.read_message::<PeerView>(bytes)?),
                Ok(146) => msg.contents = Some(r.read_message::<Contents>(bytes)?),
                Ok(154) => msg.samples.push(r.read_message::<Sample>(bytes)?),
                Ok(162) => msg.events.push(r.read_message::<Event>(bytes)?),
                Ok(168) => msg.heartbeat_ms = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for NodeView<'a> {
    fn get_size(&self) -> usize {
        0 + self.self_pb.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.group == "" { 0 } else { 1 + sizeof_len((&self.group).len()) }
            + if self.machine == "" { 0 } else { 1 + sizeof_len((&self.machine).len()) }
            + if self.version == "" { 0 } else { 1 + sizeof_len((&self.version).len()) }
            + if self.role == agora_node_v1::Role::ROLE_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.role) as u64)
            }
            + if self.term == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.term) as u64) }
            + self.leader.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.lease_left_ms == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.lease_left_ms) as u64)
            }
            + if self.lease_ms == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.lease_ms) as u64) }
            + if self.last_index == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.last_index) as u64)
            }
            + if self.commit_index == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.commit_index) as u64)
            }
            + if self.applied_index == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.applied_index) as u64)
            }
            + if self.snapshot_index == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.snapshot_index) as u64)
            }
            + if self.uptime_ms == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.uptime_ms) as u64) }
            + if self.now_ms == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.now_ms) as u64) }
            + self.not_ready.iter().map(|s| 2 + sizeof_len((s).len())).sum::<usize>()
            + self.peers.iter().map(|s| 2 + sizeof_len((s).get_size())).sum::<usize>()
            + self.contents.as_ref().map_or(0, |m| 2 + sizeof_len((m).get_size()))
            + self.samples.iter().map(|s| 2 + sizeof_len((s).get_size())).sum::<usize>()
            + self.events.iter().map(|s| 2 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.heartbeat_ms == 0u64 {
                0
            } else {
                2 + sizeof_varint(*(&self.heartbeat_ms) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.self_pb {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.group != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.group))?;
        }
        if self.machine != "" {
            w.write_with_tag(26, |w| w.write_string(&**&self.machine))?;
        }
        if self.version != "" {
            w.write_with_tag(34, |w| w.write_string(&**&self.version))?;
        }
        if self.role != agora_node_v1::Role::ROLE_UNSPECIFIED {
            w.write_with_tag(40, |w| w.write_enum(*&self.role as i32))?;
        }
        if self.term != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.term))?;
        }
        if let Some(ref s) = self.leader {
            w.write_with_tag(58, |w| w.write_message(s))?;
        }
        if self.lease_left_ms != 0u64 {
            w.write_with_tag(64, |w| w.write_uint64(*&self.lease_left_ms))?;
        }
        if self.lease_ms != 0u64 {
            w.write_with_tag(72, |w| w.write_uint64(*&self.lease_ms))?;
        }
        if self.last_index != 0u64 {
            w.write_with_tag(80, |w| w.write_uint64(*&self.last_index))?;
        }
        if self.commit_index != 0u64 {
            w.write_with_tag(88, |w| w.write_uint64(*&self.commit_index))?;
        }
        if self.applied_index != 0u64 {
            w.write_with_tag(96, |w| w.write_uint64(*&self.applied_index))?;
        }
        if self.snapshot_index != 0u64 {
            w.write_with_tag(104, |w| w.write_uint64(*&self.snapshot_index))?;
        }
        if self.uptime_ms != 0u64 {
            w.write_with_tag(112, |w| w.write_uint64(*&self.uptime_ms))?;
        }
        if self.now_ms != 0u64 {
            w.write_with_tag(120, |w| w.write_uint64(*&self.now_ms))?;
        }
        for s in &self.not_ready {
            w.write_with_tag(130, |w| w.write_string(&**s))?;
        }
        for s in &self.peers {
            w.write_with_tag(138, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.contents {
            w.write_with_tag(146, |w| w.write_message(s))?;
        }
        for s in &self.samples {
            w.write_with_tag(154, |w| w.write_message(s))?;
        }
        for s in &self.events {
            w.write_with_tag(162, |w| w.write_message(s))?;
        }
        if self.heartbeat_ms != 0u64 {
            w.write_with_tag(168, |w| w.write_uint64(*&self.heartbeat_ms))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct DescribeRequest {
    pub after_sample: u64,
    pub after_event: u64,
}

impl<'a> MessageRead<'a> for DescribeRequest {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.after_sample = r.read_uint64(bytes)?,
                Ok(16) => msg.after_event = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for DescribeRequest {
    fn get_size(&self) -> usize {
        0 + if self.after_sample == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.after_sample) as u64)
        } + if self.after_event == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.after_event) as u64)
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.after_sample != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.after_sample))?;
        }
        if self.after_event != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.after_event))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct DescribeResponse<'a> {
    pub view: Option<NodeView<'a>>,
}

impl<'a> MessageRead<'a> for DescribeResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.view = Some(r.read_message::<NodeView>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for DescribeResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.view.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.view {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct WatchRequest {
    pub after_sample: u64,
    pub after_event: u64,
}

impl<'a> MessageRead<'a> for WatchRequest {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.after_sample = r.read_uint64(bytes)?,
                Ok(16) => msg.after_event = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for WatchRequest {
    fn get_size(&self) -> usize {
        0 + if self.after_sample == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.after_sample) as u64)
        } + if self.after_event == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.after_event) as u64)
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.after_sample != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.after_sample))?;
        }
        if self.after_event != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.after_event))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct WatchResponse<'a> {
    pub view: Option<NodeView<'a>>,
}

impl<'a> MessageRead<'a> for WatchResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.view = Some(r.read_message::<NodeView>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for WatchResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.view.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.view {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

use crate::protobuf::{Checked, Field, Kind, Shape, Width};

static NODE_ADDRESS: Shape = Shape::new(
    "agora.node.v1.NodeAddress",
    size_of::<NodeAddress<'_>>(),
    &[Field::one(1, Kind::Varint(Width::Bits64)), Field::one(2, Kind::Text)],
);
impl Checked for NodeAddress<'_> {
    const SHAPE: &'static Shape = &NODE_ADDRESS;
}

static PEER_VIEW: Shape = Shape::new(
    "agora.node.v1.PeerView",
    size_of::<PeerView<'_>>(),
    &[
        Field::one(1, Kind::Message(&NODE_ADDRESS)),
        Field::one(2, Kind::Varint(Width::Unsigned32)),
        Field::one(3, Kind::Text),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Message(&PEER_PROGRESS)),
        Field::one(6, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for PeerView<'_> {
    const SHAPE: &'static Shape = &PEER_VIEW;
}

static PEER_PROGRESS: Shape = Shape::new(
    "agora.node.v1.PeerProgress",
    size_of::<PeerProgress>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Message(&LAST_ANSWER)),
    ],
);
impl Checked for PeerProgress {
    const SHAPE: &'static Shape = &PEER_PROGRESS;
}

static LAST_ANSWER: Shape = Shape::new(
    "agora.node.v1.LastAnswer",
    size_of::<LastAnswer>(),
    &[Field::one(1, Kind::Varint(Width::Bits64))],
);
impl Checked for LastAnswer {
    const SHAPE: &'static Shape = &LAST_ANSWER;
}

static SAMPLE: Shape = Shape::new(
    "agora.node.v1.Sample",
    size_of::<Sample>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Varint(Width::Bits64)),
        Field::one(7, Kind::Varint(Width::Bits64)),
        Field::one(8, Kind::Varint(Width::Bits64)),
        Field::one(9, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Sample {
    const SHAPE: &'static Shape = &SAMPLE;
}

static EVENT: Shape = Shape::new(
    "agora.node.v1.Event",
    size_of::<Event<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Signed32)),
        Field::one(4, Kind::Text),
    ],
);
impl Checked for Event<'_> {
    const SHAPE: &'static Shape = &EVENT;
}

static HOLDING: Shape = Shape::new(
    "agora.node.v1.Holding",
    size_of::<Holding<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Holding<'_> {
    const SHAPE: &'static Shape = &HOLDING;
}

static CONTENTS: Shape = Shape::new(
    "agora.node.v1.Contents",
    size_of::<Contents<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::many(5, Kind::Message(&HOLDING)),
        Field::one(6, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Contents<'_> {
    const SHAPE: &'static Shape = &CONTENTS;
}

static NODE_VIEW: Shape = Shape::new(
    "agora.node.v1.NodeView",
    size_of::<NodeView<'_>>(),
    &[
        Field::one(1, Kind::Message(&NODE_ADDRESS)),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Text),
        Field::one(4, Kind::Text),
        Field::one(5, Kind::Varint(Width::Signed32)),
        Field::one(6, Kind::Varint(Width::Bits64)),
        Field::one(7, Kind::Message(&NODE_ADDRESS)),
        Field::one(8, Kind::Varint(Width::Bits64)),
        Field::one(9, Kind::Varint(Width::Bits64)),
        Field::one(10, Kind::Varint(Width::Bits64)),
        Field::one(11, Kind::Varint(Width::Bits64)),
        Field::one(12, Kind::Varint(Width::Bits64)),
        Field::one(13, Kind::Varint(Width::Bits64)),
        Field::one(14, Kind::Varint(Width::Bits64)),
        Field::one(15, Kind::Varint(Width::Bits64)),
        Field::many(16, Kind::Text),
        Field::many(17, Kind::Message(&PEER_VIEW)),
        Field::one(18, Kind::Message(&CONTENTS)),
        Field::many(19, Kind::Message(&SAMPLE)),
        Field::many(20, Kind::Message(&EVENT)),
        Field::one(21, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for NodeView<'_> {
    const SHAPE: &'static Shape = &NODE_VIEW;
}

static DESCRIBE_REQUEST: Shape = Shape::new(
    "agora.node.v1.DescribeRequest",
    size_of::<DescribeRequest>(),
    &[Field::one(1, Kind::Varint(Width::Bits64)), Field::one(2, Kind::Varint(Width::Bits64))],
);
impl Checked for DescribeRequest {
    const SHAPE: &'static Shape = &DESCRIBE_REQUEST;
}

static DESCRIBE_RESPONSE: Shape = Shape::new(
    "agora.node.v1.DescribeResponse",
    size_of::<DescribeResponse<'_>>(),
    &[Field::one(1, Kind::Message(&NODE_VIEW))],
);
impl Checked for DescribeResponse<'_> {
    const SHAPE: &'static Shape = &DESCRIBE_RESPONSE;
}

static WATCH_REQUEST: Shape = Shape::new(
    "agora.node.v1.WatchRequest",
    size_of::<WatchRequest>(),
    &[Field::one(1, Kind::Varint(Width::Bits64)), Field::one(2, Kind::Varint(Width::Bits64))],
);
impl Checked for WatchRequest {
    const SHAPE: &'static Shape = &WATCH_REQUEST;
}

static WATCH_RESPONSE: Shape = Shape::new(
    "agora.node.v1.WatchResponse",
    size_of::<WatchResponse<'_>>(),
    &[Field::one(1, Kind::Message(&NODE_VIEW))],
);
impl Checked for WatchResponse<'_> {
    const SHAPE: &'static Shape = &WATCH_RESPONSE;
}

//! Messages of package `agora.raft.v1`.

use super::*;
use quick_protobuf::sizeofs::*;
use quick_protobuf::{
    BytesReader, MessageInfo, MessageRead, MessageWrite, Result, Writer, WriterBackend,
};
use std::borrow::Cow;

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Standing {
    STANDING_UNSPECIFIED = 0,
    STANDING_NEW = 1,
    STANDING_JOINING = 2,
    STANDING_VOTER = 3,
    STANDING_REPLACED = 4,
    STANDING_OLDER = 5,
}

impl Default for Standing {
    fn default() -> Self {
        Standing::STANDING_UNSPECIFIED
    }
}

impl From<i32> for Standing {
    fn from(i: i32) -> Self {
        match i {
            0 => Standing::STANDING_UNSPECIFIED,
            1 => Standing::STANDING_NEW,
            2 => Standing::STANDING_JOINING,
            3 => Standing::STANDING_VOTER,
            4 => Standing::STANDING_REPLACED,
            5 => Standing::STANDING_OLDER,
            _ => Self::default(),
        }
    }
}

impl<'a> From<&'a str> for Standing {
    fn from(s: &'a str) -> Self {
        match s {
            "STANDING_UNSPECIFIED" => Standing::STANDING_UNSPECIFIED,
            "STANDING_NEW" => Standing::STANDING_NEW,
            "STANDING_JOINING" => Standing::STANDING_JOINING,
            "STANDING_VOTER" => Standing::STANDING_VOTER,
            "STANDING_REPLACED" => Standing::STANDING_REPLACED,
            "STANDING_OLDER" => Standing::STANDING_OLDER,
            _ => Self::default(),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum EntryKind {
    ENTRY_KIND_UNSPECIFIED = 0,
    ENTRY_KIND_NO_OP = 1,
    ENTRY_KIND_OPEN_SESSION = 2,
    ENTRY_KIND_COMMAND = 3,
}

impl Default for EntryKind {
    fn default() -> Self {
        EntryKind::ENTRY_KIND_UNSPECIFIED
    }
}

impl From<i32> for EntryKind {
    fn from(i: i32) -> Self {
        match i {
            0 => EntryKind::ENTRY_KIND_UNSPECIFIED,
            1 => EntryKind::ENTRY_KIND_NO_OP,
            2 => EntryKind::ENTRY_KIND_OPEN_SESSION,
            3 => EntryKind::ENTRY_KIND_COMMAND,
            _ => Self::default(),
        }
    }
}

impl<'a> From<&'a str> for EntryKind {
    fn from(s: &'a str) -> Self {
        match s {
            "ENTRY_KIND_UNSPECIFIED" => EntryKind::ENTRY_KIND_UNSPECIFIED,
            "ENTRY_KIND_NO_OP" => EntryKind::ENTRY_KIND_NO_OP,
            "ENTRY_KIND_OPEN_SESSION" => EntryKind::ENTRY_KIND_OPEN_SESSION,
            "ENTRY_KIND_COMMAND" => EntryKind::ENTRY_KIND_COMMAND,
            _ => Self::default(),
        }
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ExchangeRequest<'a> {
    pub hello: Option<Hello<'a>>,
    pub message: Option<Message<'a>>,
}

impl<'a> MessageRead<'a> for ExchangeRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.hello = Some(r.read_message::<Hello>(bytes)?),
                Ok(18) => msg.message = Some(r.read_message::<Message>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ExchangeRequest<'a> {
    fn get_size(&self) -> usize {
        0 + self.hello.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + self.message.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.hello {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.message {
            w.write_with_tag(18, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ExchangeResponse<'a> {
    pub hello: Option<Hello<'a>>,
    pub message: Option<Message<'a>>,
}

impl<'a> MessageRead<'a> for ExchangeResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.hello = Some(r.read_message::<Hello>(bytes)?),
                Ok(18) => msg.message = Some(r.read_message::<Message>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ExchangeResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.hello.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + self.message.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.hello {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.message {
            w.write_with_tag(18, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Hello<'a> {
    pub version: u32,
    pub oldest_version: u32,
    pub features: u64,
    pub group_id: Cow<'a, str>,
    pub node_id: u64,
    pub peer_id: u64,
    pub introduction: Option<Introduction>,
    pub members: Vec<Member<'a>>,
}

impl<'a> MessageRead<'a> for Hello<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.version = r.read_uint32(bytes)?,
                Ok(16) => msg.oldest_version = r.read_uint32(bytes)?,
                Ok(24) => msg.features = r.read_uint64(bytes)?,
                Ok(34) => msg.group_id = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(40) => msg.node_id = r.read_uint64(bytes)?,
                Ok(48) => msg.peer_id = r.read_uint64(bytes)?,
                Ok(58) => msg.introduction = Some(r.read_message::<Introduction>(bytes)?),
                Ok(66) => msg.members.push(r.read_message::<Member>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Hello<'a> {
    fn get_size(&self) -> usize {
        0 + if self.version == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.version) as u64) }
            + if self.oldest_version == 0u32 {
                0
            } else {
                1 + sizeof_varint(*(&self.oldest_version) as u64)
            }
            + if self.features == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.features) as u64) }
            + if self.group_id == "" { 0 } else { 1 + sizeof_len((&self.group_id).len()) }
            + if self.node_id == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.node_id) as u64) }
            + if self.peer_id == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.peer_id) as u64) }
            + self.introduction.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + self.members.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.version != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.version))?;
        }
        if self.oldest_version != 0u32 {
            w.write_with_tag(16, |w| w.write_uint32(*&self.oldest_version))?;
        }
        if self.features != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.features))?;
        }
        if self.group_id != "" {
            w.write_with_tag(34, |w| w.write_string(&**&self.group_id))?;
        }
        if self.node_id != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.node_id))?;
        }
        if self.peer_id != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.peer_id))?;
        }
        if let Some(ref s) = self.introduction {
            w.write_with_tag(58, |w| w.write_message(s))?;
        }
        for s in &self.members {
            w.write_with_tag(66, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Member<'a> {
    pub node_id: u64,
    pub address: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for Member<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.node_id = r.read_uint64(bytes)?,
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

impl<'a> MessageWrite for Member<'a> {
    fn get_size(&self) -> usize {
        0 + if self.node_id == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.node_id) as u64) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.node_id != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.node_id))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Introduction {
    pub instance: u64,
    pub starts: u64,
    pub incarnation: u64,
    pub term: u64,
    pub last_index: u64,
    pub standing: Standing,
    pub remembered: Vec<Remembered>,
    pub number: u64,
    pub wants_answer: bool,
    pub answered_incarnation: u64,
    pub answered_number: u64,
}

impl<'a> MessageRead<'a> for Introduction {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.instance = r.read_uint64(bytes)?,
                Ok(16) => msg.starts = r.read_uint64(bytes)?,
                Ok(24) => msg.incarnation = r.read_uint64(bytes)?,
                Ok(32) => msg.term = r.read_uint64(bytes)?,
                Ok(40) => msg.last_index = r.read_uint64(bytes)?,
                Ok(48) => msg.standing = r.read_enum(bytes)?,
                Ok(58) => msg.remembered.push(r.read_message::<Remembered>(bytes)?),
                Ok(64) => msg.number = r.read_uint64(bytes)?,
                Ok(72) => msg.wants_answer = r.read_bool(bytes)?,
                Ok(80) => msg.answered_incarnation = r.read_uint64(bytes)?,
                Ok(88) => msg.answered_number = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for Introduction {
    fn get_size(&self) -> usize {
        0 + if self.instance == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.instance) as u64) }
            + if self.starts == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.starts) as u64) }
            + if self.incarnation == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.incarnation) as u64)
            }
            + if self.term == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.term) as u64) }
            + if self.last_index == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.last_index) as u64)
            }
            + if self.standing == agora_raft_v1::Standing::STANDING_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.standing) as u64)
            }
            + self.remembered.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.number == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.number) as u64) }
            + if self.wants_answer == false {
                0
            } else {
                1 + sizeof_varint(*(&self.wants_answer) as u64)
            }
            + if self.answered_incarnation == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.answered_incarnation) as u64)
            }
            + if self.answered_number == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.answered_number) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.instance != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.instance))?;
        }
        if self.starts != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.starts))?;
        }
        if self.incarnation != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.incarnation))?;
        }
        if self.term != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.term))?;
        }
        if self.last_index != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.last_index))?;
        }
        if self.standing != agora_raft_v1::Standing::STANDING_UNSPECIFIED {
            w.write_with_tag(48, |w| w.write_enum(*&self.standing as i32))?;
        }
        for s in &self.remembered {
            w.write_with_tag(58, |w| w.write_message(s))?;
        }
        if self.number != 0u64 {
            w.write_with_tag(64, |w| w.write_uint64(*&self.number))?;
        }
        if self.wants_answer != false {
            w.write_with_tag(72, |w| w.write_bool(*&self.wants_answer))?;
        }
        if self.answered_incarnation != 0u64 {
            w.write_with_tag(80, |w| w.write_uint64(*&self.answered_incarnation))?;
        }
        if self.answered_number != 0u64 {
            w.write_with_tag(88, |w| w.write_uint64(*&self.answered_number))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Remembered {
    pub node_id: u64,
    pub instance: u64,
    pub standing: Standing,
}

impl<'a> MessageRead<'a> for Remembered {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.node_id = r.read_uint64(bytes)?,
                Ok(16) => msg.instance = r.read_uint64(bytes)?,
                Ok(24) => msg.standing = r.read_enum(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for Remembered {
    fn get_size(&self) -> usize {
        0 + if self.node_id == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.node_id) as u64) }
            + if self.instance == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.instance) as u64) }
            + if self.standing == agora_raft_v1::Standing::STANDING_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.standing) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.node_id != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.node_id))?;
        }
        if self.instance != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.instance))?;
        }
        if self.standing != agora_raft_v1::Standing::STANDING_UNSPECIFIED {
            w.write_with_tag(24, |w| w.write_enum(*&self.standing as i32))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Message<'a> {
    pub term: u64,
    pub body: mod_Message::OneOfbody<'a>,
}

impl<'a> MessageRead<'a> for Message<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.term = r.read_uint64(bytes)?,
                Ok(18) => {
                    msg.body = mod_Message::OneOfbody::pre_vote(r.read_message::<PreVote>(bytes)?)
                }
                Ok(26) => {
                    msg.body = mod_Message::OneOfbody::pre_vote_reply(
                        r.read_message::<PreVoteReply>(bytes)?,
                    )
                }
                Ok(34) => {
                    msg.body =
                        mod_Message::OneOfbody::request_vote(r.read_message::<RequestVote>(bytes)?)
                }
                Ok(42) => {
                    msg.body = mod_Message::OneOfbody::request_vote_reply(
                        r.read_message::<RequestVoteReply>(bytes)?,
                    )
                }
                Ok(50) => {
                    msg.body = mod_Message::OneOfbody::append_entries(
                        r.read_message::<AppendEntries>(bytes)?,
                    )
                }
                Ok(58) => {
                    msg.body = mod_Message::OneOfbody::append_entries_reply(
                        r.read_message::<AppendEntriesReply>(bytes)?,
                    )
                }
                Ok(66) => {
                    msg.body = mod_Message::OneOfbody::install_snapshot(
                        r.read_message::<InstallSnapshot>(bytes)?,
                    )
                }
                Ok(74) => {
                    msg.body = mod_Message::OneOfbody::install_snapshot_reply(
                        r.read_message::<InstallSnapshotReply>(bytes)?,
                    )
                }
                Ok(82) => {
                    msg.body =
                        mod_Message::OneOfbody::timeout_now(r.read_message::<TimeoutNow>(bytes)?)
                }
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Message<'a> {
    fn get_size(&self) -> usize {
        0 + if self.term == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.term) as u64) }
            + match self.body {
                mod_Message::OneOfbody::pre_vote(ref m) => 1 + sizeof_len((m).get_size()),
                mod_Message::OneOfbody::pre_vote_reply(ref m) => 1 + sizeof_len((m).get_size()),
                mod_Message::OneOfbody::request_vote(ref m) => 1 + sizeof_len((m).get_size()),
                mod_Message::OneOfbody::request_vote_reply(ref m) => 1 + sizeof_len((m).get_size()),
                mod_Message::OneOfbody::append_entries(ref m) => 1 + sizeof_len((m).get_size()),
                mod_Message::OneOfbody::append_entries_reply(ref m) => {
                    1 + sizeof_len((m).get_size())
                }
                mod_Message::OneOfbody::install_snapshot(ref m) => 1 + sizeof_len((m).get_size()),
                mod_Message::OneOfbody::install_snapshot_reply(ref m) => {
                    1 + sizeof_len((m).get_size())
                }
                mod_Message::OneOfbody::timeout_now(ref m) => 1 + sizeof_len((m).get_size()),
                mod_Message::OneOfbody::None => 0,
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.term != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.term))?;
        }
        match self.body {
            mod_Message::OneOfbody::pre_vote(ref m) => {
                w.write_with_tag(18, |w| w.write_message(m))?
            }
            mod_Message::OneOfbody::pre_vote_reply(ref m) => {
                w.write_with_tag(26, |w| w.write_message(m))?
            }
            mod_Message::OneOfbody::request_vote(ref m) => {
                w.write_with_tag(34, |w| w.write_message(m))?
            }
            mod_Message::OneOfbody::request_vote_reply(ref m) => {
                w.write_with_tag(42, |w| w.write_message(m))?
            }
            mod_Message::OneOfbody::append_entries(ref m) => {
                w.write_with_tag(50, |w| w.write_message(m))?
            }
            mod_Message::OneOfbody::append_entries_reply(ref m) => {
                w.write_with_tag(58, |w| w.write_message(m))?
            }
            mod_Message::OneOfbody::install_snapshot(ref m) => {
                w.write_with_tag(66, |w| w.write_message(m))?
            }
            mod_Message::OneOfbody::install_snapshot_reply(ref m) => {
                w.write_with_tag(74, |w| w.write_message(m))?
            }
            mod_Message::OneOfbody::timeout_now(ref m) => {
                w.write_with_tag(82, |w| w.write_message(m))?
            }
            mod_Message::OneOfbody::None => {}
        }
        Ok(())
    }
}

pub mod mod_Message {

    use super::*;

    #[derive(Debug, PartialEq, Clone)]
    pub enum OneOfbody<'a> {
        pre_vote(PreVote),
        pre_vote_reply(PreVoteReply),
        request_vote(RequestVote),
        request_vote_reply(RequestVoteReply),
        append_entries(AppendEntries<'a>),
        append_entries_reply(AppendEntriesReply),
        install_snapshot(InstallSnapshot<'a>),
        install_snapshot_reply(InstallSnapshotReply),
        timeout_now(TimeoutNow),
        None,
    }

    impl<'a> Default for OneOfbody<'a> {
        fn default() -> Self {
            OneOfbody::None
        }
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct PreVote {
    pub last_log_index: u64,
    pub last_log_term: u64,
}

impl<'a> MessageRead<'a> for PreVote {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.last_log_index = r.read_uint64(bytes)?,
                Ok(16) => msg.last_log_term = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for PreVote {
    fn get_size(&self) -> usize {
        0 + if self.last_log_index == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.last_log_index) as u64)
        } + if self.last_log_term == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.last_log_term) as u64)
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.last_log_index != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.last_log_index))?;
        }
        if self.last_log_term != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.last_log_term))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct PreVoteReply {
    pub granted: bool,
}

impl<'a> MessageRead<'a> for PreVoteReply {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.granted = r.read_bool(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for PreVoteReply {
    fn get_size(&self) -> usize {
        0 + if self.granted == false { 0 } else { 1 + sizeof_varint(*(&self.granted) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.granted != false {
            w.write_with_tag(8, |w| w.write_bool(*&self.granted))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct RequestVote {
    pub last_log_index: u64,
    pub last_log_term: u64,
    pub lease_ns: u64,
    pub released: Option<Released>,
}

impl<'a> MessageRead<'a> for RequestVote {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.last_log_index = r.read_uint64(bytes)?,
                Ok(16) => msg.last_log_term = r.read_uint64(bytes)?,
                Ok(24) => msg.lease_ns = r.read_uint64(bytes)?,
                Ok(34) => msg.released = Some(r.read_message::<Released>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for RequestVote {
    fn get_size(&self) -> usize {
        0 + if self.last_log_index == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.last_log_index) as u64)
        } + if self.last_log_term == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.last_log_term) as u64)
        } + if self.lease_ns == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.lease_ns) as u64) }
            + self.released.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.last_log_index != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.last_log_index))?;
        }
        if self.last_log_term != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.last_log_term))?;
        }
        if self.lease_ns != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.lease_ns))?;
        }
        if let Some(ref s) = self.released {
            w.write_with_tag(34, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Released {
    pub node_id: u64,
}

impl<'a> MessageRead<'a> for Released {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.node_id = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for Released {
    fn get_size(&self) -> usize {
        0 + if self.node_id == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.node_id) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.node_id != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.node_id))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct RequestVoteReply {
    pub granted: bool,
    pub remaining: Vec<Promise>,
}

impl<'a> MessageRead<'a> for RequestVoteReply {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.granted = r.read_bool(bytes)?,
                Ok(18) => msg.remaining.push(r.read_message::<Promise>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for RequestVoteReply {
    fn get_size(&self) -> usize {
        0 + if self.granted == false { 0 } else { 1 + sizeof_varint(*(&self.granted) as u64) }
            + self.remaining.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.granted != false {
            w.write_with_tag(8, |w| w.write_bool(*&self.granted))?;
        }
        for s in &self.remaining {
            w.write_with_tag(18, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Promise {
    pub node_id: u64,
    pub left_ns: u64,
}

impl<'a> MessageRead<'a> for Promise {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.node_id = r.read_uint64(bytes)?,
                Ok(16) => msg.left_ns = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for Promise {
    fn get_size(&self) -> usize {
        0 + if self.node_id == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.node_id) as u64) }
            + if self.left_ns == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.left_ns) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.node_id != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.node_id))?;
        }
        if self.left_ns != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.left_ns))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct AppendEntries<'a> {
    pub prev_log_index: u64,
    pub prev_log_term: u64,
    pub leader_commit: u64,
    pub sent_at_ns: u64,
    pub lease_ns: u64,
    pub read_round: u64,
    pub entries: Vec<Entry<'a>>,
}

impl<'a> MessageRead<'a> for AppendEntries<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.prev_log_index = r.read_uint64(bytes)?,
                Ok(16) => msg.prev_log_term = r.read_uint64(bytes)?,
                Ok(24) => msg.leader_commit = r.read_uint64(bytes)?,
                Ok(32) => msg.sent_at_ns = r.read_uint64(bytes)?,
                Ok(40) => msg.lease_ns = r.read_uint64(bytes)?,
                Ok(48) => msg.read_round = r.read_uint64(bytes)?,
                Ok(58) => msg.entries.push(r.read_message::<Entry>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for AppendEntries<'a> {
    fn get_size(&self) -> usize {
        0 + if self.prev_log_index == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.prev_log_index) as u64)
        } + if self.prev_log_term == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.prev_log_term) as u64)
        } + if self.leader_commit == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.leader_commit) as u64)
        } + if self.sent_at_ns == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.sent_at_ns) as u64) }
            + if self.lease_ns == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.lease_ns) as u64) }
            + if self.read_round == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.read_round) as u64)
            }
            + self.entries.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.prev_log_index != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.prev_log_index))?;
        }
        if self.prev_log_term != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.prev_log_term))?;
        }
        if self.leader_commit != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.leader_commit))?;
        }
        if self.sent_at_ns != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.sent_at_ns))?;
        }
        if self.lease_ns != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.lease_ns))?;
        }
        if self.read_round != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.read_round))?;
        }
        for s in &self.entries {
            w.write_with_tag(58, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Entry<'a> {
    pub term: u64,
    pub at_ms: u64,
    pub kind: EntryKind,
    pub origin: Option<Origin>,
    pub command: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for Entry<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.term = r.read_uint64(bytes)?,
                Ok(16) => msg.at_ms = r.read_uint64(bytes)?,
                Ok(24) => msg.kind = r.read_enum(bytes)?,
                Ok(34) => msg.origin = Some(r.read_message::<Origin>(bytes)?),
                Ok(42) => msg.command = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Entry<'a> {
    fn get_size(&self) -> usize {
        0 + if self.term == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.term) as u64) }
            + if self.at_ms == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.at_ms) as u64) }
            + if self.kind == agora_raft_v1::EntryKind::ENTRY_KIND_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.kind) as u64)
            }
            + self.origin.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.command == Cow::Borrowed(b"") {
                0
            } else {
                1 + sizeof_len((&self.command).len())
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.term != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.term))?;
        }
        if self.at_ms != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.at_ms))?;
        }
        if self.kind != agora_raft_v1::EntryKind::ENTRY_KIND_UNSPECIFIED {
            w.write_with_tag(24, |w| w.write_enum(*&self.kind as i32))?;
        }
        if let Some(ref s) = self.origin {
            w.write_with_tag(34, |w| w.write_message(s))?;
        }
        if self.command != Cow::Borrowed(b"") {
            w.write_with_tag(42, |w| w.write_bytes(&**&self.command))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Origin {
    pub session: u64,
    pub sequence: u64,
    pub acknowledged: u64,
}

impl<'a> MessageRead<'a> for Origin {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.session = r.read_uint64(bytes)?,
                Ok(16) => msg.sequence = r.read_uint64(bytes)?,
                Ok(24) => msg.acknowledged = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for Origin {
    fn get_size(&self) -> usize {
        0 + if self.session == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.session) as u64) }
            + if self.sequence == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.sequence) as u64) }
            + if self.acknowledged == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.acknowledged) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.session != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.session))?;
        }
        if self.sequence != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.sequence))?;
        }
        if self.acknowledged != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.acknowledged))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct AppendEntriesReply {
    pub sent_at_ns: u64,
    pub read_round: u64,
    pub outcome: mod_AppendEntriesReply::OneOfoutcome,
}

impl<'a> MessageRead<'a> for AppendEntriesReply {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(32) => msg.sent_at_ns = r.read_uint64(bytes)?,
                Ok(40) => msg.read_round = r.read_uint64(bytes)?,
                Ok(10) => {
                    msg.outcome = mod_AppendEntriesReply::OneOfoutcome::matched(
                        r.read_message::<Matched>(bytes)?,
                    )
                }
                Ok(18) => {
                    msg.outcome = mod_AppendEntriesReply::OneOfoutcome::conflict(
                        r.read_message::<Conflict>(bytes)?,
                    )
                }
                Ok(26) => {
                    msg.outcome =
                        mod_AppendEntriesReply::OneOfoutcome::stale(r.read_message::<Stale>(bytes)?)
                }
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for AppendEntriesReply {
    fn get_size(&self) -> usize {
        0 + if self.sent_at_ns == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.sent_at_ns) as u64) }
            + if self.read_round == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.read_round) as u64)
            }
            + match self.outcome {
                mod_AppendEntriesReply::OneOfoutcome::matched(ref m) => {
                    1 + sizeof_len((m).get_size())
                }
                mod_AppendEntriesReply::OneOfoutcome::conflict(ref m) => {
                    1 + sizeof_len((m).get_size())
                }
                mod_AppendEntriesReply::OneOfoutcome::stale(ref m) => {
                    1 + sizeof_len((m).get_size())
                }
                mod_AppendEntriesReply::OneOfoutcome::None => 0,
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.sent_at_ns != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.sent_at_ns))?;
        }
        if self.read_round != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.read_round))?;
        }
        match self.outcome {
            mod_AppendEntriesReply::OneOfoutcome::matched(ref m) => {
                w.write_with_tag(10, |w| w.write_message(m))?
            }
            mod_AppendEntriesReply::OneOfoutcome::conflict(ref m) => {
                w.write_with_tag(18, |w| w.write_message(m))?
            }
            mod_AppendEntriesReply::OneOfoutcome::stale(ref m) => {
                w.write_with_tag(26, |w| w.write_message(m))?
            }
            mod_AppendEntriesReply::OneOfoutcome::None => {}
        }
        Ok(())
    }
}

pub mod mod_AppendEntriesReply {

    use super::*;

    #[derive(Debug, PartialEq, Clone)]
    pub enum OneOfoutcome {
        matched(Matched),
        conflict(Conflict),
        stale(Stale),
        None,
    }

    impl Default for OneOfoutcome {
        fn default() -> Self {
            OneOfoutcome::None
        }
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Matched {
    pub match_index: u64,
}

impl<'a> MessageRead<'a> for Matched {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.match_index = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for Matched {
    fn get_size(&self) -> usize {
        0 + if self.match_index == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.match_index) as u64)
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.match_index != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.match_index))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Conflict {
    pub prev_log_index: u64,
    pub conflict_term: u64,
    pub conflict_index: u64,
}

impl<'a> MessageRead<'a> for Conflict {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.prev_log_index = r.read_uint64(bytes)?,
                Ok(16) => msg.conflict_term = r.read_uint64(bytes)?,
                Ok(24) => msg.conflict_index = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for Conflict {
    fn get_size(&self) -> usize {
        0 + if self.prev_log_index == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.prev_log_index) as u64)
        } + if self.conflict_term == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.conflict_term) as u64)
        } + if self.conflict_index == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.conflict_index) as u64)
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.prev_log_index != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.prev_log_index))?;
        }
        if self.conflict_term != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.conflict_term))?;
        }
        if self.conflict_index != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.conflict_index))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Stale {}

impl<'a> MessageRead<'a> for Stale {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for Stale {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct SnapshotMark {
    pub index: u64,
    pub term: u64,
}

impl<'a> MessageRead<'a> for SnapshotMark {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.index = r.read_uint64(bytes)?,
                Ok(16) => msg.term = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for SnapshotMark {
    fn get_size(&self) -> usize {
        0 + if self.index == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.index) as u64) }
            + if self.term == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.term) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.index != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.index))?;
        }
        if self.term != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.term))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct InstallSnapshot<'a> {
    pub snapshot: Option<SnapshotMark>,
    pub offset: u64,
    pub data: Cow<'a, [u8]>,
    pub is_last: bool,
    pub sent_at_ns: u64,
    pub lease_ns: u64,
}

impl<'a> MessageRead<'a> for InstallSnapshot<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.snapshot = Some(r.read_message::<SnapshotMark>(bytes)?),
                Ok(16) => msg.offset = r.read_uint64(bytes)?,
                Ok(26) => msg.data = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(32) => msg.is_last = r.read_bool(bytes)?,
                Ok(40) => msg.sent_at_ns = r.read_uint64(bytes)?,
                Ok(48) => msg.lease_ns = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for InstallSnapshot<'a> {
    fn get_size(&self) -> usize {
        0 + self.snapshot.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.offset == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.offset) as u64) }
            + if self.data == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.data).len()) }
            + if self.is_last == false { 0 } else { 1 + sizeof_varint(*(&self.is_last) as u64) }
            + if self.sent_at_ns == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.sent_at_ns) as u64)
            }
            + if self.lease_ns == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.lease_ns) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.snapshot {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.offset != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.offset))?;
        }
        if self.data != Cow::Borrowed(b"") {
            w.write_with_tag(26, |w| w.write_bytes(&**&self.data))?;
        }
        if self.is_last != false {
            w.write_with_tag(32, |w| w.write_bool(*&self.is_last))?;
        }
        if self.sent_at_ns != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.sent_at_ns))?;
        }
        if self.lease_ns != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.lease_ns))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct InstallSnapshotReply {
    pub snapshot: Option<SnapshotMark>,
    pub next_offset: u64,
    pub is_installed: bool,
    pub sent_at_ns: u64,
}

impl<'a> MessageRead<'a> for InstallSnapshotReply {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.snapshot = Some(r.read_message::<SnapshotMark>(bytes)?),
                Ok(16) => msg.next_offset = r.read_uint64(bytes)?,
                Ok(24) => msg.is_installed = r.read_bool(bytes)?,
                Ok(32) => msg.sent_at_ns = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for InstallSnapshotReply {
    fn get_size(&self) -> usize {
        0 + self.snapshot.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.next_offset == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.next_offset) as u64)
            }
            + if self.is_installed == false {
                0
            } else {
                1 + sizeof_varint(*(&self.is_installed) as u64)
            }
            + if self.sent_at_ns == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.sent_at_ns) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.snapshot {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.next_offset != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.next_offset))?;
        }
        if self.is_installed != false {
            w.write_with_tag(24, |w| w.write_bool(*&self.is_installed))?;
        }
        if self.sent_at_ns != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.sent_at_ns))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct TimeoutNow {}

impl<'a> MessageRead<'a> for TimeoutNow {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for TimeoutNow {}

use crate::protobuf::{Checked, Field, Kind, Shape, Width};

static EXCHANGE_REQUEST: Shape = Shape::new(
    "agora.raft.v1.ExchangeRequest",
    size_of::<ExchangeRequest<'_>>(),
    &[Field::one(1, Kind::Message(&HELLO)), Field::one(2, Kind::Message(&MESSAGE))],
);
impl Checked for ExchangeRequest<'_> {
    const SHAPE: &'static Shape = &EXCHANGE_REQUEST;
}

static EXCHANGE_RESPONSE: Shape = Shape::new(
    "agora.raft.v1.ExchangeResponse",
    size_of::<ExchangeResponse<'_>>(),
    &[Field::one(1, Kind::Message(&HELLO)), Field::one(2, Kind::Message(&MESSAGE))],
);
impl Checked for ExchangeResponse<'_> {
    const SHAPE: &'static Shape = &EXCHANGE_RESPONSE;
}

static HELLO: Shape = Shape::new(
    "agora.raft.v1.Hello",
    size_of::<Hello<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Unsigned32)),
        Field::one(2, Kind::Varint(Width::Unsigned32)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Text),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Varint(Width::Bits64)),
        Field::one(7, Kind::Message(&INTRODUCTION)),
        Field::many(8, Kind::Message(&MEMBER)),
    ],
);
impl Checked for Hello<'_> {
    const SHAPE: &'static Shape = &HELLO;
}

static MEMBER: Shape = Shape::new(
    "agora.raft.v1.Member",
    size_of::<Member<'_>>(),
    &[Field::one(1, Kind::Varint(Width::Bits64)), Field::one(2, Kind::Text)],
);
impl Checked for Member<'_> {
    const SHAPE: &'static Shape = &MEMBER;
}

static INTRODUCTION: Shape = Shape::new(
    "agora.raft.v1.Introduction",
    size_of::<Introduction>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Varint(Width::Signed32)),
        Field::many(7, Kind::Message(&REMEMBERED)),
        Field::one(8, Kind::Varint(Width::Bits64)),
        Field::one(9, Kind::Varint(Width::Unsigned32)),
        Field::one(10, Kind::Varint(Width::Bits64)),
        Field::one(11, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Introduction {
    const SHAPE: &'static Shape = &INTRODUCTION;
}

static REMEMBERED: Shape = Shape::new(
    "agora.raft.v1.Remembered",
    size_of::<Remembered>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Signed32)),
    ],
);
impl Checked for Remembered {
    const SHAPE: &'static Shape = &REMEMBERED;
}

static MESSAGE: Shape = Shape::new(
    "agora.raft.v1.Message",
    size_of::<Message<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Message(&PRE_VOTE)),
        Field::one(3, Kind::Message(&PRE_VOTE_REPLY)),
        Field::one(4, Kind::Message(&REQUEST_VOTE)),
        Field::one(5, Kind::Message(&REQUEST_VOTE_REPLY)),
        Field::one(6, Kind::Message(&APPEND_ENTRIES)),
        Field::one(7, Kind::Message(&APPEND_ENTRIES_REPLY)),
        Field::one(8, Kind::Message(&INSTALL_SNAPSHOT)),
        Field::one(9, Kind::Message(&INSTALL_SNAPSHOT_REPLY)),
        Field::one(10, Kind::Message(&TIMEOUT_NOW)),
    ],
);
impl Checked for Message<'_> {
    const SHAPE: &'static Shape = &MESSAGE;
}

static PRE_VOTE: Shape = Shape::new(
    "agora.raft.v1.PreVote",
    size_of::<PreVote>(),
    &[Field::one(1, Kind::Varint(Width::Bits64)), Field::one(2, Kind::Varint(Width::Bits64))],
);
impl Checked for PreVote {
    const SHAPE: &'static Shape = &PRE_VOTE;
}

static PRE_VOTE_REPLY: Shape = Shape::new(
    "agora.raft.v1.PreVoteReply",
    size_of::<PreVoteReply>(),
    &[Field::one(1, Kind::Varint(Width::Unsigned32))],
);
impl Checked for PreVoteReply {
    const SHAPE: &'static Shape = &PRE_VOTE_REPLY;
}

static REQUEST_VOTE: Shape = Shape::new(
    "agora.raft.v1.RequestVote",
    size_of::<RequestVote>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Message(&RELEASED)),
    ],
);
impl Checked for RequestVote {
    const SHAPE: &'static Shape = &REQUEST_VOTE;
}

static RELEASED: Shape = Shape::new(
    "agora.raft.v1.Released",
    size_of::<Released>(),
    &[Field::one(1, Kind::Varint(Width::Bits64))],
);
impl Checked for Released {
    const SHAPE: &'static Shape = &RELEASED;
}

static REQUEST_VOTE_REPLY: Shape = Shape::new(
    "agora.raft.v1.RequestVoteReply",
    size_of::<RequestVoteReply>(),
    &[Field::one(1, Kind::Varint(Width::Unsigned32)), Field::many(2, Kind::Message(&PROMISE))],
);
impl Checked for RequestVoteReply {
    const SHAPE: &'static Shape = &REQUEST_VOTE_REPLY;
}

static PROMISE: Shape = Shape::new(
    "agora.raft.v1.Promise",
    size_of::<Promise>(),
    &[Field::one(1, Kind::Varint(Width::Bits64)), Field::one(2, Kind::Varint(Width::Bits64))],
);
impl Checked for Promise {
    const SHAPE: &'static Shape = &PROMISE;
}

static APPEND_ENTRIES: Shape = Shape::new(
    "agora.raft.v1.AppendEntries",
    size_of::<AppendEntries<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Varint(Width::Bits64)),
        Field::many(7, Kind::Message(&ENTRY)),
    ],
);
impl Checked for AppendEntries<'_> {
    const SHAPE: &'static Shape = &APPEND_ENTRIES;
}

static ENTRY: Shape = Shape::new(
    "agora.raft.v1.Entry",
    size_of::<Entry<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Signed32)),
        Field::one(4, Kind::Message(&ORIGIN)),
        Field::one(5, Kind::Bytes),
    ],
);
impl Checked for Entry<'_> {
    const SHAPE: &'static Shape = &ENTRY;
}

static ORIGIN: Shape = Shape::new(
    "agora.raft.v1.Origin",
    size_of::<Origin>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Origin {
    const SHAPE: &'static Shape = &ORIGIN;
}

static APPEND_ENTRIES_REPLY: Shape = Shape::new(
    "agora.raft.v1.AppendEntriesReply",
    size_of::<AppendEntriesReply>(),
    &[
        Field::one(1, Kind::Message(&MATCHED)),
        Field::one(2, Kind::Message(&CONFLICT)),
        Field::one(3, Kind::Message(&STALE)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for AppendEntriesReply {
    const SHAPE: &'static Shape = &APPEND_ENTRIES_REPLY;
}

static MATCHED: Shape = Shape::new(
    "agora.raft.v1.Matched",
    size_of::<Matched>(),
    &[Field::one(1, Kind::Varint(Width::Bits64))],
);
impl Checked for Matched {
    const SHAPE: &'static Shape = &MATCHED;
}

static CONFLICT: Shape = Shape::new(
    "agora.raft.v1.Conflict",
    size_of::<Conflict>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Conflict {
    const SHAPE: &'static Shape = &CONFLICT;
}

static STALE: Shape = Shape::new("agora.raft.v1.Stale", size_of::<Stale>(), &[]);
impl Checked for Stale {
    const SHAPE: &'static Shape = &STALE;
}

static SNAPSHOT_MARK: Shape = Shape::new(
    "agora.raft.v1.SnapshotMark",
    size_of::<SnapshotMark>(),
    &[Field::one(1, Kind::Varint(Width::Bits64)), Field::one(2, Kind::Varint(Width::Bits64))],
);
impl Checked for SnapshotMark {
    const SHAPE: &'static Shape = &SNAPSHOT_MARK;
}

static INSTALL_SNAPSHOT: Shape = Shape::new(
    "agora.raft.v1.InstallSnapshot",
    size_of::<InstallSnapshot<'_>>(),
    &[
        Field::one(1, Kind::Message(&SNAPSHOT_MARK)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Bytes),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for InstallSnapshot<'_> {
    const SHAPE: &'static Shape = &INSTALL_SNAPSHOT;
}

static INSTALL_SNAPSHOT_REPLY: Shape = Shape::new(
    "agora.raft.v1.InstallSnapshotReply",
    size_of::<InstallSnapshotReply>(),
    &[
        Field::one(1, Kind::Message(&SNAPSHOT_MARK)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Unsigned32)),
        Field::one(4, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for InstallSnapshotReply {
    const SHAPE: &'static Shape = &INSTALL_SNAPSHOT_REPLY;
}

static TIMEOUT_NOW: Shape = Shape::new("agora.raft.v1.TimeoutNow", size_of::<TimeoutNow>(), &[]);
impl Checked for TimeoutNow {
    const SHAPE: &'static Shape = &TIMEOUT_NOW;
}

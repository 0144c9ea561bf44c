//! Messages of package `agora.kv.v1`.

use super::*;
use quick_protobuf::sizeofs::*;
use quick_protobuf::{
    BytesReader, MessageInfo, MessageRead, MessageWrite, Result, Writer, WriterBackend,
};
use std::borrow::Cow;

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Consistency {
    CONSISTENCY_UNSPECIFIED = 0,
    CONSISTENCY_LINEARIZABLE = 1,
    CONSISTENCY_STALE = 2,
}

impl Default for Consistency {
    fn default() -> Self {
        Consistency::CONSISTENCY_UNSPECIFIED
    }
}

impl From<i32> for Consistency {
    fn from(i: i32) -> Self {
        match i {
            0 => Consistency::CONSISTENCY_UNSPECIFIED,
            1 => Consistency::CONSISTENCY_LINEARIZABLE,
            2 => Consistency::CONSISTENCY_STALE,
            _ => Self::default(),
        }
    }
}

impl<'a> From<&'a str> for Consistency {
    fn from(s: &'a str) -> Self {
        match s {
            "CONSISTENCY_UNSPECIFIED" => Consistency::CONSISTENCY_UNSPECIFIED,
            "CONSISTENCY_LINEARIZABLE" => Consistency::CONSISTENCY_LINEARIZABLE,
            "CONSISTENCY_STALE" => Consistency::CONSISTENCY_STALE,
            _ => Self::default(),
        }
    }
}

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

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Pair<'a> {
    pub key: Cow<'a, [u8]>,
    pub value: Cow<'a, [u8]>,
    pub modified_revision: u64,
    pub created_revision: u64,
}

impl<'a> MessageRead<'a> for Pair<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.key = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.value = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.modified_revision = r.read_uint64(bytes)?,
                Ok(32) => msg.created_revision = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Pair<'a> {
    fn get_size(&self) -> usize {
        0 + if self.key == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.key).len()) }
            + if self.value == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.value).len()) }
            + if self.modified_revision == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.modified_revision) as u64)
            }
            + if self.created_revision == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.created_revision) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.key != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.key))?;
        }
        if self.value != Cow::Borrowed(b"") {
            w.write_with_tag(18, |w| w.write_bytes(&**&self.value))?;
        }
        if self.modified_revision != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.modified_revision))?;
        }
        if self.created_revision != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.created_revision))?;
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
pub struct Value<'a> {
    pub value: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for Value<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.value = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Value<'a> {
    fn get_size(&self) -> usize {
        0 + if self.value == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.value).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.value != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.value))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct GetRequest<'a> {
    pub key: Cow<'a, [u8]>,
    pub consistency: Consistency,
}

impl<'a> MessageRead<'a> for GetRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.key = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.consistency = r.read_enum(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for GetRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.key == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.key).len()) }
            + if self.consistency == agora_kv_v1::Consistency::CONSISTENCY_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.consistency) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.key != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.key))?;
        }
        if self.consistency != agora_kv_v1::Consistency::CONSISTENCY_UNSPECIFIED {
            w.write_with_tag(16, |w| w.write_enum(*&self.consistency as i32))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct GetResponse<'a> {
    pub pair: Option<Pair<'a>>,
}

impl<'a> MessageRead<'a> for GetResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.pair = Some(r.read_message::<Pair>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for GetResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.pair.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.pair {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct SetRequest<'a> {
    pub key: Cow<'a, [u8]>,
    pub value: Cow<'a, [u8]>,
    pub origin: Option<Origin>,
}

impl<'a> MessageRead<'a> for SetRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.key = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.value = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(26) => msg.origin = Some(r.read_message::<Origin>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for SetRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.key == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.key).len()) }
            + if self.value == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.value).len()) }
            + self.origin.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.key != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.key))?;
        }
        if self.value != Cow::Borrowed(b"") {
            w.write_with_tag(18, |w| w.write_bytes(&**&self.value))?;
        }
        if let Some(ref s) = self.origin {
            w.write_with_tag(26, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct SetResponse {
    pub revision: u64,
}

impl<'a> MessageRead<'a> for SetResponse {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.revision = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for SetResponse {
    fn get_size(&self) -> usize {
        0 + if self.revision == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.revision) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.revision != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.revision))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct DeleteRequest<'a> {
    pub key: Cow<'a, [u8]>,
    pub origin: Option<Origin>,
}

impl<'a> MessageRead<'a> for DeleteRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.key = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.origin = Some(r.read_message::<Origin>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for DeleteRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.key == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.key).len()) }
            + self.origin.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.key != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.key))?;
        }
        if let Some(ref s) = self.origin {
            w.write_with_tag(18, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct DeleteResponse {
    pub deleted: bool,
    pub revision: u64,
}

impl<'a> MessageRead<'a> for DeleteResponse {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.deleted = r.read_bool(bytes)?,
                Ok(16) => msg.revision = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for DeleteResponse {
    fn get_size(&self) -> usize {
        0 + if self.deleted == false { 0 } else { 1 + sizeof_varint(*(&self.deleted) as u64) }
            + if self.revision == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.revision) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.deleted != false {
            w.write_with_tag(8, |w| w.write_bool(*&self.deleted))?;
        }
        if self.revision != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.revision))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct CompareAndSetRequest<'a> {
    pub key: Cow<'a, [u8]>,
    pub old: Option<Value<'a>>,
    pub new: Cow<'a, [u8]>,
    pub origin: Option<Origin>,
}

impl<'a> MessageRead<'a> for CompareAndSetRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.key = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.old = Some(r.read_message::<Value>(bytes)?),
                Ok(26) => msg.new = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(34) => msg.origin = Some(r.read_message::<Origin>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for CompareAndSetRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.key == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.key).len()) }
            + self.old.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.new == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.new).len()) }
            + self.origin.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.key != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.key))?;
        }
        if let Some(ref s) = self.old {
            w.write_with_tag(18, |w| w.write_message(s))?;
        }
        if self.new != Cow::Borrowed(b"") {
            w.write_with_tag(26, |w| w.write_bytes(&**&self.new))?;
        }
        if let Some(ref s) = self.origin {
            w.write_with_tag(34, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct CompareAndSetResponse {
    pub is_set: bool,
    pub revision: u64,
}

impl<'a> MessageRead<'a> for CompareAndSetResponse {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.is_set = r.read_bool(bytes)?,
                Ok(16) => msg.revision = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for CompareAndSetResponse {
    fn get_size(&self) -> usize {
        0 + if self.is_set == false { 0 } else { 1 + sizeof_varint(*(&self.is_set) as u64) }
            + if self.revision == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.revision) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.is_set != false {
            w.write_with_tag(8, |w| w.write_bool(*&self.is_set))?;
        }
        if self.revision != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.revision))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ScanRequest<'a> {
    pub prefix: Cow<'a, [u8]>,
    pub after: Cow<'a, [u8]>,
    pub limit: u32,
    pub consistency: Consistency,
    pub keys_only: bool,
    pub count_only: bool,
}

impl<'a> MessageRead<'a> for ScanRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.prefix = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.after = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.limit = r.read_uint32(bytes)?,
                Ok(32) => msg.consistency = r.read_enum(bytes)?,
                Ok(40) => msg.keys_only = r.read_bool(bytes)?,
                Ok(48) => msg.count_only = r.read_bool(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ScanRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.prefix == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.prefix).len()) }
            + if self.after == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.after).len()) }
            + if self.limit == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.limit) as u64) }
            + if self.consistency == agora_kv_v1::Consistency::CONSISTENCY_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.consistency) as u64)
            }
            + if self.keys_only == false { 0 } else { 1 + sizeof_varint(*(&self.keys_only) as u64) }
            + if self.count_only == false {
                0
            } else {
                1 + sizeof_varint(*(&self.count_only) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.prefix != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.prefix))?;
        }
        if self.after != Cow::Borrowed(b"") {
            w.write_with_tag(18, |w| w.write_bytes(&**&self.after))?;
        }
        if self.limit != 0u32 {
            w.write_with_tag(24, |w| w.write_uint32(*&self.limit))?;
        }
        if self.consistency != agora_kv_v1::Consistency::CONSISTENCY_UNSPECIFIED {
            w.write_with_tag(32, |w| w.write_enum(*&self.consistency as i32))?;
        }
        if self.keys_only != false {
            w.write_with_tag(40, |w| w.write_bool(*&self.keys_only))?;
        }
        if self.count_only != false {
            w.write_with_tag(48, |w| w.write_bool(*&self.count_only))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ScanResponse<'a> {
    pub pairs: Vec<Pair<'a>>,
    pub has_more: bool,
    pub count: u64,
    pub revision: u64,
}

impl<'a> MessageRead<'a> for ScanResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.pairs.push(r.read_message::<Pair>(bytes)?),
                Ok(16) => msg.has_more = r.read_bool(bytes)?,
                Ok(24) => msg.count = r.read_uint64(bytes)?,
                Ok(32) => msg.revision = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ScanResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.pairs.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.has_more == false { 0 } else { 1 + sizeof_varint(*(&self.has_more) as u64) }
            + if self.count == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.count) as u64) }
            + if self.revision == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.revision) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.pairs {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.has_more != false {
            w.write_with_tag(16, |w| w.write_bool(*&self.has_more))?;
        }
        if self.count != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.count))?;
        }
        if self.revision != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.revision))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct WatchRequest<'a> {
    pub prefix: Cow<'a, [u8]>,
    pub start: Option<WatchStart>,
}

impl<'a> MessageRead<'a> for WatchRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.prefix = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.start = Some(r.read_message::<WatchStart>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for WatchRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.prefix == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.prefix).len()) }
            + self.start.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.prefix != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.prefix))?;
        }
        if let Some(ref s) = self.start {
            w.write_with_tag(18, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct WatchStart {
    pub after_revision: u64,
}

impl<'a> MessageRead<'a> for WatchStart {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.after_revision = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for WatchStart {
    fn get_size(&self) -> usize {
        0 + if self.after_revision == 0u64 {
            0
        } else {
            1 + sizeof_varint(*(&self.after_revision) as u64)
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.after_revision != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.after_revision))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Change<'a> {
    pub key: Cow<'a, [u8]>,
    pub value: Option<Value<'a>>,
    pub revision: u64,
    pub created_revision: u64,
}

impl<'a> MessageRead<'a> for Change<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.key = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.value = Some(r.read_message::<Value>(bytes)?),
                Ok(24) => msg.revision = r.read_uint64(bytes)?,
                Ok(32) => msg.created_revision = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Change<'a> {
    fn get_size(&self) -> usize {
        0 + if self.key == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.key).len()) }
            + self.value.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.revision == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.revision) as u64) }
            + if self.created_revision == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.created_revision) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.key != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.key))?;
        }
        if let Some(ref s) = self.value {
            w.write_with_tag(18, |w| w.write_message(s))?;
        }
        if self.revision != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.revision))?;
        }
        if self.created_revision != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.created_revision))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct WatchResponse<'a> {
    pub changes: Vec<Change<'a>>,
    pub revision: u64,
}

impl<'a> MessageRead<'a> for WatchResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.changes.push(r.read_message::<Change>(bytes)?),
                Ok(16) => msg.revision = r.read_uint64(bytes)?,
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
        0 + self.changes.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.revision == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.revision) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.changes {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.revision != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.revision))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct StatusRequest {}

impl<'a> MessageRead<'a> for StatusRequest {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for StatusRequest {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct StatusResponse<'a> {
    pub node: u64,
    pub role: Role,
    pub leader: Option<Peer<'a>>,
    pub term: u64,
    pub commit_index: u64,
    pub applied_index: u64,
    pub lease_remaining_ms: u64,
    pub peers: Vec<PeerStatus<'a>>,
    pub keys: u64,
    pub oldest_watch_revision: u64,
    pub size_bytes: u64,
    pub quota_bytes: u64,
    pub is_full: bool,
}

impl<'a> MessageRead<'a> for StatusResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.node = r.read_uint64(bytes)?,
                Ok(16) => msg.role = r.read_enum(bytes)?,
                Ok(26) => msg.leader = Some(r.read_message::<Peer>(bytes)?),
                Ok(32) => msg.term = r.read_uint64(bytes)?,
                Ok(40) => msg.commit_index = r.read_uint64(bytes)?,
                Ok(48) => msg.applied_index = r.read_uint64(bytes)?,
                Ok(56) => msg.lease_remaining_ms = r.read_uint64(bytes)?,
                Ok(66) => msg.peers.push(r.read_message::<PeerStatus>(bytes)?),
                Ok(72) => msg.keys = r.read_uint64(bytes)?,
                Ok(80) => msg.oldest_watch_revision = r.read_uint64(bytes)?,
                Ok(88) => msg.size_bytes = r.read_uint64(bytes)?,
                Ok(96) => msg.quota_bytes = r.read_uint64(bytes)?,
                Ok(104) => msg.is_full = r.read_bool(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for StatusResponse<'a> {
    fn get_size(&self) -> usize {
        0 + if self.node == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.node) as u64) }
            + if self.role == agora_kv_v1::Role::ROLE_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.role) as u64)
            }
            + self.leader.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.term == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.term) as u64) }
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
            + if self.lease_remaining_ms == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.lease_remaining_ms) as u64)
            }
            + self.peers.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.keys == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.keys) as u64) }
            + if self.oldest_watch_revision == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.oldest_watch_revision) as u64)
            }
            + if self.size_bytes == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.size_bytes) as u64)
            }
            + if self.quota_bytes == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.quota_bytes) as u64)
            }
            + if self.is_full == false { 0 } else { 1 + sizeof_varint(*(&self.is_full) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.node != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.node))?;
        }
        if self.role != agora_kv_v1::Role::ROLE_UNSPECIFIED {
            w.write_with_tag(16, |w| w.write_enum(*&self.role as i32))?;
        }
        if let Some(ref s) = self.leader {
            w.write_with_tag(26, |w| w.write_message(s))?;
        }
        if self.term != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.term))?;
        }
        if self.commit_index != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.commit_index))?;
        }
        if self.applied_index != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.applied_index))?;
        }
        if self.lease_remaining_ms != 0u64 {
            w.write_with_tag(56, |w| w.write_uint64(*&self.lease_remaining_ms))?;
        }
        for s in &self.peers {
            w.write_with_tag(66, |w| w.write_message(s))?;
        }
        if self.keys != 0u64 {
            w.write_with_tag(72, |w| w.write_uint64(*&self.keys))?;
        }
        if self.oldest_watch_revision != 0u64 {
            w.write_with_tag(80, |w| w.write_uint64(*&self.oldest_watch_revision))?;
        }
        if self.size_bytes != 0u64 {
            w.write_with_tag(88, |w| w.write_uint64(*&self.size_bytes))?;
        }
        if self.quota_bytes != 0u64 {
            w.write_with_tag(96, |w| w.write_uint64(*&self.quota_bytes))?;
        }
        if self.is_full != false {
            w.write_with_tag(104, |w| w.write_bool(*&self.is_full))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Peer<'a> {
    pub node: u64,
    pub address: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for Peer<'a> {
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

impl<'a> MessageWrite for Peer<'a> {
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
pub struct PeerStatus<'a> {
    pub peer: Option<Peer<'a>>,
    pub match_index: u64,
    pub lag: u64,
    pub last_heard: Option<LastHeard>,
}

impl<'a> MessageRead<'a> for PeerStatus<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.peer = Some(r.read_message::<Peer>(bytes)?),
                Ok(16) => msg.match_index = r.read_uint64(bytes)?,
                Ok(24) => msg.lag = r.read_uint64(bytes)?,
                Ok(34) => msg.last_heard = Some(r.read_message::<LastHeard>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for PeerStatus<'a> {
    fn get_size(&self) -> usize {
        0 + self.peer.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.match_index == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.match_index) as u64)
            }
            + if self.lag == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.lag) as u64) }
            + self.last_heard.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.peer {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.match_index != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.match_index))?;
        }
        if self.lag != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.lag))?;
        }
        if let Some(ref s) = self.last_heard {
            w.write_with_tag(34, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct LastHeard {
    pub ago_ms: u64,
}

impl<'a> MessageRead<'a> for LastHeard {
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

impl MessageWrite for LastHeard {
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
pub struct TransferLeadershipRequest {
    pub node: u64,
}

impl<'a> MessageRead<'a> for TransferLeadershipRequest {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.node = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for TransferLeadershipRequest {
    fn get_size(&self) -> usize {
        0 + if self.node == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.node) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.node != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.node))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct TransferLeadershipResponse {}

impl<'a> MessageRead<'a> for TransferLeadershipResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for TransferLeadershipResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct OpenSessionRequest {}

impl<'a> MessageRead<'a> for OpenSessionRequest {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for OpenSessionRequest {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct OpenSessionResponse {
    pub session: u64,
}

impl<'a> MessageRead<'a> for OpenSessionResponse {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.session = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for OpenSessionResponse {
    fn get_size(&self) -> usize {
        0 + if self.session == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.session) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.session != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.session))?;
        }
        Ok(())
    }
}

use crate::protobuf::{Checked, Field, Kind, Shape, Width};

static PAIR: Shape = Shape::new(
    "agora.kv.v1.Pair",
    size_of::<Pair<'_>>(),
    &[
        Field::one(1, Kind::Bytes),
        Field::one(2, Kind::Bytes),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Pair<'_> {
    const SHAPE: &'static Shape = &PAIR;
}

static ORIGIN: Shape = Shape::new(
    "agora.kv.v1.Origin",
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

static VALUE: Shape =
    Shape::new("agora.kv.v1.Value", size_of::<Value<'_>>(), &[Field::one(1, Kind::Bytes)]);
impl Checked for Value<'_> {
    const SHAPE: &'static Shape = &VALUE;
}

static GET_REQUEST: Shape = Shape::new(
    "agora.kv.v1.GetRequest",
    size_of::<GetRequest<'_>>(),
    &[Field::one(1, Kind::Bytes), Field::one(2, Kind::Varint(Width::Signed32))],
);
impl Checked for GetRequest<'_> {
    const SHAPE: &'static Shape = &GET_REQUEST;
}

static GET_RESPONSE: Shape = Shape::new(
    "agora.kv.v1.GetResponse",
    size_of::<GetResponse<'_>>(),
    &[Field::one(1, Kind::Message(&PAIR))],
);
impl Checked for GetResponse<'_> {
    const SHAPE: &'static Shape = &GET_RESPONSE;
}

static SET_REQUEST: Shape = Shape::new(
    "agora.kv.v1.SetRequest",
    size_of::<SetRequest<'_>>(),
    &[
        Field::one(1, Kind::Bytes),
        Field::one(2, Kind::Bytes),
        Field::one(3, Kind::Message(&ORIGIN)),
    ],
);
impl Checked for SetRequest<'_> {
    const SHAPE: &'static Shape = &SET_REQUEST;
}

static SET_RESPONSE: Shape = Shape::new(
    "agora.kv.v1.SetResponse",
    size_of::<SetResponse>(),
    &[Field::one(1, Kind::Varint(Width::Bits64))],
);
impl Checked for SetResponse {
    const SHAPE: &'static Shape = &SET_RESPONSE;
}

static DELETE_REQUEST: Shape = Shape::new(
    "agora.kv.v1.DeleteRequest",
    size_of::<DeleteRequest<'_>>(),
    &[Field::one(1, Kind::Bytes), Field::one(2, Kind::Message(&ORIGIN))],
);
impl Checked for DeleteRequest<'_> {
    const SHAPE: &'static Shape = &DELETE_REQUEST;
}

static DELETE_RESPONSE: Shape = Shape::new(
    "agora.kv.v1.DeleteResponse",
    size_of::<DeleteResponse>(),
    &[Field::one(1, Kind::Varint(Width::Unsigned32)), Field::one(2, Kind::Varint(Width::Bits64))],
);
impl Checked for DeleteResponse {
    const SHAPE: &'static Shape = &DELETE_RESPONSE;
}

static COMPARE_AND_SET_REQUEST: Shape = Shape::new(
    "agora.kv.v1.CompareAndSetRequest",
    size_of::<CompareAndSetRequest<'_>>(),
    &[
        Field::one(1, Kind::Bytes),
        Field::one(2, Kind::Message(&VALUE)),
        Field::one(3, Kind::Bytes),
        Field::one(4, Kind::Message(&ORIGIN)),
    ],
);
impl Checked for CompareAndSetRequest<'_> {
    const SHAPE: &'static Shape = &COMPARE_AND_SET_REQUEST;
}

static COMPARE_AND_SET_RESPONSE: Shape = Shape::new(
    "agora.kv.v1.CompareAndSetResponse",
    size_of::<CompareAndSetResponse>(),
    &[Field::one(1, Kind::Varint(Width::Unsigned32)), Field::one(2, Kind::Varint(Width::Bits64))],
);
impl Checked for CompareAndSetResponse {
    const SHAPE: &'static Shape = &COMPARE_AND_SET_RESPONSE;
}

static SCAN_REQUEST: Shape = Shape::new(
    "agora.kv.v1.ScanRequest",
    size_of::<ScanRequest<'_>>(),
    &[
        Field::one(1, Kind::Bytes),
        Field::one(2, Kind::Bytes),
        Field::one(3, Kind::Varint(Width::Unsigned32)),
        Field::one(4, Kind::Varint(Width::Signed32)),
        Field::one(5, Kind::Varint(Width::Unsigned32)),
        Field::one(6, Kind::Varint(Width::Unsigned32)),
    ],
);
impl Checked for ScanRequest<'_> {
    const SHAPE: &'static Shape = &SCAN_REQUEST;
}

static SCAN_RESPONSE: Shape = Shape::new(
    "agora.kv.v1.ScanResponse",
    size_of::<ScanResponse<'_>>(),
    &[
        Field::many(1, Kind::Message(&PAIR)),
        Field::one(2, Kind::Varint(Width::Unsigned32)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for ScanResponse<'_> {
    const SHAPE: &'static Shape = &SCAN_RESPONSE;
}

static WATCH_REQUEST: Shape = Shape::new(
    "agora.kv.v1.WatchRequest",
    size_of::<WatchRequest<'_>>(),
    &[Field::one(1, Kind::Bytes), Field::one(2, Kind::Message(&WATCH_START))],
);
impl Checked for WatchRequest<'_> {
    const SHAPE: &'static Shape = &WATCH_REQUEST;
}

static WATCH_START: Shape = Shape::new(
    "agora.kv.v1.WatchStart",
    size_of::<WatchStart>(),
    &[Field::one(1, Kind::Varint(Width::Bits64))],
);
impl Checked for WatchStart {
    const SHAPE: &'static Shape = &WATCH_START;
}

static CHANGE: Shape = Shape::new(
    "agora.kv.v1.Change",
    size_of::<Change<'_>>(),
    &[
        Field::one(1, Kind::Bytes),
        Field::one(2, Kind::Message(&VALUE)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Change<'_> {
    const SHAPE: &'static Shape = &CHANGE;
}

static WATCH_RESPONSE: Shape = Shape::new(
    "agora.kv.v1.WatchResponse",
    size_of::<WatchResponse<'_>>(),
    &[Field::many(1, Kind::Message(&CHANGE)), Field::one(2, Kind::Varint(Width::Bits64))],
);
impl Checked for WatchResponse<'_> {
    const SHAPE: &'static Shape = &WATCH_RESPONSE;
}

static STATUS_REQUEST: Shape =
    Shape::new("agora.kv.v1.StatusRequest", size_of::<StatusRequest>(), &[]);
impl Checked for StatusRequest {
    const SHAPE: &'static Shape = &STATUS_REQUEST;
}

static STATUS_RESPONSE: Shape = Shape::new(
    "agora.kv.v1.StatusResponse",
    size_of::<StatusResponse<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Signed32)),
        Field::one(3, Kind::Message(&PEER)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Varint(Width::Bits64)),
        Field::one(7, Kind::Varint(Width::Bits64)),
        Field::many(8, Kind::Message(&PEER_STATUS)),
        Field::one(9, Kind::Varint(Width::Bits64)),
        Field::one(10, Kind::Varint(Width::Bits64)),
        Field::one(11, Kind::Varint(Width::Bits64)),
        Field::one(12, Kind::Varint(Width::Bits64)),
        Field::one(13, Kind::Varint(Width::Unsigned32)),
    ],
);
impl Checked for StatusResponse<'_> {
    const SHAPE: &'static Shape = &STATUS_RESPONSE;
}

static PEER: Shape = Shape::new(
    "agora.kv.v1.Peer",
    size_of::<Peer<'_>>(),
    &[Field::one(1, Kind::Varint(Width::Bits64)), Field::one(2, Kind::Text)],
);
impl Checked for Peer<'_> {
    const SHAPE: &'static Shape = &PEER;
}

static PEER_STATUS: Shape = Shape::new(
    "agora.kv.v1.PeerStatus",
    size_of::<PeerStatus<'_>>(),
    &[
        Field::one(1, Kind::Message(&PEER)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Message(&LAST_HEARD)),
    ],
);
impl Checked for PeerStatus<'_> {
    const SHAPE: &'static Shape = &PEER_STATUS;
}

static LAST_HEARD: Shape = Shape::new(
    "agora.kv.v1.LastHeard",
    size_of::<LastHeard>(),
    &[Field::one(1, Kind::Varint(Width::Bits64))],
);
impl Checked for LastHeard {
    const SHAPE: &'static Shape = &LAST_HEARD;
}

static TRANSFER_LEADERSHIP_REQUEST: Shape = Shape::new(
    "agora.kv.v1.TransferLeadershipRequest",
    size_of::<TransferLeadershipRequest>(),
    &[Field::one(1, Kind::Varint(Width::Bits64))],
);
impl Checked for TransferLeadershipRequest {
    const SHAPE: &'static Shape = &TRANSFER_LEADERSHIP_REQUEST;
}

static TRANSFER_LEADERSHIP_RESPONSE: Shape = Shape::new(
    "agora.kv.v1.TransferLeadershipResponse",
    size_of::<TransferLeadershipResponse>(),
    &[],
);
impl Checked for TransferLeadershipResponse {
    const SHAPE: &'static Shape = &TRANSFER_LEADERSHIP_RESPONSE;
}

static OPEN_SESSION_REQUEST: Shape =
    Shape::new("agora.kv.v1.OpenSessionRequest", size_of::<OpenSessionRequest>(), &[]);
impl Checked for OpenSessionRequest {
    const SHAPE: &'static Shape = &OPEN_SESSION_REQUEST;
}

static OPEN_SESSION_RESPONSE: Shape = Shape::new(
    "agora.kv.v1.OpenSessionResponse",
    size_of::<OpenSessionResponse>(),
    &[Field::one(1, Kind::Varint(Width::Bits64))],
);
impl Checked for OpenSessionResponse {
    const SHAPE: &'static Shape = &OPEN_SESSION_RESPONSE;
}

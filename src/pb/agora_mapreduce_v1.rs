//! Messages of package `agora.mapreduce.v1`.

use super::*;
use quick_protobuf::sizeofs::*;
use quick_protobuf::{
    BytesReader, MessageInfo, MessageRead, MessageWrite, Result, Writer, WriterBackend,
};
use std::borrow::Cow;

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct OpenJobRequest<'a> {
    pub job_id: Cow<'a, str>,
    pub kind: Cow<'a, str>,
    pub parameters: Cow<'a, [u8]>,
    pub files: Vec<InputFile<'a>>,
    pub sort_memory_bytes: u64,
    pub keeps_inputs: bool,
    pub ships_inputs: bool,
    pub mappers: Vec<Cow<'a, str>>,
}

impl<'a> MessageRead<'a> for OpenJobRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.job_id = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.kind = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(26) => msg.parameters = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(34) => msg.files.push(r.read_message::<InputFile>(bytes)?),
                Ok(40) => msg.sort_memory_bytes = r.read_uint64(bytes)?,
                Ok(48) => msg.keeps_inputs = r.read_bool(bytes)?,
                Ok(56) => msg.ships_inputs = r.read_bool(bytes)?,
                Ok(66) => msg.mappers.push(r.read_string(bytes).map(Cow::Borrowed)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for OpenJobRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.job_id == "" { 0 } else { 1 + sizeof_len((&self.job_id).len()) }
            + if self.kind == "" { 0 } else { 1 + sizeof_len((&self.kind).len()) }
            + if self.parameters == Cow::Borrowed(b"") {
                0
            } else {
                1 + sizeof_len((&self.parameters).len())
            }
            + self.files.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.sort_memory_bytes == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.sort_memory_bytes) as u64)
            }
            + if self.keeps_inputs == false {
                0
            } else {
                1 + sizeof_varint(*(&self.keeps_inputs) as u64)
            }
            + if self.ships_inputs == false {
                0
            } else {
                1 + sizeof_varint(*(&self.ships_inputs) as u64)
            }
            + self.mappers.iter().map(|s| 1 + sizeof_len((s).len())).sum::<usize>()
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.job_id != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.job_id))?;
        }
        if self.kind != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.kind))?;
        }
        if self.parameters != Cow::Borrowed(b"") {
            w.write_with_tag(26, |w| w.write_bytes(&**&self.parameters))?;
        }
        for s in &self.files {
            w.write_with_tag(34, |w| w.write_message(s))?;
        }
        if self.sort_memory_bytes != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.sort_memory_bytes))?;
        }
        if self.keeps_inputs != false {
            w.write_with_tag(48, |w| w.write_bool(*&self.keeps_inputs))?;
        }
        if self.ships_inputs != false {
            w.write_with_tag(56, |w| w.write_bool(*&self.ships_inputs))?;
        }
        for s in &self.mappers {
            w.write_with_tag(66, |w| w.write_string(&**s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct InputFile<'a> {
    pub path: Cow<'a, str>,
    pub bytes: u64,
}

impl<'a> MessageRead<'a> for InputFile<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.path = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.bytes = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for InputFile<'a> {
    fn get_size(&self) -> usize {
        0 + if self.path == "" { 0 } else { 1 + sizeof_len((&self.path).len()) }
            + if self.bytes == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.bytes) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.path != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.path))?;
        }
        if self.bytes != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.bytes))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct OpenJobResponse {
    pub epoch: u64,
    pub slots: u32,
}

impl<'a> MessageRead<'a> for OpenJobResponse {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.epoch = r.read_uint64(bytes)?,
                Ok(16) => msg.slots = r.read_uint32(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for OpenJobResponse {
    fn get_size(&self) -> usize {
        0 + if self.epoch == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.epoch) as u64) }
            + if self.slots == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.slots) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.epoch != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.epoch))?;
        }
        if self.slots != 0u32 {
            w.write_with_tag(16, |w| w.write_uint32(*&self.slots))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct HoldJobRequest<'a> {
    pub job_id: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for HoldJobRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.job_id = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for HoldJobRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.job_id == "" { 0 } else { 1 + sizeof_len((&self.job_id).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.job_id != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.job_id))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct HoldJobResponse {}

impl<'a> MessageRead<'a> for HoldJobResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for HoldJobResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct PingRequest<'a> {
    pub job_id: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for PingRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.job_id = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for PingRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.job_id == "" { 0 } else { 1 + sizeof_len((&self.job_id).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.job_id != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.job_id))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct PingResponse<'a> {
    pub running: Vec<Progress<'a>>,
}

impl<'a> MessageRead<'a> for PingResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.running.push(r.read_message::<Progress>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for PingResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.running.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.running {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Progress<'a> {
    pub attempt: u64,
    pub steps: u64,
    pub status: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for Progress<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.attempt = r.read_uint64(bytes)?,
                Ok(16) => msg.steps = r.read_uint64(bytes)?,
                Ok(26) => msg.status = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Progress<'a> {
    fn get_size(&self) -> usize {
        0 + if self.attempt == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.attempt) as u64) }
            + if self.steps == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.steps) as u64) }
            + if self.status == "" { 0 } else { 1 + sizeof_len((&self.status).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.attempt != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.attempt))?;
        }
        if self.steps != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.steps))?;
        }
        if self.status != "" {
            w.write_with_tag(26, |w| w.write_string(&**&self.status))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct PutParameterRequest<'a> {
    pub job_id: Cow<'a, str>,
    pub parameter: u64,
    pub bytes: u64,
    pub offset: u64,
    pub piece: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for PutParameterRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.job_id = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.parameter = r.read_uint64(bytes)?,
                Ok(24) => msg.bytes = r.read_uint64(bytes)?,
                Ok(32) => msg.offset = r.read_uint64(bytes)?,
                Ok(42) => msg.piece = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for PutParameterRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.job_id == "" { 0 } else { 1 + sizeof_len((&self.job_id).len()) }
            + if self.parameter == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.parameter) as u64) }
            + if self.bytes == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.bytes) as u64) }
            + if self.offset == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.offset) as u64) }
            + if self.piece == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.piece).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.job_id != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.job_id))?;
        }
        if self.parameter != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.parameter))?;
        }
        if self.bytes != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.bytes))?;
        }
        if self.offset != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.offset))?;
        }
        if self.piece != Cow::Borrowed(b"") {
            w.write_with_tag(42, |w| w.write_bytes(&**&self.piece))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct PutParameterResponse {}

impl<'a> MessageRead<'a> for PutParameterResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for PutParameterResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct PutSplitRequest<'a> {
    pub job_id: Cow<'a, str>,
    pub task: u32,
    pub bytes: u64,
    pub offset: u64,
    pub piece: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for PutSplitRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.job_id = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.task = r.read_uint32(bytes)?,
                Ok(24) => msg.bytes = r.read_uint64(bytes)?,
                Ok(32) => msg.offset = r.read_uint64(bytes)?,
                Ok(42) => msg.piece = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for PutSplitRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.job_id == "" { 0 } else { 1 + sizeof_len((&self.job_id).len()) }
            + if self.task == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.task) as u64) }
            + if self.bytes == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.bytes) as u64) }
            + if self.offset == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.offset) as u64) }
            + if self.piece == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.piece).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.job_id != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.job_id))?;
        }
        if self.task != 0u32 {
            w.write_with_tag(16, |w| w.write_uint32(*&self.task))?;
        }
        if self.bytes != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.bytes))?;
        }
        if self.offset != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.offset))?;
        }
        if self.piece != Cow::Borrowed(b"") {
            w.write_with_tag(42, |w| w.write_bytes(&**&self.piece))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct PutSplitResponse {}

impl<'a> MessageRead<'a> for PutSplitResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for PutSplitResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Split {
    pub offset: u64,
    pub range: Option<FileRange>,
    pub fingerprint: u64,
}

impl<'a> MessageRead<'a> for Split {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.offset = r.read_uint64(bytes)?,
                Ok(18) => msg.range = Some(r.read_message::<FileRange>(bytes)?),
                Ok(24) => msg.fingerprint = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for Split {
    fn get_size(&self) -> usize {
        0 + if self.offset == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.offset) as u64) }
            + self.range.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.fingerprint == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.fingerprint) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.offset != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.offset))?;
        }
        if let Some(ref s) = self.range {
            w.write_with_tag(18, |w| w.write_message(s))?;
        }
        if self.fingerprint != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.fingerprint))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct FileRange {
    pub file: u32,
    pub start: u64,
    pub end: u64,
}

impl<'a> MessageRead<'a> for FileRange {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.file = r.read_uint32(bytes)?,
                Ok(16) => msg.start = r.read_uint64(bytes)?,
                Ok(24) => msg.end = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for FileRange {
    fn get_size(&self) -> usize {
        0 + if self.file == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.file) as u64) }
            + if self.start == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.start) as u64) }
            + if self.end == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.end) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.file != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.file))?;
        }
        if self.start != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.start))?;
        }
        if self.end != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.end))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Parameter<'a> {
    pub value: Cow<'a, [u8]>,
    pub put: u64,
}

impl<'a> MessageRead<'a> for Parameter<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.value = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.put = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Parameter<'a> {
    fn get_size(&self) -> usize {
        0 + if self.value == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.value).len()) }
            + if self.put == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.put) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.value != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.value))?;
        }
        if self.put != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.put))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct MapRequest<'a> {
    pub job_id: Cow<'a, str>,
    pub round: u64,
    pub task: u32,
    pub attempt: u64,
    pub reduces: u32,
    pub split: Option<Split>,
    pub parameter: Option<Parameter<'a>>,
    pub skip: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for MapRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.job_id = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.round = r.read_uint64(bytes)?,
                Ok(24) => msg.task = r.read_uint32(bytes)?,
                Ok(32) => msg.attempt = r.read_uint64(bytes)?,
                Ok(40) => msg.reduces = r.read_uint32(bytes)?,
                Ok(50) => msg.split = Some(r.read_message::<Split>(bytes)?),
                Ok(58) => msg.parameter = Some(r.read_message::<Parameter>(bytes)?),
                Ok(66) => msg.skip = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for MapRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.job_id == "" { 0 } else { 1 + sizeof_len((&self.job_id).len()) }
            + if self.round == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.round) as u64) }
            + if self.task == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.task) as u64) }
            + if self.attempt == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.attempt) as u64) }
            + if self.reduces == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.reduces) as u64) }
            + self.split.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + self.parameter.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.skip == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.skip).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.job_id != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.job_id))?;
        }
        if self.round != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.round))?;
        }
        if self.task != 0u32 {
            w.write_with_tag(24, |w| w.write_uint32(*&self.task))?;
        }
        if self.attempt != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.attempt))?;
        }
        if self.reduces != 0u32 {
            w.write_with_tag(40, |w| w.write_uint32(*&self.reduces))?;
        }
        if let Some(ref s) = self.split {
            w.write_with_tag(50, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.parameter {
            w.write_with_tag(58, |w| w.write_message(s))?;
        }
        if self.skip != Cow::Borrowed(b"") {
            w.write_with_tag(66, |w| w.write_bytes(&**&self.skip))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct MapResponse<'a> {
    pub sizes: Cow<'a, [u8]>,
    pub counters: Vec<Counter<'a>>,
    pub took_us: u64,
    pub digest: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for MapResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.sizes = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.counters.push(r.read_message::<Counter>(bytes)?),
                Ok(24) => msg.took_us = r.read_uint64(bytes)?,
                Ok(34) => msg.digest = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for MapResponse<'a> {
    fn get_size(&self) -> usize {
        0 + if self.sizes == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.sizes).len()) }
            + self.counters.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.took_us == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.took_us) as u64) }
            + if self.digest == Cow::Borrowed(b"") {
                0
            } else {
                1 + sizeof_len((&self.digest).len())
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.sizes != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.sizes))?;
        }
        for s in &self.counters {
            w.write_with_tag(18, |w| w.write_message(s))?;
        }
        if self.took_us != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.took_us))?;
        }
        if self.digest != Cow::Borrowed(b"") {
            w.write_with_tag(34, |w| w.write_bytes(&**&self.digest))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Counter<'a> {
    pub group: Cow<'a, str>,
    pub name: Cow<'a, str>,
    pub count: u64,
}

impl<'a> MessageRead<'a> for Counter<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.group = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.name = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.count = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Counter<'a> {
    fn get_size(&self) -> usize {
        0 + if self.group == "" { 0 } else { 1 + sizeof_len((&self.group).len()) }
            + if self.name == "" { 0 } else { 1 + sizeof_len((&self.name).len()) }
            + if self.count == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.count) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.group != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.group))?;
        }
        if self.name != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.name))?;
        }
        if self.count != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.count))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct FetchRequest<'a> {
    pub job_id: Cow<'a, str>,
    pub epoch: u64,
    pub task: u32,
    pub attempt: u64,
    pub partition: u32,
    pub waits: bool,
}

impl<'a> MessageRead<'a> for FetchRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.job_id = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.epoch = r.read_uint64(bytes)?,
                Ok(24) => msg.task = r.read_uint32(bytes)?,
                Ok(32) => msg.attempt = r.read_uint64(bytes)?,
                Ok(40) => msg.partition = r.read_uint32(bytes)?,
                Ok(48) => msg.waits = r.read_bool(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for FetchRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.job_id == "" { 0 } else { 1 + sizeof_len((&self.job_id).len()) }
            + if self.epoch == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.epoch) as u64) }
            + if self.task == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.task) as u64) }
            + if self.attempt == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.attempt) as u64) }
            + if self.partition == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.partition) as u64) }
            + if self.waits == false { 0 } else { 1 + sizeof_varint(*(&self.waits) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.job_id != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.job_id))?;
        }
        if self.epoch != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.epoch))?;
        }
        if self.task != 0u32 {
            w.write_with_tag(24, |w| w.write_uint32(*&self.task))?;
        }
        if self.attempt != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.attempt))?;
        }
        if self.partition != 0u32 {
            w.write_with_tag(40, |w| w.write_uint32(*&self.partition))?;
        }
        if self.waits != false {
            w.write_with_tag(48, |w| w.write_bool(*&self.waits))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct FetchResponse<'a> {
    pub lines: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for FetchResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.lines = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for FetchResponse<'a> {
    fn get_size(&self) -> usize {
        0 + if self.lines == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.lines).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.lines != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.lines))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct MapOutput<'a> {
    pub task: u32,
    pub attempt: u64,
    pub address: Cow<'a, str>,
    pub epoch: u64,
    pub bytes: u64,
}

impl<'a> MessageRead<'a> for MapOutput<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.task = r.read_uint32(bytes)?,
                Ok(16) => msg.attempt = r.read_uint64(bytes)?,
                Ok(26) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(32) => msg.epoch = r.read_uint64(bytes)?,
                Ok(40) => msg.bytes = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for MapOutput<'a> {
    fn get_size(&self) -> usize {
        0 + if self.task == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.task) as u64) }
            + if self.attempt == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.attempt) as u64) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.epoch == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.epoch) as u64) }
            + if self.bytes == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.bytes) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.task != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.task))?;
        }
        if self.attempt != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.attempt))?;
        }
        if self.address != "" {
            w.write_with_tag(26, |w| w.write_string(&**&self.address))?;
        }
        if self.epoch != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.epoch))?;
        }
        if self.bytes != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.bytes))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ReduceRequest<'a> {
    pub job_id: Cow<'a, str>,
    pub round: u64,
    pub task: u32,
    pub attempt: u64,
    pub maps: u32,
    pub outputs: Vec<MapOutput<'a>>,
    pub parameter: Option<Parameter<'a>>,
    pub expected: Vec<MapOutput<'a>>,
}

impl<'a> MessageRead<'a> for ReduceRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.job_id = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.round = r.read_uint64(bytes)?,
                Ok(24) => msg.task = r.read_uint32(bytes)?,
                Ok(32) => msg.attempt = r.read_uint64(bytes)?,
                Ok(40) => msg.maps = r.read_uint32(bytes)?,
                Ok(50) => msg.outputs.push(r.read_message::<MapOutput>(bytes)?),
                Ok(58) => msg.parameter = Some(r.read_message::<Parameter>(bytes)?),
                Ok(66) => msg.expected.push(r.read_message::<MapOutput>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ReduceRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.job_id == "" { 0 } else { 1 + sizeof_len((&self.job_id).len()) }
            + if self.round == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.round) as u64) }
            + if self.task == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.task) as u64) }
            + if self.attempt == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.attempt) as u64) }
            + if self.maps == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.maps) as u64) }
            + self.outputs.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + self.parameter.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + self.expected.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.job_id != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.job_id))?;
        }
        if self.round != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.round))?;
        }
        if self.task != 0u32 {
            w.write_with_tag(24, |w| w.write_uint32(*&self.task))?;
        }
        if self.attempt != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.attempt))?;
        }
        if self.maps != 0u32 {
            w.write_with_tag(40, |w| w.write_uint32(*&self.maps))?;
        }
        for s in &self.outputs {
            w.write_with_tag(50, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.parameter {
            w.write_with_tag(58, |w| w.write_message(s))?;
        }
        for s in &self.expected {
            w.write_with_tag(66, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ReduceResponse<'a> {
    pub output: Cow<'a, [u8]>,
    pub bytes: u64,
    pub counters: Vec<Counter<'a>>,
    pub shuffle_us: u64,
    pub took_us: u64,
    pub fetched_bytes: u64,
}

impl<'a> MessageRead<'a> for ReduceResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.output = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.bytes = r.read_uint64(bytes)?,
                Ok(26) => msg.counters.push(r.read_message::<Counter>(bytes)?),
                Ok(32) => msg.shuffle_us = r.read_uint64(bytes)?,
                Ok(40) => msg.took_us = r.read_uint64(bytes)?,
                Ok(48) => msg.fetched_bytes = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ReduceResponse<'a> {
    fn get_size(&self) -> usize {
        0 + if self.output == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.output).len()) }
            + if self.bytes == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.bytes) as u64) }
            + self.counters.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.shuffle_us == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.shuffle_us) as u64)
            }
            + if self.took_us == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.took_us) as u64) }
            + if self.fetched_bytes == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.fetched_bytes) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.output != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.output))?;
        }
        if self.bytes != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.bytes))?;
        }
        for s in &self.counters {
            w.write_with_tag(26, |w| w.write_message(s))?;
        }
        if self.shuffle_us != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.shuffle_us))?;
        }
        if self.took_us != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.took_us))?;
        }
        if self.fetched_bytes != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.fetched_bytes))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct AnnounceRequest<'a> {
    pub job_id: Cow<'a, str>,
    pub attempt: u64,
    pub outputs: Vec<MapOutput<'a>>,
    pub lost: Vec<LostOutput>,
}

impl<'a> MessageRead<'a> for AnnounceRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.job_id = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.attempt = r.read_uint64(bytes)?,
                Ok(26) => msg.outputs.push(r.read_message::<MapOutput>(bytes)?),
                Ok(34) => msg.lost.push(r.read_message::<LostOutput>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for AnnounceRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.job_id == "" { 0 } else { 1 + sizeof_len((&self.job_id).len()) }
            + if self.attempt == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.attempt) as u64) }
            + self.outputs.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + self.lost.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.job_id != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.job_id))?;
        }
        if self.attempt != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.attempt))?;
        }
        for s in &self.outputs {
            w.write_with_tag(26, |w| w.write_message(s))?;
        }
        for s in &self.lost {
            w.write_with_tag(34, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct LostOutput {
    pub task: u32,
    pub attempt: u64,
}

impl<'a> MessageRead<'a> for LostOutput {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.task = r.read_uint32(bytes)?,
                Ok(16) => msg.attempt = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for LostOutput {
    fn get_size(&self) -> usize {
        0 + if self.task == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.task) as u64) }
            + if self.attempt == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.attempt) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.task != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.task))?;
        }
        if self.attempt != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.attempt))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct AnnounceResponse {}

impl<'a> MessageRead<'a> for AnnounceResponse {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for AnnounceResponse {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ReadOutputRequest<'a> {
    pub job_id: Cow<'a, str>,
    pub attempt: u64,
    pub offset: u64,
}

impl<'a> MessageRead<'a> for ReadOutputRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.job_id = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.attempt = r.read_uint64(bytes)?,
                Ok(24) => msg.offset = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ReadOutputRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.job_id == "" { 0 } else { 1 + sizeof_len((&self.job_id).len()) }
            + if self.attempt == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.attempt) as u64) }
            + if self.offset == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.offset) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.job_id != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.job_id))?;
        }
        if self.attempt != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.attempt))?;
        }
        if self.offset != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.offset))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ReadOutputResponse<'a> {
    pub piece: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for ReadOutputResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.piece = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ReadOutputResponse<'a> {
    fn get_size(&self) -> usize {
        0 + if self.piece == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.piece).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.piece != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.piece))?;
        }
        Ok(())
    }
}

use crate::protobuf::{Checked, Field, Kind, Shape, Width};

static OPEN_JOB_REQUEST: Shape = Shape::new(
    "agora.mapreduce.v1.OpenJobRequest",
    size_of::<OpenJobRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Bytes),
        Field::many(4, Kind::Message(&INPUT_FILE)),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Varint(Width::Unsigned32)),
        Field::one(7, Kind::Varint(Width::Unsigned32)),
        Field::many(8, Kind::Text),
    ],
);
impl Checked for OpenJobRequest<'_> {
    const SHAPE: &'static Shape = &OPEN_JOB_REQUEST;
}

static INPUT_FILE: Shape = Shape::new(
    "agora.mapreduce.v1.InputFile",
    size_of::<InputFile<'_>>(),
    &[Field::one(1, Kind::Text), Field::one(2, Kind::Varint(Width::Bits64))],
);
impl Checked for InputFile<'_> {
    const SHAPE: &'static Shape = &INPUT_FILE;
}

static OPEN_JOB_RESPONSE: Shape = Shape::new(
    "agora.mapreduce.v1.OpenJobResponse",
    size_of::<OpenJobResponse>(),
    &[Field::one(1, Kind::Varint(Width::Bits64)), Field::one(2, Kind::Varint(Width::Unsigned32))],
);
impl Checked for OpenJobResponse {
    const SHAPE: &'static Shape = &OPEN_JOB_RESPONSE;
}

static HOLD_JOB_REQUEST: Shape = Shape::new(
    "agora.mapreduce.v1.HoldJobRequest",
    size_of::<HoldJobRequest<'_>>(),
    &[Field::one(1, Kind::Text)],
);
impl Checked for HoldJobRequest<'_> {
    const SHAPE: &'static Shape = &HOLD_JOB_REQUEST;
}

static HOLD_JOB_RESPONSE: Shape =
    Shape::new("agora.mapreduce.v1.HoldJobResponse", size_of::<HoldJobResponse>(), &[]);
impl Checked for HoldJobResponse {
    const SHAPE: &'static Shape = &HOLD_JOB_RESPONSE;
}

static PING_REQUEST: Shape = Shape::new(
    "agora.mapreduce.v1.PingRequest",
    size_of::<PingRequest<'_>>(),
    &[Field::one(1, Kind::Text)],
);
impl Checked for PingRequest<'_> {
    const SHAPE: &'static Shape = &PING_REQUEST;
}

static PING_RESPONSE: Shape = Shape::new(
    "agora.mapreduce.v1.PingResponse",
    size_of::<PingResponse<'_>>(),
    &[Field::many(1, Kind::Message(&PROGRESS))],
);
impl Checked for PingResponse<'_> {
    const SHAPE: &'static Shape = &PING_RESPONSE;
}

static PROGRESS: Shape = Shape::new(
    "agora.mapreduce.v1.Progress",
    size_of::<Progress<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Text),
    ],
);
impl Checked for Progress<'_> {
    const SHAPE: &'static Shape = &PROGRESS;
}

static PUT_PARAMETER_REQUEST: Shape = Shape::new(
    "agora.mapreduce.v1.PutParameterRequest",
    size_of::<PutParameterRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Bytes),
    ],
);
impl Checked for PutParameterRequest<'_> {
    const SHAPE: &'static Shape = &PUT_PARAMETER_REQUEST;
}

static PUT_PARAMETER_RESPONSE: Shape =
    Shape::new("agora.mapreduce.v1.PutParameterResponse", size_of::<PutParameterResponse>(), &[]);
impl Checked for PutParameterResponse {
    const SHAPE: &'static Shape = &PUT_PARAMETER_RESPONSE;
}

static PUT_SPLIT_REQUEST: Shape = Shape::new(
    "agora.mapreduce.v1.PutSplitRequest",
    size_of::<PutSplitRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Varint(Width::Unsigned32)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Bytes),
    ],
);
impl Checked for PutSplitRequest<'_> {
    const SHAPE: &'static Shape = &PUT_SPLIT_REQUEST;
}

static PUT_SPLIT_RESPONSE: Shape =
    Shape::new("agora.mapreduce.v1.PutSplitResponse", size_of::<PutSplitResponse>(), &[]);
impl Checked for PutSplitResponse {
    const SHAPE: &'static Shape = &PUT_SPLIT_RESPONSE;
}

static SPLIT: Shape = Shape::new(
    "agora.mapreduce.v1.Split",
    size_of::<Split>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Message(&FILE_RANGE)),
        Field::one(3, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Split {
    const SHAPE: &'static Shape = &SPLIT;
}

static FILE_RANGE: Shape = Shape::new(
    "agora.mapreduce.v1.FileRange",
    size_of::<FileRange>(),
    &[
        Field::one(1, Kind::Varint(Width::Unsigned32)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for FileRange {
    const SHAPE: &'static Shape = &FILE_RANGE;
}

static PARAMETER: Shape = Shape::new(
    "agora.mapreduce.v1.Parameter",
    size_of::<Parameter<'_>>(),
    &[Field::one(1, Kind::Bytes), Field::one(2, Kind::Varint(Width::Bits64))],
);
impl Checked for Parameter<'_> {
    const SHAPE: &'static Shape = &PARAMETER;
}

static MAP_REQUEST: Shape = Shape::new(
    "agora.mapreduce.v1.MapRequest",
    size_of::<MapRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Unsigned32)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Varint(Width::Unsigned32)),
        Field::one(6, Kind::Message(&SPLIT)),
        Field::one(7, Kind::Message(&PARAMETER)),
        Field::one(8, Kind::Bytes),
    ],
);
impl Checked for MapRequest<'_> {
    const SHAPE: &'static Shape = &MAP_REQUEST;
}

static MAP_RESPONSE: Shape = Shape::new(
    "agora.mapreduce.v1.MapResponse",
    size_of::<MapResponse<'_>>(),
    &[
        Field::one(1, Kind::Bytes),
        Field::many(2, Kind::Message(&COUNTER)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Bytes),
    ],
);
impl Checked for MapResponse<'_> {
    const SHAPE: &'static Shape = &MAP_RESPONSE;
}

static COUNTER: Shape = Shape::new(
    "agora.mapreduce.v1.Counter",
    size_of::<Counter<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Counter<'_> {
    const SHAPE: &'static Shape = &COUNTER;
}

static FETCH_REQUEST: Shape = Shape::new(
    "agora.mapreduce.v1.FetchRequest",
    size_of::<FetchRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Unsigned32)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Varint(Width::Unsigned32)),
        Field::one(6, Kind::Varint(Width::Unsigned32)),
    ],
);
impl Checked for FetchRequest<'_> {
    const SHAPE: &'static Shape = &FETCH_REQUEST;
}

static FETCH_RESPONSE: Shape = Shape::new(
    "agora.mapreduce.v1.FetchResponse",
    size_of::<FetchResponse<'_>>(),
    &[Field::one(1, Kind::Bytes)],
);
impl Checked for FetchResponse<'_> {
    const SHAPE: &'static Shape = &FETCH_RESPONSE;
}

static MAP_OUTPUT: Shape = Shape::new(
    "agora.mapreduce.v1.MapOutput",
    size_of::<MapOutput<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Unsigned32)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Text),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for MapOutput<'_> {
    const SHAPE: &'static Shape = &MAP_OUTPUT;
}

static REDUCE_REQUEST: Shape = Shape::new(
    "agora.mapreduce.v1.ReduceRequest",
    size_of::<ReduceRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Unsigned32)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Varint(Width::Unsigned32)),
        Field::many(6, Kind::Message(&MAP_OUTPUT)),
        Field::one(7, Kind::Message(&PARAMETER)),
        Field::many(8, Kind::Message(&MAP_OUTPUT)),
    ],
);
impl Checked for ReduceRequest<'_> {
    const SHAPE: &'static Shape = &REDUCE_REQUEST;
}

static REDUCE_RESPONSE: Shape = Shape::new(
    "agora.mapreduce.v1.ReduceResponse",
    size_of::<ReduceResponse<'_>>(),
    &[
        Field::one(1, Kind::Bytes),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::many(3, Kind::Message(&COUNTER)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for ReduceResponse<'_> {
    const SHAPE: &'static Shape = &REDUCE_RESPONSE;
}

static ANNOUNCE_REQUEST: Shape = Shape::new(
    "agora.mapreduce.v1.AnnounceRequest",
    size_of::<AnnounceRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::many(3, Kind::Message(&MAP_OUTPUT)),
        Field::many(4, Kind::Message(&LOST_OUTPUT)),
    ],
);
impl Checked for AnnounceRequest<'_> {
    const SHAPE: &'static Shape = &ANNOUNCE_REQUEST;
}

static LOST_OUTPUT: Shape = Shape::new(
    "agora.mapreduce.v1.LostOutput",
    size_of::<LostOutput>(),
    &[Field::one(1, Kind::Varint(Width::Unsigned32)), Field::one(2, Kind::Varint(Width::Bits64))],
);
impl Checked for LostOutput {
    const SHAPE: &'static Shape = &LOST_OUTPUT;
}

static ANNOUNCE_RESPONSE: Shape =
    Shape::new("agora.mapreduce.v1.AnnounceResponse", size_of::<AnnounceResponse>(), &[]);
impl Checked for AnnounceResponse {
    const SHAPE: &'static Shape = &ANNOUNCE_RESPONSE;
}

static READ_OUTPUT_REQUEST: Shape = Shape::new(
    "agora.mapreduce.v1.ReadOutputRequest",
    size_of::<ReadOutputRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for ReadOutputRequest<'_> {
    const SHAPE: &'static Shape = &READ_OUTPUT_REQUEST;
}

static READ_OUTPUT_RESPONSE: Shape = Shape::new(
    "agora.mapreduce.v1.ReadOutputResponse",
    size_of::<ReadOutputResponse<'_>>(),
    &[Field::one(1, Kind::Bytes)],
);
impl Checked for ReadOutputResponse<'_> {
    const SHAPE: &'static Shape = &READ_OUTPUT_RESPONSE;
}

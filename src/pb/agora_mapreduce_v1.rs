//! Messages of package `agora.mapreduce.v1`.

use super::*;
use quick_protobuf::sizeofs::*;
use quick_protobuf::{
    BytesReader, MessageInfo, MessageRead, MessageWrite, Result, Writer, WriterBackend,
};
use std::borrow::Cow;

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum JobState {
    JOB_STATE_UNSPECIFIED = 0,
    JOB_STATE_STARTING = 1,
    JOB_STATE_RUNNING = 2,
    JOB_STATE_DONE = 3,
    JOB_STATE_FAILED = 4,
}

impl Default for JobState {
    fn default() -> Self {
        JobState::JOB_STATE_UNSPECIFIED
    }
}

impl From<i32> for JobState {
    fn from(i: i32) -> Self {
        match i {
            0 => JobState::JOB_STATE_UNSPECIFIED,
            1 => JobState::JOB_STATE_STARTING,
            2 => JobState::JOB_STATE_RUNNING,
            3 => JobState::JOB_STATE_DONE,
            4 => JobState::JOB_STATE_FAILED,
            _ => Self::default(),
        }
    }
}

impl<'a> From<&'a str> for JobState {
    fn from(s: &'a str) -> Self {
        match s {
            "JOB_STATE_UNSPECIFIED" => JobState::JOB_STATE_UNSPECIFIED,
            "JOB_STATE_STARTING" => JobState::JOB_STATE_STARTING,
            "JOB_STATE_RUNNING" => JobState::JOB_STATE_RUNNING,
            "JOB_STATE_DONE" => JobState::JOB_STATE_DONE,
            "JOB_STATE_FAILED" => JobState::JOB_STATE_FAILED,
            _ => Self::default(),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum WorkerState {
    WORKER_STATE_UNSPECIFIED = 0,
    WORKER_STATE_READY = 1,
    WORKER_STATE_SILENT = 2,
    WORKER_STATE_GONE = 3,
}

impl Default for WorkerState {
    fn default() -> Self {
        WorkerState::WORKER_STATE_UNSPECIFIED
    }
}

impl From<i32> for WorkerState {
    fn from(i: i32) -> Self {
        match i {
            0 => WorkerState::WORKER_STATE_UNSPECIFIED,
            1 => WorkerState::WORKER_STATE_READY,
            2 => WorkerState::WORKER_STATE_SILENT,
            3 => WorkerState::WORKER_STATE_GONE,
            _ => Self::default(),
        }
    }
}

impl<'a> From<&'a str> for WorkerState {
    fn from(s: &'a str) -> Self {
        match s {
            "WORKER_STATE_UNSPECIFIED" => WorkerState::WORKER_STATE_UNSPECIFIED,
            "WORKER_STATE_READY" => WorkerState::WORKER_STATE_READY,
            "WORKER_STATE_SILENT" => WorkerState::WORKER_STATE_SILENT,
            "WORKER_STATE_GONE" => WorkerState::WORKER_STATE_GONE,
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
pub struct OpenJobResponse<'a> {
    pub epoch: u64,
    pub slots: u32,
    pub version: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for OpenJobResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.epoch = r.read_uint64(bytes)?,
                Ok(16) => msg.slots = r.read_uint32(bytes)?,
                Ok(26) => msg.version = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for OpenJobResponse<'a> {
    fn get_size(&self) -> usize {
        0 + if self.epoch == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.epoch) as u64) }
            + if self.slots == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.slots) as u64) }
            + if self.version == "" { 0 } else { 1 + sizeof_len((&self.version).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.epoch != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.epoch))?;
        }
        if self.slots != 0u32 {
            w.write_with_tag(16, |w| w.write_uint32(*&self.slots))?;
        }
        if self.version != "" {
            w.write_with_tag(26, |w| w.write_string(&**&self.version))?;
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

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct DescribeRequest {}

impl<'a> MessageRead<'a> for DescribeRequest {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for DescribeRequest {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct DescribeResponse<'a> {
    pub job: Option<Job<'a>>,
}

impl<'a> MessageRead<'a> for DescribeResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.job = Some(r.read_message::<Job>(bytes)?),
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
        0 + self.job.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.job {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct WatchRequest {
    pub interval_ms: u32,
}

impl<'a> MessageRead<'a> for WatchRequest {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.interval_ms = r.read_uint32(bytes)?,
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
        0 + if self.interval_ms == 0u32 {
            0
        } else {
            1 + sizeof_varint(*(&self.interval_ms) as u64)
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.interval_ms != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.interval_ms))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct WatchResponse<'a> {
    pub job: Option<Job<'a>>,
}

impl<'a> MessageRead<'a> for WatchResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.job = Some(r.read_message::<Job>(bytes)?),
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
        0 + self.job.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.job {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Job<'a> {
    pub name: Cow<'a, str>,
    pub id: Cow<'a, str>,
    pub state: JobState,
    pub failure: Cow<'a, str>,
    pub started_unix_ms: u64,
    pub elapsed_ms: u64,
    pub version: Cow<'a, str>,
    pub round: Cow<'a, str>,
    pub round_number: u64,
    pub round_elapsed_ms: u64,
    pub workers: Vec<Worker<'a>>,
    pub worker_count: u32,
    pub map: Option<Phase<'a>>,
    pub reduce: Option<Phase<'a>>,
    pub map_output_bytes: u64,
    pub shuffled_bytes: u64,
    pub input_bytes: u64,
    pub times: Option<PhaseTimes>,
    pub tasks: Vec<Task<'a>>,
    pub counters: Vec<Counter<'a>>,
    pub events: Vec<Event<'a>>,
    pub event_count: u64,
    pub clustering: Option<Clustering<'a>>,
    pub output: Option<JobOutput<'a>>,
    pub attempts: Option<Attempts>,
}

impl<'a> MessageRead<'a> for Job<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.name = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.id = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.state = r.read_enum(bytes)?,
                Ok(34) => msg.failure = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(40) => msg.started_unix_ms = r.read_uint64(bytes)?,
                Ok(48) => msg.elapsed_ms = r.read_uint64(bytes)?,
                Ok(58) => msg.version = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(66) => msg.round = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(72) => msg.round_number = r.read_uint64(bytes)?,
                Ok(80) => msg.round_elapsed_ms = r.read_uint64(bytes)?,
                Ok(90) => msg.workers.push(r.read_message::<Worker>(bytes)?),
                Ok(96) => msg.worker_count = r.read_uint32(bytes)?,
                Ok(106) => msg.map = Some(r.read_message::<Phase>(bytes)?),
                Ok(114) => msg.reduce = Some(r.read_message::<Phase>(bytes)?),
                Ok(120) => msg.map_output_bytes = r.read_uint64(bytes)?,
                Ok(128) => msg.shuffled_bytes = r.read_uint64(bytes)?,
                Ok(136) => msg.input_bytes = r.read_uint64(bytes)?,
                Ok(146) => msg.times = Some(r.read_message::<PhaseTimes>(bytes)?),
                Ok(154) => msg.tasks.push(r.read_message::<Task>(bytes)?),
                Ok(162) => msg.counters.push(r.read_message::<Counter>(bytes)?),
                Ok(170) => msg.events.push(r.read_message::<Event>(bytes)?),
                Ok(176) => msg.event_count = r.read_uint64(bytes)?,
                Ok(186) => msg.clustering = Some(r.read_message::<Clustering>(bytes)?),
                Ok(194) => msg.output = Some(r.read_message::<JobOutput>(bytes)?),
                Ok(202) => msg.attempts = Some(r.read_message::<Attempts>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Job<'a> {
    fn get_size(&self) -> usize {
        0 + if self.name == "" { 0 } else { 1 + sizeof_len((&self.name).len()) }
            + if self.id == "" { 0 } else { 1 + sizeof_len((&self.id).len()) }
            + if self.state == agora_mapreduce_v1::JobState::JOB_STATE_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.state) as u64)
            }
            + if self.failure == "" { 0 } else { 1 + sizeof_len((&self.failure).len()) }
            + if self.started_unix_ms == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.started_unix_ms) as u64)
            }
            + if self.elapsed_ms == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.elapsed_ms) as u64)
            }
            + if self.version == "" { 0 } else { 1 + sizeof_len((&self.version).len()) }
            + if self.round == "" { 0 } else { 1 + sizeof_len((&self.round).len()) }
            + if self.round_number == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.round_number) as u64)
            }
            + if self.round_elapsed_ms == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.round_elapsed_ms) as u64)
            }
            + self.workers.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.worker_count == 0u32 {
                0
            } else {
                1 + sizeof_varint(*(&self.worker_count) as u64)
            }
            + self.map.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + self.reduce.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.map_output_bytes == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.map_output_bytes) as u64)
            }
            + if self.shuffled_bytes == 0u64 {
                0
            } else {
                2 + sizeof_varint(*(&self.shuffled_bytes) as u64)
            }
            + if self.input_bytes == 0u64 {
                0
            } else {
                2 + sizeof_varint(*(&self.input_bytes) as u64)
            }
            + self.times.as_ref().map_or(0, |m| 2 + sizeof_len((m).get_size()))
            + self.tasks.iter().map(|s| 2 + sizeof_len((s).get_size())).sum::<usize>()
            + self.counters.iter().map(|s| 2 + sizeof_len((s).get_size())).sum::<usize>()
            + self.events.iter().map(|s| 2 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.event_count == 0u64 {
                0
            } else {
                2 + sizeof_varint(*(&self.event_count) as u64)
            }
            + self.clustering.as_ref().map_or(0, |m| 2 + sizeof_len((m).get_size()))
            + self.output.as_ref().map_or(0, |m| 2 + sizeof_len((m).get_size()))
            + self.attempts.as_ref().map_or(0, |m| 2 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.name != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.name))?;
        }
        if self.id != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.id))?;
        }
        if self.state != agora_mapreduce_v1::JobState::JOB_STATE_UNSPECIFIED {
            w.write_with_tag(24, |w| w.write_enum(*&self.state as i32))?;
        }
        if self.failure != "" {
            w.write_with_tag(34, |w| w.write_string(&**&self.failure))?;
        }
        if self.started_unix_ms != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.started_unix_ms))?;
        }
        if self.elapsed_ms != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.elapsed_ms))?;
        }
        if self.version != "" {
            w.write_with_tag(58, |w| w.write_string(&**&self.version))?;
        }
        if self.round != "" {
            w.write_with_tag(66, |w| w.write_string(&**&self.round))?;
        }
        if self.round_number != 0u64 {
            w.write_with_tag(72, |w| w.write_uint64(*&self.round_number))?;
        }
        if self.round_elapsed_ms != 0u64 {
            w.write_with_tag(80, |w| w.write_uint64(*&self.round_elapsed_ms))?;
        }
        for s in &self.workers {
            w.write_with_tag(90, |w| w.write_message(s))?;
        }
        if self.worker_count != 0u32 {
            w.write_with_tag(96, |w| w.write_uint32(*&self.worker_count))?;
        }
        if let Some(ref s) = self.map {
            w.write_with_tag(106, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.reduce {
            w.write_with_tag(114, |w| w.write_message(s))?;
        }
        if self.map_output_bytes != 0u64 {
            w.write_with_tag(120, |w| w.write_uint64(*&self.map_output_bytes))?;
        }
        if self.shuffled_bytes != 0u64 {
            w.write_with_tag(128, |w| w.write_uint64(*&self.shuffled_bytes))?;
        }
        if self.input_bytes != 0u64 {
            w.write_with_tag(136, |w| w.write_uint64(*&self.input_bytes))?;
        }
        if let Some(ref s) = self.times {
            w.write_with_tag(146, |w| w.write_message(s))?;
        }
        for s in &self.tasks {
            w.write_with_tag(154, |w| w.write_message(s))?;
        }
        for s in &self.counters {
            w.write_with_tag(162, |w| w.write_message(s))?;
        }
        for s in &self.events {
            w.write_with_tag(170, |w| w.write_message(s))?;
        }
        if self.event_count != 0u64 {
            w.write_with_tag(176, |w| w.write_uint64(*&self.event_count))?;
        }
        if let Some(ref s) = self.clustering {
            w.write_with_tag(186, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.output {
            w.write_with_tag(194, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.attempts {
            w.write_with_tag(202, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Attempts {
    pub begun: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub backups: u64,
}

impl<'a> MessageRead<'a> for Attempts {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.begun = r.read_uint64(bytes)?,
                Ok(16) => msg.succeeded = r.read_uint64(bytes)?,
                Ok(24) => msg.failed = r.read_uint64(bytes)?,
                Ok(32) => msg.cancelled = r.read_uint64(bytes)?,
                Ok(40) => msg.backups = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for Attempts {
    fn get_size(&self) -> usize {
        0 + if self.begun == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.begun) as u64) }
            + if self.succeeded == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.succeeded) as u64) }
            + if self.failed == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.failed) as u64) }
            + if self.cancelled == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.cancelled) as u64) }
            + if self.backups == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.backups) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.begun != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.begun))?;
        }
        if self.succeeded != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.succeeded))?;
        }
        if self.failed != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.failed))?;
        }
        if self.cancelled != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.cancelled))?;
        }
        if self.backups != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.backups))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Worker<'a> {
    pub name: Cow<'a, str>,
    pub address: Cow<'a, str>,
    pub state: WorkerState,
    pub version: Cow<'a, str>,
    pub done: u64,
    pub failed: u64,
    pub running: u32,
    pub seen_ms: u64,
    pub error: Cow<'a, str>,
    pub tasks: Vec<Cow<'a, str>>,
    pub status: Cow<'a, str>,
    pub maps: bool,
}

impl<'a> MessageRead<'a> for Worker<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.name = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.address = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.state = r.read_enum(bytes)?,
                Ok(34) => msg.version = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(40) => msg.done = r.read_uint64(bytes)?,
                Ok(48) => msg.failed = r.read_uint64(bytes)?,
                Ok(56) => msg.running = r.read_uint32(bytes)?,
                Ok(64) => msg.seen_ms = r.read_uint64(bytes)?,
                Ok(74) => msg.error = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(82) => msg.tasks.push(r.read_string(bytes).map(Cow::Borrowed)?),
                Ok(90) => msg.status = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(96) => msg.maps = r.read_bool(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Worker<'a> {
    fn get_size(&self) -> usize {
        0 + if self.name == "" { 0 } else { 1 + sizeof_len((&self.name).len()) }
            + if self.address == "" { 0 } else { 1 + sizeof_len((&self.address).len()) }
            + if self.state == agora_mapreduce_v1::WorkerState::WORKER_STATE_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.state) as u64)
            }
            + if self.version == "" { 0 } else { 1 + sizeof_len((&self.version).len()) }
            + if self.done == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.done) as u64) }
            + if self.failed == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.failed) as u64) }
            + if self.running == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.running) as u64) }
            + if self.seen_ms == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.seen_ms) as u64) }
            + if self.error == "" { 0 } else { 1 + sizeof_len((&self.error).len()) }
            + self.tasks.iter().map(|s| 1 + sizeof_len((s).len())).sum::<usize>()
            + if self.status == "" { 0 } else { 1 + sizeof_len((&self.status).len()) }
            + if self.maps == false { 0 } else { 1 + sizeof_varint(*(&self.maps) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.name != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.name))?;
        }
        if self.address != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.address))?;
        }
        if self.state != agora_mapreduce_v1::WorkerState::WORKER_STATE_UNSPECIFIED {
            w.write_with_tag(24, |w| w.write_enum(*&self.state as i32))?;
        }
        if self.version != "" {
            w.write_with_tag(34, |w| w.write_string(&**&self.version))?;
        }
        if self.done != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.done))?;
        }
        if self.failed != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.failed))?;
        }
        if self.running != 0u32 {
            w.write_with_tag(56, |w| w.write_uint32(*&self.running))?;
        }
        if self.seen_ms != 0u64 {
            w.write_with_tag(64, |w| w.write_uint64(*&self.seen_ms))?;
        }
        if self.error != "" {
            w.write_with_tag(74, |w| w.write_string(&**&self.error))?;
        }
        for s in &self.tasks {
            w.write_with_tag(82, |w| w.write_string(&**s))?;
        }
        if self.status != "" {
            w.write_with_tag(90, |w| w.write_string(&**&self.status))?;
        }
        if self.maps != false {
            w.write_with_tag(96, |w| w.write_bool(*&self.maps))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Phase<'a> {
    pub tasks: u32,
    pub idle: u32,
    pub running: u32,
    pub done: u32,
    pub failed: u32,
    pub states: Cow<'a, str>,
    pub tasks_per_letter: u32,
    pub input_bytes: u64,
}

impl<'a> MessageRead<'a> for Phase<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.tasks = r.read_uint32(bytes)?,
                Ok(16) => msg.idle = r.read_uint32(bytes)?,
                Ok(24) => msg.running = r.read_uint32(bytes)?,
                Ok(32) => msg.done = r.read_uint32(bytes)?,
                Ok(40) => msg.failed = r.read_uint32(bytes)?,
                Ok(50) => msg.states = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(56) => msg.tasks_per_letter = r.read_uint32(bytes)?,
                Ok(64) => msg.input_bytes = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Phase<'a> {
    fn get_size(&self) -> usize {
        0 + if self.tasks == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.tasks) as u64) }
            + if self.idle == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.idle) as u64) }
            + if self.running == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.running) as u64) }
            + if self.done == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.done) as u64) }
            + if self.failed == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.failed) as u64) }
            + if self.states == "" { 0 } else { 1 + sizeof_len((&self.states).len()) }
            + if self.tasks_per_letter == 0u32 {
                0
            } else {
                1 + sizeof_varint(*(&self.tasks_per_letter) as u64)
            }
            + if self.input_bytes == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.input_bytes) as u64)
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.tasks != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.tasks))?;
        }
        if self.idle != 0u32 {
            w.write_with_tag(16, |w| w.write_uint32(*&self.idle))?;
        }
        if self.running != 0u32 {
            w.write_with_tag(24, |w| w.write_uint32(*&self.running))?;
        }
        if self.done != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.done))?;
        }
        if self.failed != 0u32 {
            w.write_with_tag(40, |w| w.write_uint32(*&self.failed))?;
        }
        if self.states != "" {
            w.write_with_tag(50, |w| w.write_string(&**&self.states))?;
        }
        if self.tasks_per_letter != 0u32 {
            w.write_with_tag(56, |w| w.write_uint32(*&self.tasks_per_letter))?;
        }
        if self.input_bytes != 0u64 {
            w.write_with_tag(64, |w| w.write_uint64(*&self.input_bytes))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct PhaseTimes {
    pub map_us: u64,
    pub shuffle_us: u64,
    pub reduce_us: u64,
}

impl<'a> MessageRead<'a> for PhaseTimes {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.map_us = r.read_uint64(bytes)?,
                Ok(16) => msg.shuffle_us = r.read_uint64(bytes)?,
                Ok(24) => msg.reduce_us = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for PhaseTimes {
    fn get_size(&self) -> usize {
        0 + if self.map_us == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.map_us) as u64) }
            + if self.shuffle_us == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.shuffle_us) as u64)
            }
            + if self.reduce_us == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.reduce_us) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.map_us != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.map_us))?;
        }
        if self.shuffle_us != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.shuffle_us))?;
        }
        if self.reduce_us != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.reduce_us))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Task<'a> {
    pub name: Cow<'a, str>,
    pub state: Cow<'a, str>,
    pub attempts: u32,
    pub failures: u32,
    pub worker: Cow<'a, str>,
    pub took_ms: u64,
    pub error: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for Task<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.name = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.state = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.attempts = r.read_uint32(bytes)?,
                Ok(32) => msg.failures = r.read_uint32(bytes)?,
                Ok(42) => msg.worker = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(48) => msg.took_ms = r.read_uint64(bytes)?,
                Ok(58) => msg.error = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Task<'a> {
    fn get_size(&self) -> usize {
        0 + if self.name == "" { 0 } else { 1 + sizeof_len((&self.name).len()) }
            + if self.state == "" { 0 } else { 1 + sizeof_len((&self.state).len()) }
            + if self.attempts == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.attempts) as u64) }
            + if self.failures == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.failures) as u64) }
            + if self.worker == "" { 0 } else { 1 + sizeof_len((&self.worker).len()) }
            + if self.took_ms == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.took_ms) as u64) }
            + if self.error == "" { 0 } else { 1 + sizeof_len((&self.error).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.name != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.name))?;
        }
        if self.state != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.state))?;
        }
        if self.attempts != 0u32 {
            w.write_with_tag(24, |w| w.write_uint32(*&self.attempts))?;
        }
        if self.failures != 0u32 {
            w.write_with_tag(32, |w| w.write_uint32(*&self.failures))?;
        }
        if self.worker != "" {
            w.write_with_tag(42, |w| w.write_string(&**&self.worker))?;
        }
        if self.took_ms != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.took_ms))?;
        }
        if self.error != "" {
            w.write_with_tag(58, |w| w.write_string(&**&self.error))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Event<'a> {
    pub at_ms: u64,
    pub severity: Severity,
    pub text: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for Event<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.at_ms = r.read_uint64(bytes)?,
                Ok(16) => msg.severity = r.read_enum(bytes)?,
                Ok(26) => msg.text = r.read_string(bytes).map(Cow::Borrowed)?,
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
        0 + if self.at_ms == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.at_ms) as u64) }
            + if self.severity == agora_mapreduce_v1::Severity::SEVERITY_UNSPECIFIED {
                0
            } else {
                1 + sizeof_varint(*(&self.severity) as u64)
            }
            + if self.text == "" { 0 } else { 1 + sizeof_len((&self.text).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.at_ms != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.at_ms))?;
        }
        if self.severity != agora_mapreduce_v1::Severity::SEVERITY_UNSPECIFIED {
            w.write_with_tag(16, |w| w.write_enum(*&self.severity as i32))?;
        }
        if self.text != "" {
            w.write_with_tag(26, |w| w.write_string(&**&self.text))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct JobOutput<'a> {
    pub path: Cow<'a, str>,
    pub bytes: u64,
    pub head: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for JobOutput<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.path = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.bytes = r.read_uint64(bytes)?,
                Ok(26) => msg.head = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for JobOutput<'a> {
    fn get_size(&self) -> usize {
        0 + if self.path == "" { 0 } else { 1 + sizeof_len((&self.path).len()) }
            + if self.bytes == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.bytes) as u64) }
            + if self.head == "" { 0 } else { 1 + sizeof_len((&self.head).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.path != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.path))?;
        }
        if self.bytes != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.bytes))?;
        }
        if self.head != "" {
            w.write_with_tag(26, |w| w.write_string(&**&self.head))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Clustering<'a> {
    pub clusters: u64,
    pub dims: u32,
    pub points_in_all: u64,
    pub start: u64,
    pub starts: u64,
    pub iteration: u64,
    pub max_iterations: u64,
    pub errors: Vec<IterationError>,
    pub best_error: f64,
    pub ended_starts: u64,
    pub axes: Vec<Cow<'a, str>>,
    pub centroids: Cow<'a, [u8]>,
    pub points: Cow<'a, [u8]>,
    pub labels: Cow<'a, [u8]>,
    pub sample: u64,
}

impl<'a> MessageRead<'a> for Clustering<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.clusters = r.read_uint64(bytes)?,
                Ok(16) => msg.dims = r.read_uint32(bytes)?,
                Ok(24) => msg.points_in_all = r.read_uint64(bytes)?,
                Ok(32) => msg.start = r.read_uint64(bytes)?,
                Ok(40) => msg.starts = r.read_uint64(bytes)?,
                Ok(48) => msg.iteration = r.read_uint64(bytes)?,
                Ok(56) => msg.max_iterations = r.read_uint64(bytes)?,
                Ok(66) => msg.errors.push(r.read_message::<IterationError>(bytes)?),
                Ok(73) => msg.best_error = r.read_double(bytes)?,
                Ok(80) => msg.ended_starts = r.read_uint64(bytes)?,
                Ok(90) => msg.axes.push(r.read_string(bytes).map(Cow::Borrowed)?),
                Ok(98) => msg.centroids = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(106) => msg.points = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(114) => msg.labels = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(120) => msg.sample = r.read_uint64(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Clustering<'a> {
    fn get_size(&self) -> usize {
        0 + if self.clusters == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.clusters) as u64) }
            + if self.dims == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.dims) as u64) }
            + if self.points_in_all == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.points_in_all) as u64)
            }
            + if self.start == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.start) as u64) }
            + if self.starts == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.starts) as u64) }
            + if self.iteration == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.iteration) as u64) }
            + if self.max_iterations == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.max_iterations) as u64)
            }
            + self.errors.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.best_error == 0f64 { 0 } else { 1 + 8 }
            + if self.ended_starts == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.ended_starts) as u64)
            }
            + self.axes.iter().map(|s| 1 + sizeof_len((s).len())).sum::<usize>()
            + if self.centroids == Cow::Borrowed(b"") {
                0
            } else {
                1 + sizeof_len((&self.centroids).len())
            }
            + if self.points == Cow::Borrowed(b"") {
                0
            } else {
                1 + sizeof_len((&self.points).len())
            }
            + if self.labels == Cow::Borrowed(b"") {
                0
            } else {
                1 + sizeof_len((&self.labels).len())
            }
            + if self.sample == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.sample) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.clusters != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.clusters))?;
        }
        if self.dims != 0u32 {
            w.write_with_tag(16, |w| w.write_uint32(*&self.dims))?;
        }
        if self.points_in_all != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.points_in_all))?;
        }
        if self.start != 0u64 {
            w.write_with_tag(32, |w| w.write_uint64(*&self.start))?;
        }
        if self.starts != 0u64 {
            w.write_with_tag(40, |w| w.write_uint64(*&self.starts))?;
        }
        if self.iteration != 0u64 {
            w.write_with_tag(48, |w| w.write_uint64(*&self.iteration))?;
        }
        if self.max_iterations != 0u64 {
            w.write_with_tag(56, |w| w.write_uint64(*&self.max_iterations))?;
        }
        for s in &self.errors {
            w.write_with_tag(66, |w| w.write_message(s))?;
        }
        if self.best_error != 0f64 {
            w.write_with_tag(73, |w| w.write_double(*&self.best_error))?;
        }
        if self.ended_starts != 0u64 {
            w.write_with_tag(80, |w| w.write_uint64(*&self.ended_starts))?;
        }
        for s in &self.axes {
            w.write_with_tag(90, |w| w.write_string(&**s))?;
        }
        if self.centroids != Cow::Borrowed(b"") {
            w.write_with_tag(98, |w| w.write_bytes(&**&self.centroids))?;
        }
        if self.points != Cow::Borrowed(b"") {
            w.write_with_tag(106, |w| w.write_bytes(&**&self.points))?;
        }
        if self.labels != Cow::Borrowed(b"") {
            w.write_with_tag(114, |w| w.write_bytes(&**&self.labels))?;
        }
        if self.sample != 0u64 {
            w.write_with_tag(120, |w| w.write_uint64(*&self.sample))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct IterationError {
    pub iteration: u64,
    pub squared_error: f64,
    pub moved: u64,
    pub shift: f64,
}

impl<'a> MessageRead<'a> for IterationError {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.iteration = r.read_uint64(bytes)?,
                Ok(17) => msg.squared_error = r.read_double(bytes)?,
                Ok(24) => msg.moved = r.read_uint64(bytes)?,
                Ok(33) => msg.shift = r.read_double(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for IterationError {
    fn get_size(&self) -> usize {
        0 + if self.iteration == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.iteration) as u64) }
            + if self.squared_error == 0f64 { 0 } else { 1 + 8 }
            + if self.moved == 0u64 { 0 } else { 1 + sizeof_varint(*(&self.moved) as u64) }
            + if self.shift == 0f64 { 0 } else { 1 + 8 }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.iteration != 0u64 {
            w.write_with_tag(8, |w| w.write_uint64(*&self.iteration))?;
        }
        if self.squared_error != 0f64 {
            w.write_with_tag(17, |w| w.write_double(*&self.squared_error))?;
        }
        if self.moved != 0u64 {
            w.write_with_tag(24, |w| w.write_uint64(*&self.moved))?;
        }
        if self.shift != 0f64 {
            w.write_with_tag(33, |w| w.write_double(*&self.shift))?;
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
    size_of::<OpenJobResponse<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Unsigned32)),
        Field::one(3, Kind::Text),
    ],
);
impl Checked for OpenJobResponse<'_> {
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

static DESCRIBE_REQUEST: Shape =
    Shape::new("agora.mapreduce.v1.DescribeRequest", size_of::<DescribeRequest>(), &[]);
impl Checked for DescribeRequest {
    const SHAPE: &'static Shape = &DESCRIBE_REQUEST;
}

static DESCRIBE_RESPONSE: Shape = Shape::new(
    "agora.mapreduce.v1.DescribeResponse",
    size_of::<DescribeResponse<'_>>(),
    &[Field::one(1, Kind::Message(&JOB))],
);
impl Checked for DescribeResponse<'_> {
    const SHAPE: &'static Shape = &DESCRIBE_RESPONSE;
}

static WATCH_REQUEST: Shape = Shape::new(
    "agora.mapreduce.v1.WatchRequest",
    size_of::<WatchRequest>(),
    &[Field::one(1, Kind::Varint(Width::Unsigned32))],
);
impl Checked for WatchRequest {
    const SHAPE: &'static Shape = &WATCH_REQUEST;
}

static WATCH_RESPONSE: Shape = Shape::new(
    "agora.mapreduce.v1.WatchResponse",
    size_of::<WatchResponse<'_>>(),
    &[Field::one(1, Kind::Message(&JOB))],
);
impl Checked for WatchResponse<'_> {
    const SHAPE: &'static Shape = &WATCH_RESPONSE;
}

static JOB: Shape = Shape::new(
    "agora.mapreduce.v1.Job",
    size_of::<Job<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Signed32)),
        Field::one(4, Kind::Text),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Varint(Width::Bits64)),
        Field::one(7, Kind::Text),
        Field::one(8, Kind::Text),
        Field::one(9, Kind::Varint(Width::Bits64)),
        Field::one(10, Kind::Varint(Width::Bits64)),
        Field::many(11, Kind::Message(&WORKER)),
        Field::one(12, Kind::Varint(Width::Unsigned32)),
        Field::one(13, Kind::Message(&PHASE)),
        Field::one(14, Kind::Message(&PHASE)),
        Field::one(15, Kind::Varint(Width::Bits64)),
        Field::one(16, Kind::Varint(Width::Bits64)),
        Field::one(17, Kind::Varint(Width::Bits64)),
        Field::one(18, Kind::Message(&PHASE_TIMES)),
        Field::many(19, Kind::Message(&TASK)),
        Field::many(20, Kind::Message(&COUNTER)),
        Field::many(21, Kind::Message(&EVENT)),
        Field::one(22, Kind::Varint(Width::Bits64)),
        Field::one(23, Kind::Message(&CLUSTERING)),
        Field::one(24, Kind::Message(&JOB_OUTPUT)),
        Field::one(25, Kind::Message(&ATTEMPTS)),
    ],
);
impl Checked for Job<'_> {
    const SHAPE: &'static Shape = &JOB;
}

static ATTEMPTS: Shape = Shape::new(
    "agora.mapreduce.v1.Attempts",
    size_of::<Attempts>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Attempts {
    const SHAPE: &'static Shape = &ATTEMPTS;
}

static WORKER: Shape = Shape::new(
    "agora.mapreduce.v1.Worker",
    size_of::<Worker<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Signed32)),
        Field::one(4, Kind::Text),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Varint(Width::Bits64)),
        Field::one(7, Kind::Varint(Width::Unsigned32)),
        Field::one(8, Kind::Varint(Width::Bits64)),
        Field::one(9, Kind::Text),
        Field::many(10, Kind::Text),
        Field::one(11, Kind::Text),
        Field::one(12, Kind::Varint(Width::Unsigned32)),
    ],
);
impl Checked for Worker<'_> {
    const SHAPE: &'static Shape = &WORKER;
}

static PHASE: Shape = Shape::new(
    "agora.mapreduce.v1.Phase",
    size_of::<Phase<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Unsigned32)),
        Field::one(2, Kind::Varint(Width::Unsigned32)),
        Field::one(3, Kind::Varint(Width::Unsigned32)),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Varint(Width::Unsigned32)),
        Field::one(6, Kind::Text),
        Field::one(7, Kind::Varint(Width::Unsigned32)),
        Field::one(8, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Phase<'_> {
    const SHAPE: &'static Shape = &PHASE;
}

static PHASE_TIMES: Shape = Shape::new(
    "agora.mapreduce.v1.PhaseTimes",
    size_of::<PhaseTimes>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for PhaseTimes {
    const SHAPE: &'static Shape = &PHASE_TIMES;
}

static TASK: Shape = Shape::new(
    "agora.mapreduce.v1.Task",
    size_of::<Task<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Unsigned32)),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Text),
        Field::one(6, Kind::Varint(Width::Bits64)),
        Field::one(7, Kind::Text),
    ],
);
impl Checked for Task<'_> {
    const SHAPE: &'static Shape = &TASK;
}

static EVENT: Shape = Shape::new(
    "agora.mapreduce.v1.Event",
    size_of::<Event<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Signed32)),
        Field::one(3, Kind::Text),
    ],
);
impl Checked for Event<'_> {
    const SHAPE: &'static Shape = &EVENT;
}

static JOB_OUTPUT: Shape = Shape::new(
    "agora.mapreduce.v1.JobOutput",
    size_of::<JobOutput<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::one(3, Kind::Text),
    ],
);
impl Checked for JobOutput<'_> {
    const SHAPE: &'static Shape = &JOB_OUTPUT;
}

static CLUSTERING: Shape = Shape::new(
    "agora.mapreduce.v1.Clustering",
    size_of::<Clustering<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Varint(Width::Unsigned32)),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Varint(Width::Bits64)),
        Field::one(5, Kind::Varint(Width::Bits64)),
        Field::one(6, Kind::Varint(Width::Bits64)),
        Field::one(7, Kind::Varint(Width::Bits64)),
        Field::many(8, Kind::Message(&ITERATION_ERROR)),
        Field::one(9, Kind::Fixed64),
        Field::one(10, Kind::Varint(Width::Bits64)),
        Field::many(11, Kind::Text),
        Field::one(12, Kind::Bytes),
        Field::one(13, Kind::Bytes),
        Field::one(14, Kind::Bytes),
        Field::one(15, Kind::Varint(Width::Bits64)),
    ],
);
impl Checked for Clustering<'_> {
    const SHAPE: &'static Shape = &CLUSTERING;
}

static ITERATION_ERROR: Shape = Shape::new(
    "agora.mapreduce.v1.IterationError",
    size_of::<IterationError>(),
    &[
        Field::one(1, Kind::Varint(Width::Bits64)),
        Field::one(2, Kind::Fixed64),
        Field::one(3, Kind::Varint(Width::Bits64)),
        Field::one(4, Kind::Fixed64),
    ],
);
impl Checked for IterationError {
    const SHAPE: &'static Shape = &ITERATION_ERROR;
}

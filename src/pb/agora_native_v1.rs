//! Messages of package `agora.native.v1`.

use super::*;
use quick_protobuf::sizeofs::*;
use quick_protobuf::{
    BytesReader, MessageInfo, MessageRead, MessageWrite, Result, Writer, WriterBackend,
};
use std::borrow::Cow;

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Hello {
    pub call_window_bytes: u32,
    pub connection_window_bytes: u32,
    pub max_concurrent_calls: u32,
}

impl<'a> MessageRead<'a> for Hello {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.call_window_bytes = r.read_uint32(bytes)?,
                Ok(16) => msg.connection_window_bytes = r.read_uint32(bytes)?,
                Ok(24) => msg.max_concurrent_calls = r.read_uint32(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for Hello {
    fn get_size(&self) -> usize {
        0 + if self.call_window_bytes == 0u32 {
            0
        } else {
            1 + sizeof_varint(*(&self.call_window_bytes) as u64)
        } + if self.connection_window_bytes == 0u32 {
            0
        } else {
            1 + sizeof_varint(*(&self.connection_window_bytes) as u64)
        } + if self.max_concurrent_calls == 0u32 {
            0
        } else {
            1 + sizeof_varint(*(&self.max_concurrent_calls) as u64)
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.call_window_bytes != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.call_window_bytes))?;
        }
        if self.connection_window_bytes != 0u32 {
            w.write_with_tag(16, |w| w.write_uint32(*&self.connection_window_bytes))?;
        }
        if self.max_concurrent_calls != 0u32 {
            w.write_with_tag(24, |w| w.write_uint32(*&self.max_concurrent_calls))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct MetadataField<'a> {
    pub name: Cow<'a, str>,
    pub value: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for MetadataField<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.name = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.value = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for MetadataField<'a> {
    fn get_size(&self) -> usize {
        0 + if self.name == "" { 0 } else { 1 + sizeof_len((&self.name).len()) }
            + if self.value == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.value).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.name != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.name))?;
        }
        if self.value != Cow::Borrowed(b"") {
            w.write_with_tag(18, |w| w.write_bytes(&**&self.value))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct RequestHeader<'a> {
    pub path_id: u32,
    pub timeout_us: u64,
    pub metadata: Vec<MetadataField<'a>>,
}

impl<'a> MessageRead<'a> for RequestHeader<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.path_id = r.read_uint32(bytes)?,
                Ok(16) => msg.timeout_us = r.read_uint64(bytes)?,
                Ok(26) => msg.metadata.push(r.read_message::<MetadataField>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for RequestHeader<'a> {
    fn get_size(&self) -> usize {
        0 + if self.path_id == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.path_id) as u64) }
            + if self.timeout_us == 0u64 {
                0
            } else {
                1 + sizeof_varint(*(&self.timeout_us) as u64)
            }
            + self.metadata.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.path_id != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.path_id))?;
        }
        if self.timeout_us != 0u64 {
            w.write_with_tag(16, |w| w.write_uint64(*&self.timeout_us))?;
        }
        for s in &self.metadata {
            w.write_with_tag(26, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ResponseHeader<'a> {
    pub metadata: Vec<MetadataField<'a>>,
}

impl<'a> MessageRead<'a> for ResponseHeader<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.metadata.push(r.read_message::<MetadataField>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ResponseHeader<'a> {
    fn get_size(&self) -> usize {
        0 + self.metadata.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.metadata {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Trailers<'a> {
    pub code: u32,
    pub message: Cow<'a, str>,
    pub metadata: Vec<MetadataField<'a>>,
    pub refused: bool,
}

impl<'a> MessageRead<'a> for Trailers<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.code = r.read_uint32(bytes)?,
                Ok(18) => msg.message = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(26) => msg.metadata.push(r.read_message::<MetadataField>(bytes)?),
                Ok(32) => msg.refused = r.read_bool(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Trailers<'a> {
    fn get_size(&self) -> usize {
        0 + if self.code == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.code) as u64) }
            + if self.message == "" { 0 } else { 1 + sizeof_len((&self.message).len()) }
            + self.metadata.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + if self.refused == false { 0 } else { 1 + sizeof_varint(*(&self.refused) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.code != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.code))?;
        }
        if self.message != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.message))?;
        }
        for s in &self.metadata {
            w.write_with_tag(26, |w| w.write_message(s))?;
        }
        if self.refused != false {
            w.write_with_tag(32, |w| w.write_bool(*&self.refused))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct GoAway<'a> {
    pub last_call_id: u32,
    pub code: u32,
    pub reason: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for GoAway<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.last_call_id = r.read_uint32(bytes)?,
                Ok(16) => msg.code = r.read_uint32(bytes)?,
                Ok(26) => msg.reason = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for GoAway<'a> {
    fn get_size(&self) -> usize {
        0 + if self.last_call_id == 0u32 {
            0
        } else {
            1 + sizeof_varint(*(&self.last_call_id) as u64)
        } + if self.code == 0u32 { 0 } else { 1 + sizeof_varint(*(&self.code) as u64) }
            + if self.reason == "" { 0 } else { 1 + sizeof_len((&self.reason).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.last_call_id != 0u32 {
            w.write_with_tag(8, |w| w.write_uint32(*&self.last_call_id))?;
        }
        if self.code != 0u32 {
            w.write_with_tag(16, |w| w.write_uint32(*&self.code))?;
        }
        if self.reason != "" {
            w.write_with_tag(26, |w| w.write_string(&**&self.reason))?;
        }
        Ok(())
    }
}

use crate::protobuf::{Checked, Field, Kind, Shape, Width};

static HELLO: Shape = Shape::new(
    "agora.native.v1.Hello",
    size_of::<Hello>(),
    &[
        Field::one(1, Kind::Varint(Width::Unsigned32)),
        Field::one(2, Kind::Varint(Width::Unsigned32)),
        Field::one(3, Kind::Varint(Width::Unsigned32)),
    ],
);
impl Checked for Hello {
    const SHAPE: &'static Shape = &HELLO;
}

static METADATA_FIELD: Shape = Shape::new(
    "agora.native.v1.MetadataField",
    size_of::<MetadataField<'_>>(),
    &[Field::one(1, Kind::Text), Field::one(2, Kind::Bytes)],
);
impl Checked for MetadataField<'_> {
    const SHAPE: &'static Shape = &METADATA_FIELD;
}

static REQUEST_HEADER: Shape = Shape::new(
    "agora.native.v1.RequestHeader",
    size_of::<RequestHeader<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Unsigned32)),
        Field::one(2, Kind::Varint(Width::Bits64)),
        Field::many(3, Kind::Message(&METADATA_FIELD)),
    ],
);
impl Checked for RequestHeader<'_> {
    const SHAPE: &'static Shape = &REQUEST_HEADER;
}

static RESPONSE_HEADER: Shape = Shape::new(
    "agora.native.v1.ResponseHeader",
    size_of::<ResponseHeader<'_>>(),
    &[Field::many(1, Kind::Message(&METADATA_FIELD))],
);
impl Checked for ResponseHeader<'_> {
    const SHAPE: &'static Shape = &RESPONSE_HEADER;
}

static TRAILERS: Shape = Shape::new(
    "agora.native.v1.Trailers",
    size_of::<Trailers<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Unsigned32)),
        Field::one(2, Kind::Text),
        Field::many(3, Kind::Message(&METADATA_FIELD)),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
    ],
);
impl Checked for Trailers<'_> {
    const SHAPE: &'static Shape = &TRAILERS;
}

static GO_AWAY: Shape = Shape::new(
    "agora.native.v1.GoAway",
    size_of::<GoAway<'_>>(),
    &[
        Field::one(1, Kind::Varint(Width::Unsigned32)),
        Field::one(2, Kind::Varint(Width::Unsigned32)),
        Field::one(3, Kind::Text),
    ],
);
impl Checked for GoAway<'_> {
    const SHAPE: &'static Shape = &GO_AWAY;
}

//! Messages of package `agora.bench.v1`.

use super::*;
use quick_protobuf::sizeofs::*;
use quick_protobuf::{
    BytesReader, MessageInfo, MessageRead, MessageWrite, Result, Writer, WriterBackend,
};
use std::borrow::Cow;

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct EchoRequest<'a> {
    pub payload: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for EchoRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.payload = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for EchoRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.payload == Cow::Borrowed(b"") {
            0
        } else {
            1 + sizeof_len((&self.payload).len())
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.payload != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.payload))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct EchoResponse<'a> {
    pub payload: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for EchoResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.payload = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for EchoResponse<'a> {
    fn get_size(&self) -> usize {
        0 + if self.payload == Cow::Borrowed(b"") {
            0
        } else {
            1 + sizeof_len((&self.payload).len())
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.payload != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.payload))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct EchoStreamRequest<'a> {
    pub payload: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for EchoStreamRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.payload = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for EchoStreamRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.payload == Cow::Borrowed(b"") {
            0
        } else {
            1 + sizeof_len((&self.payload).len())
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.payload != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.payload))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct EchoStreamResponse<'a> {
    pub payload: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for EchoStreamResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.payload = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for EchoStreamResponse<'a> {
    fn get_size(&self) -> usize {
        0 + if self.payload == Cow::Borrowed(b"") {
            0
        } else {
            1 + sizeof_len((&self.payload).len())
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.payload != Cow::Borrowed(b"") {
            w.write_with_tag(10, |w| w.write_bytes(&**&self.payload))?;
        }
        Ok(())
    }
}

use crate::protobuf::{Checked, Field, Kind, Shape, Width};

static ECHO_REQUEST: Shape = Shape::new(
    "agora.bench.v1.EchoRequest",
    size_of::<EchoRequest<'_>>(),
    &[Field::one(1, Kind::Bytes)],
);
impl Checked for EchoRequest<'_> {
    const SHAPE: &'static Shape = &ECHO_REQUEST;
}

static ECHO_RESPONSE: Shape = Shape::new(
    "agora.bench.v1.EchoResponse",
    size_of::<EchoResponse<'_>>(),
    &[Field::one(1, Kind::Bytes)],
);
impl Checked for EchoResponse<'_> {
    const SHAPE: &'static Shape = &ECHO_RESPONSE;
}

static ECHO_STREAM_REQUEST: Shape = Shape::new(
    "agora.bench.v1.EchoStreamRequest",
    size_of::<EchoStreamRequest<'_>>(),
    &[Field::one(1, Kind::Bytes)],
);
impl Checked for EchoStreamRequest<'_> {
    const SHAPE: &'static Shape = &ECHO_STREAM_REQUEST;
}

static ECHO_STREAM_RESPONSE: Shape = Shape::new(
    "agora.bench.v1.EchoStreamResponse",
    size_of::<EchoStreamResponse<'_>>(),
    &[Field::one(1, Kind::Bytes)],
);
impl Checked for EchoStreamResponse<'_> {
    const SHAPE: &'static Shape = &ECHO_STREAM_RESPONSE;
}

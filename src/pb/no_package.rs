//! Messages without a package.

use super::*;
use quick_protobuf::sizeofs::*;
use quick_protobuf::{
    BytesReader, MessageInfo, MessageRead, MessageWrite, Result, Writer, WriterBackend,
};
use std::borrow::Cow;

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ServeClientArgs<'a> {
    pub Request: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for ServeClientArgs<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.Request = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ServeClientArgs<'a> {
    fn get_size(&self) -> usize {
        0 + if self.Request == "" { 0 } else { 1 + sizeof_len((&self.Request).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.Request != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.Request))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ServeClientReply<'a> {
    pub Data: Cow<'a, str>,
    pub LeaderID: Cow<'a, str>,
    pub Success: bool,
}

impl<'a> MessageRead<'a> for ServeClientReply<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.Data = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.LeaderID = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(24) => msg.Success = r.read_bool(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ServeClientReply<'a> {
    fn get_size(&self) -> usize {
        0 + if self.Data == "" { 0 } else { 1 + sizeof_len((&self.Data).len()) }
            + if self.LeaderID == "" { 0 } else { 1 + sizeof_len((&self.LeaderID).len()) }
            + if self.Success == false { 0 } else { 1 + sizeof_varint(*(&self.Success) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.Data != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.Data))?;
        }
        if self.LeaderID != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.LeaderID))?;
        }
        if self.Success != false {
            w.write_with_tag(24, |w| w.write_bool(*&self.Success))?;
        }
        Ok(())
    }
}

use crate::protobuf::{Checked, Field, Kind, Shape, Width};

static SERVE_CLIENT_ARGS: Shape =
    Shape::new("ServeClientArgs", size_of::<ServeClientArgs<'_>>(), &[Field::one(1, Kind::Text)]);
impl Checked for ServeClientArgs<'_> {
    const SHAPE: &'static Shape = &SERVE_CLIENT_ARGS;
}

static SERVE_CLIENT_REPLY: Shape = Shape::new(
    "ServeClientReply",
    size_of::<ServeClientReply<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Text),
        Field::one(3, Kind::Varint(Width::Unsigned32)),
    ],
);
impl Checked for ServeClientReply<'_> {
    const SHAPE: &'static Shape = &SERVE_CLIENT_REPLY;
}

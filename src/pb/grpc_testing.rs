//! Messages of package `grpc.testing`.

use super::*;
use quick_protobuf::sizeofs::*;
use quick_protobuf::{
    BytesReader, MessageInfo, MessageRead, MessageWrite, Result, Writer, WriterBackend,
};
use std::borrow::Cow;

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Empty {}

impl<'a> MessageRead<'a> for Empty {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for Empty {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct BoolValue {
    pub value: bool,
}

impl<'a> MessageRead<'a> for BoolValue {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.value = r.read_bool(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for BoolValue {
    fn get_size(&self) -> usize {
        0 + if self.value == false { 0 } else { 1 + sizeof_varint(*(&self.value) as u64) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.value != false {
            w.write_with_tag(8, |w| w.write_bool(*&self.value))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Payload<'a> {
    pub body: Cow<'a, [u8]>,
}

impl<'a> MessageRead<'a> for Payload<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(18) => msg.body = r.read_bytes(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for Payload<'a> {
    fn get_size(&self) -> usize {
        0 + if self.body == Cow::Borrowed(b"") { 0 } else { 1 + sizeof_len((&self.body).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.body != Cow::Borrowed(b"") {
            w.write_with_tag(18, |w| w.write_bytes(&**&self.body))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct EchoStatus<'a> {
    pub code: i32,
    pub message: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for EchoStatus<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.code = r.read_int32(bytes)?,
                Ok(18) => msg.message = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for EchoStatus<'a> {
    fn get_size(&self) -> usize {
        0 + if self.code == 0i32 { 0 } else { 1 + sizeof_varint(*(&self.code) as u64) }
            + if self.message == "" { 0 } else { 1 + sizeof_len((&self.message).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.code != 0i32 {
            w.write_with_tag(8, |w| w.write_int32(*&self.code))?;
        }
        if self.message != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.message))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct SimpleRequest<'a> {
    pub response_size: i32,
    pub payload: Option<Payload<'a>>,
    pub fill_username: bool,
    pub fill_oauth_scope: bool,
    pub response_compressed: Option<BoolValue>,
    pub response_status: Option<EchoStatus<'a>>,
    pub expect_compressed: Option<BoolValue>,
}

impl<'a> MessageRead<'a> for SimpleRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(16) => msg.response_size = r.read_int32(bytes)?,
                Ok(26) => msg.payload = Some(r.read_message::<Payload>(bytes)?),
                Ok(32) => msg.fill_username = r.read_bool(bytes)?,
                Ok(40) => msg.fill_oauth_scope = r.read_bool(bytes)?,
                Ok(50) => msg.response_compressed = Some(r.read_message::<BoolValue>(bytes)?),
                Ok(58) => msg.response_status = Some(r.read_message::<EchoStatus>(bytes)?),
                Ok(66) => msg.expect_compressed = Some(r.read_message::<BoolValue>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for SimpleRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.response_size == 0i32 {
            0
        } else {
            1 + sizeof_varint(*(&self.response_size) as u64)
        } + self.payload.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.fill_username == false {
                0
            } else {
                1 + sizeof_varint(*(&self.fill_username) as u64)
            }
            + if self.fill_oauth_scope == false {
                0
            } else {
                1 + sizeof_varint(*(&self.fill_oauth_scope) as u64)
            }
            + self.response_compressed.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + self.response_status.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + self.expect_compressed.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.response_size != 0i32 {
            w.write_with_tag(16, |w| w.write_int32(*&self.response_size))?;
        }
        if let Some(ref s) = self.payload {
            w.write_with_tag(26, |w| w.write_message(s))?;
        }
        if self.fill_username != false {
            w.write_with_tag(32, |w| w.write_bool(*&self.fill_username))?;
        }
        if self.fill_oauth_scope != false {
            w.write_with_tag(40, |w| w.write_bool(*&self.fill_oauth_scope))?;
        }
        if let Some(ref s) = self.response_compressed {
            w.write_with_tag(50, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.response_status {
            w.write_with_tag(58, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.expect_compressed {
            w.write_with_tag(66, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct SimpleResponse<'a> {
    pub payload: Option<Payload<'a>>,
    pub username: Cow<'a, str>,
    pub oauth_scope: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for SimpleResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.payload = Some(r.read_message::<Payload>(bytes)?),
                Ok(18) => msg.username = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(26) => msg.oauth_scope = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for SimpleResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.payload.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + if self.username == "" { 0 } else { 1 + sizeof_len((&self.username).len()) }
            + if self.oauth_scope == "" { 0 } else { 1 + sizeof_len((&self.oauth_scope).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.payload {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if self.username != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.username))?;
        }
        if self.oauth_scope != "" {
            w.write_with_tag(26, |w| w.write_string(&**&self.oauth_scope))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct StreamingInputCallRequest<'a> {
    pub payload: Option<Payload<'a>>,
    pub expect_compressed: Option<BoolValue>,
}

impl<'a> MessageRead<'a> for StreamingInputCallRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.payload = Some(r.read_message::<Payload>(bytes)?),
                Ok(18) => msg.expect_compressed = Some(r.read_message::<BoolValue>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for StreamingInputCallRequest<'a> {
    fn get_size(&self) -> usize {
        0 + self.payload.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + self.expect_compressed.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.payload {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.expect_compressed {
            w.write_with_tag(18, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct StreamingInputCallResponse {
    pub aggregated_payload_size: i32,
}

impl<'a> MessageRead<'a> for StreamingInputCallResponse {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.aggregated_payload_size = r.read_int32(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for StreamingInputCallResponse {
    fn get_size(&self) -> usize {
        0 + if self.aggregated_payload_size == 0i32 {
            0
        } else {
            1 + sizeof_varint(*(&self.aggregated_payload_size) as u64)
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.aggregated_payload_size != 0i32 {
            w.write_with_tag(8, |w| w.write_int32(*&self.aggregated_payload_size))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ResponseParameters {
    pub size: i32,
    pub interval_us: i32,
    pub compressed: Option<BoolValue>,
}

impl<'a> MessageRead<'a> for ResponseParameters {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.size = r.read_int32(bytes)?,
                Ok(16) => msg.interval_us = r.read_int32(bytes)?,
                Ok(26) => msg.compressed = Some(r.read_message::<BoolValue>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for ResponseParameters {
    fn get_size(&self) -> usize {
        0 + if self.size == 0i32 { 0 } else { 1 + sizeof_varint(*(&self.size) as u64) }
            + if self.interval_us == 0i32 {
                0
            } else {
                1 + sizeof_varint(*(&self.interval_us) as u64)
            }
            + self.compressed.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.size != 0i32 {
            w.write_with_tag(8, |w| w.write_int32(*&self.size))?;
        }
        if self.interval_us != 0i32 {
            w.write_with_tag(16, |w| w.write_int32(*&self.interval_us))?;
        }
        if let Some(ref s) = self.compressed {
            w.write_with_tag(26, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct StreamingOutputCallRequest<'a> {
    pub response_parameters: Vec<ResponseParameters>,
    pub payload: Option<Payload<'a>>,
    pub response_status: Option<EchoStatus<'a>>,
}

impl<'a> MessageRead<'a> for StreamingOutputCallRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(18) => {
                    msg.response_parameters.push(r.read_message::<ResponseParameters>(bytes)?)
                }
                Ok(26) => msg.payload = Some(r.read_message::<Payload>(bytes)?),
                Ok(58) => msg.response_status = Some(r.read_message::<EchoStatus>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for StreamingOutputCallRequest<'a> {
    fn get_size(&self) -> usize {
        0 + self.response_parameters.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
            + self.payload.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
            + self.response_status.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.response_parameters {
            w.write_with_tag(18, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.payload {
            w.write_with_tag(26, |w| w.write_message(s))?;
        }
        if let Some(ref s) = self.response_status {
            w.write_with_tag(58, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct StreamingOutputCallResponse<'a> {
    pub payload: Option<Payload<'a>>,
}

impl<'a> MessageRead<'a> for StreamingOutputCallResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.payload = Some(r.read_message::<Payload>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for StreamingOutputCallResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.payload.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if let Some(ref s) = self.payload {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

use crate::protobuf::{Checked, Field, Kind, Shape, Width};

static EMPTY: Shape = Shape::new("grpc.testing.Empty", size_of::<Empty>(), &[]);
impl Checked for Empty {
    const SHAPE: &'static Shape = &EMPTY;
}

static BOOL_VALUE: Shape = Shape::new(
    "grpc.testing.BoolValue",
    size_of::<BoolValue>(),
    &[Field::one(1, Kind::Varint(Width::Unsigned32))],
);
impl Checked for BoolValue {
    const SHAPE: &'static Shape = &BOOL_VALUE;
}

static PAYLOAD: Shape =
    Shape::new("grpc.testing.Payload", size_of::<Payload<'_>>(), &[Field::one(2, Kind::Bytes)]);
impl Checked for Payload<'_> {
    const SHAPE: &'static Shape = &PAYLOAD;
}

static ECHO_STATUS: Shape = Shape::new(
    "grpc.testing.EchoStatus",
    size_of::<EchoStatus<'_>>(),
    &[Field::one(1, Kind::Varint(Width::Signed32)), Field::one(2, Kind::Text)],
);
impl Checked for EchoStatus<'_> {
    const SHAPE: &'static Shape = &ECHO_STATUS;
}

static SIMPLE_REQUEST: Shape = Shape::new(
    "grpc.testing.SimpleRequest",
    size_of::<SimpleRequest<'_>>(),
    &[
        Field::one(2, Kind::Varint(Width::Signed32)),
        Field::one(3, Kind::Message(&PAYLOAD)),
        Field::one(4, Kind::Varint(Width::Unsigned32)),
        Field::one(5, Kind::Varint(Width::Unsigned32)),
        Field::one(6, Kind::Message(&BOOL_VALUE)),
        Field::one(7, Kind::Message(&ECHO_STATUS)),
        Field::one(8, Kind::Message(&BOOL_VALUE)),
    ],
);
impl Checked for SimpleRequest<'_> {
    const SHAPE: &'static Shape = &SIMPLE_REQUEST;
}

static SIMPLE_RESPONSE: Shape = Shape::new(
    "grpc.testing.SimpleResponse",
    size_of::<SimpleResponse<'_>>(),
    &[Field::one(1, Kind::Message(&PAYLOAD)), Field::one(2, Kind::Text), Field::one(3, Kind::Text)],
);
impl Checked for SimpleResponse<'_> {
    const SHAPE: &'static Shape = &SIMPLE_RESPONSE;
}

static STREAMING_INPUT_CALL_REQUEST: Shape = Shape::new(
    "grpc.testing.StreamingInputCallRequest",
    size_of::<StreamingInputCallRequest<'_>>(),
    &[Field::one(1, Kind::Message(&PAYLOAD)), Field::one(2, Kind::Message(&BOOL_VALUE))],
);
impl Checked for StreamingInputCallRequest<'_> {
    const SHAPE: &'static Shape = &STREAMING_INPUT_CALL_REQUEST;
}

static STREAMING_INPUT_CALL_RESPONSE: Shape = Shape::new(
    "grpc.testing.StreamingInputCallResponse",
    size_of::<StreamingInputCallResponse>(),
    &[Field::one(1, Kind::Varint(Width::Signed32))],
);
impl Checked for StreamingInputCallResponse {
    const SHAPE: &'static Shape = &STREAMING_INPUT_CALL_RESPONSE;
}

static RESPONSE_PARAMETERS: Shape = Shape::new(
    "grpc.testing.ResponseParameters",
    size_of::<ResponseParameters>(),
    &[
        Field::one(1, Kind::Varint(Width::Signed32)),
        Field::one(2, Kind::Varint(Width::Signed32)),
        Field::one(3, Kind::Message(&BOOL_VALUE)),
    ],
);
impl Checked for ResponseParameters {
    const SHAPE: &'static Shape = &RESPONSE_PARAMETERS;
}

static STREAMING_OUTPUT_CALL_REQUEST: Shape = Shape::new(
    "grpc.testing.StreamingOutputCallRequest",
    size_of::<StreamingOutputCallRequest<'_>>(),
    &[
        Field::many(2, Kind::Message(&RESPONSE_PARAMETERS)),
        Field::one(3, Kind::Message(&PAYLOAD)),
        Field::one(7, Kind::Message(&ECHO_STATUS)),
    ],
);
impl Checked for StreamingOutputCallRequest<'_> {
    const SHAPE: &'static Shape = &STREAMING_OUTPUT_CALL_REQUEST;
}

static STREAMING_OUTPUT_CALL_RESPONSE: Shape = Shape::new(
    "grpc.testing.StreamingOutputCallResponse",
    size_of::<StreamingOutputCallResponse<'_>>(),
    &[Field::one(1, Kind::Message(&PAYLOAD))],
);
impl Checked for StreamingOutputCallResponse<'_> {
    const SHAPE: &'static Shape = &STREAMING_OUTPUT_CALL_RESPONSE;
}

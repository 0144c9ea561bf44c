//! Messages of package `grpc.health.v1`.

use super::*;
use quick_protobuf::sizeofs::*;
use quick_protobuf::{
    BytesReader, MessageInfo, MessageRead, MessageWrite, Result, Writer, WriterBackend,
};
use std::borrow::Cow;

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct HealthCheckRequest<'a> {
    pub service: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for HealthCheckRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.service = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for HealthCheckRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.service == "" { 0 } else { 1 + sizeof_len((&self.service).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.service != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.service))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct HealthCheckResponse {
    pub status: mod_HealthCheckResponse::ServingStatus,
}

impl<'a> MessageRead<'a> for HealthCheckResponse {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.status = r.read_enum(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl MessageWrite for HealthCheckResponse {
    fn get_size(&self) -> usize {
        0 + if self.status == grpc_health_v1::mod_HealthCheckResponse::ServingStatus::UNKNOWN {
            0
        } else {
            1 + sizeof_varint(*(&self.status) as u64)
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.status != grpc_health_v1::mod_HealthCheckResponse::ServingStatus::UNKNOWN {
            w.write_with_tag(8, |w| w.write_enum(*&self.status as i32))?;
        }
        Ok(())
    }
}

pub mod mod_HealthCheckResponse {

    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    pub enum ServingStatus {
        UNKNOWN = 0,
        SERVING = 1,
        NOT_SERVING = 2,
        SERVICE_UNKNOWN = 3,
    }

    impl Default for ServingStatus {
        fn default() -> Self {
            ServingStatus::UNKNOWN
        }
    }

    impl From<i32> for ServingStatus {
        fn from(i: i32) -> Self {
            match i {
                0 => ServingStatus::UNKNOWN,
                1 => ServingStatus::SERVING,
                2 => ServingStatus::NOT_SERVING,
                3 => ServingStatus::SERVICE_UNKNOWN,
                _ => Self::default(),
            }
        }
    }

    impl<'a> From<&'a str> for ServingStatus {
        fn from(s: &'a str) -> Self {
            match s {
                "UNKNOWN" => ServingStatus::UNKNOWN,
                "SERVING" => ServingStatus::SERVING,
                "NOT_SERVING" => ServingStatus::NOT_SERVING,
                "SERVICE_UNKNOWN" => ServingStatus::SERVICE_UNKNOWN,
                _ => Self::default(),
            }
        }
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct HealthListRequest {}

impl<'a> MessageRead<'a> for HealthListRequest {
    fn from_reader(r: &mut BytesReader, _: &[u8]) -> Result<Self> {
        r.read_to_end();
        Ok(Self::default())
    }
}

impl MessageWrite for HealthListRequest {}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct HealthListResponse<'a> {
    pub statuses: Vec<mod_HealthListResponse::StatusesEntry<'a>>,
}

impl<'a> MessageRead<'a> for HealthListResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg
                    .statuses
                    .push(r.read_message::<mod_HealthListResponse::StatusesEntry>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for HealthListResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.statuses.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.statuses {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

pub mod mod_HealthListResponse {

    use super::*;
    use std::borrow::Cow;

    #[allow(clippy::derive_partial_eq_without_eq)]
    #[derive(Debug, Default, PartialEq, Clone)]
    pub struct StatusesEntry<'a> {
        pub key: Cow<'a, str>,
        pub value: Option<HealthCheckResponse>,
    }

    impl<'a> MessageRead<'a> for StatusesEntry<'a> {
        fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
            let mut msg = Self::default();
            while !r.is_eof() {
                match r.next_tag(bytes) {
                    Ok(10) => msg.key = r.read_string(bytes).map(Cow::Borrowed)?,
                    Ok(18) => msg.value = Some(r.read_message::<HealthCheckResponse>(bytes)?),
                    Ok(t) => {
                        r.read_unknown(bytes, t)?;
                    }
                    Err(e) => return Err(e),
                }
            }
            Ok(msg)
        }
    }

    impl<'a> MessageWrite for StatusesEntry<'a> {
        fn get_size(&self) -> usize {
            0 + if self.key == "" { 0 } else { 1 + sizeof_len((&self.key).len()) }
                + self.value.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
        }

        fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
            if self.key != "" {
                w.write_with_tag(10, |w| w.write_string(&**&self.key))?;
            }
            if let Some(ref s) = self.value {
                w.write_with_tag(18, |w| w.write_message(s))?;
            }
            Ok(())
        }
    }
}

use crate::protobuf::{Checked, Field, Kind, Shape, Width};

static HEALTH_CHECK_REQUEST: Shape = Shape::new(
    "grpc.health.v1.HealthCheckRequest",
    size_of::<HealthCheckRequest<'_>>(),
    &[Field::one(1, Kind::Text)],
);
impl Checked for HealthCheckRequest<'_> {
    const SHAPE: &'static Shape = &HEALTH_CHECK_REQUEST;
}

static HEALTH_CHECK_RESPONSE: Shape = Shape::new(
    "grpc.health.v1.HealthCheckResponse",
    size_of::<HealthCheckResponse>(),
    &[Field::one(1, Kind::Varint(Width::Signed32))],
);
impl Checked for HealthCheckResponse {
    const SHAPE: &'static Shape = &HEALTH_CHECK_RESPONSE;
}

static HEALTH_LIST_REQUEST: Shape =
    Shape::new("grpc.health.v1.HealthListRequest", size_of::<HealthListRequest>(), &[]);
impl Checked for HealthListRequest {
    const SHAPE: &'static Shape = &HEALTH_LIST_REQUEST;
}

static HEALTH_LIST_RESPONSE: Shape = Shape::new(
    "grpc.health.v1.HealthListResponse",
    size_of::<HealthListResponse<'_>>(),
    &[Field::many(1, Kind::Message(&HEALTH_LIST_RESPONSE_STATUSES_ENTRY))],
);
impl Checked for HealthListResponse<'_> {
    const SHAPE: &'static Shape = &HEALTH_LIST_RESPONSE;
}

static HEALTH_LIST_RESPONSE_STATUSES_ENTRY: Shape = Shape::new(
    "grpc.health.v1.HealthListResponse.StatusesEntry",
    size_of::<mod_HealthListResponse::StatusesEntry<'_>>(),
    &[Field::one(1, Kind::Text), Field::one(2, Kind::Message(&HEALTH_CHECK_RESPONSE))],
);
impl Checked for mod_HealthListResponse::StatusesEntry<'_> {
    const SHAPE: &'static Shape = &HEALTH_LIST_RESPONSE_STATUSES_ENTRY;
}

//! Messages of package `grpc.reflection.v1`.

use super::*;
use quick_protobuf::sizeofs::*;
use quick_protobuf::{
    BytesReader, MessageInfo, MessageRead, MessageWrite, Result, Writer, WriterBackend,
};
use std::borrow::Cow;

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ServerReflectionRequest<'a> {
    pub host: Cow<'a, str>,
    pub message_request: mod_ServerReflectionRequest::OneOfmessage_request<'a>,
}

impl<'a> MessageRead<'a> for ServerReflectionRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.host = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(26) => msg.message_request = mod_ServerReflectionRequest::OneOfmessage_request::file_by_filename(r.read_string(bytes).map(Cow::Borrowed)?),
                Ok(34) => msg.message_request = mod_ServerReflectionRequest::OneOfmessage_request::file_containing_symbol(r.read_string(bytes).map(Cow::Borrowed)?),
                Ok(42) => msg.message_request = mod_ServerReflectionRequest::OneOfmessage_request::file_containing_extension(r.read_message::<ExtensionRequest>(bytes)?),
                Ok(50) => msg.message_request = mod_ServerReflectionRequest::OneOfmessage_request::all_extension_numbers_of_type(r.read_string(bytes).map(Cow::Borrowed)?),
                Ok(58) => msg.message_request = mod_ServerReflectionRequest::OneOfmessage_request::list_services(r.read_string(bytes).map(Cow::Borrowed)?),
                Ok(t) => { r.read_unknown(bytes, t)?; }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ServerReflectionRequest<'a> {
    fn get_size(&self) -> usize {
        0
        + if self.host == "" { 0 } else { 1 + sizeof_len((&self.host).len()) }
        + match self.message_request {
            mod_ServerReflectionRequest::OneOfmessage_request::file_by_filename(ref m) => 1 + sizeof_len((m).len()),
            mod_ServerReflectionRequest::OneOfmessage_request::file_containing_symbol(ref m) => 1 + sizeof_len((m).len()),
            mod_ServerReflectionRequest::OneOfmessage_request::file_containing_extension(ref m) => 1 + sizeof_len((m).get_size()),
            mod_ServerReflectionRequest::OneOfmessage_request::all_extension_numbers_of_type(ref m) => 1 + sizeof_len((m).len()),
            mod_ServerReflectionRequest::OneOfmessage_request::list_services(ref m) => 1 + sizeof_len((m).len()),
            mod_ServerReflectionRequest::OneOfmessage_request::None => 0,
    }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.host != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.host))?;
        }
        match self.message_request {
            mod_ServerReflectionRequest::OneOfmessage_request::file_by_filename(ref m) => {
                w.write_with_tag(26, |w| w.write_string(&**m))?
            }
            mod_ServerReflectionRequest::OneOfmessage_request::file_containing_symbol(ref m) => {
                w.write_with_tag(34, |w| w.write_string(&**m))?
            }
            mod_ServerReflectionRequest::OneOfmessage_request::file_containing_extension(ref m) => {
                w.write_with_tag(42, |w| w.write_message(m))?
            }
            mod_ServerReflectionRequest::OneOfmessage_request::all_extension_numbers_of_type(
                ref m,
            ) => w.write_with_tag(50, |w| w.write_string(&**m))?,
            mod_ServerReflectionRequest::OneOfmessage_request::list_services(ref m) => {
                w.write_with_tag(58, |w| w.write_string(&**m))?
            }
            mod_ServerReflectionRequest::OneOfmessage_request::None => {}
        }
        Ok(())
    }
}

pub mod mod_ServerReflectionRequest {

    use super::*;

    #[derive(Debug, PartialEq, Clone)]
    pub enum OneOfmessage_request<'a> {
        file_by_filename(Cow<'a, str>),
        file_containing_symbol(Cow<'a, str>),
        file_containing_extension(ExtensionRequest<'a>),
        all_extension_numbers_of_type(Cow<'a, str>),
        list_services(Cow<'a, str>),
        None,
    }

    impl<'a> Default for OneOfmessage_request<'a> {
        fn default() -> Self {
            OneOfmessage_request::None
        }
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ExtensionRequest<'a> {
    pub containing_type: Cow<'a, str>,
    pub extension_number: i32,
}

impl<'a> MessageRead<'a> for ExtensionRequest<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.containing_type = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(16) => msg.extension_number = r.read_int32(bytes)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ExtensionRequest<'a> {
    fn get_size(&self) -> usize {
        0 + if self.containing_type == "" {
            0
        } else {
            1 + sizeof_len((&self.containing_type).len())
        } + if self.extension_number == 0i32 {
            0
        } else {
            1 + sizeof_varint(*(&self.extension_number) as u64)
        }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.containing_type != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.containing_type))?;
        }
        if self.extension_number != 0i32 {
            w.write_with_tag(16, |w| w.write_int32(*&self.extension_number))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ServerReflectionResponse<'a> {
    pub valid_host: Cow<'a, str>,
    pub original_request: Option<ServerReflectionRequest<'a>>,
    pub message_response: mod_ServerReflectionResponse::OneOfmessage_response<'a>,
}

impl<'a> MessageRead<'a> for ServerReflectionResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.valid_host = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => msg.original_request = Some(r.read_message::<ServerReflectionRequest>(bytes)?),
                Ok(34) => msg.message_response = mod_ServerReflectionResponse::OneOfmessage_response::file_descriptor_response(r.read_message::<FileDescriptorResponse>(bytes)?),
                Ok(42) => msg.message_response = mod_ServerReflectionResponse::OneOfmessage_response::all_extension_numbers_response(r.read_message::<ExtensionNumberResponse>(bytes)?),
                Ok(50) => msg.message_response = mod_ServerReflectionResponse::OneOfmessage_response::list_services_response(r.read_message::<ListServiceResponse>(bytes)?),
                Ok(58) => msg.message_response = mod_ServerReflectionResponse::OneOfmessage_response::error_response(r.read_message::<ErrorResponse>(bytes)?),
                Ok(t) => { r.read_unknown(bytes, t)?; }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ServerReflectionResponse<'a> {
    fn get_size(&self) -> usize {
        0
        + if self.valid_host == "" { 0 } else { 1 + sizeof_len((&self.valid_host).len()) }
        + self.original_request.as_ref().map_or(0, |m| 1 + sizeof_len((m).get_size()))
        + match self.message_response {
            mod_ServerReflectionResponse::OneOfmessage_response::file_descriptor_response(ref m) => 1 + sizeof_len((m).get_size()),
            mod_ServerReflectionResponse::OneOfmessage_response::all_extension_numbers_response(ref m) => 1 + sizeof_len((m).get_size()),
            mod_ServerReflectionResponse::OneOfmessage_response::list_services_response(ref m) => 1 + sizeof_len((m).get_size()),
            mod_ServerReflectionResponse::OneOfmessage_response::error_response(ref m) => 1 + sizeof_len((m).get_size()),
            mod_ServerReflectionResponse::OneOfmessage_response::None => 0,
    }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.valid_host != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.valid_host))?;
        }
        if let Some(ref s) = self.original_request {
            w.write_with_tag(18, |w| w.write_message(s))?;
        }
        match self.message_response {
            mod_ServerReflectionResponse::OneOfmessage_response::file_descriptor_response(
                ref m,
            ) => w.write_with_tag(34, |w| w.write_message(m))?,
            mod_ServerReflectionResponse::OneOfmessage_response::all_extension_numbers_response(
                ref m,
            ) => w.write_with_tag(42, |w| w.write_message(m))?,
            mod_ServerReflectionResponse::OneOfmessage_response::list_services_response(ref m) => {
                w.write_with_tag(50, |w| w.write_message(m))?
            }
            mod_ServerReflectionResponse::OneOfmessage_response::error_response(ref m) => {
                w.write_with_tag(58, |w| w.write_message(m))?
            }
            mod_ServerReflectionResponse::OneOfmessage_response::None => {}
        }
        Ok(())
    }
}

pub mod mod_ServerReflectionResponse {

    use super::*;

    #[derive(Debug, PartialEq, Clone)]
    pub enum OneOfmessage_response<'a> {
        file_descriptor_response(FileDescriptorResponse<'a>),
        all_extension_numbers_response(ExtensionNumberResponse<'a>),
        list_services_response(ListServiceResponse<'a>),
        error_response(ErrorResponse<'a>),
        None,
    }

    impl<'a> Default for OneOfmessage_response<'a> {
        fn default() -> Self {
            OneOfmessage_response::None
        }
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct FileDescriptorResponse<'a> {
    pub file_descriptor_proto: Vec<Cow<'a, [u8]>>,
}

impl<'a> MessageRead<'a> for FileDescriptorResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.file_descriptor_proto.push(r.read_bytes(bytes).map(Cow::Borrowed)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for FileDescriptorResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.file_descriptor_proto.iter().map(|s| 1 + sizeof_len((s).len())).sum::<usize>()
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.file_descriptor_proto {
            w.write_with_tag(10, |w| w.write_bytes(&**s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ExtensionNumberResponse<'a> {
    pub base_type_name: Cow<'a, str>,
    pub extension_number: Vec<i32>,
}

impl<'a> MessageRead<'a> for ExtensionNumberResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.base_type_name = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(18) => {
                    msg.extension_number =
                        r.read_packed(bytes, |r, bytes| Ok(r.read_int32(bytes)?))?
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

impl<'a> MessageWrite for ExtensionNumberResponse<'a> {
    fn get_size(&self) -> usize {
        0 + if self.base_type_name == "" { 0 } else { 1 + sizeof_len((&self.base_type_name).len()) }
            + if self.extension_number.is_empty() {
                0
            } else {
                1 + sizeof_len(
                    self.extension_number.iter().map(|s| sizeof_varint(*(s) as u64)).sum::<usize>(),
                )
            }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.base_type_name != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.base_type_name))?;
        }
        w.write_packed_with_tag(18, &self.extension_number, |w, m| w.write_int32(*m), &|m| {
            sizeof_varint(*(m) as u64)
        })?;
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ListServiceResponse<'a> {
    pub service: Vec<ServiceResponse<'a>>,
}

impl<'a> MessageRead<'a> for ListServiceResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.service.push(r.read_message::<ServiceResponse>(bytes)?),
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ListServiceResponse<'a> {
    fn get_size(&self) -> usize {
        0 + self.service.iter().map(|s| 1 + sizeof_len((s).get_size())).sum::<usize>()
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        for s in &self.service {
            w.write_with_tag(10, |w| w.write_message(s))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ServiceResponse<'a> {
    pub name: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for ServiceResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(10) => msg.name = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ServiceResponse<'a> {
    fn get_size(&self) -> usize {
        0 + if self.name == "" { 0 } else { 1 + sizeof_len((&self.name).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.name != "" {
            w.write_with_tag(10, |w| w.write_string(&**&self.name))?;
        }
        Ok(())
    }
}

#[allow(clippy::derive_partial_eq_without_eq)]
#[derive(Debug, Default, PartialEq, Clone)]
pub struct ErrorResponse<'a> {
    pub error_code: i32,
    pub error_message: Cow<'a, str>,
}

impl<'a> MessageRead<'a> for ErrorResponse<'a> {
    fn from_reader(r: &mut BytesReader, bytes: &'a [u8]) -> Result<Self> {
        let mut msg = Self::default();
        while !r.is_eof() {
            match r.next_tag(bytes) {
                Ok(8) => msg.error_code = r.read_int32(bytes)?,
                Ok(18) => msg.error_message = r.read_string(bytes).map(Cow::Borrowed)?,
                Ok(t) => {
                    r.read_unknown(bytes, t)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(msg)
    }
}

impl<'a> MessageWrite for ErrorResponse<'a> {
    fn get_size(&self) -> usize {
        0 + if self.error_code == 0i32 { 0 } else { 1 + sizeof_varint(*(&self.error_code) as u64) }
            + if self.error_message == "" { 0 } else { 1 + sizeof_len((&self.error_message).len()) }
    }

    fn write_message<W: WriterBackend>(&self, w: &mut Writer<W>) -> Result<()> {
        if self.error_code != 0i32 {
            w.write_with_tag(8, |w| w.write_int32(*&self.error_code))?;
        }
        if self.error_message != "" {
            w.write_with_tag(18, |w| w.write_string(&**&self.error_message))?;
        }
        Ok(())
    }
}

use crate::protobuf::{Checked, Field, Kind, Shape, Width};

static SERVER_REFLECTION_REQUEST: Shape = Shape::new(
    "grpc.reflection.v1.ServerReflectionRequest",
    size_of::<ServerReflectionRequest<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(3, Kind::Text),
        Field::one(4, Kind::Text),
        Field::one(5, Kind::Message(&EXTENSION_REQUEST)),
        Field::one(6, Kind::Text),
        Field::one(7, Kind::Text),
    ],
);
impl Checked for ServerReflectionRequest<'_> {
    const SHAPE: &'static Shape = &SERVER_REFLECTION_REQUEST;
}

static EXTENSION_REQUEST: Shape = Shape::new(
    "grpc.reflection.v1.ExtensionRequest",
    size_of::<ExtensionRequest<'_>>(),
    &[Field::one(1, Kind::Text), Field::one(2, Kind::Varint(Width::Signed32))],
);
impl Checked for ExtensionRequest<'_> {
    const SHAPE: &'static Shape = &EXTENSION_REQUEST;
}

static SERVER_REFLECTION_RESPONSE: Shape = Shape::new(
    "grpc.reflection.v1.ServerReflectionResponse",
    size_of::<ServerReflectionResponse<'_>>(),
    &[
        Field::one(1, Kind::Text),
        Field::one(2, Kind::Message(&SERVER_REFLECTION_REQUEST)),
        Field::one(4, Kind::Message(&FILE_DESCRIPTOR_RESPONSE)),
        Field::one(5, Kind::Message(&EXTENSION_NUMBER_RESPONSE)),
        Field::one(6, Kind::Message(&LIST_SERVICE_RESPONSE)),
        Field::one(7, Kind::Message(&ERROR_RESPONSE)),
    ],
);
impl Checked for ServerReflectionResponse<'_> {
    const SHAPE: &'static Shape = &SERVER_REFLECTION_RESPONSE;
}

static FILE_DESCRIPTOR_RESPONSE: Shape = Shape::new(
    "grpc.reflection.v1.FileDescriptorResponse",
    size_of::<FileDescriptorResponse<'_>>(),
    &[Field::many(1, Kind::Bytes)],
);
impl Checked for FileDescriptorResponse<'_> {
    const SHAPE: &'static Shape = &FILE_DESCRIPTOR_RESPONSE;
}

static EXTENSION_NUMBER_RESPONSE: Shape = Shape::new(
    "grpc.reflection.v1.ExtensionNumberResponse",
    size_of::<ExtensionNumberResponse<'_>>(),
    &[Field::one(1, Kind::Text), Field::many(2, Kind::Packed(Width::Signed32))],
);
impl Checked for ExtensionNumberResponse<'_> {
    const SHAPE: &'static Shape = &EXTENSION_NUMBER_RESPONSE;
}

static LIST_SERVICE_RESPONSE: Shape = Shape::new(
    "grpc.reflection.v1.ListServiceResponse",
    size_of::<ListServiceResponse<'_>>(),
    &[Field::many(1, Kind::Message(&SERVICE_RESPONSE))],
);
impl Checked for ListServiceResponse<'_> {
    const SHAPE: &'static Shape = &LIST_SERVICE_RESPONSE;
}

static SERVICE_RESPONSE: Shape = Shape::new(
    "grpc.reflection.v1.ServiceResponse",
    size_of::<ServiceResponse<'_>>(),
    &[Field::one(1, Kind::Text)],
);
impl Checked for ServiceResponse<'_> {
    const SHAPE: &'static Shape = &SERVICE_RESPONSE;
}

static ERROR_RESPONSE: Shape = Shape::new(
    "grpc.reflection.v1.ErrorResponse",
    size_of::<ErrorResponse<'_>>(),
    &[Field::one(1, Kind::Varint(Width::Signed32)), Field::one(2, Kind::Text)],
);
impl Checked for ErrorResponse<'_> {
    const SHAPE: &'static Shape = &ERROR_RESPONSE;
}

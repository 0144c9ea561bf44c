//! Encodes and decodes the messages of health and reflection.

use std::borrow::Cow;

use quick_protobuf::MessageRead;

use crate::call::{Code, Status};
use crate::pb::grpc_health_v1::mod_HealthCheckResponse::ServingStatus;
use crate::pb::grpc_health_v1::mod_HealthListResponse::StatusesEntry;
use crate::pb::grpc_health_v1::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};
use crate::pb::grpc_reflection_v1::mod_ServerReflectionRequest::OneOfmessage_request as AnyQuery;
use crate::pb::grpc_reflection_v1::mod_ServerReflectionResponse::OneOfmessage_response as AnyAnswer;
use crate::pb::grpc_reflection_v1::{
    ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse, ListServiceResponse,
    ServerReflectionRequest, ServerReflectionResponse, ServiceResponse,
};
use crate::protobuf::{Checked, decode, encode, encode_into};

use super::health;

/// Decodes a message; one that the structural check refuses ends its call.
fn read<'a, M: Checked + MessageRead<'a>>(message: &'a [u8]) -> Result<M, Status> {
    decode(message).map_err(|error| Status::new(Code::Internal, error.to_string()))
}

/// The service name in a request of Check or Watch.
pub(super) fn parse_service(message: &[u8]) -> Result<Cow<'_, str>, Status> {
    read::<HealthCheckRequest<'_>>(message).map(|request| request.service)
}

fn health_response(status: Option<health::ServingStatus>) -> HealthCheckResponse {
    let status = match status {
        Some(health::ServingStatus::Serving) => ServingStatus::SERVING,
        Some(health::ServingStatus::NotServing) => ServingStatus::NOT_SERVING,
        None => ServingStatus::SERVICE_UNKNOWN,
    };
    HealthCheckResponse { status }
}

/// Appends the status of a service; `None` is SERVICE_UNKNOWN.
pub(super) fn append_status(status: Option<health::ServingStatus>, response: &mut Vec<u8>) {
    encode_into(&health_response(status), response);
}

/// Appends the statuses of all services, as the answer to a request of List.
pub(super) fn append_statuses<'a>(
    message: &[u8],
    statuses: impl Iterator<Item = (&'a str, health::ServingStatus)>,
    response: &mut Vec<u8>,
) -> Result<(), Status> {
    read::<HealthListRequest>(message)?;
    let entry = |(name, status): (&'a str, _)| StatusesEntry {
        key: Cow::Borrowed(name),
        value: Some(health_response(Some(status))),
    };
    encode_into(&HealthListResponse { statuses: statuses.map(entry).collect() }, response);
    Ok(())
}

/// What a reflection request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Query<'a> {
    /// The file with this name.
    File(&'a str),
    /// The file that declares this full name.
    Symbol(&'a str),
    /// The file with an extension of this message.
    Extension(&'a str),
    /// The numbers of all extensions of this message.
    ExtensionNumbers(&'a str),
    /// The list of services.
    Services,
    /// Nothing, or something unknown.
    Nothing,
}

/// The answer to a reflection request.
pub(super) enum Answer<'a> {
    /// Files, each as its descriptor.
    Files(Vec<&'a [u8]>),
    /// The message of this name exists and has no extensions.
    NoExtensions(&'a str),
    /// The full names of services.
    Services(&'a [String]),
    /// An error, with the reason.
    Error(Code, &'a str),
}

/// A reflection request; the response repeats it.
pub(super) struct ReflectionRequest<'a> {
    request: ServerReflectionRequest<'a>,
}

impl<'a> ReflectionRequest<'a> {
    /// Decodes a request.
    pub(super) fn parse(message: &'a [u8]) -> Result<ReflectionRequest<'a>, Status> {
        read(message).map(|request| ReflectionRequest { request })
    }

    /// What it asks for.
    pub(super) fn query(&self) -> Query<'_> {
        match &self.request.message_request {
            AnyQuery::file_by_filename(name) => Query::File(name),
            AnyQuery::file_containing_symbol(name) => Query::Symbol(name),
            AnyQuery::file_containing_extension(of) => Query::Extension(&of.containing_type),
            AnyQuery::all_extension_numbers_of_type(name) => Query::ExtensionNumbers(name),
            AnyQuery::list_services(_) => Query::Services,
            AnyQuery::None => Query::Nothing,
        }
    }

    /// Encodes the response with an answer.
    pub(super) fn response(&self, answer: Answer<'_>) -> Vec<u8> {
        let message_response = match answer {
            Answer::Files(files) => AnyAnswer::file_descriptor_response(FileDescriptorResponse {
                file_descriptor_proto: files.into_iter().map(Cow::Borrowed).collect(),
            }),
            Answer::NoExtensions(name) => {
                AnyAnswer::all_extension_numbers_response(ExtensionNumberResponse {
                    base_type_name: Cow::Borrowed(name),
                    extension_number: Vec::new(),
                })
            }
            Answer::Services(names) => {
                let service = |name: &'_ String| ServiceResponse { name: name.clone().into() };
                let service = names.iter().map(service).collect();
                AnyAnswer::list_services_response(ListServiceResponse { service })
            }
            Answer::Error(code, message) => AnyAnswer::error_response(ErrorResponse {
                error_code: i32::from(code.number()),
                error_message: Cow::Borrowed(message),
            }),
        };
        encode(&ServerReflectionResponse {
            valid_host: Cow::Borrowed(&self.request.host),
            original_request: Some(self.request.clone()),
            message_response,
        })
    }
}

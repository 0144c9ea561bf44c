//! `grpc.reflection.v1` and `v1alpha` ("GRPC Server Reflection Protocol").

use std::borrow::Cow;
use std::time::{Duration, Instant};

use agora::call::Code;
use agora::pb::grpc_reflection_v1::mod_ServerReflectionRequest::OneOfmessage_request as Ask;
use agora::pb::grpc_reflection_v1::mod_ServerReflectionResponse::OneOfmessage_response as Answer;
use agora::pb::grpc_reflection_v1::{
    ErrorResponse, ExtensionRequest, ServerReflectionRequest, ServerReflectionResponse,
};
use agora::protobuf::{FieldReader, Value, decode, encode};
use agora::rpc::{Channel, ClientCall};

use crate::fixture::*;

const V1: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const V1ALPHA: &str = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

fn question(ask: Ask<'_>) -> Vec<u8> {
    encode(&ServerReflectionRequest { host: "here".into(), message_request: ask })
}

fn file(name: &str) -> Vec<u8> {
    question(Ask::file_by_filename(Cow::Borrowed(name)))
}

fn symbol(name: &str) -> Vec<u8> {
    question(Ask::file_containing_symbol(Cow::Borrowed(name)))
}

fn list() -> Vec<u8> {
    question(Ask::list_services("".into()))
}

fn start(channel: &Channel) -> ClientCall {
    channel.start(V1, &patiently()).unwrap()
}

/// Sends a request, checks that the answer repeats it, and passes the answer to `look`.
fn ask<T>(call: &mut ClientCall, question: &[u8], look: impl FnOnce(Answer<'_>) -> T) -> T {
    call.send(question).unwrap();
    let message = call.receive().unwrap().expect("an answer");
    let response: ServerReflectionResponse<'_> = decode(&message).unwrap();
    assert_eq!(response.valid_host, "here");
    assert_eq!(encode(&response.original_request.unwrap()), question);
    look(response.message_response)
}

/// The names of the files in an answer.
fn files(answer: Answer<'_>) -> Vec<String> {
    let Answer::file_descriptor_response(files) = answer else { panic!("no files: {answer:?}") };
    let name = |file: &Cow<'_, [u8]>| match FieldReader::new(file).next() {
        // FileDescriptorProto: its name is field 1, and comes first.
        Some(Ok((1, Value::Bytes(name)))) => String::from_utf8(name.to_vec()).unwrap(),
        other => panic!("no name: {other:?}"),
    };
    files.file_descriptor_proto.iter().map(name).collect()
}

fn services(answer: Answer<'_>) -> Vec<String> {
    let Answer::list_services_response(list) = answer else { panic!("no list: {answer:?}") };
    list.service.into_iter().map(|service| service.name.into_owned()).collect()
}

fn error(answer: Answer<'_>) -> i32 {
    let Answer::error_response(ErrorResponse { error_code, error_message }) = answer else {
        panic!("no error: {answer:?}")
    };
    assert!(!error_message.is_empty());
    error_code
}

const NOT_FOUND: i32 = Code::NotFound as i32;

#[test]
fn both_versions_list_exactly_the_servers_services() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        let expected = [
            ECHO,
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        ];
        for path in [V1, V1ALPHA] {
            let mut call = channel.start(path, &patiently()).unwrap();
            assert_eq!(ask(&mut call, &list(), services), expected);
            call.half_close().unwrap();
            assert_eq!(call.receive().unwrap(), None);
        }
    });
}

#[test]
fn every_listed_service_can_be_looked_up() {
    both(|protocol| {
        let server = Fixture::new();
        let mut call = start(&server.channel(protocol));
        for service in ask(&mut call, &list(), services) {
            let package = service.rsplit_once('.').unwrap().0.replace('.', "/");
            let found = ask(&mut call, &symbol(&service), files);
            assert!(found[0].starts_with(&package), "{service}: {found:?}");
        }
    });
}

#[test]
fn a_symbol_of_any_kind_leads_to_its_file() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        for (name, expected) in [
            ("grpc.health.v1.Health", "grpc/health/v1/health_service.proto"),
            ("grpc.health.v1.Health.Watch", "grpc/health/v1/health_service.proto"),
            ("grpc.health.v1.HealthCheckResponse", "grpc/health/v1/health.proto"),
            ("grpc.health.v1.HealthCheckResponse.status", "grpc/health/v1/health.proto"),
            ("grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto"),
            ("grpc.health.v1.HealthCheckResponse.SERVING", "grpc/health/v1/health.proto"),
        ] {
            assert_eq!(ask(&mut start(&channel), &symbol(name), files)[0], expected, "{name}");
        }
    });
}

#[test]
fn imports_are_sent_once_per_stream_and_the_requested_file_always() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        let (service, messages) =
            ("grpc/health/v1/health_service.proto", "grpc/health/v1/health.proto");
        let mut call = start(&channel);
        assert_eq!(ask(&mut call, &file(service), files), [service, messages]);
        assert_eq!(ask(&mut call, &file(service), files), [service]);
        assert_eq!(ask(&mut call, &file(messages), files), [messages]);
        let mut other = start(&channel);
        assert_eq!(ask(&mut other, &file(service), files), [service, messages]);
    });
}

#[test]
fn an_unknown_name_is_an_error_in_the_answer_and_the_stream_goes_on() {
    both(|protocol| {
        let server = Fixture::new();
        let mut call = start(&server.channel(protocol));
        for name in ["", "no.such.Symbol", "grpc.health.v1", ".grpc.health.v1.Health"] {
            assert_eq!(ask(&mut call, &symbol(name), error), NOT_FOUND, "{name}");
        }
        for name in ["", "no/such.proto", "/grpc/health/v1/health.proto", "../health.proto"] {
            assert_eq!(ask(&mut call, &file(name), error), NOT_FOUND, "{name}");
        }
        assert_eq!(ask(&mut call, &list(), services).len(), 4);
    });
}

#[test]
fn known_messages_have_no_extensions() {
    both(|protocol| {
        let server = Fixture::new();
        let mut call = start(&server.channel(protocol));
        let numbers =
            |name: &'static str| question(Ask::all_extension_numbers_of_type(name.into()));
        let known = "grpc.health.v1.HealthCheckRequest";
        ask(&mut call, &numbers(known), |answer| match answer {
            Answer::all_extension_numbers_response(numbers) => {
                assert_eq!(numbers.base_type_name, known);
                assert!(numbers.extension_number.is_empty());
            }
            other => panic!("no numbers: {other:?}"),
        });
        for name in ["no.such.Message", "grpc.health.v1.Health"] {
            assert_eq!(ask(&mut call, &numbers(name), error), NOT_FOUND, "{name}");
        }
        let extension = ExtensionRequest { containing_type: known.into(), extension_number: 1 };
        let extension = question(Ask::file_containing_extension(extension));
        assert_eq!(ask(&mut call, &extension, error), NOT_FOUND);
    });
}

#[test]
fn an_empty_request_is_an_invalid_argument() {
    both(|protocol| {
        let server = Fixture::new();
        let mut call = start(&server.channel(protocol));
        let invalid = i32::from(Code::InvalidArgument.number());
        assert_eq!(ask(&mut call, &question(Ask::None), error), invalid);
        assert_eq!(ask(&mut call, &list(), services).len(), 4);
    });
}

#[test]
fn a_malformed_request_ends_the_stream() {
    both(|protocol| {
        let server = Fixture::new();
        let mut call = start(&server.channel(protocol));
        call.send(&[0x0a, 9, b'x']).unwrap();
        assert_eq!(call.receive().unwrap_err().code, Code::Internal);
    });
}

#[test]
fn requests_sent_before_any_answer_is_read_are_answered_in_order() {
    both(|protocol| {
        let server = Fixture::new();
        let mut call = start(&server.channel(protocol));
        const COUNT: usize = 5000;
        for n in 0..COUNT {
            call.send(&symbol(&format!("no.such.S{n}"))).unwrap();
        }
        call.half_close().unwrap();
        for n in 0..COUNT {
            let message = call.receive().unwrap().expect("an answer");
            let response: ServerReflectionResponse<'_> = decode(&message).unwrap();
            let asked = response.original_request.unwrap().message_request;
            assert_eq!(asked, Ask::file_containing_symbol(format!("no.such.S{n}").into()));
        }
        assert_eq!(call.receive().unwrap(), None);
    });
}

#[test]
fn a_shutdown_does_not_wait_for_an_idle_stream() {
    both(|protocol| {
        let mut server = Fixture::new();
        let mut call = start(&server.channel(protocol));
        assert_eq!(ask(&mut call, &list(), services).len(), 4);
        let began = Instant::now();
        server.begin_stop();
        assert_eq!(call.receive().unwrap_err().code, Code::Unavailable);
        server.wait();
        // The grace period for open calls is 10 s.
        assert!(began.elapsed() < Duration::from_secs(8));
    });
}

//! `grpc.health.v1` ("GRPC Health Checking Protocol").

use std::borrow::Cow;
use std::time::{Duration, Instant};

use agora::call::{Code, Limits, Status};
use agora::pb::grpc_health_v1::mod_HealthCheckResponse::ServingStatus as Wire;
use agora::pb::grpc_health_v1::{HealthCheckRequest, HealthCheckResponse, HealthListResponse};
use agora::protobuf::{decode, encode};
use agora::rpc::ServingStatus::{NotServing, Serving};
use agora::rpc::{Channel, ChannelOptions, ClientCall, Received};
use agora::session::Protocol;

use crate::fixture::*;

const CHECK: &str = "/grpc.health.v1.Health/Check";
const LIST: &str = "/grpc.health.v1.Health/List";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

fn request(service: &str) -> Vec<u8> {
    encode(&HealthCheckRequest { service: Cow::Borrowed(service) })
}

fn status(response: &[u8]) -> Wire {
    decode::<HealthCheckResponse>(response).unwrap().status
}

fn check(channel: &Channel, service: &str) -> Result<Wire, Status> {
    channel.unary(CHECK, &request(service), &patiently()).map(|response| status(&response))
}

fn watch(channel: &Channel, service: &str) -> ClientCall {
    let mut call = channel.start(WATCH, &patiently()).unwrap();
    call.send_last(&request(service)).unwrap();
    call
}

fn next(call: &mut ClientCall) -> Wire {
    status(&call.receive().unwrap().expect("the watch goes on"))
}

#[test]
fn check_returns_the_current_status() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        assert_eq!(check(&channel, ECHO), Ok(Wire::NOT_SERVING), "until somebody says otherwise");
        server.health.set(ECHO, Serving);
        assert_eq!(check(&channel, ECHO), Ok(Wire::SERVING));
        server.health.set(ECHO, NotServing);
        assert_eq!(check(&channel, ECHO), Ok(Wire::NOT_SERVING));
    });
}

#[test]
fn the_empty_name_is_the_server_as_a_whole() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        assert_eq!(check(&channel, ""), Ok(Wire::NOT_SERVING));
        server.health.set_all(Serving);
        assert_eq!(check(&channel, ""), Ok(Wire::SERVING));
        assert_eq!(check(&channel, ECHO), Ok(Wire::SERVING));
        server.health.set("", NotServing);
        assert_eq!(check(&channel, ""), Ok(Wire::NOT_SERVING));
        assert_eq!(check(&channel, ECHO), Ok(Wire::SERVING), "it speaks for no service");
    });
}

#[test]
fn check_of_an_unknown_service_is_not_found() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        for name in ["agora.bench.v1", "no.such.Service", "agora.bench.v1.echoservice"] {
            assert_eq!(check(&channel, name).unwrap_err().code, Code::NotFound, "{name}");
        }
        server.health.set("no.such.Service", Serving);
        assert_eq!(check(&channel, "no.such.Service"), Ok(Wire::SERVING), "it was set meanwhile");
    });
}

#[test]
fn list_names_every_service_and_the_server() {
    both(|protocol| {
        let server = Fixture::new();
        server.health.set(ECHO, Serving);
        let response = server.channel(protocol).unary(LIST, &[], &patiently()).unwrap();
        let listed = decode::<HealthListResponse<'_>>(&response).unwrap().statuses;
        let listed: Vec<(&str, Wire)> = listed
            .iter()
            .map(|entry| (&*entry.key, entry.value.as_ref().unwrap().status))
            .collect();
        let expected = [
            ("", Wire::NOT_SERVING),
            (ECHO, Wire::SERVING),
            ("grpc.health.v1.Health", Wire::NOT_SERVING),
            ("grpc.reflection.v1.ServerReflection", Wire::NOT_SERVING),
            ("grpc.reflection.v1alpha.ServerReflection", Wire::NOT_SERVING),
        ];
        assert_eq!(listed, expected);
    });
}

#[test]
fn watch_sends_the_status_at_once_and_then_every_change() {
    both(|protocol| {
        let server = Fixture::new();
        let mut watch = watch(&server.channel(protocol), ECHO);
        assert_eq!(next(&mut watch), Wire::NOT_SERVING);
        server.health.set(ECHO, Serving);
        assert_eq!(next(&mut watch), Wire::SERVING);
        // Setting the same status is no change, and other services do not belong to this watch.
        server.health.set(ECHO, Serving);
        server.health.set("", Serving);
        server.health.set(ECHO, NotServing);
        assert_eq!(next(&mut watch), Wire::NOT_SERVING);
    });
}

#[test]
fn watch_of_an_unknown_service_waits_for_it() {
    both(|protocol| {
        let server = Fixture::new();
        let mut watch = watch(&server.channel(protocol), "comes.later.Service");
        assert_eq!(next(&mut watch), Wire::SERVICE_UNKNOWN);
        server.health.set("comes.later.Service", Serving);
        assert_eq!(next(&mut watch), Wire::SERVING);
    });
}

#[test]
fn each_of_many_watches_gets_its_own_statuses() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        let mut watches: Vec<_> =
            (0..50).map(|n| watch(&channel, &format!("s{}", n % 2))).collect();
        for watch in &mut watches {
            assert_eq!(next(watch), Wire::SERVICE_UNKNOWN);
        }
        // Half of them are cancelled, which must not affect the others.
        watches.truncate(25);
        server.health.set("s0", Serving);
        server.health.set("s1", NotServing);
        for (n, watch) in watches.iter_mut().enumerate() {
            let expected = if n % 2 == 0 { Wire::SERVING } else { Wire::NOT_SERVING };
            assert_eq!(next(watch), expected);
        }
    });
}

#[test]
fn for_a_client_that_does_not_read_only_the_newest_status_waits() {
    let server = Fixture::new();
    // Two statuses of seven bytes fill this window.
    let limits = Limits { call_window_bytes: 14, ..Limits::DEFAULT };
    let options = ChannelOptions { protocol: Protocol::Grpc, limits, ..ChannelOptions::default() };
    let mut watch = watch(&server.channel_with(options), ECHO);
    assert_eq!(next(&mut watch), Wire::NOT_SERVING);
    for round in 0..1000 {
        server.health.set(ECHO, if round % 2 == 0 { Serving } else { NotServing });
    }
    server.health.set(ECHO, Serving);
    server.begin_stop();
    let mut told = Vec::new();
    while let Some(message) = watch.receive().unwrap() {
        told.push(status(&message));
    }
    assert!(told.len() < 10, "{} statuses had waited", told.len());
    assert_eq!(told.last(), Some(&Wire::NOT_SERVING), "the last word is the shutdown's");
}

#[test]
fn a_slow_watch_catches_up_with_the_newest_status() {
    both(|protocol| {
        let server = Fixture::new();
        let limits = Limits { call_window_bytes: 14, ..Limits::DEFAULT };
        let options = ChannelOptions { protocol, limits, ..ChannelOptions::default() };
        let mut watch = watch(&server.channel_with(options), ECHO);
        assert_eq!(next(&mut watch), Wire::NOT_SERVING);
        for _ in 0..1000 {
            server.health.set(ECHO, Serving);
            server.health.set(ECHO, NotServing);
        }
        server.health.set("", NotServing);
        server.health.set(ECHO, Serving);
        // Each status differs from the one before, and the newest is the last of them.
        let mut told = vec![Wire::NOT_SERVING];
        loop {
            let soon = Instant::now() + Duration::from_millis(100);
            match watch.receive_until(Some(soon)).unwrap() {
                Received::Message(message) => told.push(status(&message)),
                Received::NotYet if told.last() == Some(&Wire::SERVING) => break,
                Received::NotYet => (),
                Received::End => panic!("the watch ended"),
            }
            assert!(told.len() < 3000);
        }
        assert!(told.windows(2).all(|two| two[0] != two[1]), "{told:?}");
        server.health.set(ECHO, NotServing);
        assert_eq!(next(&mut watch), Wire::NOT_SERVING, "and it goes on");
    });
}

#[test]
fn a_shutdown_is_sent_to_every_watch_and_ends_it_with_ok() {
    both(|protocol| {
        let mut server = Fixture::new();
        server.health.set_all(Serving);
        let channel = server.channel(protocol);
        let mut known = watch(&channel, ECHO);
        let mut unknown = watch(&channel, "no.such.Service");
        assert_eq!(next(&mut known), Wire::SERVING);
        assert_eq!(next(&mut unknown), Wire::SERVICE_UNKNOWN);
        server.begin_stop();
        assert_eq!(next(&mut known), Wire::NOT_SERVING);
        assert_eq!(known.receive().unwrap(), None);
        assert_eq!(unknown.receive().unwrap(), None);
        server.wait();
        // After the shutdown this has no effect.
        server.health.set(ECHO, Serving);
    });
}

#[test]
fn a_very_long_name_is_refused() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        let name = "x".repeat(1001);
        let error = watch(&channel, &name).receive().unwrap_err();
        assert_eq!(error.code, Code::InvalidArgument);
        assert_eq!(check(&channel, &name).unwrap_err().code, Code::NotFound);
        assert_eq!(next(&mut watch(&channel, &name[1..])), Wire::SERVICE_UNKNOWN);
    });
}

#[test]
fn a_malformed_request_is_an_internal_error() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        for path in [CHECK, LIST, WATCH] {
            // A length beyond the message's end.
            let error = channel.unary(path, &[0x0a, 5, b'x'], &patiently()).unwrap_err();
            assert_eq!(error.code, Code::Internal, "{path}");
        }
    });
}

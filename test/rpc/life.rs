//! Servers that start, stop and restart.

use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use agora::call::Code;
use agora::rpc::{CallOptions, ServerOptions};

use crate::fixture::*;

#[test]
fn a_shutdown_finishes_open_calls_and_accepts_no_new_ones() {
    both(|protocol| {
        let mut server = Fixture::new();
        let channel = server.channel(protocol);
        let mut chat = channel.start(CHAT, &within(LONG)).unwrap();
        chat.send(b"before").unwrap();
        chat.receive().unwrap();
        server.handle.shut_down();
        chat.send(b"during").unwrap();
        assert_eq!(chat.receive().unwrap().unwrap(), b"during");
        let refused = channel.unary(ECHO, b"", &within(LONG)).unwrap_err();
        assert_eq!(refused.code, Code::Unavailable, "{refused}");
        chat.half_close().unwrap();
        assert_eq!(chat.receive().unwrap(), None);
        let started = Instant::now();
        server.stop();
        assert!(started.elapsed() < Duration::from_secs(5), "it waited for its grace to end");
    });
}

#[test]
fn a_shutdown_does_not_wait_for_ever() {
    let grace = Duration::from_millis(50);
    let options = ServerOptions { shutdown_grace: grace, ..ServerOptions::default() };
    both(|protocol| {
        let mut server = Fixture::with(options.clone());
        let mut call = server.channel(protocol).start(NEVER, &within(LONG)).unwrap();
        call.send_last(b"").unwrap();
        eventually("the call begins", || server.seen.begun.load(Ordering::Relaxed) == 1);
        server.stop();
        assert_eq!(call.receive().unwrap_err().code, Code::Unavailable);
        assert_eq!(server.seen.cancelled.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_client_finds_a_restarted_server() {
    both(|protocol| {
        let mut server = Fixture::new();
        let channel = server.channel(protocol);
        assert_eq!(channel.unary(ECHO, b"1", &within(LONG)).unwrap(), b"1");
        server.stop();
        let error = channel.unary(ECHO, b"2", &within(LONG)).unwrap_err();
        assert_eq!(error.code, Code::Unavailable);
        let again = Fixture::at(server.address, ServerOptions::default());
        let patient = CallOptions { wait_for_ready: true, ..within(LONG) };
        assert_eq!(channel.unary(ECHO, b"3", &patient).unwrap(), b"3");
        drop(again);
    });
}

#[test]
fn an_unreachable_server_is_unavailable_with_a_reason() {
    both(|protocol| {
        let server = Fixture::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        drop(server);
        let options = agora::rpc::ChannelOptions { protocol, ..Default::default() };
        let channel = agora::rpc::Channel::new(&format!("127.0.0.1:{port}"), options).unwrap();
        let error = channel.unary(ECHO, b"", &within(LONG)).unwrap_err();
        assert_eq!(error.code, Code::Unavailable);
        assert!(error.message.contains(&port.to_string()), "{error}");
        assert!(error.message.contains("refused"), "{error}");
        let patient = CallOptions { wait_for_ready: true, ..within(Duration::from_millis(100)) };
        let error = channel.unary(ECHO, b"", &patient).unwrap_err();
        assert_eq!(error.code, Code::DeadlineExceeded);
    });
}

#[test]
fn a_handler_that_panics_fails_its_call_and_no_other() {
    both(|protocol| {
        let server = Fixture::new();
        let channel = server.channel(protocol);
        let error = channel.unary(PANIC, b"", &within(LONG)).unwrap_err();
        assert_eq!(error.code, Code::Internal);
        assert_eq!(channel.unary(ECHO, b"next", &within(LONG)).unwrap(), b"next");
    });
}

#[test]
fn idle_clients_do_not_delay_a_shutdown() {
    both(|protocol| {
        let mut server = Fixture::new();
        let idle = [(); 2].map(|()| server.channel(protocol));
        for channel in &idle {
            assert!(channel.unary(ECHO, b"", &within(LONG)).is_ok());
        }
        let started = Instant::now();
        server.stop();
        assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
    });
}

//! Many calls from one thread that has a loop of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use agora::call::Code;
use agora::rpc::{ChannelOptions, Dialed, Multiplexer, ServerOptions};
use agora::session::Protocol;

use crate::fixture::{BIG, ECHO, Fixture, LONG, NEVER, both, eventually, is_asleep, thread_folder};

#[test]
fn answers_larger_than_all_windows_come_side_by_side() {
    both(|protocol| {
        let server = Fixture::new();
        let options = ChannelOptions { protocol, ..ChannelOptions::default() };
        let mut multiplexer = Multiplexer::new().unwrap();
        let link = multiplexer.connect(&server.address.to_string(), &options).unwrap();
        for _ in 0..20 {
            multiplexer.start(link, BIG, b"", Some(LONG)).unwrap();
        }
        let mut sizes = Vec::new();
        while sizes.len() < 20 {
            multiplexer.poll(LONG, |done| sizes.push(done.message.len())).unwrap();
        }
        assert_eq!(sizes, [1024 * 1024; 20]);
    });
}

#[test]
fn a_cancelled_call_is_over_on_both_sides() {
    both(|protocol| {
        let server = Fixture::new();
        let options = ChannelOptions { protocol, ..ChannelOptions::default() };
        let mut multiplexer = Multiplexer::new().unwrap();
        let link = multiplexer.connect(&server.address.to_string(), &options).unwrap();
        let call = multiplexer.start(link, NEVER, b"", None).unwrap();
        let short = Duration::from_millis(1);
        eventually("the call", || {
            multiplexer.poll(short, |done| panic!("{done:?}")).unwrap();
            server.seen.begun.load(Ordering::SeqCst) == 1
        });
        multiplexer.cancel(link, call);
        eventually("its end", || {
            multiplexer.poll(short, |done| panic!("{done:?}")).unwrap();
            server.seen.cancelled.load(Ordering::SeqCst) == 1
        });
        multiplexer.start(link, ECHO, b"next", Some(LONG)).unwrap();
        let mut answers = Vec::new();
        while answers.is_empty() {
            multiplexer.poll(LONG, |done| answers.push(done.message.to_vec())).unwrap();
        }
        assert_eq!(answers, [b"next"]);
    });
}

#[test]
fn connections_can_be_added_and_removed() {
    let shutdown_grace = Duration::from_millis(50);
    let mut server = Fixture::with(ServerOptions { shutdown_grace, ..ServerOptions::default() });
    let target = server.address.to_string();
    let options = ChannelOptions::default();
    let mut multiplexer = Multiplexer::new().unwrap();
    // A connection that another thread has established.
    let dialed = std::thread::spawn({
        let (target, options) = (target.clone(), options.clone());
        move || Dialed::dial(&target, &options).unwrap()
    });
    let first = multiplexer.add(dialed.join().unwrap()).unwrap();
    let second = multiplexer.connect(&target, &options).unwrap();
    multiplexer.start(first, NEVER, b"", None).unwrap();
    multiplexer.start(second, NEVER, b"", None).unwrap();
    let short = Duration::from_millis(1);
    eventually("both calls", || {
        multiplexer.poll(short, |done| panic!("{done:?}")).unwrap();
        server.seen.begun.load(Ordering::SeqCst) == 2
    });
    multiplexer.disconnect(first);
    assert!(!multiplexer.is_connected(first) && multiplexer.is_connected(second));
    assert!(multiplexer.start(first, ECHO, b"", None).is_err());
    eventually("the end of the first call", || {
        multiplexer.poll(short, |done| panic!("{done:?}")).unwrap();
        server.seen.cancelled.load(Ordering::SeqCst) == 1
    });
    // The end of the server is reported for the remaining call only.
    let mut ends = Vec::new();
    let stop = std::thread::spawn(move || server.stop());
    while ends.is_empty() {
        multiplexer.poll(LONG, |done| ends.push((done.link, done.status.code))).unwrap();
    }
    assert_eq!(ends, [(second, Code::Unavailable)]);
    assert!(!multiplexer.is_connected(second));
    stop.join().unwrap();
    let third = multiplexer.connect(&target, &options);
    assert!(third.is_err(), "nobody is there any more");
}

#[test]
fn a_waker_ends_a_poll_from_another_thread() {
    let mut multiplexer = Multiplexer::new().unwrap();
    let waker = multiplexer.waker();
    waker.wake();
    let started = Instant::now();
    multiplexer.poll(LONG, |_| ()).unwrap();
    let is_woken = Arc::<AtomicBool>::default();
    let thread = std::thread::spawn({
        let (waiting, is_woken) = (thread_folder(), Arc::clone(&is_woken));
        move || {
            eventually("it sleeps", || is_asleep(&waiting));
            is_woken.store(true, Ordering::SeqCst);
            waker.wake();
        }
    });
    multiplexer.poll(LONG, |_| ()).unwrap();
    assert!(is_woken.load(Ordering::SeqCst), "it has slept until the waker was used");
    assert!(started.elapsed() < LONG);
    thread.join().unwrap();
}

fn connected(server: &Fixture, protocol: Protocol, connections: usize) -> Multiplexer {
    let options = ChannelOptions { protocol, ..ChannelOptions::default() };
    let mut multiplexer = Multiplexer::new().unwrap();
    for _ in 0..connections {
        multiplexer.connect(&server.address.to_string(), &options).unwrap();
    }
    multiplexer
}

#[test]
fn every_connection_gets_its_own_answers() {
    both(|protocol| {
        let server = Fixture::new();
        let mut multiplexer = connected(&server, protocol, 50);
        let mut left = [20_u8; 50];
        let request = |link: usize, left: u8| [link as u8, left];
        for link in 0..50 {
            multiplexer.start(link, ECHO, &request(link, 20), Some(LONG)).unwrap();
        }
        while left.iter().any(|left| *left > 0) {
            let mut ended = Vec::new();
            let turn = multiplexer.poll(LONG, |done| {
                assert_eq!(done.message, request(done.link, left[done.link]));
                ended.push(done.link);
            });
            turn.unwrap();
            for link in ended {
                left[link] -= 1;
                if left[link] > 0 {
                    let message = request(link, left[link]);
                    multiplexer.start(link, ECHO, &message, Some(LONG)).unwrap();
                }
            }
        }
    });
}

#[test]
fn an_unanswered_call_ends_at_its_timeout() {
    both(|protocol| {
        let server = Fixture::new();
        let mut multiplexer = connected(&server, protocol, 2);
        let timeout = Duration::from_millis(30);
        let started = Instant::now();
        // A later timeout on another connection does not hide the earlier one.
        multiplexer.start(1, NEVER, b"", Some(LONG)).unwrap();
        multiplexer.start(0, NEVER, b"", Some(timeout)).unwrap();
        let mut ended = None;
        while ended.is_none() {
            let turn = multiplexer.poll(LONG, |done| ended = Some((done.link, done.status.code)));
            turn.unwrap();
        }
        assert_eq!(ended, Some((0, Code::DeadlineExceeded)));
        assert!(started.elapsed() >= timeout && started.elapsed() < LONG / 2);
    });
}

#[test]
fn the_calls_of_a_lost_connection_end() {
    both(|protocol| {
        let options = ServerOptions { shutdown_grace: Duration::ZERO, ..ServerOptions::default() };
        let mut server = Fixture::with(options);
        let mut multiplexer = connected(&server, protocol, 2);
        for link in 0..2 {
            multiplexer.start(link, NEVER, b"", Some(LONG)).unwrap();
        }
        multiplexer.poll(Duration::ZERO, |_| ()).unwrap();
        eventually("both begin", || server.seen.begun.load(Ordering::Relaxed) == 2);
        server.stop();
        let mut ended = Vec::new();
        while ended.len() < 2 {
            multiplexer.poll(LONG, |done| ended.push(done.status.code)).unwrap();
        }
        assert_eq!(ended, [Code::Unavailable; 2]);
        assert!(multiplexer.start(0, ECHO, b"", None).is_err());
    });
}

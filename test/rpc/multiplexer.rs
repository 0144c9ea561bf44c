//! Many calls from one thread that has a loop of its own.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use agora::call::Code;
use agora::rpc::{ChannelOptions, Dialed, Multiplexer, ServerOptions};

use crate::fixture::{BIG, ECHO, Fixture, LONG, NEVER, both, eventually};

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
            multiplexer.turn(LONG, |done| sizes.push(done.message.len())).unwrap();
        }
        assert_eq!(sizes, [1024 * 1024; 20]);
    });
}

#[test]
fn a_call_that_is_cancelled_is_over_for_both_sides() {
    both(|protocol| {
        let server = Fixture::new();
        let options = ChannelOptions { protocol, ..ChannelOptions::default() };
        let mut multiplexer = Multiplexer::new().unwrap();
        let link = multiplexer.connect(&server.address.to_string(), &options).unwrap();
        let call = multiplexer.start(link, NEVER, b"", None).unwrap();
        let short = Duration::from_millis(1);
        eventually("the call", || {
            multiplexer.turn(short, |done| panic!("{done:?}")).unwrap();
            server.seen.begun.load(Ordering::SeqCst) == 1
        });
        multiplexer.cancel(link, call);
        eventually("its end", || {
            multiplexer.turn(short, |done| panic!("{done:?}")).unwrap();
            server.seen.cancelled.load(Ordering::SeqCst) == 1
        });
        multiplexer.start(link, ECHO, b"next", Some(LONG)).unwrap();
        let mut answers = Vec::new();
        while answers.is_empty() {
            multiplexer.turn(LONG, |done| answers.push(done.message.to_vec())).unwrap();
        }
        assert_eq!(answers, [b"next"]);
    });
}

#[test]
fn connections_come_and_go() {
    let shutdown_grace = Duration::from_millis(50);
    let mut server = Fixture::with(ServerOptions { shutdown_grace, ..ServerOptions::default() });
    let target = server.address.to_string();
    let options = ChannelOptions::default();
    let mut multiplexer = Multiplexer::new().unwrap();
    // One that another thread has made.
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
        multiplexer.turn(short, |done| panic!("{done:?}")).unwrap();
        server.seen.begun.load(Ordering::SeqCst) == 2
    });
    multiplexer.disconnect(first);
    assert!(!multiplexer.is_connected(first) && multiplexer.is_connected(second));
    assert!(multiplexer.start(first, ECHO, b"", None).is_err());
    eventually("the end of the first call", || {
        multiplexer.turn(short, |done| panic!("{done:?}")).unwrap();
        server.seen.cancelled.load(Ordering::SeqCst) == 1
    });
    // The server's end is reported to the call that is left, and to no other.
    let mut ends = Vec::new();
    let stop = std::thread::spawn(move || server.stop());
    while ends.is_empty() {
        multiplexer.turn(LONG, |done| ends.push((done.link, done.status.code))).unwrap();
    }
    assert_eq!(ends, [(second, Code::Unavailable)]);
    assert!(!multiplexer.is_connected(second));
    stop.join().unwrap();
    let third = multiplexer.connect(&target, &options);
    assert!(third.is_err(), "nobody is there any more");
}

#[test]
fn a_waker_ends_a_turn_from_another_thread() {
    let mut multiplexer = Multiplexer::new().unwrap();
    let waker = multiplexer.waker();
    waker.wake();
    let started = Instant::now();
    multiplexer.turn(LONG, |_| ()).unwrap();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        waker.wake();
    });
    multiplexer.turn(LONG, |_| ()).unwrap();
    assert!(started.elapsed() >= Duration::from_millis(20));
    assert!(started.elapsed() < LONG);
    thread.join().unwrap();
}

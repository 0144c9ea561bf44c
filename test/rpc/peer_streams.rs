//! Event-loop tasks that keep calls to their peers open.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use agora::call::Code;
use agora::rpc::{Channel, ChannelOptions, NotSent, ResolveError, Resolver, ServerOptions};

use crate::fixture::{LONG, both, eventually, within};
use crate::peers::*;

fn is_up(event: &Event) -> bool {
    matches!(event, Event::Up(_))
}

fn is_down(event: &Event) -> bool {
    matches!(event, Event::Down { .. })
}

#[test]
fn two_peers_send_messages_both_ways_over_either_stream() {
    let (a, b) = (Peer::new(), Peer::new());
    a.add(to(b.address, "ours"));
    b.add(to(a.address, "ours"));
    eventually("both are up", || a.has(&Event::Up(0)) && b.has(&Event::Up(0)));
    a.send(0, vec![b"?from a".to_vec()]);
    b.send(0, vec![b"?from b".to_vec()]);
    eventually("messages and answers", || {
        a.has(&Event::Message(b"?from b".to_vec()))
            && b.has(&Event::Message(b"?from a".to_vec()))
            && a.has(&Event::Answer(0, b"from a".to_vec()))
            && b.has(&Event::Answer(0, b"from b".to_vec()))
    });
}

#[test]
fn five_peers_get_ten_thousand_messages_each_in_order() {
    const MESSAGES: u32 = 10_000;
    const IN_ONE_TURN: u32 = 500;
    let peers = [(); 5].map(|()| Peer::new());
    for (n, peer) in peers.iter().enumerate() {
        for other in peers.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, other)| other) {
            peer.add(to(other.address, "ours"));
        }
    }
    eventually("all are up", || peers.iter().all(|peer| peer.count(is_up) == 4));
    for first in (0..MESSAGES).step_by(IN_ONE_TURN as usize) {
        for (n, peer) in peers.iter().enumerate() {
            let message = |number: u32| [&[n as u8], &number.to_be_bytes()[..]].concat();
            let messages: Vec<_> = (first..first + IN_ONE_TURN).map(message).collect();
            (0..4).for_each(|stream| peer.send(stream, messages.clone()));
        }
    }
    eventually("all messages", || {
        peers.iter().all(|peer| {
            peer.count(|event| matches!(event, Event::Message(_))) == 4 * MESSAGES as usize
        })
    });
    for (n, peer) in peers.iter().enumerate() {
        let messages = peer.messages();
        for other in (0..5).filter(|other| *other != n) {
            let numbers = messages.iter().filter(|message| message[0] == other as u8);
            let numbers =
                numbers.map(|message| u32::from_be_bytes(message[1..].try_into().unwrap()));
            assert!(numbers.eq(0..MESSAGES), "from {other} to {n}");
        }
        assert_eq!(peer.count(|event| matches!(event, Event::NotSent(..))), 0);
        assert_eq!(peer.count(is_down), 0);
    }
}

#[test]
fn a_stream_to_a_restarted_peer_is_up_again_at_once() {
    // It has an address of its own: while it is down, no attempt to reach it may use its port.
    let own = SocketAddr::from(([127, 0, 0, 2], 0));
    let (a, mut b) = (Peer::new(), Peer::at(own, ServerOptions::default()));
    a.add(to(b.address, "ours"));
    for round in 1..=5 {
        eventually("up", || a.count(is_up) == round);
        b.stop();
        eventually("down, and refused some times", || a.count(is_down) >= 4 * round);
        a.send(0, vec![b"nobody is there".to_vec()]);
        eventually("refused", || {
            a.count(|event| *event == Event::NotSent(0, NotSent::Down)) == round
        });
        let again = Instant::now();
        b = Peer::at(b.address, ServerOptions::default());
        eventually("up again", || a.count(is_up) == round + 1);
        // The longest pause is 50 ms; the rest allows for a busy machine.
        assert!(again.elapsed() < Duration::from_secs(2), "{:?}", again.elapsed());
        a.send(0, vec![b"back".to_vec()]);
        eventually("a message", || b.has(&Event::Message(b"back".to_vec())));
    }
    let events = a.events();
    let after_up = events.iter().skip_while(|event| !is_up(event)).nth(1).unwrap();
    assert!(matches!(after_up, Event::Down { was_up: true, .. }), "{after_up:?}");
    let refused = events.iter().find(|event| matches!(event, Event::Down { was_up: false, .. }));
    let Some(Event::Down { code, reason, .. }) = refused else { panic!("{events:?}") };
    assert_eq!(*code, Code::Unavailable);
    assert!(reason.contains(&b.address.to_string()) && reason.contains("refused"), "{reason}");
}

#[test]
fn the_queue_for_a_peer_that_does_not_read_is_bounded() {
    let (a, b) = (Peer::new(), Peer::new());
    let mut options = to(b.address, "ours");
    options.path = DEAF.into();
    options.max_queued_bytes = 1_000_000;
    a.add(options);
    eventually("up", || a.has(&Event::Up(0)));
    for _ in 0..10 {
        a.send(0, vec![vec![7; 100_000]; 10]);
    }
    eventually("it is full", || a.has(&Event::NotSent(0, NotSent::Full)));
    eventually("all are dealt with", || {
        let not_sent = a.count(|event| matches!(event, Event::NotSent(..)));
        let shared = a.shared.lock().unwrap();
        // The peer holds the window of a call and one message.
        let kept = 100 - not_sent;
        shared.dropped == [not_sent as u64] && (10..=14).contains(&kept)
    });
    assert!(a.shared.lock().unwrap().queued_bytes[0] <= 1_100_000);
    assert_eq!(a.count(is_down), 0, "it is alive");
}

/// The native protocol's preface and the headers of call 1, with windows of a gibibyte.
const GREETING: &[u8] = b"AGR1\
    \0\0\0\x0e\x01\0\0\0\0\x08\x80\x80\x80\x80\x04\x10\x80\x80\x80\x80\x04\x18\x64\
    \0\0\0\0\x04\0\0\0\x01";

#[test]
fn a_peer_that_stops_reading_is_dropped() {
    let listener = TcpListener::bind(local()).unwrap();
    let a = Peer::new();
    let mut options = to(listener.local_addr().unwrap(), "ours");
    options.max_queued_bytes = 1_000_000;
    a.add(options);
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(GREETING).unwrap();
    eventually("up", || a.has(&Event::Up(0)));
    // The kernel's buffers hold some megabytes; then output is blocked, and then the peer is silent
    // for too long.
    for _ in 0..50 {
        a.send(0, vec![vec![7; 100_000]; 10]);
    }
    eventually("full", || a.has(&Event::NotSent(0, NotSent::Full)));
    eventually("down", || a.count(is_down) == 1);
    let Some(Event::Down { was_up: true, reason, .. }) = a.events().into_iter().find(is_down)
    else {
        panic!("{:?}", a.events());
    };
    assert!(reason.contains("keepalive") || reason.contains("takes no bytes"), "{reason}");
    // It reconnects with a new connection.
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(GREETING).unwrap();
    eventually("up again", || a.count(is_up) == 2);
}

#[test]
fn a_peer_that_accepts_and_sends_nothing_is_tried_again() {
    let listener = TcpListener::bind(local()).unwrap();
    let a = Peer::new();
    let mut options = to(listener.local_addr().unwrap(), "ours");
    options.channel.connect_timeout = Duration::from_millis(30);
    a.add(options);
    for _ in 0..3 {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let mut said = Vec::new();
        // The old connection ends with an end of file.
        let _ = stream.read_to_end(&mut said);
        assert!(said.starts_with(b"AGR1"));
    }
    eventually("down three times", || a.count(is_down) >= 3);
    let Some(Event::Down { reason, was_up: false, .. }) = a.events().into_iter().next() else {
        panic!("{:?}", a.events());
    };
    assert!(reason.contains("timed out"), "{reason}");
}

#[test]
fn a_refusal_is_reported_and_retried_slowly() {
    let (a, b) = (Peer::new(), Peer::new());
    let mut options = to(b.address, "others");
    options.refused_pause = Duration::from_millis(200);
    let started = Instant::now();
    a.add(options);
    eventually("refused three times", || a.count(is_down) == 3);
    assert!(started.elapsed() >= Duration::from_millis(400));
    for event in a.events() {
        let Event::Down { was_up, code, reason, .. } = event else { panic!("{event:?}") };
        assert_eq!(
            (was_up, code, &*reason),
            (false, Code::FailedPrecondition, "this is group ours")
        );
    }
    assert!(b.events().is_empty());
}

#[test]
fn a_peer_sees_a_shutdown_as_an_orderly_end() {
    let (mut a, b) = (Peer::new(), Peer::new());
    a.add(to(b.address, "ours"));
    eventually("up", || a.has(&Event::Up(0)));
    a.send(0, vec![b"last words".to_vec()]);
    eventually("sent", || a.has_room(1));
    a.stop();
    eventually("the end", || b.has(&Event::Ended));
    assert_eq!(b.events()[..2], [Event::Message(b"last words".to_vec()), Event::Ended]);
}

#[test]
fn the_peer_sees_that_a_stream_was_removed() {
    let (a, b) = (Peer::new(), Peer::new());
    a.add(to(b.address, "ours"));
    a.add(to(b.address, "ours"));
    eventually("up", || a.count(is_up) == 2);
    a.order(Command::Remove(0));
    eventually("lost", || b.has(&Event::Lost));
    a.send(0, vec![b"to nobody".to_vec()]);
    a.send(1, vec![b"to somebody".to_vec()]);
    eventually("the other one goes on", || b.has(&Event::Message(b"to somebody".to_vec())));
    assert!(a.has(&Event::NotSent(0, NotSent::Down)));
    assert_eq!(a.count(is_down), 0);
}

#[test]
fn a_slow_look_up_delays_nothing_else() {
    let b = Peer::new();
    let (release, gate) = mpsc::channel::<Result<Vec<IpAddr>, ResolveError>>();
    let gate = Mutex::new(gate);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let resolver = Resolver::new({
        let asked = Arc::clone(&asked);
        move |target| {
            asked.lock().unwrap().push(target.to_owned());
            gate.lock().unwrap().recv_timeout(LONG).unwrap()
        }
    });
    let options = ServerOptions { resolver, ..ServerOptions::default() };
    let a = Peer::at(local(), options);
    let named = format!("peer.example:{}", b.address.port());
    let mut options = to(b.address, "ours");
    options.target.clone_from(&named);
    a.add(options);
    a.add(to(b.address, "ours"));
    eventually("it is asked", || *asked.lock().unwrap() == ["peer.example"]);
    eventually("others are up meanwhile", || a.has(&Event::Up(1)));
    a.send(1, vec![b"?are you there".to_vec()]);
    eventually("an answer", || a.has(&Event::Answer(1, b"are you there".to_vec())));

    // The first look-up fails; then the first of the addresses is not reachable.
    release.send(Err(ResolveError::NoSuchName)).unwrap();
    eventually("down", || a.count(is_down) == 1);
    // Nothing listens there.
    let nobody = IpAddr::from([127, 9, 8, 7]);
    release.send(Ok(vec![nobody, b.address.ip()])).unwrap();
    eventually("up", || a.has(&Event::Up(0)));
    let Some(Event::Down { reason, .. }) = a.events().into_iter().find(is_down) else { panic!() };
    assert_eq!(reason, format!("{named}: no such name"));
    assert_eq!(a.count(is_down), 1, "an address that fails is no failure of the name");
}

#[test]
fn large_messages_pass_and_do_not_delay_small_ones_for_long() {
    let (a, b) = (Peer::new(), Peer::new());
    a.add(to(b.address, "ours"));
    eventually("up", || a.has(&Event::Up(0)));
    let large = vec![1; 1024 * 1024 + 4096];
    for _ in 0..64 {
        a.send(0, vec![large.clone()]);
        eventually("room", || a.has_room(8 << 20));
        a.send(0, vec![b"?beat".to_vec()]);
    }
    eventually("all have come", || b.messages().len() == 128);
    assert!(b.messages().iter().step_by(2).all(|message| *message == large));
    eventually("all are answered", || {
        a.count(|event| *event == Event::Answer(0, b"beat".to_vec())) == 64
    });
    assert_eq!(a.count(|event| matches!(event, Event::NotSent(..))), 0);
}

#[test]
fn clients_that_fill_a_server_do_not_shut_its_peers_out() {
    both(|protocol| {
        let options = ServerOptions { max_connections: 2, ..ServerOptions::default() };
        let (a, mut b) = (Peer::new(), Peer::at(local(), options));
        let options = ChannelOptions { protocol, ..ChannelOptions::default() };
        let channel = || Channel::new(&b.address.to_string(), options.clone()).unwrap();
        let clients = [channel(), channel()];
        for client in &clients {
            assert_eq!(client.unary(ECHO, b"in", &within(LONG)).unwrap(), b"in");
        }
        // An open call keeps them from being closed in favour of others.
        let calls = clients.each_ref().map(|client| {
            let mut call = client.start(OPEN, &within(LONG)).unwrap();
            call.send(b"").unwrap();
            assert_eq!(call.receive().unwrap().unwrap(), b"open");
            call
        });
        // A further one gets an error before it is closed.
        let one_more = channel();
        let error = one_more.unary(ECHO, b"", &within(LONG)).unwrap_err();
        assert_eq!(error.code, Code::ResourceExhausted, "{error}");
        assert!(error.message.contains("as many connections"), "{error}");
        // A silent connection has a slot for a moment only; meanwhile others can use the remaining
        // ones.
        let mut silent = TcpStream::connect(b.address).unwrap();
        a.add(to(b.address, "ours"));
        a.add(to(b.address, "ours"));
        eventually("peers are in", || a.count(is_up) == 2);
        silent.set_read_timeout(Some(LONG)).unwrap();
        assert_eq!(silent.read(&mut [0; 8]).unwrap(), 0);
        // There are slots for three peers, not for four; the connected ones stay.
        a.add(to(b.address, "ours"));
        a.add(to(b.address, "ours"));
        eventually("three are in, one is not", || a.count(is_up) == 3 && a.count(is_down) > 0);
        for client in &clients {
            assert_eq!(client.unary(ECHO, b"still", &within(LONG)).unwrap(), b"still");
        }
        let was_up = |event: &Event| matches!(event, Event::Down { was_up: true, .. });
        assert_eq!(a.count(was_up), 0);
        // A freed client slot can be used by another client.
        drop((calls, clients));
        eventually("a client gets in", || {
            one_more.unary(ECHO, b"in", &within(LONG)).is_ok_and(|answer| answer == b"in")
        });
        b.stop();
    });
}

#[test]
fn closing_a_connection_ends_all_its_calls() {
    let (a, b) = (Peer::new(), Peer::new());
    a.add(to(b.address, "ours"));
    eventually("up", || a.count(is_up) == 1);
    b.hang_up_on_all("newer than you");
    eventually("up again", || a.count(is_up) == 2);
    let Some(Event::Down { was_up: true, code, reason, .. }) = a.events().into_iter().find(is_down)
    else {
        panic!("{:?}", a.events());
    };
    assert_eq!((code, reason.as_str()), (Code::Aborted, "newer than you"));
}

#[test]
fn an_extended_window_allows_more_bytes_in_flight() {
    let (a, b) = (Peer::new(), Peer::new());
    let mut options = to(b.address, "ours");
    options.path = DEAF.into();
    a.add(options);
    eventually("up", || a.has(&Event::Up(0)));
    a.send(0, vec![vec![7; 100_000]; 100]);
    eventually("the window is full", || a.shared.lock().unwrap().queued_bytes[0] > 9_000_000);
    let before = b.messages().len();
    assert!(before <= 4, "{before}");
    b.widen_all(20_000_000);
    eventually("all have come", || b.messages().len() == 100);
}

//! Both roles connected by random fragments: each side receives what the other has sent, in order, and
//! every call ends with the status that it was given.

use std::collections::BTreeMap;
use std::time::Duration;

use super::wire::{any_metadata, any_status};
use super::{START, tight};
use crate::call::{CallId, CallStart, ClientSink, Limits, Metadata, ServerSink, Status};
use crate::native::{ClientConnection, ServerConnection, StartError};
use crate::seed::{Seed, each_seed};

/// What was sent or received in one direction of a call.
#[derive(Debug, Default, PartialEq, Clone)]
struct Recorded {
    path: String,
    timeout: Option<Duration>,
    headers: Option<Metadata>,
    messages: Vec<Vec<u8>>,
    half_closed: bool,
    status: Option<Status>,
}

/// By call.
type Calls = BTreeMap<CallId, Recorded>;

/// The application of one side: what it has received, and what it has not consumed yet.
#[derive(Default)]
struct Application {
    received: Calls,
    to_take: Vec<(CallId, usize)>,
    cancelled: Vec<CallId>,
}

impl Application {
    fn record(&mut self, call: CallId, message: &[u8]) {
        self.received.entry(call).or_default().messages.push(message.to_vec());
        self.to_take.push((call, message.len()));
    }
}

impl ServerSink for Application {
    fn call(&mut self, start: CallStart<'_>) {
        let sent = Recorded {
            path: start.path.to_owned(),
            timeout: start.timeout,
            headers: Some(start.metadata.clone()),
            ..Recorded::default()
        };
        assert!(self.received.insert(start.call, sent).is_none(), "begun once");
    }

    fn message(&mut self, call: CallId, message: &[u8], last: bool) {
        assert!(!self.received[&call].half_closed);
        self.record(call, message);
        if last {
            self.half_close(call);
        }
    }

    fn half_close(&mut self, call: CallId) {
        let sent = self.received.get_mut(&call).expect("begun before");
        assert!(!std::mem::replace(&mut sent.half_closed, true));
    }

    fn cancelled(&mut self, call: CallId, _: Status) {
        self.cancelled.push(call);
    }

    fn writable(&mut self, call: CallId) {
        assert!(self.received.contains_key(&call));
    }
}

impl ClientSink for Application {
    fn headers(&mut self, call: CallId, metadata: &Metadata) {
        let sent = self.received.entry(call).or_default();
        assert!(sent.messages.is_empty() && sent.headers.is_none());
        sent.headers = Some(metadata.clone());
    }

    fn message(&mut self, call: CallId, message: &[u8]) {
        self.record(call, message);
    }

    fn finished(&mut self, call: CallId, status: Status, retriable: bool) {
        assert!(!retriable);
        let sent = self.received.entry(call).or_default();
        assert!(sent.status.replace(status).is_none(), "finished once");
    }

    fn writable(&mut self, _: CallId) {}
}

/// A random conversation.
struct Simulation {
    client: ClientConnection,
    server: ServerConnection,
    at_client: Application,
    at_server: Application,
    /// What was sent, by side.
    sent_by_client: Calls,
    sent_by_server: Calls,
    /// Written and not yet received.
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    given_up: Vec<CallId>,
}

fn any_message(seed: &mut Seed) -> Vec<u8> {
    let len = match seed.below(10) {
        0 => 0,
        1 => seed.below(40_000),
        2 => 60_000 + seed.below(20_000),
        _ => seed.below(200),
    };
    vec![seed.next_u64() as u8; len]
}

/// Moves a random part of what is written, and lets a random part of what arrived be received.
fn flow(seed: &mut Seed, output: &[u8], wire: &mut Vec<u8>) -> (usize, usize) {
    let written = match seed.below(3) {
        0 => output.len(),
        1 => seed.below(output.len() + 1),
        _ => seed.below(output.len().min(20) + 1),
    };
    wire.extend_from_slice(&output[..written]);
    let arrived = match seed.below(3) {
        0 => wire.len(),
        1 => seed.below(wire.len() + 1),
        _ => seed.below(wire.len().min(20) + 1),
    };
    (written, arrived)
}

impl Simulation {
    fn new(limits: &Limits) -> Simulation {
        Simulation {
            client: ClientConnection::new(limits, START),
            server: ServerConnection::new(&super::without_ping_limit(limits), START),
            at_client: Application::default(),
            at_server: Application::default(),
            sent_by_client: Calls::new(),
            sent_by_server: Calls::new(),
            to_server: Vec::new(),
            to_client: Vec::new(),
            given_up: Vec::new(),
        }
    }

    fn client_acts(&mut self, seed: &mut Seed) {
        if self.sent_by_client.len() < 6 && seed.one_in(2) {
            let metadata = any_metadata(seed);
            let path = format!("/service/{}", seed.below(70));
            let timeout = seed.one_in(2).then(|| Duration::from_micros(1 + seed.next_u64() / 2));
            match self.client.start(&path, &metadata, timeout) {
                Ok(call) => {
                    let headers = Some(metadata);
                    self.sent_by_client
                        .insert(call, Recorded { path, timeout, headers, ..Recorded::default() });
                }
                Err(error) => assert_eq!(error, StartError::TooManyCalls),
            }
        }
        let calls: Vec<CallId> = self.sent_by_client.keys().copied().collect();
        if calls.is_empty() {
            return;
        }
        let call = *seed.pick(&calls);
        let sent = self.sent_by_client.get_mut(&call).expect("one of the calls");
        match seed.below(8) {
            0 => sent.half_closed |= self.client.half_close(call).is_ok(),
            1 if seed.one_in(4) => {
                self.client.cancel(call);
                self.given_up.push(call);
            }
            _ if sent.messages.len() < 6 => {
                let (message, last) = (any_message(seed), seed.one_in(3));
                if self.client.send_message(call, &message, last).is_ok() {
                    sent.messages.push(message);
                    sent.half_closed |= last;
                }
            }
            _ => {}
        }
        if seed.one_in(10) {
            self.client.ping();
        }
    }

    fn server_acts(&mut self, seed: &mut Seed) {
        let calls: Vec<CallId> = self.at_server.received.keys().copied().collect();
        if calls.is_empty() {
            return;
        }
        let call = *seed.pick(&calls);
        let sent = self.sent_by_server.entry(call).or_default();
        match seed.below(6) {
            0 if sent.headers.is_none() && sent.messages.is_empty() => {
                let metadata = any_metadata(seed);
                if self.server.send_headers(call, &metadata).is_ok() {
                    sent.headers = Some(metadata);
                }
            }
            1 | 2 => {
                let status = any_status(seed);
                if self.server.finish(call, &status).is_ok() {
                    sent.status = Some(status);
                }
            }
            _ if sent.messages.len() < 6 => {
                let message = any_message(seed);
                if self.server.send_message(call, &message).is_ok() {
                    sent.messages.push(message);
                }
            }
            _ => {}
        }
    }

    fn bytes_move(&mut self, seed: &mut Seed) {
        let (written, arrived) = flow(seed, self.client.output(), &mut self.to_server);
        self.client.consume_output(written);
        let input = &self.to_server[..arrived];
        let consumed = self.server.receive(START, input, &mut self.at_server);
        self.to_server.drain(..consumed);
        let (written, arrived) = flow(seed, self.server.output(), &mut self.to_client);
        self.server.consume_output(written);
        let input = &self.to_client[..arrived];
        let consumed = self.client.receive(START, input, &mut self.at_client);
        self.to_client.drain(..consumed);
    }

    fn messages_are_taken(&mut self, seed: &mut Seed, all: bool) {
        while !self.at_server.to_take.is_empty() && (all || seed.one_in(2)) {
            let (call, bytes) = self.at_server.to_take.remove(0);
            self.server.message_taken(call, bytes);
        }
        while !self.at_client.to_take.is_empty() && (all || seed.one_in(2)) {
            let (call, bytes) = self.at_client.to_take.remove(0);
            self.client.message_taken(call, bytes);
        }
    }

    /// All that was said has been heard, in order; what was cut short is a beginning of it.
    fn check(&self) {
        assert!(!self.client.is_closed() && !self.server.is_closed());
        for (call, sent) in &self.sent_by_client {
            let Some(received) = self.at_server.received.get(call) else {
                assert!(self.given_up.contains(call), "call {call:?} was never received");
                continue;
            };
            assert_eq!((&received.path, received.timeout), (&sent.path, sent.timeout));
            assert_eq!(received.headers, sent.headers);
            assert!(sent.messages.starts_with(&received.messages), "call {call:?}");
            assert!(sent.half_closed || !received.half_closed);
        }
        for (call, received) in &self.at_client.received {
            let sent = &self.sent_by_server[call];
            assert!(sent.messages.starts_with(&received.messages), "call {call:?}");
            if !self.given_up.contains(call) {
                assert_eq!(received, sent, "call {call:?}");
            }
        }
    }
}

fn conversation(seed: &mut Seed, limits: &Limits) {
    let mut world = Simulation::new(limits);
    for _ in 0..20 + seed.below(60) {
        world.client_acts(seed);
        world.server_acts(seed);
        world.bytes_move(seed);
        world.messages_are_taken(seed, false);
    }
    // All calls end.
    for round in 0.. {
        assert!(round < 2000, "a call does not end");
        for call in world.at_server.received.keys().copied().collect::<Vec<_>>() {
            if world.server.finish(call, &Status::OK).is_ok() {
                world.sent_by_server.entry(call).or_default().status = Some(Status::OK);
            }
        }
        world.bytes_move(seed);
        world.messages_are_taken(seed, true);
        let quiet = world.client.output().is_empty() && world.server.output().is_empty();
        let delivered = world.to_client.is_empty() && world.to_server.is_empty();
        if quiet && delivered && world.client.open_calls() + world.server.open_calls() == 0 {
            break;
        }
    }
    world.check();
}

#[test]
fn random_conversations_are_received_as_they_were_sent() {
    each_tenth(|seed| conversation(seed, &Limits::DEFAULT));
}

#[test]
fn random_conversations_are_received_with_little_credit_and_few_calls() {
    let limits = Limits {
        max_concurrent_calls: 100,
        connection_window_bytes: 65_536,
        max_queued_output_bytes: 100_000,
        ..tight()
    };
    each_tenth(|seed| conversation(seed, &limits));
}

/// A conversation has many steps: a tenth of the usual number of seeds.
fn each_tenth(mut transcript: impl FnMut(&mut Seed)) {
    let mut count = 0_u32;
    each_seed(|seed| {
        count += 1;
        if count % 10 == 1 {
            transcript(seed);
        }
    });
}

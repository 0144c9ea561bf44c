//! `agora bench kv`: loads the leader of a key-value store, and measures how long no writes are taken
//! when the leader changes.

use std::io::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::closed_loop::{ClosedLoop, FindLeader};
use super::wire::{GET, SET, STATUS, get_request, is_leader, set_request};
use crate::cli::flags::{Flags, Parsed};
use crate::cli::{Failure, connect};
use crate::rpc::{CallOptions, Channel, ChannelOptions};
use crate::session::Protocol;
use crate::text::printable;

const USAGE: &str = "agora bench kv set|get|mixed|fill|probe|leader --peers N=ADDR,... [FLAGS]";
const ABOUT: &str = "\
Measures a key-value store.

  set      sets keys, in turn, until the time is over
  get      gets keys, linearizably
  mixed    does both
  fill     sets each key once
  probe    sets one key after the other at the node that takes writes, until it is stopped, and
           prints every pause
  leader   prints the number and the address of the leader

A call that is refused or lost, as while the leader changes, is sent again to the new leader; it
counts as one call, with its whole time. The longest pause between two replies is printed.";

/// The timeout of the search for a leader.
const LEADER_WAIT: Duration = Duration::from_secs(15);
/// The timeout of a write of the probe: far longer than a write, far shorter than an election.
const ATTEMPT: Duration = Duration::from_millis(50);
/// A pause between two writes of the probe is printed from this length on.
const PAUSE: Duration = Duration::from_millis(50);
/// The pause after an attempt that was refused at once.
const REFUSED_PAUSE: Duration = Duration::from_millis(2);
/// The step through the keys, a prime: keys that follow each other in time are not neighbours in
/// order.
const STRIDE: u64 = 7919;

/// A node: its number, if it was given, and its address.
struct Peer {
    number: String,
    address: String,
}

/// The keys and the value.
struct Data {
    keys: u64,
    key_bytes: usize,
    value: Vec<u8>,
}

impl Data {
    /// Fixed width: all keys have the same length.
    fn key(&self, number: u64) -> String {
        format!("{:0width$}", number % self.keys, width = self.key_bytes)
    }
}

/// Runs the benchmark that the first argument names.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new(USAGE, ABOUT)
        .value("peers", "the nodes (required)", "N=ADDR,...")
        .value("connections", "connections (default 1)", "C")
        .value("inflight", "calls in flight on each connection (default 1)", "M")
        .value("keys", "different keys (default 10000)", "N")
        .value("key-bytes", "bytes of a key (default 16)", "B")
        .value("value-bytes", "bytes of a value (default 256)", "B")
        .value("reads", "gets among 100 calls of mixed (default 50)", "PERCENT")
        .value("seconds", "how long to measure (default 5)", "S")
        .value("warm-up", "seconds before that are not counted (default 0.5)", "S");
    let parsed = connect::flags(flags, Protocol::Native).parse(arguments)?;
    let [what] = parsed.free() else {
        return Err(parsed.wrong("expected one of set, get, mixed, fill, probe, leader"));
    };
    let options = connect::options(&parsed, Protocol::Native)?;
    let peers = peers(&parsed)?;
    let data = Data {
        keys: parsed.number("keys", 10_000, 1..=1_000_000_000)?,
        key_bytes: parsed.number("key-bytes", 16, 1..=4096)? as usize,
        value: vec![b'v'; parsed.number("value-bytes", 256, 0..=1_048_576)? as usize],
    };
    let reads = parsed.number("reads", 50, 0..=100)?;
    match what.as_str() {
        "set" => load(&parsed, &peers, options, &data, 0),
        "get" => load(&parsed, &peers, options, &data, 100),
        "mixed" => load(&parsed, &peers, options, &data, reads),
        "fill" => fill(&parsed, &peers, options, &data),
        "probe" => probe(&peers, &options, &data),
        "leader" => leader(&peers, &options).map(|Peer { number, address }| {
            println!("{number} {}", printable(address));
        }),
        other => Err(parsed.wrong(format!("no {other:?}"))),
    }
}

fn peers(parsed: &Parsed) -> Result<Vec<Peer>, Failure> {
    let text = parsed.required("peers")?;
    let peer = |part: &str| match part.split_once('=') {
        Some((number, address)) if !address.is_empty() => {
            // Behind a slash is the address that the nodes call.
            let address = address.split('/').next().unwrap_or_default();
            Ok(Peer { number: number.to_owned(), address: address.to_owned() })
        }
        _ => Err(parsed.wrong(format!("--peers {part:?}: expected N=ADDR"))),
    };
    text.split(',').map(peer).collect()
}

/// Asks the nodes in turn until one says that it leads.
fn leader<'p>(peers: &'p [Peer], options: &ChannelOptions) -> Result<&'p Peer, Failure> {
    let until = Instant::now() + LEADER_WAIT;
    let call = CallOptions { timeout: Some(Duration::from_secs(1)), ..CallOptions::default() };
    loop {
        for peer in peers {
            let status = Channel::new(&peer.address, options.clone())
                .and_then(|channel| channel.unary(STATUS, &[], &call));
            if status.is_ok_and(|status| is_leader(&status)) {
                return Ok(peer);
            }
        }
        if Instant::now() >= until {
            return Err(Failure::Failed("no node says that it leads".into()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn closed_loop<'l>(
    parsed: &Parsed,
    find: &'l FindLeader<'l>,
    options: &ChannelOptions,
) -> Result<ClosedLoop<'l>, Failure> {
    Ok(ClosedLoop {
        target: find()?,
        find: Some(find),
        options: options.clone(),
        connections: parsed.number("connections", 1, 1..=10_000)? as usize,
        in_flight: parsed.number("inflight", 1, 1..=100_000)? as usize,
        duration: parsed.seconds("seconds", Duration::from_secs(5))?,
        warm_up: parsed.seconds_or_none("warm-up", Duration::from_millis(500))?,
    })
}

/// Of 100 calls, `reads` are gets.
fn load(
    parsed: &Parsed,
    peers: &[Peer],
    options: ChannelOptions,
    data: &Data,
    reads: u64,
) -> Result<(), Failure> {
    let find = || leader(peers, &options).map(|peer| peer.address.clone());
    let load = closed_loop(parsed, &find, &options)?;
    let mut number = 0_u64;
    let measured = load.run(
        |_, request| {
            number += 1;
            let key = data.key(number.wrapping_mul(STRIDE));
            // A stride: reads and writes alternate, not in blocks.
            if number.wrapping_mul(61) % 100 < reads {
                get_request(key.as_bytes(), request);
                Some(GET)
            } else {
                set_request(key.as_bytes(), &data.value, request);
                Some(SET)
            }
        },
        |done| done.status.is_ok(),
    )?;
    load.report(measured, format_args!("{} bytes", data.value.len()))
}

fn fill(
    parsed: &Parsed,
    peers: &[Peer],
    options: ChannelOptions,
    data: &Data,
) -> Result<(), Failure> {
    let find = || leader(peers, &options).map(|peer| peer.address.clone());
    let mut load = closed_loop(parsed, &find, &options)?;
    (load.duration, load.warm_up) = (Duration::MAX, Duration::ZERO);
    let mut number = 0;
    let measured = load.run(
        |_, request| {
            let key = (number < data.keys).then(|| data.key(number))?;
            number += 1;
            set_request(key.as_bytes(), &data.value, request);
            Some(SET)
        },
        |done| done.status.is_ok(),
    )?;
    load.report(measured, format_args!("{} bytes", data.value.len()))
}

/// Writes one key after the other until it is stopped.
fn probe(peers: &[Peer], options: &ChannelOptions, data: &Data) -> Result<(), Failure> {
    let call = CallOptions { timeout: Some(ATTEMPT), ..CallOptions::default() };
    let mut last = Instant::now();
    let (mut number, mut request) = (0, Vec::new());
    print_line("probing")?;
    // From node to node, and with each as long as it takes writes. A channel that lost its
    // connection pauses before it connects again: a new one does not.
    for peer in peers.iter().cycle() {
        let channel = Channel::new(&peer.address, options.clone())
            .map_err(|error| Failure::because(&peer.address, error))?;
        loop {
            request.clear();
            set_request(data.key(number).as_bytes(), &data.value, &mut request);
            if channel.unary(SET, &request, &call).is_err() {
                break;
            }
            number += 1;
            let pause = last.elapsed();
            last = Instant::now();
            if pause >= PAUSE {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let pause_ms = pause.as_secs_f64() * 1e3;
                print_line(&format!("paused {pause_ms:.1} ms until {:.4}", now.as_secs_f64()))?;
            }
        }
        std::thread::sleep(REFUSED_PAUSE);
    }
    Ok(())
}

/// Prints a line and flushes: stdout may be a pipe.
fn print_line(line: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::because("cannot write to stdout", error))
}

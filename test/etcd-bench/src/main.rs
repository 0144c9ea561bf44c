//! The load that `scripts/bench kv` puts on etcd: puts or linearizable gets from a fixed number of
//! clients, each with so many calls in flight (a closed loop). It prints what `agora bench kv` prints.
//!
//! `etcd-bench put|get|fill|leader|probe --endpoints ADDR,... [--connections C] [--inflight M] [--keys N]
//! [--key-bytes B] [--value-bytes B] [--seconds S] [--warm-up S]`
//!
//! - `put`, `get`: the load, on the first endpoint alone
//! - `fill`: puts each of the keys once
//! - `leader`: names the endpoint that leads
//! - `probe`: puts one after the other at whatever endpoint answers, and tells of every pause

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use etcd_client::{Client, KvClient};

type Failure = Box<dyn std::error::Error>;

/// An attempt of the probe: long beside a put, short beside an election.
const ATTEMPT: Duration = Duration::from_millis(50);
/// Puts that are this far apart are worth a line.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, PartialEq)]
enum What {
    Put,
    Get,
    Fill,
}

struct Plan {
    endpoints: Vec<String>,
    connections: usize,
    inflight: usize,
    keys: u64,
    key_bytes: usize,
    value: Vec<u8>,
    duration: Duration,
    warm_up: Duration,
}

impl Plan {
    /// Fixed width, so that all keys are equally long.
    fn key(&self, number: u64) -> String {
        format!("{:0width$}", number % self.keys, width = self.key_bytes)
    }
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (what, flags) =
        words.split_first().ok_or("usage: etcd-bench put|get|fill|leader|probe FLAGS")?;
    let flags: HashMap<&str, &str> = flags
        .chunks_exact(2)
        .map(|pair| (pair[0].trim_start_matches("--"), pair[1].as_str()))
        .collect();
    let number = |name: &str, default: f64| match flags.get(name) {
        Some(text) => text.parse::<f64>(),
        None => Ok(default),
    };
    let plan = Plan {
        endpoints: flags
            .get("endpoints")
            .ok_or("--endpoints")?
            .split(',')
            .map(Into::into)
            .collect(),
        connections: number("connections", 1.0)? as usize,
        inflight: number("inflight", 1.0)? as usize,
        keys: number("keys", 10_000.0)? as u64,
        key_bytes: number("key-bytes", 16.0)? as usize,
        value: vec![b'v'; number("value-bytes", 256.0)? as usize],
        duration: Duration::from_secs_f64(number("seconds", 5.0)?),
        warm_up: Duration::from_secs_f64(number("warm-up", 0.5)?),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    match what.as_str() {
        "put" => tasks.block_on(&runtime, load(plan, What::Put)),
        "get" => tasks.block_on(&runtime, load(plan, What::Get)),
        "fill" => tasks.block_on(&runtime, load(plan, What::Fill)),
        "leader" => tasks.block_on(&runtime, leader(plan)),
        "probe" => tasks.block_on(&runtime, probe(plan)),
        other => Err(format!("no {other}: put, get, fill, leader or probe").into()),
    }
}

/// What all clients share; they run on one thread.
#[derive(Default)]
struct Shared {
    begun: u64,
    latencies: Vec<u64>,
}

async fn load(plan: Plan, what: What) -> Result<(), Failure> {
    let plan = Rc::new(plan);
    let shared = Rc::new(RefCell::new(Shared::default()));
    let mut clients = Vec::new();
    for _ in 0..plan.connections {
        clients.push(Client::connect(&plan.endpoints[..1], None).await?.kv_client());
    }
    let from = Instant::now() + if what == What::Fill { Duration::ZERO } else { plan.warm_up };
    let until = from + plan.duration;
    let mut tasks = Vec::new();
    for client in clients {
        for _ in 0..plan.inflight {
            let (plan, shared, client) = (plan.clone(), shared.clone(), client.clone());
            tasks.push(tokio::task::spawn_local(one(plan, shared, client, what, from, until)));
        }
    }
    for task in tasks {
        task.await??;
    }
    let elapsed = from.elapsed();
    let mut latencies = std::mem::take(&mut shared.borrow_mut().latencies);
    latencies.sort_unstable();
    report(&plan, &latencies, elapsed);
    Ok(())
}

async fn one(
    plan: Rc<Plan>,
    shared: Rc<RefCell<Shared>>,
    mut client: KvClient,
    what: What,
    from: Instant,
    until: Instant,
) -> Result<(), etcd_client::Error> {
    loop {
        let number = shared.borrow().begun;
        shared.borrow_mut().begun += 1;
        let began = Instant::now();
        let over = if what == What::Fill { number >= plan.keys } else { began >= until };
        if over {
            return Ok(());
        }
        // A stride that is prime walks all keys, not in their order.
        let key = plan.key(if what == What::Fill { number } else { number.wrapping_mul(7919) });
        if what == What::Get {
            client.get(key, None).await?;
        } else {
            client.put(key, plan.value.clone(), None).await?;
        }
        let now = Instant::now();
        if now >= from && (now < until || what == What::Fill) {
            shared.borrow_mut().latencies.push((now - began).as_nanos() as u64);
        }
    }
}

fn report(plan: &Plan, latencies: &[u64], elapsed: Duration) {
    println!(
        "etcd, {} connections x {} in flight, {} bytes, {:.1} s",
        plan.connections,
        plan.inflight,
        plan.value.len(),
        elapsed.as_secs_f64()
    );
    println!("calls          {}", latencies.len());
    println!("calls_per_s    {:.0}", latencies.len() as f64 / elapsed.as_secs_f64());
    let Some(last) = latencies.len().checked_sub(1) else { return };
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)]
    {
        let at = latencies[(last as f64 * share) as usize];
        println!("latency_us {name:<6} {:.1}", at as f64 / 1e3);
    }
}

async fn leader(plan: Plan) -> Result<(), Failure> {
    for endpoint in &plan.endpoints {
        let Ok(mut client) = Client::connect([endpoint], None).await else { continue };
        let Ok(status) = client.status().await else { continue };
        if status.header().is_some_and(|header| header.member_id() == status.leader()) {
            println!("{endpoint}");
            return Ok(());
        }
    }
    Err("nobody leads".into())
}

/// Puts one after the other until it is ended, and prints a line for every pause.
async fn probe(plan: Plan) -> Result<(), Failure> {
    let mut clients = Vec::new();
    for endpoint in &plan.endpoints {
        clients.push(Client::connect([endpoint], None).await?.kv_client());
    }
    println!("probing");
    let (mut at, mut last) = (0, Instant::now());
    for number in 0.. {
        let put = clients[at].put(plan.key(number), plan.value.clone(), None);
        if !matches!(tokio::time::timeout(ATTEMPT, put).await, Ok(Ok(_))) {
            at = (at + 1) % clients.len();
            // A dead endpoint refuses at once.
            tokio::time::sleep(Duration::from_millis(2)).await;
            continue;
        }
        let pause = last.elapsed();
        last = Instant::now();
        if pause >= PAUSE {
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
            println!("paused {:.1} ms until {now:.4}", pause.as_secs_f64() * 1e3);
        }
    }
    Ok(())
}

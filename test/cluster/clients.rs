//! Concurrent clients that record what they observe, and a watcher that receives every change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use agora::call::{Code, Status};
use agora::kv::client::{Change, Consistency, KvClient, WatchEvent, Watcher};
use agora::raft::NodeId;

use crate::kv_history::{Ask, Saw, judge};
use crate::linearizability::Operation;
use crate::process::{LONG, client_of, eventually};
use crate::seed::Seed;

/// The number of keys in use at the same time.
const KEYS: u32 = 4;

/// The state that all clients share.
pub struct Workload {
    /// Counts calls and returns: one total order of all of them.
    moments: AtomicU64,
    /// Every written value is unique.
    values: AtomicU64,
    /// Keys are used for two epochs, so that the history of a key stays short enough for the
    /// checker.
    epoch: AtomicU64,
    done: AtomicU64,
    stop: AtomicBool,
    history: Mutex<Vec<Operation<Ask, Saw>>>,
    /// The revisions of the acknowledged sets, with what they wrote.
    revisions: Mutex<BTreeMap<u64, Written>>,
    /// Operations with an unknown outcome.
    unknown: AtomicU64,
}

/// A key and the value written to it.
type Written = (Vec<u8>, Vec<u8>);

/// Running clients.
pub struct Clients {
    pub workload: Arc<Workload>,
    threads: Vec<JoinHandle<()>>,
    watcher: JoinHandle<Watched>,
    stop_watcher: Arc<AtomicBool>,
    watched: Arc<AtomicU64>,
}

/// What the watcher received.
#[derive(Default)]
struct Watched {
    changes: Vec<Change>,
    /// Some changes were forgotten before the watcher could receive them.
    has_gaps: bool,
}

/// A summary of a run.
pub struct Tally {
    pub operations: usize,
    /// Writes with an unknown outcome.
    pub unknown: u64,
    /// Changes that the watcher received.
    pub changes: usize,
    /// Whether the watcher missed changes.
    pub has_gaps: bool,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { operations, unknown, changes, has_gaps } = self;
        let gaps = if *has_gaps { ", with gaps" } else { "" };
        write!(f, "{operations} operations, {unknown} unknown, {changes} changes watched{gaps}")
    }
}

fn key(number: u32) -> Vec<u8> {
    format!("key {number}").into_bytes()
}

fn value(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

fn number(value: &[u8]) -> u64 {
    std::str::from_utf8(value).unwrap().parse().unwrap()
}

impl Workload {
    fn ask(&self, seed: &mut Seed) -> Ask {
        let epoch = self.epoch.load(Ordering::Relaxed) as u32;
        // A key of this epoch or of the one before; there are a few of each of ten epochs.
        let key = match seed.below(16) {
            0 => epoch / 10 * 10 * KEYS + KEYS - 1,
            _ => (epoch + 1 - seed.below(2) as u32) * KEYS + seed.below(KEYS as usize - 1) as u32,
        };
        let new = self.values.fetch_add(1, Ordering::Relaxed);
        match seed.below(10) {
            0..=4 => Ask::Get(key),
            5..=7 => Ask::Set(key, new),
            8 => {
                // Often a value that was current recently.
                let old = new.saturating_sub(1 + seed.below(8) as u64);
                Ask::CompareAndSet(key, (!seed.one_in(4)).then_some(old), new)
            }
            _ => Ask::Delete(key),
        }
    }

    /// Performs an operation with a client.
    fn perform(&self, client: &KvClient, ask: &Ask) -> Result<Saw, Status> {
        let key = key(ask.key());
        match ask {
            Ask::Get(_) => {
                let pair = client.get(&key, Consistency::Linearizable)?;
                Ok(Saw::Value(pair.map(|pair| number(&pair.value))))
            }
            Ask::Set(_, new) => {
                let revision = client.set(&key, &value(*new))?;
                let before = self.revisions.lock().unwrap().insert(revision, (key, value(*new)));
                assert_eq!(before, None, "two writes of one revision");
                Ok(Saw::Written)
            }
            Ask::Delete(_) => client.delete(&key).map(Saw::Deleted),
            Ask::CompareAndSet(_, old, new) => {
                let old = old.map(value);
                client.compare_and_set(&key, old.as_deref(), &value(*new)).map(Saw::Swapped)
            }
        }
    }

    /// Performs and records one operation. A refused operation was not applied, so it is not
    /// recorded.
    fn attempt(&self, id: u64, client: &KvClient, call: Ask) -> Result<(), Status> {
        let called = self.moments.fetch_add(1, Ordering::SeqCst);
        let saw = self.perform(client, &call);
        let returned = self.moments.fetch_add(1, Ordering::SeqCst);
        let (returned, result) = match saw {
            Ok(saw) => (Some((returned, saw)), Ok(())),
            Err(status) if status.code == Code::Unknown => (None, Err(status)),
            Err(status) if status.code == Code::Unavailable => return Err(status),
            Err(status) => panic!("client {id}, {call:?}: {status}"),
        };
        self.history.lock().unwrap().push(Operation { client: id, called, call, returned });
        result
    }

    fn work(&self, id: u64, client: &KvClient, seed: &mut Seed) {
        while !self.stop.load(Ordering::Relaxed) {
            match self.attempt(id, client, self.ask(seed)) {
                Ok(()) => drop(self.done.fetch_add(1, Ordering::Relaxed)),
                Err(status) if status.code == Code::Unknown => {
                    self.unknown.fetch_add(1, Ordering::Relaxed);
                }
                Err(_) => (),
            }
        }
    }

    /// Acts as another client until a call fails; returns the status.
    pub fn until_refused(&self, id: u64, client: &KvClient) -> Status {
        let mut seed = Seed::new(id);
        loop {
            if let Err(status) = self.attempt(id, client, self.ask(&mut seed)) {
                return status;
            }
        }
    }
}

impl Clients {
    /// Starts `count` clients of these nodes, and a watcher.
    pub fn start(count: u64, nodes: &[(NodeId, String)], timeout: Duration, seed: u64) -> Clients {
        let workload = Arc::new(Workload {
            moments: AtomicU64::new(0),
            values: AtomicU64::new(1),
            epoch: AtomicU64::new(0),
            done: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            history: Mutex::default(),
            revisions: Mutex::default(),
            unknown: AtomicU64::new(0),
        });
        let threads = (0..count).map(|id| {
            let (workload, client) = (Arc::clone(&workload), client_of(nodes, timeout));
            let mut seed = Seed::new(seed ^ (id + 1) << 32);
            std::thread::spawn(move || workload.work(id, &client, &mut seed))
        });
        let threads = threads.collect();
        let (stop_watcher, watched) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let watcher = {
            let client = Arc::new(client_of(nodes, timeout));
            let (stop, watched) = (Arc::clone(&stop_watcher), Arc::clone(&watched));
            std::thread::spawn(move || watch(client, stop, &watched))
        };
        Clients { workload, threads, watcher, stop_watcher, watched }
    }

    /// Waits until `count` more operations are done.
    #[track_caller]
    pub fn await_progress(&self, operations: u64) {
        let wanted = self.workload.done.load(Ordering::Relaxed) + operations;
        eventually("clients get on", || {
            self.fail_if_dead();
            self.workload.done.load(Ordering::Relaxed) >= wanted
        });
    }

    fn fail_if_dead(&self) {
        let is_dead = self.threads.iter().any(JoinHandle::is_finished);
        assert!(!is_dead && !self.watcher.is_finished(), "a client failed");
    }

    /// Switches to new keys.
    pub fn next_epoch(&self) {
        self.workload.epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// Stops the clients and checks everything: the observations of each key are linearizable, and
    /// the watcher received each write once, with its revision, and the current pairs.
    #[track_caller]
    pub fn judge(self, client: &KvClient) -> Tally {
        self.workload.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        let revision = client.set(b"the end", b"the end").unwrap();
        let now = everything(client);
        eventually("the watcher has seen everything", || {
            assert!(!self.watcher.is_finished(), "the watcher failed");
            self.watched.load(Ordering::Relaxed) >= revision
        });
        self.stop_watcher.store(true, Ordering::Relaxed);
        let Watched { changes, has_gaps } = self.watcher.join().unwrap();
        let history = self.workload.history.lock().unwrap();
        judge(&history);
        let mut written = self.workload.revisions.lock().unwrap().clone();
        let (mut seen, mut state) = (BTreeSet::new(), BTreeMap::new());
        let mut last = 0;
        for Change { key, value, revision, .. } in &changes {
            assert!(*revision > last, "revision {revision} after {last}");
            last = *revision;
            match value {
                Some(value) => {
                    assert!(seen.insert(value.clone()), "{value:?} was written twice");
                    state.insert(key.clone(), value.clone());
                    if let Some(log) = written.remove(revision) {
                        assert_eq!(log, (key.clone(), value.clone()));
                    }
                }
                None => drop(state.remove(key)),
            }
        }
        if !has_gaps {
            assert!(written.is_empty(), "acknowledged, and not there: {written:?}");
            assert_eq!(state, now);
        }
        Tally {
            operations: history.len(),
            unknown: self.workload.unknown.load(Ordering::Relaxed),
            changes: changes.len(),
            has_gaps,
        }
    }
}

/// Watches from the first revision that the nodes remember; a node that started from a snapshot
/// knows nothing before it.
fn watch(client: Arc<KvClient>, stop: Arc<AtomicBool>, seen: &AtomicU64) -> Watched {
    let mut watcher = Watcher::new(Arc::clone(&client), b"", Some(0), stop);
    let mut watched = Watched::default();
    loop {
        let event = watcher.next(Some(Instant::now() + LONG));
        seen.store(watcher.seen().unwrap_or(0), Ordering::Relaxed);
        match event.unwrap() {
            Some(WatchEvent::Changes(changes)) => watched.changes.extend(changes),
            Some(WatchEvent::Missed) => {
                watched.has_gaps = true;
                let now = client.scan(b"", b"", 1, Consistency::Linearizable).unwrap();
                watcher.resume_after(now.revision);
            }
            None => return watched,
        }
    }
}

/// All pairs.
pub fn everything(client: &KvClient) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let (mut pairs, mut after) = (BTreeMap::new(), Vec::new());
    loop {
        let page = client.scan(b"", &after, 0, Consistency::Linearizable).unwrap();
        for pair in page.pairs {
            after.clone_from(&pair.key);
            pairs.insert(pair.key, pair.value);
        }
        if !page.has_more {
            return pairs;
        }
    }
}

//! The key-value store as a workload: a few keys that everybody fights for.

use std::collections::BTreeMap;

use agora::kv::state::{Command, Kv, Read, Reply};

use crate::linearizability::{Fault, Object, Operation, check};
use crate::seed::Seed;
use crate::workload::{History, Workload};

/// What a client asks. Values are numbers; every written one is new.
#[derive(Clone, Debug)]
pub enum Ask {
    Get(u8),
    Set(u8, u64),
    Delete(u8),
    CompareAndSet(u8, Option<u64>, u64),
}

impl Ask {
    fn key(&self) -> u8 {
        match self {
            Ask::Get(key) | Ask::Set(key, _) | Ask::Delete(key) | Ask::CompareAndSet(key, ..) => {
                *key
            }
        }
    }
}

/// What it sees.
#[derive(Clone, Debug, PartialEq)]
pub enum Saw {
    Value(Option<u64>),
    Written,
    Deleted(bool),
    Swapped(bool),
}

/// Clients of a store.
#[derive(Clone, Debug)]
pub struct KvWork {
    keys: usize,
    newest: u64,
}

fn key(number: u8) -> Vec<u8> {
    vec![b'k', b'0' + number]
}

fn value(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

fn number(value: &[u8]) -> u64 {
    std::str::from_utf8(value).unwrap().parse().unwrap()
}

impl Workload for KvWork {
    type Machine = Kv;
    type Ask = Ask;
    type Saw = Saw;

    fn new(seed: &mut Seed) -> KvWork {
        KvWork { keys: 1 + seed.below(3), newest: 0 }
    }

    fn next(&mut self, _: u64, seed: &mut Seed) -> Ask {
        let key = seed.below(self.keys) as u8;
        self.newest += 1;
        match seed.below(10) {
            0..=4 => Ask::Get(key),
            5..=7 => Ask::Set(key, self.newest),
            8 => {
                // Often a value that was there lately.
                let back = 1 + seed.below(6) as u64;
                let old = (!seed.one_in(4)).then(|| self.newest.saturating_sub(back));
                Ask::CompareAndSet(key, old, self.newest)
            }
            _ => Ask::Delete(key),
        }
    }

    fn command(ask: &Ask) -> Option<Vec<u8>> {
        let key = key(ask.key());
        let encoded = match ask {
            Ask::Get(_) => return None,
            Ask::Set(_, new) => Command::Set { key: &key, value: &value(*new) }.encode(),
            Ask::Delete(_) => Command::Delete { key: &key }.encode(),
            Ask::CompareAndSet(_, old, new) => {
                let old = old.map(value);
                Command::CompareAndSet { key: &key, old: old.as_deref(), new: &value(*new) }
                    .encode()
            }
        };
        Some(encoded.unwrap())
    }

    fn read_set(ask: &Ask) -> Vec<u8> {
        Read::Key(&key(ask.key())).encode()
    }

    fn look(ask: &Ask, machine: &Kv) -> Saw {
        Saw::Value(machine.get(&key(ask.key())).map(|record| number(record.value())))
    }

    fn saw(ask: &Ask, answer: &[u8]) -> Saw {
        match (ask, Reply::decode(answer).unwrap()) {
            (Ask::Set(..), Reply::Written { .. }) => Saw::Written,
            (Ask::Delete(_), Reply::Deleted { .. }) => Saw::Deleted(true),
            (Ask::Delete(_), Reply::Missing { .. }) => Saw::Deleted(false),
            (Ask::CompareAndSet(..), Reply::Written { .. }) => Saw::Swapped(true),
            (Ask::CompareAndSet(..), Reply::Differs { .. }) => Saw::Swapped(false),
            (ask, reply) => panic!("{reply:?} answers {ask:?}"),
        }
    }

    fn audit(_: &Kv) {}

    /// Linearizability composes: each key by itself.
    fn judge(history: &History<KvWork>) {
        let mut by_key: BTreeMap<u8, Vec<Operation<Ask, Saw>>> = BTreeMap::new();
        for operation in history {
            by_key.entry(operation.call.key()).or_default().push(operation.clone());
        }
        for (key, operations) in by_key {
            match check::<Register>(&operations) {
                Ok(_) => (),
                Err(Fault::NotLinearizable(why)) => panic!("key {key} is not linearizable: {why}"),
                Err(Fault::Undecided) => panic!("key {key}: too many orders to try"),
            }
        }
    }
}

/// One key.
struct Register;

impl Object for Register {
    type State = Option<u64>;
    type Call = Ask;
    type Outcome = Saw;

    fn initial() -> Option<u64> {
        None
    }

    fn after(state: &Option<u64>, call: &Ask, outcome: Option<&Saw>) -> Option<Option<u64>> {
        let (next, saw) = match call {
            Ask::Get(_) => (*state, Saw::Value(*state)),
            Ask::Set(_, new) => (Some(*new), Saw::Written),
            Ask::Delete(_) => (None, Saw::Deleted(state.is_some())),
            Ask::CompareAndSet(_, old, new) if old == state => (Some(*new), Saw::Swapped(true)),
            Ask::CompareAndSet(..) => (*state, Saw::Swapped(false)),
        };
        outcome.is_none_or(|outcome| *outcome == saw).then_some(next)
    }
}

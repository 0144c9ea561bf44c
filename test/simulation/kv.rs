//! The key-value store as a workload: all clients write to a few keys.

use agora::kv::state::{Command, Kv, Read, Reply};

use crate::kv_history::{Ask, Saw, judge};
use crate::seed::Seed;
use crate::workload::{History, Workload};

/// Clients of a store.
#[derive(Clone, Debug)]
pub struct KvWork {
    keys: usize,
    newest: u64,
}

fn key(number: u32) -> Vec<u8> {
    format!("k{number}").into_bytes()
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

    const IS_NUMBERED: bool = false;

    fn new(seed: &mut Seed) -> KvWork {
        KvWork { keys: 1 + seed.below(3), newest: 0 }
    }

    fn next(&mut self, _: u64, seed: &mut Seed) -> Ask {
        let key = seed.below(self.keys) as u32;
        self.newest += 1;
        match seed.below(10) {
            0..=4 => Ask::Get(key),
            5..=7 => Ask::Set(key, self.newest),
            8 => {
                // Often a recent value.
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

    fn observe(ask: &Ask, machine: &Kv) -> Saw {
        Saw::Value(machine.get(&key(ask.key())).map(|record| number(record.value())))
    }

    fn saw(ask: &Ask, answer: &[u8]) -> Saw {
        match (ask, Reply::decode(answer).unwrap()) {
            (Ask::Set(..), Reply::Written { .. }) => Saw::Written,
            (Ask::Delete(_), Reply::Deleted { .. }) => Saw::Deleted(true),
            (Ask::Delete(_), Reply::Missing { .. }) => Saw::Deleted(false),
            (Ask::CompareAndSet(..), Reply::Written { .. }) => Saw::Swapped(true),
            (Ask::CompareAndSet(..), Reply::CompareFailed { .. }) => Saw::Swapped(false),
            (ask, reply) => panic!("{reply:?} answers {ask:?}"),
        }
    }

    fn audit(_: &Kv) {}

    fn check_history(history: &History<KvWork>, _: &Kv) {
        judge(history);
    }
}

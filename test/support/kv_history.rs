//! Observations of clients of the key-value store, and whether they are linearizable.

use std::collections::BTreeMap;

use super::linearizability::{Fault, Object, Operation, check};

/// An operation of a client. Values are numbers, and every written value is unique.
#[derive(Clone, Debug)]
pub enum Ask {
    Get(u32),
    Set(u32, u64),
    Delete(u32),
    CompareAndSet(u32, Option<u64>, u64),
}

impl Ask {
    /// The key of the operation.
    pub fn key(&self) -> u32 {
        match self {
            Ask::Get(key) | Ask::Set(key, _) | Ask::Delete(key) | Ask::CompareAndSet(key, ..) => {
                *key
            }
        }
    }
}

/// The observed result.
#[derive(Clone, Debug, PartialEq)]
pub enum Saw {
    Value(Option<u64>),
    Written,
    Deleted(bool),
    Swapped(bool),
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

/// Panics unless the observations are linearizable. Linearizability is compositional, so each key
/// is checked separately.
pub fn judge(history: &[Operation<Ask, Saw>]) {
    let mut by_key: BTreeMap<u32, Vec<Operation<Ask, Saw>>> = BTreeMap::new();
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

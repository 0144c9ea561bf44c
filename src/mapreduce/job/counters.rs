//! Counters: what tasks count, and a sum that counts everything once (4.9).

use std::collections::BTreeMap;

use crate::mapreduce::scheduler::TaskId;

/// Counts by group and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    counts: BTreeMap<String, BTreeMap<String, u64>>,
    entries: usize,
}

/// The group of what the framework counts itself.
const OWN: &str = "agora";

/// A task may have so many counters; others are dropped, so that a job that makes names up does not
/// fill its workers.
pub const MAX_COUNTERS: usize = 1_000;
/// No group or name is longer.
pub const MAX_COUNTER_NAME_BYTES: usize = 200;

impl Counters {
    /// No counters.
    pub fn new() -> Counters {
        Counters::default()
    }

    /// Counts; a count that would be beyond `u64` stays at its maximum.
    pub fn add(&mut self, group: &str, name: &str, count: u64) {
        if let Some(held) = self.counts.get_mut(group).and_then(|names| names.get_mut(name)) {
            *held = held.saturating_add(count);
            return;
        }
        let fits = group.len().max(name.len()) <= MAX_COUNTER_NAME_BYTES;
        if self.entries < MAX_COUNTERS && fits {
            self.entries += 1;
            self.counts.entry(group.to_owned()).or_default().insert(name.to_owned(), count);
        }
    }

    /// Counts something of the framework's.
    pub fn add_own(&mut self, name: &str, count: u64) {
        self.add(OWN, name, count);
    }

    /// A count; 0 if nothing was counted.
    pub fn get(&self, group: &str, name: &str) -> u64 {
        self.counts.get(group).and_then(|names| names.get(name)).copied().unwrap_or(0)
    }

    /// A count of the framework's.
    pub fn own(&self, name: &str) -> u64 {
        self.get(OWN, name)
    }

    /// All of them, in order: group, name, count.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.counts.iter().flat_map(|(group, names)| {
            names.iter().map(move |(name, count)| (group.as_str(), name.as_str(), *count))
        })
    }

    /// Adds all of another's.
    pub fn merge(&mut self, other: &Counters) {
        other.iter().for_each(|(group, name, count)| self.add(group, name, count));
    }
}

/// The counters of a round's tasks. A task that is done again replaces what it counted before.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    by_task: BTreeMap<TaskId, Counters>,
}

impl Tally {
    /// The answer of a task counts, with these counters.
    pub fn accept(&mut self, task: TaskId, counters: Counters) {
        self.by_task.insert(task, counters);
    }

    /// All tasks together.
    pub fn total(&self) -> Counters {
        let mut total = Counters::new();
        self.by_task.values().for_each(|counters| total.merge(counters));
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapreduce::scheduler::TaskKind;

    /// 4.9: "eliminating the effects of duplicate executions of the same map or reduce task to
    /// avoid double counting".
    #[test]
    fn a_rerun_task_counts_once() {
        let map = |index| TaskId { kind: TaskKind::Map, index };
        let mut lines = Counters::new();
        lines.add_own("lines", 10);
        lines.add("mine", "red", 1);
        let mut tally = Tally::default();
        tally.accept(map(0), lines.clone());
        tally.accept(map(1), lines.clone());
        tally.accept(map(0), lines);
        let total = tally.total();
        assert_eq!((total.own("lines"), total.get("mine", "red")), (20, 2));
        assert_eq!(total.get("mine", "blue"), 0);
    }

    #[test]
    fn the_number_of_counters_is_limited() {
        let mut counters = Counters::new();
        for number in 0..10 * MAX_COUNTERS {
            counters.add("g", &number.to_string(), 1);
        }
        counters.add(&"x".repeat(MAX_COUNTER_NAME_BYTES + 1), "long", 1);
        assert_eq!(counters.iter().count(), MAX_COUNTERS);
        counters.add("g", "0", u64::MAX);
        assert_eq!(counters.get("g", "0"), u64::MAX);
    }
}

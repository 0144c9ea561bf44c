//! Counters of tasks, and their total in which each task counts once (4.9).

use std::collections::BTreeMap;

use crate::mapreduce::scheduler::TaskId;

/// Counts by group and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    counts: BTreeMap<String, BTreeMap<String, u64>>,
    entries: usize,
}

/// The group of the framework's own counters.
const OWN: &str = "agora";

/// The maximal number of counters of a task. Others are dropped, so that a job that generates names
/// does not fill the memory of its workers.
pub const MAX_COUNTERS: usize = 1_000;
/// The longest group or name.
pub const MAX_COUNTER_NAME_BYTES: usize = 200;

impl Counters {
    /// No counters.
    pub fn new() -> Counters {
        Counters::default()
    }

    /// Adds to a counter. A counter saturates at the maximum of `u64`.
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

    /// Adds to a counter of the framework.
    pub fn add_own(&mut self, name: &str, count: u64) {
        self.add(OWN, name, count);
    }

    /// The value of a counter; 0 if it does not exist.
    pub fn get(&self, group: &str, name: &str) -> u64 {
        self.counts.get(group).and_then(|names| names.get(name)).copied().unwrap_or(0)
    }

    /// The value of a counter of the framework.
    pub fn own(&self, name: &str) -> u64 {
        self.get(OWN, name)
    }

    /// Group, name and count of all counters, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.counts.iter().flat_map(|(group, names)| {
            names.iter().map(move |(name, count)| (group.as_str(), name.as_str(), *count))
        })
    }

    /// Adds all counters of `other`.
    pub fn merge(&mut self, other: &Counters) {
        other.iter().for_each(|(group, name, count)| self.add(group, name, count));
    }
}

/// The counters of a round's tasks. A task that runs again replaces its counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    by_task: BTreeMap<TaskId, Counters>,
}

impl Tally {
    /// Records the counters of a completed task.
    pub fn accept(&mut self, task: TaskId, counters: Counters) {
        self.by_task.insert(task, counters);
    }

    /// The sum over all tasks.
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

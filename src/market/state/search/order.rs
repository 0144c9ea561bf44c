//! Slots in the order of some key.
//!
//! A list of short sorted runs: a position is found by two binary searches, a change moves at most
//! one run, and a scan reads memory in sequence. Each slot has the *head* of its key beside it, 64
//! bits that sort like the keys as far as they go, so that a search reads the order's own memory.
//! Only when heads are equal the whole keys are compared; they are in the
//! [columns](super::columns).

use std::cmp::Ordering;

use crate::market::state::items::Slot;

/// Where a run is split in two.
const MAX_RUN: usize = 256;

/// Below this a run is joined with its neighbour if both fit.
const MIN_RUN: usize = 32;

/// A batch is inserted one by one if it is a smaller part of the whole than this.
const REBUILD_BELOW: usize = 8;

/// Slots, ascending by a key that the caller knows. No two keys are equal.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// No run is empty.
    runs: Vec<Run>,
    /// The head that each run begins with.
    firsts: Vec<u64>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Run {
    heads: Vec<u64>,
    slots: Vec<Slot>,
}

/// Which way an order is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the least key.
    Ascending,
    /// From the greatest key.
    Descending,
}

/// A position between two slots.
#[derive(Clone, Copy)]
struct InsertionPoint {
    run: usize,
    at: usize,
}

impl Order {
    /// Adds a slot whose key has this head. Of the slots with the same head, it comes behind those
    /// that are `before` it.
    pub fn insert(&mut self, slot: Slot, head: u64, before: impl Fn(Slot) -> bool) {
        let InsertionPoint { mut run, mut at } = self.insertion_point(head, before);
        let len = self.runs.get(run).map_or(0, |run| run.slots.len());
        let is_last = run + 1 >= self.runs.len();
        if self.runs.is_empty() || (len >= MAX_RUN && at == len && is_last) {
            // Ascending keys fill each run before they begin the next.
            (run, at) = (self.runs.len(), 0);
            self.runs.push(Run::default());
            self.firsts.push(head);
        } else if len >= MAX_RUN {
            self.split(run);
            if at > MAX_RUN / 2 {
                (run, at) = (run + 1, at - MAX_RUN / 2);
            }
        }
        self.runs[run].heads.insert(at, head);
        self.runs[run].slots.insert(at, slot);
        self.firsts[run] = self.runs[run].heads[0];
    }

    /// Adds slots with the heads of their keys, ascending; `compare` is the order of two
    /// slots.
    pub fn insert_all(&mut self, new: &[(u64, Slot)], compare: impl Fn(Slot, Slot) -> Ordering) {
        let len: usize = self.runs.iter().map(|run| run.slots.len()).sum();
        if len > REBUILD_BELOW * new.len() {
            for (head, slot) in new {
                self.insert(*slot, *head, |other| compare(other, *slot).is_lt());
            }
            return;
        }
        let old = std::mem::take(self);
        let old = old.runs.iter().flat_map(|run| run.heads.iter().zip(&run.slots));
        let (mut old, mut new) = (old.map(|(head, slot)| (*head, *slot)).peekable(), new.iter());
        let mut next_new = new.next();
        loop {
            let is_old = match (old.peek(), next_new) {
                (Some(old), Some(new)) => {
                    old.0.cmp(&new.0).then_with(|| compare(old.1, new.1)).is_lt()
                }
                (old, _) => old.is_some(),
            };
            let Some((head, slot)) = (if is_old { old.next() } else { next_new.copied() }) else {
                return;
            };
            if !is_old {
                next_new = new.next();
            }
            self.push(head, slot);
        }
    }

    /// Adds a slot behind all others.
    fn push(&mut self, head: u64, slot: Slot) {
        if self.runs.last().is_none_or(|run| run.slots.len() == MAX_RUN) {
            self.runs.push(Run::default());
            self.firsts.push(head);
        }
        if let Some(run) = self.runs.last_mut() {
            run.heads.push(head);
            run.slots.push(slot);
        }
    }

    /// Removes a slot whose key has this head. Of the slots with the same head, those `before` it
    /// come first.
    pub fn remove(&mut self, slot: Slot, head: u64, before: impl Fn(Slot) -> bool) {
        let InsertionPoint { mut run, mut at } = self.insertion_point(head, before);
        if self.runs.get(run).is_some_and(|run| run.slots.len() == at) {
            (run, at) = (run + 1, 0);
        }
        let Some(from) = self.runs.get_mut(run) else { return };
        if from.slots.get(at) != Some(&slot) {
            return;
        }
        from.heads.remove(at);
        from.slots.remove(at);
        if let Some(first) = from.heads.first() {
            self.firsts[run] = *first;
        }
        if from.slots.len() < MIN_RUN {
            self.join(run);
        }
    }

    fn split(&mut self, run: usize) {
        let left = &mut self.runs[run];
        let heads = left.heads.split_off(MAX_RUN / 2);
        let slots = left.slots.split_off(MAX_RUN / 2);
        self.firsts.insert(run + 1, heads[0]);
        self.runs.insert(run + 1, Run { heads, slots });
    }

    /// Joins a short run with a neighbour that has space for it; removes it if it is empty.
    fn join(&mut self, run: usize) {
        let len = self.runs[run].slots.len();
        let has_space = |other: &usize| {
            self.runs.get(*other).is_some_and(|other| other.slots.len() + len <= MAX_RUN / 2)
        };
        if len == 0 {
            self.runs.remove(run);
            self.firsts.remove(run);
        } else if has_space(&(run + 1)) {
            self.append_next(run);
        } else if let Some(previous) = run.checked_sub(1).filter(has_space) {
            self.append_next(previous);
        }
    }

    fn append_next(&mut self, run: usize) {
        let mut next = self.runs.remove(run + 1);
        self.firsts.remove(run + 1);
        self.runs[run].heads.append(&mut next.heads);
        self.runs[run].slots.append(&mut next.slots);
    }

    /// Walks from a position on until `visit` returns false: ascending from the first slot behind
    /// the position, descending from the last slot before it. Before it are the slots with lesser
    /// heads, and those of the same head that are `before`.
    pub fn walk_from(
        &self,
        direction: Direction,
        head: u64,
        before: impl Fn(Slot) -> bool,
        visit: impl FnMut(Slot) -> bool,
    ) {
        let InsertionPoint { run, at } = self.insertion_point(head, before);
        let (left, right) = self.runs.split_at(run);
        let Some((middle, right)) = right.split_first() else {
            return self.walk(direction, visit);
        };
        let (head, tail) = middle.slots.split_at(at);
        let (left, right) = (left.iter().flat_map(slots), right.iter().flat_map(slots));
        match direction {
            Direction::Ascending => walk(tail.iter().chain(right), visit),
            Direction::Descending => walk(left.chain(head).rev(), visit),
        }
    }

    /// Walks over all slots from one end, until `visit` returns false.
    pub fn walk(&self, direction: Direction, visit: impl FnMut(Slot) -> bool) {
        let all = self.runs.iter().flat_map(slots);
        match direction {
            Direction::Ascending => walk(all, visit),
            Direction::Descending => walk(all.rev(), visit),
        }
    }

    /// The position behind the last slot that is before the key: the end of a run rather than the
    /// start of the next one.
    fn insertion_point(&self, head: u64, before: impl Fn(Slot) -> bool) -> InsertionPoint {
        // The last run whose first slot is before the key has the position. Runs that begin with
        // the same head are compared by their first slots.
        let lesser = self.firsts.partition_point(|first| *first < head);
        let same = self.firsts[lesser..].partition_point(|first| *first == head);
        let same = &self.runs[lesser..lesser + same];
        let begun = lesser + same.partition_point(|run| before(run.slots[0]));
        let run = begun.saturating_sub(1);
        let at = self.runs.get(run).map_or(0, |run| {
            let lesser = run.heads.partition_point(|other| *other < head);
            let same = run.heads[lesser..].partition_point(|other| *other == head);
            let same = &run.slots[lesser..lesser + same];
            lesser + same.partition_point(|slot| before(*slot))
        });
        InsertionPoint { run, at }
    }
}

fn slots(run: &Run) -> &[Slot] {
    &run.slots
}

fn walk<'a>(slots: impl Iterator<Item = &'a Slot>, mut visit: impl FnMut(Slot) -> bool) {
    for slot in slots {
        if !visit(*slot) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn all(order: &Order, direction: Direction) -> Vec<Slot> {
        let mut slots = Vec::new();
        order.walk(direction, |slot| {
            slots.push(slot);
            true
        });
        slots
    }

    /// So few heads that some are shared by several runs.
    fn head(key: Slot) -> u64 {
        u64::from(key / 2_000)
    }

    fn from(order: &Order, direction: Direction, place: Slot) -> Vec<Slot> {
        let mut slots = Vec::new();
        order.walk_from(
            direction,
            head(place),
            |slot| slot < place,
            |slot| {
                slots.push(slot);
                slots.len() < 3
            },
        );
        slots
    }

    /// Slots that are their own keys.
    #[test]
    fn an_order_stays_sorted_through_any_changes() {
        let (mut seed, mut order, mut model) = (Seed::new(1), Order::default(), Vec::new());
        for step in 0..40_000 {
            // Grows to thousands, shrinks to nothing, grows again.
            let grows = (step / 10_000) % 2 == 0;
            let key = seed.below(20_000) as Slot;
            match model.binary_search(&key) {
                Err(at) if grows || seed.one_in(4) => {
                    model.insert(at, key);
                    order.insert(key, head(key), |slot| slot < key);
                }
                Ok(at) if !grows => {
                    model.remove(at);
                    order.remove(key, head(key), |slot| slot < key);
                }
                _ => order.remove(20_001, head(20_001), |slot| slot < 20_001),
            }
            if !grows && !model.is_empty() {
                let key = model.remove(seed.below(model.len()));
                order.remove(key, head(key), |slot| slot < key);
            }
            if step % 500 == 0 {
                assert_eq!(all(&order, Direction::Ascending), model);
                let reversed: Vec<_> = model.iter().rev().copied().collect();
                assert_eq!(all(&order, Direction::Descending), reversed);
            }
            let at = model.partition_point(|slot| *slot < key);
            let ahead = &model[at..model.len().min(at + 3)];
            assert_eq!(from(&order, Direction::Ascending, key), ahead);
            let behind: Vec<_> = model[..at].iter().rev().take(3).copied().collect();
            assert_eq!(from(&order, Direction::Descending, key), behind);
        }
    }

    #[test]
    fn a_batch_gives_the_same_order_as_one_by_one() {
        let mut seed = Seed::new(2);
        for (first, second) in [(0, 5_000), (3_000, 3_000), (20_000, 10)] {
            let (mut order, mut model) = (Order::default(), std::collections::BTreeSet::new());
            for count in [first, second] {
                let new: std::collections::BTreeSet<Slot> =
                    (0..count).map(|_| seed.below(100_000) as Slot).collect();
                let new: Vec<_> = new.difference(&model).map(|slot| (head(*slot), *slot)).collect();
                order.insert_all(&new, |a, b| a.cmp(&b));
                model.extend(new.iter().map(|(_, slot)| *slot));
            }
            assert!(all(&order, Direction::Ascending).iter().eq(&model));
            for slot in model {
                order.remove(slot, head(slot), |other| other < slot);
            }
            assert!(order.runs.is_empty());
        }
    }

    #[test]
    fn ascending_keys_fill_the_runs() {
        let mut order = Order::default();
        (0..5_120).for_each(|key| order.insert(key, head(key), |slot| slot < key));
        assert_eq!(order.runs.len(), 5_120 / MAX_RUN);
    }
}

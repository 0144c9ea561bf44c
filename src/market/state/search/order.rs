//! Slots in the order of some key.
//!
//! A list of short sorted runs: four bytes an item, found by two binary searches, changed by
//! moving at most one run, walked at memory speed. The keys live in the
//! [columns](super::columns); this file only ever asks which slots come before a place.

use crate::market::state::items::Slot;

/// Where a run is split in two.
const MAX_RUN: usize = 512;

/// Below this a run is joined with its neighbour if both fit.
const MIN_RUN: usize = 64;

/// Slots, ascending by a key that the callers know. No two keys are equal.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// None is empty.
    runs: Vec<Vec<Slot>>,
}

/// Which way an order is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the least key.
    Ascending,
    /// From the greatest key.
    Descending,
}

/// A place between two slots.
#[derive(Clone, Copy)]
struct Place {
    run: usize,
    at: usize,
}

impl Order {
    /// Adds a slot behind all those that come `before` it.
    pub fn insert(&mut self, slot: Slot, before: impl Fn(Slot) -> bool) {
        let Place { run, at } = self.place(before);
        let last = run + 1 >= self.runs.len();
        match self.runs.get_mut(run) {
            None => self.runs.push(vec![slot]),
            // Ascending keys fill each run before they begin the next.
            Some(full) if full.len() >= MAX_RUN && last && at == full.len() => {
                self.runs.push(vec![slot]);
            }
            Some(full) if full.len() >= MAX_RUN => {
                let half = full.split_off(MAX_RUN / 2);
                let (left, right) = (run, run + 1);
                self.runs.insert(right, half);
                if at <= MAX_RUN / 2 {
                    self.runs[left].insert(at, slot);
                } else {
                    self.runs[right].insert(at - MAX_RUN / 2, slot);
                }
            }
            Some(run) => run.insert(at, slot),
        }
    }

    /// Takes a slot out that has all those `before` it in front of it.
    pub fn remove(&mut self, slot: Slot, before: impl Fn(Slot) -> bool) {
        let Place { mut run, mut at } = self.place(before);
        if self.runs.get(run).is_some_and(|slots| slots.len() == at) {
            (run, at) = (run + 1, 0);
        }
        let Some(slots) = self.runs.get_mut(run) else { return };
        if slots.get(at) != Some(&slot) {
            return;
        }
        slots.remove(at);
        if slots.len() < MIN_RUN {
            self.join(run);
        }
    }

    /// Joins a short run with a neighbour, if one has room; drops it if it is empty.
    fn join(&mut self, run: usize) {
        let len = self.runs[run].len();
        let has_room =
            |other: &usize| self.runs.get(*other).is_some_and(|o| o.len() + len <= MAX_RUN / 2);
        if len == 0 {
            self.runs.remove(run);
        } else if has_room(&(run + 1)) {
            let next = self.runs.remove(run + 1);
            self.runs[run].extend(next);
        } else if let Some(previous) = run.checked_sub(1).filter(has_room) {
            let this = self.runs.remove(run);
            self.runs[previous].extend(this);
        }
    }

    /// Walks from a place on, towards greater keys from behind all slots `before` it, or towards
    /// lesser ones from the last slot `before` it, until `visit` says false.
    pub fn walk_from(
        &self,
        direction: Direction,
        before: impl Fn(Slot) -> bool,
        visit: impl FnMut(Slot) -> bool,
    ) {
        let Place { run, at } = self.place(before);
        let (left, right) = self.runs.split_at(run);
        let Some((middle, right)) = right.split_first() else {
            return self.walk(direction, visit);
        };
        match direction {
            Direction::Ascending => {
                walk(middle[at..].iter().chain(right.iter().flatten()), visit);
            }
            Direction::Descending => {
                walk(left.iter().flatten().chain(&middle[..at]).rev(), visit);
            }
        }
    }

    /// Walks over all slots from one end, until `visit` says false.
    pub fn walk(&self, direction: Direction, visit: impl FnMut(Slot) -> bool) {
        match direction {
            Direction::Ascending => walk(self.runs.iter().flatten(), visit),
            Direction::Descending => walk(self.runs.iter().flatten().rev(), visit),
        }
    }

    /// Behind the last slot that is `before` it: in a run's end rather than the next one's start,
    /// and without a run only when there are none.
    fn place(&self, before: impl Fn(Slot) -> bool) -> Place {
        // The last run whose first slot is before the place holds it.
        let run = self.runs.partition_point(|run| before(run[0])).saturating_sub(1);
        let at = self.runs.get(run).map_or(0, |run| run.partition_point(|slot| before(*slot)));
        Place { run, at }
    }
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

    fn from(order: &Order, direction: Direction, place: Slot) -> Vec<Slot> {
        let mut slots = Vec::new();
        order.walk_from(
            direction,
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
                    order.insert(key, |slot| slot < key);
                }
                Ok(at) if !grows => {
                    model.remove(at);
                    order.remove(key, |slot| slot < key);
                }
                _ => order.remove(20_001, |slot| slot < 20_001),
            }
            if !grows && !model.is_empty() {
                let key = model.remove(seed.below(model.len()));
                order.remove(key, |slot| slot < key);
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
    fn ascending_keys_fill_the_runs() {
        let mut order = Order::default();
        (0..5_120).for_each(|key| order.insert(key, |slot| slot < key));
        assert_eq!(order.runs.len(), 10);
    }
}

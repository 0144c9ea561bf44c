//! One round through the nodes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::endpoint::Endpoint;

pub(super) struct Round {
    /// The nodes to be tried, the next one last.
    queue: Vec<usize>,
    /// All nodes that were known when the round began, and those added by hints.
    known: BTreeSet<usize>,
}

impl Round {
    /// A round through all nodes without a running attempt, except those that are backing off while
    /// there are others.
    pub(super) fn new(
        nodes: &[Arc<Endpoint>],
        presumed_leader: usize,
        is_in_flight: impl Fn(usize) -> bool,
    ) -> Round {
        let count = nodes.len();
        let all = (0..count)
            .map(|step| (presumed_leader + step) % count)
            .filter(|index| !is_in_flight(*index));
        let is =
            |index: usize, is: fn(&Endpoint) -> bool| nodes.get(index).is_some_and(|node| is(node));
        let (backing_off, mut queue): (Vec<usize>, Vec<usize>) =
            all.partition(|index| is(*index, Endpoint::is_backing_off));
        if queue.is_empty() {
            queue = backing_off;
        }
        // The presumed leader comes first, then nodes that answered recently.
        queue
            .sort_by_key(|index| (*index != presumed_leader, !is(*index, Endpoint::answered_last)));
        queue.reverse();
        Round { queue, known: (0..count).collect() }
    }

    pub(super) fn next(&mut self) -> Option<usize> {
        self.queue.pop()
    }

    /// A node was named as leader: it is tried next, unless it was tried already or is backing off.
    pub(super) fn hint(&mut self, index: Option<usize>) {
        let Some(index) = index else { return };
        if let Some(at) = self.queue.iter().position(|waiting| *waiting == index) {
            self.queue.remove(at);
            self.queue.push(index);
        } else if self.known.insert(index) {
            self.queue.push(index);
        }
    }
}

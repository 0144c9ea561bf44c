//! One way through the nodes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::endpoint::Endpoint;

pub(super) struct Round {
    /// Those to be asked, the next one last.
    queue: Vec<usize>,
    /// All that were known when the round began, and those that came by hints.
    known: BTreeSet<usize>,
}

impl Round {
    /// Through all nodes but those that rest, while there are others, and those that are being asked.
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
        // Behind the one that is presumed_leader to lead come those that answered lately.
        queue
            .sort_by_key(|index| (*index != presumed_leader, !is(*index, Endpoint::answered_last)));
        queue.reverse();
        Round { queue, known: (0..count).collect() }
    }

    pub(super) fn next(&mut self) -> Option<usize> {
        self.queue.pop()
    }

    /// Somebody says that this one leads. It is asked next, unless it was asked or rests.
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

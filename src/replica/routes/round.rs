//! One way through the nodes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::node::Node;

pub(super) struct Round {
    /// Those to be asked, the next one last.
    places: Vec<usize>,
    /// All that were known when the round began, and those that came by hints.
    known: BTreeSet<usize>,
}

impl Round {
    /// Through all nodes but those that rest, while there are others, and those that are being asked.
    pub(super) fn new(
        nodes: &[Arc<Node>],
        believed: usize,
        is_asked: impl Fn(usize) -> bool,
    ) -> Round {
        let count = nodes.len();
        let all =
            (0..count).map(|step| (believed + step) % count).filter(|place| !is_asked(*place));
        let is =
            |place: usize, is: fn(&Node) -> bool| nodes.get(place).is_some_and(|node| is(node));
        let (resting, mut places): (Vec<usize>, Vec<usize>) =
            all.partition(|place| is(*place, Node::rests));
        if places.is_empty() {
            places = resting;
        }
        // Behind the one that is believed to lead come those that answered lately.
        places.sort_by_key(|place| (*place != believed, !is(*place, Node::answers)));
        places.reverse();
        Round { places, known: (0..count).collect() }
    }

    pub(super) fn next(&mut self) -> Option<usize> {
        self.places.pop()
    }

    /// Somebody says that this one leads. It is asked next, unless it was asked or rests.
    pub(super) fn hint(&mut self, place: Option<usize>) {
        let Some(place) = place else { return };
        if let Some(at) = self.places.iter().position(|waiting| *waiting == place) {
            self.places.remove(at);
            self.places.push(place);
        } else if self.known.insert(place) {
            self.places.push(place);
        }
    }
}

//! A budget of bytes that all connections of a server share. There are two: answers that clients
//! have not read, and received bytes that wait for the rest of their message or for their handler.
//!
//! A client can request large answers with small requests and not read them, or start messages and
//! not finish them. The limits of calls bound this for one connection, but many connections
//! together could fill the memory. When a budget is exhausted, only connections that hold more than
//! their share are refused. A client that reads its answers and completes its messages is served as
//! before.

use std::cell::Cell;

/// One budget of a server, in bytes.
#[derive(Debug)]
pub(super) struct ByteBudget {
    total_bytes: Cell<usize>,
    max_bytes: usize,
    share_bytes: usize,
}

impl ByteBudget {
    /// An unused budget that is exhausted beyond `max_bytes`. Then each connection may hold
    /// `share_bytes`.
    pub(super) fn new(max_bytes: usize, share_bytes: usize) -> ByteBudget {
        ByteBudget { total_bytes: Cell::new(0), max_bytes, share_bytes }
    }

    /// What a connection may hold at present; `None` if there is no limit.
    pub(super) fn current_limit(&self) -> Option<usize> {
        (self.total_bytes.get() > self.max_bytes).then_some(self.share_bytes)
    }

    /// Whether senders should be slowed down, so that they need not be refused later.
    pub(super) fn is_half_full(&self) -> bool {
        self.total_bytes.get() > self.max_bytes / 2
    }

    /// Sets what one connection holds to `held`; `entered` is what was counted for it before.
    pub(super) fn set_held(&self, entered: &mut usize, held: usize) {
        self.total_bytes.set(self.total_bytes.get() - *entered + held);
        *entered = held;
    }

    /// Counts `bytes` more for a connection, until [`set_held`](Self::set_held) counts it exactly.
    pub(super) fn add(&self, entered: &mut usize, bytes: usize) {
        self.total_bytes.set(self.total_bytes.get() + bytes);
        *entered += bytes;
    }

    /// Whether a connection that holds `held` bytes, of which `entered` are counted, is over its
    /// share of an exhausted budget. `elsewhere` bytes of others will be counted soon.
    pub(super) fn exceeds(&self, entered: usize, held: usize, elsewhere: usize) -> bool {
        held > self.share_bytes
            && self.total_bytes.get() - entered + held + elsewhere > self.max_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE_BYTES: usize = 1024;

    #[test]
    fn only_connections_above_their_share_are_refused_and_only_when_the_budget_is_exhausted() {
        let budget = ByteBudget::new(10 * SHARE_BYTES, SHARE_BYTES);
        let (mut greedy, mut modest) = (0, 0);
        assert!(!budget.exceeds(greedy, 10 * SHARE_BYTES, 0));
        assert!(budget.exceeds(greedy, 10 * SHARE_BYTES + 1, 0), "before it is counted");
        assert_eq!(budget.current_limit(), None);
        assert!(!budget.is_half_full());
        budget.set_held(&mut greedy, 11 * SHARE_BYTES);
        assert_eq!(budget.current_limit(), Some(SHARE_BYTES));
        assert!(budget.is_half_full());
        assert!(budget.exceeds(greedy, 11 * SHARE_BYTES, 0));
        assert!(!budget.exceeds(modest, SHARE_BYTES, 0));
        budget.set_held(&mut modest, 2 * SHARE_BYTES);
        assert!(budget.exceeds(modest, 2 * SHARE_BYTES, 0));
        assert!(!budget.exceeds(modest, SHARE_BYTES, 100 * SHARE_BYTES));
        budget.set_held(&mut greedy, 0);
        assert!(budget.exceeds(modest, 2 * SHARE_BYTES, 9 * SHARE_BYTES), "others send too");
        budget.add(&mut modest, 9 * SHARE_BYTES);
        assert!(budget.exceeds(modest, 11 * SHARE_BYTES, 0));
        budget.set_held(&mut modest, 2 * SHARE_BYTES);
        assert!(!budget.exceeds(modest, 2 * SHARE_BYTES, 0));
    }
}

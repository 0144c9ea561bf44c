//! What a server holds for its clients: answers that they have not read, and what they have sent
//! that waits to be complete, or to be handled.
//!
//! A client may ask much with few bytes and not read the answers, or begin what it does not end.
//! Within one connection the calls bound that; but many connections together could fill the memory.
//! So the server keeps an account of each, and when it is full, those are refused whose own
//! connection holds more than its share: who reads what it asked for, and ends what it began, is
//! served as ever.

use std::cell::Cell;

/// The account of the whole server, in bytes.
#[derive(Debug)]
pub(super) struct ByteBudget {
    total_bytes: Cell<usize>,
    max_bytes: usize,
    share_bytes: usize,
}

impl ByteBudget {
    /// An empty account that is full beyond `max` bytes; then a connection may hold `share` bytes.
    pub(super) fn new(max_bytes: usize, share_bytes: usize) -> ByteBudget {
        ByteBudget { total_bytes: Cell::new(0), max_bytes, share_bytes }
    }

    /// What a connection may hold that begins something now; nothing if it is not bounded.
    pub(super) fn current_limit(&self) -> Option<usize> {
        (self.total_bytes.get() > self.max_bytes).then_some(self.share_bytes)
    }

    /// Whether it is time to hold senders back, who then need not be refused.
    pub(super) fn is_half_full(&self) -> bool {
        self.total_bytes.get() > self.max_bytes / 2
    }

    /// What one connection holds has changed from what it had `entered`.
    pub(super) fn set_held(&self, entered: &mut usize, held: usize) {
        self.total_bytes.set(self.total_bytes.get() - *entered + held);
        *entered = held;
    }

    /// A connection holds so much more, as far as can be told before it is looked at as a whole.
    pub(super) fn add(&self, entered: &mut usize, bytes: usize) {
        self.total_bytes.set(self.total_bytes.get() + bytes);
        *entered += bytes;
    }

    /// Whether a connection that holds this much, and has `entered` that much of it, must not ask
    /// for more. Others are about to enter `elsewhere` bytes more.
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
    fn only_who_holds_much_is_refused_and_only_when_all_hold_too_much() {
        let budget = ByteBudget::new(10 * SHARE_BYTES, SHARE_BYTES);
        let (mut greedy, mut modest) = (0, 0);
        assert!(!budget.exceeds(greedy, 10 * SHARE_BYTES, 0));
        assert!(budget.exceeds(greedy, 10 * SHARE_BYTES + 1, 0), "before it is entered");
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

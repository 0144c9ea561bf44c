//! Credit-based flow control.
//!
//! A message costs its length plus [`MESSAGE_COST`]. A sender may send while its credit is above zero,
//! so the last message may make it negative. What a receiver must hold is bounded by the window and
//! one message.

use super::Error;

/// The cost of a message beside its bytes, so that empty ones are not free.
pub(super) const MESSAGE_COST: i64 = 32;
/// The window before HELLO, and the smallest window in a HELLO, in bytes.
pub(super) const MIN_WINDOW: u32 = 64 * 1024;
/// The largest window and the largest credit, in bytes.
pub(super) const MAX_WINDOW: u32 = 1 << 30;

/// The cost of a message of `len` bytes.
pub(super) fn cost(len: usize) -> i64 {
    len as i64 + MESSAGE_COST
}

/// The window to announce for a limit.
pub(super) fn window(limit_bytes: u32) -> i64 {
    i64::from(limit_bytes.clamp(MIN_WINDOW, MAX_WINDOW))
}

/// Adds the amount of a CREDIT envelope.
pub(super) fn add(credit: &mut i64, amount: u32) -> Result<(), Error> {
    let sum = *credit + i64::from(amount);
    if amount == 0 || sum > i64::from(MAX_WINDOW) {
        return Err(Error::CreditAmount);
    }
    *credit = sum;
    Ok(())
}

/// The receiver's account of the sender's credit.
pub(super) struct Allowance {
    /// The sender's credit once it has received everything that we have sent.
    credit: i64,
    /// Released, and not yet returned to the sender.
    free: i64,
    /// The credit of a sender whose messages are all consumed.
    window: i64,
}

impl Allowance {
    pub(super) fn new(window: i64) -> Allowance {
        Allowance { credit: window, free: 0, window }
    }

    /// Subtracts the cost of a received message.
    pub(super) fn charge(&mut self, cost: i64) -> Result<(), Error> {
        if self.credit <= 0 {
            return Err(Error::CreditExceeded);
        }
        self.credit -= cost;
        Ok(())
    }

    /// Enlarges the window, up to the maximum. Returns the amount of the CREDIT to send, if any.
    pub(super) fn extend_window(&mut self, amount: u32) -> Option<u32> {
        // Used credit will be returned on top of the current credit.
        let available = i64::from(MAX_WINDOW) - self.window;
        let amount =
            u32::try_from(available.min(amount.into())).ok().filter(|amount| *amount > 0)?;
        self.window += i64::from(amount);
        self.credit += i64::from(amount);
        Some(amount)
    }

    /// Releases the cost of messages. Returns the amount of the CREDIT to send once half a window is
    /// released.
    pub(super) fn release(&mut self, cost: i64, window: i64) -> Option<u32> {
        self.free += cost;
        if self.free * 2 < window {
            return None;
        }
        // Below 2^32: at most a window and one message were used.
        let amount = u32::try_from(self.free).unwrap_or(u32::MAX);
        self.credit += i64::from(amount);
        self.free -= i64::from(amount);
        Some(amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_may_take_the_credit_below_zero_once() {
        let mut allowance = Allowance::new(10);
        assert_eq!(allowance.charge(1_000), Ok(()));
        assert_eq!(allowance.charge(1), Err(Error::CreditExceeded));
        assert_eq!(allowance.release(1_000, 10), Some(1_000));
        assert_eq!(allowance.charge(1), Ok(()));
    }

    #[test]
    fn credit_is_released_by_half_windows() {
        let mut allowance = Allowance::new(100);
        allowance.charge(60).unwrap();
        assert_eq!(allowance.release(49, 100), None);
        assert_eq!(allowance.release(1, 100), Some(50));
        assert_eq!(allowance.release(10, 100), None);
    }

    #[test]
    fn credit_of_zero_or_above_the_maximum_is_refused() {
        let mut credit = 5;
        assert_eq!(add(&mut credit, 0), Err(Error::CreditAmount));
        assert_eq!(add(&mut credit, MAX_WINDOW - 5), Ok(()));
        assert_eq!(add(&mut credit, 1), Err(Error::CreditAmount));
        assert_eq!(credit, i64::from(MAX_WINDOW));
    }
}

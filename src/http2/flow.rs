//! Flow-control windows (RFC 9113 sections 5.2 and 6.9). Only DATA counts, with its padding.

use super::settings::MAX_WINDOW;

/// A window exceeded 2^31 - 1, or more bytes arrived than a window allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

/// How many bytes we may still send, on one stream or on the connection.
///
/// It is negative after the peer has lowered SETTINGS_INITIAL_WINDOW_SIZE below what was already
/// sent (section 6.9.2); then WINDOW_UPDATE must first bring it back above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendWindow(i32);

impl SendWindow {
    /// A window of this many bytes, at most 2^31 - 1.
    pub fn new(bytes: u32) -> SendWindow {
        SendWindow(bytes.min(MAX_WINDOW) as i32)
    }

    /// How many bytes may be sent now.
    pub fn available(self) -> usize {
        self.0.max(0) as usize
    }

    /// Subtracts sent bytes, at most [`SendWindow::available`].
    pub fn consume(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.available());
        self.0 -= bytes as i32;
    }

    /// Adds the increment of a WINDOW_UPDATE, or the change of the peer's initial window.
    pub fn shift(&mut self, by: i64) -> Result<(), Overflow> {
        let shifted = i64::from(self.0) + by;
        if shifted > i64::from(MAX_WINDOW) {
            return Err(Overflow);
        }
        // Never below -(2^31 - 1): a negative shift is the difference of two window sizes, and the
        // sent bytes fitted into the larger of them.
        self.0 = i32::try_from(shifted).unwrap_or(i32::MIN);
        Ok(())
    }
}

/// How many bytes the peer may still send, and when to send it a WINDOW_UPDATE.
///
/// Every byte of the window is in one of three states: `open` (the peer may send it), held by the
/// user, or `released` by the user and not announced to the peer yet. Released bytes are announced
/// when they are half of the window: one WINDOW_UPDATE for many DATA frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveWindow {
    target: i32,
    open: i32,
    released: i32,
}

impl ReceiveWindow {
    /// A window of this many bytes, at most 2^31 - 1.
    pub fn new(bytes: u32) -> ReceiveWindow {
        let target = bytes.min(MAX_WINDOW) as i32;
        ReceiveWindow { target, open: target, released: 0 }
    }

    /// Whether the peer may send.
    pub fn is_open(self) -> bool {
        self.open > 0
    }

    /// Subtracts bytes that have arrived.
    pub fn receive(&mut self, bytes: usize) -> Result<(), Overflow> {
        match i32::try_from(bytes) {
            Ok(bytes) if bytes <= self.open => {
                self.open -= bytes;
                Ok(())
            }
            _ => Err(Overflow),
        }
    }

    /// The user has consumed `bytes` (at most those that it holds are counted). Returns the increment
    /// of a WINDOW_UPDATE when half of the window is released.
    pub fn release(&mut self, bytes: usize) -> Option<u32> {
        let held = self.target - self.open - self.released;
        self.released += i32::try_from(bytes).unwrap_or(i32::MAX).min(held.max(0));
        if self.released == 0 || self.released < self.target / 2 {
            return None;
        }
        let increment = std::mem::take(&mut self.released);
        self.open += increment;
        Some(increment as u32)
    }

    /// Changes the size of the window, which the peer has acknowledged; `open` may become negative.
    pub fn resize(&mut self, bytes: u32) {
        let target = bytes.min(MAX_WINDOW) as i32;
        self.open -= self.target - target;
        self.target = target;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_window_goes_below_zero_and_needs_credit_to_come_back() {
        // RFC 9113 section 6.9.2: 60 KiB sent, then the initial window becomes 16 KiB.
        let mut window = SendWindow::new(65_535);
        window.consume(61_440);
        window.shift(16_384 - 65_535).unwrap();
        assert_eq!(window, SendWindow(-45_056));
        assert_eq!(window.available(), 0);
        window.shift(45_056).unwrap();
        assert_eq!(window.available(), 0);
        window.shift(1).unwrap();
        assert_eq!(window.available(), 1);
    }

    #[test]
    fn a_send_window_never_exceeds_its_maximum() {
        let mut window = SendWindow::new(MAX_WINDOW);
        assert_eq!(window.shift(1), Err(Overflow));
        assert_eq!(window.available(), MAX_WINDOW as usize);
        window.consume(1);
        assert_eq!(window.shift(1), Ok(()));
    }

    #[test]
    fn the_lowest_send_window_is_no_overflow() {
        let mut window = SendWindow::new(MAX_WINDOW);
        window.consume(MAX_WINDOW as usize);
        window.shift(-i64::from(MAX_WINDOW)).unwrap();
        assert_eq!(window, SendWindow(-(MAX_WINDOW as i32)));
    }

    #[test]
    fn more_than_the_receive_window_is_an_overflow() {
        let mut window = ReceiveWindow::new(10);
        assert_eq!(window.receive(11), Err(Overflow));
        assert_eq!(window.receive(10), Ok(()));
        assert_eq!(window.receive(1), Err(Overflow));
        assert_eq!(window.receive(0), Ok(()));
    }

    #[test]
    fn credit_is_announced_when_half_the_window_waits() {
        let mut window = ReceiveWindow::new(100);
        window.receive(80).unwrap();
        assert_eq!(window.release(49), None);
        assert_eq!(window.release(1), Some(50));
        assert_eq!(window.release(30), None);
        window.receive(70).unwrap();
        assert_eq!(window.receive(1), Err(Overflow));
    }

    #[test]
    fn releasing_more_than_was_received_gives_no_extra_credit() {
        let mut window = ReceiveWindow::new(100);
        window.receive(60).unwrap();
        assert_eq!(window.release(1_000), Some(60));
        assert_eq!(window.release(1_000), None);
        assert_eq!(window, ReceiveWindow::new(100));
    }

    #[test]
    fn a_shrunken_receive_window_opens_again_at_its_new_size() {
        let mut window = ReceiveWindow::new(100);
        window.receive(80).unwrap();
        window.resize(40);
        assert_eq!(window.receive(1), Err(Overflow));
        assert_eq!(window.release(80), Some(80));
        assert_eq!(window, ReceiveWindow::new(40));
    }
}

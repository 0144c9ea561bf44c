//! When the received bytes of a call are released to the peer as window.
//!
//! A message may be larger than the window, so the bytes of an incomplete message must be released
//! while it arrives. A peer that is faster than the application must be stopped, so a complete
//! message counts against the window until the application has consumed it. The rule that satisfies
//! both: as many of the received bytes are withheld as complete messages wait to be consumed. The
//! memory of a call is then at most its window and one message.

/// The account of one call, in bytes.
#[derive(Debug)]
pub(super) struct Credit {
    /// Received, and not released yet.
    held: usize,
    /// In complete messages that the application has not consumed.
    unconsumed: usize,
}

impl Credit {
    pub(super) const fn new() -> Credit {
        Credit { held: 0, unconsumed: 0 }
    }

    /// Adds a DATA frame of `data_bytes` that completed messages of `message_bytes`. Returns, like the
    /// other methods, how many bytes to release now.
    pub(super) fn receive(&mut self, data_bytes: usize, message_bytes: usize) -> usize {
        self.held += data_bytes;
        self.unconsumed += message_bytes;
        self.settle()
    }

    /// Adds a DATA frame that ends the call: [`Credit::close`] follows.
    pub(super) fn receive_rejected(&mut self, data_bytes: usize) {
        self.held += data_bytes;
    }

    /// Subtracts a message that the application has consumed.
    pub(super) fn consume_message(&mut self, message_bytes: usize) -> usize {
        self.unconsumed = self.unconsumed.saturating_sub(message_bytes);
        self.settle()
    }

    /// Bytes of complete messages that the application has not consumed.
    pub(super) fn unconsumed(&self) -> usize {
        self.unconsumed
    }

    /// Ends the call: all bytes are released.
    pub(super) fn close(&mut self) -> usize {
        self.unconsumed = 0;
        self.settle()
    }

    fn settle(&mut self) -> usize {
        let given_back = self.held.saturating_sub(self.unconsumed);
        self.held -= given_back;
        given_back
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    #[test]
    fn credit_of_an_unfinished_message_is_released_as_it_arrives() {
        let mut credit = Credit::new();
        assert_eq!(credit.receive(16_000, 0), 16_000);
        assert_eq!(credit.receive(16_000, 0), 16_000);
    }

    #[test]
    fn credit_of_a_complete_message_is_held_until_it_is_consumed() {
        let mut credit = Credit::new();
        assert_eq!(credit.receive(105, 100), 5);
        assert_eq!(credit.consume_message(100), 100);
    }

    #[test]
    fn credit_released_early_is_withheld_from_later_frames() {
        let mut credit = Credit::new();
        assert_eq!(credit.receive(900, 0), 900);
        assert_eq!(credit.receive(105, 1000), 0);
        assert_eq!(credit.receive(500, 0), 0);
        assert_eq!(credit.receive(500, 0), 105);
        assert_eq!(credit.consume_message(1000), 1000);
    }

    #[test]
    fn every_byte_is_released_once_and_a_backlog_closes_the_window() {
        const WINDOW: usize = 1000;
        each_seed(|seed| {
            let mut credit = Credit::new();
            let (mut window, mut unfinished, mut waiting) = (WINDOW, 0, Vec::new());
            for _ in 0..50 {
                if seed.one_in(3) && !waiting.is_empty() {
                    window += credit.consume_message(waiting.remove(0));
                } else {
                    let data = seed.below(window.min(400) + 1);
                    unfinished += data;
                    let message = if seed.one_in(2) { std::mem::take(&mut unfinished) } else { 0 };
                    waiting.extend((message > 0).then_some(message));
                    window = window - data + credit.receive(data, message);
                }
                let backlog: usize = waiting.iter().sum();
                assert_eq!(window, WINDOW - credit.held);
                assert!(credit.held <= backlog);
            }
            window += credit.close();
            assert_eq!(window, WINDOW);
        });
    }
}

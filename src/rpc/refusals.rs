//! Connections that a server does not take in: what it says of them, which is little however many
//! there are.

use std::fmt::Display;
use std::time::Instant;

use super::log_limit::LogLimit;

/// Why a connection is not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// As many are open as may be.
    Full,
    /// The descriptors that are left are for files.
    NoDescriptor,
    /// The operating system gives no connection.
    NotAccepted,
    /// The poller does not take it.
    NotPolled,
}

impl Refusal {
    const ALL: [Refusal; 4] =
        [Refusal::Full, Refusal::NoDescriptor, Refusal::NotAccepted, Refusal::NotPolled];

    fn reason(self) -> &'static str {
        match self {
            Refusal::Full => "as many connections are open as may be (--max-connections)",
            Refusal::NoDescriptor => {
                "the descriptors that are left are for files (see `ulimit -n`)"
            }
            Refusal::NotAccepted => "it could not be accepted",
            Refusal::NotPolled => "it could not be waited for",
        }
    }
}

/// What has been said of each kind.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    limits: [LogLimit; Refusal::ALL.len()],
}

impl Refusals {
    /// A connection is refused; `detail` says which one, or more about why.
    pub(super) fn record(&mut self, now: Instant, refusal: Refusal, detail: impl Display) {
        if self.limits[refusal as usize].admit(now) {
            log::warn!("a connection is refused: {}: {detail}", refusal.reason());
        }
    }

    /// When there may be something to [tell](Self::log_counts).
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.limits.iter().filter_map(LogLimit::next_timeout).min()
    }

    /// Tells how many there were in the last minute.
    pub(super) fn log_counts(&mut self, now: Instant) {
        for (refusal, limit) in Refusal::ALL.into_iter().zip(&mut self.limits) {
            if let Some(count) = limit.take_count(now) {
                log::warn!("{count} more connections were refused: {}", refusal.reason());
            }
        }
    }
}

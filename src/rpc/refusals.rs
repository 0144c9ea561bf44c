//! Logs connections that a server refuses: a few lines, however many there are.

use std::fmt::Display;
use std::time::Instant;

use super::log_limit::LogLimit;
use super::notices::{Notice, Notices};

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The limit of open connections is reached.
    Full,
    /// The limit of open connections from one address is reached.
    AddressFull,
    /// The limit of open connections of one certificate's holder is reached.
    HolderFull,
    /// The remaining descriptors are reserved for files.
    NoDescriptor,
    /// `accept` failed.
    NotAccepted,
    /// It could not be registered with the poller.
    NotPolled,
    /// TLS failed, most often by a certificate.
    Tls,
    /// Its first bytes are of no protocol that is served to it.
    Protocol,
}

impl Refusal {
    pub(super) const ALL: [Refusal; 8] = [
        Refusal::Full,
        Refusal::AddressFull,
        Refusal::HolderFull,
        Refusal::NoDescriptor,
        Refusal::NotAccepted,
        Refusal::NotPolled,
        Refusal::Tls,
        Refusal::Protocol,
    ];

    /// What a refused client is told.
    pub(super) fn for_client(self) -> &'static str {
        match self {
            Refusal::AddressFull => "too many connections from this address are open",
            Refusal::HolderFull => "too many connections with this certificate are open",
            _ => "the server has as many connections as it may have",
        }
    }

    /// The reason as the label of a metric.
    pub(super) fn label(self) -> &'static str {
        match self {
            Refusal::Full => "connections",
            Refusal::AddressFull => "address",
            Refusal::HolderFull => "certificate",
            Refusal::NoDescriptor => "descriptors",
            Refusal::NotAccepted => "accept",
            Refusal::NotPolled => "poll",
            Refusal::Tls => "tls",
            Refusal::Protocol => "protocol",
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Refusal::Full => "the limit of open connections is reached (--max-connections)",
            Refusal::AddressFull => {
                "the limit of connections from one address is reached \
                 (--max-connections-per-address)"
            }
            Refusal::HolderFull => {
                "the limit of connections with one certificate is reached \
                 (--max-connections-per-address)"
            }
            Refusal::NoDescriptor => {
                "the remaining descriptors are reserved for files (see `ulimit -n`)"
            }
            Refusal::NotAccepted => "it could not be accepted",
            Refusal::NotPolled => "it could not be registered with the poller",
            Refusal::Tls => "TLS with the client failed",
            Refusal::Protocol => {
                "the client speaks no protocol that is served here, or not inside TLS where it must"
            }
        }
    }
}

/// Calls that were refused in one turn because a limit is reached.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RefusedCalls {
    /// The first: its method, its caller, and which limit.
    first: String,
    count: u64,
}

impl RefusedCalls {
    /// Adds one. `describe` is called for the first.
    pub(super) fn add(&mut self, describe: impl FnOnce() -> String) {
        if self.count == 0 {
            self.first = describe();
        }
        self.count += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// A log limiter for each kind.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    limits: [LogLimit; Refusal::ALL.len()],
    /// The limiter of lines about calls.
    calls: LogLimit,
    notices: Notices,
}

impl Refusals {
    /// Nothing is refused yet. What is logged is shown there as well.
    pub(super) fn new(notices: Notices) -> Refusals {
        Refusals { notices, ..Refusals::default() }
    }

    fn warn(notices: &Notices, text: &str) {
        log::warn!("{text}");
        notices.show(Notice::Refused(text));
    }

    /// Records a refused connection; `detail` is its peer, or the error.
    pub(super) fn record(&mut self, now: Instant, refusal: Refusal, detail: impl Display) {
        if self.limits[refusal as usize].admit(now) {
            let text = format!("a connection is refused: {}: {detail}", refusal.reason());
            Refusals::warn(&self.notices, &text);
        }
    }

    /// Records calls that were refused because a limit is reached.
    pub(super) fn record_calls(&mut self, now: Instant, calls: &RefusedCalls) {
        let written = (0..calls.count).filter(|_| self.calls.admit(now)).count();
        if written > 0 {
            Refusals::warn(&self.notices, &format!("a call is refused: {}", calls.first));
        }
    }

    /// When to call [`log_counts`](Self::log_counts).
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.limits.iter().chain([&self.calls]).filter_map(LogLimit::next_timeout).min()
    }

    /// Logs the counts of the last minute.
    pub(super) fn log_counts(&mut self, now: Instant) {
        if let Some(count) = self.calls.take_count(now) {
            let text = format!("{count} more calls were refused because a limit is reached");
            Refusals::warn(&self.notices, &text);
        }
        for (refusal, limit) in Refusal::ALL.into_iter().zip(&mut self.limits) {
            if let Some(count) = limit.take_count(now) {
                let text = format!("{count} more connections were refused: {}", refusal.reason());
                Refusals::warn(&self.notices, &text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;

    #[test]
    fn of_many_refused_calls_the_first_is_logged_and_the_others_are_counted() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let notices = Notices::new({
            let lines = Arc::clone(&lines);
            move |notice| lines.lock().unwrap().push(format!("{notice:?}"))
        });
        let mut refusals = Refusals::new(notices);
        let now = Instant::now();
        for turn in 0..3 {
            let mut calls = RefusedCalls::default();
            (0..5).for_each(|call| calls.add(|| format!("{turn}.{call}")));
            refusals.record_calls(now, &calls);
        }
        assert_eq!(*lines.lock().unwrap(), ["Refused(\"a call is refused: 0.0\")"]);
        let due = refusals.next_timeout().unwrap();
        assert!(due <= now + Duration::from_secs(60));
        refusals.log_counts(due);
        let last = lines.lock().unwrap().last().unwrap().clone();
        assert!(last.contains("14 more calls were refused because a limit is reached"), "{last}");
    }
}

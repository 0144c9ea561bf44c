//! Catches the panics of handlers: a handler that panics fails its own call only.
//!
//! A lock that the handler held is poisoned. The other users of that lock decide what this means
//! for their state.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::log_limit::LogLimit;
use crate::call::{Code, Status};

/// Runs the handlers of one method. A client may be able to cause a panic with each call, so the
/// first one is logged, and then how many there were, at most once a minute.
#[derive(Debug)]
pub(super) struct PanicGuard {
    path: String,
    limit: Mutex<LogLimit>,
}

impl PanicGuard {
    /// For the method at `path`.
    pub(super) fn new(path: &str) -> PanicGuard {
        PanicGuard { path: path.to_owned(), limit: Mutex::default() }
    }

    /// Runs (a part of) a handler.
    ///
    /// # Errors
    /// The status of the call, if it panicked.
    pub(super) fn catch<T>(&self, run: impl FnOnce() -> T) -> Result<T, Status> {
        catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
            if let Some(line) = self.line(panic_message(&*panic), Instant::now()) {
                log::error!("{line}");
            }
            Status::new(Code::Internal, "the handler panicked")
        })
    }

    /// The line to log for a panic.
    fn line(&self, message: &str, now: Instant) -> Option<String> {
        let mut limit = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
        let path = &self.path;
        // The limiter is asked for its count only now: a method that panics no more needs no line.
        let count = limit.take_count(now);
        match (limit.admit(now), count) {
            (true, _) => Some(format!("the handler of {path} panicked: {message}")),
            (false, Some(count)) => {
                Some(format!("the handler of {path} panicked {count} more times"))
            }
            (false, None) => None,
        }
    }
}

/// The message of a panic.
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_panic_of_a_method_is_logged_and_then_a_count_a_minute() {
        let (guard, start) = (PanicGuard::new("/a.B/C"), Instant::now());
        let line = |s| guard.line("on purpose", start + Duration::from_secs(s));
        assert_eq!(line(0).unwrap(), "the handler of /a.B/C panicked: on purpose");
        assert!((0..1000).all(|_| line(1).is_none()));
        assert_eq!(line(60).unwrap(), "the handler of /a.B/C panicked 1000 more times");
        assert!((0..1000).all(|_| line(61).is_none()));
    }
}

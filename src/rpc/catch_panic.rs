//! Catches the panics of handlers: a handler that panics fails its own call only.
//!
//! A lock that the handler held is poisoned. The other users of that lock decide what this means
//! for their state.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::call::{Code, Status};

/// Runs (a part of) the handler of the method at `path`.
///
/// # Errors
/// The status of the call, if it panicked.
pub(super) fn catch_panic<T>(path: &str, run: impl FnOnce() -> T) -> Result<T, Status> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        log::error!("the handler of {path} panicked: {}", panic_message(&*panic));
        Status::new(Code::Internal, "the handler panicked")
    })
}

/// The message of a panic.
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

//! A handler that panics fails its own call, and nothing else.
//!
//! What other handlers share with it is theirs to keep whole: a lock that it held is poisoned, and
//! those that take it decide what that means.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::call::{Code, Status};

/// Runs a handler of the method at `path`, or a part of one.
///
/// # Errors
/// It panicked: what its caller is told.
pub(super) fn catch_panic<T>(path: &str, run: impl FnOnce() -> T) -> Result<T, Status> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        log::error!("the handler of {path} panicked: {}", panic_message(&*panic));
        Status::new(Code::Internal, "the handler panicked")
    })
}

/// What a panic says.
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

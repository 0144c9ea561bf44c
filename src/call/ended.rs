//! What sending on a call that has ended returns.

use std::fmt;

/// The call has ended: finished, cancelled, or lost with its connection. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallEnded;

impl fmt::Display for CallEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call has ended")
    }
}

impl std::error::Error for CallEnded {}

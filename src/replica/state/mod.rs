//! The replicated state: a state machine, its clients' sessions, and the applied index (pure).
//!
//! Sessions follow section 6.3 of Ongaro's dissertation: a client opens a session with a log entry,
//! and numbers its commands. The answers are part of the replicated state, so a repeated command is
//! answered and not applied again, at any node, after any crash. A command whose answer was
//! forgotten is refused, never applied.
//!
//! ```text
//!   sequence  1 2 3 4 5 | 6 7 8 9 ...              | 1029
//!             acknowledged: answers forgotten        no further, until more is acknowledged
//!                         5 + their answers kept     (5 + 1,024)
//! ```
//!
//! The numbers of sessions and answers are bounded. Beyond the bounds the least recently used
//! sessions are forgotten, but a leader refuses a request that would make it forget a session in
//! use.
//!
//! Time is log time: an entry carries the wall clock of its leader, so every replica expires the
//! same sessions at the same entry.

mod replicated;
mod sessions;

pub use replicated::{Outcome, Replicated};
pub use sessions::{
    EXPIRY_MS, FORGOTTEN_AFTER_MS, MAX_KEPT_BYTES, MAX_OUTSTANDING, MAX_SESSIONS, Refusal,
};

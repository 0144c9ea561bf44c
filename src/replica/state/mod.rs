//! What a log makes of a state machine: the machine, the clients' sessions, and how far it is.
//!
//! Section 6.3 of Ongaro's dissertation: a client opens a session with an entry of the log, and
//! numbers its commands. The answers are part of the replicated state, so that a command which
//! comes again, to whichever node, after whatever crash, is answered and not done again. What is
//! forgotten is refused, never done.
//!
//! ```text
//!   sequence  1 2 3 4 5 | 6 7 8 9 ...              | 1029
//!             acknowledged: answers forgotten        no further, until more is acknowledged
//!                         5 + their answers kept     (5 + 1,024)
//! ```
//!
//! There can be only so many sessions and answers. What is beyond is forgotten, whoever was away the
//! longest first; but a leader takes nothing that would make it forget a session that is in use.
//!
//! Time is that of the log: an entry carries the wall clock of the leader that made it, and
//! every replica expires the same sessions at the same entry.
//!
//! Pure.

mod replicated;
mod sessions;

pub use replicated::{Outcome, Replicated};
pub use sessions::{
    EXPIRY_MS, FORGOTTEN_AFTER_MS, MAX_KEPT_BYTES, MAX_OUTSTANDING, MAX_SESSIONS, Refusal,
};

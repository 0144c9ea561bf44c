//! Which nodes of a group are voters (pure).
//!
//! A voter must remember: its votes, its promises, the entries that it has acknowledged. A node whose
//! directory was deleted, or is an older copy, has forgotten, and nothing in its files says so. The
//! others do: a directory has an *instance*, a random number, and each node remembers durably, for
//! each other node, the first instance that it heard of, how often that was started, and what it has
//! acknowledged. `ARCHITECTURE.md` has the rules of the voters, V1 to V6, and the argument.
//!
//! ```text
//!                    elected by a majority of new nodes, or told so by a voter
//!      New --------------------------------------------------------------------> Voter
//!       |  \                                                                    ^    |
//!       |   +--- hears of a group ---> Joining --- a majority remembers it -----+    |
//!       |                                 |                                          |
//!       +--- another directory is --------+                 an older directory than  |
//!            remembered                   |                 the one remembered       |
//!                                         v                                          |
//!                                      Refused <-------------------------------------+
//! ```
//!
//! | file | |
//! |---|---|
//! | `record` | what is remembered, and what is said of it |
//! | `membership` | the rules |
//! | `notice` | what people are told |
//!
//! Left out: a way back for a node that is refused.

mod notice;
mod record;
mod rules;

pub use notice::Notice;
pub use record::{Instance, Introduction, Loss, Peer, Record, Standing, Trust, format_instance};
#[cfg(test)]
pub use rules::Rule;
pub use rules::{Membership, Start};

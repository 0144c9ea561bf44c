//! Which nodes of a group are voters (pure).
//!
//! A voter must remember its votes, its promises and the entries that it has acknowledged. A node
//! whose directory was deleted, or replaced by an older copy, has lost this memory, and its own
//! files cannot tell. The other nodes can: each directory has an *instance*, a random number, and
//! each node durably records, for every other node, the first instance it saw, how often that
//! instance was started, and what it has acknowledged. `ARCHITECTURE.md` has the rules for voters,
//! V1 to V6, and the argument for them.
//!
//! ```text
//!                    elected by a majority of new nodes, or accepted by a voter
//!      New --------------------------------------------------------------------> Voter
//!       |  \                                                                    ^    |
//!       |   +-- learns of a group ---> Joining --- a majority has recorded it --+    |
//!       |                                 |                                          |
//!       +--- another directory is --------+                 an older directory than  |
//!            recorded                     |                 the one recorded         |
//!                                         v                                          |
//!                                      Refused <-------------------------------------+
//! ```
//!
//! | file | |
//! |---|---|
//! | `record` | what is recorded durably, and what is sent to peers |
//! | `rules` | the rules |
//! | `notice` | messages to the operator |
//!
//! Not supported: readmission of a refused node.

mod notice;
mod record;
mod rules;

pub use notice::Notice;
pub use record::{Instance, Introduction, Loss, Peer, Record, Standing, Trust, format_instance};
#[cfg(test)]
pub use rules::Rule;
pub use rules::{Membership, Start};

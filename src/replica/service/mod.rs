//! What the services of replicated state machines share: how a call becomes a read or a log entry,
//! and how changes reach the clients that watch.
//!
//! ```text
//!   query    --> check_read --> lease? --yes--> state --> response           at once
//!                                  +-----no---> ticket ..... state ..        after a round
//!   command  --> write -------> the log ------> ticket ..... reply ..        when applied
//!   watch    --> WatchCall ---> WatchHub <----- the state has changed
//! ```
//!
//! - [`calls`]: reads, writes and their answers
//! - [`watch_call`]: a streaming call whose responses are changes of the state
//! - [`watch_hub`]: all open watches of a node, and flow control for each
//!
//! Everything here runs on the server's thread, with the node locked. What is left out: the
//! messages and the meaning of a call, which are the service's own.

mod calls;
mod watch_call;
mod watch_hub;

pub use calls::{answer_now, check_leader, check_read, complete, read, with_metadata, write};
pub use watch_call::{WatchCall, WatchService};
pub use watch_hub::{Watch, WatchHub};

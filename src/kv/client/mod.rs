//! The library for programs that use the store.
//!
//! A [`KvClient`] makes the store's calls, blocking, from any number of threads. It finds the
//! leader by itself: it calls the node that led last, follows the leader hints in refusals, and
//! tries all nodes repeatedly until the call's timeout. A write carries a session and a sequence
//! number and is retried with the same number, so it is executed exactly once. A [`Watcher`]
//! receives changes and resumes at another node when its node fails.
//!
//! - [`session`]: sequence numbers of writes

mod kv_client;
mod record;
mod session;
mod watcher;
mod wire;

pub use kv_client::{ClientOptions, KvClient};
pub use record::{Change, Consistency, Listing, NodeStatus, Pair, PeerStatus, Role};
pub use watcher::{WatchEvent, Watcher};

//! What programs use to talk to the store.
//!
//! A [`KvClient`] makes the store's calls, blocking, from any number of threads. It finds the leader
//! by itself: it asks the node that it believes in, follows what nodes say of who leads, and goes
//! through all of them, again and again until the call's time is up. Writes carry a session and a
//! number, and are sent again under the same number when no answer came: a write happens exactly
//! once however often it is sent. A [`Watcher`] follows changes from node to node.
//!
//! - [`session`]: numbers of writes

mod kv_client;
mod record;
mod session;
mod watcher;
mod wire;

pub use kv_client::{ClientOptions, KvClient};
pub use record::{Change, Consistency, Listing, NodeStatus, Pair, PeerStatus, Role};
pub use watcher::{WatchEvent, Watcher};

//! The client of sellers and buyers.
//!
//! A [`MarketClient`] makes the market's calls, blocking, with one [`Uuid`]. Each command has a
//! request id, and is sent again with the same id when no answer came: it is executed exactly once.
//! An [`AdminClient`] makes the operator's calls.
//! A [`Watcher`] follows the account's mailbox and returns each notification once.

mod admin_client;
mod identity;
mod market_client;
mod request_ids;
mod record;
mod watcher;
mod wire;

pub use admin_client::{AdminClient, RemovedItem, RestrictedAccount};
pub use identity::{IdentityError, Uuid, default_directory, identity_at, identity_of};
pub use market_client::{ClientOptions, MarketClient};
pub use record::{
    Consistency, Event, Item, NewItem, Notification, Order, Page, Search, SearchPage,
};
pub use watcher::Watcher;

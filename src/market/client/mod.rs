//! What sellers and buyers use to talk to a market.
//!
//! A [`MarketClient`] makes the market's calls, blocking, under one [`Uuid`]. Each command carries
//! a request id, and is sent again under the same id when no answer came: it happens exactly once
//! however often it is sent. A [`Watcher`] follows the account's mailbox and hands over each
//! notification once.

mod identity;
mod market_client;
mod request_ids;
mod record;
mod watcher;
mod wire;

pub use identity::{IdentityError, Uuid, default_directory, identity_at, identity_of};
pub use market_client::{ClientOptions, MarketClient};
pub use record::{
    Consistency, Event, Item, NewItem, Notification, Order, Page, Search, SearchPage,
};
pub use watcher::Watcher;

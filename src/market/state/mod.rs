//! The market as a state machine: commands in, replies and notifications out.
//!
//! [`Market::apply`] takes one [`Command`] and changes the market, or refuses and leaves it as it
//! was. The queries beside it read. There is no clock, no randomness and no input but the
//! commands: the same commands in the same order make the same market, answers included, on every
//! machine. That is what lets it stand behind a replicated log.
//!
//! One file a subject; each states its own rules:
//!
//! | subject | |
//! |---|---|
//! | [`accounts`] | identity and address: who is who |
//! | [`item`] | an item in all its forms: as bytes, as words, in memory |
//! | [`items`] | what is on sale, numbers and stock |
//! | [`search`] | words, prefixes, sorting, pages |
//! | [`orders`] | the ledger |
//! | [`wishlists`] | who is told of which item |
//! | [`ratings`] | one rating a buyer and item |
//! | [`mailboxes`] | notifications until they are acknowledged |
//! | [`requests`] | exactly once |
//! | [`apply`] | the commands, and the order in which they are checked |
//! | [`query`] | the reads |
//! | [`read_set`] | which part of the market a read depends on |
//! | [`audit`] | do they all agree? |
//! | [`machine`] | the market behind a replicated log, and in its snapshots |
//! | [`shared`] | what a snapshot is made of while the market goes on |
//!
//! What is kept of an order, an item or a person is bounded by [`Limits`].

mod accounts;
mod answer;
mod apply;
mod audit;
mod command;
mod error;
mod hash;
mod item;
mod items;
mod limits;
mod lines;
mod read_set;
mod machine;
mod mailboxes;
mod orders;
mod query;
mod ratings;
mod lru;
mod requests;
mod search;
mod shared;
mod text;
mod feed;
mod view;
mod wishlists;

pub use accounts::AccountId;
pub use audit::Audit;
pub use command::{Action, Caller, Category, Command, Identity, ItemId, OrderId, Reply, RequestId};
pub use error::{Bound, Error, Field};
pub use item::{ItemFields, NewItem};
pub use limits::Limits;
pub use machine::decode_answer;
pub use ratings::{MAX_STARS, Rating};
pub use read_set::ReadSet;
pub use search::{Query, Sort};
pub use text::is_unprintable;
pub use view::{EventView, ItemView, MailboxPage, Notification, OrderView, Page, SearchPage};

use accounts::Accounts;
use items::Items;
use machine::RestoreProgress;
use mailboxes::Mailboxes;
use orders::Orders;
use ratings::Ratings;
use requests::Requests;
use search::Search;
use wishlists::Wishlists;

/// The whole market.
///
/// Two markets that took the same commands with the same limits are equal.
#[derive(Debug, PartialEq, Eq)]
pub struct Market {
    limits: Limits,
    accounts: Accounts,
    items: Items,
    search: Search,
    orders: Orders,
    wishlists: Wishlists,
    ratings: Ratings,
    mailboxes: Mailboxes,
    requests: Requests,
    restoring: RestoreProgress,
}

impl Market {
    /// An empty market.
    pub fn new(limits: Limits) -> Market {
        Market {
            accounts: Accounts::default(),
            items: Items::default(),
            search: Search::new(&limits),
            orders: Orders::default(),
            wishlists: Wishlists::default(),
            ratings: Ratings::default(),
            mailboxes: Mailboxes::default(),
            requests: Requests::default(),
            restoring: RestoreProgress::default(),
            limits,
        }
    }

    /// The bounds it keeps.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

//! The market as a state machine: commands in, replies and notifications out.
//!
//! [`Market::apply`] takes one [`Command`] and changes the market, or refuses it and changes
//! nothing. The queries read. The state machine is deterministic: it has no clock, no randomness
//! and no input but the commands, so the same commands in the same order give the same market and
//! the same answers on every replica. It is the functional core of the system; the service around
//! it is the shell.
//!
//! One file for each subject, with its rules:
//!
//! | subject | |
//! |---|---|
//! | [`accounts`] | identities and addresses |
//! | [`item`] | an item in all its forms: as bytes, as words, in memory |
//! | [`items`] | what is on sale, numbers and stock |
//! | [`search`] | words, prefixes, sorting, pages |
//! | [`orders`] | the ledger |
//! | [`wishlists`] | which accounts are notified of which item |
//! | [`ratings`] | one rating for each buyer and item |
//! | [`mailboxes`] | notifications until they are acknowledged |
//! | [`moderation`] | the commands of the operator and of the leader |
//! | [`requests`] | exactly once |
//! | [`apply`] | the commands, and the order in which they are checked |
//! | [`query`] | the reads |
//! | [`read_set`] | which part of the market a read depends on |
//! | [`audit`] | the consistency check of all parts |
//! | [`machine`] | the market behind a replicated log, and in its snapshots |
//! | [`size`] | the size that a quota limits |
//! | [`shared`] | persistent collections: a snapshot is written from a copy that does not change |
//!
//! [`Limits`] bounds the number of everything that clients can make the market keep, and the quota
//! of [`size`] its sum.

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
mod moderation;
mod orders;
mod query;
mod ratings;
mod lru;
mod requests;
mod search;
mod shared;
mod size;
mod text;
mod feed;
mod view;
mod wishlists;

pub use accounts::{AccountId, Standing};
pub use audit::Audit;
pub use command::{Action, Caller, Category, Command, Identity, ItemId, OrderId, Reply, RequestId};
pub use error::{Bound, Error, Field};
pub use item::{ItemFields, NewItem};
pub use limits::Limits;
pub use machine::decode_answer;
pub use moderation::{Act, Entry, MAX_FORGOTTEN, Moderation, Policy, StandingChange};
pub use ratings::{MAX_STARS, Rating};
pub use read_set::ReadSet;
pub use search::{Query, Sort};
pub use size::Counted;
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
    /// The bounds that the operator has set; they are in `limits` as well.
    policy: Policy,
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
            policy: Policy::default(),
            limits,
        }
    }

    /// The bounds of this market.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

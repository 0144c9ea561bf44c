//! Values that a client sends and gets, in memory of its own.

pub use crate::market::contract::Consistency;
use crate::market::state::{self, Category, EventView, ItemView, OrderView, Sort};

/// An item as it was when the market answered.
pub type Item = ItemView<String>;

/// An item to put on sale.
pub type NewItem = state::NewItem<String>;

/// A purchase.
pub type Order = OrderView<String>;

/// What a notification reports.
pub type Event = EventView<String>;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries, in the list's order.
    pub entries: Vec<T>,
    /// The token of the next page; empty on the last one.
    pub next: String,
}

/// One page of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPage {
    /// The items, in the order asked for.
    pub items: Vec<Item>,
    /// Matches on all pages.
    pub total: u32,
    /// The token of the next page; empty on the last one.
    pub next: String,
}

/// A search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Words, and prefixes such as `iph*`; blank finds all.
    pub words: String,
    /// Only this category.
    pub category: Option<Category>,
    /// In which order.
    pub sort: Sort,
    /// Items on a page; 0 for as many as the market allows.
    pub page_size: u32,
    /// [`SearchPage::next`] of the page before.
    pub page_token: String,
}

/// One notification of an account's mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its number in the mailbox, ascending from 1.
    pub id: u64,
    /// How many before it were dropped unread because the mailbox was full.
    pub missed: u64,
    /// What happened.
    pub event: Event,
}

//! What a reader sees: the state's values with names and addresses in place of its numbers.

use super::command::{Category, ItemId, OrderId};
use super::ratings::Rating;
use crate::market::price::Money;

/// An item as its card shows it: as it is, or in a notification as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemView<'a> {
    /// Its number.
    pub id: ItemId,
    /// Of one piece.
    pub price: Money,
    /// Its name.
    pub name: &'a str,
    /// What kind of thing it is.
    pub category: Category,
    /// Perhaps empty.
    pub description: &'a str,
    /// Pieces left.
    pub quantity: u32,
    /// What its raters say together.
    pub rating: Rating,
    /// The seller's address.
    pub seller: &'a str,
}

/// An order as both of its sides see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView<'a> {
    /// Its number.
    pub id: OrderId,
    /// The item's number.
    pub item: ItemId,
    /// The item's name.
    pub name: &'a str,
    /// Pieces.
    pub quantity: u32,
    /// Of one piece.
    pub unit_price: Money,
    /// Of all pieces.
    pub total: Money,
    /// The buyer's address.
    pub buyer: &'a str,
    /// The seller's address.
    pub seller: &'a str,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
}

/// One notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification<'a> {
    /// Its number in its mailbox, ascending from 1.
    pub id: u64,
    /// What it says.
    pub event: EventView<'a>,
}

/// What a notification says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventView<'a> {
    /// An item on the wishlist has a new price or quantity.
    Updated {
        /// As it was right behind the update.
        item: ItemView<'a>,
        /// The price of one piece before.
        previous_price: Money,
        /// The pieces that were left before; 0 and more now: it is back.
        previous_quantity: u32,
    },
    /// An item on the wishlist is off the market; as it last was.
    Deleted(ItemView<'a>),
    /// An item of the reader's was sold.
    Sold(OrderView<'a>),
}

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// In the order of the listing.
    pub entries: Vec<T>,
    /// Whether more come behind the last.
    pub has_more: bool,
}

/// One page of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxPage<'a> {
    /// Notifications above the number asked for that made room before they were acknowledged.
    pub missed: u64,
    /// Ascending.
    pub notifications: Vec<Notification<'a>>,
    /// Whether more come behind the last.
    pub has_more: bool,
}

/// One page of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPage<'a> {
    /// In the order asked for.
    pub items: Vec<ItemView<'a>>,
    /// Matches on all pages.
    pub total: usize,
    /// What asks for the next page, if there is one.
    pub next_page_token: Option<String>,
}

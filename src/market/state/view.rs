//! Views: the state's values with names and addresses in place of its numbers.
//!
//! `T` is the type of the texts: `&str` where they are the market's own, `String` where a client
//! has got them.

use super::command::{ItemId, OrderId};
use super::item::ItemFields;
use super::ratings::Rating;
use crate::market::price::Money;

/// An item as its card shows it: as it is now, or in a notification as it was then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemView<T> {
    /// Its number.
    pub id: ItemId,
    /// What the seller states of it.
    pub fields: ItemFields<T>,
    /// Of one piece.
    pub price: Money,
    /// Pieces left.
    pub quantity: u32,
    /// All its ratings together.
    pub rating: Rating,
    /// The seller's address.
    pub seller: T,
}

impl ItemView<String> {
    /// The same item, borrowed.
    pub fn view(&self) -> ItemView<&str> {
        let ItemView { id, fields, price, quantity, rating, seller } = self;
        let (fields, price, quantity) = (fields.view(), *price, *quantity);
        ItemView { id: *id, fields, price, quantity, rating: *rating, seller }
    }
}

/// An order as its buyer and its seller see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView<T> {
    /// Its number.
    pub id: OrderId,
    /// The item's number.
    pub item: ItemId,
    /// The item's name.
    pub name: T,
    /// Pieces.
    pub quantity: u32,
    /// Of one piece.
    pub unit_price: Money,
    /// Of all pieces.
    pub total: Money,
    /// The buyer's address.
    pub buyer: T,
    /// The seller's address.
    pub seller: T,
    /// When, in milliseconds since 1970-01-01 UTC, by the market's clock.
    pub at_ms: u64,
}

impl OrderView<String> {
    /// The same order, borrowed.
    pub fn view(&self) -> OrderView<&str> {
        let OrderView { id, item, name, quantity, unit_price, total, buyer, seller, at_ms } = self;
        let (id, item, quantity, at_ms) = (*id, *item, *quantity, *at_ms);
        let (unit_price, total) = (*unit_price, *total);
        OrderView { id, item, name, quantity, unit_price, total, buyer, seller, at_ms }
    }
}

/// One notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification<'a> {
    /// Its number in its mailbox, ascending from 1.
    pub id: u64,
    /// What happened.
    pub event: EventView<&'a str>,
}

/// What a notification reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventView<T> {
    /// An item on the wishlist has a new price or quantity.
    Updated {
        /// As it was right after the update.
        item: ItemView<T>,
        /// The price of one piece before.
        previous_price: Money,
        /// The pieces that were left before. If that is 0 and there are pieces now, the item was
        /// restocked.
        previous_quantity: u32,
    },
    /// An item on the wishlist was deleted; as it was right before.
    Deleted(ItemView<T>),
    /// An item of the account was sold.
    Sold(OrderView<T>),
}

impl EventView<String> {
    /// The same event, borrowed.
    pub fn view(&self) -> EventView<&str> {
        match self {
            EventView::Updated { item, previous_price, previous_quantity } => EventView::Updated {
                item: item.view(),
                previous_price: *previous_price,
                previous_quantity: *previous_quantity,
            },
            EventView::Deleted(item) => EventView::Deleted(item.view()),
            EventView::Sold(order) => EventView::Sold(order.view()),
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// In the order of the list.
    pub entries: Vec<T>,
    /// Whether there are more entries.
    pub has_more: bool,
}

/// One page of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxPage<'a> {
    /// Notifications above the requested number that were dropped before they were acknowledged.
    pub missed: u64,
    /// Ascending.
    pub notifications: Vec<Notification<'a>>,
    /// Whether there are more entries.
    pub has_more: bool,
}

/// One page of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPage<'a> {
    /// In the order of the query.
    pub items: Vec<ItemView<&'a str>>,
    /// Matches on all pages.
    pub total: usize,
    /// The token of the next page, if there is one.
    pub next_page_token: Option<String>,
}

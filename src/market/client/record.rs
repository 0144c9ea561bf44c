//! What a client gets from the market, in memory of its own.

use crate::market::price::Money;
use crate::market::state::{
    Category, EventView, ItemId, ItemView, OrderId, OrderView, Rating, Sort,
};

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// As if there were one market: the leader's alone to give.
    #[default]
    Linearizable,
    /// As far as the replica that is asked has come.
    Stale,
}

/// An item as it was when the market answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its number.
    pub id: ItemId,
    /// What one costs.
    pub price: Money,
    /// Its name.
    pub name: String,
    /// What kind of thing it is.
    pub category: Category,
    /// What the seller says of it.
    pub description: String,
    /// How many are left.
    pub quantity: u32,
    /// What buyers think of it.
    pub rating: Rating,
    /// The seller's address.
    pub seller: String,
}

impl Item {
    /// The item as [`crate::market::print`] takes it.
    pub fn view(&self) -> ItemView<'_> {
        ItemView {
            id: self.id,
            price: self.price,
            name: &self.name,
            category: self.category,
            description: &self.description,
            quantity: self.quantity,
            rating: self.rating,
            seller: &self.seller,
        }
    }
}

/// A purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number.
    pub id: OrderId,
    /// What was bought.
    pub item: ItemId,
    /// The item's name at that time.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// What one cost.
    pub unit_price: Money,
    /// What all of them cost.
    pub total: Money,
    /// The buyer's address.
    pub buyer: String,
    /// The seller's address.
    pub seller: String,
    /// When, in milliseconds since 1970-01-01 UTC, by the market's clock.
    pub at_ms: u64,
}

impl Order {
    /// The order as [`crate::market::print`] takes it.
    pub fn view(&self) -> OrderView<'_> {
        OrderView {
            id: self.id,
            item: self.item,
            name: &self.name,
            quantity: self.quantity,
            unit_price: self.unit_price,
            total: self.total,
            buyer: &self.buyer,
            seller: &self.seller,
            at_ms: self.at_ms,
        }
    }
}

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries, in the listing's order.
    pub entries: Vec<T>,
    /// Asks for the next page; empty on the last one.
    pub next: String,
}

/// One page of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPage {
    /// The items, in the order asked for.
    pub items: Vec<Item>,
    /// Matches on all pages.
    pub total: u32,
    /// Asks for the next page; empty on the last one.
    pub next: String,
}

/// What to search for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Words, and prefixes such as `iph*`; blank finds all.
    pub words: String,
    /// Only this category.
    pub category: Option<Category>,
    /// In which order.
    pub sort: Sort,
    /// How many on a page; 0: as many as the market gives.
    pub page_size: u32,
    /// [`SearchPage::next`] of the page before.
    pub page_token: String,
}

/// An item to put on sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewItem {
    /// Its name.
    pub name: String,
    /// What kind of thing it is.
    pub category: Category,
    /// How many there are.
    pub quantity: u32,
    /// What to say of it.
    pub description: String,
    /// What one costs.
    pub price: Money,
}

/// Something that the account is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its place in the mailbox, ascending.
    pub id: u64,
    /// How many before it were dropped unread because the mailbox was full.
    pub missed: u64,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An item on the wish list has a new price or quantity.
    Updated {
        /// The item as it is now.
        item: Item,
        /// The price before.
        previous_price: Money,
        /// How many were left before.
        previous_quantity: u32,
    },
    /// An item on the wish list is off the market.
    Deleted(Item),
    /// An item of ours was sold.
    Sold(Order),
}

impl Event {
    /// The news as [`crate::market::print`] takes it.
    pub fn view(&self) -> EventView<'_> {
        match self {
            Event::Updated { item, previous_price, previous_quantity } => EventView::Updated {
                item: item.view(),
                previous_price: *previous_price,
                previous_quantity: *previous_quantity,
            },
            Event::Deleted(item) => EventView::Deleted(item.view()),
            Event::Sold(order) => EventView::Sold(order.view()),
        }
    }
}

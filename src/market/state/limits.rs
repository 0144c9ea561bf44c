//! The bounds of the state.

use super::error::Error;
use crate::market::price::Money;

/// The bounds of a market. Each has an error, and a test that crosses it.
///
/// They decide the outcome of commands, so all replicas of a market must have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Accounts; an account is never removed.
    pub max_accounts: usize,
    /// Items on sale, over all sellers.
    pub max_items: usize,
    /// Items of one seller on sale.
    pub max_items_per_seller: usize,
    /// Orders; an order is never removed.
    pub max_orders: u32,
    /// Items on one wishlist.
    pub max_wishes: usize,
    /// Wishlists that one item may be on: an update of the item notifies each of them.
    pub max_wishers: usize,
    /// Ratings that one account ever gives.
    pub max_ratings_per_account: u32,
    /// Pending notifications in one mailbox; beyond it the oldest are dropped (see
    /// [`mailboxes`](super::mailboxes)).
    pub max_mailbox: usize,
    /// The highest price of one piece.
    pub max_price: Money,
    /// The most pieces on sale of one item, and in one order.
    pub max_quantity: u32,
    /// An address, in bytes of UTF-8.
    pub max_address_bytes: usize,
    /// An item's name, in bytes of UTF-8.
    pub max_name_bytes: usize,
    /// An item's description, in bytes of UTF-8.
    pub max_description_bytes: usize,
    /// The text of a search, in bytes of UTF-8.
    pub max_query_bytes: usize,
    /// Words in a search.
    pub max_query_words: usize,
    /// Entries on one page of any listing; a larger page is cut to this.
    pub max_page: usize,
    /// Recorded answers of one account (see [`requests`](super::requests)).
    pub max_answers_per_account: usize,
    /// Recorded answers in all.
    pub max_answers: usize,
    /// Entries of the largest union that a search by prefix computes: of more entries the index
    /// keeps the union. It decides speed and memory, never a result.
    pub max_union: usize,
}

impl Limits {
    /// The limits in force unless a flag says otherwise.
    pub const DEFAULT: Limits = Limits {
        max_accounts: 1_000_000,
        max_items: 10_000_000,
        max_items_per_seller: 100_000,
        max_orders: 100_000_000,
        max_wishes: 1_000,
        max_wishers: 10_000,
        max_ratings_per_account: 100_000,
        max_mailbox: 1_000,
        max_price: Money::from_minor(100_000_000_000),
        max_quantity: 1_000_000,
        max_address_bytes: 100,
        max_name_bytes: 200,
        max_description_bytes: 2_000,
        max_query_bytes: 200,
        max_query_words: 16,
        max_page: 100,
        max_answers_per_account: 256,
        max_answers: 1_000_000,
        max_union: 32_768,
    };

    pub(super) fn check_quantity(&self, quantity: u32) -> Result<(), Error> {
        let max = self.max_quantity;
        if (1..=max).contains(&quantity) { Ok(()) } else { Err(Error::Quantity(max)) }
    }

    pub(super) fn check_stock(&self, quantity: u32) -> Result<(), Error> {
        let max = self.max_quantity;
        if quantity <= max { Ok(()) } else { Err(Error::Stock(max)) }
    }

    pub(super) fn check_price(&self, price: Money) -> Result<(), Error> {
        let max = self.max_price;
        if price > Money::ZERO && price <= max { Ok(()) } else { Err(Error::Price(max)) }
    }

    /// The number of entries of a page when so many are requested; 0 requests as many as allowed.
    pub(super) fn page(&self, asked: usize) -> usize {
        if asked == 0 { self.max_page } else { asked.min(self.max_page) }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

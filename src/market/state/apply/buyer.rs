//! The commands of buyers.
//!
//! An account cannot buy, wish for or rate an item of its own ([`Error::OwnItem`]), so that one
//! identity cannot fake sales or ratings.

use crate::market::price::Money;
use crate::market::state::Market;
use crate::market::state::command::{Caller, ItemId, Reply};
use crate::market::state::error::{Bound, Error};
use crate::market::state::item::Stock;
use crate::market::state::mailboxes::Event;
use crate::market::state::orders::Order;
use crate::market::state::ratings::check_stars;

/// The input of BuyItem, and its time.
pub struct Purchase {
    pub item: ItemId,
    pub quantity: u32,
    pub max_price: Option<Money>,
    pub at_ms: u64,
}

impl Market {
    /// Opens an account with this address; a success as well if the account exists.
    pub(super) fn register_buyer(&mut self, caller: &Caller<'_>) -> Result<Reply, Error> {
        let buyer = self.accounts.authenticate_buyer(caller, &self.limits)?;
        self.account_or_create(buyer, caller);
        Ok(Reply::Registered)
    }

    /// The check of the stock and its decrement are one step of one command, and commands are
    /// applied one after the other: no piece is sold twice.
    pub(super) fn buy_item(
        &mut self,
        caller: &Caller<'_>,
        purchase: &Purchase,
    ) -> Result<Reply, Error> {
        let &Purchase { item: id, quantity, max_price, at_ms } = purchase;
        let buyer = self.accounts.authenticate_buyer(caller, &self.limits)?;
        self.limits.check_quantity(quantity)?;
        let slot = self.items.slot(id).ok_or(Error::NoSuchItem(id))?;
        let item = self.items.in_slot(slot).ok_or(Error::NoSuchItem(id))?;
        self.check_customer(item, buyer)?;
        let Stock { price: unit_price, quantity: left, .. } = *item.stock;
        if max_price.is_some_and(|max_price| unit_price > max_price) {
            return Err(Error::PriceIsNow(unit_price));
        }
        let left = left.checked_sub(quantity).ok_or(Error::OnlyLeft(left))?;
        let total = unit_price.times(quantity).ok_or(Error::Total)?;
        if self.orders.len() >= self.limits.max_orders {
            return Err(Error::Full(Bound::Orders, self.orders.len() as usize));
        }
        let seller = item.listing.seller;
        let stock = self.items.stock_mut(slot);
        stock.quantity = left;
        stock.sold += u64::from(quantity);
        let buyer = self.account_or_create(buyer, caller);
        let order = Order { unit_price, at_ms, item: id, buyer, seller, quantity };
        let order = self.orders.add(order);
        self.notify(seller, Event::Sold(order));
        Ok(Reply::Bought { order, total })
    }

    /// To add an item that is on the list already is a success and changes nothing.
    pub(super) fn add_to_wish_list(
        &mut self,
        caller: &Caller<'_>,
        id: ItemId,
    ) -> Result<Reply, Error> {
        let buyer = self.accounts.authenticate_buyer(caller, &self.limits)?;
        self.check_customer(self.item_on_sale(id)?, buyer)?;
        if buyer.is_some_and(|buyer| self.wishlists.has(buyer, id)) {
            return Ok(Reply::AddedToWishList);
        }
        let wishes = buyer.map_or(0, |buyer| self.wishlists.count_of(buyer));
        if wishes >= self.limits.max_wishes {
            return Err(Error::Full(Bound::Wishes, wishes));
        }
        let wishers = self.wishlists.wisher_count(id);
        if wishers >= self.limits.max_wishers {
            return Err(Error::Full(Bound::Wishers, wishers));
        }
        let buyer = self.account_or_create(buyer, caller);
        self.wishlists.add(buyer, id);
        Ok(Reply::AddedToWishList)
    }

    pub(super) fn remove_from_wish_list(
        &mut self,
        caller: &Caller<'_>,
        id: ItemId,
    ) -> Result<Reply, Error> {
        let buyer = self.accounts.authenticate_buyer(caller, &self.limits)?;
        let removed = buyer.is_some_and(|buyer| self.wishlists.remove(buyer, id));
        if removed { Ok(Reply::RemovedFromWishList) } else { Err(Error::NotOnWishList(id)) }
    }

    /// One rating for each buyer and item, which cannot be changed; the buyer need not have bought
    /// it.
    pub(super) fn rate_item(
        &mut self,
        caller: &Caller<'_>,
        id: ItemId,
        stars: u32,
    ) -> Result<Reply, Error> {
        let buyer = self.accounts.authenticate_buyer(caller, &self.limits)?;
        check_stars(stars)?;
        let slot = self.items.slot(id).ok_or(Error::NoSuchItem(id))?;
        self.check_customer(self.item_on_sale(id)?, buyer)?;
        if buyer.is_some_and(|buyer| self.ratings.has(id, buyer)) {
            return Err(Error::AlreadyRated(id));
        }
        let given = buyer.map_or(0, |buyer| self.ratings.given(buyer));
        if given >= self.limits.max_ratings_per_account {
            return Err(Error::Full(Bound::Ratings, given as usize));
        }
        let stock = self.items.stock_mut(slot);
        stock.rating = stock.rating.with(stars);
        self.search.set_rating(slot, stock.rating);
        let buyer = self.account_or_create(buyer, caller);
        self.ratings.add(id, buyer, stars);
        Ok(Reply::Rated)
    }

    /// Sellers and buyers have a mailbox.
    pub(super) fn acknowledge(
        &mut self,
        caller: &Caller<'_>,
        up_to_id: u64,
    ) -> Result<Reply, Error> {
        let account = self.accounts.authenticate(caller)?;
        self.mailboxes.acknowledge(account, up_to_id).map_err(Error::NotSent)?;
        Ok(Reply::Acknowledged)
    }
}

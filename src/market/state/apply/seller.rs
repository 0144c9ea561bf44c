//! The commands of sellers.

use std::sync::Arc;

use crate::market::price::Money;
use crate::market::state::Market;
use crate::market::state::command::{Caller, ItemId, Reply};
use crate::market::state::error::{Bound, Error};
use crate::market::state::item::{Item, Listing, NewItem};
use crate::market::state::mailboxes::{Event, Snapshot};

impl Market {
    /// A new identity gets an account; a buyer with this address becomes a seller as well. A second
    /// registration is refused, even with the same identity: the rule of the course version.
    pub(super) fn register_seller(&mut self, caller: &Caller<'_>) -> Result<Reply, Error> {
        let account = match self.accounts.find(&caller.identity) {
            Some(account) => {
                self.accounts.check_may_become_seller(account, caller)?;
                account
            }
            None => {
                self.accounts.check_free(caller.address, &self.limits)?;
                self.accounts.create_account(caller)
            }
        };
        self.accounts.make_seller(account);
        Ok(Reply::Registered)
    }

    pub(super) fn sell_item(
        &mut self,
        caller: &Caller<'_>,
        new_item: &NewItem<&str>,
    ) -> Result<Reply, Error> {
        let seller = self.accounts.authenticate_seller(caller)?;
        let limits = &self.limits;
        new_item.check(limits)?;
        let own = self.items.count_of(seller);
        if own >= limits.max_items_per_seller {
            return Err(Error::Full(Bound::SellerItems, own));
        }
        if self.items.len() >= limits.max_items {
            return Err(Error::Full(Bound::Items, self.items.len()));
        }
        let last_id = self.items.last_id() as usize;
        let id = self.items.next_id().ok_or(Error::Full(Bound::ItemNumbers, last_id))?;
        let listing = Listing::new(id, seller, &new_item.fields);
        let slot = self.items.add(Arc::new(listing), new_item.price, new_item.quantity);
        self.search.insert(slot);
        Ok(Reply::Listed(id))
    }

    /// Notifies all accounts that wish for the item, whatever changed and however slowly they read.
    pub(super) fn update_item(
        &mut self,
        caller: &Caller<'_>,
        id: ItemId,
        price: Option<Money>,
        quantity: Option<u32>,
    ) -> Result<Reply, Error> {
        let seller = self.accounts.authenticate_seller(caller)?;
        if price.is_none() && quantity.is_none() {
            return Err(Error::NothingToUpdate);
        }
        price.map_or(Ok(()), |price| self.limits.check_price(price))?;
        quantity.map_or(Ok(()), |quantity| self.limits.check_stock(quantity))?;
        let slot = self.items.slot(id).ok_or(Error::NoSuchItem(id))?;
        let Item { listing, stock } = self.item_on_sale(id)?;
        if listing.seller != seller {
            return Err(Error::NotYourItem(id));
        }
        let (mut stock, listing) = (*stock, Arc::clone(listing));
        let (previous_price, previous_quantity) = (stock.price, stock.quantity);
        if let Some(quantity) = quantity {
            stock.quantity = quantity;
            stock.supplied = stock.sold + u64::from(quantity);
        }
        if let Some(price) = price {
            stock.price = price;
            self.search.set_price(slot, price);
        }
        *self.items.stock_mut(slot) = stock;
        if stock.is_hidden {
            // Nobody is told of an item that the operator has hidden.
            return Ok(Reply::Updated);
        }
        let snapshot = Snapshot::new(&listing, &stock);
        for wisher in self.wishlists.wishers(id) {
            let item = snapshot.clone();
            let event = Event::Updated { item, previous_price, previous_quantity };
            self.mailboxes.push(wisher, event, self.limits.max_mailbox);
        }
        Ok(Reply::Updated)
    }

    /// Removes the item from all wishlists and notifies their accounts. Its orders stay, and its
    /// number is not used again.
    pub(super) fn delete_item(&mut self, caller: &Caller<'_>, id: ItemId) -> Result<Reply, Error> {
        let seller = self.accounts.authenticate_seller(caller)?;
        if self.item_on_sale(id)?.listing.seller != seller {
            return Err(Error::NotYourItem(id));
        }
        let (slot, listing, stock) = self.items.remove(id).ok_or(Error::NoSuchItem(id))?;
        self.search.remove(slot, &listing);
        self.ratings.remove_item(id);
        let snapshot = Snapshot::new(&listing, &stock);
        let wishers = self.wishlists.remove_item(id);
        // Nobody is told of an item that the operator has hidden.
        for wisher in wishers.into_iter().filter(|_| !stock.is_hidden) {
            self.notify(wisher, Event::Deleted(snapshot.clone()));
        }
        Ok(Reply::Deleted)
    }
}

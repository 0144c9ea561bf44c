//! The reads. Lists are read in pages: from a number on, at most [`Limits::max_page`] entries at a
//! time; a limit of 0 means as many.
//!
//! Searches and single items need no credentials. An account's own lists (wishlist, orders,
//! mailbox, the items of a seller) need the credentials that commands have; an identity and an
//! address that never traded have empty lists as a buyer.
//!
//! [`Limits::max_page`]: super::Limits::max_page

use super::accounts::AccountId;
use super::command::{Caller, Identity, ItemId, OrderId};
use super::error::Error;
use super::item::{Item, Listing, Stock};
use super::mailboxes::{Event, Snapshot};
use super::moderation::{MAX_FORGOTTEN, Policy};
use super::orders::{Order, Side};
use super::view::{EventView, ItemView, MailboxPage, Notification, OrderView, Page, SearchPage};
use super::{Market, Query, Rating, Standing};
use crate::market::price::Money;

impl Market {
    /// An item on sale.
    ///
    /// # Errors
    /// [`Error::NoSuchItem`] and [`Error::Hidden`].
    pub fn item(&self, id: ItemId) -> Result<ItemView<&str>, Error> {
        let item = self.items.get(id).ok_or(Error::NoSuchItem(id))?;
        if self.is_hidden(item) { Err(Error::Hidden(id)) } else { Ok(self.item_view(item)) }
    }

    /// Searches the items on sale.
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::TooManyWords`] and [`Error::PageToken`].
    pub fn search(&self, query: &Query<'_>) -> Result<SearchPage<'_>, Error> {
        let hits = self.search.find(query, &self.limits)?;
        let items = hits.slots.iter().filter_map(|slot| self.items.in_slot(*slot));
        let items = items.map(|item| self.item_view(item)).collect();
        Ok(SearchPage { items, total: hits.total, next_page_token: hits.next })
    }

    /// A seller's own items with numbers above `after`, ascending.
    ///
    /// # Errors
    /// [`Error::Credentials`] and [`Error::NotASeller`].
    pub fn seller_items(
        &self,
        caller: &Caller<'_>,
        after: ItemId,
        limit: usize,
    ) -> Result<Page<ItemView<&str>>, Error> {
        let seller = self.accounts.authenticate_seller(caller)?;
        self.accounts.check_not_removed(seller)?;
        let items = self.items.of_seller(seller, after);
        Ok(self.page(items.map(|item| self.item_view(item)), limit))
    }

    /// The items on a wishlist with numbers above `after`, ascending.
    ///
    /// # Errors
    /// [`Error::Credentials`].
    pub fn wishlist(
        &self,
        caller: &Caller<'_>,
        after: ItemId,
        limit: usize,
    ) -> Result<Page<ItemView<&str>>, Error> {
        let buyer = self.reader(caller)?;
        let ids = buyer.into_iter().flat_map(|buyer| self.wishlists.of(buyer, after));
        let items = ids.filter_map(|id| self.items.get(id));
        let items = items.filter(|item| !self.is_hidden(*item));
        Ok(self.page(items.map(|item| self.item_view(item)), limit))
    }

    /// The orders of a buyer, the latest first, below `before` if that is given.
    ///
    /// # Errors
    /// [`Error::Credentials`].
    pub fn buyer_orders(
        &self,
        caller: &Caller<'_>,
        before: Option<OrderId>,
        limit: usize,
    ) -> Result<Page<OrderView<&str>>, Error> {
        let buyer = self.reader(caller)?;
        let orders = buyer.into_iter().flat_map(|id| self.orders.of(Side::Buyer, id, before));
        Ok(self.page(orders.map(|(id, order)| self.order_view(id, order)), limit))
    }

    /// The orders of a seller, the latest first, below `before` if that is given.
    ///
    /// # Errors
    /// [`Error::Credentials`] and [`Error::NotASeller`].
    pub fn seller_orders(
        &self,
        caller: &Caller<'_>,
        before: Option<OrderId>,
        limit: usize,
    ) -> Result<Page<OrderView<&str>>, Error> {
        let seller = self.accounts.authenticate_seller(caller)?;
        self.accounts.check_not_removed(seller)?;
        let orders = self.orders.of(Side::Seller, seller, before);
        Ok(self.page(orders.map(|(id, order)| self.order_view(id, order)), limit))
    }

    /// One order of the caller, as a buyer or as a seller.
    ///
    /// # Errors
    /// [`Error::Credentials`] and [`Error::NoSuchOrder`].
    pub fn order(&self, caller: &Caller<'_>, id: OrderId) -> Result<OrderView<&str>, Error> {
        let account = self.accounts.check_not_removed(self.accounts.authenticate(caller)?)?;
        let order = self.orders.get(id);
        let own = order.filter(|order| order.buyer == account || order.seller == account);
        own.map(|order| self.order_view(id, order)).ok_or(Error::NoSuchOrder(id))
    }

    /// An order that a reply names: no credentials are checked.
    pub fn receipt(&self, id: OrderId) -> Option<OrderView<&str>> {
        Some(self.order_view(id, self.orders.get(id)?))
    }

    /// Whether an identity has an account, under whatever address.
    pub fn has_account(&self, identity: &Identity) -> bool {
        self.accounts.find(identity).is_some()
    }

    /// The account whose mailbox a caller may read: what [`Market::mailboxes_changed_since`] names
    /// when there is something new in it.
    ///
    /// # Errors
    /// [`Error::Credentials`], also for an identity that never traded.
    pub fn account(&self, caller: &Caller<'_>) -> Result<AccountId, Error> {
        self.accounts.check_not_removed(self.accounts.authenticate(caller)?)
    }

    /// The account of a caller that reads its own lists as a buyer.
    fn reader(&self, caller: &Caller<'_>) -> Result<Option<AccountId>, Error> {
        let account = self.accounts.authenticate_reader(caller)?;
        account.map(|account| self.accounts.check_not_removed(account)).transpose()
    }

    /// The pending notifications of an account ([`Market::account`]) above a number. Reading
    /// removes nothing; an acknowledgement does.
    pub fn mailbox(&self, account: AccountId, after: u64, limit: usize) -> MailboxPage<'_> {
        let pending = self.mailboxes.pending(account, after);
        let notifications = pending.events.filter_map(|(id, event)| {
            let event = self.event_view(event)?;
            Some(Notification { id, event })
        });
        let Page { entries, has_more } = self.page(notifications, limit);
        MailboxPage { missed: pending.missed, notifications: entries, has_more }
    }

    /// How many notifications were ever made, in all mailboxes together.
    pub fn notification_count(&self) -> u64 {
        self.mailboxes.feed().count()
    }

    /// The accounts that were notified since there were `count` notifications; none if that is too
    /// long ago.
    pub fn mailboxes_changed_since(&self, count: u64) -> Option<impl Iterator<Item = AccountId>> {
        self.mailboxes.feed().changed_since(count)
    }

    /// The number of the last notification of an account; 0 for none.
    pub fn last_notification(&self, account: AccountId) -> u64 {
        self.mailboxes.last(account)
    }

    /// The accounts that the operator has blocked or removed, by number from `from` on: number,
    /// display name and standing.
    pub fn restricted_accounts(
        &self,
        from: u32,
        limit: usize,
    ) -> Page<(AccountId, &str, Standing)> {
        let accounts = self.accounts.restricted(from);
        let view = |id| (id, self.accounts.address(id), self.accounts.standing(id));
        self.page(accounts.map(view), limit)
    }

    /// The items that the operator has taken off the market, by number from `from` on.
    pub fn hidden_items(&self, from: ItemId, limit: usize) -> Page<ItemView<&str>> {
        self.page(self.items.hidden(from).map(|item| self.item_view(item)), limit)
    }

    /// Looks for accounts that can be forgotten: among `count` accounts from number `from` on.
    /// Returns some of them, and the number to continue from; 0 after the last account.
    pub fn idle_accounts(&self, from: u32, count: u32, since_min: u32) -> (Vec<AccountId>, u32) {
        let end = self.accounts.next().min(from.saturating_add(count));
        let mut idle = Vec::new();
        for number in from..end {
            if idle.len() == MAX_FORGOTTEN {
                return (idle, number);
            }
            idle.extend(Some(AccountId(number)).filter(|id| self.is_idle(*id, since_min)));
        }
        (idle, if end < self.accounts.next() { end } else { 0 })
    }

    /// Whether a policy is in force already, and the uses of accounts are recorded.
    pub fn has_policy(&self, policy: Policy) -> bool {
        policy.over(self.policy) == self.policy && self.accounts.recorded_since_min().is_some()
    }

    fn page<T>(&self, mut entries: impl Iterator<Item = T>, limit: usize) -> Page<T> {
        let limit = self.limits.page(limit);
        let page = entries.by_ref().take(limit).collect();
        Page { entries: page, has_more: entries.next().is_some() }
    }

    fn item_view<'a>(&'a self, item: Item<'a>) -> ItemView<&'a str> {
        let Stock { price, quantity, rating, .. } = *item.stock;
        self.listing_view(item.listing, price, quantity, rating)
    }

    fn listing_view<'a>(
        &'a self,
        listing: &'a Listing,
        price: Money,
        quantity: u32,
        rating: Rating,
    ) -> ItemView<&'a str> {
        let seller = self.accounts.address(listing.seller);
        ItemView { id: listing.item, fields: listing.fields(), price, quantity, rating, seller }
    }

    fn order_view(&self, id: OrderId, order: &Order) -> OrderView<&str> {
        OrderView {
            id,
            item: order.item,
            name: self.items.listing(order.item).map_or("", |listing| listing.name()),
            quantity: order.quantity,
            unit_price: order.unit_price,
            total: order.unit_price.times(order.quantity).unwrap_or_default(),
            buyer: self.accounts.address(order.buyer),
            seller: self.accounts.address(order.seller),
            at_ms: order.at_ms,
        }
    }

    fn event_view<'a>(&'a self, event: &'a Event) -> Option<EventView<&'a str>> {
        let view = |snapshot: &'a Snapshot| {
            let Snapshot { listing, price, quantity, rating } = snapshot;
            self.listing_view(listing, *price, *quantity, *rating)
        };
        Some(match event {
            Event::Updated { item, previous_price, previous_quantity } => EventView::Updated {
                item: view(item),
                previous_price: *previous_price,
                previous_quantity: *previous_quantity,
            },
            Event::Deleted(snapshot) => EventView::Deleted(view(snapshot)),
            Event::Sold(order) => {
                EventView::Sold(self.order_view(*order, self.orders.get(*order)?))
            }
        })
    }
}

//! The audit: recounts everything that the state has twice, and reports what disagrees.

use std::collections::BTreeMap;

use super::Market;
use super::accounts::AccountId;
use super::command::ItemId;
use super::orders::Side;

/// The result of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Accounts.
    pub accounts: usize,
    /// Items on sale.
    pub items: usize,
    /// Orders in the ledger.
    pub orders: usize,
    /// Pieces sold.
    pub sold: u64,
    /// The total of all orders, in minor units.
    pub revenue_minor: u128,
    /// Ratings of items on sale.
    pub ratings: u64,
    /// One sentence for each disagreement; empty if the state is consistent.
    pub faults: Vec<String>,
}

impl Market {
    /// Recounts stock, sales, ratings, wishlists and the search index from the values that they are
    /// derived from. Takes time in proportion to the whole market.
    pub fn audit(&self) -> Audit {
        let mut audit =
            Audit { accounts: self.accounts.len(), items: self.items.len(), ..Audit::default() };
        let sold = self.audit_orders(&mut audit);
        self.audit_stock(&sold, &mut audit);
        self.audit_ratings(&mut audit);
        self.audit_bounds(&mut audit);
        let [by_account, by_item] = self.wishlists.both_indexes();
        if by_account != by_item {
            audit.faults.push("the two ends of the wishlists disagree".to_owned());
        }
        audit.faults.extend(by_item.iter().filter_map(|(_, item)| {
            let gone = self.items.get(*item).is_none();
            gone.then(|| format!("item {item} is gone and still on a wishlist"))
        }));
        audit.faults.extend(self.search.inconsistency(&self.items));
        audit.faults.extend(self.size_fault());
        audit.faults.extend(self.items.iter().filter_map(|(slot, item)| {
            let is_wrong = self.search.is_hidden(slot) != self.is_hidden(item);
            is_wrong.then(|| format!("searches are wrong about item {}", item.listing.item))
        }));
        audit
    }

    /// Checks the ledger against the items that it names and the lists of buyers and sellers.
    /// Returns the pieces sold of each item.
    fn audit_orders(&self, audit: &mut Audit) -> BTreeMap<ItemId, u64> {
        let mut sold: BTreeMap<ItemId, u64> = BTreeMap::new();
        for (id, order) in self.orders.iter() {
            audit.orders += 1;
            audit.sold += u64::from(order.quantity);
            match order.unit_price.times(order.quantity) {
                Some(total) => audit.revenue_minor += u128::from(total.minor()),
                None => audit.faults.push(format!("order {id} has no total")),
            }
            let pieces = sold.entry(order.item).or_default();
            *pieces += u64::from(order.quantity);
            let listing = self.items.listing(order.item);
            if listing.is_none_or(|listing| listing.seller != order.seller) {
                audit.faults.push(format!("order {id} is for an item its seller never listed"));
            }
        }
        for (side, name) in [(Side::Buyer, "buyers"), (Side::Seller, "sellers")] {
            let accounts = (0..self.accounts.next()).map(AccountId);
            let listed: usize = accounts
                .map(|account| {
                    let own = |order: &&super::orders::Order| match side {
                        Side::Buyer => order.buyer == account,
                        Side::Seller => order.seller == account,
                    };
                    self.orders.of(side, account, None).map(|(_, order)| order).filter(own).count()
                })
                .sum();
            if listed != self.orders.len() as usize {
                audit.faults.push(format!("the {name} know of {listed} orders"));
            }
        }
        sold
    }

    /// Checks that sold + remaining = supplied, and that the pieces sold are those of the ledger.
    fn audit_stock(&self, sold: &BTreeMap<ItemId, u64>, audit: &mut Audit) {
        let in_ledger = |item: ItemId| sold.get(&item).copied().unwrap_or(0);
        let mut known = 0;
        for (_, item) in self.items.iter() {
            let id = item.listing.item;
            known += in_ledger(id);
            if item.stock.sold != in_ledger(id) {
                audit.faults.push(format!("item {id} does not have the sales of the ledger"));
            }
            if item.stock.sold + u64::from(item.stock.quantity) != item.stock.supplied {
                audit.faults.push(format!("item {id} has lost or gained stock"));
            }
        }
        for tombstone in self.items.tombstones() {
            let id = tombstone.listing.item;
            known += in_ledger(id);
            if tombstone.sold != in_ledger(id) {
                audit.faults.push(format!("former item {id} does not have the ledger's sales"));
            }
        }
        if known != audit.sold {
            audit.faults.push("the ledger has sales of items that never were".to_owned());
        }
    }

    fn audit_ratings(&self, audit: &mut Audit) {
        for (_, item) in self.items.iter() {
            let id = item.listing.item;
            audit.ratings += u64::from(item.stock.rating.count);
            if item.stock.rating != self.ratings.recount(id) {
                audit.faults.push(format!("item {id} has another rating than its raters gave"));
            }
        }
        for id in self.ratings.items().filter(|id| self.items.get(*id).is_none()) {
            audit.faults.push(format!("item {id} is gone and still rated"));
        }
    }

    fn audit_bounds(&self, audit: &mut Audit) {
        let limits = &self.limits;
        let (answers_each, answers) = self.requests.counts();
        for (what, count, max) in [
            ("accounts", self.accounts.len(), limits.max_accounts),
            ("items", self.items.len(), limits.max_items),
            ("notifications in a mailbox", self.mailboxes.max_len(), limits.max_mailbox),
            ("answers of one account", answers_each, limits.max_answers_per_account),
            ("answers", answers, limits.max_answers),
        ] {
            if count > max {
                audit.faults.push(format!("there are {count} {what}, and may be {max}"));
            }
        }
    }
}

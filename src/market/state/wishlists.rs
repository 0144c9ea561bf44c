//! Who is told of which item's updates.

use std::collections::{BTreeMap, BTreeSet};

use super::accounts::{AccountId, PerAccount};
use super::command::ItemId;

/// All wishlists, from both ends: the items of an account and the accounts of an item.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wishlists {
    by_account: PerAccount<BTreeSet<ItemId>>,
    /// Without empty sets.
    by_item: BTreeMap<ItemId, BTreeSet<AccountId>>,
}

impl Wishlists {
    pub fn has(&self, account: AccountId, item: ItemId) -> bool {
        self.by_account.get(account).is_some_and(|items| items.contains(&item))
    }

    /// How many items are on an account's wishlist.
    pub fn count_of(&self, account: AccountId) -> usize {
        self.by_account.get(account).map_or(0, BTreeSet::len)
    }

    /// On how many wishlists an item is.
    pub fn wisher_count(&self, item: ItemId) -> usize {
        self.by_item.get(&item).map_or(0, BTreeSet::len)
    }

    pub fn add(&mut self, account: AccountId, item: ItemId) {
        self.by_account.get_mut(account).insert(item);
        self.by_item.entry(item).or_default().insert(account);
    }

    /// Whether the item was on the wishlist.
    pub fn remove(&mut self, account: AccountId, item: ItemId) -> bool {
        if !self.by_account.get_mut(account).remove(&item) {
            return false;
        }
        if let Some(wishers) = self.by_item.get_mut(&item) {
            wishers.remove(&account);
            if wishers.is_empty() {
                self.by_item.remove(&item);
            }
        }
        true
    }

    /// Takes an item that is gone off all wishlists and says whose they were.
    pub fn forget(&mut self, item: ItemId) -> BTreeSet<AccountId> {
        let wishers = self.by_item.remove(&item).unwrap_or_default();
        for account in &wishers {
            self.by_account.get_mut(*account).remove(&item);
        }
        wishers
    }

    /// The accounts that wish for an item, in the order of their numbers.
    pub fn wishers(&self, item: ItemId) -> impl Iterator<Item = AccountId> {
        self.by_item.get(&item).into_iter().flatten().copied()
    }

    /// The items of an account above a number, ascending.
    pub fn of(&self, account: AccountId, after: ItemId) -> impl Iterator<Item = ItemId> {
        let beyond = ItemId(after.0.saturating_add(1));
        let items = self.by_account.get(account).into_iter();
        items.flat_map(move |items| items.range(beyond..)).copied()
    }

    /// All wishes as the accounts see them, and as the items see them: two lists that agree.
    pub fn both_ends(&self) -> [Vec<(AccountId, ItemId)>; 2] {
        let accounts = self.by_account.iter();
        let of_accounts =
            accounts.flat_map(|(account, items)| items.iter().map(move |item| (account, *item)));
        let items = self.by_item.iter();
        let of_items =
            items.flat_map(|(item, accounts)| accounts.iter().map(|account| (*account, *item)));
        let mut of_items: Vec<_> = of_items.collect();
        of_items.sort_unstable();
        [of_accounts.collect(), of_items]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_seen_from_both_ends() {
        let (ada, bob) = (AccountId(0), AccountId(1));
        let mut wishlists = Wishlists::default();
        wishlists.add(ada, ItemId(10));
        wishlists.add(ada, ItemId(9));
        wishlists.add(bob, ItemId(9));
        wishlists.add(bob, ItemId(9));
        assert_eq!(wishlists.of(ada, ItemId(0)).collect::<Vec<_>>(), [ItemId(9), ItemId(10)]);
        assert_eq!(wishlists.wishers(ItemId(9)).collect::<Vec<_>>(), [ada, bob]);
        assert!(wishlists.remove(ada, ItemId(9)));
        assert!(!wishlists.remove(ada, ItemId(9)));
        assert_eq!(wishlists.wisher_count(ItemId(9)), 1);
        assert_eq!(wishlists.forget(ItemId(10)), BTreeSet::from([ada]));
        assert_eq!(wishlists.count_of(ada), 0);
        let [accounts, items] = wishlists.both_ends();
        assert_eq!(accounts, [(bob, ItemId(9))]);
        assert_eq!(accounts, items);
    }
}

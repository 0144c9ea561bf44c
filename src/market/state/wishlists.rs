//! Wishlists: which accounts are notified of which item's changes.

use std::collections::{BTreeMap, BTreeSet};

use super::accounts::{AccountId, Accounts, SharedPerAccount};
use super::command::ItemId;
use super::items::Items;
use super::lines::{Section, WordReader, section};
use super::size;

/// All wishlists, indexed both ways: the items of an account and the accounts of an item.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wishlists {
    /// Each ascending. A list is short enough to be copied.
    by_account: SharedPerAccount<Vec<ItemId>>,
    /// Without empty sets.
    by_item: BTreeMap<ItemId, BTreeSet<AccountId>>,
    /// Entries of all lists.
    len: u64,
}

impl Wishlists {
    /// Items on all lists.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The size of all lists, for the quota.
    pub fn size_bytes(&self) -> u64 {
        size::WISH * self.len
    }

    pub fn has(&self, account: AccountId, item: ItemId) -> bool {
        self.list(account).binary_search(&item).is_ok()
    }

    fn list(&self, account: AccountId) -> &[ItemId] {
        self.by_account.get(account).map_or(&[], Vec::as_slice)
    }

    /// How many items are on an account's wishlist.
    pub fn count_of(&self, account: AccountId) -> usize {
        self.list(account).len()
    }

    /// On how many wishlists an item is.
    pub fn wisher_count(&self, item: ItemId) -> usize {
        self.by_item.get(&item).map_or(0, BTreeSet::len)
    }

    pub fn add(&mut self, account: AccountId, item: ItemId) {
        let Err(at) = self.list(account).binary_search(&item) else { return };
        self.len += 1;
        self.by_account.get_mut(account).insert(at, item);
        self.by_item.entry(item).or_default().insert(account);
    }

    /// Removes an item from a wishlist; whether it was there.
    pub fn remove(&mut self, account: AccountId, item: ItemId) -> bool {
        if !self.remove_from_list(account, item) {
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

    /// Removes an item from an account's list alone; whether it was there.
    fn remove_from_list(&mut self, account: AccountId, item: ItemId) -> bool {
        let Ok(at) = self.list(account).binary_search(&item) else { return false };
        self.len -= 1;
        self.by_account.get_mut(account).remove(at);
        true
    }

    /// Removes a deleted item from all wishlists. Returns their accounts.
    pub fn remove_item(&mut self, item: ItemId) -> BTreeSet<AccountId> {
        let wishers = self.by_item.remove(&item).unwrap_or_default();
        for account in &wishers {
            self.remove_from_list(*account, item);
        }
        wishers
    }

    /// Removes the wishlist of an account.
    pub fn remove_account(&mut self, account: AccountId) {
        let items = self.list(account).to_vec();
        for item in items {
            self.remove(account, item);
        }
        self.by_account.remove(account);
    }

    /// The accounts that wish for an item, in the order of their numbers.
    pub fn wishers(&self, item: ItemId) -> impl Iterator<Item = AccountId> {
        self.by_item.get(&item).into_iter().flatten().copied()
    }

    /// The items of an account above a number, ascending.
    pub fn of(&self, account: AccountId, after: ItemId) -> impl Iterator<Item = ItemId> {
        let list = self.list(account);
        list[list.partition_point(|item| *item <= after)..].iter().copied()
    }

    /// All entries, once from the index by account and once from the index by item: the audit
    /// compares the two.
    pub fn both_indexes(&self) -> [Vec<(AccountId, ItemId)>; 2] {
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

    /// `WISH account item ...` for each account with a wishlist that is not empty.
    pub fn freeze(&self) -> Box<dyn Section> {
        let (lists, mut next) = (self.by_account.clone(), 0);
        section(move |words| {
            while let Some((account, list)) = lists.next(next) {
                next = account.0.saturating_add(1);
                if !list.is_empty() {
                    words.word(WISH).number(account.0);
                    for item in list {
                        words.number(item.0);
                    }
                    return true;
                }
            }
            false
        })
    }

    /// Restores a wishlist from the words behind `WISH`. Accounts and items are restored before.
    pub fn restore(
        &mut self,
        mut fields: WordReader<'_>,
        accounts: &Accounts,
        items: &Items,
    ) -> Result<(), String> {
        let account = AccountId(fields.number()?);
        if !accounts.contains(account) {
            return Err("its account does not exist".into());
        }
        while !fields.is_empty() {
            let item = fields.item()?;
            if items.get(item).is_none() || self.has(account, item) {
                return Err(format!("item {item} is not on sale, or is on the list already"));
            }
            self.add(account, item);
        }
        Ok(())
    }
}

pub const WISH: &[u8] = b"WISH";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_indexes_agree() {
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
        assert_eq!(wishlists.remove_item(ItemId(10)), BTreeSet::from([ada]));
        assert_eq!(wishlists.count_of(ada), 0);
        let [accounts, items] = wishlists.both_indexes();
        assert_eq!(accounts, [(bob, ItemId(9))]);
        assert_eq!(accounts, items);
    }
}

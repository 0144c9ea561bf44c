//! The items on sale.
//!
//! Items are numbered in the order of listing, and an item keeps its number. In memory an item has
//! a *slot*, an index into arrays, which is used again when the item is deleted, so that memory is
//! in proportion to the items on sale. No result depends on slots, and no message has one.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::accounts::{AccountId, Accounts, PerAccount};
use super::command::ItemId;
use super::item::{Item, Listing, Stock, parse_item};
use super::lines::{Section, WordReader, section};
use super::ratings::Rating;
use super::shared::{Array, Map};
use super::size;
use crate::market::price::Money;

/// The part of an item that is kept if it was sold and then deleted, because orders name it.
/// Snapshots have it as `FORMER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    pub listing: Arc<Listing>,
    /// Pieces sold.
    pub sold: u64,
}

/// An index into the market's arrays while an item is on sale.
pub type Slot = u32;

/// All items.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Items {
    /// The last item number assigned.
    last_id: u32,
    /// By number less one: the slot plus one, if the item is on sale.
    slots_by_id: Array<Option<NonZeroU32>>,
    /// By slot.
    listings: Array<Option<Arc<Listing>>>,
    stocks: Array<Stock>,
    /// Slots that were ever used.
    slots: u32,
    /// Slots without an item; the last freed is used first.
    free: Vec<Slot>,
    tombstones: Map<ItemId, Tombstone>,
    by_seller: PerAccount<BTreeSet<ItemId>>,
    /// Items that the operator has taken off the market.
    hidden: BTreeSet<ItemId>,
    /// The size of the items on sale and of the tombstones, for the quota.
    size_bytes: u64,
}

impl Items {
    /// Items on sale.
    pub fn len(&self) -> usize {
        self.slots as usize - self.free.len()
    }

    /// The size of the items on sale and of the tombstones, for the quota.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The last item number assigned; 0 before the first.
    pub fn last_id(&self) -> u32 {
        self.last_id
    }

    /// The number of the next item; none when numbers have run out.
    pub fn next_id(&self) -> Option<ItemId> {
        self.last_id.checked_add(1).map(ItemId)
    }

    pub fn slot(&self, item: ItemId) -> Option<Slot> {
        let index = (item.0 as usize).checked_sub(1)?;
        let entry = (*self.slots_by_id.get(index)?)?;
        Some(entry.get() - 1)
    }

    pub fn get(&self, item: ItemId) -> Option<Item<'_>> {
        self.in_slot(self.slot(item)?)
    }

    pub fn in_slot(&self, slot: Slot) -> Option<Item<'_>> {
        let listing = self.listings.get(slot as usize)?.as_ref()?;
        Some(Item { listing, stock: self.stocks.get(slot as usize)? })
    }

    /// The stock of the item in a slot, to be changed.
    pub fn stock_mut(&mut self, slot: Slot) -> &mut Stock {
        self.stocks.get_mut(slot as usize)
    }

    /// The listing of an item that is on sale, or that was sold and deleted.
    pub fn listing(&self, item: ItemId) -> Option<&Arc<Listing>> {
        let live = self.get(item).map(|item| item.listing);
        live.or_else(|| self.tombstones.get(&item).map(|tombstone| &tombstone.listing))
    }

    /// Puts an item on sale; its number is [`Items::next_id`].
    pub fn add(&mut self, listing: Arc<Listing>, price: Money, quantity: u32) -> Slot {
        let supplied = u64::from(quantity);
        let (sold, rating, is_hidden) = (0, Rating::NONE, false);
        let stock = Stock { price, quantity, sold, supplied, rating, is_hidden };
        self.last_id = listing.item.0;
        self.put(listing, stock)
    }

    fn put(&mut self, listing: Arc<Listing>, stock: Stock) -> Slot {
        self.size_bytes += size::of_item(listing.text_bytes());
        self.by_seller.get_mut(listing.seller).insert(listing.item);
        let slot = self.free.pop().unwrap_or(self.slots);
        self.slots = self.slots.max(slot + 1);
        if stock.is_hidden {
            self.hidden.insert(listing.item);
        }
        *self.slots_by_id.get_mut(listing.item.0 as usize - 1) = NonZeroU32::new(slot + 1);
        *self.listings.get_mut(slot as usize) = Some(listing);
        *self.stock_mut(slot) = stock;
        slot
    }

    /// Takes an item off the market.
    pub fn remove(&mut self, item: ItemId) -> Option<(Slot, Arc<Listing>, Stock)> {
        let slot = self.slot(item)?;
        let stock = *self.stocks.get(slot as usize)?;
        let listing = self.listings.get_mut(slot as usize).take()?;
        self.slots_by_id.clear(item.0 as usize - 1);
        self.size_bytes -= size::of_item(listing.text_bytes());
        self.free.push(slot);
        self.hidden.remove(&item);
        self.by_seller.get_mut(listing.seller).remove(&item);
        if stock.sold > 0 {
            self.bury(Tombstone { listing: Arc::clone(&listing), sold: stock.sold });
        }
        Some((slot, listing, stock))
    }

    fn bury(&mut self, tombstone: Tombstone) {
        self.size_bytes += size::of_tombstone(tombstone.listing.text_bytes());
        self.tombstones.insert(tombstone.listing.item, tombstone);
    }

    /// Hides an item or shows it again; its slot, unless there is no such item.
    pub fn set_hidden(&mut self, item: ItemId, is_hidden: bool) -> Option<Slot> {
        let slot = self.slot(item)?;
        self.stock_mut(slot).is_hidden = is_hidden;
        match is_hidden {
            true => self.hidden.insert(item),
            false => self.hidden.remove(&item),
        };
        Some(slot)
    }

    /// The items above a number that the operator has taken off the market.
    pub fn hidden(&self, from: ItemId) -> impl Iterator<Item = Item<'_>> {
        self.hidden.range(from..).filter_map(|id| self.get(*id))
    }

    /// How many items of a seller are on sale.
    pub fn count_of(&self, seller: AccountId) -> usize {
        self.by_seller.get(seller).map_or(0, BTreeSet::len)
    }

    /// The items of a seller above a number, ascending.
    pub fn of_seller(&self, seller: AccountId, after: ItemId) -> impl Iterator<Item = Item<'_>> {
        let beyond = ItemId(after.0.saturating_add(1));
        let ids = self.by_seller.get(seller).into_iter().flat_map(move |ids| ids.range(beyond..));
        ids.filter_map(|id| self.get(*id))
    }

    /// All items on sale with their slots, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, Item<'_>)> {
        (0..self.slots).filter_map(|slot| Some((slot, self.in_slot(slot)?)))
    }

    /// The items that were sold and deleted, by number.
    pub fn tombstones(&self) -> impl Iterator<Item = &Tombstone> {
        self.tombstones.iter().map(|(_, tombstone)| tombstone)
    }

    /// `ITEM number seller category price quantity sold supplied name description [hidden]` for each
    /// item on sale, ascending by number.
    pub fn freeze(&self) -> Box<dyn Section> {
        let (slots_by_id, listings) = (self.slots_by_id.clone(), self.listings.clone());
        let (stocks, mut next) = (self.stocks.clone(), 0);
        section(move |words| {
            let found = loop {
                // Numbers of deleted items are skipped a leaf at a time.
                let Some(number) = slots_by_id.next(next) else { return false };
                next = number + 1;
                let entry = slots_by_id.get(number).copied().flatten();
                let slot = entry.map(|entry| entry.get() as usize - 1);
                let found = slot.and_then(|slot| Some((listings.get(slot)?, stocks.get(slot)?)));
                if let Some((Some(listing), stock)) = found {
                    break (listing, stock);
                }
            };
            let (listing, stock) = found;
            words.word(ITEM);
            Item { listing, stock }.write_words(words);
            true
        })
    }

    /// `FORMER number sold seller category name description` for each item that was sold and
    /// deleted.
    pub fn freeze_tombstones(&self) -> Box<dyn Section> {
        let (tombstones, mut last) = (self.tombstones.clone(), None);
        section(move |words| {
            let Some((item, tombstone)) = tombstones.next(last.as_ref()) else { return false };
            last = Some(*item);
            words.word(TOMBSTONE).number(item.0).number(tombstone.sold);
            tombstone.listing.write_words(words);
            true
        })
    }

    /// The items that a line may name by their number alone: those on sale, and those that were
    /// sold.
    pub fn known(&self) -> KnownItems {
        KnownItems { slots_by_id: self.slots_by_id.clone(), tombstones: self.tombstones.clone() }
    }

    /// Restores the last number assigned, before the items.
    pub fn restore_last_id(&mut self, last_id: u32) {
        self.last_id = last_id;
    }

    /// Restores an item from the words behind `ITEM`. Its rating is restored later, and the search
    /// index last.
    pub fn restore(&mut self, fields: WordReader<'_>, accounts: &Accounts) -> Result<(), String> {
        let (listing, stock) = parse_item(fields)?;
        self.check_new(listing.item, listing.seller, accounts)?;
        self.put(Arc::new(listing), stock);
        Ok(())
    }

    /// Restores a tombstone from the words behind `FORMER`.
    pub fn restore_tombstone(
        &mut self,
        mut fields: WordReader<'_>,
        accounts: &Accounts,
    ) -> Result<(), String> {
        let (item, sold) = (fields.item()?, fields.count()?);
        let listing = Listing::parse_words(item, fields)?;
        self.check_new(item, listing.seller, accounts)?;
        self.bury(Tombstone { listing: Arc::new(listing), sold });
        Ok(())
    }

    fn check_new(
        &self,
        item: ItemId,
        seller: AccountId,
        accounts: &Accounts,
    ) -> Result<(), String> {
        if item.0 == 0 || item.0 > self.last_id {
            return Err(format!("item {item}, but the last number assigned is {}", self.last_id));
        }
        if self.listing(item).is_some() {
            return Err(format!("item {item} is there already"));
        }
        match accounts.contains(seller) {
            true => Ok(()),
            false => Err(format!("item {item} has no seller")),
        }
    }
}

/// The items that [`Items::known`] named when it was called.
pub struct KnownItems {
    slots_by_id: Array<Option<NonZeroU32>>,
    tombstones: Map<ItemId, Tombstone>,
}

impl KnownItems {
    pub fn contains(&self, item: ItemId) -> bool {
        let entry = (item.0 as usize).checked_sub(1).and_then(|index| self.slots_by_id.get(index));
        entry.is_some_and(Option::is_some) || self.tombstones.get(&item).is_some()
    }
}

pub const ITEM: &[u8] = b"ITEM";
pub const TOMBSTONE: &[u8] = b"FORMER";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::state::command::Category;
    use crate::market::state::item::ItemFields;

    const SELLER: AccountId = AccountId(3);

    fn list(items: &mut Items, name: &str) -> ItemId {
        let id = items.next_id().unwrap();
        let (category, description) = (Category::Others, "of some kind");
        let listing = Listing::new(id, SELLER, &ItemFields { name, category, description });
        items.add(Arc::new(listing), Money::from_minor(100), 5);
        id
    }

    fn names(items: &Items, after: u32) -> Vec<&str> {
        items.of_seller(SELLER, ItemId(after)).map(|item| item.listing.name()).collect()
    }

    #[test]
    fn numbers_ascend_and_are_never_used_again() {
        let mut items = Items::default();
        let first = list(&mut items, "lamp");
        let second = list(&mut items, "chair");
        assert_eq!((first, second), (ItemId(1), ItemId(2)));
        let (slot, ..) = items.remove(second).unwrap();
        assert_eq!(list(&mut items, "table"), ItemId(3));
        assert_eq!(items.slot(ItemId(3)), Some(slot), "memory is used again");
        assert!(items.get(second).is_none());
        assert_eq!(names(&items, 0), ["lamp", "table"]);
        assert_eq!(names(&items, 1), ["table"]);
        assert_eq!(names(&items, u32::MAX), [""; 0]);
        assert_eq!(items.len(), 2);
    }

    #[test]
    fn a_deleted_item_leaves_a_tombstone_only_if_it_was_sold() {
        let mut items = Items::default();
        let (sold, unsold) = (list(&mut items, "lamp"), list(&mut items, "chair"));
        let slot = items.slot(sold).unwrap();
        items.stock_mut(slot).sold = 1;
        items.remove(sold);
        items.remove(unsold);
        assert_eq!(items.listing(sold).map(|listing| listing.name()), Some("lamp"));
        assert!(items.listing(unsold).is_none());
        assert!(items.remove(sold).is_none());
    }

    #[test]
    fn there_is_no_item_zero() {
        let items = Items::default();
        assert!(items.get(ItemId(0)).is_none());
        assert!(items.get(ItemId(u32::MAX)).is_none());
    }
}

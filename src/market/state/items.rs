//! What is on sale.
//!
//! An item's number is its place in the order of listing, for good. Where an item lives in memory
//! is its *slot*, which is used again when the item is gone, so that memory follows what is on
//! sale and not what ever was. Slots are nobody's business but the market's: no result depends on
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::accounts::{AccountId, PerAccount};
use super::command::{Category, ItemId};
use super::ratings::Rating;
use crate::market::price::Money;

/// What of an item never changes; shared with the notifications and the search index.
#[derive(Debug, PartialEq, Eq)]
pub struct Listing {
    pub item: ItemId,
    pub seller: AccountId,
    pub category: Category,
    name_bytes: u32,
    /// The name, and the description right behind it: one allocation for both.
    text: Box<str>,
}

impl Listing {
    pub fn new(
        item: ItemId,
        seller: AccountId,
        category: Category,
        name: &str,
        description: &str,
    ) -> Listing {
        let text = [name, description].concat().into_boxed_str();
        Listing { item, seller, category, name_bytes: name.len() as u32, text }
    }

    pub fn name(&self) -> &str {
        &self.text[..self.name_bytes as usize]
    }

    pub fn description(&self) -> &str {
        &self.text[self.name_bytes as usize..]
    }
}

/// An item on sale. At all times `sold + quantity == supplied`.
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    pub listing: Arc<Listing>,
    pub price: Money,
    /// Pieces left.
    pub quantity: u32,
    /// Pieces sold.
    pub sold: u64,
    /// Pieces that the seller brought to market, less those taken back by an update.
    pub supplied: u64,
    pub rating: Rating,
}

/// What stays of an item that was sold and then deleted: orders speak of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Retired {
    pub listing: Arc<Listing>,
    /// Pieces sold.
    pub sold: u64,
}

/// Where an item lives: an index into the market's arrays while the item is on sale.
pub type Slot = u32;

/// In `slot_of`: the item is gone.
const GONE: Slot = Slot::MAX;

/// All items.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Items {
    /// Of item 1, 2, 3, ...: its slot, or [`GONE`].
    slot_of: Vec<Slot>,
    slots: Vec<Option<Item>>,
    /// Slots without an item; the last freed is used first.
    free: Vec<Slot>,
    retired: BTreeMap<ItemId, Retired>,
    by_seller: PerAccount<BTreeSet<ItemId>>,
}

impl Items {
    /// Items on sale.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Item numbers given out.
    pub fn numbers(&self) -> usize {
        self.slot_of.len()
    }

    /// The number of the next item; none when numbers have run out.
    pub fn next_id(&self) -> Option<ItemId> {
        let id = u32::try_from(self.slot_of.len()).ok()?.checked_add(1)?;
        (id != GONE).then_some(ItemId(id))
    }

    pub fn slot(&self, item: ItemId) -> Option<Slot> {
        let index = (item.0 as usize).checked_sub(1)?;
        self.slot_of.get(index).copied().filter(|slot| *slot != GONE)
    }

    pub fn get(&self, item: ItemId) -> Option<&Item> {
        self.in_slot(self.slot(item)?)
    }

    pub fn get_mut(&mut self, item: ItemId) -> Option<&mut Item> {
        let slot = self.slot(item)?;
        self.slots[slot as usize].as_mut()
    }

    pub fn in_slot(&self, slot: Slot) -> Option<&Item> {
        self.slots[slot as usize].as_ref()
    }

    /// The listing of an item on sale, or of one that is gone and was sold.
    pub fn listing(&self, item: ItemId) -> Option<&Arc<Listing>> {
        let live = self.get(item).map(|item| &item.listing);
        live.or_else(|| self.retired.get(&item).map(|retired| &retired.listing))
    }

    /// Puts an item on sale; its listing bears [`Items::next_id`].
    pub fn add(&mut self, listing: Arc<Listing>, price: Money, quantity: u32) -> Slot {
        let supplied = u64::from(quantity);
        self.by_seller.get_mut(listing.seller).insert(listing.item);
        let item = Item { listing, price, quantity, sold: 0, supplied, rating: Rating::NONE };
        let slot = self.free.pop().unwrap_or(self.slots.len() as Slot);
        if slot as usize == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[slot as usize] = Some(item);
        self.slot_of.push(slot);
        slot
    }

    /// Takes an item off the market.
    pub fn remove(&mut self, item: ItemId) -> Option<(Slot, Item)> {
        let slot = self.slot(item)?;
        let removed = self.slots[slot as usize].take()?;
        self.slot_of[item.0 as usize - 1] = GONE;
        self.free.push(slot);
        self.by_seller.get_mut(removed.listing.seller).remove(&item);
        if removed.sold > 0 {
            let retired = Retired { listing: Arc::clone(&removed.listing), sold: removed.sold };
            self.retired.insert(item, retired);
        }
        Some((slot, removed))
    }

    /// How many items of a seller are on sale.
    pub fn count_of(&self, seller: AccountId) -> usize {
        self.by_seller.get(seller).map_or(0, BTreeSet::len)
    }

    /// The items of a seller above a number, ascending.
    pub fn of_seller(&self, seller: AccountId, after: ItemId) -> impl Iterator<Item = &Item> {
        let beyond = ItemId(after.0.saturating_add(1));
        let ids = self.by_seller.get(seller).into_iter().flat_map(move |ids| ids.range(beyond..));
        ids.filter_map(|id| self.get(*id))
    }

    /// All items on sale with their slots, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Item)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(slot, item)| Some((slot as Slot, item.as_ref()?)))
    }

    /// What stays of deleted items, by number.
    pub fn retired(&self) -> impl Iterator<Item = &Retired> {
        self.retired.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELLER: AccountId = AccountId(3);

    fn list(items: &mut Items, name: &str) -> ItemId {
        let id = items.next_id().unwrap();
        let listing = Listing::new(id, SELLER, Category::Others, name, "of some kind");
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
        let (slot, _) = items.remove(second).unwrap();
        assert_eq!(list(&mut items, "table"), ItemId(3));
        assert_eq!(items.slot(ItemId(3)), Some(slot), "memory is used again");
        assert!(items.get(second).is_none());
        assert_eq!(names(&items, 0), ["lamp", "table"]);
        assert_eq!(names(&items, 1), ["table"]);
        assert_eq!(names(&items, u32::MAX), [""; 0]);
        assert_eq!(items.len(), 2);
    }

    #[test]
    fn a_deleted_item_is_remembered_only_if_it_was_sold() {
        let mut items = Items::default();
        let (sold, unsold) = (list(&mut items, "lamp"), list(&mut items, "chair"));
        items.get_mut(sold).unwrap().sold = 1;
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

    #[test]
    fn an_item_costs_little() {
        assert!(size_of::<Option<Item>>() <= 56);
        assert!(size_of::<Listing>() <= 32);
    }
}

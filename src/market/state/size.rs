//! The size of the market, which a quota limits.
//!
//! Memory depends on the allocator and on the order of events, so it cannot be the same on all
//! replicas. The size is therefore a formula over what the market has. It is kept by additions and
//! subtractions, is equal on all replicas, and survives a restart:
//!
//! | what | bytes |
//! |---|---|
//! | an account | 512 and its address |
//! | an item on sale | 768 and three times its texts: the search index has the words again |
//! | an item that was sold and then deleted | 256 and its texts |
//! | an order | 96 |
//! | an item on a wishlist | 96 |
//! | a rating of an item on sale | 96 |
//! | a rating that an account ever gave | 8 |
//! | a pending notification | 96 |
//! | an item that pending notifications name | 128 and its texts |
//!
//! Recorded answers ([`requests`](super::requests)) do not count: they have a bound for all
//! accounts together, and a client that sends many commands must not stop those of others.
//!
//! At the quota the leader refuses what could make the market larger: new accounts, items, orders,
//! wishes and ratings, and an update of an item that is on a wishlist, because each of its
//! notifications takes space. An order is refused before anything is sold. Deletions never make the
//! market larger, because an item counts more than what its deletion leaves behind
//! ([`of_item`]), and go on like acknowledgements, other updates, moderation and reads.

use std::collections::{BTreeMap, BTreeSet};

use super::Market;
use super::command::{Action, Command, Identity, ItemId, RequestId};
use super::limits::Limits;
use super::moderation::Entry;
use super::requests::Fingerprint;

/// An account, but for its address.
pub const ACCOUNT: u64 = 512;
/// An order.
pub const ORDER: u64 = 96;
/// An item on a wishlist.
pub const WISH: u64 = 96;
/// A rating of an item on sale.
pub const RATING: u64 = 96;
/// A rating that an account ever gave.
pub const RATING_GIVEN: u64 = 8;
/// A pending notification.
pub const EVENT: u64 = 96;
/// An item that pending notifications name, but for its texts.
pub const NAMED: u64 = 128;
const ITEM: u64 = 768;
const TOMBSTONE: u64 = 256;

// A deletion puts a tombstone and an item's name in place of the item, and a notification in place
// of each wish.
const _: () = assert!(ITEM >= TOMBSTONE + NAMED && WISH >= EVENT);

/// An item on sale with so many bytes of texts. Three times the texts cover those that a deletion
/// leaves behind: once in the tombstone, once for the notifications.
pub const fn of_item(text_bytes: u64) -> u64 {
    ITEM + 3 * text_bytes
}

/// An item that was sold and then deleted.
pub const fn of_tombstone(text_bytes: u64) -> u64 {
    TOMBSTONE + text_bytes
}

/// The kinds of commands that can make the market much larger than they are themselves.
const SELL_ITEM: u8 = 3;
const UPDATE_ITEM: u8 = 4;

/// By how much a command makes the market larger at most, beside its own length.
pub fn max_overhead_bytes(command: &[u8]) -> u64 {
    const LIMITS: Limits = Limits::DEFAULT;
    const TEXTS: u64 = (LIMITS.max_name_bytes + LIMITS.max_description_bytes) as u64;
    match command.first() {
        Some(&SELL_ITEM) => of_item(TEXTS),
        Some(&UPDATE_ITEM) => NAMED + TEXTS + EVENT * LIMITS.max_wishers as u64,
        _ => ACCOUNT + ORDER + EVENT,
    }
}

/// Whether a command can make the market larger.
pub fn may_grow(command: &[u8]) -> bool {
    let Some(command) = Command::decode(command) else { return false };
    match command.action {
        Action::RegisterSeller
        | Action::RegisterBuyer
        | Action::SellItem(_)
        | Action::UpdateItem { .. }
        | Action::BuyItem { .. }
        | Action::AddToWishList { .. }
        | Action::RateItem { .. } => true,
        Action::DeleteItem { .. }
        | Action::RemoveFromWishList { .. }
        | Action::Acknowledge { .. } => false,
    }
}

/// How many things of a kind a market has, and their size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What they are, in words.
    pub kind: &'static str,
    /// How many.
    pub count: u64,
    /// Their size, for the quota.
    pub bytes: u64,
}

impl Market {
    /// What the market has, by kind.
    pub fn counts(&self) -> [Counted; 6] {
        let of = |kind, count, bytes| Counted { kind, count, bytes };
        [
            of("accounts", self.accounts.len() as u64, self.accounts.size_bytes()),
            of("items on sale", self.items.len() as u64, self.items.size_bytes()),
            of("orders", self.orders.len().into(), self.orders.size_bytes()),
            of("wishes", self.wishlists.len(), self.wishlists.size_bytes()),
            of("ratings", self.ratings.len(), self.ratings.size_bytes()),
            of(
                "pending notifications",
                self.mailboxes.pending_of_all(),
                self.mailboxes.size_bytes(),
            ),
        ]
    }

    /// The size.
    pub(super) fn counted_bytes(&self) -> u64 {
        self.accounts.size_bytes()
            + self.items.size_bytes()
            + self.orders.size_bytes()
            + self.wishlists.size_bytes()
            + self.ratings.size_bytes()
            + self.mailboxes.size_bytes()
    }

    /// The size after these commands, or more: each is expected to succeed, and none to make the
    /// market smaller.
    pub(super) fn bytes_after(&self, commands: &mut dyn Iterator<Item = &[u8]>) -> u64 {
        let mut growth = Growth {
            market: self,
            bytes: 0,
            callers: BTreeSet::new(),
            requests: BTreeSet::new(),
            wishes: BTreeMap::new(),
        };
        for command in commands {
            if let Some(Entry::Command(command)) = Entry::decode(command) {
                growth.add(&command);
            }
        }
        self.counted_bytes().saturating_add(growth.bytes)
    }

    /// What is wrong with the size, if it is not that of the things that it counts.
    pub(super) fn size_fault(&self) -> Option<String> {
        let addresses = self.accounts.addresses().map(|address| ACCOUNT + address.len() as u64);
        let items = self.items.iter().map(|(_, item)| of_item(item.listing.text_bytes()));
        let tombstones = self.items.tombstones();
        let tombstones = tombstones.map(|tombstone| of_tombstone(tombstone.listing.text_bytes()));
        let [wishes, _] = self.wishlists.both_indexes();
        let orders = self.orders.iter().count() as u64;
        let counted = addresses.chain(items).chain(tombstones).sum::<u64>()
            + WISH * wishes.len() as u64
            + ORDER * orders
            + self.ratings.recount_size_bytes()
            + self.mailboxes.recount_size_bytes();
        let kept = self.counted_bytes();
        (kept != counted).then(|| format!("the size is {kept}, and should be {counted}"))
    }
}

/// By how much commands make a market larger that are applied one after the other.
struct Growth<'m> {
    market: &'m Market,
    bytes: u64,
    /// Callers that get an account.
    callers: BTreeSet<Identity>,
    /// Commands whose answers are recorded: copies of them add nothing.
    requests: BTreeSet<(Identity, RequestId, Fingerprint)>,
    /// The wishes for each item.
    wishes: BTreeMap<ItemId, u64>,
}

impl Growth<'_> {
    fn add(&mut self, command: &Command<'_>) {
        let Command { request_id, caller, action } = command;
        let known = self.market.accounts.find(&caller.identity);
        let gets_account = known.is_none()
            && (action.opens_an_account() || matches!(action, Action::RegisterSeller))
            && self.market.accounts.check_free(caller.address, &self.market.limits).is_ok();
        if let Some(id) = *request_id {
            let input = Fingerprint::of(command);
            let look_up = |account| self.market.requests.look_up(account, id, input).is_some();
            if known.is_some_and(look_up) {
                return;
            }
            let is_recorded = known.is_some() || gets_account;
            if is_recorded && !self.requests.insert((caller.identity, id, input)) {
                return;
            }
        }
        if gets_account && self.callers.insert(caller.identity) {
            self.bytes += ACCOUNT + caller.address.len() as u64;
        }
        self.bytes += match *action {
            Action::SellItem(new_item) => {
                let fields = new_item.fields;
                of_item((fields.name.len() + fields.description.len()) as u64)
            }
            Action::UpdateItem { item, .. } => self.notified(item),
            Action::BuyItem { .. } => ORDER + EVENT,
            Action::AddToWishList { item } => {
                if known.is_some_and(|account| self.market.wishlists.has(account, item)) {
                    return;
                }
                *self.wishes.entry(item).or_default() += 1;
                WISH
            }
            Action::RateItem { .. } => RATING + RATING_GIVEN,
            Action::RegisterSeller
            | Action::RegisterBuyer
            | Action::DeleteItem { .. }
            | Action::RemoveFromWishList { .. }
            | Action::Acknowledge { .. } => 0,
        };
    }

    /// What the notifications of an update take.
    fn notified(&self, id: ItemId) -> u64 {
        let Market { wishlists, mailboxes, items, limits, .. } = self.market;
        let pending = self.wishes.get(&id).copied().unwrap_or(0);
        let wishers = wishlists.wisher_count(id) as u64 + pending;
        let name = match items.get(id) {
            _ if wishers == 0 || mailboxes.names(id) => 0,
            Some(item) => NAMED + item.listing.text_bytes(),
            // It is not listed yet.
            None => NAMED + (limits.max_name_bytes + limits.max_description_bytes) as u64,
        };
        EVENT * wishers + name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_are_those_of_the_commands() {
        let (item, price, quantity) = (ItemId(1), None, None);
        assert_eq!(Action::UpdateItem { item, price, quantity }.kind(), UPDATE_ITEM);
        let fields = crate::market::state::ItemFields {
            name: "lamp",
            category: crate::market::state::Category::Others,
            description: "",
        };
        let price = crate::market::price::Money::from_minor(1);
        let lamp = crate::market::state::NewItem { fields, quantity: 1, price };
        assert_eq!(Action::SellItem(lamp).kind(), SELL_ITEM);
    }
}

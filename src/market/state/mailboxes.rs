//! Mailboxes: notifications that wait until they are acknowledged.
//!
//! Each account has a mailbox. Its notifications are numbered from 1 and stay until the account
//! acknowledges them, so that each is delivered at least once, in order, across connections and
//! restarts.
//!
//! A mailbox is bounded. A full one never fails or slows down the command that notifies: the oldest
//! notification is dropped. The reader sees a count of dropped ones ([`Pending::missed`]) and a gap
//! in the numbers. It can read the facts elsewhere: sales are in the seller's orders, and the
//! present price is on the item's card.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::accounts::{AccountId, Accounts, SharedPerAccount};
use super::command::{ItemId, OrderId};
use super::feed::NotificationFeed;
use super::item::{Item, Listing, Stock};
use super::items::Items;
use super::lines::{Section, WordReader, WordWriter, section};
use super::orders::Orders;
use super::ratings::Rating;
use super::size;
use crate::market::price::Money;

/// An empty mailbox keeps capacity for this many notifications.
const KEPT_CAPACITY: usize = 16;

/// The content of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An item on the wishlist got a new price or quantity.
    Updated { item: Snapshot, previous_price: Money, previous_quantity: u32 },
    /// An item on the wishlist was taken off the market.
    Deleted(Snapshot),
    /// The account sold something.
    Sold(OrderId),
}

/// An item as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub listing: Arc<Listing>,
    pub price: Money,
    pub quantity: u32,
    pub rating: Rating,
}

impl Snapshot {
    pub fn new(listing: &Arc<Listing>, stock: &Stock) -> Snapshot {
        let Stock { price, quantity, rating, .. } = *stock;
        Snapshot { listing: Arc::clone(listing), price, quantity, rating }
    }
}

impl From<Item<'_>> for Snapshot {
    fn from(item: Item<'_>) -> Snapshot {
        Snapshot::new(item.listing, item.stock)
    }
}

/// One account's notifications.
///
/// ```text
/// numbers:   1 .. acknowledged | acknowledged + 1 .. dropped | dropped + 1 .. last
///            read              | dropped unread        | pending
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Mailbox {
    /// The last number that the account acknowledged.
    acknowledged: u64,
    /// The last number that is no longer pending; `acknowledged` or more.
    dropped: u64,
    pending: VecDeque<Event>,
}

impl Mailbox {
    fn last(&self) -> u64 {
        self.dropped + self.pending.len() as u64
    }
}

/// The pending notifications of an account.
pub struct Pending<I> {
    /// Notifications above the requested number that were dropped before they were acknowledged.
    pub missed: u64,
    /// Number and event of the others, ascending.
    pub events: I,
}

/// All mailboxes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mailboxes {
    boxes: SharedPerAccount<Mailbox>,
    feed: NotificationFeed,
    /// While the market is restored: deleted items that were never sold, which only notifications
    /// name.
    delisted: BTreeMap<ItemId, Arc<Listing>>,
    size: MailboxSize,
}

/// What all mailboxes hold, for the quota.
#[derive(Debug, Default, PartialEq, Eq)]
struct MailboxSize {
    /// Pending notifications.
    events: u64,
    /// By item: the pending notifications that name it. They keep its texts, though it may be
    /// deleted.
    named: BTreeMap<ItemId, u64>,
    /// The bytes of the texts of the items in `named`.
    text_bytes: u64,
}

impl MailboxSize {
    fn bytes(&self) -> u64 {
        let named = self.named.len() as u64;
        size::EVENT * self.events + size::NAMED * named + self.text_bytes
    }

    fn add(&mut self, event: &Event) {
        self.events += 1;
        let Some(listing) = event.listing() else { return };
        let count = self.named.entry(listing.item).or_default();
        *count += 1;
        if *count == 1 {
            self.text_bytes += listing.text_bytes();
        }
    }

    fn remove(&mut self, event: &Event) {
        self.events -= 1;
        let Some(listing) = event.listing() else { return };
        let Some(count) = self.named.get_mut(&listing.item) else { return };
        *count -= 1;
        if *count == 0 {
            self.named.remove(&listing.item);
            self.text_bytes -= listing.text_bytes();
        }
    }
}

impl Mailbox {
    /// Removes the oldest pending notification.
    fn drop_first(&mut self, size: &mut MailboxSize) {
        if let Some(event) = self.pending.pop_front() {
            size.remove(&event);
        }
        self.dropped += 1;
    }
}

impl Mailboxes {
    /// Notifies an account. Of more than `max` pending notifications the oldest is dropped.
    pub fn push(&mut self, account: AccountId, event: Event, max: usize) {
        let mailbox = self.boxes.get_mut(account);
        self.size.add(&event);
        mailbox.pending.push_back(event);
        self.feed.push(account);
        while mailbox.pending.len() > max {
            mailbox.drop_first(&mut self.size);
        }
    }

    /// Removes the notifications up to a number.
    ///
    /// # Errors
    /// The last number assigned, if the acknowledged one is higher.
    pub fn acknowledge(&mut self, account: AccountId, up_to_id: u64) -> Result<(), u64> {
        let mailbox = self.boxes.get_mut(account);
        let last = mailbox.last();
        if up_to_id > last {
            return Err(last);
        }
        mailbox.acknowledged = mailbox.acknowledged.max(up_to_id);
        while mailbox.dropped < up_to_id {
            mailbox.drop_first(&mut self.size);
        }
        if mailbox.pending.is_empty() && mailbox.pending.capacity() > KEPT_CAPACITY {
            mailbox.pending.shrink_to_fit();
        }
        Ok(())
    }

    /// Removes the mailbox of an account.
    pub fn remove_account(&mut self, account: AccountId) {
        let pending = self.boxes.get(account).into_iter().flat_map(|mailbox| &mailbox.pending);
        pending.for_each(|event| self.size.remove(event));
        self.boxes.remove(account);
    }

    /// Pending notifications of all accounts.
    pub fn pending_of_all(&self) -> u64 {
        self.size.events
    }

    /// The size of all pending notifications, for the quota.
    pub fn size_bytes(&self) -> u64 {
        self.size.bytes()
    }

    /// The size, counted from the single notifications.
    pub fn recount_size_bytes(&self) -> u64 {
        let mut size = MailboxSize::default();
        let events = self.boxes.iter().flat_map(|(_, mailbox)| &mailbox.pending);
        events.for_each(|event| size.add(event));
        size.bytes()
    }

    /// Whether a pending notification names an item.
    pub fn names(&self, item: ItemId) -> bool {
        self.size.named.contains_key(&item)
    }

    /// The accounts of the latest notifications.
    pub fn feed(&self) -> &NotificationFeed {
        &self.feed
    }

    /// The last number assigned; 0 before the first.
    pub fn last(&self, account: AccountId) -> u64 {
        self.boxes.get(account).map_or(0, Mailbox::last)
    }

    /// The pending notifications of an account above a number.
    pub fn pending(
        &self,
        account: AccountId,
        after: u64,
    ) -> Pending<impl Iterator<Item = (u64, &Event)>> {
        let mailbox = self.boxes.get(account);
        let (acknowledged, dropped) =
            mailbox.map_or((0, 0), |mailbox| (mailbox.acknowledged, mailbox.dropped));
        let skipped = usize::try_from(after.saturating_sub(dropped)).unwrap_or(usize::MAX);
        let pending = mailbox
            .into_iter()
            .flat_map(move |mailbox| mailbox.pending.range(skipped.min(mailbox.pending.len())..));
        let first = dropped.max(after).saturating_add(1);
        Pending {
            missed: dropped.saturating_sub(acknowledged.max(after)),
            events: pending.zip(first..).map(|(event, number)| (number, event)),
        }
    }

    /// The length of the longest mailbox.
    pub fn max_len(&self) -> usize {
        self.boxes.iter().map(|(_, mailbox)| mailbox.pending.len()).max().unwrap_or(0)
    }

    /// `MAILBOX account acknowledged dropped` for each account that was ever notified, each
    /// followed by its pending notifications:
    ///
    /// - `SOLD order`
    /// - `UPDATED item price quantity stars raters previous-price previous-quantity`
    /// - `DELETED item price quantity stars raters`
    ///
    /// Before the first line that names an item which is not on sale and was never sold:
    /// `DEPARTED item seller category name description`.
    pub fn freeze(&self, items: &Items) -> Box<dyn Section> {
        let (boxes, known) = (self.boxes.clone(), items.known());
        let mut delisted = BTreeSet::new();
        let (mut account, mut next) = (None, 0);
        section(move |words| {
            let mailbox = account.and_then(|account| boxes.get(account));
            let event = mailbox.and_then(|mailbox| mailbox.pending.get(next));
            if let Some(event) = event {
                if let Some(listing) = event.listing()
                    && !known.contains(listing.item)
                    && delisted.insert(listing.item)
                {
                    words.word(DELISTED).number(listing.item.0);
                    listing.write_words(words);
                    return true;
                }
                event.write_words(words);
                next += 1;
                return true;
            }
            let from = account.map_or(Some(0), |AccountId(number)| number.checked_add(1));
            let Some((found, mailbox)) = from.and_then(|from| boxes.next(from)) else {
                return false;
            };
            (account, next) = (Some(found), 0);
            words.word(MAILBOX).number(found.0);
            words.number(mailbox.acknowledged).number(mailbox.dropped);
            true
        })
    }

    /// Restores a mailbox from the words behind `MAILBOX`.
    pub fn restore(
        &mut self,
        mut fields: WordReader<'_>,
        accounts: &Accounts,
    ) -> Result<AccountId, String> {
        let account = AccountId(fields.number()?);
        let (acknowledged, dropped) = (fields.count()?, fields.count()?);
        fields.end()?;
        if !accounts.contains(account) || self.boxes.get(account).is_some() {
            return Err("its account does not exist, or has such a line already".into());
        }
        if acknowledged > dropped {
            return Err("it has acknowledged notifications that still wait".into());
        }
        *self.boxes.get_mut(account) = Mailbox { acknowledged, dropped, pending: VecDeque::new() };
        Ok(account)
    }

    /// Restores a delisted item from the words behind `DEPARTED`.
    pub fn restore_delisted(
        &mut self,
        mut fields: WordReader<'_>,
        accounts: &Accounts,
    ) -> Result<(), String> {
        let item = fields.item()?;
        let listing = Listing::parse_words(item, fields)?;
        // The seller of an item that was never sold may be forgotten.
        if listing.seller.0 >= accounts.next() {
            return Err(format!("item {item} has no seller"));
        }
        self.delisted.insert(item, Arc::new(listing));
        Ok(())
    }

    /// Restores a pending notification of an account.
    pub fn restore_event(
        &mut self,
        account: AccountId,
        name: &[u8],
        mut fields: WordReader<'_>,
        items: &Items,
        orders: &Orders,
    ) -> Result<(), String> {
        let event = match name {
            SOLD => {
                let order = OrderId(fields.number()?);
                orders.get(order).ok_or_else(|| format!("there is no order {order}"))?;
                Event::Sold(order)
            }
            UPDATED => Event::Updated {
                item: self.restore_snapshot(&mut fields, items)?,
                previous_price: fields.money()?,
                previous_quantity: fields.number()?,
            },
            DELETED => Event::Deleted(self.restore_snapshot(&mut fields, items)?),
            _ => return Err("no line of a market".into()),
        };
        fields.end()?;
        self.size.add(&event);
        self.boxes.get_mut(account).pending.push_back(event);
        Ok(())
    }

    fn restore_snapshot(
        &self,
        fields: &mut WordReader<'_>,
        items: &Items,
    ) -> Result<Snapshot, String> {
        let item = fields.item()?;
        let listing = items.listing(item).or_else(|| self.delisted.get(&item));
        let listing = listing.ok_or_else(|| format!("nothing is known of item {item}"))?;
        let (price, quantity) = (fields.money()?, fields.number()?);
        let rating = Rating { stars: fields.number()?, count: fields.number()? };
        Ok(Snapshot { listing: Arc::clone(listing), price, quantity, rating })
    }

    /// All lines were restored.
    pub fn restored(&mut self) {
        self.delisted.clear();
        self.feed =
            NotificationFeed::restored(self.boxes.iter().map(|(_, mailbox)| mailbox.last()).sum());
    }
}

impl Event {
    fn listing(&self) -> Option<&Listing> {
        match self {
            Event::Updated { item, .. } | Event::Deleted(item) => Some(&item.listing),
            Event::Sold(_) => None,
        }
    }

    fn write_words(&self, words: &mut WordWriter<'_>) {
        match self {
            Event::Sold(order) => {
                words.word(SOLD).number(order.0);
            }
            Event::Updated { item, previous_price, previous_quantity } => {
                words.word(UPDATED);
                item.write_words(words);
                words.money(*previous_price).number(*previous_quantity);
            }
            Event::Deleted(item) => {
                words.word(DELETED);
                item.write_words(words);
            }
        }
    }
}

impl Snapshot {
    fn write_words(&self, words: &mut WordWriter<'_>) {
        words.number(self.listing.item.0).money(self.price).number(self.quantity);
        words.number(self.rating.stars).number(self.rating.count);
    }
}

pub const MAILBOX: &[u8] = b"MAILBOX";
pub const DELISTED: &[u8] = b"DEPARTED";
const SOLD: &[u8] = b"SOLD";
const UPDATED: &[u8] = b"UPDATED";
const DELETED: &[u8] = b"DELETED";

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: AccountId = AccountId(0);

    fn sold(mailboxes: &mut Mailboxes, orders: std::ops::RangeInclusive<u32>, max: usize) {
        orders.for_each(|order| mailboxes.push(ADA, Event::Sold(OrderId(order)), max));
    }

    /// The count of missed notifications, and the numbers of the pending ones. Orders are numbered
    /// like their notifications.
    fn read(mailboxes: &Mailboxes, after: u64) -> (u64, Vec<u64>) {
        let Pending { missed, events } = mailboxes.pending(ADA, after);
        let numbers = events.map(|(number, event)| {
            assert_eq!(*event, Event::Sold(OrderId(number as u32)));
            number
        });
        (missed, numbers.collect())
    }

    #[test]
    fn notifications_wait_until_they_are_acknowledged() {
        let mut mailboxes = Mailboxes::default();
        assert_eq!(read(&mailboxes, 0), (0, vec![]));
        assert_eq!(mailboxes.last(ADA), 0);
        sold(&mut mailboxes, 1..=3, 10);
        assert_eq!(mailboxes.last(ADA), 3);
        assert_eq!(read(&mailboxes, 0), (0, vec![1, 2, 3]));
        assert_eq!(read(&mailboxes, 0), (0, vec![1, 2, 3]), "reading takes nothing away");
        assert_eq!(read(&mailboxes, 2), (0, vec![3]));
        assert_eq!(mailboxes.acknowledge(ADA, 2), Ok(()));
        assert_eq!(read(&mailboxes, 0), (0, vec![3]));
        assert_eq!(mailboxes.acknowledge(ADA, 1), Ok(()), "an old acknowledgement changes nothing");
        assert_eq!(mailboxes.acknowledge(ADA, 4), Err(3));
        assert_eq!(mailboxes.acknowledge(ADA, 3), Ok(()));
        assert_eq!(read(&mailboxes, 0), (0, vec![]));
        sold(&mut mailboxes, 4..=4, 10);
        assert_eq!(read(&mailboxes, 0), (0, vec![4]));
    }

    #[test]
    fn a_full_mailbox_drops_the_oldest_and_says_so() {
        let mut mailboxes = Mailboxes::default();
        sold(&mut mailboxes, 1..=5, 2);
        assert_eq!(read(&mailboxes, 0), (3, vec![4, 5]));
        assert_eq!(read(&mailboxes, 2), (1, vec![4, 5]), "the reader has seen 1 and 2");
        assert_eq!(mailboxes.acknowledge(ADA, 2), Ok(()));
        assert_eq!(read(&mailboxes, 0), (1, vec![4, 5]));
        assert_eq!(mailboxes.acknowledge(ADA, 4), Ok(()));
        assert_eq!(read(&mailboxes, 0), (0, vec![5]));
        assert_eq!(mailboxes.max_len(), 1);
    }

    #[test]
    fn there_are_no_notifications_beyond_the_last() {
        let mut mailboxes = Mailboxes::default();
        sold(&mut mailboxes, 1..=2, 2);
        assert_eq!(read(&mailboxes, 7), (0, vec![]));
        assert_eq!(read(&mailboxes, u64::MAX), (0, vec![]));
    }

    #[test]
    fn a_notification_costs_little() {
        assert!(size_of::<Event>() <= 48);
    }
}

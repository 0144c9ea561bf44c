//! The ledger: every order that was ever made. An order never changes.

use super::accounts::{AccountId, Accounts, PerAccount};
use super::command::{ItemId, OrderId};
use super::items::Items;
use super::lines::{Section, WordReader, section};
use super::shared::Array;
use super::size;
use crate::market::price::Money;

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The price of one piece at the time of the purchase. The total is this times `quantity`; it
    /// was computed before the order was made, so it does not overflow.
    pub unit_price: Money,
    /// Milliseconds since 1970-01-01 UTC, by the clock of the log.
    pub at_ms: u64,
    pub item: ItemId,
    pub buyer: AccountId,
    pub seller: AccountId,
    pub quantity: u32,
}

/// All orders.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// Order 1, 2, 3, ...
    ledger: Array<Option<Order>>,
    len: u32,
    by_buyer: PerAccount<Vec<OrderId>>,
    by_seller: PerAccount<Vec<OrderId>>,
}

/// Which side of its orders an account is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Orders that the account made.
    Buyer,
    /// Orders for the account's items.
    Seller,
}

impl Orders {
    pub fn len(&self) -> u32 {
        self.len
    }

    /// The size of the ledger, for the quota.
    pub fn size_bytes(&self) -> u64 {
        size::ORDER * u64::from(self.len)
    }

    pub fn get(&self, order: OrderId) -> Option<&Order> {
        self.ledger.get((order.0 as usize).checked_sub(1)?)?.as_ref()
    }

    /// Records an order; the caller keeps the ledger within `u32`.
    pub fn add(&mut self, order: Order) -> OrderId {
        *self.ledger.get_mut(self.len as usize) = Some(order);
        self.len += 1;
        let id = OrderId(self.len);
        self.by_buyer.get_mut(order.buyer).push(id);
        self.by_seller.get_mut(order.seller).push(id);
        id
    }

    /// The orders of one account, the latest first, below a number when one is given.
    pub fn of(
        &self,
        side: Side,
        account: AccountId,
        before: Option<OrderId>,
    ) -> impl Iterator<Item = (OrderId, &Order)> {
        let lists = match side {
            Side::Buyer => &self.by_buyer,
            Side::Seller => &self.by_seller,
        };
        let ids = lists.get(account).map_or(&[][..], Vec::as_slice);
        let end = before.map_or(ids.len(), |before| ids.partition_point(|id| *id < before));
        ids[..end].iter().rev().filter_map(|id| Some((*id, self.get(*id)?)))
    }

    /// All orders, ascending by number.
    pub fn iter(&self) -> impl Iterator<Item = (OrderId, &Order)> {
        (1..=self.len).filter_map(|id| Some((OrderId(id), self.get(OrderId(id))?)))
    }

    /// `ORDER number item buyer quantity price at-ms`, ascending by number. The seller is the
    /// item's.
    pub fn freeze(&self) -> Box<dyn Section> {
        let (ledger, mut numbers) = (self.ledger.clone(), 0..self.len as usize);
        section(move |words| {
            let Some(number) = numbers.next() else { return false };
            if let Some(Some(order)) = ledger.get(number) {
                words.word(ORDER).number(number as u64 + 1).number(order.item.0);
                words.number(order.buyer.0).number(order.quantity);
                words.money(order.unit_price).number(order.at_ms);
            }
            true
        })
    }

    /// Restores an order from the words behind `ORDER`. Accounts and items are restored before.
    pub fn restore(
        &mut self,
        mut fields: WordReader<'_>,
        accounts: &Accounts,
        items: &Items,
    ) -> Result<(), String> {
        let id: u32 = fields.number()?;
        let (item, buyer) = (fields.item()?, AccountId(fields.number()?));
        let quantity = fields.number()?;
        let (unit_price, at_ms) = (fields.money()?, fields.number()?);
        fields.end()?;
        if self.len.checked_add(1) != Some(id) {
            return Err(format!("expected the order behind {}", self.len));
        }
        if !accounts.contains(buyer) {
            return Err(format!("order {id} has no buyer"));
        }
        let listing = items.listing(item).ok_or_else(|| format!("order {id} is for no item"))?;
        if unit_price.times(quantity).is_none() {
            return Err(format!("order {id} has no total"));
        }
        let seller = listing.seller;
        self.add(Order { unit_price, at_ms, item, buyer, seller, quantity });
        Ok(())
    }
}

pub const ORDER: &[u8] = b"ORDER";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_has_its_orders_the_latest_first() {
        let mut orders = Orders::default();
        let order = |buyer, seller| Order {
            unit_price: Money::from_minor(500),
            at_ms: 0,
            item: ItemId(1),
            buyer: AccountId(buyer),
            seller: AccountId(seller),
            quantity: 1,
        };
        for (buyer, seller) in [(1, 9), (2, 9), (1, 8), (1, 9)] {
            orders.add(order(buyer, seller));
        }
        let ids = |side, account, before: Option<u32>| -> Vec<u32> {
            orders.of(side, AccountId(account), before.map(OrderId)).map(|(id, _)| id.0).collect()
        };
        assert_eq!(ids(Side::Buyer, 1, None), [4, 3, 1]);
        assert_eq!(ids(Side::Buyer, 1, Some(4)), [3, 1]);
        assert_eq!(ids(Side::Buyer, 1, Some(2)), [1]);
        assert_eq!(ids(Side::Seller, 9, None), [4, 2, 1]);
        assert_eq!(ids(Side::Seller, 7, None), [0; 0]);
        assert!(orders.get(OrderId(0)).is_none());
        assert_eq!(orders.get(OrderId(3)), Some(&order(1, 8)));
    }

    #[test]
    fn an_order_costs_little() {
        assert!(size_of::<Option<Order>>() <= 40);
    }
}

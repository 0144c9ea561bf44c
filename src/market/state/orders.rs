//! The ledger: every order ever made, never changed.

use super::accounts::{AccountId, PerAccount};
use super::command::{ItemId, OrderId};
use crate::market::price::Money;

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Of one piece, when it was bought. The total is this times `quantity`, which was counted
    /// before the order was made and so is known to be an amount.
    pub unit_price: Money,
    /// When, as the command said.
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
    ledger: Vec<Order>,
    by_buyer: PerAccount<Vec<OrderId>>,
    by_seller: PerAccount<Vec<OrderId>>,
}

/// Whose orders are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Those that an account made.
    Buyer,
    /// Those for an account's items.
    Seller,
}

impl Orders {
    pub fn len(&self) -> usize {
        self.ledger.len()
    }

    pub fn get(&self, order: OrderId) -> Option<&Order> {
        self.ledger.get((order.0 as usize).checked_sub(1)?)
    }

    /// Records an order; the caller keeps the ledger within `u32`.
    pub fn add(&mut self, order: Order) -> OrderId {
        self.ledger.push(order);
        let id = OrderId(self.ledger.len() as u32);
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

    /// All orders, the first first.
    pub fn iter(&self) -> impl Iterator<Item = (OrderId, &Order)> {
        self.ledger.iter().zip(1..).map(|(order, id)| (OrderId(id), order))
    }
}

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
        assert!(size_of::<Order>() <= 32);
    }
}

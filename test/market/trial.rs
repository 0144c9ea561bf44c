//! A market for tests, whose callers are named by their addresses.

use std::num::NonZeroU64;

use agora::market::price::Money;
use agora::market::state::{
    AccountId, Action, Caller, Category, Command, Error, EventView, Identity, ItemFields, ItemId,
    ItemView, Limits, Market, NewItem, Notification, OrderId, Reply, RequestId,
};

use crate::seed::Seed;

/// The addresses of the course version's example.
pub const SELLER: &str = "192.13.188.178:50051";
pub const OTHER_SELLER: &str = "192.13.188.179:50051";
pub const BUYER: &str = "120.13.188.178:50051";
pub const OTHER_BUYER: &str = "120.13.188.179:50051";

/// The identity that belongs to a name: always the same, as if the name was hashed.
pub fn identity(name: &str) -> Identity {
    let mut state = 1;
    let digest = std::array::from_fn(|_| {
        state = name.bytes().fold(state, |state, b| Seed::new(state ^ u64::from(b)).next_u64());
        Seed::new(state).next_u64() as u8
    });
    Identity::from_digest(digest).unwrap()
}

/// A caller whose identity belongs to its address.
pub fn caller(address: &str) -> Caller<'_> {
    Caller { identity: identity(address), address }
}

pub fn cents(minor: u64) -> Money {
    Money::from_minor(minor)
}

pub fn request(id: u64) -> Option<RequestId> {
    NonZeroU64::new(id).map(RequestId)
}

pub struct Trial {
    pub market: Market,
    /// The accounts that the last command notified.
    pub notified: Vec<AccountId>,
    pub at_ms: u64,
}

impl Trial {
    pub fn new(limits: Limits) -> Trial {
        Trial { market: Market::new(limits), notified: Vec::new(), at_ms: 1_700_000_000_000 }
    }

    /// A market with both sellers registered.
    pub fn open() -> Trial {
        Trial::opened(Limits::DEFAULT)
    }

    pub fn opened(limits: Limits) -> Trial {
        let mut trial = Trial::new(limits);
        for seller in [SELLER, OTHER_SELLER] {
            assert_eq!(trial.ask(seller, Action::RegisterSeller), Ok(Reply::Registered));
        }
        trial
    }

    /// A command without a request id. After it the audit finds no fault, whatever the outcome.
    pub fn ask(&mut self, address: &str, action: Action<'_>) -> Result<Reply, Error> {
        self.ask_as(caller(address), None, action)
    }

    pub fn ask_as(
        &mut self,
        caller: Caller<'_>,
        request_id: Option<RequestId>,
        action: Action<'_>,
    ) -> Result<Reply, Error> {
        self.at_ms += 1;
        let command = Command { request_id, caller, action };
        let told = self.market.notification_count();
        let answer = self.market.apply(self.at_ms, &command);
        self.notified = self.market.mailboxes_changed_since(told).unwrap().collect();
        assert_eq!(self.market.audit().faults, [""; 0], "after {command:?}");
        answer
    }

    /// Lists an item: five phones at $500.
    pub fn list(&mut self) -> ItemId {
        self.list_named("iPhone", 5)
    }

    pub fn list_named(&mut self, name: &str, quantity: u32) -> ItemId {
        match self.ask(SELLER, sell(name, quantity, 50_000)) {
            Ok(Reply::Listed(item)) => item,
            other => panic!("not listed: {other:?}"),
        }
    }

    /// Lists this many items like [`Trial::list`].
    pub fn list_many(&mut self, count: usize) {
        for _ in 0..count {
            self.list();
        }
    }

    /// Makes this many orders of one piece each.
    pub fn buy_one_by_one(&mut self, item: ItemId, count: usize) {
        for _ in 0..count {
            self.buy(BUYER, item, 1).unwrap();
        }
    }

    pub fn buy(&mut self, buyer: &str, item: ItemId, quantity: u32) -> Result<Reply, Error> {
        self.ask(buyer, Action::BuyItem { item, quantity, max_price: None })
    }

    pub fn item(&self, item: ItemId) -> ItemView<&str> {
        self.market.item(item).unwrap()
    }

    pub fn left(&self, item: ItemId) -> u32 {
        self.item(item).quantity
    }

    /// The pending notifications of a caller.
    pub fn mail(&self, address: &str) -> Vec<Notification<'_>> {
        let account = self.market.account(&caller(address)).unwrap();
        self.market.mailbox(account, 0, 0).notifications
    }
}

pub fn sell(name: &str, quantity: u32, price: u64) -> Action<'_> {
    Action::SellItem(NewItem {
        fields: ItemFields {
            name,
            category: Category::Electronics,
            description: "This is iPhone 15.",
        },
        quantity,
        price: cents(price),
    })
}

/// A sale with this order number and total in cents.
pub const fn bought(order: u32, total: u64) -> Result<Reply, Error> {
    Ok(Reply::Bought { order: OrderId(order), total: Money::from_minor(total) })
}

/// The order of a notification of a sale, and its pieces.
pub fn sold(event: &EventView<&str>) -> Option<(OrderId, u32)> {
    match event {
        EventView::Sold(order) => Some((order.id, order.quantity)),
        _ => None,
    }
}

//! Watches: mailboxes as streams.
//!
//! ```text
//!                 news: send up to a batch
//!     Idle --------------------------------------> Sending --+
//!      ^                                             |   ^    | news: nothing, they
//!      |  the client took all, nothing more waits    |   +----+ wait in the mailbox
//!      +---------------------------------------------+
//!                     the client took all: send the next batch
//! ```
//!
//! A watch holds no notifications: it knows the number of the last one that it sent, and what
//! comes next is read from the mailbox. So what a client that does not read costs is one batch,
//! however much happens meanwhile, and it holds up neither commands nor other watches. Sent is
//! not acknowledged: the next watch begins again with what is not.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use super::calls::{full, read_linearizable};
use super::ticket::Ticket;
use super::wire;
use super::{MarketService, identity};
use crate::call::{Code, Metadata, Status};
use crate::market::print::Request;
use crate::market::state::{AccountId, Error, Market, ReadSet};
use crate::replica::node::{Node, Shared};
use crate::rpc::{CallHandler, Responder};

/// Watches of one account at once: each of its notifications is sent to all of them.
pub const MAX_WATCHES: usize = 16;

/// Notifications on their way to a client before it has taken the first.
const MAX_BATCH: usize = 32;

/// All watches.
#[derive(Default)]
pub struct Watches {
    by_account: BTreeMap<AccountId, Vec<Watch>>,
    /// Whose each watch is, by its number.
    accounts: BTreeMap<u64, AccountId>,
    /// Those that have not begun.
    reserved: BTreeSet<u64>,
    /// Given out so far.
    last_number: u64,
    /// Notifications of the market that were looked at.
    last_told: u64,
    is_shut_down: bool,
}

/// One call of WatchNotifications.
struct Watch {
    number: u64,
    responder: Responder,
    /// The last notification that was sent.
    sent: u64,
    /// The client has not taken that yet.
    is_sending: bool,
}

impl Watches {
    /// A watch is going to begin. Gives its number.
    fn reserve(&mut self) -> u64 {
        self.last_number += 1;
        self.reserved.insert(self.last_number);
        self.last_number
    }

    /// Begins a watch that goes on after a notification, and sends what is there.
    fn begin(
        &mut self,
        market: &Market,
        number: u64,
        account: AccountId,
        after: u64,
        responder: Responder,
    ) -> Result<(), Status> {
        if !self.reserved.remove(&number) {
            // It is over.
            return Ok(());
        }
        if self.is_shut_down {
            return Err(shutting_down());
        }
        // Numbers that were never given out are another mailbox's, of a market that is no more.
        let last = market.last_notification(account);
        if after > last {
            return Err(Error::NotSent(last).into());
        }
        let watches = self.by_account.entry(account).or_default();
        if watches.len() >= MAX_WATCHES {
            let reason = format!("{MAX_WATCHES} watches of this account are open");
            return Err(full(Status::new(Code::ResourceExhausted, reason)));
        }
        // The headers tell the client that its watch stands.
        responder.send_headers(Metadata::new());
        self.accounts.insert(number, account);
        let mut watch = Watch { number, responder, sent: after, is_sending: false };
        watch.send_new(account, market);
        watches.push(watch);
        Ok(())
    }

    /// Sends whoever watches what is new in their mailboxes.
    pub fn notify(&mut self, market: &Market) {
        let before = std::mem::replace(&mut self.last_told, market.notification_count());
        if self.by_account.is_empty() || before == self.last_told {
            return;
        }
        match market.mailboxes_changed_since(before) {
            Some(accounts) => accounts.for_each(|account| self.send_new(account, market)),
            None => {
                let accounts: Vec<AccountId> = self.by_account.keys().copied().collect();
                accounts.into_iter().for_each(|account| self.send_new(account, market));
            }
        }
    }

    /// Sends an account's watches what is new in its mailbox.
    fn send_new(&mut self, account: AccountId, market: &Market) {
        for watch in self.by_account.get_mut(&account).into_iter().flatten() {
            watch.send_new(account, market);
        }
    }

    /// A watch's client has taken all that was sent.
    fn drained(&mut self, number: u64, market: &Market) {
        let Some(account) = self.accounts.get(&number) else { return };
        let watches = self.by_account.get_mut(account).into_iter().flatten();
        for watch in watches.filter(|watch| watch.number == number) {
            watch.is_sending = false;
            watch.send_new(*account, market);
        }
    }

    /// Forgets a watch.
    fn remove(&mut self, number: u64) {
        self.reserved.remove(&number);
        let Some(account) = self.accounts.remove(&number) else { return };
        let Some(watches) = self.by_account.get_mut(&account) else { return };
        watches.retain(|watch| watch.number != number);
        if watches.is_empty() {
            self.by_account.remove(&account);
        }
    }

    /// Ends all watches that have begun.
    pub fn end_all(&mut self, status: &Status) {
        for watch in mem::take(&mut self.by_account).into_values().flatten() {
            watch.responder.finish(status.clone());
        }
        self.accounts.clear();
    }

    /// Ends all watches, those to come included.
    pub fn shut_down(&mut self) {
        self.is_shut_down = true;
        self.end_all(&shutting_down());
    }
}

impl Watch {
    fn send_new(&mut self, account: AccountId, market: &Market) {
        if self.is_sending {
            return;
        }
        let page = market.mailbox(account, self.sent, MAX_BATCH);
        let mut missed = page.missed;
        for notification in &page.notifications {
            self.responder.send(wire::notification(notification, mem::take(&mut missed)));
            self.sent = notification.id;
            self.is_sending = true;
        }
        if self.is_sending {
            self.responder.when_drained();
        }
    }
}

fn shutting_down() -> Status {
    Status::new(Code::Unavailable, "the market shuts down: watch again when it is back")
}

/// Begins a watch that was reserved, with what is there now.
pub fn begin(
    node: &mut Shared<MarketService>,
    number: u64,
    message: &[u8],
    responder: &Responder,
) -> Result<(), Status> {
    let asked = wire::parse_watch(message)?;
    let caller = identity::caller(asked.uuid, asked.address)?;
    let (service, state) = node.service_and_state();
    let market = state.machine();
    let account = market.account(&caller)?;
    service.watches.begin(market, number, account, asked.after, responder.clone())
}

/// A call of WatchNotifications as the server sees it.
pub struct WatchCall {
    node: Node<MarketService>,
    responder: Responder,
    /// Once the request was taken.
    number: Option<u64>,
}

impl WatchCall {
    pub fn new(node: Node<MarketService>, responder: Responder) -> WatchCall {
        WatchCall { node, responder, number: None }
    }

    /// The leader alone knows for sure which notifications there are.
    fn start(&mut self, message: &[u8]) -> Result<(), Status> {
        let mut node = self.node.lock();
        let waiting = read_linearizable(&mut node, ReadSet::Everything, "WatchNotifications")?;
        let asked = wire::parse_watch(message)?;
        node.service_mut().print(asked.address, Request::Watch);
        let number = node.service_mut().watches.reserve();
        self.number = Some(number);
        let Some(waiting) = waiting else {
            return begin(&mut node, number, message, &self.responder);
        };
        let (responder, message) = (self.responder.clone(), message.to_vec());
        node.queue_read(waiting, Ticket::Watch { number, responder, message });
        Ok(())
    }
}

impl CallHandler for WatchCall {
    fn message(&mut self, message: &[u8]) {
        if let Err(status) = self.start(message) {
            self.responder.finish(status);
        }
    }

    fn cancelled(&mut self, _: &Status) {}

    fn writable(&mut self) {
        if let Some(number) = self.number {
            let mut node = self.node.lock();
            let (service, state) = node.service_and_state();
            service.watches.drained(number, state.machine());
        }
    }
}

impl Drop for WatchCall {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.node.lock().service_mut().watches.remove(number);
        }
    }
}

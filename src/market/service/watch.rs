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

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use super::desk::Desk;
use crate::call::{Code, Metadata, Status};
use crate::market::state::{AccountId, Error, Market};
use crate::market::wire;
use crate::rpc::{CallHandler, Responder};

/// Watches of one account at once: each of its notifications is sent to all of them.
pub const MAX_WATCHES: usize = 16;

/// Notifications on their way to a client before it has taken the first.
const BATCH: usize = 32;

/// A watch among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchId {
    account: AccountId,
    number: u64,
}

/// All watches.
#[derive(Default)]
pub struct Watches {
    of: BTreeMap<AccountId, Vec<Watch>>,
    /// Given out so far.
    numbers: u64,
    /// Notifications of the market that were looked at.
    told: u64,
    shut_down: bool,
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
    /// Adds a watch that goes on after a notification, and sends what is there.
    pub fn add(
        &mut self,
        market: &Market,
        account: AccountId,
        after: u64,
        responder: Responder,
    ) -> Result<WatchId, Status> {
        if self.shut_down {
            return Err(ended());
        }
        // Numbers that were never given out are another mailbox's, of a market that is no more.
        let last = market.last_notification(account);
        if after > last {
            return Err(Error::NotSent(last).into());
        }
        let watches = self.of.entry(account).or_default();
        if watches.len() >= MAX_WATCHES {
            let reason = format!("{MAX_WATCHES} watches of this account are open");
            return Err(Status::new(Code::ResourceExhausted, reason));
        }
        // The headers tell the client that its watch stands.
        responder.send_headers(Metadata::new());
        let number = self.numbers;
        self.numbers += 1;
        let mut watch = Watch { number, responder, sent: after, is_sending: false };
        watch.tell(account, market);
        watches.push(watch);
        Ok(WatchId { account, number })
    }

    /// Sends whoever watches what is new in their mailboxes.
    pub fn tell_news(&mut self, market: &Market) {
        let before = std::mem::replace(&mut self.told, market.told());
        if self.of.is_empty() || before == self.told {
            return;
        }
        match market.told_since(before) {
            Some(accounts) => accounts.for_each(|account| self.tell(account, market)),
            None => {
                let accounts: Vec<AccountId> = self.of.keys().copied().collect();
                accounts.into_iter().for_each(|account| self.tell(account, market));
            }
        }
    }

    /// Sends an account's watches what is new in its mailbox.
    fn tell(&mut self, account: AccountId, market: &Market) {
        for watch in self.of.get_mut(&account).into_iter().flatten() {
            watch.tell(account, market);
        }
    }

    /// A watch's client has taken all that was sent.
    pub fn drained(&mut self, id: WatchId, market: &Market) {
        let watches = self.of.get_mut(&id.account).into_iter().flatten();
        for watch in watches.filter(|watch| watch.number == id.number) {
            watch.is_sending = false;
            watch.tell(id.account, market);
        }
    }

    /// Forgets a watch.
    pub fn remove(&mut self, id: WatchId) {
        let Some(watches) = self.of.get_mut(&id.account) else { return };
        watches.retain(|watch| watch.number != id.number);
        if watches.is_empty() {
            self.of.remove(&id.account);
        }
    }

    /// Ends all watches, those to come included.
    pub fn end_all(&mut self) {
        self.shut_down = true;
        for watch in mem::take(&mut self.of).into_values().flatten() {
            watch.responder.finish(ended());
        }
    }
}

impl Watch {
    fn tell(&mut self, account: AccountId, market: &Market) {
        if self.is_sending {
            return;
        }
        let page = market.mailbox(account, self.sent, BATCH);
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

fn ended() -> Status {
    Status::new(Code::Unavailable, "the market shuts down: watch again when it is back")
}

/// A call of WatchNotifications as the server sees it.
pub struct WatchCall {
    desk: Arc<Desk>,
    responder: Responder,
    /// Once the request was taken.
    id: Option<WatchId>,
}

impl WatchCall {
    pub fn new(desk: Arc<Desk>, responder: Responder) -> WatchCall {
        WatchCall { desk, responder, id: None }
    }
}

impl CallHandler for WatchCall {
    fn message(&mut self, message: &[u8]) {
        let asked = wire::watch_asked(message);
        match asked.and_then(|asked| self.desk.watch(&asked, self.responder.clone())) {
            Ok(id) => self.id = Some(id),
            Err(status) => self.responder.finish(status),
        }
    }

    fn cancelled(&mut self, _: &Status) {}

    fn writable(&mut self) {
        if let Some(id) = self.id {
            self.desk.watch_drained(id);
        }
    }
}

impl Drop for WatchCall {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.desk.unwatch(id);
        }
    }
}

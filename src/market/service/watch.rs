//! Watches: the mailboxes of accounts as streams.
//!
//! Sent is not acknowledged: a new watch begins with the first notification that the client has not
//! acknowledged, or after the one that it names.

use std::mem;

use super::calls::full;
use super::ticket::Ticket;
use super::wire;
use super::{MarketService, identity};
use crate::call::{Code, Status};
use crate::market::print::Request;
use crate::market::state::{AccountId, Error, Market, ReadSet};
use crate::replica::node::Shared;
use crate::replica::service::{Watch, WatchHub, WatchService, check_read};
use crate::rpc::Responder;

/// The most watches of one account: each notification is sent to all of them.
pub const MAX_WATCHES: usize = 16;

/// The most notifications that are sent before the client has taken the first.
const MAX_BATCH: usize = 32;

/// The method's name.
const METHOD: &str = "WatchNotifications";

/// All watches of a node. A watch's cursor is the last notification that was sent.
#[derive(Default)]
pub(super) struct Watches {
    hub: WatchHub<AccountId, u64>,
    /// The number of notifications in all mailboxes when the watches were notified last.
    last_notified: u64,
}

impl Watches {
    /// Sends all watches what is new in their mailboxes.
    pub(super) fn notify(&mut self, market: &Market) {
        let before = mem::replace(&mut self.last_notified, market.notification_count());
        if self.hub.is_empty() || before == self.last_notified {
            return;
        }
        match market.mailboxes_changed_since(before) {
            Some(accounts) => accounts.for_each(|account| {
                self.hub.update(account, |watch| send_new(watch, account, market));
            }),
            None => self.hub.update_all(|account, watch| send_new(watch, account, market)),
        }
    }

    /// The number of watches that have begun.
    pub(super) fn len(&self) -> usize {
        self.hub.len()
    }

    /// Ends all watches that have begun.
    pub(super) fn end_all(&mut self, status: &Status) {
        self.hub.end_all(status);
    }

    /// Ends all watches, and refuses new ones.
    pub(super) fn shut_down(&mut self) {
        self.hub.shut_down(&shutting_down());
    }

    /// Begins a watch after a notification, and sends what is there.
    fn begin(
        &mut self,
        market: &Market,
        number: u64,
        account: AccountId,
        after: u64,
        responder: Responder,
    ) -> Result<(), Status> {
        if !self.hub.is_reserved(number) {
            // Its call is over.
            return Ok(());
        }
        if self.hub.is_shut_down() {
            return Err(shutting_down());
        }
        // A number that was never given belongs to a mailbox of another market.
        let last = market.last_notification(account);
        if after > last {
            return Err(Error::NotSent(last).into());
        }
        if self.hub.count(&account) >= MAX_WATCHES {
            let reason = format!("{MAX_WATCHES} watches of this account are open");
            return Err(full(Status::new(Code::ResourceExhausted, reason)));
        }
        self.hub.begin(number, account, responder, after, |watch| {
            watch.send_headers();
            send_new(watch, account, market)
        });
        Ok(())
    }
}

/// Sends a batch of what is new. The watch goes on.
fn send_new(watch: &mut Watch<u64>, account: AccountId, market: &Market) -> bool {
    let page = market.mailbox(account, watch.cursor, MAX_BATCH);
    let mut missed = page.missed;
    if let Some(last) = page.notifications.last() {
        watch.cursor = last.id;
    }
    let notifications = page.notifications.iter();
    watch.send(notifications.map(|one| wire::notification(one, mem::take(&mut missed))));
    true
}

fn shutting_down() -> Status {
    Status::new(Code::Unavailable, "the market shuts down: watch again when it is back")
}

/// Begins a reserved watch with the notifications that are there now.
pub(super) fn begin(
    node: &mut Shared<MarketService>,
    number: u64,
    message: &[u8],
    responder: &Responder,
) -> Result<(), Status> {
    let request = wire::parse_watch(message)?;
    let caller = identity::caller(request.uuid, request.address)?;
    let (service, state) = node.service_and_state();
    let market = state.machine();
    let account = market.account(&caller)?;
    service.watches.begin(market, number, account, request.after, responder.clone())
}

impl WatchService for MarketService {
    /// Begins with a linearizable read: a follower may not have all notifications yet.
    fn open_watch(
        node: &mut Shared<MarketService>,
        message: &[u8],
        responder: &Responder,
    ) -> Result<u64, Status> {
        let words = || vec![METHOD.as_bytes().to_vec()];
        let pending = check_read(node, || ReadSet::Everything.encode(), words)?;
        let request = wire::parse_watch(message)?;
        node.service_mut().print(request.address, Request::Watch);
        let number = node.service_mut().watches.hub.reserve();
        match pending {
            Some(pending) => {
                let (responder, message) = (responder.clone(), message.to_vec());
                node.queue_read(pending, Ticket::Watch { number, responder, message });
            }
            None => {
                if let Err(status) = begin(node, number, message, responder) {
                    node.service_mut().close_watch(number);
                    return Err(status);
                }
            }
        }
        Ok(number)
    }

    fn watch_drained(node: &mut Shared<MarketService>, number: u64) {
        let (service, state) = node.service_and_state();
        let market = state.machine();
        let update = |account, watch: &mut Watch<u64>| send_new(watch, account, market);
        service.watches.hub.drained(number, update);
    }

    fn close_watch(&mut self, number: u64) {
        self.watches.hub.remove(number);
    }
}

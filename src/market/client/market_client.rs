//! The market's calls under one identity.

use std::time::{Duration, Instant, SystemTime};

use super::identity::Uuid;
use super::record::{Consistency, Item, NewItem, Order, Page, Search, SearchPage};
use super::request_ids::RequestIds;
use super::wire::{self, Caller, PageRequest};
use crate::call::{Code, Status};
use crate::market::contract::{FULL, LAST_REQUEST_ID};
use crate::market::price::Money;
use crate::market::state::ItemId;
use crate::replica::cluster_client::{CallTarget, ClusterClient, Exhausted, Failure};
use crate::rpc::{ChannelOptions, ClientCall};

/// The service's full name.
const SERVICE: &str = "agora.market.v1.MarketService";
/// How long an acknowledgement may take.
const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a command is sent with a new request id when the market knows higher ones. Once is
/// enough, unless several clients use the account at the same time.
const MAX_REQUEST_IDS: usize = 3;

/// How a client is set up.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// How connections are made.
    pub channel: ChannelOptions,
    /// How long a call may take, its retries included.
    pub timeout: Duration,
    /// How fresh the answers to reads must be.
    pub consistency: Consistency,
}

impl Default for ClientOptions {
    fn default() -> ClientOptions {
        let (channel, consistency) = Default::default();
        ClientOptions { channel, timeout: Duration::from_secs(10), consistency }
    }
}

/// A client of a market. Threads may share it.
pub struct MarketClient {
    cluster: ClusterClient,
    uuid: Uuid,
    address: String,
    timeout: Duration,
    consistency: Consistency,
    request_ids: RequestIds,
}

impl MarketClient {
    /// A client of the market at `targets` (`host:port`, the replicas of one market), known there
    /// as `address`. Nothing is connected yet.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` without a target, `UNAVAILABLE` when the process is out of file
    /// descriptors.
    pub fn new(
        targets: &[String],
        uuid: Uuid,
        address: &str,
        options: &ClientOptions,
    ) -> Result<MarketClient, Status> {
        let nodes = targets.iter().map(|target| (None, target.clone()));
        Ok(MarketClient {
            cluster: ClusterClient::new(nodes, &options.channel, Exhausted::RefusedIf(FULL))?,
            uuid,
            address: address.to_owned(),
            timeout: options.timeout,
            consistency: options.consistency,
            request_ids: RequestIds::default(),
        })
    }

    /// The display name of the account.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The first 8 characters of the UUID, which may be shown.
    pub fn short_uuid(&self) -> &str {
        self.uuid.short()
    }

    /// Opens an account as a seller.
    ///
    /// # Errors
    /// Here and below: the market's status; `UNAVAILABLE` when no replica that can answer was found
    /// in time; for a command `UNKNOWN` when it may have been executed or not.
    pub fn register_seller(&self) -> Result<(), Status> {
        self.command("RegisterSeller", wire::register_seller).map(drop)
    }

    /// Opens an account as a buyer; buying, wishing and rating do so by themselves.
    pub fn register_buyer(&self) -> Result<(), Status> {
        self.command("RegisterBuyer", wire::register_buyer).map(drop)
    }

    /// Puts an item on sale. Returns its number.
    pub fn sell(&self, item: &NewItem) -> Result<ItemId, Status> {
        let answer = self.command("SellItem", |caller| wire::sell_item(caller, item))?;
        wire::sold_item(&answer)
    }

    /// Changes price, stock or both of the seller's item. Returns the item as it is now, unless it
    /// was deleted before the answer could be fetched.
    pub fn update(
        &self,
        item: ItemId,
        price: Option<Money>,
        quantity: Option<u32>,
    ) -> Result<Option<Item>, Status> {
        let request = |caller: Caller<'_>| wire::update_item(caller, item, price, quantity);
        wire::updated_item(&self.command("UpdateItem", request)?)
    }

    /// Takes one's own item off the market.
    pub fn delete(&self, item: ItemId) -> Result<(), Status> {
        self.command("DeleteItem", |caller| wire::delete_item(caller, item)).map(drop)
    }

    /// Buys `quantity` pieces, if one costs no more than `max_price`: at any price without one.
    pub fn buy(
        &self,
        item: ItemId,
        quantity: u32,
        max_price: Option<Money>,
    ) -> Result<Order, Status> {
        // In the message 0 means no bound.
        if max_price == Some(Money::ZERO) {
            let reason = "nothing is sold for $0: at most $0.01 is the least to offer";
            return Err(Status::new(Code::InvalidArgument, reason));
        }
        let request = |caller: Caller<'_>| wire::buy_item(caller, item, quantity, max_price);
        wire::bought(&self.command("BuyItem", request)?)
    }

    /// Adds an item to the wishlist: its updates are notified from now on.
    pub fn wish(&self, item: ItemId) -> Result<(), Status> {
        self.command("AddToWishList", |caller| wire::add_to_wish_list(caller, item)).map(drop)
    }

    /// Removes an item from the wishlist.
    pub fn unwish(&self, item: ItemId) -> Result<(), Status> {
        self.command("RemoveFromWishList", |caller| wire::remove_from_wish_list(caller, item))
            .map(drop)
    }

    /// Rates an item, once, with 1 to 5 stars.
    pub fn rate(&self, item: ItemId, stars: u32) -> Result<(), Status> {
        self.command("RateItem", |caller| wire::rate_item(caller, item, stars)).map(drop)
    }

    /// Acknowledges the notifications up to this one. Retried for a second at most, since the next
    /// acknowledgement includes it.
    pub fn acknowledge(&self, up_to_id: u64) -> Result<(), Status> {
        let request = |caller: Caller<'_>| wire::acknowledge(caller, up_to_id);
        let timeout = self.timeout.min(ACKNOWLEDGE_TIMEOUT);
        self.command_within("AcknowledgeNotifications", request, timeout).map(drop)
    }

    /// A page of the seller's own items; `token` is empty for the first.
    pub fn seller_items(&self, token: &str) -> Result<Page<Item>, Status> {
        let request = wire::display_seller_items(self.caller(0), self.page(token));
        wire::seller_items(&self.call("DisplaySellerItems", &request)?)
    }

    /// A page of the wishlist.
    pub fn wish_list(&self, token: &str) -> Result<Page<Item>, Status> {
        let request = wire::view_wish_list(self.caller(0), self.page(token));
        wire::wish_list(&self.call("ViewWishList", &request)?)
    }

    /// A page of the buyer's orders, newest first.
    pub fn buyer_orders(&self, token: &str) -> Result<Page<Order>, Status> {
        let request = wire::buyer_orders(self.caller(0), self.page(token));
        wire::bought_orders(&self.call("BuyerOrders", &request)?)
    }

    /// A page of the seller's orders, newest first.
    pub fn seller_orders(&self, token: &str) -> Result<Page<Order>, Status> {
        let request = wire::seller_orders(self.caller(0), self.page(token));
        wire::sold_orders(&self.call("SellerOrders", &request)?)
    }

    /// Searches.
    pub fn search(&self, search: &Search) -> Result<SearchPage, Status> {
        wire::search_page(&self.call("SearchItem", &wire::search_item(search, self.consistency))?)
    }

    /// One item.
    pub fn item(&self, item: ItemId) -> Result<Item, Status> {
        wire::found_item(&self.call("GetItem", &wire::get_item(item, self.consistency))?)
    }

    /// Opens a stream of the notifications behind `after_id`, at the `attempt`-th replica, counted
    /// from the presumed leader.
    pub(super) fn watch(&self, attempt: usize, after_id: u64) -> Result<ClientCall, Status> {
        let request = wire::watch(self.caller(0), after_id);
        self.cluster.stream(attempt, &path("WatchNotifications"), &request)
    }

    /// Learns from the status of a watch that ended; whether it names the leader.
    pub(super) fn follow(&self, status: &Status) -> bool {
        self.cluster.follow_hint(status)
    }

    /// Sends a command until it is answered, each time under the same request id.
    fn command(
        &self,
        method: &str,
        request: impl Fn(Caller<'_>) -> Vec<u8>,
    ) -> Result<Vec<u8>, Status> {
        self.command_within(method, request, self.timeout)
    }

    fn command_within(
        &self,
        method: &str,
        request: impl Fn(Caller<'_>) -> Vec<u8>,
        timeout: Duration,
    ) -> Result<Vec<u8>, Status> {
        let until = Instant::now() + timeout;
        let mut tries = 0;
        loop {
            let id = self.request_ids.begin(now_us(), until)?;
            let bytes = request(self.caller(id));
            let answer =
                self.cluster.call(CallTarget::Leader, &path(method), || bytes.clone(), until);
            self.request_ids.end(id);
            tries += 1;
            let Failure { status, may_be_done } = match answer {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let last = last_request_id(&status);
            last.into_iter().for_each(|last| self.request_ids.advance_past(last));
            // An attempt without an answer may have been executed and forgotten since.
            let is_unknown = may_be_done && (status.code == Code::Unavailable || last.is_some());
            if is_unknown {
                let message = format!("it may be done or not: {}", status.message);
                return Err(Status::new(Code::Unknown, message));
            }
            // It was not executed, so a new request id cannot execute it twice. A command that is
            // refused for another reason was not executed by an earlier attempt either.
            if last.is_none() || tries >= MAX_REQUEST_IDS {
                return Err(status);
            }
        }
    }

    /// Sends a read until a replica that may answer does, or the time is up.
    fn call(&self, method: &str, request: &[u8]) -> Result<Vec<u8>, Status> {
        let until = Instant::now() + self.timeout;
        let target = match self.consistency {
            Consistency::Linearizable => CallTarget::Leader,
            Consistency::Stale => CallTarget::AnyNode,
        };
        let answer = self.cluster.call(target, &path(method), || request.to_vec(), until);
        answer.map_err(|failure| failure.status)
    }

    fn page<'a>(&self, token: &'a str) -> PageRequest<'a> {
        PageRequest { size: 0, token, consistency: self.consistency }
    }

    fn caller(&self, request_id: u64) -> Caller<'_> {
        Caller { uuid: self.uuid.secret(), address: &self.address, request_id }
    }
}

/// The time in microseconds since 1970.
fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// The highest request id that the market knows of the account, if that is the reason for a
/// refusal.
fn last_request_id(status: &Status) -> Option<u64> {
    let text = status.metadata.get(LAST_REQUEST_ID)?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn path(method: &str) -> String {
    format!("/{SERVICE}/{method}")
}

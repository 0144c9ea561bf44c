//! A market on a free port, and its sellers and buyers.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::wait::poll_until;
use agora::call::{Code, Status};
use agora::market::service::{self, AsyncLineWriter, MarketService};
use agora::market::state::Limits;
use agora::pb::agora_market_v1 as pb;
use agora::protobuf::{Checked, decode, encode};
use agora::raft::Config;
use agora::replica::dump::DumpOptions;
use agora::replica::engine::SnapshotPolicy;
use agora::replica::node::{Node, NodeOptions, Opened};
use agora::replica::transport::{Transport, TransportOptions};
use agora::rpc::{
    CallOptions, Channel, ChannelOptions, ClientCall, Received, Server, ServerHandle,
    ServerOptions, Services, add_standard_services,
};
use agora::session::Protocol;
use quick_protobuf::{MessageRead, MessageWrite};

/// The longest wait of a test before it fails.
pub const LONG: Duration = Duration::from_secs(20);

/// The unary methods.
pub const UNARY: [&str; 16] = [
    "RegisterSeller",
    "RegisterBuyer",
    "SellItem",
    "UpdateItem",
    "DeleteItem",
    "DisplaySellerItems",
    "SearchItem",
    "GetItem",
    "BuyItem",
    "AddToWishList",
    "RemoveFromWishList",
    "ViewWishList",
    "RateItem",
    "BuyerOrders",
    "SellerOrders",
    "AcknowledgeNotifications",
];

pub const BOTH: [Protocol; 2] = [Protocol::Native, Protocol::Grpc];

pub fn path(method: &str) -> String {
    format!("/agora.market.v1.MarketService/{method}")
}

/// A folder that is removed at the end of the test.
pub struct TempFolder(pub PathBuf);

impl TempFolder {
    pub fn new() -> TempFolder {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora-market-service-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        TempFolder(path)
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A market and its server.
pub struct Fixture {
    pub address: SocketAddr,
    handle: ServerHandle,
    /// Until it is stopped: the last one that is dropped prints the remaining lines.
    node: Option<Node<MarketService>>,
    thread: Option<JoinHandle<()>>,
}

impl Fixture {
    pub fn new() -> Fixture {
        Fixture::with(Limits::DEFAULT, AsyncLineWriter::disabled())
    }

    pub fn with(limits: Limits, lines: AsyncLineWriter) -> Fixture {
        Fixture::open(None, limits, lines, 0)
    }

    /// A market with its files in a folder, which takes snapshots.
    pub fn in_folder(folder: &TempFolder, limits: Limits, lines: AsyncLineWriter) -> Fixture {
        Fixture::open(Some(folder.0.clone()), limits, lines, 0)
    }

    /// A market with a quota.
    pub fn with_quota(folder: &TempFolder, quota_bytes: u64) -> Fixture {
        let lines = AsyncLineWriter::disabled();
        Fixture::open(Some(folder.0.clone()), Limits::DEFAULT, lines, quota_bytes)
    }

    fn open(
        directory: Option<PathBuf>,
        limits: Limits,
        lines: AsyncLineWriter,
        quota_bytes: u64,
    ) -> Fixture {
        let options = NodeOptions {
            directory,
            group: "agora".into(),
            machine: "market".into(),
            peers: vec![(1, "127.0.0.1:0".into())],
            config: Config::lan(1, vec![1]),
            snapshots: SnapshotPolicy { entries: 20, ..SnapshotPolicy::default() },
            quota_bytes,
            dump: DumpOptions::default(),
        };
        let mut opened = Opened::open(options, MarketService::new(limits, lines)).unwrap();
        let mut services = Services::new();
        let node = opened.node();
        service::register(&mut services, &node);
        let transport = TransportOptions::new("agora", 1, BTreeMap::new());
        let transport = Transport::new(transport, &mut services);
        opened.report_health(add_standard_services(&mut services));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Server::bind(address, services, ServerOptions::default()).unwrap();
        opened.attach(&mut server, transport).unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        eventually("it leads", || node.lock().raft().is_leader());
        Fixture { address, handle, node: Some(node), thread }
    }

    pub fn channel(&self, protocol: Protocol) -> Channel {
        channel(&self.address.to_string(), protocol)
    }

    /// A trader whose identity and address have this number, on a separate connection.
    pub fn trader(&self, number: u64, protocol: Protocol) -> Trader {
        Trader::new(self.channel(protocol), number)
    }

    /// A registered seller.
    pub fn seller(&self, number: u64, protocol: Protocol) -> Trader {
        let seller = self.trader(number, protocol);
        seller.register_seller().unwrap();
        seller
    }

    /// The size that the quota limits.
    pub fn size_bytes(&self) -> u64 {
        self.node.as_ref().unwrap().lock().quota_use().size_bytes
    }

    pub fn begin_shutdown(&self) {
        self.handle.shut_down();
    }

    /// Shuts down and waits until the server has ended.
    pub fn stop(&mut self) {
        self.handle.shut_down();
        self.node = None;
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stop();
    }
}

pub fn channel(target: &str, protocol: Protocol) -> Channel {
    let options = ChannelOptions { protocol, ..ChannelOptions::default() };
    Channel::new(target, options).unwrap()
}

/// An answer's bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer(pub Vec<u8>);

impl Answer {
    pub fn read<'a, M: Checked + MessageRead<'a>>(&'a self) -> M {
        decode(&self.0).unwrap()
    }
}

/// A seller or a buyer.
pub struct Trader {
    pub channel: Channel,
    pub uuid: String,
    pub address: String,
    pub request_ids: AtomicU64,
}

impl Trader {
    pub fn new(channel: Channel, number: u64) -> Trader {
        let uuid = format!("{number:08x}-a6e5-41ed-906b-76aef1e817c5");
        let address = format!("192.13.188.{number}:50051");
        Trader { channel, uuid, address, request_ids: AtomicU64::new(1) }
    }

    pub fn call(&self, method: &str, request: &impl MessageWrite) -> Result<Answer, Status> {
        let options = CallOptions { timeout: Some(LONG), ..CallOptions::default() };
        self.channel.unary(&path(method), &encode(request), &options).map(Answer)
    }

    /// The next request id; ids ascend.
    pub fn request_id(&self) -> u64 {
        self.request_ids.fetch_add(1, Ordering::Relaxed)
    }

    pub fn register_seller(&self) -> Result<(), Status> {
        let request = pb::RegisterSellerRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            request_id: self.request_id(),
        };
        self.call("RegisterSeller", &request).map(|_| ())
    }

    pub fn register_buyer(&self) -> Result<(), Status> {
        let request = pb::RegisterBuyerRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            request_id: self.request_id(),
        };
        self.call("RegisterBuyer", &request).map(|_| ())
    }

    /// The request that `sell` sends.
    pub fn offer(&self, name: &'static str, price_cents: u64, quantity: u32) -> Offer<'_> {
        pb::SellItemRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            request_id: self.request_id(),
            name: name.into(),
            category: pb::Category::CATEGORY_ELECTRONICS,
            quantity,
            description: "As new.".into(),
            price_cents,
        }
    }

    /// Puts an item on sale. Returns its number.
    pub fn sell(&self, name: &'static str, price: u64, quantity: u32) -> Result<u32, Status> {
        let answer = self.call("SellItem", &self.offer(name, price, quantity))?;
        Ok(answer.read::<pb::SellItemResponse>().item_id)
    }

    pub fn update(&self, item: u32, price: Option<u64>, stock: Option<u32>) -> Result<(), Status> {
        let request = pb::UpdateItemRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            request_id: self.request_id(),
            item_id: item,
            price_cents: price.map(|value| pb::UInt64Value { value }),
            quantity: stock.map(|value| pb::UInt32Value { value }),
        };
        self.call("UpdateItem", &request).map(|_| ())
    }

    pub fn delete(&self, item: u32) -> Result<(), Status> {
        let request = pb::DeleteItemRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            request_id: self.request_id(),
            item_id: item,
        };
        self.call("DeleteItem", &request).map(|_| ())
    }

    /// The request that `buy` sends.
    pub fn purchase(&self, item: u32, quantity: u32) -> pb::BuyItemRequest<'_> {
        pb::BuyItemRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            request_id: self.request_id(),
            item_id: item,
            quantity,
            max_price_cents: 0,
        }
    }

    /// Buys. Returns the order's number.
    pub fn buy(&self, item: u32, quantity: u32) -> Result<u32, Status> {
        let answer = self.call("BuyItem", &self.purchase(item, quantity))?;
        Ok(answer.read::<pb::BuyItemResponse>().order.unwrap().id)
    }

    pub fn wish(&self, item: u32) -> Result<(), Status> {
        let request = pb::AddToWishListRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            request_id: self.request_id(),
            item_id: item,
        };
        self.call("AddToWishList", &request).map(|_| ())
    }

    pub fn unwish(&self, item: u32) -> Result<(), Status> {
        let request = pb::RemoveFromWishListRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            request_id: self.request_id(),
            item_id: item,
        };
        self.call("RemoveFromWishList", &request).map(|_| ())
    }

    pub fn rate(&self, item: u32, stars: u32) -> Result<(), Status> {
        let request = pb::RateItemRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            request_id: self.request_id(),
            item_id: item,
            stars,
        };
        self.call("RateItem", &request).map(|_| ())
    }

    pub fn acknowledge(&self, up_to_id: u64) -> Result<(), Status> {
        let request = pb::AcknowledgeNotificationsRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            request_id: self.request_id(),
            up_to_id,
        };
        self.call("AcknowledgeNotifications", &request).map(|_| ())
    }

    pub fn item(&self, item: u32) -> Result<Answer, Status> {
        self.call("GetItem", &pb::GetItemRequest { item_id: item, ..Default::default() })
    }

    pub fn search(&self, name: &str) -> Result<Answer, Status> {
        self.call("SearchItem", &pb::SearchItemRequest { name: name.into(), ..Default::default() })
    }

    pub fn own_items(&self, page_size: u32, page_token: &str) -> Result<Answer, Status> {
        let request = pb::DisplaySellerItemsRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            page_size,
            page_token: page_token.into(),
            ..Default::default()
        };
        self.call("DisplaySellerItems", &request)
    }

    pub fn wishlist(&self, page_size: u32, page_token: &str) -> Result<Answer, Status> {
        let request = pb::ViewWishListRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            page_size,
            page_token: page_token.into(),
            ..Default::default()
        };
        self.call("ViewWishList", &request)
    }

    pub fn bought(&self, page_size: u32, page_token: &str) -> Result<Answer, Status> {
        let request = pb::BuyerOrdersRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            page_size,
            page_token: page_token.into(),
            ..Default::default()
        };
        self.call("BuyerOrders", &request)
    }

    pub fn sold(&self, page_size: u32, page_token: &str) -> Result<Answer, Status> {
        let request = pb::SellerOrdersRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            page_size,
            page_token: page_token.into(),
            ..Default::default()
        };
        self.call("SellerOrders", &request)
    }

    /// A watch that the market may not have accepted yet.
    pub fn start_watch(&self, after_id: u64) -> Watch {
        let request = pb::WatchNotificationsRequest {
            uuid: (&*self.uuid).into(),
            address: (&*self.address).into(),
            after_id,
        };
        let options = CallOptions { timeout: None, ..CallOptions::default() };
        let mut call = self.channel.start(&path("WatchNotifications"), &options).unwrap();
        call.send_last(&encode(&request)).unwrap();
        Watch { call }
    }

    /// A watch that the market has accepted: it gets every notification from now on.
    pub fn watch(&self, after_id: u64) -> Watch {
        let mut watch = self.start_watch(after_id);
        watch.call.headers();
        watch
    }
}

type Offer<'a> = pb::SellItemRequest<'a>;

/// A stream of notifications.
pub struct Watch {
    call: ClientCall,
}

/// The fields of a notification that tests compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedNotification {
    pub id: u64,
    pub kind: pb::NotificationKind,
    pub item: u32,
    pub price_cents: u64,
    pub quantity: u32,
    pub missed: u64,
}

impl Watch {
    /// The next notification, or the end of the watch.
    pub fn next(&mut self) -> Result<ReceivedNotification, Status> {
        let answer = Answer(self.next_bytes()?);
        let response: pb::WatchNotificationsResponse<'_> = answer.read();
        let notification = response.notification.unwrap();
        let (item, price_cents, quantity) = match (notification.item, notification.order) {
            (Some(item), None) => (item.id, item.price_cents, item.quantity),
            (None, Some(order)) => (order.item_id, order.price_cents, order.quantity),
            both => panic!("a notification is of an item or of an order: {both:?}"),
        };
        let missed = response.missed;
        Ok(ReceivedNotification {
            id: notification.id,
            kind: notification.kind,
            item,
            price_cents,
            quantity,
            missed,
        })
    }

    pub fn next_bytes(&mut self) -> Result<Vec<u8>, Status> {
        match self.call.receive_until(Some(Instant::now() + LONG))? {
            Received::Message(message) => Ok(message),
            Received::End => panic!("a watch ended well"),
            Received::NotYet => panic!("no notification came"),
        }
    }

    pub fn ids(&mut self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.next().unwrap().id).collect()
    }

    /// Waits until the market accepts or refuses it.
    pub fn stands(&mut self) -> Result<(), Status> {
        self.call.headers();
        self.call.receive_until(Some(Instant::now())).map(|_| ())
    }

    /// Whether no notification arrives for a while.
    pub fn is_silent(&mut self) -> bool {
        let until = Instant::now() + Duration::from_millis(50);
        matches!(self.call.receive_until(Some(until)), Ok(Received::NotYet))
    }
}

/// Runs a test over both protocols.
pub fn over_both_protocols(test: impl Fn(Protocol)) {
    for protocol in BOTH {
        eprintln!("over {protocol:?}");
        test(protocol);
    }
}

/// Asserts that a call was refused with this code and a reason that contains these words.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, words: &str) -> Status {
    let status = result.unwrap_err();
    assert_eq!(status.code, code, "{status}");
    assert!(status.message.contains(words), "{status}");
    status
}

/// Polls until `condition` holds; fails the test when it does not in time.
#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    poll_until(what, LONG, condition);
}

/// A buffer that a test can read while the market prints to it.
#[derive(Clone, Default)]
pub struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

impl SharedBuffer {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for SharedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

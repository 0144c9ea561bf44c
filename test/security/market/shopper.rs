//! Callers of a market by single calls, from an address of their own.

use std::borrow::Cow;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agora::call::Status;
use agora::pb::agora_market_v1 as pb;
use agora::protobuf::encode;
use agora::rpc::{CallOptions, Channel, ChannelOptions};
use agora::session::Protocol;
use quick_protobuf::MessageWrite;
use rustix::net::{AddressFamily, SocketType};

const TIMEOUT: Duration = Duration::from_secs(20);

/// An account at a market.
pub struct Shopper {
    channel: Channel,
    name: String,
    uuid: String,
    orders: AtomicU64,
}

impl Shopper {
    /// At 127.0.0.1. The identity belongs to the name.
    pub fn new(target: &str, name: &str) -> Shopper {
        Shopper::with_uuid(target, name, &uuid(name))
    }

    /// With an identity of its own.
    pub fn with_uuid(target: &str, name: &str, uuid: &str) -> Shopper {
        let options = ChannelOptions { protocol: Protocol::Native, ..ChannelOptions::default() };
        let channel = Channel::new(target, options).unwrap();
        Shopper { channel, name: name.to_owned(), uuid: uuid.to_owned(), orders: AtomicU64::new(0) }
    }

    /// The same account at another server.
    pub fn at(&self, target: &str) -> Shopper {
        Shopper::new(target, &self.name)
    }

    fn call(&self, method: &str, request: &impl MessageWrite) -> Result<Vec<u8>, Status> {
        let path = format!("/agora.market.v1.MarketService/{method}");
        let options = CallOptions { timeout: Some(TIMEOUT), ..CallOptions::default() };
        self.channel.unary(&path, &encode(request), &options)
    }

    fn caller(&self) -> (Cow<'_, str>, Cow<'_, str>) {
        (Cow::Borrowed(&self.uuid), Cow::Borrowed(&self.name))
    }

    pub fn register_buyer(&self) -> Result<(), Status> {
        let (uuid, address) = self.caller();
        let request = pb::RegisterBuyerRequest { uuid, address, request_id: 0 };
        self.call("RegisterBuyer", &request).map(drop)
    }

    pub fn register_seller(&self) -> Result<(), Status> {
        let (uuid, address) = self.caller();
        let request = pb::RegisterSellerRequest { uuid, address, request_id: 0 };
        self.call("RegisterSeller", &request).map(drop)
    }

    /// Registers an account with a new name and a new identity.
    pub fn register_another(&self, number: usize) -> Result<(), Status> {
        let name = format!("{} {number}", self.name);
        let (uuid, address) = (uuid(&name).into(), name.into());
        let request = pb::RegisterBuyerRequest { uuid, address, request_id: 0 };
        self.call("RegisterBuyer", &request).map(drop)
    }

    pub fn sell(&self, name: &str, quantity: u32) -> Result<(), Status> {
        let (uuid, address) = self.caller();
        let request = pb::SellItemRequest {
            uuid,
            address,
            name: name.into(),
            category: pb::Category::CATEGORY_OTHERS,
            quantity,
            price_cents: 100,
            ..pb::SellItemRequest::default()
        };
        self.call("SellItem", &request).map(drop)
    }

    pub fn buy(&self, item: u32) -> Result<(), Status> {
        let (uuid, address) = self.caller();
        let request = pb::BuyItemRequest {
            uuid,
            address,
            item_id: item,
            quantity: 1,
            ..pb::BuyItemRequest::default()
        };
        self.call("BuyItem", &request)?;
        self.orders.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Changes the price of an item.
    pub fn update(&self, item_id: u32) -> Result<(), Status> {
        let (uuid, address) = self.caller();
        let price_cents = Some(pb::UInt64Value { value: 200 });
        let request = pb::UpdateItemRequest {
            uuid,
            address,
            item_id,
            price_cents,
            ..pb::UpdateItemRequest::default()
        };
        self.call("UpdateItem", &request).map(drop)
    }

    pub fn delete(&self, item_id: u32) -> Result<(), Status> {
        let (uuid, address) = self.caller();
        let request = pb::DeleteItemRequest { uuid, address, request_id: 0, item_id };
        self.call("DeleteItem", &request).map(drop)
    }

    pub fn orders_made(&self) -> u64 {
        self.orders.load(Ordering::Relaxed)
    }

    /// Rates an item; a rating that was given before is a success.
    pub fn rate(&self, item: usize) -> Result<(), Status> {
        let (uuid, address) = self.caller();
        let item_id = item as u32;
        let request = pb::RateItemRequest { uuid, address, request_id: 0, item_id, stars: 1 };
        match self.call("RateItem", &request) {
            Err(status) if status.code == agora::call::Code::AlreadyExists => Ok(()),
            result => result.map(drop),
        }
    }

    /// Reads an item; only a leader can say that there is none.
    pub fn show(&self, item: u32) -> Result<(), Status> {
        let consistency = pb::Consistency::CONSISTENCY_LINEARIZABLE;
        self.call("GetItem", &pb::GetItemRequest { item_id: item, consistency }).map(drop)
    }

    pub fn wish(&self, item: usize) -> Result<(), Status> {
        let (uuid, address) = self.caller();
        let item_id = item as u32;
        let request = pb::AddToWishListRequest { uuid, address, request_id: 0, item_id };
        self.call("AddToWishList", &request).map(drop)
    }
}

/// A UUID that belongs to a name.
pub fn uuid(name: &str) -> String {
    let hash = |salt: u64| {
        name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ salt, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(7)
        })
    };
    let (a, b) = (hash(1), hash(2));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 48 & 0xfff,
        b & 0xffff_ffff_ffff
    )
}

/// Relays connections to a server from 127.0.0.2, so that they have another address there. Returns
/// where it listens. It ends with the test's process.
pub fn relay_from_another_address(target: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().to_string();
    let target: SocketAddr = target.parse().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = connect_from(Ipv4Addr::new(127, 0, 0, 2).into(), target) else {
                continue;
            };
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                from.set_nodelay(true).unwrap();
                std::thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    own
}

fn connect_from(source: IpAddr, target: SocketAddr) -> io::Result<TcpStream> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    rustix::net::bind(&socket, &SocketAddr::new(source, 0))?;
    rustix::net::connect(&socket, &target)?;
    Ok(TcpStream::from(socket))
}

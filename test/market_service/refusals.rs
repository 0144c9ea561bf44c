//! Refusals that need no log entry, and clients whose clock was wrong.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use agora::call::Code;
use agora::market::client::{ClientOptions, MarketClient, identity_at};
use agora::market::contract::LAST_REQUEST_ID;
use agora::market::price::Money;
use agora::market::service::AsyncLineWriter;
use agora::market::state::{ItemId, Limits};
use agora::pb::agora_market_v1 as pb;
use agora::session::Protocol;

use crate::fixture::{Fixture, TempFolder, Trader, refused};

/// A client with the identity of a trader.
fn client_of(trader: &Trader, folder: &TempFolder, market: &Fixture) -> MarketClient {
    let file = folder.0.join("trader.uuid");
    std::fs::write(&file, &trader.uuid).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let uuid = identity_at(&file).unwrap();
    let targets = [market.address.to_string()];
    MarketClient::new(&targets, uuid, &trader.address, &ClientOptions::default()).unwrap()
}

#[test]
fn commands_that_are_certain_to_be_refused_are_not_logged() {
    let folder = TempFolder::new();
    let market = Fixture::in_folder(&folder, Limits::DEFAULT, AsyncLineWriter::disabled());
    let [ada, bob, eve] = [1, 2, 3].map(|number| market.trader(number, Protocol::Native));
    ada.register_seller().unwrap();
    let item = ada.sell("iPhone", 50_000, 5).unwrap();
    let gone = ada.sell("Lamp", 100, 5).unwrap();
    ada.delete(gone).unwrap();
    bob.rate(item, 4).unwrap();
    let log = || std::fs::read_to_string(folder.0.join("logs.txt")).unwrap();
    let before = log();

    // Commands of unknown accounts, which stay unknown.
    refused(eve.rate(item, u32::MAX), Code::InvalidArgument, "1 to 5");
    refused(eve.buy(item, 0), Code::InvalidArgument, "1 to ");
    refused(eve.buy(gone, 1), Code::NotFound, "no item 2");
    refused(eve.sell("iPhone", 1, 1), Code::Unauthenticated, "no account");
    refused(eve.delete(item), Code::Unauthenticated, "no account");
    refused(eve.unwish(item), Code::NotFound, "not on your wishlist");
    refused(eve.acknowledge(1), Code::Unauthenticated, "no account");
    let impostor = Trader { address: ada.address.clone(), ..market.trader(4, Protocol::Grpc) };
    refused(impostor.register_buyer(), Code::AlreadyExists, "belongs to somebody else");
    refused(impostor.buy(item, 1), Code::AlreadyExists, "belongs to somebody else");
    // Commands of known accounts.
    refused(ada.register_seller(), Code::AlreadyExists, "already registered");
    refused(ada.sell("", 1, 1), Code::InvalidArgument, "the name is empty");
    refused(ada.sell("iPhone", 0, 1), Code::InvalidArgument, "a price is from");
    refused(ada.update(item, None, None), Code::InvalidArgument, "neither");
    refused(ada.update(gone, Some(1), None), Code::NotFound, "no item 2");
    let other = Trader { address: "bobby".into(), ..market.trader(2, Protocol::Native) };
    other.request_ids.store(1_000, Ordering::Relaxed);
    refused(other.buy(item, 1), Code::Unauthenticated, "no account");
    assert_eq!(log(), before);

    // A late copy of these could succeed, or be refused for another reason: they are logged.
    refused(bob.buy(item, 6), Code::FailedPrecondition, "only 5 left");
    refused(ada.buy(item, 1), Code::PermissionDenied, "your own");
    refused(bob.rate(item, 4), Code::AlreadyExists, "rated item 1 already");
    assert_eq!(log().lines().count(), before.lines().count() + 3);
}

#[test]
fn a_late_copy_of_a_refused_command_is_refused_alike_after_the_item_is_deleted() {
    let folder = TempFolder::new();
    let market = Fixture::in_folder(&folder, Limits::DEFAULT, AsyncLineWriter::disabled());
    let ada = market.seller(1, Protocol::Native);
    let item = ada.sell("iPhone", 50_000, 5).unwrap();
    let purchase = ada.purchase(item, 1);
    refused(ada.call("BuyItem", &purchase), Code::PermissionDenied, "your own");
    ada.delete(item).unwrap();
    refused(ada.call("BuyItem", &purchase), Code::PermissionDenied, "your own");
    refused(ada.buy(item, 1), Code::NotFound, "no item 1");
}

#[test]
fn a_repeated_command_is_answered_without_the_log() {
    let folder = TempFolder::new();
    let market = Fixture::in_folder(&folder, Limits::DEFAULT, AsyncLineWriter::disabled());
    let [ada, bob] = [1, 2].map(|number| market.trader(number, Protocol::Native));
    ada.register_seller().unwrap();
    let item = ada.sell("iPhone", 50_000, 5).unwrap();
    let purchase = bob.purchase(item, 2);
    let bought = bob.call("BuyItem", &purchase).unwrap();
    let log = || std::fs::read_to_string(folder.0.join("logs.txt")).unwrap();
    let before = log();
    assert_eq!(bob.call("BuyItem", &purchase), Ok(bought.clone()));
    ada.delete(item).unwrap();
    assert_eq!(bob.call("BuyItem", &purchase), Ok(bought), "though the item is gone");
    let other = pb::BuyItemRequest { quantity: 1, ..purchase };
    refused(bob.call("BuyItem", &other), Code::InvalidArgument, "used for something else");
    assert_eq!(log().lines().count(), before.lines().count() + 1, "the deletion alone");
}

#[test]
fn a_client_recovers_after_its_clock_was_a_day_ahead() {
    let folder = TempFolder::new();
    let market = Fixture::new();
    let [ada, bob] = [1, 2].map(|number| market.trader(number, Protocol::Native));
    ada.register_seller().unwrap();
    let item = ada.sell("iPhone", 50_000, 1_000).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let tomorrow = now + Duration::from_secs(24 * 60 * 60);
    let ahead = u64::try_from(tomorrow.as_micros()).unwrap();
    bob.request_ids.store(ahead, Ordering::Relaxed);
    let count = Limits::DEFAULT.max_answers_per_account as u64 + 5;
    (0..count).for_each(|_| assert!(bob.buy(item, 1).is_ok()));

    bob.request_ids.store(ahead - 1_000_000, Ordering::Relaxed);
    let low = refused(bob.buy(item, 1), Code::FailedPrecondition, "ascend from");
    let last = low.metadata.get(LAST_REQUEST_ID).unwrap();
    assert_eq!(std::str::from_utf8(last).unwrap(), (ahead + count - 1).to_string());

    let client = client_of(&bob, &folder, &market);
    let order = client.buy(ItemId(item), 2, None).unwrap();
    assert_eq!((order.id.0, order.quantity), (count as u32 + 1, 2), "it was done once");
    client.rate(ItemId(item), 5).unwrap();
}

#[test]
fn a_purchase_with_a_price_limit_of_zero_is_refused() {
    let folder = TempFolder::new();
    let market = Fixture::new();
    let ada = market.seller(1, Protocol::Native);
    let item = ItemId(ada.sell("iPhone", 50_000, 5).unwrap());
    let client = client_of(&market.trader(2, Protocol::Native), &folder, &market);
    let status = client.buy(item, 1, Some(Money::ZERO)).unwrap_err();
    assert_eq!(status.code, Code::InvalidArgument, "{status}");
    assert_eq!(client.item(item).unwrap().quantity, 5);
}

//! Repeated commands: after a restart, and after a snapshot.

use std::sync::atomic::Ordering;

use agora::call::Code;
use agora::market::service::AsyncLineWriter;
use agora::market::state::Limits;
use agora::pb::agora_market_v1 as pb;
use agora::session::Protocol;

use crate::fixture::{Fixture, TempFolder, refused};

/// Restarts the market on its files. All connections are new.
fn restarted(mut market: Fixture, folder: &TempFolder) -> Fixture {
    market.stop();
    Fixture::in_folder(folder, Limits::DEFAULT, AsyncLineWriter::disabled())
}

#[test]
fn a_command_is_executed_once_across_restarts_and_snapshots() {
    let folder = TempFolder::new();
    let mut market = Fixture::in_folder(&folder, Limits::DEFAULT, AsyncLineWriter::disabled());
    let seller = market.seller(1, Protocol::Native);
    let item = seller.sell("Lamp", 500, 100).unwrap();
    let buyer = market.trader(2, Protocol::Native);
    let purchase = buyer.purchase(item, 2);
    let id = purchase.request_id;
    let first = buyer.call("BuyItem", &purchase).unwrap();
    for round in 1..=3 {
        market = restarted(market, &folder);
        let buyer = market.trader(2, Protocol::Grpc);
        let again = pb::BuyItemRequest { request_id: id, ..buyer.purchase(item, 2) };
        assert_eq!(buyer.call("BuyItem", &again).unwrap(), first, "round {round}");
        let other = pb::BuyItemRequest { quantity: 3, ..again };
        refused(buyer.call("BuyItem", &other), Code::InvalidArgument, "request");
        // More commands than one snapshot takes, so that the reply is in a snapshot.
        let seller = market.trader(1, Protocol::Native);
        seller.request_ids.store(1_000 * round, Ordering::Relaxed);
        for _ in 0..30 {
            seller.update(item, Some(400 + round), None).unwrap();
        }
        let bought = buyer.bought(0, "").unwrap();
        assert_eq!(bought.read::<pb::BuyerOrdersResponse<'_>>().orders.len(), 1);
        let left = market.trader(3, Protocol::Native).item(item).unwrap();
        assert_eq!(left.read::<pb::GetItemResponse<'_>>().item.unwrap().quantity, 98);
    }
    assert!(folder.0.join("snapshot.txt").exists());
}

#[test]
fn a_mailbox_and_what_was_acknowledged_survive_a_restart() {
    let folder = TempFolder::new();
    let market = Fixture::in_folder(&folder, Limits::DEFAULT, AsyncLineWriter::disabled());
    let seller = market.seller(1, Protocol::Native);
    let item = seller.sell("Lamp", 500, 100).unwrap();
    let buyer = market.trader(2, Protocol::Native);
    (1..=5).for_each(|order| assert_eq!(buyer.buy(item, 1), Ok(order)));
    assert_eq!(seller.watch(0).ids(5), [1, 2, 3, 4, 5]);
    seller.acknowledge(2).unwrap();
    let market = restarted(market, &folder);
    let seller = market.trader(1, Protocol::Native);
    assert_eq!(seller.watch(0).ids(3), [3, 4, 5], "what is acknowledged does not come again");
    assert_eq!(seller.watch(4).ids(1), [5], "and nothing that the watcher has");
    refused(seller.start_watch(6).next(), Code::OutOfRange, "5");
}

#[test]
fn identities_and_rights_survive_a_restart() {
    let folder = TempFolder::new();
    let market = Fixture::in_folder(&folder, Limits::DEFAULT, AsyncLineWriter::disabled());
    let item = market.seller(1, Protocol::Native).sell("Lamp", 500, 100).unwrap();
    market.seller(2, Protocol::Native);
    let market = restarted(market, &folder);
    let trader = |number| {
        let trader = market.trader(number, Protocol::Native);
        trader.request_ids.store(1_000, Ordering::Relaxed);
        trader
    };
    let stranger = trader(3);
    refused(stranger.delete(item), Code::Unauthenticated, "no account");
    let mut stranger = trader(1);
    stranger.uuid.clear();
    refused(stranger.delete(item), Code::Unauthenticated, "the uuid is empty");
    refused(trader(2).delete(item), Code::PermissionDenied, "");
    trader(1).delete(item).unwrap();
}

#[test]
fn too_long_texts_and_commands_of_unknown_accounts_are_not_logged() {
    let folder = TempFolder::new();
    let market = Fixture::in_folder(&folder, Limits::DEFAULT, AsyncLineWriter::disabled());
    let seller = market.seller(1, Protocol::Native);
    let log = || std::fs::metadata(folder.0.join("logs.txt")).unwrap().len();
    let before = log();
    let long = "x".repeat(1_000_000);
    let offer = pb::SellItemRequest { description: (&*long).into(), ..seller.offer("Lamp", 1, 1) };
    refused(seller.call("SellItem", &offer), Code::InvalidArgument, "2000 bytes");
    let offer = pb::SellItemRequest { name: (&*long).into(), ..seller.offer("Lamp", 1, 1) };
    refused(seller.call("SellItem", &offer), Code::InvalidArgument, "200 bytes");
    let offer = pb::SellItemRequest { address: (&*long).into(), ..seller.offer("Lamp", 1, 1) };
    refused(seller.call("SellItem", &offer), Code::InvalidArgument, "100 bytes");
    let offer = pb::SellItemRequest { uuid: (&*long).into(), ..seller.offer("Lamp", 1, 1) };
    refused(seller.call("SellItem", &offer), Code::Unauthenticated, "uuid");
    assert_eq!(log(), before);
    seller.sell("Lamp", 1, 1).unwrap();
    assert!(log() > before, "the next line comes after them");
}

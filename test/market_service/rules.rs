//! The status code of each refusal, as `proto/agora/market/v1/market_service.proto` documents.

use agora::call::{Code, Status};
use agora::market::contract::FULL;
use agora::market::service::AsyncLineWriter;
use agora::market::state::Limits;
use agora::pb::agora_market_v1 as pb;
use agora::session::Protocol;

use crate::fixture::{Answer, Fixture, Trader, over_both_protocols, refused};

/// A seller with item 1, and a buyer.
fn trade(protocol: Protocol) -> (Fixture, Trader, Trader) {
    let market = Fixture::new();
    let (seller, buyer) = (market.seller(1, protocol), market.trader(2, protocol));
    buyer.register_buyer().unwrap();
    assert_eq!(seller.sell("iPhone", 50_000, 5), Ok(1));
    (market, seller, buyer)
}

/// Every call that needs credentials.
fn everything(trader: &Trader) -> Vec<(&'static str, Result<(), Status>)> {
    let drop_answer = |result: Result<Answer, Status>| result.map(|_| ());
    vec![
        ("SellItem", trader.sell("x", 1, 1).map(|_| ())),
        ("UpdateItem", trader.update(1, Some(1), None)),
        ("DeleteItem", trader.delete(1)),
        ("DisplaySellerItems", drop_answer(trader.own_items(0, ""))),
        ("SellerOrders", drop_answer(trader.sold(0, ""))),
        ("AcknowledgeNotifications", trader.acknowledge(0)),
        ("WatchNotifications", trader.start_watch(0).stands()),
        ("BuyItem", trader.buy(1, 1).map(|_| ())),
        ("AddToWishList", trader.wish(1)),
        ("RemoveFromWishList", trader.unwish(1)),
        ("RateItem", trader.rate(1, 5)),
        ("ViewWishList", drop_answer(trader.wishlist(0, ""))),
        ("BuyerOrders", drop_answer(trader.bought(0, ""))),
        ("RegisterSeller", trader.register_seller()),
        ("RegisterBuyer", trader.register_buyer()),
    ]
}

#[test]
fn an_address_and_an_identity_register_once() {
    over_both_protocols(|protocol| {
        let (market, seller, buyer) = trade(protocol);
        refused(seller.register_seller(), Code::AlreadyExists, "already registered");
        let thief = Trader { address: seller.address.clone(), ..market.trader(9, protocol) };
        refused(thief.register_seller(), Code::AlreadyExists, "belongs to somebody else");
        refused(thief.register_buyer(), Code::AlreadyExists, "belongs to somebody else");
        refused(thief.buy(1, 1), Code::AlreadyExists, "belongs to somebody else");
        buyer.register_buyer().unwrap();
        buyer.register_seller().unwrap();
    });
}

#[test]
fn unknown_accounts_are_refused() {
    over_both_protocols(|protocol| {
        let (market, seller, buyer) = trade(protocol);
        let stranger = market.trader(9, protocol);
        for (method, result) in everything(&stranger).into_iter().take(7) {
            assert_eq!(result.unwrap_err().code, Code::Unauthenticated, "{method}");
        }
        let moved = Trader { address: "elsewhere".into(), uuid: seller.uuid.clone(), ..stranger };
        for (method, result) in everything(&moved).into_iter().take(13) {
            assert_eq!(result.unwrap_err().code, Code::Unauthenticated, "{method}");
        }
        for (method, result) in everything(&buyer).into_iter().take(5) {
            let status = result.unwrap_err();
            assert_eq!(status.code, Code::PermissionDenied, "{method}: {status}");
        }
        let market = "the market is as it was";
        let answer = seller.own_items(0, "").unwrap();
        assert_eq!(answer.read::<pb::DisplaySellerItemsResponse<'_>>().items.len(), 1, "{market}");
    });
}

#[test]
fn an_item_of_another_seller_cannot_be_changed() {
    over_both_protocols(|protocol| {
        let (market, seller, _) = trade(protocol);
        let other = market.seller(3, protocol);
        refused(other.update(1, Some(1), None), Code::PermissionDenied, "another seller's");
        refused(other.delete(1), Code::PermissionDenied, "another seller's");
        for result in [seller.buy(1, 1).map(|_| ()), seller.wish(1), seller.rate(1, 5)] {
            refused(result, Code::PermissionDenied, "item 1 is your own");
        }
    });
}

#[test]
fn missing_items_are_not_found() {
    over_both_protocols(|protocol| {
        let (_market, seller, buyer) = trade(protocol);
        for item in [0, 2, u32::MAX] {
            refused(seller.update(item, Some(1), None), Code::NotFound, "there is no item");
            refused(seller.delete(item), Code::NotFound, "there is no item");
            refused(buyer.item(item), Code::NotFound, "there is no item");
            refused(buyer.buy(item, 1), Code::NotFound, "there is no item");
            refused(buyer.wish(item), Code::NotFound, "there is no item");
            refused(buyer.unwish(item), Code::NotFound, "not on your wishlist");
            refused(buyer.rate(item, 5), Code::NotFound, "there is no item");
        }
    });
}

#[test]
fn numbers_and_texts_are_bounded() {
    over_both_protocols(|protocol| {
        let (market, seller, buyer) = trade(protocol);
        let offer = |change: &dyn Fn(&mut pb::SellItemRequest<'_>)| {
            let mut offer = seller.offer("iPhone", 1, 1);
            change(&mut offer);
            seller.call("SellItem", &offer)
        };
        let invalid = Code::InvalidArgument;
        refused(offer(&|offer| offer.quantity = 0), invalid, "a quantity is from 1 to 1000000");
        refused(offer(&|offer| offer.quantity = 1_000_001), invalid, "a quantity");
        refused(offer(&|offer| offer.price_cents = 0), invalid, "a price is from $0.01");
        refused(offer(&|offer| offer.price_cents = u64::MAX), invalid, "a price");
        refused(offer(&|offer| offer.name = "".into()), invalid, "the name is empty");
        refused(offer(&|offer| offer.name = "x".repeat(201).into()), invalid, "200 bytes");
        refused(offer(&|offer| offer.name = "a\nb".into()), invalid, "control characters");
        refused(offer(&|offer| offer.description = "x".repeat(2001).into()), invalid, "2000 bytes");
        for category in [pb::Category::CATEGORY_UNSPECIFIED, pb::Category::CATEGORY_ANY] {
            refused(offer(&|offer| offer.category = category), invalid, "category");
        }
        refused(seller.update(1, None, None), invalid, "neither");
        refused(seller.update(1, Some(0), None), invalid, "a price");
        refused(seller.update(1, None, Some(1_000_001)), invalid, "stock");
        refused(buyer.buy(1, 0), invalid, "a quantity");
        refused(buyer.buy(1, u32::MAX), invalid, "a quantity");
        for stars in [0, 6, u32::MAX] {
            refused(buyer.rate(1, stars), invalid, "from 1 to 5 stars");
        }
        for address in ["", " x", "a\u{1b}[2J", &"x".repeat(101)] {
            let stranger = Trader { address: address.into(), ..market.trader(9, protocol) };
            refused(stranger.register_seller(), invalid, "address");
            refused(stranger.buy(1, 1), invalid, "address");
        }
        refused(buyer.search(&"x".repeat(201)), invalid, "200 bytes");
    });
}

#[test]
fn a_purchase_checks_stock_and_price() {
    over_both_protocols(|protocol| {
        let (_market, seller, buyer) = trade(protocol);
        refused(buyer.buy(1, 6), Code::FailedPrecondition, "only 5 left");
        buyer.buy(1, 3).unwrap();
        refused(buyer.buy(1, 3), Code::FailedPrecondition, "only 2 left");
        let max_price = |max_price_cents| {
            let purchase = buyer.purchase(1, 1);
            buyer.call("BuyItem", &pb::BuyItemRequest { max_price_cents, ..purchase })
        };
        refused(max_price(49_999), Code::FailedPrecondition, "the price is $500 now");
        max_price(50_000).unwrap();
        seller.update(1, Some(40_000), None).unwrap();
        max_price(50_000).unwrap();
        refused(buyer.buy(1, 1), Code::FailedPrecondition, "sold out");
    });
}

#[test]
fn an_item_is_rated_once() {
    over_both_protocols(|protocol| {
        let (_market, _seller, buyer) = trade(protocol);
        buyer.rate(1, 4).unwrap();
        refused(buyer.rate(1, 5), Code::AlreadyExists, "you have rated item 1 already");
    });
}

#[test]
fn an_unsent_notification_cannot_be_acknowledged() {
    over_both_protocols(|protocol| {
        let (_market, seller, buyer) = trade(protocol);
        buyer.buy(1, 1).unwrap();
        refused(seller.acknowledge(2), Code::OutOfRange, "the last notification is number 1");
        seller.acknowledge(1).unwrap();
    });
}

#[test]
fn a_full_market_is_refused() {
    let limits = Limits { max_items: 1, max_wishes: 0, ..Limits::DEFAULT };
    let market = Fixture::with(limits, AsyncLineWriter::disabled());
    let seller = market.seller(1, Protocol::Grpc);
    seller.sell("a", 1, 1).unwrap();
    let no_items =
        refused(seller.sell("b", 1, 1), Code::ResourceExhausted, "the market takes no new items");
    let buyer = market.trader(2, Protocol::Grpc);
    let no_wishes = refused(buyer.wish(1), Code::ResourceExhausted, "your wishlist is full");
    // A client must be able to tell it from a busy server.
    for status in [no_items, no_wishes] {
        assert!(status.metadata.get(FULL).is_some(), "{status:?}");
    }
}

#[test]
fn a_retry_gets_the_first_answer_and_changes_nothing() {
    over_both_protocols(|protocol| {
        let (market, seller, buyer) = trade(protocol);
        let purchase = buyer.purchase(1, 2);
        let first = buyer.call("BuyItem", &purchase).unwrap();
        // The answer was lost; the client retries on another connection.
        let again = Trader { channel: market.channel(protocol), ..market.trader(2, protocol) };
        assert_eq!(again.call("BuyItem", &purchase), Ok(first));
        let left = |answer: Answer| answer.read::<pb::GetItemResponse<'_>>().item.unwrap().quantity;
        assert_eq!(left(buyer.item(1).unwrap()), 3);

        let other = pb::BuyItemRequest { quantity: 1, ..purchase.clone() };
        refused(buyer.call("BuyItem", &other), Code::InvalidArgument, "something else");
        let refusal = buyer.purchase(1, 4);
        refused(buyer.call("BuyItem", &refusal), Code::FailedPrecondition, "only 3 left");
        seller.update(1, None, Some(9)).unwrap();
        refused(buyer.call("BuyItem", &refusal), Code::FailedPrecondition, "only 3 left");

        let unprotected = pb::BuyItemRequest { request_id: 0, ..purchase };
        buyer.call("BuyItem", &unprotected).unwrap();
        buyer.call("BuyItem", &unprotected).unwrap();
        assert_eq!(left(buyer.item(1).unwrap()), 5);
    });
}

#[test]
fn a_retried_update_of_a_deleted_item_returns_no_item() {
    let (_market, seller, _) = trade(Protocol::Grpc);
    let request = pb::UpdateItemRequest {
        uuid: (&*seller.uuid).into(),
        address: (&*seller.address).into(),
        request_id: seller.request_id(),
        item_id: 1,
        price_cents: None,
        quantity: Some(pb::UInt32Value { value: 7 }),
    };
    let first = seller.call("UpdateItem", &request).unwrap();
    assert_eq!(first.read::<pb::UpdateItemResponse<'_>>().item.unwrap().quantity, 7);
    seller.delete(1).unwrap();
    let again = seller.call("UpdateItem", &request).unwrap();
    assert_eq!(again.read::<pb::UpdateItemResponse<'_>>().item, None);
}

#[test]
fn a_forgotten_request_id_is_refused() {
    let limits = Limits { max_answers_per_account: 2, ..Limits::DEFAULT };
    let market = Fixture::with(limits, AsyncLineWriter::disabled());
    let (seller, buyer) = (market.seller(1, Protocol::Native), market.trader(2, Protocol::Native));
    let item = seller.sell("iPhone", 1, 100).unwrap();
    let first = buyer.purchase(item, 1);
    buyer.call("BuyItem", &first).unwrap();
    buyer.buy(item, 1).unwrap();
    buyer.buy(item, 1).unwrap();
    refused(buyer.call("BuyItem", &first), Code::FailedPrecondition, "too old");
}

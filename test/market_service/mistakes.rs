//! Mistakes that implementations of the course version have, as far as the service can show them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use agora::call::Code;
use agora::pb::agora_market_v1 as pb;
use agora::session::Protocol;

use crate::fixture::{BOTH, Fixture, Trader, over_both_protocols, refused};

#[test]
fn an_empty_or_malformed_uuid_is_unauthenticated() {
    over_both_protocols(|protocol| {
        let market = Fixture::new();
        let seller = market.seller(1, protocol);
        seller.sell("iPhone", 1, 1).unwrap();
        for uuid in [
            "",
            "1",
            "00000001-a6e5-41ed-906b-76aef1e817c",
            "00000001-a6e5-41ed-906b-76aef1e817c5 ",
            "00000000-0000-0000-0000-000000000000",
            &"0".repeat(1_000_000),
        ] {
            let address = seller.address.clone();
            let stranger = Trader { uuid: uuid.into(), address, ..market.trader(9, protocol) };
            refused(stranger.register_seller(), Code::Unauthenticated, "uuid");
            refused(stranger.register_buyer(), Code::Unauthenticated, "uuid");
            refused(stranger.sell("x", 1, 1), Code::Unauthenticated, "uuid");
            refused(stranger.own_items(0, ""), Code::Unauthenticated, "uuid");
            refused(stranger.buy(1, 1), Code::Unauthenticated, "uuid");
            refused(stranger.bought(0, ""), Code::Unauthenticated, "uuid");
            refused(stranger.start_watch(0).next(), Code::Unauthenticated, "uuid");
        }
    });
}

#[test]
fn the_connection_does_not_identify_the_caller() {
    let market = Fixture::new();
    let seller = market.seller(1, Protocol::Grpc);
    let item = seller.sell("iPhone", 1, 2).unwrap();
    // The same account over another port and another protocol.
    let again = market.trader(1, Protocol::Native);
    again.request_ids.store(100, Ordering::Relaxed);
    again.update(item, Some(2), None).unwrap();
    // Two accounts over one connection.
    let (ada, bob) = (Trader::new(seller.channel.clone(), 2), Trader::new(seller.channel, 3));
    ada.buy(item, 1).unwrap();
    ada.rate(item, 5).unwrap();
    bob.rate(item, 4).unwrap();
    refused(ada.rate(item, 1), Code::AlreadyExists, "already");
    refused(bob.delete(item), Code::PermissionDenied, "not a registered seller");
}

/// The check of the stock and its decrement are one step.
#[test]
fn sixty_four_concurrent_buyers_of_a_thousand_pieces_get_exactly_a_thousand() {
    let market = Fixture::new();
    let seller = market.seller(1, Protocol::Grpc);
    let item = seller.sell("iPhone", 100, 1_000).unwrap();
    let sold = AtomicU32::new(0);
    thread::scope(|scope| {
        for number in 0..64 {
            let buyer = market.trader(100 + number, BOTH[number as usize % 2]);
            let sold = &sold;
            scope.spawn(move || {
                loop {
                    match buyer.buy(item, 1 + number as u32 % 3) {
                        Ok(_) => sold.fetch_add(1 + number as u32 % 3, Ordering::Relaxed),
                        Err(status) if status.message.starts_with("only") => {
                            assert_eq!(status.code, Code::FailedPrecondition);
                            continue;
                        }
                        Err(status) => {
                            assert_eq!(status.message, "sold out", "{status}");
                            break;
                        }
                    };
                }
            });
        }
        // Buyers of two or three pieces stop when fewer are left.
        scope.spawn(|| {
            let last = market.trader(99, Protocol::Grpc);
            while last.buy(item, 1).map(|_| sold.fetch_add(1, Ordering::Relaxed)).is_ok() {}
        });
    });
    assert_eq!(sold.into_inner(), 1_000);
    let answer = seller.item(item).unwrap();
    assert_eq!(answer.read::<pb::GetItemResponse<'_>>().item.unwrap().quantity, 0);
    let (mut pieces, mut token) = (0, String::new());
    loop {
        let answer = seller.sold(0, &token).unwrap();
        let page = answer.read::<pb::SellerOrdersResponse<'_>>();
        pieces += page.orders.iter().map(|order| order.quantity).sum::<u32>();
        token = page.next_page_token.into_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(pieces, 1_000, "the orders have the same sum");
}

#[test]
fn lists_are_sorted_by_number_not_as_text() {
    let market = Fixture::new();
    let (seller, buyer) = (market.seller(1, Protocol::Grpc), market.trader(2, Protocol::Grpc));
    let items: Vec<u32> = (0..12).map(|_| seller.sell("iPhone", 1, 1).unwrap()).collect();
    assert_eq!(items, (1..=12).collect::<Vec<_>>());
    for &item in items.iter().rev() {
        buyer.wish(item).unwrap();
    }
    let answer = buyer.wishlist(0, "").unwrap();
    let wished = answer.read::<pb::ViewWishListResponse<'_>>().items;
    assert_eq!(wished.iter().map(|item| item.id).collect::<Vec<_>>(), items);
}

#[test]
fn the_first_rating_counts_and_the_second_is_refused() {
    let market = Fixture::new();
    let (seller, buyer) = (market.seller(1, Protocol::Grpc), market.trader(2, Protocol::Native));
    let item = seller.sell("iPhone", 1, 1).unwrap();
    buyer.rate(item, 3).unwrap();
    refused(buyer.rate(item, 5), Code::AlreadyExists, "already");
    let answer = seller.item(item).unwrap();
    let item = answer.read::<pb::GetItemResponse<'_>>().item.unwrap();
    assert_eq!((item.rating_sum, item.rating_count), (3, 1));
}

#[test]
fn a_dead_watch_delays_nothing_and_fails_nothing() {
    let market = Fixture::new();
    let seller = market.seller(1, Protocol::Grpc);
    let item = seller.sell("iPhone", 1, 1).unwrap();
    // One that never reads, one whose connection is cut, and a good one.
    let watchers: Vec<Trader> =
        (2..=4).map(|number| market.trader(number, Protocol::Grpc)).collect();
    watchers.iter().for_each(|watcher| watcher.wish(item).unwrap());
    let mut watches: Vec<_> = watchers.iter().map(|watcher| watcher.watch(0)).collect();
    let mut well = watches.pop().unwrap();
    drop(watches.pop());
    for price in 1..=500 {
        seller.update(item, Some(price), None).unwrap();
        assert_eq!(well.next().unwrap().price_cents, price);
    }
}

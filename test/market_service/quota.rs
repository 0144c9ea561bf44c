//! The quota over calls: what is refused, and what goes on at the quota.

use agora::call::{Code, Status};
use agora::market::contract::FULL;
use agora::session::Protocol;

use crate::fixture::{Fixture, TempFolder, Trader};

const QUOTA: u64 = 20_000;
/// An account with an address of 19 bytes.
const ACCOUNT: u64 = 512 + 19;
/// An item with a name of four bytes and the description "As new.".
const ITEM: u64 = 768 + 3 * (4 + 7);
const ORDER: u64 = 96;
const WISH: u64 = 96;
const NOTIFICATION: u64 = 96;

fn fixture() -> (TempFolder, Fixture) {
    let folder = TempFolder::new();
    let fixture = Fixture::with_quota(&folder, QUOTA);
    (folder, fixture)
}

/// Lists items until one is refused.
fn fill(seller: &Trader) -> (Vec<u32>, Status) {
    let mut items = Vec::new();
    loop {
        match seller.sell("lamp", 500, 100) {
            Ok(item) => items.push(item),
            Err(refused) => return (items, refused),
        }
    }
}

fn is_full<T: std::fmt::Debug>(refused: Result<T, Status>) -> bool {
    let refused = refused.unwrap_err();
    refused.code == Code::ResourceExhausted
        && refused.metadata.get(FULL).is_some()
        && refused.message.contains("--quota-bytes")
}

/// Buys until there is no space for another order.
fn buy_until_full(buyer: &Trader, item: u32) -> u32 {
    let mut orders = 0;
    while let Ok(order) = buyer.buy(item, 1) {
        orders = order;
    }
    orders
}

#[test]
fn a_full_market_refuses_what_makes_it_larger_and_nothing_else() {
    let (_folder, fixture) = fixture();
    let (seller, buyer) =
        (fixture.seller(10, Protocol::Grpc), fixture.trader(11, Protocol::Native));
    buyer.register_buyer().unwrap();
    let wished = seller.sell("lamp", 500, 100).unwrap();
    buyer.wish(wished).unwrap();
    let before = 2 * ACCOUNT + ITEM + WISH;
    assert_eq!(fixture.size_bytes(), before);
    let (items, refused) = fill(&seller);
    let size = before + items.len() as u64 * ITEM;
    assert_eq!(items.len() as u64, (QUOTA - before) / ITEM);
    assert_eq!(fixture.size_bytes(), size);
    for words in [&size.to_string(), "20000 bytes", "--quota-bytes", "delete items"] {
        assert!(refused.message.contains(words), "{words}: {}", refused.message);
    }
    assert_eq!(refused.code, Code::ResourceExhausted);
    assert!(refused.metadata.get(FULL).is_some(), "a client does not retry");

    // Smaller things than an item still fit; then nothing does.
    let orders = buy_until_full(&buyer, items[0]);
    assert_eq!(u64::from(orders), (QUOTA - size) / (ORDER + NOTIFICATION));
    if fixture.size_bytes() + WISH <= QUOTA {
        buyer.wish(items[0]).unwrap();
    }
    assert!(fixture.size_bytes() + WISH > QUOTA);
    let sold_before = fixture.size_bytes();
    assert!(is_full(buyer.buy(items[1], 1)), "refused before it is sold");
    assert!(is_full(buyer.wish(items[1])));
    assert!(is_full(buyer.rate(items[1], 5)));
    assert!(is_full(fixture.trader(12, Protocol::Grpc).register_buyer()));
    assert!(is_full(fixture.trader(13, Protocol::Grpc).register_seller()));
    assert!(is_full(fixture.trader(14, Protocol::Grpc).buy(items[1], 1)));
    assert!(is_full(seller.update(wished, Some(400), None)), "the wisher would be notified");
    assert_eq!(fixture.size_bytes(), sold_before);

    // What goes on: reads, updates that notify nobody, acknowledgements, removals, repeated calls.
    assert!(buyer.item(items[0]).is_ok() && buyer.search("lamp").is_ok());
    seller.update(items[1], Some(450), Some(7)).unwrap();
    buyer.register_buyer().unwrap();
    seller.acknowledge(u64::from(orders)).unwrap();
    assert_eq!(fixture.size_bytes(), sold_before - u64::from(orders) * NOTIFICATION);
    buyer.unwish(wished).unwrap();
    seller.update(wished, Some(400), None).unwrap();
    for item in &items {
        let size = fixture.size_bytes();
        seller.delete(*item).unwrap();
        assert!(fixture.size_bytes() < size);
    }
    let again = fill(&seller).0;
    assert!(again.len() + 2 >= items.len(), "deletions make space");
}

#[test]
fn a_restarted_market_counts_alike_and_a_smaller_quota_keeps_what_there_is() {
    let (folder, mut fixture) = fixture();
    let (seller, buyer) =
        (fixture.seller(10, Protocol::Grpc), fixture.trader(11, Protocol::Native));
    let item = seller.sell("lamp", 500, 100).unwrap();
    buyer.wish(item).unwrap();
    buyer.rate(item, 5).unwrap();
    buyer.buy(item, 2).unwrap();
    seller.update(item, Some(400), None).unwrap();
    let (items, _) = fill(&seller);
    // Sold and wished for: it leaves more behind than others.
    seller.delete(item).unwrap();
    let size = fixture.size_bytes();
    fixture.stop();
    drop(fixture);
    let mut fixture = Fixture::with_quota(&folder, 1_000);
    assert_eq!(fixture.size_bytes(), size);
    let seller_again = Trader::new(fixture.channel(Protocol::Grpc), 10);
    seller_again.request_ids.store(1_000, std::sync::atomic::Ordering::Relaxed);
    assert!(is_full(seller_again.sell("lamp", 500, 100)));
    seller_again.delete(items[0]).unwrap();
    assert_eq!(fixture.size_bytes(), size - ITEM);
    fixture.stop();
}

/// Sellers that fill the market at the same time get no more than the quota, and no less.
#[test]
fn concurrent_sellers_fill_it_exactly() {
    let (_folder, fixture) = fixture();
    let sellers: Vec<Trader> =
        (10..18).map(|number| fixture.seller(number, Protocol::Grpc)).collect();
    let before = fixture.size_bytes();
    assert_eq!(before, 8 * ACCOUNT);
    let listed: u64 = std::thread::scope(|scope| {
        let list =
            |seller: &Trader| (0..10).filter(|_| seller.sell("lamp", 1, 1).is_ok()).count() as u64;
        let running: Vec<_> =
            sellers.iter().map(|seller| scope.spawn(move || list(seller))).collect();
        running.into_iter().map(|seller| seller.join().unwrap()).sum()
    });
    assert_eq!(listed, (QUOTA - before) / ITEM);
    assert_eq!(fixture.size_bytes(), before + listed * ITEM);
}

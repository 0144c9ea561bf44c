//! Every call behaves as `proto/agora/market/v1` documents.

use agora::call::Code;
use agora::market::service::NAME;
use agora::pb::agora_market_v1 as pb;
use agora::pb::grpc_health_v1::mod_HealthCheckResponse::ServingStatus;
use agora::pb::grpc_health_v1::{HealthCheckRequest, HealthCheckResponse};
use agora::protobuf::{decode, encode};
use agora::rpc::CallOptions;

use crate::fixture::{Fixture, LONG, eventually, over_both_protocols, refused};

#[test]
fn an_item_is_sold_queried_updated_and_deleted() {
    over_both_protocols(|protocol| {
        let market = Fixture::new();
        let (seller, buyer) = (market.seller(1, protocol), market.trader(2, protocol));
        assert_eq!(seller.sell("iPhone", 50_000, 5).unwrap(), 1);
        assert_eq!(seller.sell("iPad", 40_000, 6).unwrap(), 2);

        let answer = buyer.item(1).unwrap();
        let item = answer.read::<pb::GetItemResponse<'_>>().item.unwrap();
        let listed = pb::Item {
            id: 1,
            name: "iPhone".into(),
            category: pb::Category::CATEGORY_ELECTRONICS,
            description: "As new.".into(),
            price_cents: 50_000,
            quantity: 5,
            seller_address: "192.13.188.1:50051".into(),
            rating_count: 0,
            rating_sum: 0,
        };
        assert_eq!(item, listed);

        let request = pb::UpdateItemRequest {
            uuid: (&*seller.uuid).into(),
            address: (&*seller.address).into(),
            request_id: 0,
            item_id: 1,
            price_cents: Some(pb::UInt64Value { value: 49_999 }),
            quantity: None,
        };
        let answer = seller.call("UpdateItem", &request).unwrap();
        let item = answer.read::<pb::UpdateItemResponse<'_>>().item.unwrap();
        assert_eq!(item, pb::Item { price_cents: 49_999, ..listed.clone() });

        seller.update(1, None, Some(0)).unwrap();
        let answer = seller.own_items(0, "").unwrap();
        let items = answer.read::<pb::DisplaySellerItemsResponse<'_>>().items;
        let sold_out = pb::Item { price_cents: 49_999, quantity: 0, ..listed };
        assert_eq!((items.len(), &items[0], items[1].id), (2, &sold_out, 2));

        seller.delete(1).unwrap();
        refused(buyer.item(1), Code::NotFound, "there is no item 1");
        assert_eq!(seller.sell("iPod", 10_000, 1).unwrap(), 3, "numbers are not used again");
    });
}

#[test]
fn buying_makes_an_order_that_both_sides_see() {
    over_both_protocols(|protocol| {
        let market = Fixture::new();
        let (seller, buyer) = (market.seller(1, protocol), market.trader(2, protocol));
        let item = seller.sell("iPhone", 49_999, 5).unwrap();
        let answer = buyer.call("BuyItem", &buyer.purchase(item, 2)).unwrap();
        let order = answer.read::<pb::BuyItemResponse<'_>>().order.unwrap();
        let expected = pb::Order {
            id: 1,
            item_id: 1,
            item_name: "iPhone".into(),
            quantity: 2,
            price_cents: 49_999,
            total_cents: 99_998,
            seller_address: "192.13.188.1:50051".into(),
            buyer_address: "192.13.188.2:50051".into(),
            ordered_at_ms: order.ordered_at_ms,
        };
        assert_eq!(order, expected);
        let ago = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64
            - order.ordered_at_ms;
        assert!(ago < 60_000, "ordered {ago} ms ago");

        assert_eq!(buyer.buy(item, 1), Ok(2));
        seller.update(item, Some(1), None).unwrap();
        seller.delete(item).unwrap();
        let bought = buyer.bought(0, "").unwrap();
        let bought = bought.read::<pb::BuyerOrdersResponse<'_>>();
        assert_eq!((bought.orders[0].id, &bought.orders[1]), (2, &expected), "newest first");
        let sold = seller.sold(0, "").unwrap();
        assert_eq!(sold.read::<pb::SellerOrdersResponse<'_>>().orders, bought.orders);
        let none = buyer.sold(0, "");
        refused(none, Code::PermissionDenied, "not a registered seller");
    });
}

#[test]
fn a_wishlist_grows_and_shrinks() {
    over_both_protocols(|protocol| {
        let market = Fixture::new();
        let (seller, buyer) = (market.seller(1, protocol), market.trader(2, protocol));
        for name in ["a", "b", "c"] {
            seller.sell(name, 100, 1).unwrap();
        }
        let wished = || {
            let answer = buyer.wishlist(0, "").unwrap();
            let items = answer.read::<pb::ViewWishListResponse<'_>>().items;
            items.iter().map(|item| item.id).collect::<Vec<_>>()
        };
        assert!(wished().is_empty(), "a buyer without an account has an empty list");
        [3, 1, 3].iter().for_each(|&item| buyer.wish(item).unwrap());
        assert_eq!(wished(), [1, 3]);
        buyer.unwish(3).unwrap();
        refused(buyer.unwish(3), Code::NotFound, "item 3 is not on your wishlist");
        seller.delete(1).unwrap();
        assert!(wished().is_empty());
    });
}

#[test]
fn ratings_add_up() {
    over_both_protocols(|protocol| {
        let market = Fixture::new();
        let seller = market.seller(1, protocol);
        let item = seller.sell("iPhone", 100, 1).unwrap();
        for (number, stars) in [(2, 5), (3, 4), (4, 4)] {
            market.trader(number, protocol).rate(item, stars).unwrap();
        }
        let answer = seller.item(item).unwrap();
        let item = answer.read::<pb::GetItemResponse<'_>>().item.unwrap();
        assert_eq!((item.rating_sum, item.rating_count), (13, 3));
    });
}

#[test]
fn a_search_finds_words_prefixes_and_categories_in_any_order() {
    over_both_protocols(|protocol| {
        let market = Fixture::new();
        let seller = market.seller(1, protocol);
        for (name, category, price) in [
            ("iPhone 15", pb::Category::CATEGORY_ELECTRONICS, 300),
            ("iPhone case", pb::Category::CATEGORY_FASHION, 100),
            ("Tea", pb::Category::CATEGORY_OTHERS, 200),
        ] {
            let offer = seller.offer(name, price, 1);
            seller.call("SellItem", &pb::SellItemRequest { category, ..offer }).unwrap();
        }
        let found = |name: &'static str, category, sort_order| {
            let request = pb::SearchItemRequest {
                name: name.into(),
                category,
                sort_order,
                ..Default::default()
            };
            let answer = seller.call("SearchItem", &request).unwrap();
            let page = answer.read::<pb::SearchItemResponse<'_>>();
            assert_eq!((page.total as usize, &*page.next_page_token), (page.items.len(), ""));
            page.items.iter().map(|item| item.id).collect::<Vec<_>>()
        };
        let any = pb::Category::CATEGORY_ANY;
        let sorted = |order| found("", any, order);
        assert_eq!(sorted(pb::SortOrder::SORT_ORDER_UNSPECIFIED), [1, 2, 3]);
        assert_eq!(sorted(pb::SortOrder::SORT_ORDER_RELEVANCE), [1, 2, 3]);
        assert_eq!(sorted(pb::SortOrder::SORT_ORDER_PRICE_UP), [2, 3, 1]);
        assert_eq!(sorted(pb::SortOrder::SORT_ORDER_PRICE_DOWN), [1, 3, 2]);
        assert_eq!(sorted(pb::SortOrder::SORT_ORDER_NAME), [1, 2, 3]);
        assert_eq!(sorted(pb::SortOrder::SORT_ORDER_NEWEST), [3, 2, 1]);
        market.trader(2, protocol).rate(3, 5).unwrap();
        assert_eq!(sorted(pb::SortOrder::SORT_ORDER_RATING), [3, 1, 2]);

        let relevance = pb::SortOrder::SORT_ORDER_UNSPECIFIED;
        assert_eq!(found("IPHONE", any, relevance), [1, 2]);
        assert_eq!(found("iph* ca*", any, relevance), [2]);
        assert!(found("iph", any, relevance).is_empty());
        assert_eq!(found("new", any, relevance), [1, 2, 3], "descriptions count");
        assert_eq!(found("*", pb::Category::CATEGORY_UNSPECIFIED, relevance), [1, 2, 3]);
        assert_eq!(found("iphone", pb::Category::CATEGORY_FASHION, relevance), [2]);
    });
}

#[test]
fn long_lists_are_returned_in_pages() {
    over_both_protocols(|protocol| {
        let market = Fixture::new();
        let (seller, buyer) = (market.seller(1, protocol), market.trader(2, protocol));
        for _ in 0..7 {
            let item = seller.sell("iPhone", 100, 1).unwrap();
            buyer.wish(item).unwrap();
            buyer.buy(item, 1).unwrap();
        }
        /// Reads all pages and collects the numbers.
        macro_rules! pages {
            ($response:ident, $entries:ident, $read:expr) => {{
                let (mut numbers, mut token) = (Vec::new(), String::new());
                loop {
                    let answer = $read(&*token);
                    let page = answer.read::<pb::$response<'_>>();
                    assert!(page.$entries.len() <= 3);
                    numbers.extend(page.$entries.iter().map(|entry| entry.id));
                    token = page.next_page_token.clone().into_owned();
                    if token.is_empty() {
                        break numbers;
                    }
                }
            }};
        }
        let ascending = [1, 2, 3, 4, 5, 6, 7];
        let descending = [7, 6, 5, 4, 3, 2, 1];
        let own = |token: &str| seller.own_items(3, token).unwrap();
        assert_eq!(pages!(DisplaySellerItemsResponse, items, own), ascending);
        let wished = |token: &str| buyer.wishlist(3, token).unwrap();
        assert_eq!(pages!(ViewWishListResponse, items, wished), ascending);
        let bought = |token: &str| buyer.bought(3, token).unwrap();
        assert_eq!(pages!(BuyerOrdersResponse, orders, bought), descending);
        let sold = |token: &str| seller.sold(3, token).unwrap();
        assert_eq!(pages!(SellerOrdersResponse, orders, sold), descending);
        let found = |token: &str| {
            let (name, page_token) = ("iphone".into(), token.to_owned().into());
            let rest = pb::SearchItemRequest::default();
            let request = pb::SearchItemRequest { name, page_token, page_size: 3, ..rest };
            let answer = buyer.call("SearchItem", &request).unwrap();
            assert_eq!(answer.read::<pb::SearchItemResponse<'_>>().total, 7);
            answer
        };
        assert_eq!(pages!(SearchItemResponse, items, found), ascending);
        for token in ["x", "-1", "4294967296", "1 "] {
            refused(buyer.bought(3, token), Code::InvalidArgument, "page token");
        }
    });
}

#[test]
fn the_leader_is_healthy() {
    over_both_protocols(|protocol| {
        let market = Fixture::new();
        let channel = market.channel(protocol);
        for name in ["", NAME, &format!("{NAME}/leader")] {
            eventually("it serves", || {
                let request = encode(&HealthCheckRequest { service: name.into() });
                let options = CallOptions { timeout: Some(LONG), ..CallOptions::default() };
                let answer = channel.unary("/grpc.health.v1.Health/Check", &request, &options);
                let answer = answer.unwrap();
                decode::<HealthCheckResponse>(&answer).unwrap().status == ServingStatus::SERVING
            });
        }
    });
}

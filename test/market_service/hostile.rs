//! Malformed messages and invalid requests are refused and change nothing.

use agora::call::{Code, Status};
use agora::pb::agora_market_v1 as pb;
use agora::protobuf::encode;
use agora::rpc::CallOptions;
use agora::session::Protocol;

use crate::fixture::{Fixture, Trader, UNARY, over_both_protocols, path, refused};
use crate::seed::each_seed;

fn send(trader: &Trader, method: &str, message: &[u8]) -> Result<Vec<u8>, Status> {
    trader.channel.unary(&path(method), message, &CallOptions::default())
}

#[test]
fn malformed_protobuf_is_an_internal_error() {
    over_both_protocols(|protocol| {
        let market = Fixture::new();
        let trader = market.trader(1, protocol);
        // A length beyond the end, a tag without a value, the first field with wrong wire types.
        let texts: [&[u8]; 4] = [b"\x0a\xff", b"\x0a", b"\x08\x01", b"\x0a\x02\xff\xfe"];
        for method in UNARY {
            for message in texts {
                if method == "GetItem" && message == b"\x08\x01" {
                    continue;
                }
                refused(send(&trader, method, message), Code::Internal, "");
            }
        }
        refused(send(&trader, "GetItem", b"\x0d\x01\x00\x00\x00"), Code::Internal, "");
        // Item 2^32 + 1 is not item 1.
        refused(send(&trader, "GetItem", b"\x08\x81\x80\x80\x80\x10"), Code::Internal, "");
        let mut watch = trader.channel.start(&path("WatchNotifications"), &CallOptions::default());
        let watch = watch.as_mut().unwrap();
        watch.send_last(b"\x0a\xff").unwrap();
        refused(watch.receive(), Code::Internal, "");
    });
}

#[test]
fn an_empty_message_is_refused() {
    over_both_protocols(|protocol| {
        let market = Fixture::new();
        let trader = market.trader(1, protocol);
        for method in UNARY {
            let result = send(&trader, method, b"");
            match method {
                "SearchItem" => assert_eq!(result, Ok(Vec::new()), "all items: there are none"),
                "GetItem" => drop(refused(result, Code::NotFound, "there is no item 0")),
                "SellItem" => drop(refused(result, Code::InvalidArgument, "category")),
                _ => drop(refused(result, Code::Unauthenticated, "the uuid is empty")),
            }
        }
    });
}

#[test]
fn unknown_fields_are_ignored() {
    let market = Fixture::new();
    let seller = market.seller(1, Protocol::Grpc);
    let mut message = encode(&seller.offer("iPhone", 1, 1));
    message.extend_from_slice(b"\xfa\x7f\x03new\xf8\x7f\x2a");
    send(&seller, "SellItem", &message).unwrap();
}

/// Damaged purchases are executed as they say or refused, and the market continues.
#[test]
fn damaged_requests_change_nothing_else() {
    let market = Fixture::new();
    let seller = market.seller(1, Protocol::Grpc);
    let item = seller.sell("iPhone", 1, 1_000_000).unwrap();
    let buyer = market.trader(2, Protocol::Native);
    each_seed(|seed| {
        // One call in twenty, because each takes a round trip; the decoder has its own tests.
        if !seed.one_in(20) {
            return;
        }
        let mut message = encode(&buyer.purchase(item, 1));
        seed.mutate(&mut message);
        let method: &str = seed.pick::<&str>(&UNARY);
        if let Err(status) = send(&buyer, method, &message) {
            let code = status.code;
            assert!(!matches!(code, Code::Unknown | Code::Unavailable), "{status}");
        }
    });
    let answer = seller.own_items(0, "").unwrap();
    let items = answer.read::<pb::DisplaySellerItemsResponse<'_>>().items;
    assert_eq!((items.len(), &*items[0].name), (1, "iPhone"));
}

//! Notifications as a stream: in order, at least once, to every watch, and none delays another.

use std::time::Instant;

use agora::call::Code;
use agora::market::contract::FULL;
use agora::market::service::{AsyncLineWriter, MAX_WATCHES};
use agora::market::state::Limits;
use agora::pb::agora_market_v1 as pb;
use agora::session::Protocol;

use crate::fixture::{
    Answer, Fixture, LONG, ReceivedNotification, Trader, eventually, over_both_protocols, refused,
};

/// A seller with item 1, and a buyer who wishes for it.
fn trade(protocol: Protocol, limits: Limits) -> (Fixture, Trader, Trader) {
    let market = Fixture::with(limits, AsyncLineWriter::disabled());
    let (seller, buyer) = (market.seller(1, protocol), market.trader(2, protocol));
    assert_eq!(seller.sell("iPhone", 50_000, 5), Ok(1));
    buyer.wish(1).unwrap();
    (market, seller, buyer)
}

#[test]
fn notifications_are_sent_as_events_happen() {
    over_both_protocols(|protocol| {
        let (_market, seller, buyer) = trade(protocol, Limits::DEFAULT);
        let (mut buyers, mut sellers) = (buyer.watch(0), seller.watch(0));
        assert!(buyers.is_silent());
        let notification = |id, kind, price_cents, quantity| ReceivedNotification {
            id,
            kind,
            item: 1,
            price_cents,
            quantity,
            missed: 0,
        };
        seller.update(1, Some(40_000), None).unwrap();
        let kind = pb::NotificationKind::NOTIFICATION_KIND_PRICE_CHANGED;
        assert_eq!(buyers.next().unwrap(), notification(1, kind, 40_000, 5));
        seller.update(1, None, Some(2)).unwrap();
        let kind = pb::NotificationKind::NOTIFICATION_KIND_ITEM_UPDATED;
        assert_eq!(buyers.next().unwrap(), notification(2, kind, 40_000, 2));
        buyer.buy(1, 2).unwrap();
        let kind = pb::NotificationKind::NOTIFICATION_KIND_ITEM_SOLD;
        assert_eq!(sellers.next().unwrap(), notification(1, kind, 40_000, 2));
        seller.update(1, Some(45_000), Some(9)).unwrap();
        let kind = pb::NotificationKind::NOTIFICATION_KIND_RESTOCKED;
        assert_eq!(buyers.next().unwrap(), notification(3, kind, 45_000, 9));
        seller.delete(1).unwrap();
        let kind = pb::NotificationKind::NOTIFICATION_KIND_ITEM_DELETED;
        assert_eq!(buyers.next().unwrap(), notification(4, kind, 45_000, 9));
        assert!(buyers.is_silent() && sellers.is_silent());
    });
}

#[test]
fn a_notification_of_an_update_has_the_old_and_the_new_values() {
    let (_market, seller, buyer) = trade(Protocol::Grpc, Limits::DEFAULT);
    seller.update(1, Some(40_000), Some(8)).unwrap();
    let answer = Answer(buyer.watch(0).next_bytes().unwrap());
    let notification = answer.read::<pb::WatchNotificationsResponse<'_>>().notification.unwrap();
    assert_eq!((notification.previous_price_cents, notification.previous_quantity), (50_000, 5));
    assert_eq!(notification.item.unwrap().name, "iPhone");
}

#[test]
fn a_watch_starts_with_the_mailbox_or_after_a_given_notification() {
    over_both_protocols(|protocol| {
        let (_market, seller, buyer) = trade(protocol, Limits::DEFAULT);
        (1..=5).for_each(|price| seller.update(1, Some(price), None).unwrap());
        assert_eq!(buyer.watch(0).ids(3), [1, 2, 3]);
        let mut watch = buyer.watch(3);
        assert_eq!(watch.ids(2), [4, 5]);
        seller.update(1, Some(6), None).unwrap();
        assert_eq!(watch.ids(1), [6]);
        assert!(buyer.watch(6).is_silent());
        assert_eq!(buyer.watch(0).ids(6), [1, 2, 3, 4, 5, 6], "none was acknowledged");
    });
}

#[test]
fn acknowledged_notifications_are_not_sent_again() {
    over_both_protocols(|protocol| {
        let (_market, seller, buyer) = trade(protocol, Limits::DEFAULT);
        (1..=5).for_each(|price| seller.update(1, Some(price), None).unwrap());
        let mut watch = buyer.watch(0);
        assert_eq!(watch.ids(5), [1, 2, 3, 4, 5]);
        buyer.acknowledge(3).unwrap();
        assert_eq!(buyer.watch(0).ids(2), [4, 5]);
        assert_eq!(buyer.watch(1).ids(2), [4, 5]);
        buyer.acknowledge(5).unwrap();
        seller.update(1, Some(6), None).unwrap();
        assert_eq!(buyer.watch(0).next().unwrap().id, 6);
        assert_eq!(watch.next().unwrap().id, 6, "a watch goes on over acknowledgements");
    });
}

#[test]
fn every_watch_of_an_account_receives_all_notifications() {
    over_both_protocols(|protocol| {
        let (market, seller, buyer) = trade(protocol, Limits::DEFAULT);
        let elsewhere = market.trader(2, protocol);
        let mut watches = [buyer.watch(0), buyer.watch(0), elsewhere.watch(0)];
        (1..=3).for_each(|price| seller.update(1, Some(price), None).unwrap());
        for watch in &mut watches {
            assert_eq!(watch.ids(3), [1, 2, 3]);
        }
    });
}

#[test]
fn watches_of_an_account_are_limited_and_closed_ones_free_their_places() {
    over_both_protocols(|protocol| {
        let (market, _seller, buyer) = trade(protocol, Limits::DEFAULT);
        let elsewhere = market.trader(2, protocol);
        let here: Vec<_> = (1..MAX_WATCHES).map(|_| buyer.watch(0)).collect();
        let there = elsewhere.watch(0);
        let one_more = buyer.start_watch(0).next();
        let refusal =
            refused(one_more, Code::ResourceExhausted, "watches of this account are open");
        assert!(refusal.metadata.get(FULL).is_some(), "{refusal:?}");
        // A cancelled watch, and one whose connection is closed.
        drop(here);
        eventually("a cancelled watch frees a place", || buyer.start_watch(0).is_silent());
        let _fourteen: Vec<_> = (2..MAX_WATCHES).map(|_| buyer.watch(0)).collect();
        drop((there, elsewhere));
        eventually("a lost watch frees a place", || {
            let mut two = [buyer.start_watch(0), buyer.start_watch(0)];
            two.iter_mut().all(|watch| watch.is_silent())
        });
    });
}

#[test]
fn a_slow_watch_misses_the_oldest_notifications_and_gets_their_number() {
    over_both_protocols(|protocol| {
        let limits = Limits { max_mailbox: 100, ..Limits::DEFAULT };
        let (market, seller, _) = trade(protocol, limits);
        let mut offer = seller.offer("Encyclopedia", 1, 1);
        offer.description = "x".repeat(2_000).into();
        seller.call("SellItem", &offer).unwrap();
        let slow = market.trader(3, protocol);
        slow.wish(2).unwrap();
        let mut watch = slow.watch(0);
        const UPDATES: u64 = 2_000;
        for price in 1..=UPDATES {
            seller.update(2, Some(price), None).unwrap();
        }
        let (mut last, mut read, mut missed) = (0, 0, 0);
        while last < UPDATES {
            let notification = watch.next().unwrap();
            assert_eq!(
                notification.id,
                last + 1 + notification.missed,
                "in order, and every gap is counted"
            );
            assert_eq!(notification.price_cents, notification.id);
            (last, read, missed) = (notification.id, read + 1, missed + notification.missed);
        }
        assert!(missed > 0, "so much does not wait for anybody");
        assert!(read >= 100, "a whole mailbox was left: {read}");
    });
}

#[test]
fn a_shutdown_ends_watches_at_once() {
    over_both_protocols(|protocol| {
        let (mut market, _seller, buyer) = trade(protocol, Limits::DEFAULT);
        let mut watch = buyer.watch(0);
        let started = Instant::now();
        market.begin_shutdown();
        refused(watch.next(), Code::Unavailable, "shuts down");
        market.stop();
        assert!(started.elapsed() < LONG / 4, "{:?}", started.elapsed());
    });
}

#[test]
fn a_watch_after_a_notification_of_another_market_is_out_of_range() {
    over_both_protocols(|protocol| {
        let (_market, seller, buyer) = trade(protocol, Limits::DEFAULT);
        seller.update(1, Some(1), None).unwrap();
        refused(buyer.start_watch(2).next(), Code::OutOfRange, "number 1");
        refused(buyer.start_watch(u64::MAX).next(), Code::OutOfRange, "number 1");
    });
}

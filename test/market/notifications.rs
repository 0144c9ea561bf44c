//! Notifications: which accounts get them, what they report, and how long they are kept.

use agora::call::Code;
use agora::market::state::{Action, Error, EventView, Limits, Reply};

use crate::trial::{BUYER, OTHER_BUYER, SELLER, Trial, caller, cents, sold};

#[test]
fn every_wisher_is_notified_of_an_update_with_the_new_card() {
    let mut trial = Trial::open();
    let item = trial.list();
    for wisher in [BUYER, OTHER_BUYER] {
        trial.ask(wisher, Action::AddToWishList { item }).unwrap();
    }
    let update = Action::UpdateItem { item, price: Some(cents(49_999)), quantity: Some(7) };
    trial.ask(SELLER, update).unwrap();
    let accounts = [BUYER, OTHER_BUYER].map(|who| trial.market.account(&caller(who)).unwrap());
    assert_eq!(trial.notified, accounts);
    for wisher in [BUYER, OTHER_BUYER] {
        let mail = trial.mail(wisher);
        assert_eq!(mail.len(), 1);
        assert_eq!(mail[0].id, 1);
        let previous_price = cents(50_000);
        let event =
            EventView::Updated { item: trial.item(item), previous_price, previous_quantity: 5 };
        assert_eq!(mail[0].event, event);
    }
    assert_eq!(trial.mail(SELLER), []);
}

#[test]
fn a_notification_keeps_the_card_of_its_moment() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.ask(BUYER, Action::AddToWishList { item }).unwrap();
    for price in [100, 200] {
        let update = Action::UpdateItem { item, price: Some(cents(price)), quantity: None };
        trial.ask(SELLER, update).unwrap();
    }
    trial.ask(SELLER, Action::DeleteItem { item }).unwrap();
    let told: Vec<_> = trial.mail(BUYER).iter().map(|mail| mail.event).collect();
    let [
        EventView::Updated { item: first, previous_price: before_first, .. },
        EventView::Updated { item: second, previous_price: before_second, .. },
        EventView::Deleted(last),
    ] = told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!([first.price, second.price, last.price], [cents(100), cents(200), cents(200)]);
    assert_eq!([before_first, before_second], [cents(50_000), cents(100)]);
    assert_eq!(last.fields.name, "iPhone", "although the item is gone");
}

#[test]
fn a_restock_is_an_update_from_zero_pieces() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.ask(BUYER, Action::AddToWishList { item }).unwrap();
    trial.buy(OTHER_BUYER, item, 5).unwrap();
    assert_eq!(trial.mail(BUYER), [], "a sale is no update");
    let restock = Action::UpdateItem { item, price: None, quantity: Some(3) };
    trial.ask(SELLER, restock).unwrap();
    let EventView::Updated { item, previous_quantity, .. } = trial.mail(BUYER)[0].event else {
        panic!()
    };
    assert_eq!((previous_quantity, item.quantity), (0, 3));
}

#[test]
fn an_account_that_removed_its_wish_is_not_notified() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.ask(BUYER, Action::AddToWishList { item }).unwrap();
    trial.ask(BUYER, Action::RemoveFromWishList { item }).unwrap();
    let update = Action::UpdateItem { item, price: Some(cents(1)), quantity: None };
    trial.ask(SELLER, update).unwrap();
    assert_eq!(trial.mail(BUYER), []);
    assert_eq!(trial.notified, []);
}

#[test]
fn an_item_wished_for_twice_is_notified_once() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.ask(BUYER, Action::AddToWishList { item }).unwrap();
    trial.ask(BUYER, Action::AddToWishList { item }).unwrap();
    let update = Action::UpdateItem { item, price: Some(cents(1)), quantity: None };
    trial.ask(SELLER, update).unwrap();
    assert_eq!(trial.mail(BUYER).len(), 1);
}

#[test]
fn a_deleted_item_leaves_the_wishlists_with_a_notification() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.ask(BUYER, Action::AddToWishList { item }).unwrap();
    trial.ask(SELLER, Action::DeleteItem { item }).unwrap();
    assert!(matches!(trial.mail(BUYER)[0].event, EventView::Deleted(_)));
    let remove = Action::RemoveFromWishList { item };
    assert_eq!(trial.ask(BUYER, remove), Err(Error::NotOnWishList(item)));
}

#[test]
fn a_seller_is_notified_of_each_sale_with_its_order() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.buy(BUYER, item, 2).unwrap();
    trial.buy(OTHER_BUYER, item, 1).unwrap();
    assert_eq!(trial.buy(OTHER_BUYER, item, 9), Err(Error::OnlyLeft(2)));
    assert_eq!(trial.notified, [], "a refusal tells nobody");
    let mail = trial.mail(SELLER);
    assert_eq!(mail.iter().map(|mail| mail.id).collect::<Vec<_>>(), [1, 2]);
    let EventView::Sold(order) = mail[0].event else { panic!("{mail:?}") };
    assert_eq!((order.item, order.name, order.quantity), (item, "iPhone", 2));
    assert_eq!((order.total, order.buyer), (cents(100_000), BUYER));
}

#[test]
fn notifications_stay_until_they_are_acknowledged() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.buy_one_by_one(item, 3);
    assert_eq!(trial.mail(SELLER).len(), 3);
    assert_eq!(trial.mail(SELLER).len(), 3, "reading takes nothing away");
    let acknowledge = |trial: &mut Trial, up_to_id| {
        trial.ask(SELLER, Action::Acknowledge { up_to_id }).map(|_| trial.mail(SELLER).len())
    };
    assert_eq!(acknowledge(&mut trial, 2), Ok(1));
    assert_eq!(acknowledge(&mut trial, 1), Ok(1), "late acknowledgements are no harm");
    assert_eq!(acknowledge(&mut trial, 4), Err(Error::NotSent(3)));
    assert_eq!(Error::NotSent(3).code(), Code::OutOfRange);
    assert_eq!(acknowledge(&mut trial, 3), Ok(0));
    trial.buy(BUYER, item, 1).unwrap();
    assert_eq!(trial.mail(SELLER)[0].id, 4, "numbers go on");
    let stranger = trial.ask("new here", Action::Acknowledge { up_to_id: 0 });
    assert_eq!(stranger, Err(Error::Credentials));
}

#[test]
fn a_mailbox_is_read_in_pages_from_any_number_on() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.buy_one_by_one(item, 5);
    let account = trial.market.account(&caller(SELLER)).unwrap();
    let read = |after, limit| {
        let page = trial.market.mailbox(account, after, limit);
        (page.notifications.iter().map(|mail| mail.id).collect::<Vec<_>>(), page.has_more)
    };
    assert_eq!(read(0, 2), (vec![1, 2], true));
    assert_eq!(read(2, 2), (vec![3, 4], true));
    assert_eq!(read(4, 2), (vec![5], false));
    assert_eq!(read(5, 2), (vec![], false));
    assert_eq!(read(u64::MAX, 2), (vec![], false));
}

#[test]
fn a_full_mailbox_drops_the_oldest_and_counts_them() {
    let mut trial = Trial::opened(Limits { max_mailbox: 2, ..Limits::DEFAULT });
    let item = trial.list();
    for order in 1..=5 {
        assert!(trial.buy(BUYER, item, 1).is_ok(), "sale {order}");
    }
    let account = trial.market.account(&caller(SELLER)).unwrap();
    let page = trial.market.mailbox(account, 0, 0);
    assert_eq!(page.missed, 3);
    let orders: Vec<_> = page.notifications.iter().filter_map(|mail| sold(&mail.event)).collect();
    assert_eq!(orders.iter().map(|(order, _)| order.0).collect::<Vec<_>>(), [4, 5]);
    let sales = trial.market.seller_orders(&caller(SELLER), None, 0).unwrap();
    assert_eq!(sales.entries.len(), 5, "the ledger has them all");
    assert_eq!(trial.market.mailbox(account, 3, 0).missed, 0, "read before they were dropped");
    let read = trial.ask(SELLER, Action::Acknowledge { up_to_id: 5 });
    assert_eq!(read, Ok(Reply::Acknowledged));
    assert_eq!(trial.market.mailbox(account, 0, 0).missed, 0);
}

//! The rules of each call.

use agora::call::Code;
use agora::market::state::{
    Action, Caller, Category, Error, Field, ItemFields, ItemId, Limits, NewItem, OrderId, Query,
    Reply, Sort,
};

use crate::trial::{
    BUYER, OTHER_BUYER, OTHER_SELLER, SELLER, Trial, bought, caller, cents, identity, sell,
};

const NO_ITEM: ItemId = ItemId(99);

#[test]
fn an_address_belongs_to_the_first_who_uses_it_as_a_buyer_or_a_seller() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.buy(BUYER, item, 1).unwrap();
    let impostor = Caller { identity: identity("impostor"), address: BUYER };
    for action in [
        Action::RegisterSeller,
        Action::RegisterBuyer,
        Action::BuyItem { item, quantity: 1, max_price: None },
        Action::AddToWishList { item },
        Action::RateItem { item, stars: 1 },
    ] {
        assert_eq!(trial.ask_as(impostor, None, action), Err(Error::AddressTaken), "{action:?}");
    }
    assert_eq!(Error::AddressTaken.code(), Code::AlreadyExists);
}

#[test]
fn an_identity_keeps_its_address() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.buy(BUYER, item, 1).unwrap();
    let moved = Caller { identity: identity(BUYER), address: "elsewhere" };
    let buy = Action::BuyItem { item, quantity: 1, max_price: None };
    assert_eq!(trial.ask_as(moved, None, buy), Err(Error::Credentials));
    assert_eq!(trial.market.buyer_orders(&moved, None, 0), Err(Error::Credentials));
    assert_eq!(trial.market.wishlist(&moved, ItemId(0), 0), Err(Error::Credentials));
    assert_eq!(trial.market.account(&moved), Err(Error::Credentials));
    assert_eq!(trial.ask_as(moved, None, Action::RegisterSeller), Err(Error::AlreadyRegistered));
    assert_eq!(Error::Credentials.code(), Code::Unauthenticated);
}

#[test]
fn a_buyer_can_become_a_seller_and_a_seller_can_buy() {
    let mut trial = Trial::open();
    let phone = trial.list();
    assert_eq!(trial.ask(BUYER, Action::RegisterBuyer), Ok(Reply::Registered));
    assert_eq!(trial.ask(BUYER, Action::RegisterBuyer), Ok(Reply::Registered));
    assert_eq!(trial.ask(BUYER, sell("lamp", 1, 1)), Err(Error::NotASeller));
    assert_eq!(trial.ask(BUYER, Action::RegisterSeller), Ok(Reply::Registered));
    assert_eq!(trial.ask(BUYER, sell("lamp", 1, 1)), Ok(Reply::Listed(ItemId(2))));
    assert_eq!(trial.buy(OTHER_SELLER, phone, 1), bought(1, 50_000));
    assert_eq!(Error::NotASeller.code(), Code::PermissionDenied);
}

#[test]
fn refused_commands_create_no_account() {
    let mut trial = Trial::open();
    let before = Trial::open();
    assert_eq!(trial.buy(BUYER, NO_ITEM, 1), Err(Error::NoSuchItem(NO_ITEM)));
    assert!(trial.market == before.market);
    assert_eq!(trial.market.account(&caller(BUYER)), Err(Error::Credentials));
}

#[test]
fn texts_have_bounds_and_no_control_characters() {
    let mut trial = Trial::open();
    let long = "x".repeat(201);
    let refused = |trial: &mut Trial, name: &str| trial.ask(SELLER, sell(name, 1, 1));
    assert_eq!(refused(&mut trial, ""), Err(Error::Empty(Field::Name)));
    assert_eq!(refused(&mut trial, &long), Err(Error::TooLong(Field::Name, 200)));
    assert_eq!(refused(&mut trial, "a\nb"), Err(Error::Unprintable(Field::Name)));
    let describe = |description| {
        Action::SellItem(NewItem {
            fields: ItemFields { name: "x", category: Category::Others, description },
            quantity: 1,
            price: cents(1),
        })
    };
    assert_eq!(trial.ask(SELLER, describe("")), Ok(Reply::Listed(ItemId(1))));
    let long = "x".repeat(2_001);
    let refused = trial.ask(SELLER, describe(&long));
    assert_eq!(refused, Err(Error::TooLong(Field::Description, 2_000)));
    let refused = trial.ask(SELLER, describe("\u{1b}[2J"));
    assert_eq!(refused, Err(Error::Unprintable(Field::Description)));
    let refused = trial.ask("", Action::RegisterBuyer);
    assert_eq!(refused, Err(Error::Empty(Field::Address)));
    let refused = trial.ask(&"x".repeat(101), Action::RegisterSeller);
    assert_eq!(refused, Err(Error::TooLong(Field::Address, 100)));
}

#[test]
fn an_update_changes_price_or_quantity_or_both() {
    let mut trial = Trial::open();
    let item = trial.list();
    let mut update = |price: Option<u64>, quantity| {
        let price = price.map(cents);
        let answer = trial.ask(SELLER, Action::UpdateItem { item, price, quantity });
        answer.map(|_| (trial.item(item).price.minor(), trial.left(item)))
    };
    assert_eq!(update(Some(100), None), Ok((100, 5)));
    assert_eq!(update(None, Some(7)), Ok((100, 7)));
    assert_eq!(update(Some(200), Some(8)), Ok((200, 8)));
    assert_eq!(update(None, Some(0)), Ok((200, 0)), "sold elsewhere");
    assert_eq!(update(None, None), Err(Error::NothingToUpdate));
    assert_eq!(update(None, Some(1_000_001)), Err(Error::Stock(1_000_000)));
}

#[test]
fn an_item_that_is_not_there_is_not_found() {
    let mut trial = Trial::open();
    for (who, action) in [
        (SELLER, Action::UpdateItem { item: NO_ITEM, price: None, quantity: Some(1) }),
        (SELLER, Action::DeleteItem { item: NO_ITEM }),
        (BUYER, Action::BuyItem { item: NO_ITEM, quantity: 1, max_price: None }),
        (BUYER, Action::AddToWishList { item: NO_ITEM }),
        (BUYER, Action::RateItem { item: NO_ITEM, stars: 1 }),
    ] {
        assert_eq!(trial.ask(who, action), Err(Error::NoSuchItem(NO_ITEM)), "{action:?}");
    }
    assert_eq!(Error::NoSuchItem(NO_ITEM).code(), Code::NotFound);
}

#[test]
fn another_sellers_item_cannot_be_changed() {
    let mut trial = Trial::open();
    let item = trial.list();
    let update = Action::UpdateItem { item, price: None, quantity: Some(1) };
    assert_eq!(trial.ask(OTHER_SELLER, update), Err(Error::NotYourItem(item)));
    let delete = Action::DeleteItem { item };
    assert_eq!(trial.ask(OTHER_SELLER, delete), Err(Error::NotYourItem(item)));
    assert_eq!(Error::NotYourItem(item).code(), Code::PermissionDenied);
}

#[test]
fn short_stock_is_refused_with_what_is_left() {
    let mut trial = Trial::open();
    let item = trial.list();
    assert_eq!(trial.buy(BUYER, item, 3), bought(1, 150_000));
    let short = trial.buy(BUYER, item, 3);
    assert_eq!(short, Err(Error::OnlyLeft(2)));
    assert_eq!(Error::OnlyLeft(2).to_string(), "only 2 left");
    assert_eq!(Error::OnlyLeft(2).code(), Code::FailedPrecondition);
    assert_eq!(trial.buy(BUYER, item, 2), bought(2, 100_000));
    assert_eq!(trial.buy(BUYER, item, 1), Err(Error::OnlyLeft(0)));
    assert_eq!(trial.left(item), 0);
}

#[test]
fn a_buyer_never_pays_more_than_the_maximum() {
    let mut trial = Trial::open();
    let item = trial.list();
    let buy = |max_price| Action::BuyItem { item, quantity: 1, max_price: Some(cents(max_price)) };
    assert_eq!(trial.ask(BUYER, buy(50_000)), bought(1, 50_000));
    let dearer = Action::UpdateItem { item, price: Some(cents(50_001)), quantity: None };
    trial.ask(SELLER, dearer).unwrap();
    let refused = trial.ask(BUYER, buy(50_000));
    assert_eq!(refused, Err(Error::PriceIsNow(cents(50_001))));
    assert_eq!(Error::PriceIsNow(cents(50_001)).to_string(), "the price is $500.01 now");
}

#[test]
fn an_account_cannot_buy_its_own_items() {
    let mut trial = Trial::open();
    let item = trial.list();
    for action in [
        Action::BuyItem { item, quantity: 1, max_price: None },
        Action::AddToWishList { item },
        Action::RateItem { item, stars: 5 },
    ] {
        assert_eq!(trial.ask(SELLER, action), Err(Error::OwnItem(item)), "{action:?}");
    }
    assert_eq!(Error::OwnItem(item).code(), Code::PermissionDenied);
}

#[test]
fn a_rating_is_from_one_to_five_and_needs_no_purchase() {
    let mut trial = Trial::open();
    let item = trial.list();
    for stars in [0, 6, u32::MAX] {
        let refused = trial.ask(BUYER, Action::RateItem { item, stars });
        assert_eq!(refused, Err(Error::Stars), "{stars}");
    }
    assert_eq!(trial.ask(BUYER, Action::RateItem { item, stars: 1 }), Ok(Reply::Rated));
    assert_eq!(trial.ask(OTHER_BUYER, Action::RateItem { item, stars: 5 }), Ok(Reply::Rated));
    assert_eq!(trial.item(item).rating.to_string(), "3.0 / 5");
}

#[test]
fn a_wishlist_is_a_set_in_the_order_of_numbers() {
    let mut trial = Trial::open();
    let items: Vec<ItemId> = (0..11).map(|_| trial.list()).collect();
    for item in items.iter().rev().chain(&items) {
        assert_eq!(
            trial.ask(BUYER, Action::AddToWishList { item: *item }),
            Ok(Reply::AddedToWishList)
        );
    }
    let remove = Action::RemoveFromWishList { item: items[4] };
    assert_eq!(trial.ask(BUYER, remove), Ok(Reply::RemovedFromWishList));
    assert_eq!(trial.ask(BUYER, remove), Err(Error::NotOnWishList(items[4])));
    assert_eq!(trial.ask(OTHER_BUYER, remove), Err(Error::NotOnWishList(items[4])));
    let page = |after, limit| {
        let page = trial.market.wishlist(&caller(BUYER), ItemId(after), limit).unwrap();
        (page.entries.iter().map(|item| item.id.0).collect::<Vec<_>>(), page.has_more)
    };
    assert_eq!(page(0, 0), (vec![1, 2, 3, 4, 6, 7, 8, 9, 10, 11], false));
    assert_eq!(page(0, 4), (vec![1, 2, 3, 4], true));
    assert_eq!(page(4, 4), (vec![6, 7, 8, 9], true));
    assert_eq!(page(9, 4), (vec![10, 11], false));
    assert_eq!(trial.market.wishlist(&caller(OTHER_BUYER), ItemId(0), 0).unwrap().entries, []);
}

#[test]
fn both_sides_see_their_orders_the_latest_first() {
    let mut trial = Trial::open();
    let item = trial.list();
    for (buyer, quantity) in [(BUYER, 1), (OTHER_BUYER, 2), (BUYER, 1)] {
        trial.buy(buyer, item, quantity).unwrap();
    }
    trial.ask(SELLER, Action::DeleteItem { item }).unwrap();
    let sales = trial.market.seller_orders(&caller(SELLER), None, 0).unwrap();
    let ids: Vec<u32> = sales.entries.iter().map(|order| order.id.0).collect();
    assert_eq!(ids, [3, 2, 1]);
    let second = trial.market.seller_orders(&caller(SELLER), Some(OrderId(3)), 1).unwrap();
    assert!(second.has_more);
    let order = second.entries[0];
    assert_eq!((order.item, order.quantity, order.total), (item, 2, cents(100_000)));
    assert_eq!((order.buyer, order.seller), (OTHER_BUYER, SELLER));
    assert_eq!(order.name, "iPhone", "although the item is gone");
    let bought = trial.market.buyer_orders(&caller(BUYER), None, 0).unwrap();
    let ids: Vec<u32> = bought.entries.iter().map(|order| order.id.0).collect();
    assert_eq!(ids, [3, 1]);
    assert_eq!(trial.market.buyer_orders(&caller("new here"), None, 0).unwrap().entries, []);
    assert_eq!(trial.market.seller_orders(&caller(BUYER), None, 0), Err(Error::NotASeller));
}

#[test]
fn an_order_is_shown_to_its_buyer_and_seller_only() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.buy(BUYER, item, 1).unwrap();
    trial.buy(OTHER_BUYER, item, 1).unwrap();
    let order = |who| trial.market.order(&caller(who), OrderId(1)).map(|order| order.buyer);
    assert_eq!(order(BUYER), Ok(BUYER));
    assert_eq!(order(SELLER), Ok(BUYER));
    assert_eq!(order(OTHER_BUYER), Err(Error::NoSuchOrder(OrderId(1))));
    assert_eq!(order(OTHER_SELLER), Err(Error::NoSuchOrder(OrderId(1))));
    assert_eq!(order("new here"), Err(Error::Credentials));
}

#[test]
fn orders_have_the_time_of_their_command() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.buy(BUYER, item, 1).unwrap();
    trial.buy(BUYER, item, 1).unwrap();
    let orders = trial.market.buyer_orders(&caller(BUYER), None, 0).unwrap().entries;
    assert_eq!(orders[0].at_ms, orders[1].at_ms + 1);
}

#[test]
fn sellers_see_their_own_items_only() {
    let mut trial = Trial::open();
    trial.list();
    trial.ask(OTHER_SELLER, sell("lamp", 1, 1)).unwrap();
    trial.list();
    let items = |who| trial.market.seller_items(&caller(who), ItemId(0), 0).unwrap().entries;
    let ids: Vec<u32> = items(SELLER).iter().map(|item| item.id.0).collect();
    assert_eq!(ids, [1, 3]);
    assert_eq!(items(OTHER_SELLER)[0].fields.name, "lamp");
}

#[test]
fn a_page_is_never_longer_than_the_bound() {
    let mut trial = Trial::opened(Limits { max_page: 2, ..Limits::DEFAULT });
    trial.list_many(3);
    for page_size in [0, 2, 3, usize::MAX] {
        let own = trial.market.seller_items(&caller(SELLER), ItemId(0), page_size).unwrap();
        assert_eq!((own.entries.len(), own.has_more), (2, true));
        let query = Query { page_size, ..Query::default() };
        let found = trial.market.search(&query).unwrap();
        assert_eq!((found.items.len(), found.total), (2, 3));
        assert!(found.next_page_token.is_some());
    }
}

#[test]
fn a_page_token_is_good_for_its_search_only() {
    let mut trial = Trial::open();
    trial.list_many(3);
    let query = Query { text: "iphone", page_size: 1, ..Query::default() };
    let token = trial.market.search(&query).unwrap().next_page_token.unwrap();
    let with = |query: Query<'_>| trial.market.search(&query).map(|page| page.items.len());
    let next = Query { page_token: &token, ..query };
    assert_eq!(with(next), Ok(1));
    assert_eq!(with(Query { text: "iPHONE", ..next }), Ok(1), "the same search");
    assert_eq!(with(Query { page_size: 2, ..next }), Ok(2));
    for other in [
        Query { text: "phone", ..next },
        Query { text: "iphone*", ..next },
        Query { category: Some(Category::Electronics), ..next },
        Query { sort: Sort::Newest, ..next },
        Query { sort: Sort::Name, ..next },
        Query { page_token: "1", ..next },
        Query { page_token: &token[1..], ..next },
    ] {
        assert_eq!(with(other), Err(Error::PageToken), "{other:?}");
    }
    assert_eq!(Error::PageToken.code(), Code::InvalidArgument);
}

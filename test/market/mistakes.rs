//! The mistakes of known copies of the course version, one test each: this market does not make
//! them.

use agora::market::state::{
    Action, Caller, Error, Identity, ItemId, ItemView, Limits, Market, Reply,
};

use crate::trial::{
    BUYER, OTHER_BUYER, OTHER_SELLER, SELLER, Trial, bought, caller, cents, identity, sell,
};

/// The SHA-256 (FIPS 180-4) of an empty UUID: `printf '' | sha256sum`.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn an_empty_uuid_is_not_accepted() {
    let byte = |at: usize| u8::from_str_radix(&EMPTY[2 * at..2 * at + 2], 16).unwrap();
    assert_eq!(Identity::from_digest(std::array::from_fn(byte)), None);
}

#[test]
fn a_wrong_uuid_does_not_touch_a_sellers_items() {
    let mut trial = Trial::open();
    let item = trial.list();
    let thief = Caller { identity: identity("a guess"), address: SELLER };
    for action in [
        sell("iPhone", 1, 1),
        Action::UpdateItem { item, price: Some(cents(1)), quantity: None },
        Action::DeleteItem { item },
    ] {
        assert_eq!(trial.ask_as(thief, None, action), Err(Error::Credentials));
    }
    assert_eq!(trial.market.seller_items(&thief, ItemId(0), 0), Err(Error::Credentials));
    assert_eq!(trial.market.seller_orders(&thief, None, 0), Err(Error::Credentials));
    assert_eq!(trial.item(item).price, cents(50_000));
}

#[test]
fn identity_does_not_depend_on_the_connection() {
    let mut trial = Trial::open();
    let item = trial.list();
    // Two clients on one host are two buyers, and each is the same one on every connection: the
    // state gets no fact of a connection.
    for buyer in ["10.0.0.1:50051", "10.0.0.1:50052"] {
        assert_eq!(trial.ask(buyer, Action::RateItem { item, stars: 4 }), Ok(Reply::Rated));
        let again = trial.ask(buyer, Action::RateItem { item, stars: 4 });
        assert_eq!(again, Err(Error::AlreadyRated(item)));
    }
    assert_eq!(trial.item(item).rating.count, 2);
}

#[test]
fn stock_is_never_oversold() {
    let mut trial = Trial::open();
    let item = trial.list_named("iPhone", 1_000);
    let buyers: Vec<String> = (0..64).map(|n| format!("10.0.0.{n}:50051")).collect();
    let mut sold = 0;
    for round in 0..40 {
        for buyer in &buyers {
            let quantity = 1 + (round % 3);
            match trial.buy(buyer, item, quantity) {
                Ok(_) => sold += quantity,
                Err(error) => assert_eq!(error, Error::OnlyLeft(1_000 - sold)),
            }
            assert_eq!(trial.left(item), 1_000 - sold);
        }
    }
    assert_eq!(sold, 1_000);
}

#[test]
fn zero_and_absurd_quantities_and_prices_are_refused() {
    let mut trial = Trial::open();
    let limits = Limits::DEFAULT;
    let (quantity, price) = (Error::Quantity(limits.max_quantity), Error::Price(limits.max_price));
    let max_price = limits.max_price.minor();
    assert_eq!(trial.ask(SELLER, sell("x", 0, 1)), Err(quantity));
    assert_eq!(trial.ask(SELLER, sell("x", limits.max_quantity + 1, 1)), Err(quantity));
    // A negative number that was cast to an unsigned one.
    assert_eq!(trial.ask(SELLER, sell("x", -1_i32 as u32, 1)), Err(quantity));
    assert_eq!(trial.ask(SELLER, sell("x", 1, 0)), Err(price));
    assert_eq!(trial.ask(SELLER, sell("x", 1, max_price + 1)), Err(price));
    assert_eq!(trial.ask(SELLER, sell("x", 1, -1_i64 as u64)), Err(price));
    let item = trial.list();
    assert_eq!(trial.buy(BUYER, item, 0), Err(quantity));
    assert_eq!(trial.buy(BUYER, item, -1_i32 as u32), Err(quantity));
    let free = Action::UpdateItem { item, price: Some(cents(0)), quantity: None };
    assert_eq!(trial.ask(SELLER, free), Err(price));
    assert_eq!(trial.ask(SELLER, sell("x", limits.max_quantity, max_price)), listed(2));
}

const fn listed(item: u32) -> Result<Reply, Error> {
    Ok(Reply::Listed(ItemId(item)))
}

#[test]
fn item_ids_are_not_reused_after_a_delete() {
    let mut trial = Trial::open();
    for id in 1..=3 {
        assert_eq!(trial.list(), ItemId(id));
    }
    for id in [3, 2, 1] {
        trial.ask(SELLER, Action::DeleteItem { item: ItemId(id) }).unwrap();
    }
    assert_eq!(trial.list(), ItemId(4));
    assert_eq!(trial.market.item(ItemId(3)), Err(Error::NoSuchItem(ItemId(3))));
}

#[test]
fn ids_are_sorted_as_numbers() {
    let mut trial = Trial::open();
    trial.list_many(12);
    let ids = |items: &[ItemView<&str>]| items.iter().map(|item| item.id.0).collect::<Vec<_>>();
    let expected: Vec<u32> = (1..=12).collect();
    let own = trial.market.seller_items(&caller(SELLER), ItemId(0), 0).unwrap();
    assert_eq!(ids(&own.entries), expected);
    let found = trial.market.search(&Default::default()).unwrap();
    assert_eq!(ids(&found.items), expected);
}

#[test]
fn the_first_rating_is_taken_and_the_second_refused() {
    let mut trial = Trial::open();
    let item = trial.list();
    assert_eq!(trial.ask(BUYER, Action::RateItem { item, stars: 4 }), Ok(Reply::Rated));
    let second = trial.ask(BUYER, Action::RateItem { item, stars: 5 });
    assert_eq!(second, Err(Error::AlreadyRated(item)));
    assert_eq!(trial.ask(OTHER_BUYER, Action::RateItem { item, stars: 5 }), Ok(Reply::Rated));
    assert_eq!(trial.item(item).rating.to_string(), "4.5 / 5");
}

#[test]
fn a_dead_receiver_blocks_and_fails_no_other_client() {
    let mut trial = Trial::opened(Limits { max_mailbox: 3, ..Limits::DEFAULT });
    let item = trial.list();
    for wisher in [BUYER, OTHER_BUYER] {
        trial.ask(wisher, Action::AddToWishList { item }).unwrap();
    }
    for price in 1..=10 {
        let update = Action::UpdateItem { item, price: Some(cents(price)), quantity: None };
        assert_eq!(trial.ask(SELLER, update), Ok(Reply::Updated));
        // One reads, the other does not.
        let last = trial.mail(OTHER_BUYER).last().unwrap().id;
        let read = Action::Acknowledge { up_to_id: last };
        assert_eq!(trial.ask(OTHER_BUYER, read), Ok(Reply::Acknowledged));
    }
    assert_eq!(trial.mail(OTHER_BUYER), []);
    let ids: Vec<u64> = trial.mail(BUYER).iter().map(|notification| notification.id).collect();
    assert_eq!(ids, [8, 9, 10], "the latest are kept");
}

#[test]
fn the_same_commands_make_the_same_market_on_every_machine() {
    // As a restart applies its log, and a replica that of its leader.
    let day = |trial: &mut Trial| {
        let item = trial.list();
        trial.buy(BUYER, item, 2).unwrap();
        trial.ask(BUYER, Action::RateItem { item, stars: 5 }).unwrap();
        trial.ask(OTHER_BUYER, Action::AddToWishList { item }).unwrap();
        let update = Action::UpdateItem { item, price: None, quantity: Some(9) };
        trial.ask(SELLER, update).unwrap();
        trial.ask(SELLER, sell("lamp", 3, 999)).unwrap();
    };
    let (mut one, mut other) = (Trial::open(), Trial::open());
    day(&mut one);
    assert!(one.market != other.market);
    day(&mut other);
    assert!(one.market == other.market);
    assert!(one.market != Market::new(Limits::DEFAULT));
}

#[test]
fn money_is_not_a_float() {
    let mut trial = Trial::open();
    let Ok(Reply::Listed(item)) = trial.ask(SELLER, sell("gum", 1_000_000, 10)) else { panic!() };
    // 0.1 a thousand times over is 99.9999999999986 in floating point.
    for order in 1..=10 {
        assert_eq!(trial.buy(BUYER, item, 100), bought(order, 1_000));
    }
    assert_eq!(trial.market.audit().revenue_minor, 10_000);
    let Ok(Reply::Listed(dear)) = trial.ask(SELLER, sell("yacht", 1_000_000, 99_999_999_999))
    else {
        panic!()
    };
    assert_eq!(trial.buy(BUYER, dear, 1_000_000), bought(11, 99_999_999_999_000_000));
}

#[test]
fn a_taken_address_cannot_be_registered() {
    let mut trial = Trial::open();
    let second = Caller { identity: identity("somebody else"), address: SELLER };
    let taken = trial.ask_as(second, None, Action::RegisterSeller);
    assert_eq!(taken, Err(Error::AddressTaken));
    assert_eq!(trial.ask(SELLER, Action::RegisterSeller), Err(Error::AlreadyRegistered));
    let item = trial.list();
    let other = trial.ask(OTHER_SELLER, Action::DeleteItem { item });
    assert_eq!(other, Err(Error::NotYourItem(item)));
}

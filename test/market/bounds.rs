//! Every bound of the state is crossed.

use agora::call::Code;
use agora::market::state::{Action, Bound, Error, ItemId, Limits, Query, Reply};

use crate::trial::{BUYER, OTHER_BUYER, OTHER_SELLER, SELLER, Trial, bought, sell};

fn full(bound: Bound, count: usize) -> Result<Reply, Error> {
    let error = Error::Full(bound, count);
    assert_eq!(error.code(), Code::ResourceExhausted);
    Err(error)
}

#[test]
fn accounts_are_bounded() {
    let mut trial = Trial::opened(Limits { max_accounts: 3, ..Limits::DEFAULT });
    let item = trial.list();
    trial.buy(BUYER, item, 1).unwrap();
    assert_eq!(trial.buy(OTHER_BUYER, item, 1), full(Bound::Accounts, 3));
    assert_eq!(trial.ask("new", Action::RegisterSeller), full(Bound::Accounts, 3));
    assert_eq!(trial.ask("new", Action::RegisterBuyer), full(Bound::Accounts, 3));
    assert!(trial.buy(BUYER, item, 1).is_ok(), "those who are in trade on");
}

#[test]
fn items_are_bounded_for_each_seller_and_for_all() {
    let limits = Limits { max_items: 3, max_items_per_seller: 2, ..Limits::DEFAULT };
    let mut trial = Trial::opened(limits);
    let first = trial.list();
    trial.list();
    assert_eq!(trial.ask(SELLER, sell("x", 1, 1)), full(Bound::SellerItems, 2));
    trial.ask(OTHER_SELLER, sell("x", 1, 1)).unwrap();
    assert_eq!(trial.ask(OTHER_SELLER, sell("x", 1, 1)), full(Bound::Items, 3));
    trial.ask(SELLER, Action::DeleteItem { item: first }).unwrap();
    assert_eq!(trial.ask(SELLER, sell("x", 1, 1)), Ok(Reply::Listed(ItemId(4))));
}

#[test]
fn wishes_are_bounded_by_account_and_by_item() {
    let limits = Limits { max_wishes: 2, max_wishers: 2, ..Limits::DEFAULT };
    let mut trial = Trial::opened(limits);
    let [a, b, c] = [trial.list(), trial.list(), trial.list()];
    let mut wish = |who, item| trial.ask(who, Action::AddToWishList { item });
    assert_eq!(wish(BUYER, a), Ok(Reply::AddedToWishList));
    assert_eq!(wish(BUYER, b), Ok(Reply::AddedToWishList));
    assert_eq!(wish(BUYER, c), full(Bound::Wishes, 2));
    assert_eq!(wish(BUYER, a), Ok(Reply::AddedToWishList), "what is on it already");
    assert_eq!(wish(OTHER_BUYER, a), Ok(Reply::AddedToWishList));
    assert_eq!(wish(OTHER_SELLER, a), full(Bound::Wishers, 2));
}

#[test]
fn ratings_of_one_account_are_bounded() {
    let mut trial = Trial::opened(Limits { max_ratings_per_account: 2, ..Limits::DEFAULT });
    let [a, b, c] = [trial.list(), trial.list(), trial.list()];
    let mut rate = |who, item| trial.ask(who, Action::RateItem { item, stars: 4 });
    assert_eq!(rate(BUYER, a), Ok(Reply::Rated));
    assert_eq!(rate(BUYER, b), Ok(Reply::Rated));
    assert_eq!(rate(BUYER, c), full(Bound::Ratings, 2));
    assert_eq!(rate(OTHER_BUYER, c), Ok(Reply::Rated));
    trial.ask(SELLER, Action::DeleteItem { item: a }).unwrap();
    let again = trial.ask(BUYER, Action::RateItem { item: c, stars: 4 });
    assert_eq!(again, full(Bound::Ratings, 2), "those of items that are gone count too");
}

#[test]
fn orders_are_bounded() {
    let mut trial = Trial::opened(Limits { max_orders: 1, ..Limits::DEFAULT });
    let item = trial.list();
    assert_eq!(trial.buy(BUYER, item, 1), bought(1, 50_000));
    assert_eq!(trial.buy(BUYER, item, 1), full(Bound::Orders, 1));
    assert_eq!(trial.left(item), 4, "nothing was taken for the order that is not");
}

#[test]
fn a_search_text_is_bounded() {
    let trial = Trial::open();
    let found = |text: &str| trial.market.search(&Query { text, ..Query::default() }).err();
    assert_eq!(found(&"a ".repeat(100)), None);
    assert_eq!(found(&"a".repeat(201)).map(|error| error.code()), Some(Code::InvalidArgument));
    let words: Vec<String> = (0..17).map(|n| n.to_string()).collect();
    assert_eq!(found(&words.join(" ")), Some(Error::TooManyWords(16)));
}

#[test]
fn the_default_bounds_are_those_of_the_wire_contract() {
    let limits = Limits::default();
    assert_eq!(limits.max_price.minor(), 100_000_000_000);
    assert_eq!(limits.max_quantity, 1_000_000);
    assert!(limits.max_price.times(limits.max_quantity).is_some(), "every total can be counted");
    let texts = [limits.max_name_bytes, limits.max_description_bytes, limits.max_address_bytes];
    assert_eq!(texts, [200, 2_000, 100]);
    assert_eq!(limits.max_page, 100);
}

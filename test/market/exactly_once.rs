//! A command that arrives twice is executed once.

use agora::call::Code;
use agora::market::state::{Action, Error, ItemId, Limits, Reply};

use crate::trial::{BUYER, OTHER_BUYER, SELLER, Trial, bought, caller, cents, request, sell};

fn buy(item: ItemId, quantity: u32) -> Action<'static> {
    Action::BuyItem { item, quantity, max_price: None }
}

#[test]
fn the_same_command_again_gets_the_first_answer_and_buys_nothing() {
    let mut trial = Trial::open();
    let item = trial.list();
    for _ in 0..3 {
        let answer = trial.ask_as(caller(BUYER), request(1), buy(item, 2));
        assert_eq!(answer, bought(1, 100_000));
        assert_eq!(trial.left(item), 3);
    }
    assert_eq!(trial.notified, [], "the seller was told the first time");
    assert_eq!(trial.mail(SELLER).len(), 1);
}

#[test]
fn the_same_id_with_other_input_is_refused() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.ask_as(caller(BUYER), request(1), buy(item, 2)).unwrap();
    let Some(id) = request(1) else { unreachable!() };
    for action in [buy(item, 1), Action::RateItem { item, stars: 5 }] {
        let refused = trial.ask_as(caller(BUYER), request(1), action);
        assert_eq!(refused, Err(Error::RequestReused(id)));
    }
    assert_eq!(Error::RequestReused(id).code(), Code::InvalidArgument);
    assert_eq!(trial.left(item), 3);
}

#[test]
fn a_refusal_is_answered_again_even_if_it_would_succeed_by_now() {
    let mut trial = Trial::open();
    let item = trial.list();
    trial.buy(BUYER, item, 1).unwrap();
    let short = trial.ask_as(caller(BUYER), request(1), buy(item, 5));
    assert_eq!(short, Err(Error::OnlyLeft(4)));
    let restock = Action::UpdateItem { item, price: None, quantity: Some(9) };
    trial.ask(SELLER, restock).unwrap();
    assert_eq!(trial.ask_as(caller(BUYER), request(1), buy(item, 5)), Err(Error::OnlyLeft(4)));
    assert_eq!(trial.ask_as(caller(BUYER), request(2), buy(item, 5)), bought(2, 250_000));
}

#[test]
fn each_identity_has_its_own_ids() {
    let mut trial = Trial::open();
    let item = trial.list();
    assert_eq!(trial.ask_as(caller(BUYER), request(1), buy(item, 1)), bought(1, 50_000));
    assert_eq!(trial.ask_as(caller(OTHER_BUYER), request(1), buy(item, 1)), bought(2, 50_000));
}

#[test]
fn registration_is_exactly_once_as_well() {
    let mut trial = Trial::new(Limits::DEFAULT);
    for _ in 0..2 {
        let joined = trial.ask_as(caller(SELLER), request(1), Action::RegisterSeller);
        assert_eq!(joined, Ok(Reply::Registered));
    }
    for _ in 0..2 {
        let listed = trial.ask_as(caller(SELLER), request(2), sell("lamp", 1, 1));
        assert_eq!(listed, Ok(Reply::Listed(ItemId(1))));
    }
}

#[test]
fn every_kind_of_command_is_executed_once() {
    let mut trial = Trial::open();
    let [item, other] = [trial.list(), trial.list()];
    trial.buy(BUYER, item, 1).unwrap();
    let update = Action::UpdateItem { item, price: Some(cents(1)), quantity: Some(3) };
    for (who, action) in [
        (SELLER, update),
        (SELLER, Action::Acknowledge { up_to_id: 1 }),
        (SELLER, Action::DeleteItem { item: other }),
        (BUYER, Action::AddToWishList { item }),
        (BUYER, Action::RemoveFromWishList { item }),
        (BUYER, Action::RateItem { item, stars: 2 }),
    ] {
        let id = request(100 + action_number(&action));
        let first = trial.ask_as(caller(who), id, action);
        assert!(first.is_ok(), "{action:?}");
        assert_eq!(trial.ask_as(caller(who), id, action), first, "{action:?}");
    }
}

fn action_number(action: &Action<'_>) -> u64 {
    match action {
        Action::UpdateItem { .. } => 1,
        Action::Acknowledge { .. } => 2,
        Action::DeleteItem { .. } => 3,
        Action::AddToWishList { .. } => 4,
        Action::RemoveFromWishList { .. } => 5,
        _ => 6,
    }
}

#[test]
fn a_forgotten_command_is_refused_and_not_executed_again() {
    let limits = Limits { max_answers_per_account: 4, ..Limits::DEFAULT };
    let mut trial = Trial::opened(limits);
    let item = trial.list_named("iPhone", 100);
    for id in 1..=10 {
        trial.ask_as(caller(BUYER), request(id), buy(item, 1)).unwrap();
    }
    let Some(id) = request(6) else { unreachable!() };
    let late = trial.ask_as(caller(BUYER), request(6), buy(item, 1));
    let Some(last) = request(10) else { unreachable!() };
    assert_eq!(late, Err(Error::RequestForgotten(id, last)));
    assert_eq!(Error::RequestForgotten(id, last).code(), Code::FailedPrecondition);
    assert_eq!(trial.ask_as(caller(BUYER), request(7), buy(item, 1)), bought(7, 50_000));
    assert_eq!(trial.left(item), 90);
}

#[test]
fn a_late_copy_of_a_command_refused_to_an_unknown_caller_is_refused() {
    let mut trial = Trial::open();
    let stranger = caller("stranger");
    let coming = ItemId(1);
    let wish = Action::AddToWishList { item: coming };
    let rate = Action::RateItem { item: coming, stars: 5 };
    for (id, action) in [(1, buy(coming, 1)), (2, wish), (3, rate)] {
        let refused = trial.ask_as(stranger, request(id), action);
        assert_eq!(refused, Err(Error::NoSuchItem(coming)));
    }
    assert_eq!(trial.list(), coming);
    for (id, action) in [(1, buy(coming, 1)), (2, wish), (3, rate)] {
        let late = trial.ask_as(stranger, request(id), action);
        assert_eq!(late, Err(Error::NoSuchItem(coming)), "{action:?}");
    }
    assert_eq!(trial.ask_as(stranger, request(4), buy(coming, 1)), bought(1, 50_000));
}

#[test]
fn without_an_id_a_command_is_executed_as_often_as_it_arrives() {
    let mut trial = Trial::open();
    let item = trial.list();
    assert_eq!(trial.buy(BUYER, item, 1), bought(1, 50_000));
    assert_eq!(trial.buy(BUYER, item, 1), bought(2, 50_000));
}

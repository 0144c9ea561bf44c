//! The commands of the operator and of the leader: what they do, in snapshots too.

use std::sync::Arc;

use agora::market::state::{
    Act, Action, Error, ItemId, Limits, Market, Moderation, Policy, Query, Reply, StandingChange,
    decode_answer,
};
use agora::raft::StateMachine;

use crate::machine::{Line, lines_of, restored};
use crate::trial::{BUYER, OTHER_BUYER, OTHER_SELLER, SELLER, Trial, caller, request, sell};

/// Applies a command as a replica does, and continues with the market that is restored from a
/// snapshot of it.
fn moderate(trial: &mut Trial, act: Act<'_>) -> Result<Reply, Error> {
    trial.at_ms += 1;
    let bytes: Arc<[u8]> = Moderation { by: "ops", why: "test", act }.encode().unwrap().into();
    let mut answer = Vec::new();
    StateMachine::apply(&mut trial.market, 0, trial.at_ms, &bytes, &mut answer);
    assert_eq!(trial.market.audit().faults, [""; 0]);
    restart(trial);
    decode_answer(&answer).unwrap()
}

fn restart(trial: &mut Trial) {
    let lines = lines_of(trial.market.freeze());
    trial.market = restored(Limits::DEFAULT, &lines).unwrap();
    assert_eq!(lines_of(trial.market.freeze()), lines);
    assert_eq!(trial.market.audit().faults, [""; 0]);
}

fn change(trial: &mut Trial, account: &str, change: StandingChange) {
    assert_eq!(moderate(trial, Act::SetStanding { account, change }), Ok(Reply::Moderated));
}

fn found(trial: &Trial) -> usize {
    let page = trial.market.search(&Query::default()).unwrap();
    assert_eq!(page.items.len(), page.total);
    page.total
}

fn forget(trial: &mut Trial, idle_since_min: u32) -> usize {
    let (accounts, next) = trial.market.idle_accounts(0, 1_000_000, idle_since_min);
    assert_eq!(next, 0);
    let found = accounts.len();
    moderate(trial, Act::ForgetIdle { idle_since_min, accounts }).unwrap();
    found
}

const MINUTE_MS: u64 = 60_000;

#[test]
fn a_blocked_seller_sells_nothing_until_the_block_ends() {
    let mut trial = Trial::open();
    let (phone, case) = (trial.list(), trial.list_named("case", 7));
    trial.ask(OTHER_SELLER, sell("lamp", 2, 500)).unwrap();
    trial.buy(BUYER, phone, 1).unwrap();
    trial.ask(BUYER, Action::AddToWishList { item: case }).unwrap();
    assert_eq!(found(&trial), 3);
    change(&mut trial, SELLER, StandingChange::Block);
    assert_eq!(found(&trial), 1);
    assert_eq!(trial.market.item(phone).err(), Some(Error::Hidden(phone)));
    assert_eq!(trial.buy(BUYER, phone, 1), Err(Error::Hidden(phone)));
    let (item, stars) = (phone, 5);
    assert_eq!(trial.ask(BUYER, Action::RateItem { item, stars }), Err(Error::Hidden(phone)));
    assert_eq!(trial.ask(BUYER, Action::AddToWishList { item }), Err(Error::Hidden(phone)));
    assert!(trial.market.wishlist(&caller(BUYER), ItemId(0), 0).unwrap().entries.is_empty());
    for action in [sell("new", 1, 1), Action::DeleteItem { item }, Action::RegisterSeller] {
        assert_eq!(trial.ask(SELLER, action), Err(Error::Blocked));
    }
    // Orders stay, and a blocked account reads and acknowledges.
    assert_eq!(trial.mail(SELLER).len(), 1);
    trial.ask(SELLER, Action::Acknowledge { up_to_id: 1 }).unwrap();
    let sold = trial.market.seller_orders(&caller(SELLER), None, 0).unwrap();
    assert_eq!(sold.entries.len(), 1);
    change(&mut trial, SELLER, StandingChange::Block);
    change(&mut trial, SELLER, StandingChange::Unblock);
    assert_eq!(found(&trial), 3);
    trial.buy(BUYER, phone, 1).unwrap();
    assert_eq!(trial.market.wishlist(&caller(BUYER), ItemId(0), 0).unwrap().entries.len(), 1);
}

#[test]
fn a_blocked_buyer_buys_nothing_and_a_recorded_answer_stays() {
    let mut trial = Trial::open();
    let phone = trial.list();
    let buy = Action::BuyItem { item: phone, quantity: 1, max_price: None };
    let first = trial.ask_as(caller(BUYER), request(1), buy);
    assert!(first.is_ok());
    change(&mut trial, BUYER, StandingChange::Block);
    assert_eq!(trial.ask_as(caller(BUYER), request(1), buy), first, "it was bought before");
    assert_eq!(trial.ask_as(caller(BUYER), request(2), buy), Err(Error::Blocked));
    assert_eq!(trial.left(phone), 4);
    change(&mut trial, BUYER, StandingChange::Restore);
    assert_eq!(trial.ask_as(caller(BUYER), request(2), buy), Err(Error::Blocked), "recorded");
    assert!(trial.ask_as(caller(BUYER), request(3), buy).is_ok());
}

#[test]
fn a_removed_account_does_nothing_and_keeps_everything() {
    let mut trial = Trial::open();
    let phone = trial.list();
    trial.buy(BUYER, phone, 1).unwrap();
    change(&mut trial, SELLER, StandingChange::Remove);
    let seller = caller(SELLER);
    assert_eq!(trial.market.seller_items(&seller, ItemId(0), 0).err(), Some(Error::Removed));
    assert_eq!(trial.market.account(&seller).err(), Some(Error::Removed));
    assert_eq!(trial.ask(SELLER, Action::Acknowledge { up_to_id: 1 }), Err(Error::Removed));
    // A block or its end does not bring it back, and nobody gets its name.
    change(&mut trial, SELLER, StandingChange::Unblock);
    assert_eq!(found(&trial), 0);
    let mut thief = caller(OTHER_BUYER);
    thief.address = SELLER;
    assert_eq!(trial.ask_as(thief, None, Action::RegisterSeller), Err(Error::AddressTaken));
    let listed = trial.market.restricted_accounts(0, 0);
    assert_eq!(listed.entries.iter().map(|(_, name, _)| *name).collect::<Vec<_>>(), [SELLER]);
    change(&mut trial, SELLER, StandingChange::Restore);
    assert_eq!((found(&trial), trial.mail(SELLER).len()), (1, 1));
    assert!(trial.market.restricted_accounts(0, 0).entries.is_empty());
    let account = "nobody";
    let act = Act::SetStanding { account, change: StandingChange::Block };
    assert_eq!(moderate(&mut trial, act), Err(Error::NoSuchAccount));
}

#[test]
fn a_removed_item_is_hidden_until_it_is_restored() {
    let mut trial = Trial::open();
    let (phone, case) = (trial.list(), trial.list_named("case", 7));
    trial.ask(BUYER, Action::AddToWishList { item: phone }).unwrap();
    let hide = |item, is_hidden| Act::SetItemHidden { item, is_hidden };
    assert_eq!(moderate(&mut trial, hide(ItemId(9), true)), Err(Error::NoSuchItem(ItemId(9))));
    moderate(&mut trial, hide(phone, true)).unwrap();
    assert_eq!(trial.buy(BUYER, phone, 1), Err(Error::Hidden(phone)));
    assert_eq!(found(&trial), 1);
    assert_eq!(trial.market.hidden_items(ItemId(0), 0).entries.len(), 1);
    // Nobody is told of it.
    trial.ask(SELLER, Action::UpdateItem { item: phone, price: None, quantity: Some(9) }).unwrap();
    assert_eq!(trial.mail(BUYER).len(), 0);
    // It stays hidden when its seller is blocked and unblocked.
    change(&mut trial, SELLER, StandingChange::Block);
    change(&mut trial, SELLER, StandingChange::Unblock);
    assert_eq!(found(&trial), 1);
    moderate(&mut trial, hide(phone, false)).unwrap();
    assert_eq!(found(&trial), 2);
    moderate(&mut trial, hide(case, true)).unwrap();
    trial.ask(SELLER, Action::DeleteItem { item: case }).unwrap();
    assert!(trial.market.hidden_items(ItemId(0), 0).entries.is_empty());
    trial.list_named("in the same place", 1);
    assert_eq!(found(&trial), 2);
}

#[test]
fn a_policy_is_in_force_on_all_replicas_and_in_snapshots() {
    let mut trial = Trial::open();
    trial.list_many(2);
    let policy = Policy { max_items_per_seller: Some(2), max_wishes: Some(1), ..Policy::default() };
    assert!(!trial.market.has_policy(policy));
    moderate(&mut trial, Act::SetPolicy(policy)).unwrap();
    assert!(trial.market.has_policy(policy));
    assert!(matches!(trial.ask(SELLER, sell("new", 1, 1)), Err(Error::Full(_, 2))));
    let wish = |item| Action::AddToWishList { item: ItemId(item) };
    trial.ask(BUYER, wish(1)).unwrap();
    assert!(matches!(trial.ask(BUYER, wish(2)), Err(Error::Full(_, 1))));
    // Another policy changes what it sets alone.
    let ratings = Policy { max_ratings_per_account: Some(0), ..Policy::default() };
    moderate(&mut trial, Act::SetPolicy(ratings)).unwrap();
    assert!(trial.market.has_policy(policy) && trial.market.has_policy(ratings));
    let rate = Action::RateItem { item: ItemId(1), stars: 1 };
    assert!(matches!(trial.ask(BUYER, rate), Err(Error::Full(_, 0))));
}

/// A market with 60 accounts that are not used: 20 only registered, 20 rated, 20 wish.
fn busy_market() -> Trial {
    let mut trial = Trial::open();
    moderate(&mut trial, Act::SetPolicy(Policy::default())).unwrap();
    let phone = trial.list();
    trial.buy(BUYER, phone, 1).unwrap();
    for number in 0..20 {
        let [a, b, c] = ["a", "b", "c"].map(|letter| format!("{letter}{number}"));
        trial.ask_as(caller(&a), request(1), Action::RegisterBuyer).unwrap();
        trial.ask_as(caller(&b), request(1), Action::RateItem { item: phone, stars: 1 }).unwrap();
        trial.ask_as(caller(&c), request(1), Action::AddToWishList { item: phone }).unwrap();
    }
    trial.ask(SELLER, Action::UpdateItem { item: phone, price: None, quantity: Some(9) }).unwrap();
    trial
}

#[test]
fn unused_accounts_are_forgotten_with_their_ratings_and_wishes() {
    let mut trial = busy_market();
    let now = (trial.at_ms / MINUTE_MS) as u32;
    assert_eq!(trial.market.audit().accounts, 63);
    assert_eq!(forget(&mut trial, now), 0, "all are in use");
    trial.at_ms += 10 * MINUTE_MS;
    // One of them comes back in time.
    trial.ask("a7", Action::RegisterBuyer).unwrap();
    // The other seller has neither items nor orders.
    assert_eq!(forget(&mut trial, now + 5), 60);
    let audit = trial.market.audit();
    assert_eq!((audit.accounts, audit.ratings, audit.orders), (3, 0, 1));
    assert_eq!(trial.item(ItemId(1)).rating.count, 0);
    assert_eq!(trial.ask(OTHER_SELLER, sell("x", 1, 1)), Err(Error::Credentials));
    // Names are free, numbers are not, and nothing is left of the account with the same identity.
    trial.ask_as(caller("a1"), request(1), Action::RegisterSeller).unwrap();
    trial.ask_as(caller("c1"), request(1), Action::AddToWishList { item: ItemId(1) }).unwrap();
    assert_eq!(trial.mail("c1").len(), 0);
    restart(&mut trial);
    let lines = lines_of(trial.market.freeze());
    let is_next = |line: &Line| line[0] == b"ACCOUNTS" && line[1] == b"65";
    assert!(lines.iter().any(is_next), "64 numbers were given");
}

#[test]
fn accounts_with_an_item_an_order_or_a_restriction_stay() {
    let mut trial = busy_market();
    change(&mut trial, "a3", StandingChange::Block);
    trial.at_ms += 1_000 * MINUTE_MS;
    let far = u32::MAX;
    forget(&mut trial, far);
    assert_eq!(trial.market.audit().accounts, 3, "seller, buyer, and the blocked one");
    for account in [SELLER, BUYER, "a3"] {
        assert!(trial.market.account(&caller(account)).is_ok(), "{account}");
    }
}

#[test]
fn an_account_with_very_many_ratings_is_forgotten_in_parts() {
    let mut trial = Trial::open();
    moderate(&mut trial, Act::SetPolicy(Policy::default())).unwrap();
    for number in 1..=2_500 {
        let listed = sell("lamp", 1, 1);
        let (seller, buyer) = (caller(SELLER), caller(BUYER));
        let command =
            |caller, action| agora::market::state::Command { request_id: None, caller, action };
        trial.market.apply(1, &command(seller, listed)).unwrap();
        let rate = Action::RateItem { item: ItemId(number), stars: 5 };
        trial.market.apply(1, &command(buyer, rate)).unwrap();
    }
    let mut rounds = 0;
    while forget(&mut trial, u32::MAX) > 0 {
        rounds += 1;
        assert_eq!(trial.market.audit().faults, [""; 0]);
    }
    assert!(rounds >= 3, "{rounds}");
    assert_eq!((trial.market.audit().ratings, trial.market.audit().accounts), (0, 1));
}

/// The time of use is recorded only from a command on, so that a replica that has an old snapshot
/// and one that has the old log agree.
#[test]
fn nothing_is_forgotten_before_uses_are_recorded() {
    let mut trial = Trial::open();
    let (accounts, _) = trial.market.idle_accounts(0, 100, u32::MAX);
    assert!(accounts.is_empty());
    let before = lines_of(trial.market.freeze());
    trial.at_ms += 10 * MINUTE_MS;
    trial.ask(SELLER, Action::RegisterBuyer).unwrap();
    assert_eq!(lines_of(trial.market.freeze()), before, "no time is recorded");
    moderate(&mut trial, Act::SetPolicy(Policy::default())).unwrap();
    let minute = (trial.at_ms / MINUTE_MS) as u32;
    assert!(trial.market.idle_accounts(0, 100, minute).0.is_empty());
    assert_eq!(trial.market.idle_accounts(0, 100, minute + 1).0.len(), 2);
}

/// A deleted item that was never sold is named by a notification alone; its seller may be gone.
#[test]
fn a_notification_of_a_forgotten_sellers_item_is_kept() {
    let mut trial = Trial::open();
    moderate(&mut trial, Act::SetPolicy(Policy::default())).unwrap();
    let phone = trial.list();
    trial.buy(BUYER, phone, 1).unwrap();
    let Ok(Reply::Listed(lamp)) = trial.ask(OTHER_SELLER, sell("lamp", 1, 1)) else { panic!() };
    trial.ask(BUYER, Action::AddToWishList { item: lamp }).unwrap();
    trial.ask(OTHER_SELLER, Action::DeleteItem { item: lamp }).unwrap();
    assert_eq!(forget(&mut trial, u32::MAX), 1);
    assert_eq!(trial.mail(BUYER).len(), 1);
    assert_eq!(Market::empty().audit().faults, [""; 0]);
}

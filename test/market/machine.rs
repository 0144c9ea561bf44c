//! The market behind a log: snapshots that do not change while the market does, and markets that
//! are restored from them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use agora::market::state::{Action, Command, Limits, Market, Reply, decode_answer};
use agora::raft::{Frozen, StateMachine};

use crate::seed::{Seed, each_seed};
use crate::trial::{BUYER, OTHER_BUYER, OTHER_SELLER, SELLER, Trial, caller, cents, request, sell};

pub type Line = Vec<Vec<u8>>;

/// All lines of a frozen market.
pub fn lines_of(mut frozen: Box<dyn Frozen>) -> Vec<Line> {
    let mut lines = Vec::new();
    loop {
        let mut line = Line::new();
        if !frozen.next_line(&mut |word| line.push(word.to_vec())) {
            return lines;
        }
        assert!(!line.is_empty());
        lines.push(line);
    }
}

/// The market that is restored from lines.
pub fn restored(limits: Limits, lines: &[Line]) -> Result<Market, String> {
    let mut market = Market::new(limits);
    for line in lines {
        let words: Vec<&[u8]> = line.iter().map(Vec::as_slice).collect();
        market.restore(&words)?;
    }
    StateMachine::restored(&mut market)?;
    Ok(market)
}

fn text(lines: &[Line]) -> Vec<String> {
    let text = |line: &Line| {
        let words = line.iter().map(|word| String::from_utf8_lossy(word).into_owned());
        // Digests are the same for the same names, and hard to read.
        let shown =
            words.map(|word| if word.len() == 64 { format!("{}..", &word[..8]) } else { word });
        shown.collect::<Vec<_>>().join("|")
    };
    lines.iter().map(text).collect()
}

/// A market whose snapshot has every kind of line.
fn busy() -> Trial {
    let mut trial = Trial::open();
    let phone = trial.list();
    let [case, lamp] = ["case", "lamp"].map(|name| trial.list_named(name, 7));
    let [gone, sold] = ["gone", "sold"].map(|name| trial.list_named(name, 3));
    for item in [phone, case, gone] {
        trial.ask(BUYER, Action::AddToWishList { item }).unwrap();
    }
    trial.ask(OTHER_BUYER, Action::AddToWishList { item: gone }).unwrap();
    trial.ask_as(caller(BUYER), request(4), Action::RateItem { item: lamp, stars: 5 }).unwrap();
    trial
        .ask_as(caller(OTHER_BUYER), request(7), Action::RateItem { item: lamp, stars: 3 })
        .unwrap();
    let update = Action::UpdateItem { item: phone, price: Some(cents(49_999)), quantity: None };
    trial.ask(SELLER, update).unwrap();
    trial.ask(SELLER, Action::UpdateItem { item: gone, price: None, quantity: Some(9) }).unwrap();
    trial.ask(SELLER, Action::DeleteItem { item: gone }).unwrap();
    let buy = Action::BuyItem { item: sold, quantity: 2, max_price: Some(cents(50_000)) };
    trial.ask_as(caller(BUYER), request(9), buy).unwrap();
    trial
        .ask_as(
            caller(BUYER),
            request(10),
            Action::BuyItem { item: phone, quantity: 99, max_price: None },
        )
        .unwrap_err();
    trial.ask(SELLER, Action::DeleteItem { item: sold }).unwrap();
    trial.buy(OTHER_BUYER, phone, 1).unwrap();
    trial.ask(BUYER, Action::Acknowledge { up_to_id: 1 }).unwrap();
    trial
}

#[test]
fn a_snapshot_is_human_readable_lines() {
    let trial = busy();
    let expected = "\
MARKET|5
ACCOUNT|0|seller|192.13.188.178:50051|824302ea..
ACCOUNT|1|seller|192.13.188.179:50051|dd9d7dbf..
ACCOUNT|2|buyer|120.13.188.178:50051|d34cbcf5..
ACCOUNT|3|buyer|120.13.188.179:50051|75d6ecb9..
ITEM|1|0|ELECTRONICS|499.99|4|1|5|iPhone|This is iPhone 15.
ITEM|2|0|ELECTRONICS|500|7|0|7|case|This is iPhone 15.
ITEM|3|0|ELECTRONICS|500|7|0|7|lamp|This is iPhone 15.
FORMER|5|2|0|ELECTRONICS|sold|This is iPhone 15.
RATED|2|1
RATED|3|1
RATING|3|2|5
RATING|3|3|3
ORDER|1|5|2|2|500|1700000000017
ORDER|2|1|3|1|499.99|1700000000020
WISH|2|1|2
MAILBOX|0|0|0
SOLD|1
SOLD|2
MAILBOX|2|1|1
DEPARTED|4|0|ELECTRONICS|gone|This is iPhone 15.
UPDATED|4|500|9|0|0|500|3
DELETED|4|500|9|0|0
MAILBOX|3|0|0
UPDATED|4|500|9|0|0|500|3
DELETED|4|500|9|0|0
REQUESTS|2|4|0
DONE|4|9239619281535138551|RATED|0|0
DONE|9|5790831458652466005|BOUGHT|1|100000
DONE|10|11427623688848394633|ONLY-LEFT|5|0
REQUESTS|3|2|0
DONE|7|7194967942484675970|RATED|0|0";
    assert_eq!(text(&lines_of(trial.market.freeze())).join("\n"), expected);
}

#[test]
fn a_market_continues_from_its_snapshot() {
    let mut trial = busy();
    let lines = lines_of(trial.market.freeze());
    let market = restored(Limits::DEFAULT, &lines).unwrap();
    assert_eq!(market.audit(), trial.market.audit());
    assert_eq!(lines_of(market.freeze()), lines);
    assert_eq!(market.notification_count(), trial.market.notification_count());
    let mut other = Trial { market, ..Trial::open() };
    for trial in [&mut trial, &mut other] {
        let again = Action::BuyItem {
            item: agora::market::state::ItemId(5),
            quantity: 2,
            max_price: Some(cents(50_000)),
        };
        let Ok(Reply::Bought { order, .. }) = trial.ask_as(caller(BUYER), request(9), again) else {
            panic!("a purchase that comes again is answered as before")
        };
        assert_eq!(order.0, 1);
        trial.ask(OTHER_SELLER, sell("new", 1, 1)).unwrap();
    }
    assert_eq!(lines_of(other.market.freeze()).len(), lines_of(trial.market.freeze()).len());
}

#[test]
fn a_frozen_market_does_not_change_while_the_market_does() {
    let mut trial = busy();
    let lines = lines_of(trial.market.freeze());
    let frozen = trial.market.freeze();
    let phone = agora::market::state::ItemId(1);
    trial.buy(BUYER, phone, 1).unwrap();
    trial.list_many(300);
    trial.ask(SELLER, Action::DeleteItem { item: phone }).unwrap();
    trial.ask(OTHER_BUYER, Action::RegisterSeller).unwrap();
    trial.ask(SELLER, Action::Acknowledge { up_to_id: 2 }).unwrap();
    // On another thread, as in a node.
    let written = std::thread::spawn(move || lines_of(frozen)).join().unwrap();
    assert_eq!(text(&written), text(&lines));
}

#[test]
fn damaged_lines_are_read_or_refused_without_a_panic() {
    let good = lines_of(busy().market.freeze());
    let (mut taken, mut refused) = (0, 0);
    each_seed(|seed| {
        let mut lines = good.clone();
        let place = seed.below(lines.len());
        match seed.below(4) {
            0 => drop(lines.remove(place)),
            1 => lines.swap(place, seed.below(good.len())),
            2 => lines.insert(place, seed.pick(&good).clone()),
            _ => {
                let line = &mut lines[place];
                let word = seed.below(line.len());
                if seed.one_in(3) {
                    line[word] = extreme(seed);
                } else {
                    seed.mutate(&mut line[word]);
                }
            }
        }
        match restored(Limits::DEFAULT, &lines) {
            Ok(mut market) => {
                taken += 1;
                // It may be another market, but it is a consistent one.
                let item = agora::market::state::ItemId(seed.below(6) as u32);
                let action = Action::BuyItem { item, quantity: 1, max_price: None };
                let command = Command { request_id: None, caller: caller(BUYER), action };
                let _ = market.apply(1, &command);
                drop(lines_of(market.freeze()));
                drop(market.audit());
            }
            Err(_) => refused += 1,
        }
    });
    assert!(taken > 0 && refused > 0, "{taken} taken, {refused} refused");
}

fn extreme(seed: &mut Seed) -> Vec<u8> {
    seed.pick(&["0", "4294967295", "18446744073709551615", "", "x", "99999999999999999999"])
        .as_bytes()
        .to_vec()
}

#[test]
fn every_replica_ignores_bytes_that_are_no_command() {
    let mut market = busy().market;
    let before = lines_of(market.freeze());
    for bytes in [&b""[..], b"\x06", b"nonsense"] {
        let command: Arc<[u8]> = bytes.into();
        let mut answer = Vec::new();
        StateMachine::apply(&mut market, 7, 1, &command, &mut answer);
        assert_eq!(decode_answer(&answer), None);
        let mut words: Line = Vec::new();
        Market::to_words(bytes, &mut |word| words.push(word.to_vec()));
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        assert_eq!(Market::from_words(&words).as_deref(), Ok(bytes));
        assert!(!Market::conflicts(b"", bytes), "it changes nothing");
    }
    assert_eq!(lines_of(market.freeze()), before);
}

/// The time to freeze a market does not grow with it.
#[test]
fn the_time_to_freeze_does_not_depend_on_the_size() {
    let quickest = |market: &Market| {
        let freeze = || {
            let begin = Instant::now();
            let frozen = market.freeze();
            let took = begin.elapsed();
            drop(frozen);
            took
        };
        (0..50).map(|_| freeze()).min().unwrap_or(Duration::MAX)
    };
    let mut market = Trial::open().market;
    let small = quickest(&market);
    for _ in 0..20_000 {
        let command =
            Command { request_id: None, caller: caller(SELLER), action: sell("lamp", 5, 100) };
        market.apply(1, &command).unwrap();
    }
    let large = quickest(&market);
    assert!(large < small * 10 + Duration::from_micros(50), "{small:?}, then {large:?}");
}

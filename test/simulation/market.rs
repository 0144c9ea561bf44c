//! The market as a workload: five clients sell and buy a few items that are soon sold out.
//!
//! All results (answers, searches, lists, orders and mailboxes) must be linearizable against the
//! naive model of `test/market` as one object. Commands have numbers, so they are retried until
//! they are answered. Each client opens an account first, so that the order of registrations does
//! not matter.
//!
//! Each client is an operator as well, and restricts accounts and items at random. Such a command
//! has no number, and is sent once.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::rc::Rc;

use agora::market::price::Money;
use agora::market::state::{
    Act, Action, Caller, Category, Command, Error, Identity, ItemFields, ItemId, Limits, Market,
    Moderation, NewItem, OrderId, Query, ReadSet, Reply, RequestId, Sort, Standing, StandingChange,
    decode_answer,
};

use crate::linearizability::{Fault, Object, Operation, check};
use crate::market_model::{Answer, Model};
use crate::seed::Seed;
use crate::shown::{card, event_line, lines};
use crate::workload::{History, Workload};

const PEOPLE: [&str; 5] = ["ada", "bob", "cid", "dot", "eve"];

/// How many commands later a command may be sent again. The market keeps answers for longer.
const REMEMBERED: usize = 4;

/// The workload of all clients.
#[derive(Clone, Debug)]
pub struct MarketWork {
    /// Items that may exist.
    listed: u32,
    /// The last commands of each client.
    past: BTreeMap<u64, Vec<(NonZeroU64, Action<'static>)>>,
}

/// An operation of a client.
#[derive(Clone, Debug)]
pub enum Ask {
    Do(u64, NonZeroU64, Action<'static>),
    /// The operator's change of an account.
    Restrict(u64, StandingChange),
    /// The operator hides an item, or shows it again.
    Hide(u32, bool),
    Item(u32),
    Catalogue,
    Bought(u64),
    Sold(u64),
    Wishes(u64),
    /// The notifications of a client above a number.
    Mail(u64, usize),
}

/// The result of an operation: an answer, or lines of text.
#[derive(Clone, Debug, PartialEq)]
pub enum Saw {
    Answer(Answer),
    Lines(Vec<String>),
}

fn caller(client: u64) -> Caller<'static> {
    let identity = Identity::from_digest([client as u8 + 1; 32]).unwrap();
    Caller { identity, address: PEOPLE[client as usize] }
}

impl Ask {
    fn command(&self) -> Option<Command<'static>> {
        let Ask::Do(client, id, action) = *self else { return None };
        Some(Command { request_id: Some(RequestId(id)), caller: caller(client), action })
    }
}

/// The operator's command of an operation.
fn moderation(ask: &Ask) -> Option<Vec<u8>> {
    let act = match *ask {
        Ask::Restrict(who, change) => Act::SetStanding { account: PEOPLE[who as usize], change },
        Ask::Hide(item, is_hidden) => Act::SetItemHidden { item: ItemId(item), is_hidden },
        _ => return None,
    };
    Some(Moderation { by: "ops", why: "", act }.encode().unwrap())
}

/// A restriction, or the end of one.
fn moderate(seed: &mut Seed, listed: u32) -> Ask {
    if seed.one_in(3) {
        return Ask::Hide(1 + seed.below(5.min(listed as usize + 1)) as u32, seed.one_in(2));
    }
    let changes = [
        StandingChange::Block,
        StandingChange::Remove,
        StandingChange::Unblock,
        StandingChange::Restore,
        StandingChange::Restore,
        StandingChange::Restore,
    ];
    Ask::Restrict(seed.below(PEOPLE.len()) as u64, *seed.pick(&changes))
}

/// The search for all items.
const CATALOGUE: Query<'static> =
    Query { text: "", category: None, sort: Sort::Newest, page_size: 0, page_token: "" };

fn action(seed: &mut Seed, listed: &mut u32) -> Action<'static> {
    // The first items, so that clients compete for them; some do not exist.
    let item = ItemId(1 + seed.below(5.min(*listed as usize + 1)) as u32);
    let price = Money::from_minor(*seed.pick(&[1, 10, 25, 500]));
    match seed.below(24) {
        0 | 1 => Action::RegisterSeller,
        2 => Action::RegisterBuyer,
        3..6 => {
            *listed += 1;
            let name = *seed.pick(&["lamp", "desk lamp", "kettle"]);
            Action::SellItem(NewItem {
                fields: ItemFields { name, category: *seed.pick(&Category::ALL), description: "" },
                quantity: 1 + seed.below(6) as u32,
                price,
            })
        }
        6..8 => {
            let quantity = Some(seed.below(6) as u32).filter(|_| !seed.one_in(3));
            let price = Some(price).filter(|_| quantity.is_none() || seed.one_in(2));
            Action::UpdateItem { item, price, quantity }
        }
        8 => Action::DeleteItem { item },
        9..17 => {
            let max_price = Some(price).filter(|_| seed.one_in(4));
            Action::BuyItem { item, quantity: 1 + seed.below(3) as u32, max_price }
        }
        17..19 => Action::AddToWishList { item },
        19 => Action::RemoveFromWishList { item },
        20..22 => Action::RateItem { item, stars: 1 + seed.below(5) as u32 },
        _ => Action::Acknowledge { up_to_id: seed.below(12) as u64 },
    }
}

impl Workload for MarketWork {
    type Machine = Market;
    type Ask = Ask;
    type Saw = Saw;

    const IS_NUMBERED: bool = true;

    fn new(_: &mut Seed) -> MarketWork {
        MarketWork { listed: 0, past: BTreeMap::new() }
    }

    fn next(&mut self, client: u64, seed: &mut Seed) -> Ask {
        let past = self.past.entry(client).or_default();
        if past.is_empty() {
            let first = (NonZeroU64::MIN, Action::RegisterBuyer);
            past.push(first);
            return Ask::Do(client, first.0, first.1);
        }
        if seed.one_in(12) {
            return moderate(seed, self.listed);
        }
        let reads = [
            Ask::Item(1 + seed.below(self.listed as usize + 1) as u32),
            Ask::Catalogue,
            Ask::Bought(client),
            Ask::Sold(client),
            Ask::Wishes(client),
            Ask::Mail(client, seed.below(8)),
        ];
        if seed.one_in(3) {
            return seed.pick(&reads).clone();
        }
        let number = past.last().map_or(NonZeroU64::MIN, |(id, _)| id.saturating_add(1));
        let (id, what) = match seed.one_in(12) {
            true => {
                // The same command again. With other input the result would not be known: it is
                // refused, or applied if the first one was refused for good.
                past[past.len() - 1 - seed.below(past.len().min(REMEMBERED))]
            }
            false => (number, action(seed, &mut self.listed)),
        };
        if id == number {
            past.push((id, what));
        }
        Ask::Do(client, id, what)
    }

    fn command(ask: &Ask) -> Option<Vec<u8>> {
        moderation(ask).or_else(|| ask.command().map(|command| command.encode().unwrap()))
    }

    fn is_numbered(ask: &Ask) -> bool {
        matches!(ask, Ask::Do(..))
    }

    fn settled(market: &Market, command: &[u8]) -> Option<Saw> {
        market.final_answer(&Command::decode(command)?).map(Saw::Answer)
    }

    fn read_set(ask: &Ask) -> Vec<u8> {
        let read_set = match ask {
            Ask::Item(item) => ReadSet::Item(ItemId(*item)),
            Ask::Catalogue => ReadSet::Catalogue,
            _ => ReadSet::Everything,
        };
        read_set.encode()
    }

    fn observe(ask: &Ask, market: &Market) -> Saw {
        Saw::Lines(match *ask {
            Ask::Do(..) | Ask::Restrict(..) | Ask::Hide(..) => Vec::new(),
            Ask::Item(item) => market.item(ItemId(item)).iter().map(card).collect(),
            Ask::Catalogue => market.search(&CATALOGUE).unwrap().items.iter().map(card).collect(),
            Ask::Bought(who) => match market.buyer_orders(&caller(who), None, 0) {
                Ok(page) => lines(&page.entries),
                Err(error) => vec![format!("{error:?}")],
            },
            Ask::Sold(who) => match market.seller_orders(&caller(who), None, 0) {
                Ok(page) => lines(&page.entries),
                Err(error) => vec![format!("{error:?}")],
            },
            Ask::Wishes(who) => match market.wishlist(&caller(who), ItemId(0), 0) {
                Ok(page) => page.entries.iter().map(card).collect(),
                Err(error) => vec![format!("{error:?}")],
            },
            Ask::Mail(who, after) => match market.account(&caller(who)) {
                Ok(account) => {
                    let page = market.mailbox(account, after as u64, 0);
                    let mail = page.notifications.iter();
                    mail.map(|mail| format!("{} {}", mail.id, event_line(&mail.event))).collect()
                }
                Err(error) => vec![format!("{error:?}")],
            },
        })
    }

    fn saw(_: &Ask, answer: &[u8]) -> Saw {
        Saw::Answer(decode_answer(answer).unwrap())
    }

    /// Stock is never negative, sold and remaining pieces are the supplied ones, and the ledger
    /// agrees.
    fn audit(market: &Market) {
        assert_eq!(market.audit().faults, [""; 0]);
    }

    fn check_history(history: &History<MarketWork>, market: &Market) {
        check_orders(history, market);
        check_ratings(history);
        match check::<Square>(history) {
            Ok(_) => (),
            Err(Fault::NotLinearizable(why)) => panic!("the market is not linearizable: {why}"),
            Err(Fault::Undecided) => panic!("too many orders to try"),
        }
    }
}

/// The whole market as one object.
struct Square;

impl Object for Square {
    type State = Rc<Model>;
    type Call = Ask;
    type Outcome = Saw;

    fn initial() -> Rc<Model> {
        let limits = Limits { max_answers_per_account: 2 * REMEMBERED, ..Limits::DEFAULT };
        let mut model = Model::new(limits);
        // The order of registrations does not matter, and all clients register first.
        for client in 0..PEOPLE.len() as u64 {
            let (request_id, action) = (None, Action::RegisterBuyer);
            model.apply(&Command { request_id, caller: caller(client), action }).unwrap();
        }
        Rc::new(model)
    }

    fn after(model: &Rc<Model>, ask: &Ask, outcome: Option<&Saw>) -> Option<Rc<Model>> {
        let answered = |mut next: Model, answer: Answer| {
            // Otherwise equivalent states would be tried one after the other.
            next.forget_order();
            outcome.is_none_or(|saw| *saw == Saw::Answer(answer)).then(|| Rc::new(next))
        };
        let mut next = Model::clone(model);
        match *ask {
            // The model begins with all accounts; in the market they come one by one.
            Ask::Restrict(..) if outcome == Some(&Saw::Answer(Err(Error::NoSuchAccount))) => {
                return Some(Rc::clone(model));
            }
            Ask::Restrict(who, change) => {
                let answer = next.change_standing(PEOPLE[who as usize], change);
                return answered(next, answer);
            }
            Ask::Hide(item, is_hidden) => {
                let answer = next.set_hidden(ItemId(item), is_hidden);
                return answered(next, answer);
            }
            _ => (),
        }
        let Some(command) = ask.command() else {
            let fits = outcome.is_none_or(|saw| *saw == Saw::Lines(shown(model, ask)));
            return fits.then(|| Rc::clone(model));
        };
        let answer = next.apply(&command);
        // Refusals that are final for an account in good standing are not recorded. So one command
        // may be refused in such words and, while the account is restricted, because of that.
        let is_restriction = |error| matches!(error, Error::Blocked | Error::Removed);
        if let (Err(expected), Some(Saw::Answer(Err(seen)))) = (answer, outcome)
            && expected != *seen
            && (is_restriction(expected) || is_restriction(*seen))
        {
            return Some(Rc::clone(model));
        }
        answered(next, answer)
    }
}

/// The result of the model.
fn shown(model: &Model, ask: &Ask) -> Vec<String> {
    let page = Limits::DEFAULT.max_page;
    let person = |client| model.person(&caller(client).identity);
    let cards = |items: Vec<u32>| items.into_iter().map(|id| model.card(id)).take(page).collect();
    let nobody = || vec![format!("{:?}", Error::Credentials)];
    let removed = || vec![format!("{:?}", Error::Removed)];
    let is_removed =
        |who: &u64| person(*who).is_some_and(|who| model.people[who].standing == Standing::Removed);
    match *ask {
        Ask::Do(..) | Ask::Restrict(..) | Ask::Hide(..) => Vec::new(),
        Ask::Item(item) => {
            let thing = model.thing(ItemId(item)).ok().filter(|thing| !model.is_hidden(thing));
            thing.map_or_else(Vec::new, |_| cards(vec![item]))
        }
        Ask::Catalogue => cards(model.search(&CATALOGUE)),
        Ask::Bought(who) if is_removed(&who) => removed(),
        Ask::Wishes(who) | Ask::Mail(who, _) if is_removed(&who) => removed(),
        Ask::Bought(who) => {
            let orders = model.orders(|sale| Some(sale.buyer) == person(who));
            orders.into_iter().take(page).collect()
        }
        Ask::Sold(who) => match person(who) {
            None => nobody(),
            Some(person) if !model.people[person].is_seller => {
                vec![format!("{:?}", Error::NotASeller)]
            }
            Some(_) if is_removed(&who) => removed(),
            Some(person) => {
                model.orders(|sale| sale.seller == person).into_iter().take(page).collect()
            }
        },
        Ask::Wishes(who) => cards(person(who).map_or_else(Vec::new, |who| model.wishes(who))),
        Ask::Mail(who, after) => {
            let Some(who) = person(who) else { return nobody() };
            let person = &model.people[who];
            let waiting = (1..).zip(&person.mail).skip(person.forgotten.max(after)).take(page);
            waiting.map(|(id, text): (u64, _)| format!("{id} {text}")).collect()
        }
    }
}

/// Every acknowledged order is in the ledger exactly once, with the price in the answer. Every
/// other order was requested and not answered. The sum of all orders is the revenue.
fn check_orders(history: &History<MarketWork>, market: &Market) {
    let mut orders: BTreeMap<OrderId, (u64, NonZeroU64, Money)> = BTreeMap::new();
    let mut unheard = BTreeSet::new();
    for Operation { call, returned, .. } in history {
        let Ask::Do(client, id, Action::BuyItem { .. }) = *call else { continue };
        match returned {
            None => drop(unheard.insert((client, id))),
            Some((_, Saw::Answer(Ok(Reply::Bought { order, total })))) => {
                let known = *orders.entry(*order).or_insert((client, id, *total));
                assert_eq!(known, (client, id, *total), "order {order} is of one command");
                let kept = market.order(&caller(client), *order).map(|order| order.total);
                let is_kept = kept == Ok(*total) || kept == Err(Error::Removed);
                assert!(is_kept, "order {order} is in the ledger: {kept:?}");
            }
            Some(_) => (),
        }
    }
    let audit = market.audit();
    let (kept, heard, unheard_of) = (audit.orders, orders.len(), unheard.len());
    assert!(
        (heard..=heard + unheard_of).contains(&kept),
        "{kept} orders, {heard} acknowledged, {unheard_of} unheard of"
    );
    if unheard.is_empty() {
        let paid: u64 = orders.values().map(|(.., total)| total.minor()).sum();
        assert_eq!(audit.revenue_minor, paid.into(), "money and orders agree");
    }
}

/// No client got two answers that its rating of one item was accepted, except for the same command.
fn check_ratings(history: &History<MarketWork>) {
    let mut rated: BTreeMap<(u64, ItemId), NonZeroU64> = BTreeMap::new();
    for Operation { call, returned, .. } in history {
        let Ask::Do(client, id, Action::RateItem { item, .. }) = *call else { continue };
        if matches!(returned, Some((_, Saw::Answer(Ok(_))))) {
            let known = *rated.entry((client, item)).or_insert(id);
            assert_eq!(known, id, "{} has rated item {item} twice", PEOPLE[client as usize]);
        }
    }
}

/// The check detects errors: a forbidden history has no valid order.
mod power {
    use super::*;

    fn id(number: u64) -> NonZeroU64 {
        NonZeroU64::new(number).unwrap()
    }

    /// Sequential operations, each answered at once.
    fn history(operations: &[(Ask, Saw)]) -> History<MarketWork> {
        let operation = |(place, (call, saw)): (u64, &(Ask, Saw))| Operation {
            client: place,
            called: 2 * place,
            call: call.clone(),
            returned: Some((2 * place + 1, saw.clone())),
        };
        (0..).zip(operations).map(operation).collect()
    }

    fn is_good(operations: &[(Ask, Saw)]) -> bool {
        check::<Square>(&history(operations)).is_ok()
    }

    fn done(client: u64, number: u64, action: Action<'static>, reply: Reply) -> (Ask, Saw) {
        (Ask::Do(client, id(number), action), Saw::Answer(Ok(reply)))
    }

    fn bought(client: u64, number: u64, order: u32) -> (Ask, Saw) {
        let buy = Action::BuyItem { item: ItemId(1), quantity: 1, max_price: None };
        let total = Money::from_minor(10);
        done(client, number, buy, Reply::Bought { order: OrderId(order), total })
    }

    /// Ada sells two lamps.
    fn opening() -> Vec<(Ask, Saw)> {
        let sell = Action::SellItem(NewItem {
            fields: ItemFields { name: "lamp", category: Category::Others, description: "" },
            quantity: 2,
            price: Money::from_minor(10),
        });
        vec![
            done(0, 1, Action::RegisterSeller, Reply::Registered),
            done(0, 2, sell, Reply::Listed(ItemId(1))),
        ]
    }

    fn then(more: &[(Ask, Saw)]) -> bool {
        is_good(&[opening(), more.to_vec()].concat())
    }

    #[test]
    fn possible_histories_are_accepted() {
        assert!(then(&[bought(1, 1, 1), bought(2, 1, 2), bought(1, 1, 1)]));
    }

    #[test]
    fn more_than_there_is_cannot_be_sold() {
        assert!(!then(&[bought(1, 1, 1), bought(2, 1, 2), bought(3, 1, 3)]));
    }

    #[test]
    fn a_command_that_is_done_twice_is_seen() {
        assert!(!then(&[bought(1, 1, 1), bought(1, 1, 2)]));
        let twice = Saw::Lines(["1 lamp", "1 lamp"].map(str::to_owned).to_vec());
        assert!(!then(&[bought(1, 1, 1), (Ask::Bought(1), twice)]));
    }

    #[test]
    fn a_lost_order_is_seen() {
        assert!(!then(&[bought(1, 1, 1), (Ask::Bought(1), Saw::Lines(Vec::new()))]));
        assert!(!then(&[bought(1, 1, 1), bought(2, 1, 1)]));
    }

    #[test]
    fn notifications_that_are_lost_or_out_of_order_are_seen() {
        let mail = |lines: &[&str]| {
            let lines = lines.iter().map(|&line| line.to_owned()).collect();
            then(&[bought(1, 1, 1), bought(2, 1, 2), (Ask::Mail(0, 0), Saw::Lines(lines))])
        };
        assert!(mail(&["1 sold 1", "2 sold 2"]));
        for wrong in [&["1 sold 1"][..], &["2 sold 2"], &["1 sold 2", "2 sold 1"]] {
            assert!(!mail(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_second_rating_is_seen() {
        let rate =
            |number| done(1, number, Action::RateItem { item: ItemId(1), stars: 5 }, Reply::Rated);
        assert!(then(&[rate(1), rate(1)]));
        assert!(!then(&[rate(1), rate(2)]));
    }
}

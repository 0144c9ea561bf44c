//! Random commands to the market and to the [model](super::model); after every step all of both is
//! compared.
//!
//! `AGORA_MUTATIONS` is the number of steps in all; `AGORA_SEED` replays one run.

use std::collections::BTreeSet;
use std::sync::Arc;

use agora::market::price::Money;
use agora::market::state::{
    Act, Action, Caller, Category, Command, Error, ItemFields, ItemId, ItemView, Limits, Market,
    Moderation, NewItem, OrderView, Policy, Query, Reply, Sort, Standing, StandingChange,
    decode_answer,
};
use agora::raft::StateMachine;

use crate::machine::{lines_of, restored};
use crate::model::{Model, Person};
use crate::seed::{Seed, each_seed};
use crate::shown::{card, event_line, lines};
use crate::trial::{identity, request};

const STEPS: usize = 400;

const NAMES: [&str; 7] = ["ada", "bob", "cyd", "dan", "eve", "fay", "gus"];

const WORDS: [&str; 8] = ["red", "Redwood", "lamp", "Lampshade", "la", "\u{c9}tui", "USB", "case"];

const TEXTS: [&str; 10] = [
    "Lamp",
    "red lamp",
    "Red lampshade",
    "\u{c9}tui of redwood",
    "USB lamp, red",
    "case",
    "usb case (red)",
    "La lamp",
    "red red red",
    "Lampshade case",
];

/// All outcomes of commands, but for those that only long texts cause.
const OUTCOMES: [&str; 42] = [
    "Registered",
    "Listed",
    "Updated",
    "Deleted",
    "Bought",
    "AddedToWishList",
    "RemovedFromWishList",
    "Rated",
    "Acknowledged",
    "Empty",
    "Quantity",
    "Stock",
    "Price",
    "Stars",
    "NothingToUpdate",
    "RequestReused",
    "RequestForgotten",
    "Credentials",
    "NotASeller",
    "NotYourItem",
    "OwnItem",
    "AddressTaken",
    "AlreadyRegistered",
    "AlreadyRated",
    "NoSuchItem",
    "NotOnWishList",
    "OnlyLeft",
    "PriceIsNow",
    "NotSent",
    "Full Accounts",
    "Full Items",
    "Full SellerItems",
    "Full Orders",
    "Full Wishes",
    "Full Wishers",
    "Full Ratings",
    "Moderated",
    "Forgotten",
    "Blocked",
    "Removed",
    "Hidden",
    "NoSuchAccount",
];

/// Bounds that are small enough to be reached.
fn limits() -> Limits {
    Limits {
        max_accounts: 6,
        max_items: 10,
        max_items_per_seller: 5,
        max_orders: 10,
        max_wishes: 2,
        max_wishers: 3,
        max_ratings_per_account: 3,
        max_mailbox: 5,
        max_price: Money::from_minor(1_000),
        max_quantity: 20,
        max_page: 7,
        max_answers_per_account: 8,
        max_answers: 25,
        max_union: 6,
        ..Limits::DEFAULT
    }
}

struct Simulation {
    seed: Seed,
    model: Model,
    market: Market,
    past: Vec<Command<'static>>,
    /// Commands with a refusal that was certain before they were applied.
    refused: Vec<(Command<'static>, Error)>,
    next_request: u64,
    /// Each step takes a minute.
    minute: u32,
    batch: Batch,
}

/// Commands that are applied to a market one after the other.
struct Batch {
    /// The market before them.
    before: Market,
    commands: Vec<Arc<[u8]>>,
    /// The largest size meanwhile.
    max_bytes: u64,
}

impl Batch {
    fn new(before: Market) -> Batch {
        let max_bytes = before.size_bytes();
        Batch { before, commands: Vec::new(), max_bytes }
    }

    /// Checks that the bound of the size was one.
    fn check(&self) {
        let bound = self.before.size_bytes_after(&mut self.commands.iter().map(|bytes| &**bytes));
        assert!(self.max_bytes <= bound, "{} bytes, expected {bound} at most", self.max_bytes);
    }
}

#[test]
fn a_market_does_what_the_naive_model_does() {
    let mut seeds = 0;
    let mut seen = BTreeSet::new();
    each_seed(|seed| {
        // One of so many seeds starts a run of so many steps.
        seeds += 1;
        if seeds % STEPS == 1 {
            let (model, market) = (Model::new(limits()), Market::new(limits()));
            let seed = Seed::new(seed.next_u64());
            let mut simulation = Simulation {
                seed,
                model,
                market,
                past: Vec::new(),
                refused: Vec::new(),
                next_request: 1,
                minute: 1_000,
                batch: Batch::new(Market::new(limits())),
            };
            simulation.record_uses();
            seen.extend((0..STEPS).map(|_| simulation.step()));
        }
    });
    if seeds >= 20_000 {
        let missing: Vec<_> = OUTCOMES.iter().filter(|name| !seen.contains(**name)).collect();
        assert_eq!(missing, [&""; 0], "of the ways a command can end");
    }
}

impl Simulation {
    /// Makes one step. Returns its outcome.
    fn step(&mut self) -> String {
        if self.seed.one_in(40) {
            self.restart();
        }
        self.minute += 1;
        if self.seed.one_in(25) {
            return self.moderate();
        }
        if self.seed.one_in(25) {
            return self.forget_idle();
        }
        let command = self.command();
        let certain = self.market.final_answer(&command);
        let bare = Command { request_id: None, ..command };
        // Without an id nothing is recorded: a refusal must be final by itself.
        for command in [command, bare] {
            if let Some(Err(why)) = self.market.final_answer(&command) {
                self.refused.push((command, why));
            }
        }
        let unrecorded_refusal = self.market.unrecorded_refusal(&command);
        let told_before = self.market.notification_count();
        let mail_before: Vec<usize> = self.model.people.iter().map(|p| p.mail.len()).collect();
        let expected = self.model.apply_at(self.minute, &command);
        assert_eq!(self.apply(&command.encode().unwrap()), Some(expected), "{command:?}");
        self.check_final_answer(&command, certain, expected);
        assert!(unrecorded_refusal.is_none_or(|error| expected == Err(error)), "{command:?}");
        self.market.settle();
        self.past.push(command);
        self.compare_items();
        self.compare_people();
        // The feed names exactly the accounts with new notifications.
        let people = self.model.people.iter().zip(mail_before);
        let told = people.filter(|(person, before)| person.mail.len() > *before);
        let told: Vec<_> =
            told.map(|(person, _)| self.market.account(&caller_of(person))).collect();
        let notified = self.market.mailboxes_changed_since(told_before).unwrap();
        let is_removed = |account: &Result<_, Error>| *account == Err(Error::Removed);
        assert!(
            notified.map(Ok).eq(told.iter().copied()) || told.iter().any(is_removed),
            "{command:?}"
        );
        self.compare_search();
        let audit = self.market.audit();
        assert_eq!(audit.faults, [""; 0], "after {command:?}");
        let total: u64 =
            self.model.sales.iter().map(|sale| sale.price * u64::from(sale.quantity)).sum();
        assert_eq!(audit.revenue_minor, total.into(), "money and orders agree");
        let ended = match expected {
            Ok(reply) => format!("{reply:?}"),
            Err(Error::Full(bound, _)) => return format!("Full {bound:?}"),
            Err(error) => format!("{error:?}"),
        };
        ended.split(['(', ' ']).next().unwrap_or_default().to_owned()
    }

    /// The final answer before a command is applied is its answer, and a copy of a command that was
    /// refused then is refused in the same way, unless its id was used for another command
    /// meanwhile.
    fn check_final_answer(
        &mut self,
        command: &Command<'static>,
        certain: Option<Result<Reply, Error>>,
        answer: Result<Reply, Error>,
    ) {
        assert!(certain.is_none_or(|certain| certain == answer), "{command:?}");
        if self.refused.is_empty() {
            return;
        }
        let (late, why) = self.refused[self.seed.below(self.refused.len())];
        let late_caller = self.model.person(&late.caller.identity);
        if late_caller.is_some_and(|who| self.model.people[who].standing != Standing::Good) {
            // It is refused, with other words.
            return;
        }
        let is_other = match self.market.unrecorded_refusal(&late) {
            Some(Error::RequestReused(_) | Error::RequestForgotten(..)) => true,
            Some(_) | None => false,
        };
        let now = self.market.final_answer(&late);
        assert!(is_other || now == Some(Err(why)), "{late:?} was refused: {why:?}, now {now:?}");
    }

    /// The operator restricts somebody or something, or ends that.
    fn moderate(&mut self) -> String {
        let (seed, things) = (&mut self.seed, self.model.things.len());
        let changes = [
            StandingChange::Block,
            StandingChange::Remove,
            StandingChange::Unblock,
            StandingChange::Restore,
            StandingChange::Restore,
        ];
        let account = *seed.pick(&NAMES);
        let (change, is_hidden) = (*seed.pick(&changes), seed.one_in(3));
        let item = ItemId(seed.below(things + 2) as u32);
        let (act, expected) = match seed.one_in(2) {
            true => {
                let act = Act::SetStanding { account, change };
                (act, self.model.change_standing(account, change))
            }
            false => {
                (Act::SetItemHidden { item, is_hidden }, self.model.set_hidden(item, is_hidden))
            }
        };
        let answer = self.apply(&Moderation { by: "ops", why: "", act }.encode().unwrap());
        assert_eq!(answer, Some(expected), "{account} {change:?}, {item}");
        self.compare_items();
        self.compare_people();
        self.compare_search();
        assert_eq!(self.market.audit().faults, [""; 0], "{account} {change:?}, {item}");
        match expected {
            Ok(reply) => format!("{reply:?}"),
            Err(error) => format!("{error:?}").split('(').next().unwrap_or_default().to_owned(),
        }
    }

    /// Applies a command, and checks the size of the market.
    fn apply(&mut self, bytes: &[u8]) -> Option<Result<Reply, Error>> {
        let before = self.market.size_bytes();
        let bound = self.market.size_bytes_after(&mut [bytes].into_iter());
        let at_ms = u64::from(self.minute) * 60_000 + self.seed.next_u64() % 60_000;
        let (bytes, mut answer): (Arc<[u8]>, _) = (bytes.into(), Vec::new());
        StateMachine::apply(&mut self.market, 0, at_ms, &bytes, &mut answer);
        let (after, answer) = (self.market.size_bytes(), decode_answer(&answer));
        assert!(after <= bound, "{before} bytes and then {after}, expected {bound} at most");
        assert!(after <= before + Market::max_overhead_bytes(&bytes) + bytes.len() as u64);
        assert!(Market::may_grow(&bytes) || after <= before, "{before} bytes and then {after}");
        if let Some(Ok(Reply::Registered | Reply::Listed(_) | Reply::Rated)) = answer {
            assert_eq!(after, bound, "the bound is exact");
        }
        self.batch.commands.push(bytes);
        self.batch.max_bytes = self.batch.max_bytes.max(after);
        answer
    }

    /// Lets the market record the uses of accounts.
    fn record_uses(&mut self) {
        let act = Act::SetPolicy(Policy::default());
        let answer = self.apply(&Moderation { by: "", why: "", act }.encode().unwrap());
        assert_eq!(answer, Some(Ok(Reply::Moderated)));
    }

    /// Accounts that were not used for some minutes are forgotten.
    fn forget_idle(&mut self) -> String {
        let since_min = self.minute - self.seed.below(60) as u32;
        let people = 0..self.model.people.len();
        let idle = people.clone().filter(|who| self.model.is_idle(*who, since_min));
        let idle: Vec<usize> = idle.collect();
        let account = |who: &usize| self.market.account(&caller_of(&self.model.people[*who]));
        let expected: Vec<_> = idle.iter().map(|who| account(who).unwrap()).collect();
        let (found, _) = self.market.idle_accounts(0, u32::MAX, since_min);
        assert_eq!(found, expected);
        // The command names accounts that are in use as well: they stay.
        let accounts = people
            .filter(|who| !self.model.people[*who].is_forgotten)
            .filter_map(|who| account(&who).ok());
        let act = Act::ForgetIdle { idle_since_min: since_min, accounts: accounts.collect() };
        let answer = self.apply(&Moderation { by: "leader", why: "", act }.encode().unwrap());
        assert_eq!(answer, Some(Ok(Reply::Moderated)));
        for who in &idle {
            self.model.forget(*who);
            let identity = self.model.people[*who].identity;
            // What they sent before would be a new command now.
            self.refused.retain(|(command, _)| command.caller.identity != identity);
        }
        self.compare_items();
        self.compare_people();
        self.compare_search();
        assert_eq!(self.market.audit().faults, [""; 0], "{idle:?} were forgotten");
        self.begin_batch();
        if idle.is_empty() { "Moderated".into() } else { "Forgotten".into() }
    }

    fn compare_people(&mut self) {
        for who in 0..self.model.people.len() {
            if !self.model.people[who].is_forgotten {
                self.compare_person(who);
            }
        }
    }

    /// Begins a new batch with the present market.
    fn begin_batch(&mut self) {
        self.batch.check();
        self.batch = Batch::new(restored(limits(), &lines_of(self.market.freeze())).unwrap());
    }

    /// The market is replaced by the one that is restored from its snapshot.
    fn restart(&mut self) {
        self.begin_batch();
        let lines = lines_of(self.market.freeze());
        let size = self.market.size_bytes();
        self.market = restored(limits(), &lines).unwrap();
        assert_eq!(self.market.size_bytes(), size, "a restored market counts alike");
        assert_eq!(lines_of(self.market.freeze()), lines);
    }

    fn command(&mut self) -> Command<'static> {
        let seed = &mut self.seed;
        if !self.past.is_empty() && seed.one_in(6) {
            // A retry, of the last commands mostly; sometimes with other input.
            let recent = seed.below(12).min(self.past.len() - 1);
            let mut command = self.past[self.past.len() - 1 - recent];
            if seed.one_in(4) {
                command.action = action(seed, self.model.things.len());
            }
            return command;
        }
        let name = *seed.pick(&NAMES);
        let mut caller = Caller { identity: identity(name), address: name };
        if seed.one_in(15) {
            caller.address = *seed.pick(&["ada", "bob", "", "gus"]);
        }
        self.next_request += 1;
        // Some arrive out of order, some have none.
        let id = match seed.below(8) {
            0 => 0,
            1 => self.next_request.saturating_sub(seed.next_u64() % 30),
            _ => self.next_request,
        };
        let action = action(seed, self.model.things.len());
        Command { request_id: request(id), caller, action }
    }

    fn compare_items(&self) {
        for id in 0..=self.model.things.len() as u32 + 1 {
            let found = self.market.item(ItemId(id));
            match self.model.thing(ItemId(id)) {
                Err(error) => assert_eq!(found, Err(error)),
                Ok(thing) if self.model.is_hidden(thing) => {
                    assert_eq!(found, Err(Error::Hidden(ItemId(id))));
                }
                Ok(thing) => {
                    let item = found.unwrap();
                    assert_eq!(card(&item), self.model.card(id));
                    assert_eq!(item.fields.category, thing.category);
                    let sold = self.model.sales.iter().filter(|sale| sale.item == id);
                    let sold: i64 = sold.map(|sale| i64::from(sale.quantity)).sum();
                    assert_eq!(sold + i64::from(item.quantity), thing.supplied);
                }
            }
        }
    }

    fn compare_person(&mut self, who: usize) {
        let person = &self.model.people[who];
        let caller = caller_of(person);
        let model = &self.model;
        let market = &self.market;
        if person.standing == Standing::Removed {
            assert_eq!(market.buyer_orders(&caller, None, 0), Err(Error::Removed));
            assert_eq!(market.wishlist(&caller, ItemId(0), 0), Err(Error::Removed));
            assert_eq!(market.account(&caller), Err(Error::Removed));
            return;
        }
        let bought = drain(|last: Option<&OrderView<&str>>| {
            let page = market.buyer_orders(&caller, last.map(|order| order.id), 0).unwrap();
            (page.entries, page.has_more)
        });
        assert_eq!(lines(&bought), model.orders(|sale| sale.buyer == who));
        if person.is_seller {
            let sold = drain(|last: Option<&OrderView<&str>>| {
                let page = market.seller_orders(&caller, last.map(|order| order.id), 0).unwrap();
                (page.entries, page.has_more)
            });
            assert_eq!(lines(&sold), model.orders(|sale| sale.seller == who));
            let own = drain(|last: Option<&ItemView<&str>>| {
                let after = last.map_or(ItemId(0), |item| item.id);
                let page = market.seller_items(&caller, after, 2).unwrap();
                (page.entries, page.has_more)
            });
            let live = (1..).zip(&model.things).filter(|(_, t)| !t.is_gone && t.seller == who);
            assert!(own.iter().map(|item| item.id.0).eq(live.map(|(id, _)| id)));
        }
        let wishes = drain(|last: Option<&ItemView<&str>>| {
            let after = last.map_or(ItemId(0), |item| item.id);
            let page = market.wishlist(&caller, after, 2).unwrap();
            (page.entries, page.has_more)
        });
        let wishes: Vec<u32> = wishes.iter().map(|item| item.id.0).collect();
        assert_eq!(wishes, model.wishes(who));
        self.compare_mail(who);
    }

    fn compare_mail(&mut self, who: usize) {
        let person = &self.model.people[who];
        let account = self.market.account(&caller_of(person)).unwrap();
        let after = self.seed.below(person.mail.len() + 2);
        let page = self.market.mailbox(account, after as u64, 0);
        let missed = person.forgotten.saturating_sub(person.acknowledged.max(after));
        assert_eq!(page.missed, missed as u64);
        let found = page.notifications.iter().map(|mail| (mail.id, event_line(&mail.event)));
        let waiting = (1..).zip(&person.mail).skip(person.forgotten.max(after));
        let waiting = waiting.map(|(id, text)| (id, text.to_string()));
        assert!(found.eq(waiting), "{}'s mail", person.address);
        assert!(!page.has_more);
    }

    fn compare_search(&mut self) {
        let seed = &mut self.seed;
        let term = |seed: &mut Seed| match seed.below(4) {
            0 => format!("{}*", seed.pick(&WORDS).chars().next().unwrap()),
            1 => format!("{}*", seed.pick(&WORDS)),
            _ => (*seed.pick(&WORDS)).to_owned(),
        };
        let terms: Vec<String> = (0..seed.below(3)).map(|_| term(seed)).collect();
        let text = terms.join(" ");
        let any = [None, None, Some(Category::Electronics), Some(Category::Others)];
        let (category, sort) = (*seed.pick(&any), *seed.pick(&Sort::ALL));
        let query = Query { text: &text, category, sort, page_size: seed.below(5), page_token: "" };
        let expected = self.model.search(&query);
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = self.market.search(&Query { page_token: &token, ..query }).unwrap();
            assert_eq!(page.total, expected.len());
            found.extend(page.items.iter().map(|item| item.id.0));
            match page.next_page_token {
                Some(next) => token = next,
                None => break,
            }
        }
        assert_eq!(found, expected, "{query:?}");
    }
}

/// A random action, valid or not.
fn action(seed: &mut Seed, items: usize) -> Action<'static> {
    let item = ItemId(match seed.below(10) {
        0 => 0,
        1 => items as u32 + 1,
        // Mostly the latest, which are still on sale.
        _ => (items - seed.below(items.min(12))) as u32,
    });
    let price = Money::from_minor(*seed.pick(&[0, 1, 10, 10, 500, 999, 1_000, 1_001]));
    let quantity = *seed.pick(&[0, 1, 1, 2, 3, 20, 21]);
    match seed.below(25) {
        0 | 1 => Action::RegisterSeller,
        2 => Action::RegisterBuyer,
        3..9 => {
            let (name, description) = (*seed.pick(&TEXTS), *seed.pick(&TEXTS));
            Action::SellItem(NewItem {
                fields: ItemFields {
                    name: if seed.one_in(20) { "" } else { name },
                    category: *seed.pick(&Category::ALL),
                    description: if seed.one_in(3) { "" } else { description },
                },
                quantity,
                price,
            })
        }
        9..12 => Action::UpdateItem {
            item,
            price: Some(price).filter(|_| !seed.one_in(3)),
            quantity: Some(quantity).filter(|_| !seed.one_in(3)),
        },
        12 => Action::DeleteItem { item },
        13..18 => {
            let max_price = Some(price).filter(|_| seed.one_in(3));
            Action::BuyItem { item, quantity, max_price }
        }
        18..21 => Action::AddToWishList { item },
        21 => Action::RemoveFromWishList { item },
        22 | 23 => Action::RateItem { item, stars: seed.below(7) as u32 },
        _ => Action::Acknowledge { up_to_id: seed.next_u64() % 8 },
    }
}

fn caller_of(person: &Person) -> Caller<'_> {
    Caller { identity: person.identity, address: &person.address }
}

/// All pages of a list, each requested with the last entry of the one before.
fn drain<T: Copy>(mut page: impl FnMut(Option<&T>) -> (Vec<T>, bool)) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    loop {
        let (entries, has_more) = page(all.last());
        all.extend(entries);
        if !has_more {
            return all;
        }
    }
}

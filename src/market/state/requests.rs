//! Exactly once: the recorded answers to commands with a request id.
//!
//! A client that gets no answer sends the same command again with the same id, and gets the first
//! answer; the command is not executed twice. The same id with other input is refused
//! ([`Error::RequestReused`]).
//!
//! # The window
//!
//! The number of recorded answers is bounded. Each account keeps the answers with its highest ids
//! ([`Limits::max_answers_per_account`]). All accounts together keep [`Limits::max_answers`]; one
//! more removes all answers of the least recently used account. So an account does not lose its
//! answers because another one sends many commands. Time does not matter: every replica forgets the
//! same answers.
//!
//! A command that is repeated after its answer was forgotten is not executed again. **Ids ascend**:
//! a client counts them, or takes a clock in microseconds, and an id that is not above the
//! forgotten ones is refused ([`Error::RequestForgotten`]), because the market does not know
//! whether it was executed. Commands may arrive out of order by as many ids as are recorded.
//!
//! ```text
//!   ids:      1 2 3 ... floor | ... recorded ids ...       | ... higher ids
//!   a command: refused        | its answer, if it has one  | executed and recorded
//!                             | executed, if not           |
//! ```
//!
//! Refusals are recorded like successes, for the caller's account. A buyer gets an account by its
//! first purchase, wish or rating with an id, even if that is refused. Any other command of a
//! caller without an account is refused and not recorded.

use std::collections::VecDeque;

use super::accounts::{AccountId, Accounts, SharedPerAccount};
use super::answer::{self, Answer};
use super::command::{Action, Command, RequestId};
use super::error::Error;
use super::hash::Hash64;
use super::limits::Limits;
use super::lines::{Section, WordReader, section};
use super::lru::LruList;

/// The input of a command in 64 bits: address and action, not the time. It is in snapshots, so it
/// must not change from one version to the next.
///
/// Two inputs with the same fingerprint are treated as the same. By chance that happens once in
/// 2^64 pairs. On purpose a client can only do it to its own commands, since fingerprints are
/// compared within one account and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RecordedAnswer {
    id: RequestId,
    input: Fingerprint,
    answer: Answer,
}

/// The recorded answers of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Window {
    /// The highest id forgotten.
    floor: Option<RequestId>,
    /// The number of its last command among all recorded commands of all accounts.
    last_use: u64,
    /// Ascending by id, all above `floor`.
    answers: VecDeque<RecordedAnswer>,
}

/// The recorded answers of all accounts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Requests {
    windows: SharedPerAccount<Window>,
    /// Commands recorded so far.
    uses: u64,
    /// Answers in all windows.
    answers: usize,
    /// The accounts that have answers, by their last command.
    lru: LruList,
}

impl Requests {
    /// The recorded answer to a command, or its refusal; none if it is new.
    pub fn look_up(&self, account: AccountId, id: RequestId, input: Fingerprint) -> Option<Answer> {
        let window = self.windows.get(account)?;
        if window.answers.back().is_some_and(|last| last.id < id) {
            return None;
        }
        match window.answers.binary_search_by_key(&id, |recorded| recorded.id) {
            Ok(at) if window.answers[at].input == input => Some(window.answers[at].answer),
            Ok(_) => Some(Err(Error::RequestReused(id))),
            Err(_) if window.floor >= Some(id) => {
                let last = window.last().unwrap_or(id);
                Some(Err(Error::RequestForgotten(id, last)))
            }
            Err(_) => None,
        }
    }

    /// Whether the id is higher than all ids of the account that the market knows, and so new.
    pub fn is_above_all(&self, account: AccountId, id: RequestId) -> bool {
        self.windows.get(account).is_none_or(|window| window.last() < Some(id))
    }

    /// Records the answer to a command that is new according to [`Requests::look_up`].
    pub fn record(
        &mut self,
        account: AccountId,
        id: RequestId,
        input: Fingerprint,
        answer: Answer,
        limits: &Limits,
    ) {
        let window = self.windows.get_mut(account);
        let at = window.answers.partition_point(|recorded| recorded.id < id);
        window.answers.insert(at, RecordedAnswer { id, input, answer });
        self.answers += 1;
        self.uses += 1;
        window.last_use = self.uses;
        if window.answers.len() > limits.max_answers_per_account {
            window.forget_first();
            self.answers -= 1;
        }
        self.lru.touch(account);
        while self.answers > limits.max_answers {
            let Some(oldest) = self.lru.oldest() else { break };
            let window = self.windows.get_mut(oldest);
            if oldest == account {
                // No other account has answers.
                window.forget_first();
                self.answers -= 1;
            } else {
                self.answers -= window.forget_all();
                self.lru.remove(oldest);
            }
        }
    }

    /// Forgets all of an account.
    pub fn remove_account(&mut self, account: AccountId) {
        self.answers -= self.windows.get(account).map_or(0, |window| window.answers.len());
        self.windows.remove(account);
        self.lru.remove(account);
    }

    /// The number of recorded answers: of the account with the most, and in all.
    pub fn counts(&self) -> (usize, usize) {
        let counts = || self.windows.iter().map(|(_, window)| window.answers.len());
        (counts().max().unwrap_or(0), counts().sum())
    }

    /// `REQUESTS account used floor` for each account that ever had an answer, each followed by its
    /// answers, `DONE id fingerprint answer`. A floor of 0: no answer was forgotten.
    pub fn freeze(&self) -> Box<dyn Section> {
        let windows = self.windows.clone();
        let (mut account, mut next) = (None, 0);
        section(move |words| {
            let window = account.and_then(|account| windows.get(account));
            if let Some(done) = window.and_then(|window| window.answers.get(next)) {
                next += 1;
                words.word(DONE).number(done.id.0).number(done.input.0);
                answer::write_words(&done.answer, words);
                return true;
            }
            let from = account.map_or(Some(0), |AccountId(number)| number.checked_add(1));
            let Some((found, window)) = from.and_then(|from| windows.next(from)) else {
                return false;
            };
            (account, next) = (Some(found), 0);
            let floor = window.floor.map_or(0, |floor| floor.0.get());
            words.word(REQUESTS).number(found.0).number(window.last_use).number(floor);
            true
        })
    }

    /// Restores a window from the words behind `REQUESTS`.
    pub fn restore(
        &mut self,
        mut fields: WordReader<'_>,
        accounts: &Accounts,
    ) -> Result<AccountId, String> {
        let account = AccountId(fields.number()?);
        let (last_use, floor) = (fields.count()?, fields.number()?);
        fields.end()?;
        if !accounts.contains(account) || self.windows.get(account).is_some() {
            return Err("its account does not exist, or has such a line already".into());
        }
        let floor = std::num::NonZeroU64::new(floor).map(RequestId);
        *self.windows.get_mut(account) = Window { floor, last_use, answers: VecDeque::new() };
        self.uses = self.uses.max(last_use);
        Ok(account)
    }

    /// Restores an answer of an account from the words behind `DONE`.
    pub fn restore_answer(
        &mut self,
        account: AccountId,
        mut fields: WordReader<'_>,
    ) -> Result<(), String> {
        let id = RequestId(fields.number::<u64>()?.try_into().map_err(|_| "no id is 0")?);
        let input = Fingerprint(fields.number()?);
        let answer = answer::parse_words(fields)?;
        let window = self.windows.get_mut(account);
        if window.last() >= Some(id) {
            return Err(format!("request id {id} is out of order"));
        }
        window.answers.push_back(RecordedAnswer { id, input, answer });
        self.answers += 1;
        Ok(())
    }

    /// All lines were restored.
    pub fn restored(&mut self) {
        let windows = self.windows.iter().filter(|(_, window)| !window.answers.is_empty());
        let mut by_use: Vec<_> =
            windows.map(|(account, window)| (window.last_use, account)).collect();
        by_use.sort_unstable();
        by_use.iter().for_each(|(_, account)| self.lru.touch(*account));
    }
}

pub const REQUESTS: &[u8] = b"REQUESTS";
pub const DONE: &[u8] = b"DONE";

impl Window {
    /// The highest id that was ever recorded.
    fn last(&self) -> Option<RequestId> {
        self.answers.back().map(|last| last.id).max(self.floor)
    }

    fn forget_first(&mut self) {
        if let Some(first) = self.answers.pop_front() {
            self.floor = Some(first.id);
        }
    }

    /// Forgets all answers. Returns how many there were.
    fn forget_all(&mut self) -> usize {
        let answers = std::mem::take(&mut self.answers);
        self.floor = answers.back().map(|last| last.id).max(self.floor);
        answers.len()
    }
}

impl Fingerprint {
    /// The fingerprint of a command's input.
    pub fn of(command: &Command<'_>) -> Fingerprint {
        let mut hash = Hash64::new();
        hash.text(command.caller.address);
        action(&mut hash, &command.action);
        Fingerprint(hash.finish())
    }
}

/// Mixes in the kind of an action and each of its parts, unambiguously.
fn action(hash: &mut Hash64, action: &Action<'_>) {
    hash.number(action.kind().into());
    match *action {
        Action::RegisterSeller | Action::RegisterBuyer => (),
        Action::SellItem(new_item) => new_item.hash_into(hash),
        Action::UpdateItem { item, price, quantity } => {
            hash.number(item.0.into());
            hash.option(price.map(|price| price.minor()));
            hash.option(quantity.map(u64::from));
        }
        Action::BuyItem { item, quantity, max_price } => {
            hash.number(item.0.into());
            hash.number(quantity.into());
            hash.option(max_price.map(|price| price.minor()));
        }
        Action::RateItem { item, stars } => {
            hash.number(item.0.into());
            hash.number(stars.into());
        }
        Action::DeleteItem { item }
        | Action::AddToWishList { item }
        | Action::RemoveFromWishList { item } => hash.number(item.0.into()),
        Action::Acknowledge { up_to_id } => hash.number(up_to_id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::state::command::Reply;
    use std::num::NonZeroU64;

    const ADA: AccountId = AccountId(0);
    const BOB: AccountId = AccountId(1);
    const INPUT: Fingerprint = Fingerprint(1);
    const OTHER: Fingerprint = Fingerprint(2);

    fn id(number: u64) -> RequestId {
        RequestId(NonZeroU64::new(number).unwrap())
    }

    fn limits(per_account: usize, in_all: usize) -> Limits {
        let (max_answers_per_account, max_answers) = (per_account, in_all);
        Limits { max_answers_per_account, max_answers, ..Limits::DEFAULT }
    }

    fn done(requests: &mut Requests, who: AccountId, number: u64, limits: &Limits) {
        assert_eq!(requests.look_up(who, id(number), INPUT), None, "{number} is new");
        requests.record(who, id(number), INPUT, Ok(Reply::Updated), limits);
    }

    fn forgotten(number: u64, last: u64) -> Option<Answer> {
        Some(Err(Error::RequestForgotten(id(number), id(last))))
    }

    #[test]
    fn the_first_answer_is_given_again_and_other_input_refused() {
        let mut requests = Requests::default();
        done(&mut requests, ADA, 5, &Limits::DEFAULT);
        assert_eq!(requests.look_up(ADA, id(5), INPUT), Some(Ok(Reply::Updated)));
        let reused = Some(Err(Error::RequestReused(id(5))));
        assert_eq!(requests.look_up(ADA, id(5), OTHER), reused);
        assert_eq!(requests.look_up(BOB, id(5), OTHER), None, "ids are an identity's own");
    }

    #[test]
    fn ids_may_arrive_out_of_order() {
        let mut requests = Requests::default();
        for number in [3, 1, 2, 9, 4] {
            done(&mut requests, ADA, number, &Limits::DEFAULT);
        }
        assert_eq!(requests.look_up(ADA, id(2), INPUT), Some(Ok(Reply::Updated)));
    }

    #[test]
    fn a_forgotten_id_is_refused_and_not_executed_again() {
        let (mut requests, limits) = (Requests::default(), limits(2, 100));
        for number in [10, 30, 20, 40] {
            done(&mut requests, ADA, number, &limits);
        }
        assert_eq!(requests.look_up(ADA, id(10), INPUT), forgotten(10, 40));
        assert_eq!(requests.look_up(ADA, id(20), OTHER), forgotten(20, 40));
        assert_eq!(
            requests.look_up(ADA, id(15), INPUT),
            forgotten(15, 40),
            "it may have been executed"
        );
        assert_eq!(requests.look_up(ADA, id(30), INPUT), Some(Ok(Reply::Updated)));
        assert_eq!(requests.look_up(ADA, id(35), INPUT), None);
        assert_eq!(requests.counts(), (2, 2));
    }

    #[test]
    fn a_late_id_that_is_the_lowest_is_executed_and_forgotten_at_once() {
        let (mut requests, limits) = (Requests::default(), limits(2, 100));
        for number in [10, 20, 5] {
            done(&mut requests, ADA, number, &limits);
        }
        assert_eq!(requests.look_up(ADA, id(5), INPUT), forgotten(5, 20));
        assert_eq!(requests.look_up(ADA, id(10), INPUT), Some(Ok(Reply::Updated)));
    }

    #[test]
    fn the_least_recently_used_account_is_forgotten() {
        let (mut requests, limits) = (Requests::default(), limits(10, 4));
        let carla = AccountId(2);
        done(&mut requests, ADA, 1, &limits);
        done(&mut requests, BOB, 1, &limits);
        done(&mut requests, BOB, 2, &limits);
        done(&mut requests, ADA, 2, &limits);
        done(&mut requests, carla, 1, &limits);
        assert_eq!(requests.look_up(BOB, id(1), INPUT), forgotten(1, 2));
        assert_eq!(requests.look_up(BOB, id(2), INPUT), forgotten(2, 2));
        assert_eq!(requests.look_up(ADA, id(1), INPUT), Some(Ok(Reply::Updated)));
        assert_eq!(requests.counts(), (2, 3));
        done(&mut requests, BOB, 3, &limits);
        done(&mut requests, BOB, 4, &limits);
        assert_eq!(requests.look_up(ADA, id(2), INPUT), forgotten(2, 2));
        assert_eq!(requests.look_up(carla, id(1), INPUT), Some(Ok(Reply::Updated)));
        assert_eq!(requests.counts(), (2, 3));
    }

    #[test]
    fn an_account_alone_forgets_its_lowest_ids() {
        let (mut requests, limits) = (Requests::default(), limits(10, 2));
        (1..=3).for_each(|number| done(&mut requests, ADA, number, &limits));
        assert_eq!(requests.look_up(ADA, id(1), INPUT), forgotten(1, 3));
        assert_eq!(requests.look_up(ADA, id(2), INPUT), Some(Ok(Reply::Updated)));
        assert_eq!(requests.counts(), (2, 2));
    }

    #[test]
    fn an_active_account_does_not_evict_the_answers_of_others() {
        let (mut requests, limits) = (Requests::default(), limits(10, 100));
        done(&mut requests, BOB, 1, &limits);
        (1..=10_000).for_each(|number| done(&mut requests, ADA, number, &limits));
        assert_eq!(requests.look_up(BOB, id(1), INPUT), Some(Ok(Reply::Updated)));
    }

    #[test]
    fn inputs_that_differ_anywhere_have_other_fingerprints() {
        use crate::market::price::Money;
        use crate::market::state::item::{ItemFields, NewItem};
        use crate::market::state::{Caller, Category, Identity, ItemId};
        let identity = Identity::from_digest([1; 32]).unwrap();
        let of = |address: &str, action: Action<'_>| {
            let caller = Caller { identity, address };
            Fingerprint::of(&Command { request_id: None, caller, action }).0
        };
        let item = ItemId(1);
        let (price, max_price) = (Some(Money::from_minor(1)), Some(Money::from_minor(1)));
        let sell = |name, description| {
            let fields = ItemFields { name, category: Category::Others, description };
            Action::SellItem(NewItem { fields, quantity: 1, price: Money::from_minor(1) })
        };
        let mut seen = vec![
            of("ada", Action::RegisterSeller),
            of("bob", Action::RegisterSeller),
            of("ada", Action::RegisterBuyer),
            of("ada", sell("ab", "c")),
            of("ada", sell("a", "bc")),
            of("ada", Action::UpdateItem { item, price, quantity: None }),
            of("ada", Action::UpdateItem { item, price: None, quantity: Some(1) }),
            of("ada", Action::UpdateItem { item, price, quantity: Some(1) }),
            of("ada", Action::DeleteItem { item }),
            of("ada", Action::BuyItem { item, quantity: 1, max_price: None }),
            of("ada", Action::BuyItem { item, quantity: 1, max_price }),
            of("ada", Action::BuyItem { item, quantity: 2, max_price: None }),
            of("ada", Action::AddToWishList { item }),
            of("ada", Action::RemoveFromWishList { item }),
            of("ada", Action::RateItem { item, stars: 1 }),
            of("ada", Action::RateItem { item: ItemId(2), stars: 1 }),
            of("ada", Action::Acknowledge { up_to_id: 1 }),
        ];
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}

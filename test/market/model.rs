//! The naive model of the market: lists that are searched from end to end. It is slow, and short
//! enough to be compared with the rules by reading.

#[path = "model/operator.rs"]
mod operator;

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use agora::market::state::{
    Action, Bound, Caller, Category, Command, Error, Field, Identity, ItemFields, ItemId, Limits,
    NewItem, OrderId, Query, Reply, RequestId, Sort, Standing,
};

pub type Answer = Result<Reply, Error>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub identity: Identity,
    pub address: Rc<str>,
    pub is_seller: bool,
    /// All notifications that were ever made, as text.
    pub mail: Vec<Rc<str>>,
    /// How many of them were acknowledged, and how many are no longer pending.
    pub acknowledged: usize,
    pub forgotten: usize,
    /// Recorded answers: id, input, answer.
    answers: Vec<(u64, Rc<str>, Answer)>,
    /// The highest id forgotten.
    floor: u64,
    /// The number of the last command among all recorded ones.
    used: usize,
    /// Ratings ever given.
    given: u32,
    pub standing: Standing,
    /// The minute of the last command, but for purchases.
    used_min: u32,
    /// The account was removed because nobody used it.
    pub is_forgotten: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    pub seller: usize,
    pub name: Rc<str>,
    pub category: Category,
    pub description: Rc<str>,
    pub price: u64,
    pub left: u32,
    /// All pieces that the seller ever added, less those withdrawn.
    pub supplied: i64,
    pub is_gone: bool,
    pub is_hidden: bool,
    pub ratings: Vec<(usize, u32)>,
    pub wishers: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    pub item: u32,
    pub buyer: usize,
    pub seller: usize,
    pub quantity: u32,
    pub price: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub people: Vec<Person>,
    /// Item 1, 2, 3, ...
    pub things: Vec<Thing>,
    /// Order 1, 2, 3, ...
    pub sales: Vec<Sale>,
    /// Commands recorded so far.
    uses: usize,
    limits: Limits,
}

/// Equal models have equal counts; counts distinguish most others.
impl Hash for Model {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.people.len(), self.sales.len(), self.uses).hash(state);
        for thing in &self.things {
            (thing.left, thing.price, thing.ratings.len(), thing.wishers.len()).hash(state);
        }
        for person in &self.people {
            (person.mail.len(), person.acknowledged).hash(state);
        }
    }
}

impl Thing {
    pub fn stars(&self) -> u32 {
        self.ratings.iter().map(|(_, stars)| stars).sum()
    }
}

impl Model {
    pub fn new(limits: Limits) -> Model {
        let (people, things, sales) = Default::default();
        Model { people, things, sales, uses: 0, limits }
    }

    /// Forgets the order of events where no rule depends on it: the order of recorded commands, of
    /// wishes and of ratings.
    pub fn forget_order(&mut self) {
        self.uses = 0;
        self.people.iter_mut().for_each(|person| person.used = 0);
        for thing in &mut self.things {
            thing.wishers.sort_unstable();
            thing.ratings.sort_unstable();
        }
    }

    pub fn person(&self, identity: &Identity) -> Option<usize> {
        let is_it = |person: &Person| !person.is_forgotten && person.identity == *identity;
        self.people.iter().position(is_it)
    }

    /// The orders of an account, one a line, the latest first.
    pub fn orders(&self, is_own: impl Fn(&Sale) -> bool) -> Vec<String> {
        let own = self.sales.iter().enumerate().rev().filter(|(_, sale)| is_own(sale));
        own.map(|(place, sale)| {
            let Sale { item, quantity, price, .. } = sale;
            let name = &self.things[*item as usize - 1].name;
            let sides = [sale.buyer, sale.seller].map(|who| &self.people[who].address);
            format!("{} {item} {name} {quantity} {price} {sides:?}", place + 1)
        })
        .collect()
    }

    /// An item's card in one line.
    pub fn card(&self, id: u32) -> String {
        let thing = &self.things[id as usize - 1];
        let Thing { name, description, price, left, .. } = thing;
        let (stars, raters) = (thing.stars(), thing.ratings.len());
        let seller = &self.people[thing.seller].address;
        format!("{id} {price} {name}|{description} {left} {stars}/{raters} {seller}")
    }

    pub fn apply(&mut self, command: &Command<'_>) -> Answer {
        let id = command.request_id.map_or(0, |id| id.0.get());
        let input = format!("{} {:?}", command.caller.address, command.action);
        let identity = command.caller.identity;
        if let (Some(id_again), Some(who)) = (command.request_id, self.person(&identity)) {
            let person = &self.people[who];
            if let Some((_, before, answer)) = person.answers.iter().find(|(old, ..)| *old == id) {
                let same = **before == *input;
                return if same { *answer } else { Err(Error::RequestReused(id_again)) };
            }
            if id <= person.floor {
                let highest = person.answers.last().map_or(0, |(id, ..)| *id).max(person.floor);
                let highest = RequestId(highest.try_into().unwrap());
                return Err(Error::RequestForgotten(id_again, highest));
            }
        }
        let answer = self.perform(&command.caller, &command.action);
        let opens = matches!(
            command.action,
            Action::BuyItem { .. } | Action::AddToWishList { .. } | Action::RateItem { .. }
        );
        if command.request_id.is_some() && opens && self.buyer(&command.caller) == Ok(None) {
            self.join(&command.caller);
        }
        if let (Some(_), Some(who)) = (command.request_id, self.person(&identity)) {
            self.remember(who, id, input, answer);
        }
        answer
    }

    fn remember(&mut self, who: usize, id: u64, input: String, answer: Answer) {
        let person = &mut self.people[who];
        person.answers.push((id, input.into(), answer));
        person.answers.sort_by_key(|(id, ..)| *id);
        if person.answers.len() > self.limits.max_answers_per_account {
            person.floor = person.answers.remove(0).0;
        }
        self.uses += 1;
        person.used = self.uses;
        while self.people.iter().map(|p| p.answers.len()).sum::<usize>() > self.limits.max_answers {
            // The least recently used account loses all.
            let people = self.people.iter_mut().filter(|person| !person.answers.is_empty());
            let Some(person) = people.min_by_key(|person| person.used) else { break };
            person.floor = person.answers.drain(..).map(|(id, ..)| id).max().unwrap_or(0);
        }
    }

    /// Whether buyers do not see an item.
    pub fn is_hidden(&self, thing: &Thing) -> bool {
        thing.is_hidden || self.people[thing.seller].standing != Standing::Good
    }

    fn perform(&mut self, caller: &Caller<'_>, action: &Action<'_>) -> Answer {
        let takes_away =
            matches!(action, Action::RemoveFromWishList { .. } | Action::Acknowledge { .. });
        match self.person(&caller.identity).map(|who| self.people[who].standing) {
            Some(Standing::Removed) => return Err(Error::Removed),
            Some(Standing::Blocked) if !takes_away => return Err(Error::Blocked),
            _ => (),
        }
        match *action {
            Action::RegisterSeller => {
                let known = self.person(&caller.identity);
                let who = match known {
                    Some(who) if *self.people[who].address != *caller.address => {
                        return Err(Error::AlreadyRegistered);
                    }
                    Some(who) if self.people[who].is_seller => {
                        return Err(Error::AlreadyRegistered);
                    }
                    Some(who) => who,
                    None => {
                        self.buyer(caller)?;
                        self.join(caller)
                    }
                };
                self.people[who].is_seller = true;
                Ok(Reply::Registered)
            }
            Action::RegisterBuyer => {
                self.buyer(caller)?;
                self.join(caller);
                Ok(Reply::Registered)
            }
            Action::SellItem(NewItem { fields, quantity, price }) => {
                let ItemFields { name, category, description } = fields;
                let seller = self.seller(caller)?;
                self.sell(seller, name, category, description, quantity, price.minor())
            }
            Action::UpdateItem { item, price, quantity } => {
                let seller = self.seller(caller)?;
                self.update(seller, item, price.map(|price| price.minor()), quantity)
            }
            Action::DeleteItem { item } => {
                let seller = self.seller(caller)?;
                self.delete(seller, item)
            }
            Action::BuyItem { item, quantity, max_price } => {
                let buyer = self.buyer(caller)?;
                if quantity == 0 || quantity > self.limits.max_quantity {
                    return Err(Error::Quantity(self.limits.max_quantity));
                }
                let thing = self.thing(item)?;
                if buyer == Some(thing.seller) {
                    return Err(Error::OwnItem(item));
                }
                if self.is_hidden(thing) {
                    return Err(Error::Hidden(item));
                }
                let price = agora::market::price::Money::from_minor(thing.price);
                if max_price.is_some_and(|max_price| price > max_price) {
                    return Err(Error::PriceIsNow(price));
                }
                if quantity > thing.left {
                    return Err(Error::OnlyLeft(thing.left));
                }
                if self.sales.len() >= self.limits.max_orders as usize {
                    return Err(Error::Full(Bound::Orders, self.sales.len()));
                }
                let buyer = self.join(caller);
                let (order, total) = self.sell_to(buyer, item, quantity);
                Ok(Reply::Bought { order, total: agora::market::price::Money::from_minor(total) })
            }
            Action::AddToWishList { item } => self.wish(caller, item),
            Action::RemoveFromWishList { item } => {
                let buyer = self.buyer(caller)?;
                let thing = self.things.get_mut((item.0 as usize).wrapping_sub(1));
                let wishers = thing.map(|thing| &mut thing.wishers);
                match wishers.and_then(|w| Some((w.iter().position(|w| Some(*w) == buyer)?, w))) {
                    Some((at, wishers)) => drop(wishers.remove(at)),
                    None => return Err(Error::NotOnWishList(item)),
                }
                Ok(Reply::RemovedFromWishList)
            }
            Action::RateItem { item, stars } => self.rate(caller, item, stars),
            Action::Acknowledge { up_to_id } => {
                let who = self.person(&caller.identity).ok_or(Error::Credentials)?;
                let person = &mut self.people[who];
                if *person.address != *caller.address {
                    return Err(Error::Credentials);
                }
                if up_to_id > person.mail.len() as u64 {
                    return Err(Error::NotSent(person.mail.len() as u64));
                }
                person.acknowledged = person.acknowledged.max(up_to_id as usize);
                person.forgotten = person.forgotten.max(up_to_id as usize);
                Ok(Reply::Acknowledged)
            }
        }
    }

    fn seller(&self, caller: &Caller<'_>) -> Result<usize, Error> {
        let who = self.person(&caller.identity).ok_or(Error::Credentials)?;
        let person = &self.people[who];
        match (*person.address == *caller.address, person.is_seller) {
            (false, _) => Err(Error::Credentials),
            (true, false) => Err(Error::NotASeller),
            (true, true) => Ok(who),
        }
    }

    fn buyer(&self, caller: &Caller<'_>) -> Result<Option<usize>, Error> {
        if let Some(who) = self.person(&caller.identity) {
            let is_right = *self.people[who].address == *caller.address;
            return if is_right { Ok(Some(who)) } else { Err(Error::Credentials) };
        }
        if caller.address.is_empty() {
            return Err(Error::Empty(Field::Address));
        }
        let people = || self.people.iter().filter(|person| !person.is_forgotten);
        if people().any(|person| *person.address == *caller.address) {
            return Err(Error::AddressTaken);
        }
        if people().count() >= self.limits.max_accounts {
            return Err(Error::Full(Bound::Accounts, people().count()));
        }
        Ok(None)
    }

    fn join(&mut self, caller: &Caller<'_>) -> usize {
        if let Some(who) = self.person(&caller.identity) {
            return who;
        }
        self.people.push(Person {
            identity: caller.identity,
            address: caller.address.into(),
            is_seller: false,
            mail: Vec::new(),
            acknowledged: 0,
            forgotten: 0,
            answers: Vec::new(),
            floor: 0,
            used: 0,
            given: 0,
            standing: Standing::Good,
            used_min: 0,
            is_forgotten: false,
        });
        self.people.len() - 1
    }

    pub fn thing(&self, item: ItemId) -> Result<&Thing, Error> {
        let thing = self.things.get((item.0 as usize).wrapping_sub(1));
        thing.filter(|thing| !thing.is_gone).ok_or(Error::NoSuchItem(item))
    }

    fn thing_mut(&mut self, item: ItemId) -> &mut Thing {
        &mut self.things[item.0 as usize - 1]
    }

    fn tell(&mut self, who: usize, text: String) {
        let person = &mut self.people[who];
        person.mail.push(text.into());
        person.forgotten =
            person.forgotten.max(person.mail.len().saturating_sub(self.limits.max_mailbox));
    }

    fn sell(
        &mut self,
        seller: usize,
        name: &str,
        category: Category,
        description: &str,
        quantity: u32,
        price: u64,
    ) -> Answer {
        if name.is_empty() {
            return Err(Error::Empty(Field::Name));
        }
        if quantity == 0 || quantity > self.limits.max_quantity {
            return Err(Error::Quantity(self.limits.max_quantity));
        }
        if price == 0 || price > self.limits.max_price.minor() {
            return Err(Error::Price(self.limits.max_price));
        }
        let live = self.things.iter().filter(|thing| !thing.is_gone);
        let own = live.clone().filter(|thing| thing.seller == seller).count();
        if own >= self.limits.max_items_per_seller {
            return Err(Error::Full(Bound::SellerItems, own));
        }
        if live.clone().count() >= self.limits.max_items {
            return Err(Error::Full(Bound::Items, live.count()));
        }
        self.things.push(Thing {
            seller,
            name: name.into(),
            category,
            description: description.into(),
            price,
            left: quantity,
            supplied: quantity.into(),
            is_gone: false,
            is_hidden: false,
            ratings: Vec::new(),
            wishers: Vec::new(),
        });
        Ok(Reply::Listed(ItemId(self.things.len() as u32)))
    }

    fn update(
        &mut self,
        seller: usize,
        item: ItemId,
        price: Option<u64>,
        quantity: Option<u32>,
    ) -> Answer {
        if price.is_none() && quantity.is_none() {
            return Err(Error::NothingToUpdate);
        }
        if price.is_some_and(|price| price == 0 || price > self.limits.max_price.minor()) {
            return Err(Error::Price(self.limits.max_price));
        }
        if quantity.is_some_and(|quantity| quantity > self.limits.max_quantity) {
            return Err(Error::Stock(self.limits.max_quantity));
        }
        if self.thing(item)?.seller != seller {
            return Err(Error::NotYourItem(item));
        }
        let thing = self.thing_mut(item);
        let before = format!("was {} {}", thing.price, thing.left);
        if let Some(quantity) = quantity {
            thing.supplied += i64::from(quantity) - i64::from(thing.left);
            thing.left = quantity;
        }
        thing.price = price.unwrap_or(thing.price);
        if thing.is_hidden {
            return Ok(Reply::Updated);
        }
        for wisher in thing.wishers.clone() {
            self.tell(wisher, format!("updated {} {before}", self.card(item.0)));
        }
        Ok(Reply::Updated)
    }

    fn delete(&mut self, seller: usize, item: ItemId) -> Answer {
        if self.thing(item)?.seller != seller {
            return Err(Error::NotYourItem(item));
        }
        let card = self.card(item.0);
        let is_hidden = self.thing(item)?.is_hidden;
        let wishers = std::mem::take(&mut self.thing_mut(item).wishers);
        for wisher in wishers.into_iter().filter(|_| !is_hidden) {
            self.tell(wisher, format!("deleted {card}"));
        }
        self.thing_mut(item).is_gone = true;
        Ok(Reply::Deleted)
    }

    fn sell_to(&mut self, buyer: usize, item: ItemId, quantity: u32) -> (OrderId, u64) {
        let thing = self.thing_mut(item);
        thing.left -= quantity;
        let (seller, price) = (thing.seller, thing.price);
        self.sales.push(Sale { item: item.0, buyer, seller, quantity, price });
        let order = self.sales.len() as u32;
        self.tell(seller, format!("sold {order}"));
        (OrderId(order), price * u64::from(quantity))
    }

    fn wish(&mut self, caller: &Caller<'_>, item: ItemId) -> Answer {
        let buyer = self.buyer(caller)?;
        let thing = self.thing(item)?;
        if buyer == Some(thing.seller) {
            return Err(Error::OwnItem(item));
        }
        if self.is_hidden(thing) {
            return Err(Error::Hidden(item));
        }
        if buyer.is_some_and(|buyer| thing.wishers.contains(&buyer)) {
            return Ok(Reply::AddedToWishList);
        }
        let wished = |buyer| self.things.iter().filter(move |thing| thing.wishers.contains(&buyer));
        let wishes = buyer.map_or(0, |buyer| wished(buyer).count());
        if wishes >= self.limits.max_wishes {
            return Err(Error::Full(Bound::Wishes, wishes));
        }
        if thing.wishers.len() >= self.limits.max_wishers {
            return Err(Error::Full(Bound::Wishers, thing.wishers.len()));
        }
        let buyer = self.join(caller);
        self.thing_mut(item).wishers.push(buyer);
        Ok(Reply::AddedToWishList)
    }

    fn rate(&mut self, caller: &Caller<'_>, item: ItemId, stars: u32) -> Answer {
        let buyer = self.buyer(caller)?;
        if !(1..=5).contains(&stars) {
            return Err(Error::Stars);
        }
        let thing = self.thing(item)?;
        if buyer == Some(thing.seller) {
            return Err(Error::OwnItem(item));
        }
        if self.is_hidden(thing) {
            return Err(Error::Hidden(item));
        }
        if thing.ratings.iter().any(|(rater, _)| Some(*rater) == buyer) {
            return Err(Error::AlreadyRated(item));
        }
        let given = buyer.map_or(0, |buyer| self.people[buyer].given);
        if given >= self.limits.max_ratings_per_account {
            return Err(Error::Full(Bound::Ratings, given as usize));
        }
        let buyer = self.join(caller);
        self.people[buyer].given += 1;
        self.thing_mut(item).ratings.push((buyer, stars));
        Ok(Reply::Rated)
    }

    /// The items on an account's wishlist that are not hidden.
    pub fn wishes(&self, who: usize) -> Vec<u32> {
        let wished =
            |(_, thing): &(u32, &Thing)| thing.wishers.contains(&who) && !self.is_hidden(thing);
        (1..).zip(&self.things).filter(wished).map(|(id, _)| id).collect()
    }

    /// The numbers of all items that a search finds, in its order.
    pub fn search(&self, query: &Query<'_>) -> Vec<u32> {
        let has = |text: &str, term: &str| {
            let words: Vec<String> = words(text);
            match term.strip_suffix('*') {
                Some(stem) => words.iter().any(|word| word.starts_with(stem)),
                None => words.iter().any(|word| word == term),
            }
        };
        let terms: Vec<String> = query.text.to_lowercase().split(' ').map(str::to_owned).collect();
        let terms: Vec<&String> = terms.iter().filter(|term| !term.is_empty()).collect();
        let matches = |thing: &Thing| {
            let text = format!("{} {}", thing.name, thing.description);
            !thing.is_gone
                && !self.is_hidden(thing)
                && query.category.is_none_or(|category| category == thing.category)
                && terms.iter().all(|term| has(&text, term))
        };
        let all = (1..).zip(&self.things).filter(|(_, thing)| matches(thing));
        let mut found: Vec<(u32, &Thing)> = all.collect();
        match query.sort {
            Sort::Relevance => {
                let named = |thing: &Thing| terms.iter().all(|term| has(&thing.name, term));
                found.sort_by_key(|(_, thing)| !named(thing));
            }
            Sort::PriceUp => found.sort_by_key(|(_, thing)| thing.price),
            Sort::PriceDown => {
                found.sort_by_key(|(_, thing)| thing.price);
                found.reverse();
            }
            Sort::Rating => found.sort_by(|(_, a), (_, b)| {
                // Averages of few ratings differ by far more than a double's rounding.
                let average = |thing: &Thing| match thing.ratings.len() {
                    0 => 0.0,
                    count => f64::from(thing.stars()) / count as f64,
                };
                let by_average = average(b).total_cmp(&average(a));
                by_average.then(b.ratings.len().cmp(&a.ratings.len()))
            }),
            Sort::Name => found.sort_by_key(|(_, thing)| thing.name.to_lowercase()),
            Sort::Newest => found.reverse(),
        }
        found.iter().map(|(id, _)| *id).collect()
    }
}

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect()
}

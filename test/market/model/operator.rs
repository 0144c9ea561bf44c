//! The operator, and accounts that are forgotten.

use agora::market::state::{Action, Command, Error, ItemId, Reply, Standing, StandingChange};

use super::{Answer, Model, Person};

impl Model {
    /// Applies a command at a minute.
    pub fn apply_at(&mut self, minute: u32, command: &Command<'_>) -> Answer {
        let known = self.person(&command.caller.identity);
        let is_new = self.uses_of(command) == 0;
        let answer = self.apply(command);
        let is_purchase = matches!(command.action, Action::BuyItem { .. });
        if let Some(who) = self.person(&command.caller.identity)
            && is_new
            && !(known.is_some() && is_purchase)
        {
            let used_min = &mut self.people[who].used_min;
            *used_min = minute.max(*used_min);
        }
        answer
    }

    /// How often the command's request id was used before, as far as it is known.
    fn uses_of(&self, command: &Command<'_>) -> usize {
        let (Some(id), Some(who)) = (command.request_id, self.person(&command.caller.identity))
        else {
            return 0;
        };
        let (id, person) = (id.0.get(), &self.people[who]);
        let recorded = person.answers.iter().filter(|(recorded, ..)| *recorded == id).count();
        recorded + usize::from(id <= person.floor)
    }

    /// Whether an account was not used since a minute, and has no item and no order.
    pub fn is_idle(&self, who: usize, since_min: u32) -> bool {
        let person = &self.people[who];
        !person.is_forgotten
            && person.used_min < since_min
            && person.standing == Standing::Good
            && !self.things.iter().any(|thing| !thing.is_gone && thing.seller == who)
            && !self.sales.iter().any(|sale| sale.buyer == who || sale.seller == who)
    }

    /// Removes an account with its wishes and ratings.
    pub fn forget(&mut self, who: usize) {
        let person = &mut self.people[who];
        person.is_forgotten = true;
        person.answers.clear();
        for thing in &mut self.things {
            thing.wishers.retain(|wisher| *wisher != who);
            // Nothing is known of the ratings of an item that is gone.
            thing.ratings.retain(|(rater, _)| *rater != who);
        }
    }

    /// The operator's change of an account.
    pub fn change_standing(&mut self, address: &str, change: StandingChange) -> Answer {
        let is_it = |person: &&mut Person| !person.is_forgotten && *person.address == *address;
        let person = self.people.iter_mut().find(is_it);
        let person = person.ok_or(Error::NoSuchAccount)?;
        person.standing = match (change, person.standing) {
            (StandingChange::Block | StandingChange::Unblock, Standing::Removed) => {
                Standing::Removed
            }
            (StandingChange::Block, _) => Standing::Blocked,
            (StandingChange::Remove, _) => Standing::Removed,
            (StandingChange::Unblock | StandingChange::Restore, _) => Standing::Good,
        };
        Ok(Reply::Moderated)
    }

    /// The operator's change of an item.
    pub fn set_hidden(&mut self, item: ItemId, is_hidden: bool) -> Answer {
        self.thing(item)?;
        self.thing_mut(item).is_hidden = is_hidden;
        Ok(Reply::Moderated)
    }
}

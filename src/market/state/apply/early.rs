//! Answers that are certain before a command is in the log.
//!
//! A command that is refused changes nothing, and still its answer must be remembered if it bears a
//! request id: a late copy of "buy the lamp", sold out by then, must not buy the lamp when there are
//! new ones. Remembering takes an entry of the log. None is needed for an answer that no later state
//! could change, word for word, for a late copy is answered alike:
//!
//! | answer, to somebody with an account | why it stays |
//! |---|---|
//! | what was answered before | it is remembered, and refused once it is forgotten |
//! | a text, quantity, price or rating that cannot be; nothing to update | it is in the command |
//! | another address than the account's | it is bound for good |
//! | registered already | a seller stays one |
//! | an item that is gone | numbers are not used again |
//!
//! Whatever was committed before the state became so was applied with it, so a command that is not
//! remembered now was not done. That holds for every replica, however far behind it is.
//!
//! Other refusals are remembered for nobody, but may have other words later: of a request id, as the
//! highest one grows, and of strangers, who may open an account under any address. They are given
//! at once only by who knows all ([`Market::unrecorded_refusal`]).
//!
//! All else waits for its place in the log: what is sold out, too dear, not listed yet, not wished
//! for, full, not acknowledged yet, and whoever sells without being a seller. So does what is said
//! of an item that is there: one's own, somebody else's, rated already. Once the item is gone a late
//! copy would be refused with other words, and a replica that is behind would speak of an item that
//! others no longer have.

use crate::market::state::Market;
use crate::market::state::accounts::AccountId;
use crate::market::state::answer::Answer;
use crate::market::state::command::{Action, Caller, Command, ItemId};
use crate::market::state::error::Error;
use crate::market::state::ratings::check_stars;
use crate::market::state::requests::Fingerprint;

impl Market {
    /// What a command is answered whatever happens before it is done, if that is certain.
    pub fn final_answer(&self, command: &Command<'_>) -> Option<Answer> {
        let account = self.accounts.find(&command.caller.identity)?;
        match self.recorded_answer(account, command) {
            Some(Err(Error::RequestReused(_) | Error::RequestForgotten(..))) => None,
            Some(answer) => Some(answer),
            None => self.check_permanent(account, &command.caller, &command.action).err().map(Err),
        }
    }

    /// Why a command is refused that need not be remembered, although there may be other words for it
    /// later: it is refused so if this is the latest state and no command is on its way. One that is
    /// may open an account, and be an earlier copy of this one.
    pub fn unrecorded_refusal(&self, command: &Command<'_>) -> Option<Error> {
        let Command { caller, action, .. } = command;
        let Some(account) = self.accounts.find(&caller.identity) else {
            return self.check_without_account(caller, action).err();
        };
        match self.recorded_answer(account, command) {
            Some(Err(why @ (Error::RequestReused(_) | Error::RequestForgotten(..)))) => Some(why),
            _ => None,
        }
    }

    /// What the request id alone is answered.
    fn recorded_answer(&self, account: AccountId, command: &Command<'_>) -> Option<Answer> {
        let id = command.request_id.filter(|id| !self.requests.is_above_all(account, *id))?;
        self.requests.look_up(account, id, Fingerprint::of(command))
    }

    /// The checks of [`Market::apply`] for somebody who has no account, as far as there is nothing to
    /// remember: a copy of what is refused here is refused as long as there is no account, and later
    /// as well if it would have opened one.
    fn check_without_account(&self, caller: &Caller<'_>, action: &Action<'_>) -> Result<(), Error> {
        let limits = &self.limits;
        match *action {
            Action::RegisterSeller | Action::RegisterBuyer => {
                self.accounts.check_free(caller.address, limits)
            }
            Action::BuyItem { item, quantity, .. } => {
                self.accounts.check_free(caller.address, limits)?;
                limits.check_quantity(quantity)?;
                self.check_not_deleted(item)
            }
            Action::AddToWishList { item } => {
                self.accounts.check_free(caller.address, limits)?;
                self.check_not_deleted(item)
            }
            Action::RateItem { item, stars } => {
                self.accounts.check_free(caller.address, limits)?;
                check_stars(stars)?;
                self.check_not_deleted(item)
            }
            Action::RemoveFromWishList { item } => {
                self.accounts.check_free(caller.address, limits)?;
                Err(Error::NotOnWishList(item))
            }
            Action::SellItem(_)
            | Action::UpdateItem { .. }
            | Action::DeleteItem { .. }
            | Action::Acknowledge { .. } => Err(Error::Credentials),
        }
    }

    /// The checks of [`Market::apply`] whose outcome stays, in the same order. What depends on more
    /// than that passes.
    fn check_permanent(
        &self,
        account: AccountId,
        caller: &Caller<'_>,
        action: &Action<'_>,
    ) -> Result<(), Error> {
        let limits = &self.limits;
        if let Action::RegisterSeller = action {
            return self.accounts.check_may_become_seller(account, caller);
        }
        self.accounts.authenticate(caller)?;
        let is_seller = self.accounts.is_seller(account);
        match *action {
            Action::SellItem(new_item) if is_seller => new_item.check(limits),
            Action::UpdateItem { item, price, quantity } if is_seller => {
                if price.is_none() && quantity.is_none() {
                    return Err(Error::NothingToUpdate);
                }
                price.map_or(Ok(()), |price| limits.check_price(price))?;
                quantity.map_or(Ok(()), |quantity| limits.check_stock(quantity))?;
                self.check_not_deleted(item)
            }
            Action::DeleteItem { item } if is_seller => self.check_not_deleted(item),
            Action::BuyItem { item, quantity, .. } => {
                limits.check_quantity(quantity)?;
                self.check_not_deleted(item)
            }
            Action::AddToWishList { item } => self.check_not_deleted(item),
            Action::RateItem { item, stars } => {
                check_stars(stars)?;
                self.check_not_deleted(item)
            }
            _ => Ok(()),
        }
    }

    /// Whether the item is on sale, or may be one day.
    fn check_not_deleted(&self, id: ItemId) -> Result<(), Error> {
        let is_gone = id.0 <= self.items.last_id() && self.items.get(id).is_none();
        if is_gone { Err(Error::NoSuchItem(id)) } else { Ok(()) }
    }
}

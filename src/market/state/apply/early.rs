//! Early answers: answers that the leader gives without writing the command to the log.
//!
//! A refused command changes nothing, but its answer must be recorded if it has a request id.
//! Otherwise a late copy of "buy the lamp", which was refused as sold out, would buy the lamp when
//! there are new ones. To record an answer takes an entry of the log. No entry is needed for an
//! answer that is the same, word for word, in every later state, because a late copy gets the same
//! answer:
//!
//! | answer, for a caller with an account | why it never changes |
//! |---|---|
//! | the answer to a repeated command | it is recorded; once forgotten, it is a refusal |
//! | an input out of its range; nothing to update | it depends on the command alone |
//! | an address that is not the account's | an account keeps its address |
//! | registered already | a seller stays one |
//! | a deleted item | item numbers are not used again |
//!
//! Two things are left out. While the operator restricts an account, all its refusals are decided
//! when the command is applied. And an account that is forgotten after many days without use begins
//! anew: a copy of a command that is older than that is a new command.
//!
//! All commands that were committed before this state have been applied to it. So a command that
//! has no recorded answer in it was not executed. This is true on every replica, even on one that
//! is behind.
//!
//! Some other refusals are never recorded, but their words may change: the refusal of a request id
//! that is too low names the highest id, which grows, and a caller without an account may get one
//! with any address. The leader gives them at once only when it has applied its whole log
//! ([`Market::unrecorded_refusal`]).
//!
//! All other answers are decided when the command is applied: sold out, too expensive, not listed
//! yet, not on the wishlist, full, a notification that was not sent yet, and a caller that sells
//! without being a seller. So are refusals that depend on an item that exists: the caller's own,
//! another seller's, rated already. Once the item is deleted, a late copy would be refused with
//! other words, and a replica that is behind would report an item that others no longer have.

use crate::market::state::Market;
use crate::market::state::accounts::{AccountId, Standing};
use crate::market::state::answer::Answer;
use crate::market::state::command::{Action, Caller, Command, ItemId};
use crate::market::state::error::Error;
use crate::market::state::ratings::check_stars;
use crate::market::state::requests::Fingerprint;

impl Market {
    /// The answer to a command that no later state can change, if there is one.
    pub fn final_answer(&self, command: &Command<'_>) -> Option<Answer> {
        let account = self.accounts.find(&command.caller.identity)?;
        match self.recorded_answer(account, command) {
            Some(Err(Error::RequestReused(_) | Error::RequestForgotten(..))) => None,
            Some(answer) => Some(answer),
            None if self.accounts.standing(account) != Standing::Good => None,
            None => self.check_permanent(account, &command.caller, &command.action).err().map(Err),
        }
    }

    /// The refusal of a command that is not recorded, although its words may change later. It is
    /// valid only if this is the latest state and no command is in flight: such a command might be
    /// an earlier copy of this one, and might open the account.
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

    /// The answer that the request id alone decides.
    fn recorded_answer(&self, account: AccountId, command: &Command<'_>) -> Option<Answer> {
        let id = command.request_id.filter(|id| !self.requests.is_above_all(account, *id))?;
        self.requests.look_up(account, id, Fingerprint::of(command))
    }

    /// The checks of [`Market::apply`] for a caller without an account, as far as their outcome is
    /// not recorded: a copy of a command that is refused here is refused as long as there is no
    /// account, and afterwards as well if the command would have opened one.
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

    /// The checks of [`Market::apply`] whose outcome never changes, in the same order. A command
    /// that passes may still be refused when it is applied.
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

    /// Checks that the item was not deleted: it is on sale, or not listed yet.
    fn check_not_deleted(&self, id: ItemId) -> Result<(), Error> {
        let is_gone = id.0 <= self.items.last_id() && self.items.get(id).is_none();
        if is_gone { Err(Error::NoSuchItem(id)) } else { Ok(()) }
    }
}

//! Answers that are certain before a command is in the log.
//!
//! A command that is refused changes nothing, and still its answer must be remembered if it bears a
//! request id: a late copy of "buy the lamp", sold out by then, must not buy the lamp when there are
//! new ones. Remembering takes an entry of the log. None is needed for an answer that no later state
//! could change, for a late copy is answered alike:
//!
//! | answer | why it stays |
//! |---|---|
//! | what was answered before | it is remembered, and refused once it is forgotten |
//! | a text, quantity, price or rating that cannot be; nothing to update | it is in the command |
//! | another address than the account's; an address of somebody else | they are bound for good |
//! | registered already | a seller stays one |
//! | an item that is gone | numbers are not used again |
//! | an item of one's own, an item of another seller | an item keeps its seller |
//! | rated already | a rating is for good |
//!
//! Whatever was committed before the state became so was applied with it, so a command that is not
//! remembered now was not done. That holds for every replica, however far behind it is.
//!
//! All else waits for its place in the log: what is sold out, too dear, not listed yet, not wished
//! for, full, not acknowledged yet, and whoever sells without being a seller.

use super::{check_price, check_quantity, check_stock, seller};
use crate::market::state::Market;
use crate::market::state::accounts::AccountId;
use crate::market::state::answer::Answer;
use crate::market::state::command::{Action, Caller, Command, ItemId};
use crate::market::state::error::{Error, Field};
use crate::market::state::items::Item;
use crate::market::state::ratings::check_stars;
use crate::market::state::requests::Fingerprint;
use crate::market::state::text;

impl Market {
    /// What a command is answered whatever happens before it is done, if that is certain.
    pub fn settled(&self, command: &Command<'_>) -> Option<Answer> {
        let account = self.accounts.find(&command.caller.identity);
        if let (Some(account), Some(id)) = (account, command.request_id)
            && !self.requests.is_above_all(account, id)
            && let Some(answer) = self.requests.look_up(account, id, Fingerprint::of(command))
        {
            return Some(answer);
        }
        self.check_for_good(account, &command.caller, &command.action).err().map(Err)
    }

    /// Why a command is refused that only somebody with an account could have done, and that is not
    /// remembered, as there is nobody to remember it for: unless a command that is on its way opens
    /// the account.
    pub fn refused_to_a_stranger(&self, command: &Command<'_>) -> Option<Error> {
        let Command { caller, action, .. } = command;
        let may_open = action.opens_an_account() || matches!(action, Action::RegisterSeller);
        if may_open || self.accounts.find(&caller.identity).is_some() {
            return None;
        }
        Some(match *action {
            Action::RemoveFromWishList { item } => {
                self.accounts.buyer(caller, &self.limits).err().unwrap_or(Error::NotWished(item))
            }
            _ => Error::Credentials,
        })
    }

    /// The checks of [`Market::apply`] whose outcome stays, in the same order. What depends on more
    /// than that passes.
    fn check_for_good(
        &self,
        account: Option<AccountId>,
        caller: &Caller<'_>,
        action: &Action<'_>,
    ) -> Result<(), Error> {
        let limits = &self.limits;
        if let Action::RegisterSeller = action {
            return match account {
                Some(account) => self.accounts.check_may_become_seller(account, caller),
                None => self.accounts.check_address(caller.address, limits),
            };
        }
        match account {
            Some(_) => drop(self.accounts.member(caller)?),
            None if action.opens_an_account() => {
                self.accounts.check_address(caller.address, limits)?;
            }
            None => return Ok(()),
        }
        let is_seller = account.is_some_and(|account| self.accounts.is_seller(account));
        match *action {
            Action::SellItem { name, category, description, quantity, price } if is_seller => {
                seller::Offer { name, category, description, quantity, price }.check(limits)
            }
            Action::UpdateItem { item, price, quantity } if is_seller => {
                if price.is_none() && quantity.is_none() {
                    return Err(Error::NothingToUpdate);
                }
                price.map_or(Ok(()), |price| check_price(price, limits))?;
                quantity.map_or(Ok(()), |quantity| check_stock(quantity, limits))?;
                self.check_seller_for_good(account, item)
            }
            Action::DeleteItem { item } if is_seller => self.check_seller_for_good(account, item),
            Action::BuyItem { item, quantity, .. } => {
                check_quantity(quantity, limits)?;
                self.check_customer_for_good(account, item).map(drop)
            }
            Action::AddToWishList { item } => self.check_customer_for_good(account, item).map(drop),
            Action::RateItem { item, stars } => {
                check_stars(stars)?;
                let is_on_sale = self.check_customer_for_good(account, item)?;
                let has_rated = account.is_some_and(|account| self.ratings.has(item, account));
                if is_on_sale && has_rated { Err(Error::AlreadyRated(item)) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// The item, unless its number was not given out yet.
    fn item_for_good(&self, id: ItemId) -> Result<Option<Item<'_>>, Error> {
        match self.items.get(id) {
            None if id.0 <= self.items.numbers() => Err(Error::NoSuchItem(id)),
            found => Ok(found),
        }
    }

    fn check_seller_for_good(&self, account: Option<AccountId>, id: ItemId) -> Result<(), Error> {
        match self.item_for_good(id)? {
            Some(item) if Some(item.listing.seller) != account => Err(Error::NotYourItem(id)),
            _ => Ok(()),
        }
    }

    /// Whether the item is on sale.
    fn check_customer_for_good(
        &self,
        account: Option<AccountId>,
        id: ItemId,
    ) -> Result<bool, Error> {
        let Some(item) = self.item_for_good(id)? else { return Ok(false) };
        super::buyer::check_customer(item, account)?;
        Ok(true)
    }
}

impl seller::Offer<'_> {
    /// What can be said of it without a look at the market.
    pub(super) fn check(&self, limits: &crate::market::state::Limits) -> Result<(), Error> {
        text::check(Field::Name, self.name, limits.max_name_bytes)?;
        let max = limits.max_description_bytes;
        text::check_or_empty(Field::Description, self.description, max)?;
        check_quantity(self.quantity, limits)?;
        check_price(self.price, limits)
    }
}

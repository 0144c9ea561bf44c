//! The commands.
//!
//! Each command is checked in the same order, so that a refusal never reveals more than the caller
//! may know, and all checks come before the first change:
//!
//! 1. the request id: is it a repeated command? ([`requests`](super::requests))
//! 2. the caller: identity, address, role;
//! 3. the input: texts, numbers, ranges;
//! 4. the item: does it exist?
//! 5. permission: whose item is it?
//! 6. the state: stock, price, bounds.

mod buyer;
mod early;
mod operator;
mod seller;

use super::Market;
use super::accounts::{AccountId, Standing};
use super::command::{Action, Caller, Command, ItemId, Reply};
use super::error::Error;
use super::item::Item;
use super::mailboxes::Event;
use super::requests::Fingerprint;

impl Market {
    /// Applies a command, exactly once, at a time in milliseconds since 1970-01-01 UTC. The time is
    /// recorded in orders, and decides nothing.
    ///
    /// # Errors
    /// A refusal, see [`Error`]: the market has not changed, except that it has recorded the
    /// answer.
    pub fn apply(&mut self, at_ms: u64, command: &Command<'_>) -> Result<Reply, Error> {
        let answer = self.apply_once(at_ms, command);
        self.index_new_items();
        answer
    }

    /// As [`Market::apply`], but searches find a new item only after [`Market::index_new_items`].
    pub(super) fn apply_once(&mut self, at_ms: u64, command: &Command<'_>) -> Result<Reply, Error> {
        let known = self.accounts.find(&command.caller.identity);
        let Some(id) = command.request_id else {
            let answer = self.execute(at_ms, command, known);
            self.note_use(at_ms, command, known);
            return answer;
        };
        let input = Fingerprint::of(command);
        if let Some(answer) = known.and_then(|account| self.requests.look_up(account, id, input)) {
            return answer;
        }
        let answer = self.execute(at_ms, command, known);
        if let Some(account) = known.or_else(|| self.dedup_account(command)) {
            self.requests.record(account, id, input, answer, &self.limits);
        }
        self.note_use(at_ms, command, known);
        answer
    }

    /// Records that the caller's account is in use. A purchase leaves an order, which keeps the
    /// account for good.
    fn note_use(&mut self, at_ms: u64, command: &Command<'_>, known: Option<AccountId>) {
        if known.is_some() && matches!(command.action, Action::BuyItem { .. }) {
            return;
        }
        if let Some(account) = known.or_else(|| self.accounts.find(&command.caller.identity)) {
            self.accounts.note_use(account, minute(at_ms));
        }
    }

    /// The account that records the answer to a caller that had none before the command. A buyer
    /// gets one even if the command was refused: otherwise a late copy might be executed when the
    /// item is listed or its price has changed.
    fn dedup_account(&mut self, command: &Command<'_>) -> Option<AccountId> {
        let caller = &command.caller;
        let may_create = command.action.opens_an_account()
            && self.accounts.check_free(caller.address, &self.limits).is_ok();
        let account = self.accounts.find(&caller.identity);
        account.or_else(|| may_create.then(|| self.accounts.create_account(caller)))
    }

    /// Indexes the items that were listed since the last call. One call for many items takes much
    /// less time than a call for each.
    pub(super) fn index_new_items(&mut self) {
        self.search.index_pending(&self.items);
    }

    fn execute(
        &mut self,
        at_ms: u64,
        command: &Command<'_>,
        known: Option<AccountId>,
    ) -> Result<Reply, Error> {
        let caller = &command.caller;
        if let Some(account) = known {
            self.check_standing(account, &command.action)?;
        }
        match command.action {
            Action::RegisterSeller => self.register_seller(caller),
            Action::RegisterBuyer => self.register_buyer(caller),
            Action::SellItem(new_item) => self.sell_item(caller, &new_item),
            Action::UpdateItem { item, price, quantity } => {
                self.update_item(caller, item, price, quantity)
            }
            Action::DeleteItem { item } => self.delete_item(caller, item),
            Action::BuyItem { item, quantity, max_price } => {
                let purchase = buyer::Purchase { item, quantity, max_price, at_ms };
                self.buy_item(caller, &purchase)
            }
            Action::AddToWishList { item } => self.add_to_wish_list(caller, item),
            Action::RemoveFromWishList { item } => self.remove_from_wish_list(caller, item),
            Action::RateItem { item, stars } => self.rate_item(caller, item, stars),
            Action::Acknowledge { up_to_id } => self.acknowledge(caller, up_to_id),
        }
    }

    /// Checks that the operator lets an account do this.
    fn check_standing(&self, account: AccountId, action: &Action<'_>) -> Result<(), Error> {
        match (self.accounts.standing(account), action) {
            (Standing::Good, _) => Ok(()),
            // They only take away what the account has.
            (Standing::Blocked, Action::RemoveFromWishList { .. } | Action::Acknowledge { .. }) => {
                Ok(())
            }
            (Standing::Blocked, _) => Err(Error::Blocked),
            (Standing::Removed, _) => Err(Error::Removed),
        }
    }

    /// An item on sale.
    fn item_on_sale(&self, item: ItemId) -> Result<Item<'_>, Error> {
        self.items.get(item).ok_or(Error::NoSuchItem(item))
    }

    /// Whether buyers do not see an item: the operator has hidden it or restricts its seller.
    pub(super) fn is_hidden(&self, item: Item<'_>) -> bool {
        item.stock.is_hidden || self.accounts.standing(item.listing.seller) != Standing::Good
    }

    /// Checks that the item is neither the buyer's own nor hidden.
    fn check_customer(&self, item: Item<'_>, buyer: Option<AccountId>) -> Result<(), Error> {
        let listing = item.listing;
        if buyer == Some(listing.seller) {
            return Err(Error::OwnItem(listing.item));
        }
        if self.is_hidden(item) { Err(Error::Hidden(listing.item)) } else { Ok(()) }
    }

    /// The buyer's account; a new one if it has none. All checks were made before.
    fn account_or_create(&mut self, buyer: Option<AccountId>, caller: &Caller<'_>) -> AccountId {
        buyer.unwrap_or_else(|| self.accounts.create_account(caller))
    }

    fn notify(&mut self, account: AccountId, event: Event) {
        self.mailboxes.push(account, event, self.limits.max_mailbox);
    }
}

/// Whole minutes since 1970.
fn minute(at_ms: u64) -> u32 {
    u32::try_from(at_ms / 60_000).unwrap_or(u32::MAX)
}

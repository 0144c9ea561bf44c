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
mod seller;
mod early;

use super::Market;
use super::accounts::AccountId;
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
        let Some(id) = command.request_id else { return self.execute(at_ms, command) };
        let input = Fingerprint::of(command);
        let identity = &command.caller.identity;
        let known = self.accounts.find(identity);
        if let Some(answer) = known.and_then(|account| self.requests.look_up(account, id, input)) {
            return answer;
        }
        let answer = self.execute(at_ms, command);
        if let Some(account) = known.or_else(|| self.dedup_account(command)) {
            self.requests.record(account, id, input, answer, &self.limits);
        }
        answer
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

    fn execute(&mut self, at_ms: u64, command: &Command<'_>) -> Result<Reply, Error> {
        let caller = &command.caller;
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

    /// An item on sale.
    fn item_on_sale(&self, item: ItemId) -> Result<Item<'_>, Error> {
        self.items.get(item).ok_or(Error::NoSuchItem(item))
    }

    /// The buyer's account; a new one if it has none. All checks were made before.
    fn account_or_create(&mut self, buyer: Option<AccountId>, caller: &Caller<'_>) -> AccountId {
        buyer.unwrap_or_else(|| self.accounts.create_account(caller))
    }

    fn notify(&mut self, account: AccountId, event: Event) {
        self.mailboxes.push(account, event, self.limits.max_mailbox);
    }
}

//! The commands of the operator and of the leader.
//!
//! A restricted account keeps everything: its orders stay, and its items and wishes come back when
//! the restriction ends. Each command can be repeated without effect.

use super::minute;
use crate::market::state::Market;
use crate::market::state::accounts::{AccountId, Standing};
use crate::market::state::command::{ItemId, Reply};
use crate::market::state::error::Error;
use crate::market::state::items::Slot;
use crate::market::state::moderation::{Act, Moderation, Policy, StandingChange};
use crate::market::state::orders::Side;

/// The most ratings and wishes that one command removes with accounts that are forgotten: it is
/// applied in about a millisecond.
const MAX_REMOVED: usize = 1_000;

impl Market {
    /// Applies a command of the operator or of the leader, at a time in milliseconds since
    /// 1970-01-01 UTC.
    ///
    /// # Errors
    /// A refusal, see [`Error`]: the market has not changed.
    pub fn moderate(&mut self, at_ms: u64, moderation: &Moderation<'_>) -> Result<Reply, Error> {
        match &moderation.act {
            Act::SetStanding { account, change } => {
                let account = self.accounts.find_address(account).ok_or(Error::NoSuchAccount)?;
                self.change_standing(account, *change);
            }
            Act::SetItemHidden { item, is_hidden } => {
                let slot = self.items.set_hidden(*item, *is_hidden);
                self.hide_or_show(slot.ok_or(Error::NoSuchItem(*item))?);
            }
            Act::SetPolicy(policy) => self.set_policy(minute(at_ms), policy),
            Act::ForgetIdle { idle_since_min, accounts } => {
                self.forget_idle(*idle_since_min, accounts);
            }
        }
        Ok(Reply::Moderated)
    }

    fn change_standing(&mut self, account: AccountId, change: StandingChange) {
        let before = self.accounts.standing(account);
        let after = match change {
            StandingChange::Block if before == Standing::Removed => before,
            StandingChange::Block => Standing::Blocked,
            StandingChange::Unblock if before == Standing::Removed => before,
            StandingChange::Unblock | StandingChange::Restore => Standing::Good,
            StandingChange::Remove => Standing::Removed,
        };
        self.accounts.set_standing(account, after);
        let items = self.items.of_seller(account, ItemId(0));
        let slots: Vec<Slot> =
            items.filter_map(|item| self.items.slot(item.listing.item)).collect();
        slots.into_iter().for_each(|slot| self.hide_or_show(slot));
    }

    /// Tells the search index whether buyers see an item.
    fn hide_or_show(&mut self, slot: Slot) {
        if let Some(item) = self.items.in_slot(slot) {
            let is_hidden = self.is_hidden(item);
            self.search.set_hidden(slot, is_hidden);
        }
    }

    /// Tells the search index which items are hidden, after a restore.
    pub(in crate::market::state) fn hide_restored(&mut self) {
        let hidden = self.items.iter().filter(|(_, item)| self.is_hidden(*item));
        let slots: Vec<Slot> = hidden.map(|(slot, _)| slot).collect();
        slots.into_iter().for_each(|slot| self.search.set_hidden(slot, true));
    }

    fn set_policy(&mut self, minute: u32, policy: &Policy) {
        self.policy = policy.over(self.policy);
        self.apply_policy();
        self.accounts.record_uses(minute);
    }

    /// Sets the limits that the policy sets.
    pub(in crate::market::state) fn apply_policy(&mut self) {
        let Policy { max_items_per_seller, max_wishes, max_ratings_per_account } = self.policy;
        let limits = &mut self.limits;
        if let Some(max) = max_items_per_seller {
            limits.max_items_per_seller = max as usize;
        }
        if let Some(max) = max_wishes {
            limits.max_wishes = max as usize;
        }
        if let Some(max) = max_ratings_per_account {
            limits.max_ratings_per_account = max;
        }
    }

    /// Forgets idle accounts, with their ratings and wishes. An account with very many is forgotten
    /// by several commands.
    fn forget_idle(&mut self, idle_since_min: u32, accounts: &[AccountId]) {
        let mut budget = MAX_REMOVED;
        for account in accounts {
            if !self.is_idle(*account, idle_since_min) {
                continue;
            }
            let (ratings, is_done) = self.ratings.remove_some(*account, budget);
            budget = budget.saturating_sub(ratings.len().max(1));
            for (item, stars) in ratings {
                self.remove_rating(item, stars);
            }
            if !is_done || budget == 0 {
                return;
            }
            budget = budget.saturating_sub(self.wishlists.count_of(*account));
            self.wishlists.remove_account(*account);
            self.mailboxes.remove_account(*account);
            self.requests.remove_account(*account);
            self.accounts.remove(*account);
        }
    }

    /// Whether an account has no item on sale and no order, was not used since, and is in good
    /// standing: a restricted one stays, so that it cannot come back under the same name.
    pub fn is_idle(&self, account: AccountId, since_min: u32) -> bool {
        let has_orders = |side| self.orders.of(side, account, None).next().is_some();
        self.accounts.contains(account)
            && self.accounts.last_use_min(account).is_some_and(|used| used < since_min)
            && self.items.count_of(account) == 0
            && !has_orders(Side::Buyer)
            && !has_orders(Side::Seller)
            && self.accounts.standing(account) == Standing::Good
    }

    fn remove_rating(&mut self, item: ItemId, stars: u32) {
        let Some(slot) = self.items.slot(item) else { return };
        let stock = self.items.stock_mut(slot);
        stock.rating = stock.rating.without(stars);
        self.search.set_rating(slot, stock.rating);
    }
}

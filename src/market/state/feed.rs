//! The feed of changed mailboxes: which accounts the latest notifications are for.
//!
//! The watches of a server read it to find the mailboxes that have something new. The count only
//! grows; that of a replica that was restored lacks the mailboxes of forgotten accounts. The
//! accounts are in no snapshot: a replica that was restored knows the count alone.

use std::collections::VecDeque;

use super::accounts::AccountId;

/// How many notifications it goes back. One update of an item makes up to 10,000.
const KEPT: usize = 16_384;

/// The accounts of the latest notifications, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NotificationFeed {
    latest: VecDeque<AccountId>,
    /// Notifications so far, over all mailboxes.
    count: u64,
}

impl NotificationFeed {
    /// The feed of a market that was restored when so many notifications had been made.
    pub fn restored(count: u64) -> NotificationFeed {
        NotificationFeed { latest: VecDeque::new(), count }
    }

    pub fn push(&mut self, account: AccountId) {
        if self.latest.len() == KEPT {
            self.latest.pop_front();
        }
        self.latest.push_back(account);
        self.count += 1;
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The accounts of all notifications since there were `count`; none if that is too long ago, or
    /// if there never were so many.
    pub fn changed_since(&self, count: u64) -> Option<impl Iterator<Item = AccountId>> {
        let new = usize::try_from(self.count.checked_sub(count)?).ok()?;
        let from = self.latest.len().checked_sub(new)?;
        Some(self.latest.range(from..).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_accounts_are_known() {
        let mut feed = NotificationFeed::default();
        let since = |feed: &NotificationFeed, count| {
            feed.changed_since(count).map(|all| all.map(|a| a.0).collect())
        };
        assert_eq!(since(&feed, 0), Some(vec![]));
        (0..3).for_each(|n| feed.push(AccountId(n)));
        assert_eq!(since(&feed, 1), Some(vec![1, 2]));
        assert_eq!(since(&feed, 3), Some(vec![]));
        assert_eq!(since(&feed, 4), None, "that was another market");
        (0..KEPT as u32).for_each(|n| feed.push(AccountId(n)));
        assert_eq!(since(&feed, 2), None);
        assert_eq!(since(&feed, 3).map(|all| all.len()), Some(KEPT));
        let mut feed = NotificationFeed::restored(9);
        assert_eq!((since(&feed, 8), since(&feed, 9)), (None, Some(vec![])));
        feed.push(AccountId(4));
        assert_eq!((since(&feed, 8), since(&feed, 9)), (None, Some(vec![4])));
    }
}

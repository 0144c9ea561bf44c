//! Accounts in the order of their last use: a doubly linked list (LRU). Each change takes constant
//! time.

use super::accounts::{AccountId, PerAccount};

/// Accounts, the least recently used first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LruList {
    links: PerAccount<Links>,
    oldest: Option<AccountId>,
    newest: Option<AccountId>,
}

/// The neighbours of an account that is in the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Links {
    older: Option<AccountId>,
    newer: Option<AccountId>,
}

impl LruList {
    /// Makes an account the most recently used one; adds it if it is not in the list.
    pub fn touch(&mut self, account: AccountId) {
        if self.newest == Some(account) {
            return;
        }
        self.remove(account);
        let older = self.newest.replace(account);
        match older {
            Some(older) => self.links.get_mut(older).newer = Some(account),
            None => self.oldest = Some(account),
        }
        *self.links.get_mut(account) = Links { older, newer: None };
    }

    /// The least recently used account.
    pub fn oldest(&self) -> Option<AccountId> {
        self.oldest
    }

    /// Removes an account, if it is in the list.
    pub fn remove(&mut self, account: AccountId) {
        let Links { older, newer } = std::mem::take(self.links.get_mut(account));
        match older {
            Some(older) => self.links.get_mut(older).newer = newer,
            None if self.oldest == Some(account) => self.oldest = newer,
            None => (),
        }
        match newer {
            Some(newer) => self.links.get_mut(newer).older = older,
            None if self.newest == Some(account) => self.newest = older,
            None => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn the_oldest_is_the_least_recently_used_one() {
        let (mut seed, mut lru, mut model) = (Seed::new(3), LruList::default(), Vec::new());
        for _ in 0..20_000 {
            let account = AccountId(seed.below(12) as u32);
            model.retain(|other| *other != account);
            if seed.one_in(3) {
                lru.remove(account);
            } else {
                lru.touch(account);
                model.push(account);
            }
            assert_eq!(lru.oldest(), model.first().copied());
        }
    }
}

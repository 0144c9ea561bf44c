//! Accounts: identities and their addresses.
//!
//! An account is an identity and an address. Neither can be changed later:
//!
//! - The **identity** authenticates the caller. The address does not, because anyone can copy it,
//!   and neither does the place that a connection comes from.
//! - The **address** is the display name of the account. It belongs to the first identity that uses
//!   it, as a seller or as a buyer; another identity with the same address is refused
//!   ([`Error::AddressTaken`]).
//! - A caller sends both. A known identity with another address is refused like an unknown one
//!   ([`Error::Credentials`]): most likely the files of two users were mixed up.
//!
//! One account can sell and buy. A seller registers. A buyer's account is created by its first
//! command that succeeds, so that a refused command of an unknown caller leaves nothing behind (but
//! for the case in [`requests`](super::requests)).
//!
//! The operator can change the [`Standing`] of an account. An account that is not used is forgotten
//! in time ([`Accounts::remove`]); its number is not used again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::command::{Caller, Identity};
use super::error::{Bound, Error, Field};
use super::limits::Limits;
use super::lines::{Section, WordReader, section};
use super::shared::Array;
use super::{size, text};
use crate::text::{parse_u64, push_u64};

/// An account, numbered from 0 in the order of first use. The number is in no message: watches use
/// it to find the mailboxes that have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub(super) u32);

impl AccountId {
    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an account may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Everything.
    #[default]
    Good,
    /// It reads its own lists, and changes nothing. Its items are hidden.
    Blocked,
    /// Nothing. Its items are hidden.
    Removed,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    identity: Identity,
    address: Arc<str>,
    is_seller: bool,
    standing: Standing,
}

/// All accounts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    accounts: Array<Option<Account>>,
    /// One more than the last account number assigned.
    next: u32,
    /// Accounts that are blocked or removed.
    restricted: BTreeSet<AccountId>,
    /// The minute since 1970 of each account's last command, but for purchases; only since
    /// `recorded_since_min`.
    used_min: Array<u32>,
    /// Since when uses are recorded; none if they are not.
    recorded_since_min: Option<u32>,
    /// The bytes of all addresses.
    address_bytes: u64,
    by_identity: HashMap<Identity, AccountId, ByDigest>,
    by_address: BTreeMap<Arc<str>, AccountId>,
}

impl Accounts {
    pub fn len(&self) -> usize {
        self.by_identity.len()
    }

    /// The size of all accounts, for the quota.
    pub fn size_bytes(&self) -> u64 {
        size::ACCOUNT * self.len() as u64 + self.address_bytes
    }

    /// The addresses of all accounts.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.by_address.keys().map(|address| &**address)
    }

    /// One more than the last account number assigned.
    pub fn next(&self) -> u32 {
        self.next
    }

    fn get(&self, account: AccountId) -> Option<&Account> {
        self.accounts.get(account.index())?.as_ref()
    }

    /// Whether there is such an account.
    pub fn contains(&self, account: AccountId) -> bool {
        self.get(account).is_some()
    }

    /// The account of an identity, whatever address it sends.
    pub fn find(&self, identity: &Identity) -> Option<AccountId> {
        self.by_identity.get(identity).copied()
    }

    pub fn address(&self, account: AccountId) -> &str {
        self.get(account).map_or("", |account| &account.address)
    }

    /// The account with this address.
    pub fn find_address(&self, address: &str) -> Option<AccountId> {
        self.by_address.get(address).copied()
    }

    pub fn standing(&self, account: AccountId) -> Standing {
        if self.restricted.is_empty() {
            return Standing::Good;
        }
        self.get(account).map_or(Standing::Good, |account| account.standing)
    }

    /// Sets the standing of an account.
    pub fn set_standing(&mut self, id: AccountId, standing: Standing) {
        if let Some(account) = self.accounts.get_mut(id.index()) {
            account.standing = standing;
            match standing {
                Standing::Good => self.restricted.remove(&id),
                Standing::Blocked | Standing::Removed => self.restricted.insert(id),
            };
        }
    }

    /// The accounts that are blocked or removed, above a number.
    pub fn restricted(&self, from: u32) -> impl Iterator<Item = AccountId> {
        self.restricted.range(AccountId(from)..).copied()
    }

    /// Checks that the operator lets an account read its own lists.
    pub fn check_not_removed(&self, account: AccountId) -> Result<AccountId, Error> {
        match self.standing(account) {
            Standing::Removed => Err(Error::Removed),
            Standing::Good | Standing::Blocked => Ok(account),
        }
    }

    /// Begins to record when accounts are used.
    pub fn record_uses(&mut self, minute: u32) {
        self.recorded_since_min.get_or_insert(minute);
    }

    /// Since when uses are recorded, in minutes since 1970.
    pub fn recorded_since_min(&self) -> Option<u32> {
        self.recorded_since_min
    }

    /// Records that an account is used.
    pub fn note_use(&mut self, account: AccountId, minute: u32) {
        let last = self.used_min.get(account.index()).copied().unwrap_or(0);
        if self.recorded_since_min.is_some() && minute > last {
            *self.used_min.get_mut(account.index()) = minute;
        }
    }

    /// The minute since 1970 of an account's last use, or since which uses are recorded, whichever
    /// is later; none if they are not.
    pub fn last_use_min(&self, account: AccountId) -> Option<u32> {
        let used = self.used_min.get(account.index()).copied().unwrap_or(0);
        self.recorded_since_min.map(|since| since.max(used))
    }

    /// Removes an account that nothing but its own entries here refers to. Its address is free.
    pub fn remove(&mut self, id: AccountId) {
        let Some(account) = self.get(id) else { return };
        let (identity, address) = (account.identity, Arc::clone(&account.address));
        self.address_bytes -= address.len() as u64;
        self.by_identity.remove(&identity);
        self.by_address.remove(&address);
        self.accounts.clear(id.index());
        self.used_min.clear(id.index());
        self.restricted.remove(&id);
    }

    pub fn is_seller(&self, account: AccountId) -> bool {
        self.get(account).is_some_and(|account| account.is_seller)
    }

    /// The account of a caller that must have one.
    pub fn authenticate(&self, caller: &Caller<'_>) -> Result<AccountId, Error> {
        let account = self.find(&caller.identity).ok_or(Error::Credentials)?;
        self.check_address_of(account, caller)
    }

    /// The account, if its address is the caller's.
    fn check_address_of(
        &self,
        account: AccountId,
        caller: &Caller<'_>,
    ) -> Result<AccountId, Error> {
        if self.address(account) == caller.address { Ok(account) } else { Err(Error::Credentials) }
    }

    /// The account of a caller that must be a seller.
    pub fn authenticate_seller(&self, caller: &Caller<'_>) -> Result<AccountId, Error> {
        let account = self.authenticate(caller)?;
        if self.is_seller(account) { Ok(account) } else { Err(Error::NotASeller) }
    }

    /// The account of a caller that only reads; none when neither the identity nor the address has
    /// one.
    pub fn authenticate_reader(&self, caller: &Caller<'_>) -> Result<Option<AccountId>, Error> {
        let is_known = self.by_identity.contains_key(&caller.identity)
            || self.by_address.contains_key(caller.address);
        if is_known { self.authenticate(caller).map(Some) } else { Ok(None) }
    }

    /// The account of a caller that buys; none when it has none yet and its address is free.
    pub fn authenticate_buyer(
        &self,
        caller: &Caller<'_>,
        limits: &Limits,
    ) -> Result<Option<AccountId>, Error> {
        if let Some(account) = self.find(&caller.identity) {
            return self.check_address_of(account, caller).map(Some);
        }
        self.check_free(caller.address, limits)?;
        Ok(None)
    }

    /// Checks that a new account can be created with this address.
    pub fn check_free(&self, address: &str, limits: &Limits) -> Result<(), Error> {
        self.check_address(address, limits)?;
        if self.len() >= limits.max_accounts || self.next == u32::MAX {
            return Err(Error::Full(Bound::Accounts, self.len()));
        }
        Ok(())
    }

    /// Checks that the address is valid and free. It becomes free only if its account is forgotten.
    pub fn check_address(&self, address: &str, limits: &Limits) -> Result<(), Error> {
        text::check(Field::Address, address, limits.max_address_bytes)?;
        if self.by_address.contains_key(address) { Err(Error::AddressTaken) } else { Ok(()) }
    }

    /// Checks that an existing account may register as a seller: it is a buyer with this address.
    pub fn check_may_become_seller(
        &self,
        account: AccountId,
        caller: &Caller<'_>,
    ) -> Result<(), Error> {
        let is_buyer_here = self.address(account) == caller.address && !self.is_seller(account);
        if is_buyer_here { Ok(()) } else { Err(Error::AlreadyRegistered) }
    }

    /// Creates the account that [`Accounts::check_free`] has allowed.
    pub fn create_account(&mut self, caller: &Caller<'_>) -> AccountId {
        let account = AccountId(self.next);
        self.next += 1;
        let (identity, address) = (caller.identity, Arc::from(caller.address));
        self.address_bytes += caller.address.len() as u64;
        self.by_identity.insert(identity, account);
        self.by_address.insert(Arc::clone(&address), account);
        let (is_seller, standing) = (false, Standing::Good);
        let new = Account { identity, address, is_seller, standing };
        *self.accounts.get_mut(account.index()) = Some(new);
        account
    }

    /// Lets an account sell.
    pub fn make_seller(&mut self, account: AccountId) {
        if let Some(account) = self.accounts.get_mut(account.index()) {
            account.is_seller = true;
        }
    }

    /// `ACCOUNT number buyer|seller address identity [standing=S] [used=MINUTE]`, ascending by
    /// number.
    pub fn freeze(&self) -> Box<dyn Section> {
        let (accounts, used_min) = (self.accounts.clone(), self.used_min.clone());
        let mut next = 0;
        section(move |words| {
            let (number, account) = loop {
                // Numbers of forgotten accounts are skipped a leaf at a time.
                let Some(number) = accounts.next(next) else { return false };
                next = number + 1;
                if let Some(Some(account)) = accounts.get(number) {
                    break (number, account);
                }
            };
            let role = if account.is_seller { SELLER } else { BUYER };
            words.word(ACCOUNT).number(number as u64).word(role);
            words.word(account.address.as_bytes()).identity(&account.identity);
            match account.standing {
                Standing::Good => (),
                Standing::Blocked => {
                    words.word(STANDING_BLOCKED);
                }
                Standing::Removed => {
                    words.word(STANDING_REMOVED);
                }
            }
            if let Some(used) = used_min.get(number).copied().filter(|used| *used > 0) {
                words.named(USED, |text| push_u64(used.into(), text));
            }
            true
        })
    }

    /// `ACCOUNTS next [recorded=MINUTE]`, if accounts were forgotten or uses are recorded.
    pub fn freeze_numbers(&self) -> Box<dyn Section> {
        let is_needed = self.next as usize != self.len() || self.recorded_since_min.is_some();
        let mut numbers = is_needed.then_some((self.next, self.recorded_since_min));
        section(move |words| {
            let Some((next, since)) = numbers.take() else { return false };
            words.word(ACCOUNTS).number(next);
            if let Some(since) = since {
                words.named(RECORDED, |text| push_u64(since.into(), text));
            }
            true
        })
    }

    /// Restores the numbers from the words behind `ACCOUNTS`, after the accounts.
    pub fn restore_numbers(&mut self, mut fields: WordReader<'_>) -> Result<(), String> {
        let next = fields.number()?;
        let since = fields.named(RECORDED, parse_minute)?;
        fields.end()?;
        if next < self.next {
            return Err(format!("{next}, but there is an account {}", self.next - 1));
        }
        (self.next, self.recorded_since_min) = (next, since);
        Ok(())
    }

    /// Restores an account from the words behind `ACCOUNT`.
    pub fn restore(&mut self, mut fields: WordReader<'_>) -> Result<(), String> {
        let number: u64 = fields.number()?;
        let is_seller = match fields.word()? {
            SELLER => true,
            BUYER => false,
            _ => return Err("an account is a seller or a buyer".into()),
        };
        let (address, identity) = (fields.text()?, fields.identity()?);
        let standing = fields.named(STANDING, |word| match word {
            b"blocked" => Some(Standing::Blocked),
            b"removed" => Some(Standing::Removed),
            _ => None,
        })?;
        let used_min = fields.named(USED, parse_minute)?;
        fields.end()?;
        let next = self.next;
        self.next = u32::try_from(number)
            .ok()
            .filter(|number| *number >= next && *number < u32::MAX)
            .ok_or_else(|| format!("expected account {next} or one behind it"))?;
        if self.by_identity.contains_key(&identity) || self.by_address.contains_key(address) {
            return Err("its identity or its address is another account's".into());
        }
        let account = self.create_account(&Caller { identity, address });
        if is_seller {
            self.make_seller(account);
        }
        if let Some(standing) = standing {
            self.set_standing(account, standing);
        }
        if let Some(used_min) = used_min {
            *self.used_min.get_mut(account.index()) = used_min;
        }
        Ok(())
    }
}

pub const ACCOUNT: &[u8] = b"ACCOUNT";
pub const ACCOUNTS: &[u8] = b"ACCOUNTS";
const STANDING: &[u8] = b"standing=";
const STANDING_BLOCKED: &[u8] = b"standing=blocked";
const STANDING_REMOVED: &[u8] = b"standing=removed";
const USED: &[u8] = b"used=";
const RECORDED: &[u8] = b"recorded=";
const SELLER: &[u8] = b"seller";
const BUYER: &[u8] = b"buyer";

fn parse_minute(word: &[u8]) -> Option<u32> {
    parse_u64(word)?.try_into().ok()
}

/// Takes eight bytes of a digest as its hash: a digest's bits are evenly distributed already. A
/// client that searches for UUIDs whose digests collide in these bytes slows down the look-up of
/// its own accounts only.
#[derive(Clone, Copy, Debug, Default)]
struct DigestHasher(u64);

type ByDigest = BuildHasherDefault<DigestHasher>;

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(head) = bytes.first_chunk() {
            self.0 ^= u64::from_le_bytes(*head);
        }
    }
}

/// One value for each account; a value that was never written is the default. For values that are
/// in no snapshot.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PerAccount<T>(Vec<T>);

impl<T: Default> PerAccount<T> {
    pub fn get(&self, account: AccountId) -> Option<&T> {
        self.0.get(account.index())
    }

    pub fn get_mut(&mut self, account: AccountId) -> &mut T {
        let index = account.index();
        if index >= self.0.len() {
            self.0.resize_with(index + 1, T::default);
        }
        &mut self.0[index]
    }
}

/// As [`PerAccount`], for values of a snapshot: copies share the nodes that have not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedPerAccount<T> {
    values: Array<Option<Arc<T>>>,
    /// One more than the number of the last account that was written.
    end: usize,
}

impl<T> Default for SharedPerAccount<T> {
    fn default() -> SharedPerAccount<T> {
        SharedPerAccount { values: Array::default(), end: 0 }
    }
}

impl<T: Clone + Default> SharedPerAccount<T> {
    pub fn get(&self, account: AccountId) -> Option<&T> {
        self.values.get(account.index())?.as_deref()
    }

    pub fn get_mut(&mut self, account: AccountId) -> &mut T {
        self.end = self.end.max(account.index() + 1);
        Arc::make_mut(self.values.get_mut(account.index()).get_or_insert_default())
    }

    /// Removes the value of an account.
    pub fn remove(&mut self, account: AccountId)
    where
        T: PartialEq,
    {
        self.values.clear(account.index());
    }

    /// The first value that was ever written, from this account on.
    pub fn next(&self, from: u32) -> Option<(AccountId, &T)> {
        let accounts = (from..).take_while(|account| (*account as usize) < self.end);
        let mut accounts = accounts.map(AccountId);
        accounts.find_map(|account| Some((account, self.get(account)?)))
    }

    /// Every value that was ever written, by account.
    pub fn iter(&self) -> impl Iterator<Item = (AccountId, &T)> {
        let mut next = Some(0);
        std::iter::from_fn(move || {
            let found = self.next(next?);
            next = found.and_then(|(account, _)| account.0.checked_add(1));
            found
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(who: u8, address: &str) -> Caller<'_> {
        Caller { identity: Identity::from_digest([who; 32]).unwrap(), address }
    }

    #[test]
    fn an_identity_is_refused_under_another_address() {
        let (mut accounts, limits) = (Accounts::default(), Limits::DEFAULT);
        let ada = caller(1, "10.0.0.1:50051");
        assert_eq!(accounts.authenticate_buyer(&ada, &limits), Ok(None));
        let account = accounts.create_account(&ada);
        assert_eq!(accounts.authenticate_buyer(&ada, &limits), Ok(Some(account)));
        let moved = caller(1, "10.0.0.1:50052");
        assert_eq!(accounts.authenticate_buyer(&moved, &limits), Err(Error::Credentials));
        let thief = caller(2, "10.0.0.1:50051");
        assert_eq!(accounts.authenticate_buyer(&thief, &limits), Err(Error::AddressTaken));
        assert_eq!(accounts.authenticate(&thief), Err(Error::Credentials));
        assert_eq!(accounts.authenticate_reader(&thief), Err(Error::Credentials));
        assert_eq!(accounts.authenticate_reader(&caller(2, "10.0.0.2:50051")), Ok(None));
    }

    #[test]
    fn a_buyer_is_no_seller_before_registering() {
        let mut accounts = Accounts::default();
        let ada = caller(1, "ada");
        let account = accounts.create_account(&ada);
        assert_eq!(accounts.authenticate_seller(&ada), Err(Error::NotASeller));
        accounts.make_seller(account);
        assert_eq!(accounts.authenticate_seller(&ada), Ok(account));
    }

    #[test]
    fn the_number_of_accounts_is_bounded() {
        let limits = Limits { max_accounts: 1, ..Limits::DEFAULT };
        let mut accounts = Accounts::default();
        accounts.create_account(&caller(1, "ada"));
        let refused = accounts.authenticate_buyer(&caller(2, "bob"), &limits);
        assert_eq!(refused, Err(Error::Full(Bound::Accounts, 1)));
    }

    #[test]
    fn a_value_that_was_never_written_is_the_default() {
        let mut notes: PerAccount<u8> = PerAccount::default();
        *notes.get_mut(AccountId(2)) = 7;
        assert_eq!(notes.get(AccountId(1)), Some(&0));
        assert_eq!(notes.get(AccountId(3)), None);
        let mut shared: SharedPerAccount<u8> = SharedPerAccount::default();
        *shared.get_mut(AccountId(2)) = 7;
        let before = shared.clone();
        *shared.get_mut(AccountId(700)) += 1;
        assert_eq!(shared.get(AccountId(1)), None);
        let all: Vec<_> = shared.iter().map(|(account, value)| (account.0, *value)).collect();
        assert_eq!(all, [(2, 7), (700, 1)]);
        assert_eq!(before.iter().count(), 1);
    }
}

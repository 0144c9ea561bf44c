//! Who is who.
//!
//! An account is an identity and an address, bound to each other for good:
//!
//! - The **identity** decides who somebody is. Not the address, which anyone can write down, and
//!   not where a connection comes from.
//! - The **address** is the name that others see. It belongs to the first identity that uses it,
//!   as a seller or as a buyer, so that nobody trades under somebody else's name; another
//!   identity is refused ([`Error::AddressTaken`]).
//! - A caller shows both. A known identity under another address is refused like an unknown one
//!   ([`Error::Credentials`]): it is a mix-up of two people's files more likely than a wish.
//!
//! One account can sell and buy. A seller registers; a buyer's account is made by the first
//! command that succeeds, so that refused commands leave no trace of people who never traded.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::command::{Caller, Identity};
use super::error::{Bound, Error, Field};
use super::limits::Limits;
use super::lines::{Section, WordReader, section};
use super::shared::Array;
use super::text;

/// An account, numbered from 0 in the order of first use. It never leaves the market's process:
/// streams use it to know which mailbox got something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub(super) u32);

impl AccountId {
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    identity: Identity,
    address: Arc<str>,
    is_seller: bool,
}

/// All accounts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    accounts: Array<Option<Account>>,
    by_identity: HashMap<Identity, AccountId, ByDigest>,
    by_address: BTreeMap<Arc<str>, AccountId>,
}

impl Accounts {
    pub fn len(&self) -> usize {
        self.by_identity.len()
    }

    fn get(&self, account: AccountId) -> Option<&Account> {
        self.accounts.get(account.index())?.as_ref()
    }

    /// Whether there is such an account.
    pub fn contains(&self, account: AccountId) -> bool {
        account.index() < self.len()
    }

    /// The account of an identity, whatever address it shows.
    pub fn find(&self, identity: &Identity) -> Option<AccountId> {
        self.by_identity.get(identity).copied()
    }

    pub fn address(&self, account: AccountId) -> &str {
        self.get(account).map_or("", |account| &account.address)
    }

    pub fn is_seller(&self, account: AccountId) -> bool {
        self.get(account).is_some_and(|account| account.is_seller)
    }

    /// The caller's account, where one must exist.
    pub fn authenticate(&self, caller: &Caller<'_>) -> Result<AccountId, Error> {
        let account = self.find(&caller.identity).ok_or(Error::Credentials)?;
        self.check_address_of(account, caller)
    }

    /// The account, if it goes by the caller's address.
    fn check_address_of(
        &self,
        account: AccountId,
        caller: &Caller<'_>,
    ) -> Result<AccountId, Error> {
        if self.address(account) == caller.address { Ok(account) } else { Err(Error::Credentials) }
    }

    /// The caller's account, where it must be a seller's.
    pub fn authenticate_seller(&self, caller: &Caller<'_>) -> Result<AccountId, Error> {
        let account = self.authenticate(caller)?;
        if self.is_seller(account) { Ok(account) } else { Err(Error::NotASeller) }
    }

    /// The caller where nothing is changed: the account, or none when neither the identity nor the
    /// address has one.
    pub fn authenticate_reader(&self, caller: &Caller<'_>) -> Result<Option<AccountId>, Error> {
        let is_known = self.by_identity.contains_key(&caller.identity)
            || self.by_address.contains_key(caller.address);
        if is_known { self.authenticate(caller).map(Some) } else { Ok(None) }
    }

    /// The caller as a buyer: the account, or none when there is none yet and the address is free
    /// for it.
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

    /// Whether a new account can take this address.
    pub fn check_free(&self, address: &str, limits: &Limits) -> Result<(), Error> {
        self.check_address(address, limits)?;
        if self.len() >= limits.max_accounts {
            return Err(Error::Full(Bound::Accounts, self.len()));
        }
        Ok(())
    }

    /// Whether a new account could take this address if there is room for one. What is refused here
    /// is refused for good.
    pub fn check_address(&self, address: &str, limits: &Limits) -> Result<(), Error> {
        text::check(Field::Address, address, limits.max_address_bytes)?;
        if self.by_address.contains_key(address) { Err(Error::AddressTaken) } else { Ok(()) }
    }

    /// Whether an account that there is may register as a seller: a buyer, under its own address.
    pub fn check_may_become_seller(
        &self,
        account: AccountId,
        caller: &Caller<'_>,
    ) -> Result<(), Error> {
        let is_buyer_here = self.address(account) == caller.address && !self.is_seller(account);
        if is_buyer_here { Ok(()) } else { Err(Error::AlreadyRegistered) }
    }

    /// Makes the account that [`Accounts::check_free`] allowed.
    pub fn create_account(&mut self, caller: &Caller<'_>) -> AccountId {
        let account = AccountId(self.len() as u32);
        let (identity, address) = (caller.identity, Arc::from(caller.address));
        self.by_identity.insert(identity, account);
        self.by_address.insert(Arc::clone(&address), account);
        let new = Account { identity, address, is_seller: false };
        *self.accounts.get_mut(account.index()) = Some(new);
        account
    }

    /// Makes an account a seller's.
    pub fn make_seller(&mut self, account: AccountId) {
        if let Some(account) = self.accounts.get_mut(account.index()) {
            account.is_seller = true;
        }
    }

    /// `ACCOUNT number buyer|seller address identity`, ascending by number.
    pub fn freeze(&self) -> Box<dyn Section> {
        let (accounts, mut numbers) = (self.accounts.clone(), 0..self.len());
        section(move |words| {
            let Some(number) = numbers.next() else { return false };
            if let Some(Some(account)) = accounts.get(number) {
                let role = if account.is_seller { SELLER } else { BUYER };
                words.word(ACCOUNT).number(number as u64).word(role);
                words.word(account.address.as_bytes()).identity(&account.identity);
            }
            true
        })
    }

    /// Takes the words behind `ACCOUNT`.
    pub fn restore(&mut self, mut fields: WordReader<'_>) -> Result<(), String> {
        let number: usize = fields.number()?;
        let is_seller = match fields.word()? {
            SELLER => true,
            BUYER => false,
            _ => return Err("an account is a seller or a buyer".into()),
        };
        let (address, identity) = (fields.text()?, fields.identity()?);
        fields.end()?;
        if number != self.len() || u32::try_from(number).is_err() {
            return Err(format!("expected account {}", self.len()));
        }
        if self.by_identity.contains_key(&identity) || self.by_address.contains_key(address) {
            return Err("its identity or its address came before".into());
        }
        let account = self.create_account(&Caller { identity, address });
        if is_seller {
            self.make_seller(account);
        }
        Ok(())
    }
}

pub const ACCOUNT: &[u8] = b"ACCOUNT";
const SELLER: &[u8] = b"seller";
const BUYER: &[u8] = b"buyer";

/// Takes eight bytes of a digest as its hash: nothing is more even. Who makes UUIDs until their
/// digests collide in these bytes makes the market slower to find just these people.
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

/// One value of some subject for each account; those never written are the default. For what a
/// snapshot does not need.
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

/// As [`PerAccount`], with copies that share what has not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedPerAccount<T> {
    values: Array<Option<Arc<T>>>,
    /// Behind the last account that was written.
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

    /// The first value of an account from this one on that was ever written.
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
    fn an_identity_and_its_address_go_together() {
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
    fn there_are_only_so_many_accounts() {
        let limits = Limits { max_accounts: 1, ..Limits::DEFAULT };
        let mut accounts = Accounts::default();
        accounts.create_account(&caller(1, "ada"));
        let refused = accounts.authenticate_buyer(&caller(2, "bob"), &limits);
        assert_eq!(refused, Err(Error::Full(Bound::Accounts, 1)));
    }

    #[test]
    fn what_was_never_written_is_the_default() {
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

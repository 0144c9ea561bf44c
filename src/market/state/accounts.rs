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

use std::collections::BTreeMap;

use super::command::{Caller, Identity};
use super::error::{Bound, Error, Field};
use super::limits::Limits;
use super::text;

/// An account, numbered from 0 in the order of first use. It never leaves the market's process:
/// streams use it to know which mailbox got something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub(super) u32);

impl AccountId {
    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One account.
#[derive(Debug, PartialEq, Eq)]
pub struct Account {
    pub address: Box<str>,
    pub is_seller: bool,
}

/// All accounts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    accounts: Vec<Account>,
    by_identity: BTreeMap<Identity, AccountId>,
    by_address: BTreeMap<Box<str>, AccountId>,
}

impl Accounts {
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// The account of an identity, whatever address it shows.
    pub fn find(&self, identity: &Identity) -> Option<AccountId> {
        self.by_identity.get(identity).copied()
    }

    pub fn address(&self, account: AccountId) -> &str {
        &self.accounts[account.index()].address
    }

    pub fn is_seller(&self, account: AccountId) -> bool {
        self.accounts[account.index()].is_seller
    }

    /// The caller's account, where one must exist.
    pub fn member(&self, caller: &Caller<'_>) -> Result<AccountId, Error> {
        let account = self.find(&caller.identity).ok_or(Error::Credentials)?;
        if self.address(account) != caller.address {
            return Err(Error::Credentials);
        }
        Ok(account)
    }

    /// The caller's account, where it must be a seller's.
    pub fn seller(&self, caller: &Caller<'_>) -> Result<AccountId, Error> {
        let account = self.member(caller)?;
        if self.is_seller(account) { Ok(account) } else { Err(Error::NotASeller) }
    }

    /// The caller where nothing is changed: the account, or none when neither the identity nor the
    /// address has one.
    pub fn reader(&self, caller: &Caller<'_>) -> Result<Option<AccountId>, Error> {
        let is_known = self.by_identity.contains_key(&caller.identity)
            || self.by_address.contains_key(caller.address);
        if is_known { self.member(caller).map(Some) } else { Ok(None) }
    }

    /// The caller as a buyer: the account, or none when there is none yet and the address is free
    /// for it.
    pub fn buyer(&self, caller: &Caller<'_>, limits: &Limits) -> Result<Option<AccountId>, Error> {
        if self.by_identity.contains_key(&caller.identity) {
            return self.member(caller).map(Some);
        }
        self.check_free(caller.address, limits)?;
        Ok(None)
    }

    /// Whether a new account can take this address.
    pub fn check_free(&self, address: &str, limits: &Limits) -> Result<(), Error> {
        text::check(Field::Address, address, limits.max_address_bytes)?;
        if self.by_address.contains_key(address) {
            return Err(Error::AddressTaken);
        }
        if self.accounts.len() >= limits.max_accounts {
            return Err(Error::Full(Bound::Accounts, self.accounts.len()));
        }
        Ok(())
    }

    /// Makes the account that [`Accounts::check_free`] allowed.
    pub fn enlist(&mut self, caller: &Caller<'_>) -> AccountId {
        let account = AccountId(self.accounts.len() as u32);
        self.accounts.push(Account { address: caller.address.into(), is_seller: false });
        self.by_identity.insert(caller.identity, account);
        self.by_address.insert(caller.address.into(), account);
        account
    }

    /// Makes an account a seller's.
    pub fn make_seller(&mut self, account: AccountId) {
        self.accounts[account.index()].is_seller = true;
    }
}

/// One value of some subject for each account; those never written are the default.
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

    pub fn iter(&self) -> impl Iterator<Item = (AccountId, &T)> {
        self.0.iter().enumerate().map(|(index, value)| (AccountId(index as u32), value))
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
        assert_eq!(accounts.buyer(&ada, &limits), Ok(None));
        let account = accounts.enlist(&ada);
        assert_eq!(accounts.buyer(&ada, &limits), Ok(Some(account)));
        let moved = caller(1, "10.0.0.1:50052");
        assert_eq!(accounts.buyer(&moved, &limits), Err(Error::Credentials));
        let thief = caller(2, "10.0.0.1:50051");
        assert_eq!(accounts.buyer(&thief, &limits), Err(Error::AddressTaken));
        assert_eq!(accounts.member(&thief), Err(Error::Credentials));
        assert_eq!(accounts.reader(&thief), Err(Error::Credentials));
        assert_eq!(accounts.reader(&caller(2, "10.0.0.2:50051")), Ok(None));
    }

    #[test]
    fn a_buyer_is_no_seller_before_registering() {
        let mut accounts = Accounts::default();
        let ada = caller(1, "ada");
        let account = accounts.enlist(&ada);
        assert_eq!(accounts.seller(&ada), Err(Error::NotASeller));
        accounts.make_seller(account);
        assert_eq!(accounts.seller(&ada), Ok(account));
    }

    #[test]
    fn there_are_only_so_many_accounts() {
        let limits = Limits { max_accounts: 1, ..Limits::DEFAULT };
        let mut accounts = Accounts::default();
        accounts.enlist(&caller(1, "ada"));
        let refused = accounts.buyer(&caller(2, "bob"), &limits);
        assert_eq!(refused, Err(Error::Full(Bound::Accounts, 1)));
    }

    #[test]
    fn what_was_never_written_is_the_default() {
        let mut notes: PerAccount<u8> = PerAccount::default();
        *notes.get_mut(AccountId(2)) = 7;
        assert_eq!(notes.get(AccountId(1)), Some(&0));
        assert_eq!(notes.get(AccountId(3)), None);
        assert_eq!(notes.iter().count(), 3);
    }
}

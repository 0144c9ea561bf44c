//! The market behind a replicated log.
//!
//! A command in the log is a [`Command`] as bytes, and its answer an [`Answer`] as bytes; in the
//! human-readable files both are words. The time of an order is that of the log. A repeated command
//! is answered from the market's recorded answers ([`requests`](super::requests)). Request ids
//! belong to the account, whatever process and machine sends them, so a market needs no sessions.
//!
//! A snapshot has each part of the state that is not derived from others, in the order in which
//! they refer to each other; the first word of a line is its kind.
//!
//! | lines | |
//! |---|---|
//! | `MARKET` | the last item number assigned; once, first |
//! | `POLICY` | the bounds of each account, if the operator has set some |
//! | `ACCOUNT` | accounts |
//! | `ACCOUNTS` | their numbers, if some were forgotten, and since when their uses are recorded |
//! | `ITEM`, `FORMER` | items on sale; items that were sold and then deleted |
//! | `RATED`, `RATING` | how many ratings each account gave; those of items on sale |
//! | `ORDER` | the ledger |
//! | `WISH` | wishlists |
//! | `MAILBOX`, `DEPARTED`, `SOLD`, `UPDATED`, `DELETED` | pending notifications |
//! | `REQUESTS`, `DONE` | recorded answers |
//!
//! The derived parts (the lists of orders by account, the accounts that wish for an item, the
//! search index) are built when a snapshot is read.

use std::collections::VecDeque;
use std::sync::Arc;

use super::accounts::{ACCOUNT, ACCOUNTS, AccountId};
use super::answer::{self, Answer};
use super::items::{ITEM, TOMBSTONE};
use super::lines::{Section, WordReader, WordWriter, section};
use super::mailboxes::{DELISTED, MAILBOX};
use super::moderation::{Entry, POLICY, Policy};
use super::orders::ORDER;
use super::ratings::{RATED, RATING};
use super::read_set::ReadSet;
use super::requests::{DONE, REQUESTS};
use super::wishlists::WISH;
use super::{Limits, Market, size};
use crate::raft::{Frozen, Index, StateMachine};

/// The word before bytes that are not a command.
const NO_COMMAND: &[u8] = b"NO-COMMAND";
const MARKET: &[u8] = b"MARKET";

/// Decodes the answer to a command that [`Market`] has encoded for its log; none if the bytes in
/// the log were no command: then every node of this version ignores them.
pub fn decode_answer(bytes: &[u8]) -> Option<Answer> {
    answer::decode(bytes)
}

impl StateMachine for Market {
    fn apply(&mut self, _: Index, at_ms: u64, command: &Arc<[u8]>, reply: &mut Vec<u8>) {
        // Bytes that are no command have an empty answer.
        match Entry::decode(command) {
            Some(Entry::Command(command)) => {
                answer::encode_into(&self.apply_once(at_ms, &command), reply);
            }
            Some(Entry::Moderation(moderation)) => {
                answer::encode_into(&self.moderate(at_ms, &moderation), reply);
            }
            None => (),
        }
    }

    fn settle(&mut self) {
        self.index_new_items();
    }

    fn conflicts(read: &[u8], command: &[u8]) -> bool {
        // Bytes that are no command change nothing.
        match Entry::decode(command) {
            Some(Entry::Command(command)) => ReadSet::decode(read).is_changed_by(&command),
            Some(Entry::Moderation(_)) => true,
            None => false,
        }
    }

    fn to_words(command: &[u8], word: &mut dyn FnMut(&[u8])) {
        match Entry::decode(command) {
            Some(entry) => entry.to_words(word),
            // It was committed, so it must be in the file; read back, it is ignored as before.
            None => [NO_COMMAND, command].into_iter().for_each(word),
        }
    }

    fn from_words(words: &[&[u8]]) -> Result<Vec<u8>, String> {
        match *words {
            [NO_COMMAND, bytes] => Ok(bytes.to_vec()),
            _ => Entry::from_words(words)?.encode().map_err(|error| error.to_string()),
        }
    }

    fn size_bytes(&self) -> u64 {
        self.counted_bytes()
    }

    fn max_overhead_bytes(command: &[u8]) -> u64 {
        size::max_overhead_bytes(command)
    }

    fn may_grow(command: &[u8]) -> bool {
        size::may_grow(command)
    }

    fn size_bytes_after(&self, commands: &mut dyn Iterator<Item = &[u8]>) -> u64 {
        self.bytes_after(commands)
    }

    fn freeze(&self) -> Box<dyn Frozen> {
        let mut last_id = Some(self.items.last_id());
        let market = section(move |words| {
            last_id.take().is_some_and(|last_id| {
                words.word(MARKET).number(last_id);
                true
            })
        });
        let sections = [
            market,
            self.policy.freeze(),
            self.accounts.freeze(),
            self.accounts.freeze_numbers(),
            self.items.freeze(),
            self.items.freeze_tombstones(),
            self.ratings.freeze_given(),
            self.ratings.freeze(),
            self.orders.freeze(),
            self.wishlists.freeze(),
            self.mailboxes.freeze(&self.items),
            self.requests.freeze(),
        ];
        Box::new(FrozenMarket(sections.into()))
    }

    fn empty() -> Market {
        Market::new(Limits::DEFAULT)
    }

    fn restore(&mut self, words: &[&[u8]]) -> Result<(), String> {
        let mut fields = WordReader::new(words);
        let name = fields.word()?;
        let taken = self.restore_line(name, fields);
        taken.map_err(|what| format!("{}: {what}", name.escape_ascii()))
    }

    fn restored(&mut self) -> Result<(), String> {
        if !self.restoring.has_begun {
            return Err("there is no MARKET".into());
        }
        self.restoring = RestoreProgress::default();
        self.mailboxes.restored();
        self.requests.restored();
        self.search.rebuild(&self.items);
        self.hide_restored();
        Ok(())
    }
}

/// The progress of a restore.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RestoreProgress {
    has_begun: bool,
    /// The accounts of the last `MAILBOX` and `REQUESTS` lines.
    mailbox: Option<AccountId>,
    requests: Option<AccountId>,
}

impl Market {
    fn restore_line(&mut self, name: &[u8], mut fields: WordReader<'_>) -> Result<(), String> {
        if !self.restoring.has_begun {
            if name != MARKET {
                return Err("MARKET is missing before it".into());
            }
            self.items.restore_last_id(fields.number()?);
            self.restoring.has_begun = true;
            return fields.end();
        }
        let Market { accounts, items, orders, .. } = self;
        match name {
            POLICY => {
                self.policy = Policy::restore(fields)?;
                self.apply_policy();
                Ok(())
            }
            ACCOUNT => accounts.restore(fields),
            ACCOUNTS => accounts.restore_numbers(fields),
            ITEM => items.restore(fields, accounts),
            TOMBSTONE => items.restore_tombstone(fields, accounts),
            RATED => self.ratings.restore_given(fields, accounts),
            RATING => self.ratings.restore(fields, accounts, items),
            ORDER => orders.restore(fields, accounts, items),
            WISH => self.wishlists.restore(fields, accounts, items),
            DELISTED => self.mailboxes.restore_delisted(fields, accounts),
            MAILBOX => {
                let account = self.mailboxes.restore(fields, accounts)?;
                self.restoring.mailbox = Some(account);
                Ok(())
            }
            REQUESTS => {
                let account = self.requests.restore(fields, accounts)?;
                self.restoring.requests = Some(account);
                Ok(())
            }
            DONE => {
                let account = self.restoring.requests.ok_or("there is no REQUESTS before it")?;
                self.requests.restore_answer(account, fields)
            }
            _ => {
                let account = self.restoring.mailbox.ok_or("no line of a market")?;
                self.mailboxes.restore_event(account, name, fields, items, orders)
            }
        }
    }
}

/// The sections of a snapshot, one after the other.
struct FrozenMarket(VecDeque<Box<dyn Section>>);

impl Frozen for FrozenMarket {
    fn next_line(&mut self, word: &mut dyn FnMut(&[u8])) -> bool {
        let mut words = WordWriter::new(word);
        while let Some(section) = self.0.front_mut() {
            if section.next_line(&mut words) {
                return true;
            }
            self.0.pop_front();
        }
        false
    }
}

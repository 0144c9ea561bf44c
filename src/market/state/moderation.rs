//! The commands of the operator, and those that the leader proposes by itself.
//!
//! They are in the log like the commands of callers, so every replica does the same, and the log
//! tells who did what and why. No caller can send one: they are made by the service of operators
//! and by the leader, never from a customer's message.
//!
//! As bytes: `u8 kind | u8 length | by | u8 length | why | arguments`, numbers big-endian. Kinds
//! begin at [`FIRST_KIND`], above those of callers' commands:
//!
//! ```text
//!   64 block account, 65 unblock account,
//!   66 remove account, 67 restore account    u8 length | address
//!   68 remove item, 69 restore item          u32 item
//!   70 set policy                            options of u32: items, wishes, ratings
//!   71 forget idle accounts                  u32 minute | u32 account ...
//! ```
//!
//! As words: the action, its arguments, then `by=` and `why=`.

use super::accounts::AccountId;
use super::command::{Command, ItemId};
use super::error::{Error, Field};
use super::lines::{Section, WordReader, WordWriter, section};
use crate::binary::{self, Reader, Writer};
use crate::text::{parse_u64, push_u64};

/// The first number of a kind.
const FIRST_KIND: u8 = 64;

/// The most bytes of `by` and of `why`.
const MAX_TEXT_BYTES: usize = 200;

/// The most accounts that one command names.
pub const MAX_FORGOTTEN: usize = 64;

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// The command of a caller.
    Command(Command<'a>),
    /// A command of the operator or of the leader.
    Moderation(Moderation<'a>),
}

/// A command of the operator or of the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moderation<'a> {
    /// Who gave it: recorded, and checked before it came into the log.
    pub by: &'a str,
    /// The reason; may be empty.
    pub why: &'a str,
    /// What is done.
    pub act: Act<'a>,
}

/// The kinds of moderation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act<'a> {
    /// Sets what an account may do.
    SetStanding {
        /// The account's display name.
        account: &'a str,
        /// The change.
        change: StandingChange,
    },
    /// Takes an item off the market, or puts it back.
    SetItemHidden {
        /// Which.
        item: ItemId,
        /// Whether nobody finds or buys it.
        is_hidden: bool,
    },
    /// Sets the bounds of each account, and starts to record when accounts were used.
    SetPolicy(Policy),
    /// Removes those of these accounts that have no item and no order and were not used since.
    ForgetIdle {
        /// Accounts that were used in this minute since 1970 or later stay.
        idle_since_min: u32,
        /// At most [`MAX_FORGOTTEN`].
        accounts: Vec<AccountId>,
    },
}

/// A change of an account's [`Standing`](super::Standing).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandingChange {
    /// It reads, and does nothing else; its items are hidden.
    Block,
    /// Ends a block.
    Unblock,
    /// It does nothing at all; its items are hidden.
    Remove,
    /// Ends a removal or a block.
    Restore,
}

/// The bounds of each account; none stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Items of one seller on sale.
    pub max_items_per_seller: Option<u32>,
    /// Items on one wishlist.
    pub max_wishes: Option<u32>,
    /// Ratings that one account ever gives.
    pub max_ratings_per_account: Option<u32>,
}

impl Policy {
    /// This policy, and another one where this one sets nothing.
    pub fn over(self, other: Policy) -> Policy {
        let Policy { max_items_per_seller, max_wishes, max_ratings_per_account } = self;
        Policy {
            max_items_per_seller: max_items_per_seller.or(other.max_items_per_seller),
            max_wishes: max_wishes.or(other.max_wishes),
            max_ratings_per_account: max_ratings_per_account.or(other.max_ratings_per_account),
        }
    }

    /// `POLICY [items=N] [wishes=N] [ratings=N]`, unless it sets nothing.
    pub fn freeze(self) -> Box<dyn Section> {
        let mut policy = Some(self).filter(|policy| *policy != Policy::default());
        section(move |words| {
            let Some(policy) = policy.take() else { return false };
            words.word(POLICY);
            policy.write_words(words);
            true
        })
    }

    /// Restores a policy from the words behind `POLICY`.
    pub fn restore(mut fields: WordReader<'_>) -> Result<Policy, String> {
        let policy = Policy::parse_words(&mut fields)?;
        fields.end()?;
        Ok(policy)
    }

    fn write_words(self, words: &mut WordWriter<'_>) {
        let Policy { max_items_per_seller, max_wishes, max_ratings_per_account } = self;
        let bounds = [
            (ITEMS, max_items_per_seller),
            (WISHES, max_wishes),
            (RATINGS, max_ratings_per_account),
        ];
        for (name, bound) in bounds {
            if let Some(bound) = bound {
                words.named(name, |text| push_u64(bound.into(), text));
            }
        }
    }

    fn parse_words(fields: &mut WordReader<'_>) -> Result<Policy, String> {
        let mut bound = |name| fields.named(name, |word| parse_u64(word)?.try_into().ok());
        Ok(Policy {
            max_items_per_seller: bound(ITEMS)?,
            max_wishes: bound(WISHES)?,
            max_ratings_per_account: bound(RATINGS)?,
        })
    }
}

pub const POLICY: &[u8] = b"POLICY";

impl<'e> Entry<'e> {
    /// The entry that bytes encode, if they are valid.
    pub fn decode(bytes: &'e [u8]) -> Option<Entry<'e>> {
        match bytes.first() {
            Some(&kind) if kind >= FIRST_KIND => decode(bytes).ok().map(Entry::Moderation),
            _ => Command::decode(bytes).map(Entry::Command),
        }
    }

    /// Calls `word` with each word.
    pub fn to_words(&self, word: &mut dyn FnMut(&[u8])) {
        match self {
            Entry::Command(command) => command.to_words(word),
            Entry::Moderation(moderation) => moderation.to_words(word),
        }
    }

    /// Parses an entry from its words.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn from_words(words: &'e [&'e [u8]]) -> Result<Entry<'e>, String> {
        match Moderation::from_words(words)? {
            Some(moderation) => Ok(Entry::Moderation(moderation)),
            None => Command::from_words(words).map(Entry::Command),
        }
    }

    /// The entry as bytes.
    ///
    /// # Errors
    /// [`Error::TooLong`]: a text is longer than any that the market takes.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        match self {
            Entry::Command(command) => command.encode(),
            Entry::Moderation(moderation) => moderation.encode(),
        }
    }
}

/// The kinds of [`StandingChange`], with their numbers and words. They are in logs, and never
/// change.
const CHANGES: [(StandingChange, u8, &[u8]); 4] = [
    (StandingChange::Block, FIRST_KIND, b"BLOCK-ACCOUNT"),
    (StandingChange::Unblock, FIRST_KIND + 1, b"UNBLOCK-ACCOUNT"),
    (StandingChange::Remove, FIRST_KIND + 2, b"REMOVE-ACCOUNT"),
    (StandingChange::Restore, FIRST_KIND + 3, b"RESTORE-ACCOUNT"),
];
const REMOVE_ITEM: u8 = FIRST_KIND + 4;
const RESTORE_ITEM: u8 = FIRST_KIND + 5;
const SET_POLICY: u8 = FIRST_KIND + 6;
const FORGET_IDLE: u8 = FIRST_KIND + 7;

impl Moderation<'_> {
    /// The command as bytes.
    ///
    /// # Errors
    /// [`Error::TooLong`]: a text is longer than 200 bytes.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let Moderation { by, why, act } = self;
        let mut bytes = Vec::new();
        let mut out = Writer::new(&mut bytes);
        let kind = match act {
            Act::SetStanding { change, .. } => {
                let numbers = CHANGES.iter().find(|(known, ..)| known == change);
                numbers.map_or(0, |(_, number, _)| *number)
            }
            Act::SetItemHidden { is_hidden: true, .. } => REMOVE_ITEM,
            Act::SetItemHidden { is_hidden: false, .. } => RESTORE_ITEM,
            Act::SetPolicy(_) => SET_POLICY,
            Act::ForgetIdle { .. } => FORGET_IDLE,
        };
        out.u8(kind);
        push_text(&mut out, by)?;
        push_text(&mut out, why)?;
        match act {
            Act::SetStanding { account, .. } => push_text(&mut out, account)?,
            Act::SetItemHidden { item, .. } => {
                out.u32(item.0);
            }
            Act::SetPolicy(policy) => {
                let Policy { max_items_per_seller, max_wishes, max_ratings_per_account } = *policy;
                for bound in [max_items_per_seller, max_wishes, max_ratings_per_account] {
                    out.option(bound, Writer::u32);
                }
            }
            Act::ForgetIdle { idle_since_min, accounts } => {
                out.u32(*idle_since_min);
                for account in accounts {
                    out.u32(account.0);
                }
            }
        }
        Ok(bytes)
    }

    /// Calls `word` with each word.
    pub fn to_words(&self, word: &mut dyn FnMut(&[u8])) {
        let Moderation { by, why, act } = self;
        let mut words = WordWriter::new(word);
        match act {
            Act::SetStanding { account, change } => {
                let names = CHANGES.iter().find(|(known, ..)| known == change);
                let name = names.map_or(&b""[..], |(_, _, name)| name);
                words.word(name).word(account.as_bytes());
            }
            Act::SetItemHidden { item, is_hidden } => {
                words.word(if *is_hidden { b"REMOVE-ITEM" } else { b"RESTORE-ITEM" });
                words.number(item.0);
            }
            Act::SetPolicy(policy) => {
                words.word(b"SET-POLICY");
                policy.write_words(&mut words);
            }
            Act::ForgetIdle { idle_since_min, accounts } => {
                words.word(b"FORGET-IDLE").number(*idle_since_min);
                for account in accounts {
                    words.number(account.0);
                }
            }
        }
        words.named(BY, |text| text.extend_from_slice(by.as_bytes()));
        words.named(WHY, |text| text.extend_from_slice(why.as_bytes()));
    }

    /// Parses a command from its words; none if the first word is not of such a command.
    fn from_words<'w>(words: &'w [&'w [u8]]) -> Result<Option<Moderation<'w>>, String> {
        let mut fields = WordReader::new(words);
        let first = fields.word()?;
        let change = CHANGES.iter().find(|(.., name)| *name == first);
        let act = match (change, first) {
            (Some((change, ..)), _) => {
                Act::SetStanding { account: fields.text()?, change: *change }
            }
            (None, b"REMOVE-ITEM") => Act::SetItemHidden { item: fields.item()?, is_hidden: true },
            (None, b"RESTORE-ITEM") => {
                Act::SetItemHidden { item: fields.item()?, is_hidden: false }
            }
            (None, b"SET-POLICY") => Act::SetPolicy(Policy::parse_words(&mut fields)?),
            (None, b"FORGET-IDLE") => {
                let (idle_since_min, mut accounts) = (fields.number()?, Vec::new());
                while fields.next_is_number() {
                    accounts.push(AccountId(fields.number()?));
                }
                if accounts.len() > MAX_FORGOTTEN {
                    return Err(format!("more than {MAX_FORGOTTEN} accounts"));
                }
                Act::ForgetIdle { idle_since_min, accounts }
            }
            _ => return Ok(None),
        };
        let text = |word| std::str::from_utf8(word).ok();
        let (by, why) = (fields.named(BY, text)?, fields.named(WHY, text)?);
        let (Some(by), Some(why)) = (by, why) else {
            return Err("a command of the operator has by= and why=".into());
        };
        fields.end()?;
        Ok(Some(Moderation { by, why, act }))
    }
}

const BY: &[u8] = b"by=";
const WHY: &[u8] = b"why=";
const ITEMS: &[u8] = b"items=";
const WISHES: &[u8] = b"wishes=";
const RATINGS: &[u8] = b"ratings=";

fn push_text(out: &mut Writer<'_>, text: &str) -> Result<(), Error> {
    let too_long = Error::TooLong(Field::Reason, MAX_TEXT_BYTES);
    if text.len() > MAX_TEXT_BYTES {
        return Err(too_long);
    }
    out.bytes_u8(text.as_bytes()).map(drop).map_err(|_| too_long)
}

fn decode(bytes: &[u8]) -> Result<Moderation<'_>, binary::Error> {
    let mut fields = Reader::new(bytes);
    let kind = fields.u8()?;
    let by = binary::text(fields.bytes_u8()?)?;
    let why = binary::text(fields.bytes_u8()?)?;
    let change = CHANGES.iter().find(|(_, number, _)| *number == kind);
    let act = match (change, kind) {
        (Some((change, ..)), _) => {
            Act::SetStanding { account: binary::text(fields.bytes_u8()?)?, change: *change }
        }
        (None, REMOVE_ITEM | RESTORE_ITEM) => {
            Act::SetItemHidden { item: ItemId(fields.u32()?), is_hidden: kind == REMOVE_ITEM }
        }
        (None, SET_POLICY) => Act::SetPolicy(Policy {
            max_items_per_seller: fields.option(Reader::u32)?,
            max_wishes: fields.option(Reader::u32)?,
            max_ratings_per_account: fields.option(Reader::u32)?,
        }),
        (None, FORGET_IDLE) => {
            let (idle_since_min, mut accounts) = (fields.u32()?, Vec::new());
            while fields.end().is_err() && accounts.len() < MAX_FORGOTTEN {
                accounts.push(AccountId(fields.u32()?));
            }
            Act::ForgetIdle { idle_since_min, accounts }
        }
        _ => return Err(binary::Error::Tag(kind)),
    };
    fields.end()?;
    // Texts that could not be encoded are no command, so that each command has one form.
    let account = match act {
        Act::SetStanding { account, .. } => account,
        _ => "",
    };
    if [by, why, account].iter().any(|text| text.len() > MAX_TEXT_BYTES) {
        return Err(binary::Error::Tag(kind));
    }
    Ok(Moderation { by, why, act })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Seed, each_seed};

    fn random<'t>(seed: &mut Seed, texts: &[&'t str]) -> Moderation<'t> {
        let number = |seed: &mut Seed| (seed.next_u64() >> seed.below(64)) as u32;
        let half = |seed: &mut Seed| seed.one_in(2).then(|| number(seed));
        let act = match seed.below(7) {
            change @ 0..4 => {
                let account: &&str = seed.pick(texts);
                Act::SetStanding { account, change: CHANGES[change].0 }
            }
            4 => Act::SetItemHidden { item: ItemId(number(seed)), is_hidden: seed.one_in(2) },
            5 => Act::SetPolicy(Policy {
                max_items_per_seller: half(seed),
                max_wishes: half(seed),
                max_ratings_per_account: half(seed),
            }),
            _ => Act::ForgetIdle {
                idle_since_min: number(seed),
                accounts: (0..seed.below(MAX_FORGOTTEN)).map(|_| AccountId(number(seed))).collect(),
            },
        };
        let (by, why) = (*seed.pick(texts), *seed.pick(texts));
        Moderation { by, why, act }
    }

    const TEXTS: [&str; 6] = ["", "ops", "why=x", "7", "\u{9ed1}\u{8336}", "line\nby=eve"];

    fn words(moderation: &Moderation<'_>) -> Vec<Vec<u8>> {
        let mut words = Vec::new();
        Entry::Moderation(moderation.clone()).to_words(&mut |word| words.push(word.to_vec()));
        words
    }

    fn slices(words: &[Vec<u8>]) -> Vec<&[u8]> {
        words.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn a_moderation_comes_back_from_bytes_and_from_words() {
        each_seed(|seed| {
            let moderation = random(seed, &TEXTS);
            let entry = Entry::Moderation(moderation.clone());
            let bytes = entry.encode().unwrap();
            assert_eq!(Entry::decode(&bytes), Some(entry.clone()));
            assert_eq!(Command::decode(&bytes), None, "no caller can send it");
            assert_eq!(Entry::from_words(&slices(&words(&moderation))), Ok(entry));
        });
    }

    #[test]
    fn damaged_forms_are_read_or_refused_without_a_panic() {
        each_seed(|seed| {
            let moderation = random(seed, &TEXTS);
            let mut bytes = moderation.encode().unwrap();
            seed.mutate(&mut bytes);
            if let Some(entry) = Entry::decode(&bytes) {
                assert_eq!(entry.encode().as_deref(), Ok(&bytes[..]), "one form each");
            }
            let mut written = words(&moderation);
            let place = seed.below(written.len());
            seed.mutate(&mut written[place]);
            if let Ok(Entry::Moderation(read)) = Entry::from_words(&slices(&written)) {
                assert_eq!(words(&read), written, "one form each");
            }
        });
    }

    #[test]
    fn the_forms_are_those_of_the_files() {
        let block = Moderation {
            by: "ops",
            why: "spam",
            act: Act::SetStanding { account: "eve", change: StandingChange::Block },
        };
        assert_eq!(slices(&words(&block)).join(&b' '), b"BLOCK-ACCOUNT eve by=ops why=spam");
        assert_eq!(block.encode().unwrap(), b"\x40\x03ops\x04spam\x03eve");
        let (idle_since_min, accounts) = (9, vec![AccountId(1), AccountId(2)]);
        let forget = Act::ForgetIdle { idle_since_min, accounts };
        let forget = Moderation { by: "", why: "", act: forget };
        assert_eq!(slices(&words(&forget)).join(&b' '), b"FORGET-IDLE 9 1 2 by= why=");
        assert_eq!(forget.encode().unwrap(), b"\x47\0\0\0\0\0\x09\0\0\0\x01\0\0\0\x02");
    }

    #[test]
    fn a_text_that_does_not_fit_is_refused() {
        let why = &"x".repeat(201);
        let act = Act::SetItemHidden { item: ItemId(1), is_hidden: true };
        let refused = Moderation { by: "ops", why, act }.encode();
        assert_eq!(refused, Err(Error::TooLong(Field::Reason, 200)));
    }
}

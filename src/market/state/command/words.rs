//! A command as words, for `logs.txt`: first the action, then the caller.
//!
//! ```text
//! SELL iPhone\ 15 ELECTRONICS 5 499.99 This\ is\ iPhone\ 15. by=asha id=5eff310c... request=17
//! BUY 1 2 at-most=500 by=bela id=91c40a6e... request=3
//! ```
//!
//! `id` is the SHA-256 of the caller's UUID, `by` the address. `schemas/files.md` has the grammar.

use super::{Action, Caller, Command, NewItem, RequestId};
use crate::market::price::Money;
use crate::market::state::lines::{
    WordReader, WordWriter, parse_identity, parse_money, push_identity, push_money,
};
use crate::text::{parse_u64, push_u64};

impl<'c> Command<'c> {
    /// Calls `word` with each word.
    pub fn to_words(&self, word: &mut dyn FnMut(&[u8])) {
        let Command { request_id, caller, action } = self;
        let mut words = WordWriter::new(word);
        write_words(action, &mut words);
        words.named(BY, |text| text.extend_from_slice(caller.address.as_bytes()));
        words.named(ID, |text| push_identity(&caller.identity, text));
        if let Some(RequestId(id)) = request_id {
            words.named(REQUEST, |text| push_u64(id.get(), text));
        }
    }

    /// Parses a command from its words.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn from_words(words: &'c [&'c [u8]]) -> Result<Command<'c>, String> {
        let mut fields = WordReader::new(words);
        let action = action(&mut fields)?;
        let address = fields.named(BY, |word| std::str::from_utf8(word).ok())?;
        let identity = fields.named(ID, parse_identity)?;
        let (Some(address), Some(identity)) = (address, identity) else {
            return Err("a command has by= and id=".into());
        };
        let id = |word| parse_u64(word)?.try_into().ok().map(RequestId);
        let request_id = fields.named(REQUEST, id)?;
        fields.end()?;
        Ok(Command { request_id, caller: Caller { identity, address }, action })
    }
}

const BY: &[u8] = b"by=";
const ID: &[u8] = b"id=";
const REQUEST: &[u8] = b"request=";
const PRICE: &[u8] = b"price=";
const QUANTITY: &[u8] = b"quantity=";
const MAX_PRICE: &[u8] = b"at-most=";

fn write_words(action: &Action<'_>, words: &mut WordWriter<'_>) {
    let named_money = |words: &mut WordWriter<'_>, name, money: Option<Money>| {
        if let Some(money) = money {
            words.named(name, |text| push_money(money, text));
        }
    };
    match *action {
        Action::RegisterSeller => {
            words.word(b"REGISTER-SELLER");
        }
        Action::RegisterBuyer => {
            words.word(b"REGISTER-BUYER");
        }
        Action::SellItem(new_item) => {
            words.word(b"SELL");
            new_item.write_words(words);
        }
        Action::UpdateItem { item, price, quantity } => {
            words.word(b"UPDATE").number(item.0);
            named_money(words, PRICE, price);
            if let Some(quantity) = quantity {
                words.named(QUANTITY, |text| push_u64(quantity.into(), text));
            }
        }
        Action::DeleteItem { item } => {
            words.word(b"DELETE").number(item.0);
        }
        Action::BuyItem { item, quantity, max_price } => {
            words.word(b"BUY").number(item.0).number(quantity);
            named_money(words, MAX_PRICE, max_price);
        }
        Action::AddToWishList { item } => {
            words.word(b"WISH").number(item.0);
        }
        Action::RemoveFromWishList { item } => {
            words.word(b"UNWISH").number(item.0);
        }
        Action::RateItem { item, stars } => {
            words.word(b"RATE").number(item.0).number(stars);
        }
        Action::Acknowledge { up_to_id } => {
            words.word(b"ACKNOWLEDGE").number(up_to_id);
        }
    }
}

fn action<'w>(fields: &mut WordReader<'w>) -> Result<Action<'w>, String> {
    Ok(match fields.word()? {
        b"REGISTER-SELLER" => Action::RegisterSeller,
        b"REGISTER-BUYER" => Action::RegisterBuyer,
        b"SELL" => Action::SellItem(NewItem::parse_words(fields)?),
        b"UPDATE" => Action::UpdateItem {
            item: fields.item()?,
            price: fields.named(PRICE, parse_money)?,
            quantity: fields.named(QUANTITY, |word| parse_u64(word)?.try_into().ok())?,
        },
        b"DELETE" => Action::DeleteItem { item: fields.item()? },
        b"BUY" => Action::BuyItem {
            item: fields.item()?,
            quantity: fields.number()?,
            max_price: fields.named(MAX_PRICE, parse_money)?,
        },
        b"WISH" => Action::AddToWishList { item: fields.item()? },
        b"UNWISH" => Action::RemoveFromWishList { item: fields.item()? },
        b"RATE" => Action::RateItem { item: fields.item()?, stars: fields.number()? },
        b"ACKNOWLEDGE" => Action::Acknowledge { up_to_id: fields.number()? },
        other => return Err(format!("no command {:?}", other.escape_ascii().to_string())),
    })
}

#[cfg(test)]
mod tests {
    use super::super::bytes::tests::{TEXTS, random};
    use super::*;
    use crate::seed::{Seed, each_seed};

    fn words(command: &Command<'_>) -> Vec<Vec<u8>> {
        let mut words = Vec::new();
        command.to_words(&mut |word| words.push(word.to_vec()));
        words
    }

    fn slices(words: &[Vec<u8>]) -> Vec<&[u8]> {
        words.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn a_command_parses_from_its_words() {
        each_seed(|seed| {
            let command = random(seed, &TEXTS);
            let words = words(&command);
            assert_eq!(Command::from_words(&slices(&words)), Ok(command));
        });
    }

    #[test]
    fn damaged_words_are_read_or_refused_without_a_panic() {
        each_seed(|seed| {
            let mut written = words(&random(seed, &TEXTS));
            let place = seed.below(written.len());
            if seed.one_in(3) {
                written.swap_remove(place);
            } else {
                seed.mutate(&mut written[place]);
            }
            if let Ok(command) = Command::from_words(&slices(&written)) {
                assert_eq!(words(&command), written, "one form each");
            }
        });
    }

    #[test]
    fn a_line_is_human_readable() {
        let mut command = random(&mut Seed::new(1), &["asha"]);
        command.request_id = std::num::NonZeroU64::new(17).map(RequestId);
        command.action = Action::BuyItem {
            item: super::super::ItemId(3),
            quantity: 2,
            max_price: Some(Money::from_minor(49_999)),
        };
        let line = slices(&words(&command)).join(&b' ');
        let line = String::from_utf8(line).unwrap();
        let (before, after) = line.split_once(" id=").unwrap();
        assert_eq!(before, "BUY 3 2 at-most=499.99 by=asha");
        assert_eq!(after.len(), 64 + " request=17".len());
        assert!(after.ends_with(" request=17"));
    }

    #[test]
    fn words_that_are_no_command_are_refused() {
        let id = "0123456789abcdef".repeat(4);
        for line in [
            "",
            "BUY",
            "BUY 3",
            "BUY 3 2",
            "BUY 3 2 by=ada",
            "BUY 3 2 id=ID by=ada",
            "BUY 3 2 by=ada id=ID request=0",
            "BUY 3 2 by=ada id=ID request=1 more",
            "BUY 03 2 by=ada id=ID",
            "BUY 3 2 at-most=1.5 by=ada id=ID",
            "STEAL 3 by=ada id=ID",
            "DELETE 4294967296 by=ada id=ID",
        ] {
            let line = line.replace("ID", &id);
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            assert!(Command::from_words(&words).is_err(), "{line}");
        }
    }
}

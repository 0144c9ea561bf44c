//! The answer to a command, as bytes and as words.
//!
//! As bytes: a number for the kind, then two numbers of eight bytes, big-endian, whose meaning
//! depends on the kind. As words: the kind's name and the two numbers. The numbers and names of
//! kinds are in files, and never change.

use std::num::NonZeroU64;

use super::command::{ItemId, OrderId, Reply, RequestId};
use super::error::{Bound, Error, Field};
use super::lines::{WordReader, WordWriter};
use crate::binary::{Reader, Writer};
use crate::market::price::Money;

/// The answer to a command: a reply, or the reason why it is refused.
pub type Answer = Result<Reply, Error>;

/// The names of the kinds, by number.
const NAMES: [&str; 41] = [
    "REGISTERED",
    "LISTED",
    "UPDATED",
    "DELETED",
    "BOUGHT",
    "WISHED",
    "UNWISHED",
    "RATED",
    "ACKNOWLEDGED",
    "EMPTY",
    "TOO-LONG",
    "UNPRINTABLE",
    "TOO-MANY-WORDS",
    "QUANTITY",
    "STOCK",
    "PRICE",
    "TOTAL",
    "STARS",
    "NOTHING-TO-UPDATE",
    "PAGE-TOKEN",
    "REQUEST-REUSED",
    "REQUEST-FORGOTTEN",
    "CREDENTIALS",
    "NOT-A-SELLER",
    "NOT-YOUR-ITEM",
    "OWN-ITEM",
    "ADDRESS-TAKEN",
    "ALREADY-REGISTERED",
    "ALREADY-RATED",
    "NO-SUCH-ITEM",
    "NO-SUCH-ORDER",
    "NOT-WISHED",
    "ONLY-LEFT",
    "PRICE-IS-NOW",
    "NOT-SENT",
    "FULL",
    "MODERATED",
    "BLOCKED",
    "REMOVED",
    "HIDDEN",
    "NO-SUCH-ACCOUNT",
];

/// Appends an answer as bytes.
pub fn encode_into(answer: &Answer, bytes: &mut Vec<u8>) {
    let (kind, a, b) = to_numbers(answer);
    Writer::new(bytes).u8(kind).u64(a).u64(b);
}

/// The answer that bytes encode, if they are valid.
pub fn decode(bytes: &[u8]) -> Option<Answer> {
    let mut fields = Reader::new(bytes);
    let (kind, a, b) = (fields.u8().ok()?, fields.u64().ok()?, fields.u64().ok()?);
    fields.end().ok()?;
    from_numbers(kind, a, b)
}

/// Writes an answer as words.
pub fn write_words(answer: &Answer, words: &mut WordWriter<'_>) {
    let (kind, a, b) = to_numbers(answer);
    let name = NAMES.get(usize::from(kind)).copied().unwrap_or_default();
    words.word(name.as_bytes()).number(a).number(b);
}

/// Parses the words that [`write_words`] wrote.
pub fn parse_words(mut fields: WordReader<'_>) -> Result<Answer, String> {
    let name = fields.word()?;
    let kind = NAMES.iter().position(|known| known.as_bytes() == name);
    let (a, b) = (fields.number()?, fields.number()?);
    fields.end()?;
    let answer = kind.and_then(|kind| from_numbers(kind as u8, a, b));
    answer.ok_or_else(|| format!("{:?} {a} {b} is no answer", name.escape_ascii().to_string()))
}

fn to_numbers(answer: &Answer) -> (u8, u64, u64) {
    let count = |count: usize| count as u64;
    match *answer {
        Ok(Reply::Registered) => (0, 0, 0),
        Ok(Reply::Listed(item)) => (1, item.0.into(), 0),
        Ok(Reply::Updated) => (2, 0, 0),
        Ok(Reply::Deleted) => (3, 0, 0),
        Ok(Reply::Bought { order, total }) => (4, order.0.into(), total.minor()),
        Ok(Reply::AddedToWishList) => (5, 0, 0),
        Ok(Reply::RemovedFromWishList) => (6, 0, 0),
        Ok(Reply::Rated) => (7, 0, 0),
        Ok(Reply::Acknowledged) => (8, 0, 0),
        Err(Error::Empty(field)) => (9, field as u64, 0),
        Err(Error::TooLong(field, max)) => (10, field as u64, count(max)),
        Err(Error::Unprintable(field)) => (11, field as u64, 0),
        Err(Error::TooManyWords(max)) => (12, count(max), 0),
        Err(Error::Quantity(max)) => (13, max.into(), 0),
        Err(Error::Stock(max)) => (14, max.into(), 0),
        Err(Error::Price(max)) => (15, max.minor(), 0),
        Err(Error::Total) => (16, 0, 0),
        Err(Error::Stars) => (17, 0, 0),
        Err(Error::NothingToUpdate) => (18, 0, 0),
        Err(Error::PageToken) => (19, 0, 0),
        Err(Error::RequestReused(id)) => (20, id.0.get(), 0),
        Err(Error::RequestForgotten(id, last)) => (21, id.0.get(), last.0.get()),
        Err(Error::Credentials) => (22, 0, 0),
        Err(Error::NotASeller) => (23, 0, 0),
        Err(Error::NotYourItem(item)) => (24, item.0.into(), 0),
        Err(Error::OwnItem(item)) => (25, item.0.into(), 0),
        Err(Error::AddressTaken) => (26, 0, 0),
        Err(Error::AlreadyRegistered) => (27, 0, 0),
        Err(Error::AlreadyRated(item)) => (28, item.0.into(), 0),
        Err(Error::NoSuchItem(item)) => (29, item.0.into(), 0),
        Err(Error::NoSuchOrder(order)) => (30, order.0.into(), 0),
        Err(Error::NotOnWishList(item)) => (31, item.0.into(), 0),
        Err(Error::OnlyLeft(left)) => (32, left.into(), 0),
        Err(Error::PriceIsNow(price)) => (33, price.minor(), 0),
        Err(Error::NotSent(last)) => (34, last, 0),
        Err(Error::Full(bound, max)) => (35, bound as u64, count(max)),
        Ok(Reply::Moderated) => (36, 0, 0),
        Err(Error::Blocked) => (37, 0, 0),
        Err(Error::Removed) => (38, 0, 0),
        Err(Error::Hidden(item)) => (39, item.0.into(), 0),
        Err(Error::NoSuchAccount) => (40, 0, 0),
    }
}

fn from_numbers(kind: u8, a: u64, b: u64) -> Option<Answer> {
    let small = |number: u64| u32::try_from(number).ok();
    let count = |number: u64| usize::try_from(number).ok();
    let item = |number| small(number).map(ItemId);
    let field = |number| Field::ALL.into_iter().find(|field| *field as u64 == number);
    let id = |number| NonZeroU64::new(number).map(RequestId);
    let money = Money::from_minor;
    Some(match kind {
        0 => Ok(Reply::Registered),
        1 => Ok(Reply::Listed(item(a)?)),
        2 => Ok(Reply::Updated),
        3 => Ok(Reply::Deleted),
        4 => Ok(Reply::Bought { order: OrderId(small(a)?), total: money(b) }),
        5 => Ok(Reply::AddedToWishList),
        6 => Ok(Reply::RemovedFromWishList),
        7 => Ok(Reply::Rated),
        8 => Ok(Reply::Acknowledged),
        9 => Err(Error::Empty(field(a)?)),
        10 => Err(Error::TooLong(field(a)?, count(b)?)),
        11 => Err(Error::Unprintable(field(a)?)),
        12 => Err(Error::TooManyWords(count(a)?)),
        13 => Err(Error::Quantity(small(a)?)),
        14 => Err(Error::Stock(small(a)?)),
        15 => Err(Error::Price(money(a))),
        16 => Err(Error::Total),
        17 => Err(Error::Stars),
        18 => Err(Error::NothingToUpdate),
        19 => Err(Error::PageToken),
        20 => Err(Error::RequestReused(id(a)?)),
        21 => Err(Error::RequestForgotten(id(a)?, id(b)?)),
        22 => Err(Error::Credentials),
        23 => Err(Error::NotASeller),
        24 => Err(Error::NotYourItem(item(a)?)),
        25 => Err(Error::OwnItem(item(a)?)),
        26 => Err(Error::AddressTaken),
        27 => Err(Error::AlreadyRegistered),
        28 => Err(Error::AlreadyRated(item(a)?)),
        29 => Err(Error::NoSuchItem(item(a)?)),
        30 => Err(Error::NoSuchOrder(OrderId(small(a)?))),
        31 => Err(Error::NotOnWishList(item(a)?)),
        32 => Err(Error::OnlyLeft(small(a)?)),
        33 => Err(Error::PriceIsNow(money(a))),
        34 => Err(Error::NotSent(a)),
        35 => {
            let bound = Bound::ALL.into_iter().find(|bound| *bound as u64 == a)?;
            Err(Error::Full(bound, count(b)?))
        }
        36 => Ok(Reply::Moderated),
        37 => Err(Error::Blocked),
        38 => Err(Error::Removed),
        39 => Err(Error::Hidden(item(a)?)),
        40 => Err(Error::NoSuchAccount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of an encoded answer.
    const ENCODED: usize = 17;

    #[test]
    fn every_answer_comes_back_from_bytes_and_from_words() {
        for kind in 0..NAMES.len() as u8 {
            for (a, b) in [(1, 2), (0, 0), (u32::MAX.into(), u64::MAX), (u64::MAX, 1)] {
                let Some(answer) = from_numbers(kind, a, b) else { continue };
                assert_eq!(to_numbers(&answer).0, kind);
                let mut bytes = Vec::new();
                encode_into(&answer, &mut bytes);
                assert_eq!(bytes.len(), ENCODED);
                assert_eq!(decode(&bytes), Some(answer));
                let mut said: Vec<Vec<u8>> = Vec::new();
                write_words(&answer, &mut WordWriter::new(&mut |word| said.push(word.to_vec())));
                let said: Vec<&[u8]> = said.iter().map(Vec::as_slice).collect();
                assert_eq!(parse_words(WordReader::new(&said)), Ok(answer));
            }
            assert!(from_numbers(kind, 1, 2).is_some(), "{kind}");
        }
        assert_eq!(from_numbers(NAMES.len() as u8, 1, 2), None);
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&[0; ENCODED + 1]), None);
    }
}

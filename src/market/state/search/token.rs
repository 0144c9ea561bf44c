//! Page tokens: where the next page begins.
//!
//! A token has the position of the page's last item, by value. So the next page begins behind that
//! position whatever was listed, sold or deleted in between, and an item whose position does not
//! change is on exactly one page. Clients must not interpret a token. It has, in hexadecimal:
//!
//! | bytes | |
//! |---|---|
//! | 8 | the search it belongs to, hashed |
//! | 1 | tier (see [`Search::find`](super::Search::find)) |
//! | 4 | number of the item, big-endian |
//! | rest | value of the sort key: nothing, 8 bytes price, 4 and 4 bytes rating, or the name |

use std::fmt::Write;

use super::columns::{Key, Position, Value};
use crate::binary::{self, Reader, Writer};
use crate::market::price::Money;
use crate::market::state::command::ItemId;
use crate::market::state::ratings::Rating;

/// Where a page ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageToken {
    /// The search it belongs to.
    pub search: u64,
    /// The tier of the last item.
    pub tier: u8,
    /// Its position.
    pub position: Position,
}

impl PageToken {
    /// The token as text.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::new();
        let mut out = Writer::new(&mut bytes);
        out.u64(self.search).u8(self.tier).u32(self.position.item.0);
        match &self.position.value {
            Value::Id => &mut out,
            Value::Price(price) => out.u64(price.minor()),
            Value::Rating(rating) => out.u32(rating.stars).u32(rating.count),
            Value::Name(name) => out.raw(name.as_bytes()),
        };
        let mut token = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(token, "{byte:02x}");
        }
        token
    }

    /// Parses a token of a search that sorts by this key; none if it is malformed.
    pub fn decode(token: &str, key: Key) -> Option<PageToken> {
        let bytes = unhex(token)?;
        let mut fields = Reader::new(&bytes);
        let (search, tier) = (fields.u64().ok()?, fields.u8().ok()?);
        let item = ItemId(fields.u32().ok()?);
        let value = match key {
            Key::Id => Value::Id,
            Key::Price => Value::Price(Money::from_minor(fields.u64().ok()?)),
            Key::Rating => {
                let (stars, count) = (fields.u32().ok()?, fields.u32().ok()?);
                Value::Rating(Rating { stars, count })
            }
            Key::Name => Value::Name(binary::text(fields.rest()).ok()?.to_owned()),
        };
        fields.end().ok()?;
        Some(PageToken { search, tier, position: Position { value, item } })
    }
}

/// The bytes of a text in lower-case hexadecimal.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    if rest.is_empty() { bytes.collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    fn marks() -> [(Key, PageToken); 4] {
        let mark = |value| PageToken {
            search: 0x0123_4567_89ab_cdef,
            tier: 1,
            position: Position { value, item: ItemId(7) },
        };
        [
            (Key::Id, mark(Value::Id)),
            (Key::Price, mark(Value::Price(Money::from_minor(49_999)))),
            (Key::Rating, mark(Value::Rating(Rating { stars: 13, count: 3 }))),
            (Key::Name, mark(Value::Name("gr\u{fc}ner tee".to_owned()))),
        ]
    }

    #[test]
    fn a_token_reads_back() {
        for (key, mark) in marks() {
            assert_eq!(PageToken::decode(&mark.encode(), key), Some(mark));
        }
    }

    #[test]
    fn a_token_of_another_sort_or_a_malformed_one_is_refused() {
        let [(_, id), (_, price), (_, rating), _] = marks();
        assert_eq!(PageToken::decode(&id.encode(), Key::Price), None);
        assert_eq!(PageToken::decode(&id.encode(), Key::Rating), None);
        assert_eq!(PageToken::decode(&rating.encode(), Key::Id), None);
        assert_eq!(PageToken::decode("", Key::Id), None);
        assert_eq!(PageToken::decode("xyz", Key::Id), None);
        assert_eq!(PageToken::decode(&price.encode().to_uppercase(), Key::Price), None);
        assert_eq!(PageToken::decode(&format!("{}0", price.encode()), Key::Price), None);
    }

    #[test]
    fn damaged_tokens_are_read_or_refused_without_a_panic() {
        each_seed(|seed| {
            let (key, mark) = seed.pick(&marks()).clone();
            let mut token = mark.encode().into_bytes();
            seed.mutate(&mut token);
            let _ = PageToken::decode(&String::from_utf8_lossy(&token), key);
        });
    }
}

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
        let mut bytes = self.search.to_be_bytes().to_vec();
        bytes.push(self.tier);
        bytes.extend(self.position.item.0.to_be_bytes());
        match &self.position.value {
            Value::Id => {}
            Value::Price(price) => bytes.extend(price.minor().to_be_bytes()),
            Value::Rating(rating) => {
                bytes.extend(rating.stars.to_be_bytes());
                bytes.extend(rating.count.to_be_bytes());
            }
            Value::Name(name) => bytes.extend(name.as_bytes()),
        }
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
        let (search, rest) = bytes.split_first_chunk()?;
        let (tier, rest) = rest.split_first()?;
        let (item, rest) = rest.split_first_chunk()?;
        let value = match key {
            Key::Id if rest.is_empty() => Value::Id,
            Key::Id => return None,
            Key::Price => {
                Value::Price(Money::from_minor(u64::from_be_bytes(rest.try_into().ok()?)))
            }
            Key::Rating => {
                let (stars, count) = rest.split_first_chunk()?;
                let count = u32::from_be_bytes(count.try_into().ok()?);
                Value::Rating(Rating { stars: u32::from_be_bytes(*stars), count })
            }
            Key::Name => Value::Name(String::from_utf8(rest.to_vec()).ok()?),
        };
        let position = Position { value, item: ItemId(u32::from_be_bytes(*item)) };
        Some(PageToken { search: u64::from_be_bytes(*search), tier: *tier, position })
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
    fn what_is_no_token_of_the_sort_is_refused() {
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

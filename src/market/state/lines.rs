//! The market's lines in logs and snapshots: how the parts of the state write and read their words.
//!
//! A line is a list of words; the file escapes them. The first word is the kind of the line.

use super::command::{Category, Identity, ItemId};
use crate::market::price::Money;
use crate::text::{parse_hex, parse_u64, push_hex, push_u64};

/// The highest count that is accepted: adding to it does not overflow.
const MAX_COUNT: u64 = u64::MAX >> 2;

/// Writes the words of one line.
pub struct WordWriter<'w> {
    word: &'w mut dyn FnMut(&[u8]),
    buffer: Vec<u8>,
}

impl<'w> WordWriter<'w> {
    pub fn new(word: &'w mut dyn FnMut(&[u8])) -> WordWriter<'w> {
        WordWriter { word, buffer: Vec::new() }
    }

    pub fn word(&mut self, word: &[u8]) -> &mut Self {
        (self.word)(word);
        self
    }

    pub fn number(&mut self, number: impl Into<u64>) -> &mut Self {
        self.buffer.clear();
        push_u64(number.into(), &mut self.buffer);
        (self.word)(&self.buffer);
        self
    }

    /// An amount of money: `500`, `499.99`.
    pub fn money(&mut self, money: Money) -> &mut Self {
        self.buffer.clear();
        push_money(money, &mut self.buffer);
        (self.word)(&self.buffer);
        self
    }

    pub fn identity(&mut self, identity: &Identity) -> &mut Self {
        self.named(b"", |text| push_identity(identity, text))
    }

    /// A word that begins with its name, `name=`.
    pub fn named(&mut self, name: &[u8], push: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.buffer.clear();
        self.buffer.extend_from_slice(name);
        push(&mut self.buffer);
        (self.word)(&self.buffer);
        self
    }
}

/// Writes the digest of an identity, 64 hexadecimal digits.
pub fn push_identity(identity: &Identity, text: &mut Vec<u8>) {
    for four in identity.digest().as_chunks().0 {
        push_hex(u32::from_be_bytes(*four), text);
    }
}

/// Writes an amount of money: `500`, `499.99`.
pub fn push_money(money: Money, text: &mut Vec<u8>) {
    let (units, cents) = (money.minor() / 100, money.minor() % 100);
    push_u64(units, text);
    if cents != 0 {
        text.push(b'.');
        text.extend([b'0' + (cents / 10) as u8, b'0' + (cents % 10) as u8]);
    }
}

/// Parses what [`push_money`] wrote; another spelling of the amount is refused.
pub fn parse_money(word: &[u8]) -> Option<Money> {
    let (units, cents) = match word.iter().position(|byte| *byte == b'.') {
        None => (parse_u64(word)?, 0),
        Some(point) => {
            let [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = word[point + 1..] else { return None };
            (parse_u64(&word[..point])?, u64::from(tens - b'0') * 10 + u64::from(ones - b'0'))
        }
    };
    (cents != 0 || !word.contains(&b'.'))
        .then(|| units.checked_mul(100)?.checked_add(cents))?
        .map(Money::from_minor)
}

/// Parses what [`push_identity`] wrote; another spelling is refused.
pub fn parse_identity(word: &[u8]) -> Option<Identity> {
    let mut digest = [0; 32];
    if word.len() != 2 * digest.len() {
        return None;
    }
    for (four, digits) in digest.chunks_exact_mut(4).zip(word.chunks_exact(8)) {
        four.copy_from_slice(&parse_hex(digits)?.to_be_bytes());
    }
    Identity::from_digest(digest)
}

/// Reads the words of a line, one after the other.
#[derive(Clone, Copy)]
pub struct WordReader<'w>(&'w [&'w [u8]]);

impl<'w> WordReader<'w> {
    pub fn new(words: &'w [&'w [u8]]) -> WordReader<'w> {
        WordReader(words)
    }

    pub fn word(&mut self) -> Result<&'w [u8], String> {
        let (first, rest) = self.0.split_first().ok_or("words are missing")?;
        self.0 = rest;
        Ok(first)
    }

    fn read<T>(
        &mut self,
        what: &str,
        read: impl FnOnce(&'w [u8]) -> Option<T>,
    ) -> Result<T, String> {
        let word = self.word()?;
        read(word).ok_or_else(|| format!("{:?} is not {what}", word.escape_ascii().to_string()))
    }

    /// A number that fits its type.
    pub fn number<N: TryFrom<u64>>(&mut self) -> Result<N, String> {
        self.read("a number as it is expected here", |word| N::try_from(parse_u64(word)?).ok())
    }

    /// A count, of at most [`MAX_COUNT`].
    pub fn count(&mut self) -> Result<u64, String> {
        self.read("a count", |word| parse_u64(word).filter(|count| *count <= MAX_COUNT))
    }

    pub fn money(&mut self) -> Result<Money, String> {
        self.read("an amount", parse_money)
    }

    pub fn text(&mut self) -> Result<&'w str, String> {
        self.read("text", |word| std::str::from_utf8(word).ok())
    }

    pub fn identity(&mut self) -> Result<Identity, String> {
        self.read("the SHA-256 of a UUID", parse_identity)
    }

    pub fn item(&mut self) -> Result<ItemId, String> {
        self.number().map(ItemId)
    }

    pub fn category(&mut self) -> Result<Category, String> {
        self.read("a category", |word| {
            Category::ALL.into_iter().find(|category| category.keyword().as_bytes() == word)
        })
    }

    /// The value of the next word if it has this name.
    pub fn named<T>(
        &mut self,
        name: &[u8],
        read: impl FnOnce(&'w [u8]) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let Some(value) = self.0.first().and_then(|word| word.strip_prefix(name)) else {
            return Ok(None);
        };
        self.read("what belongs there", |_| read(value)).map(Some)
    }

    /// Whether the next word begins like a number.
    pub fn next_is_number(&self) -> bool {
        self.0.first().is_some_and(|word| word.first().is_some_and(u8::is_ascii_digit))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks that no word is left.
    pub fn end(self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err("there are more words than expected".into()) }
    }
}

/// A frozen part of the state, read one line at a time.
pub trait Section: Send {
    /// Writes the words of the next line; false if there is none.
    fn next_line(&mut self, words: &mut WordWriter<'_>) -> bool;
}

impl<F: FnMut(&mut WordWriter<'_>) -> bool + Send> Section for F {
    fn next_line(&mut self, words: &mut WordWriter<'_>) -> bool {
        self(words)
    }
}

/// A section whose lines a closure writes.
pub fn section(next: impl FnMut(&mut WordWriter<'_>) -> bool + Send + 'static) -> Box<dyn Section> {
    Box::new(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_one_spelling() {
        for (minor, word) in
            [(50_000, "500"), (49_999, "499.99"), (5, "0.05"), (u64::MAX, "184467440737095516.15")]
        {
            let mut text = Vec::new();
            push_money(Money::from_minor(minor), &mut text);
            assert_eq!(text, word.as_bytes());
            assert_eq!(parse_money(word.as_bytes()), Some(Money::from_minor(minor)));
        }
        for word in ["", ".", "1.", ".5", "1.5", "1.00", "01", "1.234", "184467440737095516.16"] {
            assert_eq!(parse_money(word.as_bytes()), None, "{word:?}");
        }
    }

    #[test]
    fn an_identity_is_64_digits() {
        let identity = Identity::from_digest(std::array::from_fn(|n| n as u8 * 7)).unwrap();
        let mut said = Vec::new();
        WordWriter::new(&mut |word| said.push(word.to_vec())).identity(&identity);
        assert_eq!(said[0].len(), 64);
        assert_eq!(parse_identity(&said[0]), Some(identity));
        assert_eq!(parse_identity(&said[0].to_ascii_uppercase()), None);
        assert_eq!(parse_identity(&[b'0'; 64]), None, "no account's");
        assert_eq!(parse_identity(b"00"), None);
    }
}

//! Commands: the changes of the store.
//!
//! As a [binary record](crate::binary), where `bytes_u16` is a byte string with a length of two
//! bytes:
//!
//! ```text
//!   SET     01 | bytes_u16 key | value
//!   DEL     02 | key
//!   CAS     03 | bytes_u16 key | bytes_u32 old | new
//!   CREATE  04 | bytes_u16 key | value
//! ```
//!
//! As words: `SET key value`, `DEL key`, `CAS key old new`, `CREATE key value`. CAS and CREATE are
//! both a compare-and-set: CREATE expects that the key does not exist, which differs from an empty
//! value.

use std::fmt;

use crate::binary::{self, Reader, Writer};

/// The longest key.
pub const MAX_KEY_BYTES: usize = 4 * 1024;
/// The longest value.
pub const MAX_VALUE_BYTES: usize = 1024 * 1024;

const SET: u8 = 1;
const DELETE: u8 = 2;
const COMPARE_AND_SET: u8 = 3;
const CREATE: u8 = 4;

/// A change of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'c> {
    /// Sets a key's value, whatever it was.
    Set {
        /// 1 to [`MAX_KEY_BYTES`] bytes.
        key: &'c [u8],
        /// Up to [`MAX_VALUE_BYTES`] bytes.
        value: &'c [u8],
    },
    /// Deletes a key.
    Delete {
        /// Which.
        key: &'c [u8],
    },
    /// Compare-and-set: sets the value of a key if it has the expected one.
    CompareAndSet {
        /// Which.
        key: &'c [u8],
        /// The expected value; `None`: the key must not exist.
        old: Option<&'c [u8]>,
        /// The new value.
        new: &'c [u8],
    },
}

/// Why a command is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// The key is empty.
    EmptyKey,
    /// The key is too long: its bytes.
    LongKey(usize),
    /// A value is too long: its bytes.
    LongValue(usize),
    /// The bytes encode no command.
    Malformed,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Invalid::EmptyKey => f.write_str("the key is empty"),
            Invalid::LongKey(bytes) => {
                write!(f, "the key has {bytes} bytes, {MAX_KEY_BYTES} are allowed")
            }
            Invalid::LongValue(bytes) => {
                write!(f, "the value has {bytes} bytes, {MAX_VALUE_BYTES} are allowed")
            }
            Invalid::Malformed => f.write_str("the bytes are no command"),
        }
    }
}

impl std::error::Error for Invalid {}

impl<'c> Command<'c> {
    /// The key that it changes.
    pub fn key(&self) -> &'c [u8] {
        match *self {
            Command::Set { key, .. }
            | Command::Delete { key }
            | Command::CompareAndSet { key, .. } => key,
        }
    }

    /// Encodes the command.
    ///
    /// # Errors
    /// A key or a value has an invalid length.
    pub fn encode(&self) -> Result<Vec<u8>, Invalid> {
        let mut bytes = Vec::new();
        self.encode_into(&mut bytes)?;
        Ok(bytes)
    }

    /// Appends the encoded command.
    ///
    /// # Errors
    /// A key or a value has an invalid length; nothing is appended.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) -> Result<(), Invalid> {
        self.check()?;
        let mut out = Writer::new(bytes);
        let result = match *self {
            Command::Set { key, value } => out.u8(SET).bytes_u16(key).map(|out| out.raw(value)),
            Command::Delete { key } => Ok(out.u8(DELETE).raw(key)),
            Command::CompareAndSet { key, old: None, new } => {
                out.u8(CREATE).bytes_u16(key).map(|out| out.raw(new))
            }
            Command::CompareAndSet { key, old: Some(old), new } => {
                let out = out.u8(COMPARE_AND_SET).bytes_u16(key);
                out.and_then(|out| out.bytes_u32(old)).map(|out| out.raw(new))
            }
        };
        // The limits of keys and values are below those of their length fields.
        result.map(drop).map_err(|_| Invalid::Malformed)
    }

    /// Decodes a command.
    ///
    /// # Errors
    /// The bytes encode no command, or one with an invalid key or value.
    pub fn decode(bytes: &'c [u8]) -> Result<Command<'c>, Invalid> {
        let command = fields(bytes).map_err(|_| Invalid::Malformed)?;
        command.check()?;
        Ok(command)
    }

    /// Calls `word` with each word of the command.
    pub fn to_words(&self, word: &mut dyn FnMut(&[u8])) {
        match *self {
            Command::Set { key, value } => [b"SET", key, value].into_iter().for_each(word),
            Command::Delete { key } => [b"DEL", key].into_iter().for_each(word),
            Command::CompareAndSet { key, old: Some(old), new } => {
                [b"CAS", key, old, new].into_iter().for_each(word);
            }
            Command::CompareAndSet { key, old: None, new } => {
                [b"CREATE", key, new].into_iter().for_each(word);
            }
        }
    }

    /// Parses the words of a command.
    ///
    /// # Errors
    /// A description of what is wrong with them.
    pub fn from_words(words: &[&'c [u8]]) -> Result<Command<'c>, String> {
        let command = match *words {
            [b"SET", key, value] => Command::Set { key, value },
            [b"DEL", key] => Command::Delete { key },
            [b"CAS", key, old, new] => Command::CompareAndSet { key, old: Some(old), new },
            [b"CREATE", key, new] => Command::CompareAndSet { key, old: None, new },
            [name @ (b"SET" | b"DEL" | b"CAS" | b"CREATE"), ref rest @ ..] => {
                let name = String::from_utf8_lossy(name);
                return Err(format!("{name} does not take {} words", rest.len()));
            }
            [name, ..] => return Err(format!("no command {:?}", name.escape_ascii().to_string())),
            [] => return Err("a command has words".into()),
        };
        command.check().map_err(|invalid| invalid.to_string())?;
        Ok(command)
    }

    fn check(&self) -> Result<(), Invalid> {
        check_key(self.key())?;
        match *self {
            Command::Set { value, .. } => check_value(value),
            Command::Delete { .. } => Ok(()),
            Command::CompareAndSet { old, new, .. } => {
                check_value(old.unwrap_or_default())?;
                check_value(new)
            }
        }
    }
}

/// Checks the length of a key.
///
/// # Errors
/// The key is empty or too long.
pub fn check_key(key: &[u8]) -> Result<(), Invalid> {
    match key.len() {
        0 => Err(Invalid::EmptyKey),
        1..=MAX_KEY_BYTES => Ok(()),
        bytes => Err(Invalid::LongKey(bytes)),
    }
}

fn check_value(value: &[u8]) -> Result<(), Invalid> {
    match value.len() {
        ..=MAX_VALUE_BYTES => Ok(()),
        bytes => Err(Invalid::LongValue(bytes)),
    }
}

/// Decodes the fields of a command, without checks of their lengths.
#[inline]
fn fields(bytes: &[u8]) -> Result<Command<'_>, binary::Error> {
    let mut fields = Reader::new(bytes);
    Ok(match fields.u8()? {
        SET => Command::Set { key: fields.bytes_u16()?, value: fields.rest() },
        DELETE => Command::Delete { key: fields.rest() },
        COMPARE_AND_SET => Command::CompareAndSet {
            key: fields.bytes_u16()?,
            old: Some(fields.bytes_u32()?),
            new: fields.rest(),
        },
        CREATE => {
            Command::CompareAndSet { key: fields.bytes_u16()?, old: None, new: fields.rest() }
        }
        tag => return Err(binary::Error::Tag(tag)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    fn words_of(command: &Command<'_>) -> Vec<Vec<u8>> {
        let mut words = Vec::new();
        command.to_words(&mut |word| words.push(word.to_vec()));
        words
    }

    #[test]
    fn commands_come_back_from_bytes_and_from_words() {
        let long = vec![b'v'; MAX_VALUE_BYTES];
        for command in [
            Command::Set { key: b"name1", value: b"Jaggu" },
            Command::Set { key: b"\0\xff ", value: b"" },
            Command::Set { key: &[7; MAX_KEY_BYTES], value: &long },
            Command::Delete { key: b"name1" },
            Command::CompareAndSet { key: b"k", old: Some(b"a b"), new: b"c" },
            Command::CompareAndSet { key: b"k", old: Some(b""), new: b"" },
            Command::CompareAndSet { key: b"k", old: None, new: b"c" },
        ] {
            let bytes = command.encode().unwrap();
            assert_eq!(Command::decode(&bytes), Ok(command));
            let words = words_of(&command);
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            assert_eq!(Command::from_words(&words), Ok(command));
        }
        let words = words_of(&Command::Set { key: b"name1", value: b"Jaggu" });
        assert_eq!(words, [&b"SET"[..], b"name1", b"Jaggu"]);
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        let (key, value) = (&[7; MAX_KEY_BYTES + 1][..], &vec![7; MAX_VALUE_BYTES + 1][..]);
        assert_eq!(Command::Delete { key: b"" }.encode(), Err(Invalid::EmptyKey));
        assert_eq!(Command::Delete { key }.encode(), Err(Invalid::LongKey(MAX_KEY_BYTES + 1)));
        let long = Err(Invalid::LongValue(MAX_VALUE_BYTES + 1));
        assert_eq!(Command::Set { key: b"k", value }.encode(), long);
        assert_eq!(Command::CompareAndSet { key: b"k", old: Some(value), new: b"" }.encode(), long);
        assert_eq!(Command::CompareAndSet { key: b"k", old: None, new: value }.encode(), long);
        assert_eq!(Command::decode(&[DELETE]), Err(Invalid::EmptyKey));
        assert!(Command::from_words(&[b"SET", b"", b"v"]).unwrap_err().contains("empty"));
    }

    #[test]
    fn words_that_are_no_command_are_named() {
        assert!(Command::from_words(&[b"SET", b"k"]).unwrap_err().contains("SET"));
        assert!(Command::from_words(&[b"GET", b"k"]).unwrap_err().contains("GET"));
        assert!(Command::from_words(&[]).is_err());
    }

    #[test]
    fn damaged_bytes_are_refused_or_another_command() {
        let command = Command::CompareAndSet { key: b"key", old: Some(b"old"), new: b"new" };
        let good = command.encode().unwrap();
        each_seed(|seed| {
            let mut bytes = good.clone();
            seed.mutate(&mut bytes);
            if let Ok(command) = Command::decode(&bytes) {
                assert_eq!(command.encode().unwrap(), bytes);
            }
        });
    }
}

//! Values of JSON that are no objects and no lists, as values of fields.

use std::borrow::Cow;

use super::number;
use super::schema::{Enum, Kind};
use crate::text::base64;

/// A value of JSON as it stands in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
    /// An object or a list.
    Nested,
}

/// A value as protobuf encodes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Varint(u64),
    Fixed32(u32),
    Fixed64(u64),
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Token<'a> {
    /// Reads the text of a whole value, which is known to be well-formed but for the escapes in it.
    ///
    /// # Errors
    /// A text has an escape that is no character.
    pub fn read(text: &'a str) -> Result<Token<'a>, String> {
        Ok(match text {
            "null" => Token::Null,
            "true" => Token::Bool(true),
            "false" => Token::Bool(false),
            _ => match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                Some(plain) if !plain.contains('\\') => Token::Text(Cow::Borrowed(plain)),
                Some(_) => {
                    let unescaped = serde_json::from_str::<String>(text);
                    let unescaped = unescaped.map_err(|_| "an escape is no character".to_owned());
                    Token::Text(Cow::Owned(unescaped?))
                }
                None if text.starts_with(['{', '[']) => Token::Nested,
                None => Token::Number(text),
            },
        })
    }

    /// The token for an error: its kind, and a beginning of it.
    fn shown(&self) -> String {
        match self {
            Token::Null => "null".to_owned(),
            Token::Bool(value) => value.to_string(),
            Token::Number(text) => text.chars().take(40).collect(),
            Token::Text(text) => format!("{:?}", text.chars().take(40).collect::<String>()),
            Token::Nested => "an object or a list".to_owned(),
        }
    }
}

impl<'a> Scalar<'a> {
    /// Reads a token as a value of this kind. The key of a map is a text whatever its kind.
    ///
    /// # Errors
    /// What the kind needs, and what is there.
    pub fn read(
        token: &Token<'a>,
        kind: Kind,
        is_key: bool,
        enums: &[Enum],
    ) -> Result<Scalar<'a>, String> {
        let read = match kind {
            Kind::Text => token.text().map(|text| match text {
                Cow::Borrowed(text) => Scalar::Bytes(Cow::Borrowed(text.as_bytes())),
                Cow::Owned(text) => Scalar::Bytes(Cow::Owned(text.into_bytes())),
            }),
            Kind::Bytes => token.text().and_then(|text| {
                let mut bytes = Vec::new();
                let decoded = base64::decode_both(text.as_bytes(), &mut bytes);
                decoded.ok().map(|()| Scalar::Bytes(Cow::Owned(bytes)))
            }),
            Kind::Bool => match token {
                Token::Bool(value) => Some(Scalar::Varint(u64::from(*value))),
                Token::Text(text) if is_key && text == "true" => Some(Scalar::Varint(1)),
                Token::Text(text) if is_key && text == "false" => Some(Scalar::Varint(0)),
                _ => None,
            },
            Kind::Double => token.double().map(|value| Scalar::Fixed64(value.to_bits())),
            Kind::Float => token.float().map(|value| Scalar::Fixed32(value.to_bits())),
            Kind::Enum(id) => enums.get(id).and_then(|declared| token.enum_number(declared)),
            kind => token.integer(kind),
        };
        read.ok_or_else(|| format!("expected {}, not {}", wanted(kind, enums), token.shown()))
    }

    /// Whether it is the default of its field.
    pub fn is_default(&self) -> bool {
        match self {
            Scalar::Varint(value) | Scalar::Fixed64(value) => *value == 0,
            Scalar::Fixed32(value) => *value == 0,
            Scalar::Bytes(bytes) => bytes.is_empty(),
        }
    }
}

impl<'a> Token<'a> {
    fn text(&self) -> Option<Cow<'a, str>> {
        match self {
            Token::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The text of a number, which may stand in quotes.
    fn number(&self) -> Option<&str> {
        match self {
            Token::Number(text) => Some(text),
            Token::Text(text) => Some(text),
            _ => None,
        }
    }

    fn integer(&self, kind: Kind) -> Option<Scalar<'a>> {
        let value = number::integer(self.number()?)?;
        let (lowest, highest) = range(kind);
        if value < lowest || value > highest {
            return None;
        }
        let (value, narrow) = (value as i64, value as i32);
        Some(match kind {
            Kind::Sint32 | Kind::Sint64 => Scalar::Varint(((value << 1) ^ (value >> 63)) as u64),
            Kind::Fixed32 | Kind::Sfixed32 => Scalar::Fixed32(narrow as u32),
            Kind::Fixed64 | Kind::Sfixed64 => Scalar::Fixed64(value as u64),
            _ => Scalar::Varint(value as u64),
        })
    }

    /// The name, or the number, which need not be declared.
    fn enum_number(&self, declared: &Enum) -> Option<Scalar<'a>> {
        let number = match self {
            Token::Text(name) => declared.number_of(name)?,
            Token::Number(text) => i32::try_from(number::integer(text)?).ok()?,
            _ => return None,
        };
        Some(Scalar::Varint(i64::from(number) as u64))
    }

    fn double(&self) -> Option<f64> {
        match self {
            Token::Text(text) if text == "NaN" => Some(f64::NAN),
            Token::Text(text) if text == "Infinity" => Some(f64::INFINITY),
            Token::Text(text) if text == "-Infinity" => Some(f64::NEG_INFINITY),
            token => {
                let text = token.number().filter(|text| number::is_number(text))?;
                text.parse::<f64>().ok().filter(|value| value.is_finite())
            }
        }
    }

    fn float(&self) -> Option<f32> {
        match self.double()? {
            value if !value.is_finite() => Some(value as f32),
            // Read again, since a number that is rounded twice may differ.
            _ => self.number()?.parse::<f32>().ok().filter(|value| value.is_finite()),
        }
    }
}

/// The range of an integer.
fn range(kind: Kind) -> (i128, i128) {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => (i32::MIN.into(), i32::MAX.into()),
        Kind::Uint32 | Kind::Fixed32 => (0, u32::MAX.into()),
        Kind::Uint64 | Kind::Fixed64 => (0, u64::MAX.into()),
        _ => (i64::MIN.into(), i64::MAX.into()),
    }
}

/// What a kind needs, in words.
fn wanted(kind: Kind, enums: &[Enum]) -> String {
    match kind {
        Kind::Text => "a string".to_owned(),
        Kind::Bytes => "a string of base64".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Double | Kind::Float => {
            "a number in range, \"NaN\", \"Infinity\" or \"-Infinity\"".to_owned()
        }
        Kind::Enum(id) => {
            let name = enums.get(id).map(|declared| declared.name.as_str()).unwrap_or_default();
            format!("a name or number of {name}")
        }
        Kind::Message(_) => "an object".to_owned(),
        kind => {
            let (lowest, highest) = range(kind);
            format!("an integer from {lowest} to {highest}")
        }
    }
}

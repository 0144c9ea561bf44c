//! Host names.

use std::fmt;

/// A host name in lower case: labels of letters, digits, `-` and `_`, 253 bytes at most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// Without a dot at the end.
    text: String,
    is_absolute: bool,
}

/// Why a text is not a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// The text or a label is empty.
    EmptyLabel,
    /// A label above 63 bytes, or a name above 253 bytes.
    TooLong,
    /// A character other than letters, digits, `-` and `_`.
    Character,
    /// The last label is a number, as in a malformed IPv4 address.
    Number,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NameError::EmptyLabel => "no host name: a part between dots is empty",
            NameError::TooLong => "no host name: too long",
            NameError::Character => "no host name: letters, digits, '-' and '_' only",
            NameError::Number => "neither an address nor a host name",
        })
    }
}

impl std::error::Error for NameError {}

const MAX_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

impl Name {
    /// Parses a name. A trailing dot marks it as complete: no search list applies.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn parse(text: &str) -> Result<Name, NameError> {
        let (bare, is_absolute) = match text.strip_suffix('.') {
            Some(bare) => (bare, true),
            None => (text, false),
        };
        if bare.len() > MAX_BYTES {
            return Err(NameError::TooLong);
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        for label in bare.split('.') {
            if label.is_empty() {
                return Err(NameError::EmptyLabel);
            } else if !label.bytes().all(fits) {
                return Err(NameError::Character);
            } else if label.len() > MAX_LABEL_BYTES {
                return Err(NameError::TooLong);
            }
        }
        let last = bare.rsplit('.').next().unwrap_or_default();
        if last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NameError::Number);
        }
        Ok(Name { text: bare.to_ascii_lowercase(), is_absolute })
    }

    /// In lower case, without a trailing dot.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it was written with a trailing dot.
    pub fn is_absolute(&self) -> bool {
        self.is_absolute
    }

    /// The number of dots between its labels.
    pub fn dots(&self) -> usize {
        self.text.bytes().filter(|byte| *byte == b'.').count()
    }

    /// `localhost` or a name below it: both mean this machine (RFC 6761, section 6.3).
    pub fn is_localhost(&self) -> bool {
        self.text == "localhost" || self.text.ends_with(".localhost")
    }

    /// This name within a domain; `None` if that is too long.
    pub(super) fn within(&self, domain: &Name) -> Option<Name> {
        let text = format!("{}.{}", self.text, domain.text);
        (text.len() <= MAX_BYTES).then_some(Name { text, is_absolute: true })
    }

    /// The labels in order.
    pub(super) fn labels(&self) -> impl Iterator<Item = &str> {
        self.text.split('.')
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_in_lower_case() {
        let name = Name::parse("VM1.Example.com.").unwrap();
        assert_eq!((name.as_str(), name.is_absolute(), name.dots()), ("vm1.example.com", true, 2));
        assert!(!Name::parse("my_service-1").unwrap().is_absolute());
    }

    #[test]
    fn invalid_names_are_refused() {
        let long = "a".repeat(64);
        let longer = vec!["abc"; 64].join(".");
        for (text, error) in [
            ("", NameError::EmptyLabel),
            (".", NameError::EmptyLabel),
            ("a..b", NameError::EmptyLabel),
            (".a", NameError::EmptyLabel),
            ("a b", NameError::Character),
            ("b\u{fc}ro", NameError::Character),
            ("a\0", NameError::Character),
            (&long, NameError::TooLong),
            (&longer, NameError::TooLong),
            ("1.2.3.4.5", NameError::Number),
            ("127.1", NameError::Number),
            ("8080", NameError::Number),
        ] {
            assert_eq!(Name::parse(text), Err(error), "{text:?}");
        }
        assert!(Name::parse(&longer[..253]).is_ok());
    }

    #[test]
    fn localhost_has_names_below_it() {
        for (text, is) in
            [("localhost", true), ("a.LocalHost.", true), ("notlocalhost", false), ("local", false)]
        {
            assert_eq!(Name::parse(text).unwrap().is_localhost(), is, "{text}");
        }
    }
}

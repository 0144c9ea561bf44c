//! Heads: the method, target and fields of a request, the status and fields of a response.

use crate::hpack::FieldBlock;

/// The head of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method, case-sensitive: `GET`.
    pub method: &'a str,
    /// The path of the target, which begins with `/`; percent-encoding is left as it is.
    pub path: &'a str,
    /// The query behind `?`, not decoded; empty without one.
    pub query: &'a str,
    /// The fields, with names in lower case, without pseudo-fields.
    pub fields: &'a FieldBlock,
}

impl<'a> RequestHead<'a> {
    /// The value of the first field with this name, in lower case.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        let mut fields = self.fields.iter();
        fields.find(|(known, _)| *known == name.as_bytes()).map(|(_, value)| value)
    }

    /// The same as a text; empty without such a field, or if it is no text.
    pub fn text(&self, name: &str) -> &'a str {
        let value = self.field(name).unwrap_or_default();
        std::str::from_utf8(value).unwrap_or_default()
    }
}

/// The head of a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// The fields, with names in lower case; without `content-length`, `date` and what belongs to a
    /// version of HTTP.
    pub fields: FieldBlock,
    /// The length of the content in bytes if it is known; else its end is shown by the version's
    /// framing.
    pub content_length: Option<usize>,
}

/// Whether a response with this status has no content, and no length of any (RFC 9110 sections 6.4.1
/// and 8.6).
pub fn is_bodyless(status: u16) -> bool {
    matches!(status, 100..=199 | 204 | 304)
}

/// What is to be sent for one request, in this order. It is filled again for each part of a response.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// The head, with the first part.
    pub head: Option<ResponseHead>,
    /// Content.
    pub body: Vec<u8>,
    /// Nothing follows.
    pub end: bool,
}

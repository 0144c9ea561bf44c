//! Resources: what a path has beside methods, for browsers, load balancers and `curl`.
//!
//! A resource is read by GET or HEAD over any version of HTTP (RFC 9110 section 9.3). The protocol
//! checks the method and leaves out the content for HEAD; the native protocol has no resources.

use std::borrow::Cow;

/// A request for a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceRequest<'a> {
    /// The path, which begins with `/`; percent-encoding is left as it is.
    pub path: &'a str,
    /// The query behind `?`, not decoded; empty without one.
    pub query: &'a str,
    /// The field `accept`; empty without one or if it is no text.
    pub accept: &'a str,
    /// The field `if-none-match`, likewise.
    pub if_none_match: &'a str,
}

/// The answer to a [`ResourceRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceResponse {
    /// The status code (RFC 9110 section 15), not of an informational response.
    pub status: u16,
    /// The field `content-type`.
    pub content_type: &'static str,
    /// Further fields: names in lower case, values of visible ASCII characters and spaces.
    pub fields: Vec<(&'static str, Cow<'static, str>)>,
    /// The content.
    pub body: Cow<'static, [u8]>,
}

impl ResourceResponse {
    /// A text of one line or more.
    pub fn text(status: u16, text: impl Into<Cow<'static, str>>) -> ResourceResponse {
        let body = match text.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        let content_type = "text/plain; charset=utf-8";
        ResourceResponse { status, content_type, fields: Vec::new(), body }
    }
}

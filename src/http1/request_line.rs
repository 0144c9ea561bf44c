//! Request lines (RFC 9112 sections 2.3 and 3).

use super::Error;
use super::line::is_token;

/// A request line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestLine {
    pub(super) method: String,
    /// The path and the query: `/path?query`, or `*`.
    target: String,
    /// Where the query begins in `target`, behind the `?`; its length without one.
    query_at: usize,
    /// The host and port of a target in absolute form, which replace the field `host`.
    pub(super) authority: Option<String>,
    /// The version is HTTP/1.0.
    pub(super) is_old: bool,
}

impl RequestLine {
    /// Reads a line without its end.
    ///
    /// # Errors
    /// [`Error::RequestLine`], [`Error::Target`], [`Error::Version`].
    pub(super) fn parse(line: &[u8]) -> Result<RequestLine, Error> {
        let text = std::str::from_utf8(line).map_err(|_| Error::RequestLine)?;
        let mut parts = text.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Error::RequestLine);
        };
        if !is_token(method.as_bytes()) {
            return Err(Error::RequestLine);
        }
        let is_old = is_old(version)?;
        let (target, authority) = read_target(method, target)?;
        let query_at = target.find('?').map_or(target.len(), |at| at + 1);
        Ok(RequestLine { method: method.to_owned(), target, query_at, authority, is_old })
    }

    /// The path, which begins with `/`, or is `*`.
    pub(super) fn path(&self) -> &str {
        let path = self.target.get(..self.query_at).unwrap_or_default();
        path.strip_suffix('?').unwrap_or(path)
    }

    /// What is behind the `?`.
    pub(super) fn query(&self) -> &str {
        self.target.get(self.query_at..).unwrap_or_default()
    }
}

/// Whether a version is HTTP/1.0; a minor version above 1 counts as 1 (RFC 9110 section 2.5).
fn is_old(version: &str) -> Result<bool, Error> {
    match version.strip_prefix("HTTP/").map(str::as_bytes) {
        Some([b'1', b'.', minor]) if minor.is_ascii_digit() => Ok(*minor == b'0'),
        Some([major, b'.', minor]) if major.is_ascii_digit() && minor.is_ascii_digit() => {
            Err(Error::Version)
        }
        _ => Err(Error::RequestLine),
    }
}

/// The path with its query and the authority of a target (section 3.2).
fn read_target(method: &str, target: &str) -> Result<(String, Option<String>), Error> {
    // Visible characters only; a fragment is not sent.
    if !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Err(Error::Target);
    }
    if method == "CONNECT" {
        // The authority form, and no other: a host and a port (section 3.2.3).
        let is_valid = is_host(target) && target.rsplit_once(':').is_some();
        return if is_valid { Ok((String::new(), None)) } else { Err(Error::Target) };
    }
    if target.starts_with('/') || (method == "OPTIONS" && target == "*") {
        return Ok((target.to_owned(), None));
    }
    let (scheme, rest) = target.split_once("://").ok_or(Error::Target)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(Error::Target);
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    if authority.is_empty() || !is_host(authority) {
        return Err(Error::Target);
    }
    let path = match rest {
        // OPTIONS of a whole server, through a proxy (section 3.2.4).
        "" if method == "OPTIONS" => "*".to_owned(),
        _ if rest.starts_with('/') => rest.to_owned(),
        _ => format!("/{rest}"),
    };
    Ok((path, Some(authority.to_owned())))
}

/// Whether a text is a host with or without a port (RFC 3986 section 3.2), or empty, and has no user.
pub(super) fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((literal, port)) = rest.split_once(']') else { return false };
            let is_literal = |byte: u8| byte.is_ascii_alphanumeric() || b":.-_~".contains(&byte);
            if literal.is_empty() || !literal.bytes().all(is_literal) {
                return false;
            }
            ("", port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_port = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|port| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()));
    is_port
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte))
}

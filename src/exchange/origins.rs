//! Pages of other origins: which may read responses here (the Fetch standard, "CORS protocol").
//!
//! A browser lets a page read the response of another origin only if the response permits it, and asks
//! before a request that is no simple one, such as a call with JSON (a *preflight*, by OPTIONS). Without
//! [`Origins`] no response has a field of this protocol, and browsers keep other origins out.
//!
//! Left out: credentials. A browser sends neither cookies nor client certificates for such a page.

use std::str::FromStr;

use crate::hpack::FieldBlock;
use crate::http::{Outgoing, RequestHead};

/// How long a browser may keep the answer to a preflight, in seconds.
const MAX_AGE_S: &[u8] = b"7200";
/// The methods that a page may use.
const METHODS: &[u8] = b"GET, HEAD, POST";

/// The origins whose pages may read responses: the flag `--allow-origin`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// None but the server's own.
    #[default]
    Own,
    /// All.
    Any,
    /// These: `https://shop.example:8443`.
    Only(Vec<String>),
}

impl FromStr for Origins {
    type Err = String;

    /// `*`, or origins with commas between them.
    fn from_str(text: &str) -> Result<Origins, String> {
        if text == "*" {
            return Ok(Origins::Any);
        }
        let origins = text.split(',').map(|origin| match is_origin(origin) {
            true => Ok(origin.to_owned()),
            false => Err(format!(
                "{origin:?} is no origin: expected *, or http:// or https:// with a host in lower \
                 case and perhaps a port, without a path"
            )),
        });
        origins.collect::<Result<_, _>>().map(Origins::Only)
    }
}

/// Whether a browser could send this as `origin` (RFC 6454 section 6.2).
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        let (name, port) = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).unzip();
        let (name, port) = (name.unwrap_or(host), port.unwrap_or("1"));
        let is_name_byte = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._[:]".contains(&byte)
        };
        !name.is_empty() && name.bytes().all(is_name_byte) && port.parse::<u16>().is_ok()
    })
}

impl Origins {
    /// Whether it is one of those that are named.
    pub(super) fn has(&self, origin: &str) -> bool {
        self.named().iter().any(|known| known == origin)
    }

    /// The hosts of those that are named, with their ports.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.named().iter().filter_map(|origin| origin.split_once("://").map(|(_, host)| host))
    }

    fn named(&self) -> &[String] {
        match self {
            Origins::Own | Origins::Any => &[],
            Origins::Only(origins) => origins,
        }
    }

    /// What the response to a request tells browsers.
    pub(super) fn permission(&self, head: &RequestHead<'_>) -> Permission {
        match self {
            Origins::Own => Permission::Silent,
            Origins::Any => Permission::Any,
            Origins::Only(origins) => {
                let origin = head.text("origin");
                let known = origins.iter().find(|known| *known == origin);
                known.map_or(Permission::Refused, |origin| Permission::Origin(origin.clone()))
            }
        }
    }
}

/// What the response to one request tells browsers.
#[derive(Debug)]
pub(super) enum Permission {
    /// Nothing, as always on this server.
    Silent,
    /// Nothing; to another origin it may be something.
    Refused,
    /// Pages of this origin may read it.
    Origin(String),
    /// All pages may read it.
    Any,
}

impl Permission {
    /// Adds its fields to the head of a response, if there is one.
    pub(super) fn add_to(&self, outgoing: &mut Outgoing) {
        let Some(head) = &mut outgoing.head else { return };
        // What a client has stored must not become a page or a script.
        head.fields.push(b"x-content-type-options", b"nosniff");
        if matches!(self, Permission::Refused | Permission::Origin(_)) {
            // A cache must not give a response for one origin to another.
            head.fields.push(b"vary", b"origin");
        }
        if let Some(origin) = self.origin() {
            head.fields.push(b"access-control-allow-origin", origin);
            // Metadata and `trailer-` fields have names of all kinds.
            head.fields.push(b"access-control-expose-headers", b"*");
        }
    }

    /// Answers a preflight: adds what a page may send to the response to OPTIONS.
    pub(super) fn add_preflight(&self, request: &RequestHead<'_>, fields: &mut FieldBlock) {
        if self.origin().is_none() || request.field("access-control-request-method").is_none() {
            return;
        }
        fields.push(b"access-control-allow-methods", METHODS);
        fields.push(b"access-control-max-age", MAX_AGE_S);
        // `*` would leave out `authorization`. Metadata has names of all kinds, so all are permitted.
        let names = request.text("access-control-request-headers");
        if !names.is_empty() && names.bytes().all(is_list_byte) {
            fields.push(b"access-control-allow-headers", names.as_bytes());
            fields.push(b"vary", b"access-control-request-headers");
        }
    }

    fn origin(&self) -> Option<&[u8]> {
        match self {
            Permission::Silent | Permission::Refused => None,
            Permission::Origin(origin) => Some(origin.as_bytes()),
            Permission::Any => Some(b"*"),
        }
    }
}

/// A byte of a list of names of fields.
fn is_list_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.,! #$%&'*+^`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_send() {
        assert_eq!("*".parse(), Ok(Origins::Any));
        for origin in [
            "https://shop.example",
            "http://localhost:5173",
            "http://127.0.0.1:80",
            "http://[::1]:3000",
            "https://[fe80::1]",
        ] {
            assert_eq!(origin.parse(), Ok(Origins::Only(vec![origin.to_owned()])), "{origin}");
        }
        let two = "https://a,http://b:1".parse();
        assert_eq!(two, Ok(Origins::Only(vec!["https://a".to_owned(), "http://b:1".to_owned()])));
        for wrong in [
            "",
            "shop.example",
            "https://",
            "https://Shop.example",
            "https://a/",
            "https://a:",
            "https://a:99999",
            "ftp://a",
            "https://a, https://b",
            "https://a,",
            "https://a,*",
            "null",
            "https://u@a",
        ] {
            assert!(wrong.parse::<Origins>().is_err(), "{wrong}");
        }
    }
}

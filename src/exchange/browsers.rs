//! Requests that a browser makes for the page of a stranger: which are refused.
//!
//! A browser reaches servers that a stranger does not: those of its own machine and network. A page of
//! a stranger uses it in two ways.
//!
//! **Another origin.** A page calls a server of another origin. It cannot read the response without
//! permission (`origins`), and a browser asks before it sends a call, because no content type of a call
//! is one of a form. [`Site::objection`] does not rely on that alone: a POST of another origin is
//! refused. As in Go's `CrossOriginProtection`, `sec-fetch-site` decides where a browser sends it, else
//! `origin` is compared with `host`.
//!
//! **DNS rebinding.** A page at `http://evil.example:5051` has its name point to our address, once it is
//! loaded. From then on it is of the same origin as the server: it may send everything and read all
//! responses. What remains true is the name in `host`, which a page cannot change. So in the clear a
//! browser may only use a host that a stranger cannot have: an IP address, `localhost` and the names
//! below it, and names that the server [was told](Hosts). Inside TLS the certificate protects: a stranger
//! has none for the name that is valid here. Vite, Jupyter and Ollama check the same names.
//!
//! The check is made for requests that show a browser, whichever path they have: the texts, the metrics
//! and the methods that change nothing hold data too. Clients that are none may use every name, through
//! a load balancer, a proxy on the same machine, or a tunnel. A GET of a rebound page has neither
//! `origin` nor `sec-fetch-site`: browsers send the second to trustworthy origins alone, and `http` with
//! a name is none. It shows itself by `accept-language`, whose value a page can change and which it
//! cannot remove (Fetch standard, "HTTP-network-or-cache fetch"), and by `user-agent`. The latter alone
//! would not do: Firefox lets pages change it.
//!
//! Left out: browsers that are told to send neither, and programs that send one of these fields without
//! being a browser (`fetch` of Node.js): they use an address or a known name.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Origins, Site};
use crate::hpack::FieldBlock;

/// Names beyond this many characters are cut in texts.
const SHOWN_CHARS: usize = 100;

/// The host names by which browsers may reach a server in the clear, beside IP addresses and `localhost`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

impl FromIterator<String> for Hosts {
    /// Names without ports, in upper or lower case.
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Hosts {
        let names = names.into_iter().map(|name| plain(&name).to_ascii_lowercase());
        Hosts(names.filter(|name| !name.is_empty()).collect())
    }
}

impl Hosts {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Whether a `user-agent` is that of a browser.
#[inline]
pub fn is_of_browser(user_agent: &[u8]) -> bool {
    user_agent.starts_with(b"Mozilla/")
}

/// Whether only browsers send a field of this name. Asked for most fields of each call.
#[inline]
pub fn is_sent_by_browsers(name: &[u8]) -> bool {
    match name.first() {
        Some(b'o') => name == b"origin",
        Some(b'a') => name == b"accept-language",
        Some(b's') => name.starts_with(b"sec-fetch-"),
        _ => false,
    }
}

impl Site {
    /// Why a request of a browser is refused; `None` if it is not, or if no browser shows itself.
    /// `fields` have the host as `:authority` or `host`. A request `may_change` something unless its
    /// method is safe (RFC 9110 section 9.2.1).
    pub fn objection(
        &self,
        fields: &FieldBlock,
        may_change: bool,
        is_secure: bool,
    ) -> Option<String> {
        let is_browser = fields.iter().any(|(name, value)| match name {
            b"user-agent" => is_of_browser(value),
            _ => is_sent_by_browsers(name),
        });
        if !is_browser || self.origins == Origins::Any {
            return None;
        }
        let of = |wanted: &[u8]| {
            let found = fields.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| String::from_utf8_lossy(value))
        };
        let host = of(b":authority").or_else(|| of(b"host")).unwrap_or_default();
        if !is_secure && !self.knows_host(&host) {
            return Some(foreign_host(&host));
        }
        let origin = of(b"origin");
        let is_own = match of(b"sec-fetch-site") {
            Some(relation) => matches!(&*relation, "same-origin" | "none"),
            None => origin.as_deref().is_none_or(|origin| is_of_host(origin, &host)),
        };
        let origin = origin.unwrap_or_default();
        let is_refused = may_change && !is_own && !self.origins.has(&origin);
        is_refused.then(|| foreign_origin(&origin))
    }

    /// Whether a stranger cannot have this host, with or without a port.
    fn knows_host(&self, host: &str) -> bool {
        let name = plain(host);
        if let Some(literal) = name.strip_prefix('[') {
            return literal.strip_suffix(']').is_some_and(|text| text.parse::<Ipv6Addr>().is_ok());
        }
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_known = name.parse::<Ipv4Addr>().is_ok()
            || last.eq_ignore_ascii_case("localhost")
            || self.hosts.has(name)
            || self.origins.hosts().any(|known| plain(known).eq_ignore_ascii_case(name));
        // What follows a colon and is no port is no part of a name.
        is_known && !name.contains(':')
    }
}

/// A host without its port, and without the dot that ends a complete name.
fn plain(host: &str) -> &str {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether an origin is that of this host. The scheme is not compared: in front of the server there may
/// be one that ends TLS.
fn is_of_host(origin: &str, host: &str) -> bool {
    let of = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    of.is_some_and(|of| of.eq_ignore_ascii_case(host))
}

fn foreign_host(host: &str) -> String {
    let shown = shown(host);
    format!(
        "This server does not know the host {shown:?}. In the clear it serves browsers under known \
         names only, because a stranger may have a name point here. If the name is yours, start the \
         server with --allow-origin http://{}, or use an IP address.",
        shown.to_ascii_lowercase()
    )
}

fn foreign_origin(origin: &str) -> String {
    let shown = shown(origin);
    format!(
        "A page of the origin {shown:?} may not call this server. If it is yours, start the server \
         with --allow-origin {shown}."
    )
}

fn shown(text: &str) -> String {
    let is_shown = |letter: &char| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\');
    text.chars().filter(is_shown).take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANGUAGE: (&str, &str) = ("accept-language", "en");

    fn site(origins: &str) -> Site {
        let hosts = ["Vm1", "kv.example."].map(str::to_owned).into_iter().collect();
        Site::new(origins.parse().unwrap_or_default(), hosts)
    }

    fn objection(site: &Site, method: &str, fields: &[(&str, &str)], is_secure: bool) -> String {
        let mut block = FieldBlock::new();
        fields.iter().for_each(|(name, value)| block.push(name.as_bytes(), value.as_bytes()));
        site.objection(&block, method == "POST", is_secure).unwrap_or_default()
    }

    #[test]
    fn a_stranger_has_no_address_no_localhost_and_no_known_name() {
        let site = site("https://shop.example:8443,http://[::1]:3000");
        for host in [
            "127.0.0.1:5051",
            "10.0.0.7",
            "[::1]:5051",
            "[fe80::1]",
            "localhost",
            "LocalHost:5051",
            "localhost.:5051",
            "app.localhost:5051",
            "vm1:5051",
            "VM1.",
            "kv.example",
            "shop.example:5051",
        ] {
            for host in [("host", host), (":authority", host)] {
                assert_eq!(objection(&site, "GET", &[host, LANGUAGE], false), "", "{host:?}");
            }
        }
        for host in [
            "evil.example:5051",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evillocalhost",
            "notvm1",
            "sub.kv.example",
            "evil.example:80.localhost",
            "[::1].evil.example",
            "[evil.example]",
            "[::1",
            "1.2.3",
            "",
        ] {
            let reason = objection(&site, "GET", &[("host", host), LANGUAGE], false);
            assert!(reason.contains(&format!("the host {host:?}")), "{host:?}: {reason:?}");
            assert_eq!(objection(&site, "GET", &[("host", host), LANGUAGE], true), "", "TLS");
        }
        assert!(objection(&site, "GET", &[LANGUAGE], false).contains("the host \"\""));
    }

    #[test]
    fn each_field_of_a_browser_shows_it_and_a_client_without_them_uses_every_name() {
        let (site, host) = (site(""), ("host", "evil.example"));
        for sign in [
            LANGUAGE,
            ("accept-language", ""),
            ("origin", "http://evil.example"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "cors"),
            ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ] {
            for method in ["GET", "POST"] {
                let reason = objection(&site, method, &[host, sign], false);
                assert!(reason.contains("--allow-origin http://evil.example,"), "{sign:?}");
            }
        }
        for client in [("user-agent", "curl/8.5.0"), ("accept", "*/*"), ("accept-encoding", "gzip")]
        {
            assert_eq!(objection(&site, "POST", &[host, client], false), "", "{client:?}");
        }
    }

    #[test]
    fn with_all_origins_permitted_every_host_is() {
        let fields = [("host", "evil.example"), ("origin", "http://other.example"), LANGUAGE];
        assert_eq!(objection(&site("*"), "POST", &fields, false), "");
    }

    #[test]
    fn a_page_of_another_origin_may_not_call() {
        let site = site("https://shop.example");
        let host = ("host", "10.0.0.7:5051");
        for own in ["http://10.0.0.7:5051", "https://10.0.0.7:5051", "https://shop.example"] {
            assert_eq!(objection(&site, "POST", &[host, ("origin", own)], false), "", "{own}");
        }
        let (evil, null) = ("http://evil.example", "null");
        for origin in [evil, null, "http://10.0.0.7", "http://10.0.0.7:50511", "10.0.0.7:5051", ""]
        {
            let fields = [host, ("origin", origin)];
            for is_secure in [true, false] {
                let reason = objection(&site, "POST", &fields, is_secure);
                assert!(reason.contains("may not call this server"), "{origin}: {reason}");
            }
            assert_eq!(objection(&site, "GET", &fields, false), "", "it may not read the response");
        }
        // A proxy may have changed the host; the browser knows.
        let own = [host, ("origin", null), ("sec-fetch-site", "same-origin")];
        assert_eq!(objection(&site, "POST", &own, true), "");
        for relation in ["same-site", "cross-site", "other"] {
            let fields = [host, ("origin", "https://10.0.0.7:5051"), ("sec-fetch-site", relation)];
            assert!(!objection(&site, "POST", &fields, true).is_empty(), "{relation}");
            let fields = [host, ("origin", "https://shop.example"), ("sec-fetch-site", relation)];
            assert_eq!(objection(&site, "POST", &fields, true), "", "{relation}");
        }
    }

    #[test]
    fn what_is_shown_of_a_name_is_short_and_harmless() {
        let host = format!("{}<\u{202e}\"\u{1b}", "a".repeat(5_000));
        let reason = objection(&site(""), "GET", &[("host", &host), LANGUAGE], false);
        assert!(reason.len() < 600 && reason.is_ascii(), "{reason}");
    }
}

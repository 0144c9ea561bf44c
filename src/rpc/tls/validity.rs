//! From when to when a certificate is valid, and what else makes peers refuse it.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::OtherError;
use rustls::pki_types::CertificateDer;

use super::Certificate;
use crate::text::date_and_time;

/// How long before its end a certificate is warned of.
const WARNING: Duration = Duration::from_secs(14 * 24 * 3600);

/// The own certificate, or an authority's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    /// Seconds since 1970.
    from_s: u64,
    to_s: u64,
    is_authority: bool,
    has_names: bool,
}

impl Validity {
    /// Reads it from a certificate; `None` if it is malformed.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Validity> {
        let certificate = Certificate::parse(certificate).ok()?;
        let seconds = |time| u64::try_from(time).unwrap_or(0);
        Some(Validity {
            from_s: seconds(certificate.not_before_s),
            to_s: seconds(certificate.not_after_s),
            is_authority: certificate.is_authority,
            has_names: !certificate.hosts.is_empty(),
        })
    }

    /// Why it is not valid at this time.
    pub(super) fn invalid(&self, now: SystemTime) -> Option<String> {
        let now = seconds(now);
        if now > self.to_s {
            return Some(format!("it has expired on {}", date_and_time(self.to_s)));
        }
        let from = || date_and_time(self.from_s);
        (now < self.from_s)
            .then(|| format!("it is not valid before {} (compare the clocks)", from()))
    }

    /// Why peers will refuse it soon, or do so already.
    pub(super) fn expiry_warning(&self, now: SystemTime) -> Option<String> {
        let left = self.to_s.saturating_sub(seconds(now));
        let near = || {
            let days = left / (24 * 3600);
            format!("it expires in {days} days, on {}", date_and_time(self.to_s))
        };
        self.invalid(now).or_else(|| (left < WARNING.as_secs()).then(near))
    }

    /// Warnings about the own certificate.
    pub(super) fn own_warnings(&self, now: SystemTime, is_server: bool) -> Vec<String> {
        let mut warnings = Vec::new();
        warnings.extend(self.expiry_warning(now));
        if self.is_authority {
            warnings.push(AUTHORITY_AS_OWN.to_owned());
        }
        if is_server && !self.has_names {
            warnings.push(NO_NAMES.to_owned());
        }
        warnings
    }

    /// The end of the validity.
    pub(super) fn end(&self) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_secs(self.to_s)).unwrap_or(UNIX_EPOCH)
    }

    pub(super) fn is_authority(&self) -> bool {
        self.is_authority
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (date_and_time(self.from_s), date_and_time(self.to_s));
        write!(f, "valid from {from} to {to}")
    }
}

/// What is wrong with the certificate of `openssl req -x509` as a server's or a client's own.
pub(super) const AUTHORITY_AS_OWN: &str = "it is an authority's certificate (CA:TRUE), which \
    nobody may show as their own: sign another one with it, or make it with \
    `-addext basicConstraints=critical,CA:FALSE`";

const NO_NAMES: &str = "it has no subjectAltName, so that it is valid for no host: make it with \
    `-addext subjectAltName=DNS:NAME,IP:ADDRESS`";

/// Whether webpki refuses an authority's certificate as an end entity. Its error has no type of
/// rustls, only a text.
pub(super) fn is_ca_as_end_entity(error: &OtherError) -> bool {
    error.to_string().contains("CaUsedAsEndEntity")
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn certificate() -> Validity {
        Validity { from_s: 100 * DAY, to_s: 200 * DAY, is_authority: false, has_names: true }
    }

    #[test]
    fn the_last_14_days_are_warned_of() {
        let warnings = |day: u64| certificate().own_warnings(at(day * DAY), true);
        assert_eq!(warnings(100), [""; 0]);
        assert_eq!(warnings(186), [""; 0]);
        assert_eq!(warnings(187), ["it expires in 13 days, on 1970-07-20 00:00:00 UTC"]);
        assert_eq!(warnings(201), ["it has expired on 1970-07-20 00:00:00 UTC"]);
        let early = &warnings(99)[0];
        assert!(early.starts_with("it is not valid before 1970-04-11 00:00:00 UTC"), "{early}");
        assert_eq!(certificate().expiry_warning(at(150 * DAY)), None);
    }

    #[test]
    fn a_certificate_that_nobody_accepts_is_warned_of() {
        let now = at(150 * DAY);
        let authority = Validity { is_authority: true, ..certificate() };
        assert_eq!(authority.own_warnings(now, false), [AUTHORITY_AS_OWN]);
        let nameless = Validity { has_names: false, ..certificate() };
        assert_eq!(nameless.own_warnings(now, true), [NO_NAMES]);
        assert_eq!(nameless.own_warnings(now, false), [""; 0]);
    }
}

//! Errors of TLS in words, for both sides.

use std::time::SystemTime;

use rustls::{AlertDescription, CertificateError, Error};

use super::validity::{AUTHORITY_AS_OWN, Validity, is_ca_as_end_entity};
use crate::text::date_and_time;

/// Which side of the connection has the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Server,
    Client,
}

impl Side {
    fn peer(self) -> &'static str {
        match self {
            Side::Server => "client",
            Side::Client => "server",
        }
    }

    fn own(self) -> &'static str {
        match self {
            Side::Server => "server",
            Side::Client => "client",
        }
    }
}

/// An error of a connection. `own` is the certificate that this side shows.
pub(super) fn connection(error: &Error, side: Side, own: Option<&Validity>) -> String {
    let peer = side.peer();
    match error {
        Error::InvalidCertificate(problem) => {
            format!("the {peer}'s certificate is not accepted: {}", certificate(problem))
        }
        Error::NoCertificatesPresented => {
            format!("the {peer} shows no certificate, and it needs one")
        }
        Error::AlertReceived(alert) => match alert_about_certificate(*alert, own) {
            Some(reason) => {
                format!("the {peer} does not accept this {}'s certificate: {reason}", side.own())
            }
            None => alert_in_words(*alert, peer),
        },
        error => error.to_string(),
    }
}

/// What is wrong with a certificate.
pub(super) fn certificate(problem: &CertificateError) -> String {
    match problem {
        CertificateError::Expired => "it has expired".into(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("it has expired on {}", date_and_time(not_after.as_secs()))
        }
        CertificateError::NotValidYet => "it is not valid yet (compare the clocks)".into(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            let from = date_and_time(not_before.as_secs());
            format!("it is not valid before {from} (compare the clocks)")
        }
        CertificateError::UnknownIssuer => "its authority is unknown".into(),
        CertificateError::NotValidForName => "it is for another host".into(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            match presented.as_slice() {
                [] => format!("it is for no host (it has no subjectAltName), not for {expected}"),
                names => {
                    let names: Vec<&str> = names.iter().map(|name| name_in(name)).collect();
                    let names = names.join(", ");
                    format!("it is for {}, not for {expected}", names.escape_debug())
                }
            }
        }
        CertificateError::BadSignature => "its signature is wrong".into(),
        CertificateError::BadEncoding => "it is malformed".into(),
        CertificateError::Revoked => "it was revoked".into(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its extendedKeyUsage does not allow this use (a server needs serverAuth, a client \
             clientAuth, a node both)"
                .into()
        }
        CertificateError::Other(other) if is_ca_as_end_entity(other) => AUTHORITY_AS_OWN.into(),
        other => format!("{other:?}"),
    }
}

/// The name in webpki's `DnsName("name")` or `IpAddress(address)`.
fn name_in(presented: &str) -> &str {
    let inner = presented.split_once('(').map_or(presented, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"')
}

/// The reason of an alert that refuses the own certificate (RFC 8446 section 6.2); `None` for other
/// alerts. Alerts carry no more than their number, and so the own certificate is consulted.
fn alert_about_certificate(alert: AlertDescription, own: Option<&Validity>) -> Option<String> {
    let own = own?;
    let invalid = || own.invalid(SystemTime::now());
    Some(match alert {
        AlertDescription::CertificateExpired => invalid().unwrap_or_else(|| {
            format!("it has expired or is not valid yet ({own}; compare the clocks)")
        }),
        AlertDescription::UnknownCA => "its authority is unknown there".into(),
        AlertDescription::CertificateRevoked => "it was revoked".into(),
        AlertDescription::UnsupportedCertificate => {
            "its extendedKeyUsage does not allow this use, or it is of an unknown kind".into()
        }
        AlertDescription::BadCertificate => "it is malformed, or for another host".into(),
        AlertDescription::CertificateUnknown if own.is_authority() => AUTHORITY_AS_OWN.into(),
        AlertDescription::CertificateUnknown => "the reason is not known".into(),
        AlertDescription::AccessDenied => "access is denied".into(),
        AlertDescription::DecryptError => "its signature is wrong".into(),
        _ => return None,
    })
}

fn alert_in_words(alert: AlertDescription, peer: &str) -> String {
    match alert {
        AlertDescription::CertificateRequired => {
            format!("the {peer} requires a certificate")
        }
        AlertDescription::HandshakeFailure => {
            format!("the {peer} has no TLS here, or nothing in common with this side")
        }
        AlertDescription::NoApplicationProtocol => {
            format!("the {peer} does not speak this protocol (ALPN)")
        }
        AlertDescription::ProtocolVersion => {
            format!("the {peer} has no version of TLS in common with this side")
        }
        alert => format!("the {peer} ends the connection: {alert:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_without_an_own_certificate_is_not_about_it() {
        let error = Error::AlertReceived(AlertDescription::CertificateRequired);
        let words = connection(&error, Side::Client, None);
        assert_eq!(words, "the server requires a certificate");
        let error = Error::AlertReceived(AlertDescription::InternalError);
        let words = connection(&error, Side::Server, None);
        assert_eq!(words, "the client ends the connection: InternalError");
    }

    #[test]
    fn names_are_shown_as_they_are() {
        for (presented, name) in
            [("DnsName(\"a.test\")", "a.test"), ("IpAddress(::1)", "::1"), ("other", "other")]
        {
            assert_eq!(name_in(presented), name);
        }
    }
}

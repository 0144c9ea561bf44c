//! Certificate authorities: creates them, reads them, and issues certificates in their name.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, SanType,
    SerialNumber,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::holder::{Holder, Host};
use super::moment::{DAY_S, date};
use super::signing_key::AuthorityKey;
use crate::call::Role;
use crate::rpc::Certificate;

/// A certificate is valid from this long before it was made: clocks of hosts differ.
const BEFORE_S: u64 = 300;
/// A common name has at most 64 characters (RFC 5280, ub-common-name).
const MAX_COMMON_NAME: usize = 64;

/// A certificate as it was read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    /// Its section of a PEM file, with a line end.
    pub(super) pem: String,
    pub(super) der: CertificateDer<'static>,
    pub(super) fields: Certificate,
}

/// Reads all certificates of a text in PEM; text around them is skipped.
///
/// # Errors
/// There is none, or one that cannot be read.
pub(super) fn parse_certificates(text: &str) -> Result<Vec<Read>, String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(BEGIN) {
        let section = rest.get(start..).unwrap_or_default();
        let end = section.find(END).ok_or("a certificate without its end line")? + END.len();
        let (section, behind) = section.split_at(end);
        let der = CertificateDer::from_pem_slice(section.as_bytes())
            .map_err(|_| "a certificate whose PEM cannot be read".to_owned())?;
        let fields = Certificate::parse(&der).map_err(|error| error.to_string())?;
        found.push(Read { pem: format!("{section}\n"), der, fields });
        rest = behind;
    }
    if found.is_empty() {
        return Err("no certificate in PEM".into());
    }
    Ok(found)
}

/// An authority that can issue certificates.
#[derive(Debug)]
pub(super) struct Authority {
    pub(super) certificate: Read,
    issuer: Issuer<'static, AuthorityKey>,
}

impl Authority {
    /// Creates an authority: its certificate and its key, in PEM.
    ///
    /// # Errors
    /// The system has no random numbers, or it is too late a time.
    pub(super) fn create(now_s: u64, days: u64) -> Result<(String, String), String> {
        let key = KeyPair::generate().map_err(words)?;
        let serial = random_serial()?;
        let tail: String = serial.iter().rev().take(4).map(|byte| format!("{byte:02x}")).collect();
        let mut params = params(serial, now_s, now_s.saturating_add(days.saturating_mul(DAY_S)));
        // Two authorities must not have one name, or a rotation could not tell them apart.
        params.distinguished_name.push(DnType::CommonName, format!("agora CA {tail}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(words)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// The first of these certificates that the key belongs to, with the key.
    ///
    /// # Errors
    /// What is wrong with the key, that it belongs to none of them, or what the certificate lacks.
    pub(super) fn load(
        certificates: &[Read],
        key: AuthorityKey,
        now_s: u64,
    ) -> Result<Authority, String> {
        let mut all = certificates.iter();
        let certificate = all.find(|read| read.fields.public_key == key.public_key());
        let Some(certificate) = certificate.cloned() else {
            return Err("the private key does not belong to it".into());
        };
        check(&certificate.fields, now_s)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name(&certificate.fields)?;
        if let Some(id) = &certificate.fields.key_id {
            params.key_identifier_method = KeyIdMethod::PreSpecified(id.clone());
        }
        Ok(Authority { certificate, issuer: Issuer::new(params, key) })
    }

    /// Issues a certificate for a key, in PEM. It ends with the authority at the latest.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn issue(
        &self,
        holder: &Holder,
        key: &KeyPair,
        now_s: u64,
        days: u64,
    ) -> Result<String, String> {
        let end_s = now_s.saturating_add(days.saturating_mul(DAY_S));
        let authority_end_s = u64::try_from(self.certificate.fields.not_after_s).unwrap_or(0);
        let mut params = params(random_serial()?, now_s, end_s.min(authority_end_s));
        params.distinguished_name = subject(holder);
        params.subject_alt_names = alternative_names(holder)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = match holder.kind.is_server() {
            true => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
            false => vec![ExtendedKeyUsagePurpose::ClientAuth],
        };
        Ok(params.signed_by(key, &self.issuer).map_err(words)?.pem())
    }
}

/// What an authority must be to issue certificates that others accept.
fn check(certificate: &Certificate, now_s: u64) -> Result<(), String> {
    let now_s = i64::try_from(now_s).unwrap_or(i64::MAX);
    if !certificate.is_authority {
        return Err("it may not sign certificates: it has no basic constraint CA:TRUE (openssl \
                    req -x509 writes one with -addext basicConstraints=critical,CA:TRUE)"
            .into());
    }
    if certificate.may_sign_certificates == Some(false) {
        return Err("it may not sign certificates: its key usage lacks keyCertSign (openssl req \
                    -x509 writes it with -addext keyUsage=critical,keyCertSign,cRLSign)"
            .into());
    }
    if certificate.not_after_s < now_s {
        return Err(format!("it expired on {}", date(certificate.not_after_s)));
    }
    if certificate.not_before_s > now_s {
        return Err(format!("it is valid from {} only", date(certificate.not_before_s)));
    }
    Ok(())
}

/// The subject of an authority, as rcgen writes it as the issuer of others.
fn distinguished_name(certificate: &Certificate) -> Result<DistinguishedName, String> {
    let plain = "openssl req -x509 -subj /CN=NAME makes a plain one";
    let mut name = DistinguishedName::new();
    for (id, tag, bytes) in &certificate.subject.attributes {
        let kind = DnType::from_oid(id);
        if name.get(&kind).is_some() {
            return Err(format!("its subject has two attributes of one kind; {plain}"));
        }
        let value = string(*tag, bytes);
        let value = value.ok_or_else(|| format!("its subject has an unusual text; {plain}"))?;
        name.push(kind, value);
    }
    match certificate.subject.attributes.is_empty() {
        true => Err(format!("it has no subject; {plain}")),
        false => Ok(name),
    }
}

/// A string of one of the types of `DirectoryString` (RFC 5280 section 4.1.2.4), or IA5String.
fn string(tag: u64, bytes: &[u8]) -> Option<DnValue> {
    let text = std::str::from_utf8(bytes).ok();
    match tag {
        12 => Some(DnValue::Utf8String(text?.to_owned())),
        19 => Some(DnValue::PrintableString(text?.try_into().ok()?)),
        20 => Some(DnValue::TeletexString(text?.try_into().ok()?)),
        22 => Some(DnValue::Ia5String(text?.try_into().ok()?)),
        28 => Some(DnValue::UniversalString(
            rcgen::string::UniversalString::from_utf32be(bytes.to_vec()).ok()?,
        )),
        30 => {
            Some(DnValue::BmpString(rcgen::string::BmpString::from_utf16be(bytes.to_vec()).ok()?))
        }
        _ => None,
    }
}

fn params(serial: [u8; 16], now_s: u64, end_s: u64) -> CertificateParams {
    // The last second that a certificate can name (RFC 5280 section 4.1.2.5).
    const LAST_S: u64 = 253_402_300_799;
    let moment = |s: u64| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(s.min(LAST_S));
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = DistinguishedName::new();
    params.not_before = moment(now_s.saturating_sub(BEFORE_S));
    params.not_after = moment(end_s);
    params
}

fn subject(holder: &Holder) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    let folder = holder.folder();
    let common = if folder.len() <= MAX_COMMON_NAME { folder } else { holder.kind.word().into() };
    name.push(DnType::CommonName, common);
    if let Role::Node { group, .. } = &holder.role {
        name.push(DnType::OrganizationName, group.clone());
    }
    name
}

fn alternative_names(holder: &Holder) -> Result<Vec<SanType>, String> {
    let uri = holder.role.to_string().try_into().map_err(words)?;
    let mut names = vec![SanType::URI(uri)];
    for host in &holder.hosts {
        names.push(match host {
            Host::Name(name) => SanType::DnsName(name.as_str().try_into().map_err(words)?),
            Host::Address(address) => SanType::IpAddress(*address),
        });
    }
    Ok(names)
}

/// 126 random bits; RFC 5280 section 4.1.2.2 permits up to 159.
fn random_serial() -> Result<[u8; 16], String> {
    let mut serial = [0; 16];
    let filled = default_provider().secure_random.fill(&mut serial);
    filled.map_err(|_| "the system has no random numbers".to_owned())?;
    // Positive, and always of this length.
    serial[0] = serial[0] & 0x7f | 0x40;
    Ok(serial)
}

fn words(error: rcgen::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::cert::holder::{Kind, parse_nodes, parse_people};
    use crate::cli::cert::verify;

    const NOW_S: u64 = 1_800_000_000;

    fn load(pem: &str, key: &str, now_s: u64) -> Result<Authority, String> {
        Authority::load(&parse_certificates(pem).unwrap(), AuthorityKey::parse(key).unwrap(), now_s)
    }

    /// An authority that is made by other means.
    fn other(change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = params([7; 16], NOW_S, NOW_S + 9 * DAY_S);
        params.distinguished_name.push(DnType::CommonName, "other");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn issue(authority: &Authority, holder: &Holder, days: u64) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let pem = authority.issue(holder, &key, NOW_S, days).unwrap();
        parse_certificates(&pem).unwrap().remove(0).fields
    }

    #[test]
    fn a_certificate_has_the_names_and_the_time_of_its_holder() {
        let (pem, key) = Authority::create(NOW_S, 3650).unwrap();
        let authority = load(&pem, &key, NOW_S).unwrap();
        let node = parse_nodes("1=vm1.example+10.0.0.1+[fd00::1]", "agora").unwrap().remove(0);
        let made = issue(&authority, &node, 365);
        assert_eq!(made.uris, ["agora:node/agora/1"]);
        assert_eq!(made.hosts, ["vm1.example", "10.0.0.1", "fd00::1"]);
        assert_eq!(made.subject.to_string(), "CN=node-1, O=agora");
        assert_eq!(made.issuer, authority.certificate.fields.subject);
        assert_eq!(made.not_before_s, (NOW_S - BEFORE_S).cast_signed());
        assert_eq!(made.not_after_s, (NOW_S + 365 * DAY_S).cast_signed());
        assert!(!made.is_authority && made.may_sign_certificates == Some(false));
        let again = issue(&authority, &node, 365);
        assert_ne!(made.serial, again.serial);
        let alice = parse_people(Kind::Client, "alice").unwrap().remove(0);
        let made = issue(&authority, &alice, 1);
        assert_eq!((made.uris, made.hosts), (vec!["agora:client/alice".to_owned()], Vec::new()));
    }

    #[test]
    fn a_certificate_does_not_outlive_its_authority() {
        let (pem, key) = Authority::create(NOW_S, 10).unwrap();
        let authority = load(&pem, &key, NOW_S).unwrap();
        let alice = parse_people(Kind::Client, "alice").unwrap().remove(0);
        assert_eq!(issue(&authority, &alice, 365).not_after_s, (NOW_S + 10 * DAY_S).cast_signed());
    }

    #[test]
    fn authorities_have_different_names_and_times_that_certificates_can_express() {
        let fields = |days| {
            let (pem, _) = Authority::create(NOW_S, days).unwrap();
            parse_certificates(&pem).unwrap().remove(0).fields
        };
        let (one, other) = (fields(36_525), fields(u64::MAX));
        assert_ne!(one.subject, other.subject);
        assert_eq!(other.not_after_s, 253_402_300_799);
        assert_eq!(one.may_sign_certificates, Some(true));
    }

    #[test]
    fn what_an_authority_lacks_is_named() {
        let reason = |change: fn(&mut CertificateParams), now_s| {
            let (pem, key) = other(change);
            load(&pem, &key, now_s).map(drop)
        };
        assert_eq!(reason(|_| (), NOW_S), Ok(()));
        assert!(reason(|params| params.is_ca = IsCa::NoCa, NOW_S).unwrap_err().contains("CA:TRUE"));
        let usage: fn(&mut CertificateParams) =
            |params| params.key_usages = vec![KeyUsagePurpose::CrlSign];
        assert!(reason(usage, NOW_S).unwrap_err().contains("keyCertSign"));
        assert!(reason(|_| (), NOW_S + 10 * DAY_S).unwrap_err().starts_with("it expired on 2027-"));
        assert!(reason(|_| (), NOW_S - DAY_S).unwrap_err().starts_with("it is valid from 2027-"));
        let nameless: fn(&mut CertificateParams) =
            |params| params.distinguished_name = DistinguishedName::new();
        assert!(reason(nameless, NOW_S).unwrap_err().contains("no subject"));
        let (pem, _) = other(|_| ());
        let (_, foreign) = other(|_| ());
        let refused = load(&pem, &foreign, NOW_S).unwrap_err();
        assert_eq!(refused, "the private key does not belong to it");
    }

    #[test]
    fn the_authority_of_several_is_the_one_with_the_key() {
        let ((old, _), (new, key)) = (other(|_| ()), other(|_| ()));
        let text = format!("some text\n{old}more text{new}");
        assert_eq!(parse_certificates(&text).unwrap().len(), 2);
        let authority = load(&text, &key, NOW_S).unwrap();
        assert_eq!(authority.certificate.pem.trim(), new.trim());
    }

    #[test]
    fn subjects_of_all_kinds_of_text_are_reproduced() {
        let (pem, key) = other(|params| {
            let name = &mut params.distinguished_name;
            name.push(DnType::CountryName, DnValue::PrintableString("AT".try_into().unwrap()));
            name.push(DnType::OrganizationName, "M\u{fc}ller");
            name.push(DnType::LocalityName, DnValue::BmpString("M\u{fc}".try_into().unwrap()));
            name.push(DnType::StateOrProvinceName, DnValue::Ia5String("x".try_into().unwrap()));
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2100, 1, 1);
        });
        let now_s = crate::cli::cert::moment::now_s();
        let authority = load(&pem, &key, now_s).unwrap();
        let alice = parse_people(Kind::Client, "alice").unwrap().remove(0);
        let own = authority.issue(&alice, &KeyPair::generate().unwrap(), now_s, 1).unwrap();
        let trusted = parse_certificates(&pem).unwrap();
        verify::as_client(&parse_certificates(&own).unwrap(), &trusted).unwrap();
        let (foreign, _) = other(|_| ());
        let refused = verify::as_client(
            &parse_certificates(&own).unwrap(),
            &parse_certificates(&foreign).unwrap(),
        );
        assert_eq!(refused.unwrap_err(), "no authority in ca.pem has signed it");
    }

    #[test]
    fn damaged_certificates_are_refused() {
        let (pem, _) = other(|_| ());
        for text in [
            "",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            &pem[..pem.len() / 2],
        ] {
            assert!(parse_certificates(text).is_err(), "{text:?}");
        }
        let wrong_keys = [
            ("", "no private key in PEM"),
            (&pem, "contains no private key"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----", "openssl pkey"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "not supported"),
        ];
        for (text, reason) in wrong_keys {
            let refused = AuthorityKey::parse(text).unwrap_err();
            assert!(refused.contains(reason), "{text:?}: {refused}");
        }
    }
}

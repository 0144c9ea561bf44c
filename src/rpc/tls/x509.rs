//! The fields of an X.509 certificate that Agora uses: names, validity, and what an authority may
//! do (RFC 5280 section 4.1, and the extensions of sections 4.2.1.2, 4.2.1.3, 4.2.1.6 and 4.2.1.9).
//!
//! Nothing is verified here: rustls verifies signatures, validity and chains. The module reads
//! names that rustls does not report, and tells people what a certificate contains. Left out: all
//! other extensions, and names of other kinds than DNS names, addresses and URIs.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use yasna::{ASN1Error, ASN1ErrorKind, ASN1Result, BERReader, BERReaderSeq, Tag};

use crate::call::Identity;
use crate::text::days_since_1970;

/// A name: its attributes in order, each with object identifier, ASN.1 tag number of the string
/// type, and bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistinguishedName {
    /// The attributes. The attributes of one relative name are not told apart from those of the
    /// next one.
    pub attributes: Vec<(Vec<u64>, u64, Vec<u8>)>,
}

/// The fields of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The serial number, big-endian.
    pub serial: Vec<u8>,
    /// The authority that has signed it.
    pub issuer: DistinguishedName,
    /// The owner of the key.
    pub subject: DistinguishedName,
    /// Seconds since 1970 from which it is valid.
    pub not_before_s: i64,
    /// Seconds since 1970 up to which it is valid.
    pub not_after_s: i64,
    /// The subject's public key with its algorithm, as DER.
    pub public_key: Vec<u8>,
    /// DNS names and IP addresses of the subject alternative name.
    pub hosts: Vec<String>,
    /// URIs of the subject alternative name.
    pub uris: Vec<String>,
    /// Basic constraints: it may sign certificates.
    pub is_authority: bool,
    /// Whether key usage permits signing certificates; `None` without the extension.
    pub may_sign_certificates: Option<bool>,
    /// The subject key identifier.
    pub key_id: Option<Vec<u8>>,
}

/// The bytes are no certificate, or one with a field that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateError(ASN1Error);

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.0.kind() {
            ASN1ErrorKind::Eof => "it ends too early",
            ASN1ErrorKind::Extra => "it goes on after its end",
            _ => "a field is malformed",
        };
        write!(f, "the certificate cannot be read: {reason}")
    }
}

impl std::error::Error for CertificateError {}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// It is malformed.
    pub fn parse(der: &[u8]) -> Result<Certificate, CertificateError> {
        let parsed = yasna::parse_der(der, |reader| {
            reader.read_sequence(|reader| {
                let certificate = reader.next().read_sequence(to_be_signed)?;
                // Signature algorithm and signature.
                reader.next().read_der()?;
                reader.next().read_der()?;
                Ok(certificate)
            })
        });
        parsed.map_err(CertificateError)
    }

    /// The names that decide what the owner may do.
    pub fn identity(&self) -> Identity {
        let uris = self.uris.iter().map(String::as_str);
        Identity::new(&self.subject.to_string(), uris, self.hosts.clone())
    }
}

impl fmt::Display for DistinguishedName {
    /// As in RFC 4514, but in the order of the certificate, and without its escapes: `CN=x, O=y`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (id, tag, bytes)) in self.attributes.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            match known_attribute(id) {
                Some(name) => write!(f, "{separator}{name}=")?,
                None => {
                    let id: Vec<String> = id.iter().map(u64::to_string).collect();
                    write!(f, "{separator}{}=", id.join("."))?;
                }
            }
            f.write_str(&text(*tag, bytes))?;
        }
        Ok(())
    }
}

/// The attribute types of RFC 4519 that are common in certificates.
fn known_attribute(id: &[u64]) -> Option<&'static str> {
    Some(match id {
        [2, 5, 4, 3] => "CN",
        [2, 5, 4, 5] => "serialNumber",
        [2, 5, 4, 6] => "C",
        [2, 5, 4, 7] => "L",
        [2, 5, 4, 8] => "ST",
        [2, 5, 4, 10] => "O",
        [2, 5, 4, 11] => "OU",
        [0, 9, 2342, 19_200_300, 100, 1, 25] => "DC",
        _ => return None,
    })
}

/// A string of one of the ASN.1 types: BMPString is UTF-16, TeletexString is taken as Latin-1.
fn text(tag: u64, bytes: &[u8]) -> String {
    const TELETEX: u64 = 20;
    const BMP: u64 = 30;
    match tag {
        TELETEX => bytes.iter().map(|&byte| char::from(byte)).collect(),
        BMP => {
            let units: Vec<u16> =
                bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// `TBSCertificate`.
fn to_be_signed(reader: &mut BERReaderSeq<'_, '_>) -> ASN1Result<Certificate> {
    reader.read_optional(|reader| {
        reader.read_tagged(Tag::context(0), |reader| reader.read_der().map(drop))
    })?;
    let serial = reader.next().read_bigint_bytes()?.0;
    // Signature algorithm.
    reader.next().read_der()?;
    let issuer = name(reader.next())?;
    let (not_before_s, not_after_s) =
        reader.next().read_sequence(|reader| Ok((time(reader.next())?, time(reader.next())?)))?;
    let subject = name(reader.next())?;
    let public_key = reader.next().read_der()?;
    for unique_id in [1, 2] {
        reader.read_optional(|reader| {
            reader.read_tagged_implicit(Tag::context(unique_id), |reader| {
                reader.read_bitvec_bytes().map(drop)
            })
        })?;
    }
    let mut certificate = Certificate {
        serial,
        issuer,
        subject,
        not_before_s,
        not_after_s,
        public_key,
        ..Certificate::default()
    };
    reader.read_optional(|reader| {
        reader.read_tagged(Tag::context(3), |reader| {
            reader
                .read_sequence_of(|reader| reader.read_sequence(|r| extension(r, &mut certificate)))
        })
    })?;
    Ok(certificate)
}

/// `Name`.
fn name(reader: BERReader<'_, '_>) -> ASN1Result<DistinguishedName> {
    let mut attributes = Vec::new();
    reader.read_sequence_of(|reader| {
        reader.read_set_of(|reader| {
            reader.read_sequence(|reader| {
                let id = reader.next().read_oid()?.into_components();
                let value = reader.next().read_tagged_der()?;
                attributes.push((id, value.tag().tag_number, value.value().to_vec()));
                Ok(())
            })
        })
    })?;
    Ok(DistinguishedName { attributes })
}

/// `Time`: UTCTime up to 2049, else GeneralizedTime; both end with Z and have seconds (RFC 5280
/// section 4.1.2.5).
fn time(reader: BERReader<'_, '_>) -> ASN1Result<i64> {
    const UTC_TIME: u64 = 23;
    const GENERALIZED_TIME: u64 = 24;
    let value = reader.read_tagged_der()?;
    let text = value.value();
    let parsed = match (value.tag().tag_number, text.len()) {
        (UTC_TIME, 13) => number(&text[..2]).and_then(|year| {
            let year = if year < 50 { 2000 + year } else { 1900 + year };
            seconds(year, &text[2..])
        }),
        (GENERALIZED_TIME, 15) => number(&text[..4]).and_then(|year| seconds(year, &text[4..])),
        _ => None,
    };
    parsed.ok_or(ASN1Error::new(ASN1ErrorKind::Invalid))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
    })
}

/// Seconds since 1970 of `MMDDHHMMSSZ` in a year of the Gregorian calendar.
fn seconds(year: i64, rest: &[u8]) -> Option<i64> {
    let (digits, b"Z") = rest.split_at_checked(10)? else { return None };
    let mut fields = [0; 5];
    for (field, pair) in fields.iter_mut().zip(digits.chunks_exact(2)) {
        *field = number(pair)?;
    }
    let [month, day, hour, minute, second] = fields;
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// `Extension`.
fn extension(reader: &mut BERReaderSeq<'_, '_>, into: &mut Certificate) -> ASN1Result<()> {
    let id = reader.next().read_oid()?.into_components();
    reader.read_optional(|reader| reader.read_bool())?;
    let value = reader.next().read_bytes()?;
    match id.as_slice() {
        [2, 5, 29, 14] => into.key_id = Some(yasna::parse_der(&value, |r| r.read_bytes())?),
        [2, 5, 29, 15] => {
            const KEY_CERT_SIGN: u8 = 0b0000_0100;
            let (bits, _) = yasna::parse_der(&value, |r| r.read_bitvec_bytes())?;
            let bits = bits.first().copied().unwrap_or(0);
            into.may_sign_certificates = Some(bits & KEY_CERT_SIGN != 0);
        }
        [2, 5, 29, 17] => {
            yasna::parse_der(&value, |r| r.read_sequence_of(|r| general_name(r, into)))?
        }
        [2, 5, 29, 19] => {
            into.is_authority = yasna::parse_der(&value, |reader| {
                reader.read_sequence(|reader| {
                    let is_authority = reader.read_optional(|reader| reader.read_bool())?;
                    reader.read_optional(|reader| reader.read_u64())?;
                    Ok(is_authority.unwrap_or(false))
                })
            })?;
        }
        _ => (),
    }
    Ok(())
}

/// `GeneralName`.
fn general_name(reader: BERReader<'_, '_>, into: &mut Certificate) -> ASN1Result<()> {
    const DNS_NAME: u64 = 2;
    const URI: u64 = 6;
    const IP_ADDRESS: u64 = 7;
    let name = reader.read_tagged_der()?;
    let invalid = || ASN1Error::new(ASN1ErrorKind::Invalid);
    let ascii = || match std::str::from_utf8(name.value()) {
        Ok(text) if text.is_ascii() => Ok(text.to_owned()),
        _ => Err(invalid()),
    };
    match name.tag() {
        tag if tag == Tag::context(DNS_NAME) => into.hosts.push(ascii()?),
        tag if tag == Tag::context(URI) => into.uris.push(ascii()?),
        tag if tag == Tag::context(IP_ADDRESS) => {
            into.hosts.push(address(name.value()).ok_or_else(invalid)?.to_string());
        }
        _ => (),
    }
    Ok(())
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::V4(Ipv4Addr::from(v4)));
    }
    Some(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)))
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, SanType,
        date_time_ymd,
    };

    use super::*;
    use crate::call::Role;

    fn der(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "node 1");
        change(&mut params);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn leaf() -> Vec<u8> {
        der(|params| {
            params.subject_alt_names = vec![
                SanType::URI("agora:node/agora/1".try_into().unwrap()),
                SanType::DnsName("vm1".try_into().unwrap()),
                SanType::IpAddress("10.0.0.1".parse::<IpAddr>().unwrap()),
                SanType::IpAddress("fd00::1".parse::<IpAddr>().unwrap()),
                SanType::Rfc822Name("a@b".try_into().unwrap()),
                SanType::URI("https://example.org".try_into().unwrap()),
            ];
            params.not_before = date_time_ymd(2024, 2, 29);
            params.not_after = date_time_ymd(2061, 12, 31);
        })
    }

    #[test]
    fn names_and_validity_are_read() {
        let certificate = Certificate::parse(&leaf()).unwrap();
        assert_eq!(certificate.subject.to_string(), "CN=node 1");
        assert_eq!(certificate.issuer, certificate.subject);
        assert_eq!(certificate.hosts, ["vm1", "10.0.0.1", "fd00::1"]);
        assert_eq!(certificate.not_before_s, 1_709_164_800);
        assert_eq!(certificate.not_after_s, 2_903_212_800);
        assert!(!certificate.is_authority && !certificate.serial.is_empty());
        let identity = certificate.identity();
        assert_eq!(identity.roles, [Role::Node { group: "agora".into(), id: 1 }]);
        assert!(identity.is_for_agora);
    }

    #[test]
    fn an_authority_is_recognized() {
        let authority = |usages: Vec<KeyUsagePurpose>| {
            let parsed = Certificate::parse(&der(|params| {
                params.is_ca = IsCa::Ca(BasicConstraints::Constrained(3));
                params.key_usages = usages;
            }));
            parsed.unwrap()
        };
        let certificate = authority(vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign]);
        assert!(certificate.is_authority && certificate.key_id.is_some());
        assert_eq!(certificate.may_sign_certificates, Some(true));
        let certificate = authority(vec![KeyUsagePurpose::DigitalSignature]);
        assert_eq!(certificate.may_sign_certificates, Some(false));
        assert_eq!(authority(Vec::new()).may_sign_certificates, None);
    }

    #[test]
    fn a_certificate_without_names_has_no_role() {
        let identity = Certificate::parse(&der(|_| ())).unwrap().identity();
        assert!(identity.roles.is_empty() && identity.hosts.is_empty() && !identity.is_for_agora);
    }

    #[test]
    fn cut_certificates_are_errors() {
        let whole = leaf();
        for length in 0..whole.len() {
            assert!(Certificate::parse(&whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn damaged_certificates_are_read_or_refused() {
        let whole = leaf();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << bit;
                // Neither result is wrong; a panic or an endless loop would be.
                if let Ok(certificate) = Certificate::parse(&damaged) {
                    let _ = certificate.identity();
                }
            }
        }
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(seconds(1970, b"0101000000Z"), Some(0));
        assert_eq!(seconds(1999, b"1231235959Z"), Some(946_684_799));
        assert_eq!(seconds(2000, b"0229123456Z"), Some(951_827_696));
        for text in [&b"1301000000Z"[..], b"0100000000Z", b"0101240000Z", b"0101000000", b""] {
            assert_eq!(seconds(2000, text), None);
        }
    }
}

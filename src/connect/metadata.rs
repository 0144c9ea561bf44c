//! Metadata as fields of HTTP ("Leading-Metadata", "Prefixed-Trailing-Metadata").

use std::borrow::Cow;

use crate::call::{Metadata, Status};
use crate::hpack::FieldBlock;
use crate::text::base64;

/// Names that belong to HTTP or to the protocol: neither received nor sent as metadata.
const NOT_METADATA: [&[u8]; 12] = [
    b"accept-encoding",
    b"connection",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"host",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
];

/// Rich errors of gRPC, which Connect sends as `details` of the error.
pub(super) const DETAILS: &[u8] = b"grpc-status-details-bin";

/// Adds a field of a request to `metadata`, unless its name belongs to HTTP or to the protocol. A name
/// outside the alphabet of metadata and a value that is not printable ASCII are skipped, as in gRPC.
///
/// # Errors
/// A `-bin` value is not base64.
pub(super) fn receive(
    name: &[u8],
    value: &[u8],
    metadata: &mut Metadata,
) -> Result<(), base64::NotBase64> {
    if is_reserved(name) || !name.iter().all(is_name_byte) {
        return Ok(());
    }
    if name.ends_with(b"-bin") {
        let mut bytes = Vec::new();
        for text in value.split(|byte| *byte == b',') {
            bytes.clear();
            base64::decode_both(text.trim_ascii(), &mut bytes)?;
            // Fails only above 4 GiB, far beyond what the fields of a request may hold.
            let _ = metadata.append(name, &bytes);
        }
    } else if value.iter().all(|byte| (0x20..=0x7e).contains(byte)) {
        // As above.
        let _ = metadata.append(name, value);
    }
    Ok(())
}

/// Adds metadata to the fields of a response, with a prefix before each name.
pub(super) fn send(prefix: &str, metadata: &Metadata, fields: &mut FieldBlock) {
    for (name, value) in metadata.iter().filter(|(name, _)| is_sent(name)) {
        fields.push(&[prefix.as_bytes(), name].concat(), &text(name, value));
    }
}

/// A name with its values, as they are sent.
pub(super) type Named<'a> = (&'a [u8], Vec<Cow<'a, [u8]>>);

/// The values of trailing metadata by name, in the order in which the names are first used.
pub(super) fn by_name(status: &Status) -> Vec<Named<'_>> {
    let mut grouped: Vec<Named<'_>> = Vec::new();
    for (name, value) in status.metadata.iter().filter(|(name, _)| is_sent(name)) {
        let value = text(name, value);
        match grouped.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => grouped.push((name, vec![value])),
        }
    }
    grouped
}

/// The value of a field: base64 without padding for `-bin`.
fn text<'a>(name: &[u8], value: &'a [u8]) -> Cow<'a, [u8]> {
    if name.ends_with(b"-bin") {
        let mut text = Vec::new();
        base64::encode(value, &mut text);
        return Cow::Owned(text);
    }
    // HTTP strips spaces at both ends (RFC 9110 section 5.5).
    Cow::Borrowed(value.trim_ascii())
}

fn is_sent(name: &[u8]) -> bool {
    !is_reserved(name) && name != DETAILS
}

fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(b"connect-") || name.starts_with(b"grpc-") || NOT_METADATA.contains(&name)
}

fn is_name_byte(byte: &u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')
}

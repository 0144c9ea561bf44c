//! Metadata as header fields ("gRPC over HTTP2", `Custom-Metadata`).

use super::fault::Fault;
use crate::call::Metadata;
use crate::hpack::{FieldBlock, Indexing};
use crate::text::base64;

/// Names of HTTP and of the call definition, which are neither sent nor reported as metadata. (A server
/// reports `user-agent`; see `request`.)
const NOT_METADATA: [&[u8]; 10] = [
    b"connection",
    b"content-length",
    b"content-type",
    b"host",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"transfer-encoding",
    b"upgrade",
    b"user-agent",
];

/// Adds a received field to `metadata`, unless its name belongs to HTTP or gRPC.
///
/// A name outside gRPC's alphabet and a value that is not printable ASCII are legal in HTTP. gRPC
/// forbids failing the call for them and leaves the rest to the implementation: they are skipped, so
/// that an application can send all metadata that it receives.
///
/// # Errors
/// [`Fault::Binary`] when a `-bin` value is not base64; the values before it are added.
pub(super) fn receive(name: &[u8], value: &[u8], metadata: &mut Metadata) -> Result<(), Fault> {
    if name.starts_with(b"grpc-") || NOT_METADATA.contains(&name) || !name.iter().all(is_name_byte)
    {
        return Ok(());
    }
    if name.ends_with(b"-bin") {
        return receive_binary(name, value, metadata);
    }
    receive_text(name, value, metadata);
    Ok(())
}

/// The same for a name that is known to be metadata with a text value.
pub(super) fn receive_text(name: &[u8], value: &[u8], metadata: &mut Metadata) {
    // No early exit, so that the loop can be vectorized.
    if value.iter().fold(true, |printable, byte| printable & (0x20..=0x7e).contains(byte)) {
        // Fails only above 4 GiB, far beyond what a header list may hold.
        let _ = metadata.append(name, value);
    }
}

/// The same for a name that is known to be metadata and ends in `-bin`.
pub(super) fn receive_binary(
    name: &[u8],
    value: &[u8],
    metadata: &mut Metadata,
) -> Result<(), Fault> {
    let mut bytes = Vec::new();
    for text in value.split(|byte| *byte == b',') {
        bytes.clear();
        base64::decode(text.trim_ascii(), &mut bytes).map_err(|base64::NotBase64| Fault::Binary)?;
        // As above.
        let _ = metadata.append(name, &bytes);
    }
    Ok(())
}

fn is_name_byte(byte: &u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')
}

/// Adds `metadata` to `fields`.
pub(super) fn send(metadata: &Metadata, fields: &mut FieldBlock) {
    let mut text = Vec::new();
    for (name, value) in metadata.iter() {
        if NOT_METADATA.contains(&name) {
            continue;
        }
        if name.ends_with(b"-bin") {
            text.clear();
            base64::encode(value, &mut text);
            fields.push(name, &text);
        } else {
            // gRPC allows stripping spaces; HTTP/2 forbids them at both ends (RFC 9113 8.2.1).
            fields.push(name, value.trim_ascii());
        }
    }
}

/// The indexing of a field that is not constant. Metadata does not enter the dynamic table: it changes
/// with every call (request ids, trace ids) and would evict fields that do not. Secrets must not enter
/// any table of an intermediary either (RFC 7541 section 7.1.3).
pub(super) fn indexing(name: &[u8]) -> Indexing {
    match name {
        b":path" | b"grpc-status" => Indexing::Incremental,
        b"authorization" | b"proxy-authorization" | b"cookie" | b"set-cookie" => Indexing::Never,
        _ => Indexing::Without,
    }
}

/// The fields of a response with the indexing of each.
pub(super) fn indexed(fields: &FieldBlock) -> impl Iterator<Item = (&[u8], &[u8], Indexing)> {
    fields.iter().map(|(name, value)| (name, value, indexing(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(fields: &[(&str, &str)]) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        let mut metadata = Metadata::new();
        for (name, value) in fields {
            receive(name.as_bytes(), value.as_bytes(), &mut metadata)?;
        }
        let owned = |(name, value): (&[u8], &[u8])| {
            (String::from_utf8(name.to_vec()).unwrap(), value.to_vec())
        };
        Ok(metadata.iter().map(owned).collect())
    }

    fn pair(name: &str, value: &[u8]) -> (String, Vec<u8>) {
        (name.to_owned(), value.to_vec())
    }

    #[test]
    fn bin_values_are_split_on_commas_and_decoded_padded_or_not() {
        let pairs = received(&[("a-bin", "Zm8=,Zm8, Zm9v"), ("a-bin", "")]);
        let expected = [&b"fo"[..], b"fo", b"foo", b""].map(|value| pair("a-bin", value));
        assert_eq!(pairs.unwrap(), expected);
        assert_eq!(received(&[("a-bin", "Zm8=,!")]), Err(Fault::Binary));
    }

    #[test]
    fn other_values_are_not_split() {
        assert_eq!(received(&[("a", "1,2")]).unwrap(), [pair("a", b"1,2")]);
    }

    #[test]
    fn fields_of_http_and_grpc_are_not_metadata() {
        let fields = [
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("grpc-timeout", "1S"),
            ("grpc-accept-encoding", "gzip"),
            ("grpc-future", "x"),
            ("grpc-status-details-bin", "Zg"),
            ("user-agent", "grpc-c/1"),
        ];
        assert_eq!(received(&fields).unwrap(), []);
    }

    #[test]
    fn fields_that_grpc_forbids_are_skipped_without_an_error() {
        let fields = [("a", "caf\u{e9}"), ("b", "tab\there"), ("c!", "x"), ("d", "ok")];
        assert_eq!(received(&fields).unwrap(), [pair("d", b"ok")]);
    }

    #[test]
    fn bin_values_are_written_unpadded_and_http_names_are_not_written() {
        let mut metadata = Metadata::new();
        for (name, value) in [
            ("a-bin", &b"fo"[..]),
            ("te", b"x"),
            ("user-agent", b"x"),
            ("connection", b"x"),
            ("b", b" v "),
        ] {
            metadata.insert(name, value).unwrap();
        }
        let mut fields = FieldBlock::new();
        send(&metadata, &mut fields);
        let sent: Vec<_> = fields.iter().collect();
        assert_eq!(sent, [(&b"a-bin"[..], &b"Zm8"[..]), (b"b", b"v")]);
    }
}

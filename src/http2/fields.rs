//! The rules for field blocks (RFC 9113 sections 8.1 to 8.3).
//!
//! A block that violates them makes its message *malformed*: a stream error of type PROTOCOL_ERROR
//! (section 8.1.1). Two things are not checked here: whether `:path` begins with a slash, and what
//! the values mean.

use crate::hpack::FieldBlock;

/// Why a message is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// The values of a checked response that the connection uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code, 100 to 999.
    pub status: u16,
    /// `content-length` in bytes, if present.
    pub content_length: Option<u64>,
}

/// Checks the first field block of a request; returns its `content-length`.
pub fn check_request(fields: &FieldBlock) -> Result<Option<u64>, Malformed> {
    check_bytes(fields)?;
    let mut pseudo = RequestPseudo::default();
    let mut regular = Regular::default();
    for (name, value) in fields.iter() {
        check_ends(value)?;
        if name.first() != Some(&b':') {
            regular.take(name, value)?;
            continue;
        }
        if regular.seen {
            return Err(Malformed("a pseudo-header field after a regular one"));
        }
        let field = match name {
            b":method" => &mut pseudo.method,
            b":scheme" => &mut pseudo.scheme,
            b":path" => &mut pseudo.path,
            b":authority" => &mut pseudo.authority,
            _ => return Err(Malformed("a pseudo-header field that requests do not have")),
        };
        if field.replace(value).is_some() {
            return Err(Malformed("a pseudo-header field twice"));
        }
    }
    pseudo.check(&regular)?;
    Ok(regular.content_length)
}

/// Checks the first field block of a response, or an informational one.
pub fn check_response(fields: &FieldBlock) -> Result<ResponseHead, Malformed> {
    check_bytes(fields)?;
    let mut status = None;
    let mut regular = Regular::default();
    for (name, value) in fields.iter() {
        check_ends(value)?;
        if name.first() != Some(&b':') {
            regular.take(name, value)?;
            continue;
        }
        if regular.seen {
            return Err(Malformed("a pseudo-header field after a regular one"));
        }
        if name != b":status" {
            return Err(Malformed("a pseudo-header field that responses do not have"));
        }
        if status.replace(parse_status(value)?).is_some() {
            return Err(Malformed("a pseudo-header field twice"));
        }
    }
    match status {
        // Section 8.6.
        Some(101) => Err(Malformed("HTTP/2 does not have status 101")),
        Some(status) => Ok(ResponseHead { status, content_length: regular.content_length }),
        None => Err(Malformed("a response without :status")),
    }
}

/// Checks a trailer section.
pub fn check_trailers(fields: &FieldBlock) -> Result<(), Malformed> {
    check_bytes(fields)?;
    let mut regular = Regular::default();
    for (name, value) in fields.iter() {
        check_ends(value)?;
        if name.first() == Some(&b':') {
            return Err(Malformed("a pseudo-header field in a trailer section"));
        }
        regular.take(name, value)?;
    }
    Ok(())
}

/// The pseudo-header fields of a request (section 8.3.1).
#[derive(Default)]
struct RequestPseudo<'f> {
    method: Option<&'f [u8]>,
    scheme: Option<&'f [u8]>,
    path: Option<&'f [u8]>,
    authority: Option<&'f [u8]>,
}

impl RequestPseudo<'_> {
    fn check(&self, regular: &Regular<'_>) -> Result<(), Malformed> {
        let method = self.method.ok_or(Malformed("a request without :method"))?;
        if method.is_empty() {
            return Err(Malformed("an empty :method"));
        }
        if method == b"CONNECT" {
            // Section 8.5.
            return match (self.scheme, self.path, self.authority) {
                (None, None, Some(_)) => Ok(()),
                _ => Err(Malformed("CONNECT has :authority, and neither :scheme nor :path")),
            };
        }
        let scheme = self.scheme.ok_or(Malformed("a request without :scheme"))?;
        let path = self.path.ok_or(Malformed("a request without :path"))?;
        let is_http = matches!(scheme, b"http" | b"https");
        if is_http && path.is_empty() {
            return Err(Malformed("an empty :path"));
        }
        if let Some(authority) = self.authority {
            if is_http && authority.contains(&b'@') {
                return Err(Malformed("user information in :authority"));
            }
            if regular.host.is_some_and(|host| !host.eq_ignore_ascii_case(authority)) {
                return Err(Malformed("host differs from :authority"));
            }
        }
        Ok(())
    }
}

/// The regular fields that were read so far.
#[derive(Default)]
struct Regular<'f> {
    seen: bool,
    content_length: Option<u64>,
    host: Option<&'f [u8]>,
}

impl<'f> Regular<'f> {
    fn take(&mut self, name: &'f [u8], value: &'f [u8]) -> Result<(), Malformed> {
        self.seen = true;
        match name {
            b"content-length" => {
                let length = parse_length(value)?;
                if self.content_length.replace(length).is_some_and(|before| before != length) {
                    return Err(Malformed("two values of content-length"));
                }
            }
            b"host" if self.host.replace(value).is_some() => return Err(Malformed("host twice")),
            // Section 8.2.2.
            b"te" if !value.eq_ignore_ascii_case(b"trailers") => {
                return Err(Malformed("te has a value other than trailers"));
            }
            b"connection" | b"proxy-connection" | b"keep-alive" | b"transfer-encoding"
            | b"upgrade" => return Err(Malformed("a connection-specific field")),
            // Frequent names that are known to be well-formed.
            b"te" | b"content-type" | b"user-agent" | b"accept-encoding" => {}
            _ if name.is_empty() || !name.iter().all(|&byte| NAME_BYTES[usize::from(byte)]) => {
                return Err(Malformed("a field name with a forbidden character"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The characters of a field name: those of a token (RFC 9110 section 5.6.2) without capitals.
const NAME_BYTES: [bool; 256] = {
    let mut allowed = [false; 256];
    let listed = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";
    let mut i = 0;
    while i < listed.len() {
        allowed[listed[i] as usize] = true;
        i += 1;
    }
    allowed
};

/// Section 8.2.1, with the definition of RFC 9110 section 5.5: no control characters except HTAB
/// in any value. (Names have none either: one pass over all bytes is cheaper than one per value.)
fn check_bytes(fields: &FieldBlock) -> Result<(), Malformed> {
    // No early exit, so that the loop can be vectorized.
    let control = |byte: u8| (byte < 0x20) & (byte != b'\t') | (byte == 0x7f);
    if fields.bytes().iter().fold(false, |found, &byte| found | control(byte)) {
        return Err(Malformed("a control character in a field"));
    }
    Ok(())
}

/// Section 8.2.1: no white space at either end.
fn check_ends(value: &[u8]) -> Result<(), Malformed> {
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    if blank(value.first()) || blank(value.last()) {
        return Err(Malformed("a field value that begins or ends with white space"));
    }
    Ok(())
}

fn parse_length(value: &[u8]) -> Result<u64, Malformed> {
    let malformed = Malformed("content-length is not a number");
    if value.is_empty() {
        return Err(malformed);
    }
    value.iter().try_fold(0u64, |length, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0')).ok_or(malformed)?;
        length.checked_mul(10).and_then(|length| length.checked_add(digit)).ok_or(malformed)
    })
}

fn parse_status(value: &[u8]) -> Result<u16, Malformed> {
    match value {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            let digit = |byte: &u8| u16::from(byte - b'0');
            Ok(digit(a) * 100 + digit(b) * 10 + digit(c))
        }
        _ => Err(Malformed(":status is not three digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_found_at_every_position() {
        let mut fields = FieldBlock::new();
        for byte in 0..=0xff {
            for len in 1..40 {
                for at in 0..len {
                    let mut value = vec![b'v'; len];
                    value[at] = byte;
                    fields.clear();
                    fields.push(b"a", b"first");
                    fields.push(b"b", &value);
                    let is_control = (byte < 0x20 && byte != b'\t') || byte == 0x7f;
                    let is_blank = matches!(byte, b' ' | b'\t') && (at == 0 || at + 1 == len);
                    let is_fine = check_trailers(&fields).is_ok();
                    assert_eq!(is_fine, !is_control && !is_blank, "{byte:#x} at {at} of {len}");
                }
            }
        }
    }
}

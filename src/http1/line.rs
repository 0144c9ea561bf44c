//! Lines and fields (RFC 9112 sections 2.2 and 5).

use super::Error;

/// A line that begins the input, and how many bytes it takes with its end.
pub(super) type Line<'a> = (&'a [u8], usize);

/// The first line of `input`, without its end; `None` if it is not complete.
///
/// # Errors
/// [`Error::LineEnd`]; `too_long` if it has more than `max` bytes, complete or not.
pub(super) fn take(input: &[u8], max: usize, too_long: Error) -> Result<Option<Line<'_>>, Error> {
    let window = input.get(..max.saturating_add(2)).unwrap_or(input);
    let Some(end) = window.iter().position(|byte| *byte == b'\n') else {
        // A CR is the end only directly before the LF.
        let inner = window.split_last().map_or(window, |(_, inner)| inner);
        return match inner.contains(&b'\r') {
            true => Err(Error::LineEnd),
            false if window.len() < input.len() || window.len() > max + 1 => Err(too_long),
            false => Ok(None),
        };
    };
    let line = window.get(..end).and_then(|line| line.strip_suffix(b"\r")).ok_or(Error::LineEnd)?;
    if line.contains(&b'\r') {
        return Err(Error::LineEnd);
    }
    Ok(Some((line, end + 1)))
}

/// The name and the value of a field line; the name as it was sent.
///
/// # Errors
/// [`Error::Folded`], [`Error::Field`].
pub(super) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(Error::Folded);
    }
    let colon = line.iter().position(|byte| *byte == b':').ok_or(Error::Field)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    // No token has white space: a name with some before the colon is refused (section 5.1).
    if !is_token(name) || !value.iter().all(|byte| is_field_byte(*byte)) {
        return Err(Error::Field);
    }
    Ok((name, trim(value)))
}

/// Removes optional white space at both ends (RFC 9110 section 5.6.3).
pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// A byte of a field's value (RFC 9110 section 5.5): no control character but the tab.
fn is_field_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// A token (RFC 9110 section 5.6.2).
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_token_byte(*byte))
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The members of a list in a field's value (RFC 9110 section 5.6.1), without empty ones.
pub(super) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim).filter(|member| !member.is_empty())
}

//! Bodies of requests (RFC 9112 sections 6 and 7).

use super::Error;
use super::line::{self, field};
use crate::call::Limits;
use crate::hpack::FIELD_OVERHEAD_BYTES;

/// The rest of a body.
#[derive(Debug)]
pub(super) enum Body {
    /// So many bytes.
    Length(u64),
    Chunked(Chunked),
}

/// What follows of a body in chunks.
#[derive(Debug)]
pub(super) enum Chunked {
    /// The line with the size of a chunk.
    Size,
    /// So many bytes of a chunk.
    Data(u64),
    /// The end of a chunk's line.
    DataEnd,
    /// Trailer fields, which have had so many fields and bytes.
    Trailers { fields: usize, bytes: usize },
}

/// What a part of the input was.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// How many bytes of the input were used. None: more input is needed, or the body has ended.
    pub(super) used: usize,
    /// Content.
    pub(super) data: &'a [u8],
    /// The body has ended.
    pub(super) end: bool,
}

impl Body {
    pub(super) fn of_length(bytes: u64) -> Body {
        Body::Length(bytes)
    }

    pub(super) fn chunked() -> Body {
        Body::Chunked(Chunked::Size)
    }

    /// How many bytes follow, if that is known.
    pub(super) fn known_rest(&self) -> Option<u64> {
        match self {
            Body::Length(bytes) => Some(*bytes),
            Body::Chunked(_) => None,
        }
    }

    /// Takes the next part of the body from the beginning of `input`.
    ///
    /// # Errors
    /// The violation by the client.
    pub(super) fn take<'a>(&mut self, input: &'a [u8], limits: &Limits) -> Result<Part<'a>, Error> {
        match self {
            Body::Length(rest) => {
                let data = take_data(rest, input);
                Ok(Part { used: data.len(), data, end: *rest == 0 })
            }
            Body::Chunked(chunked) => chunked.take(input, limits),
        }
    }
}

/// The part of `input` that belongs to `rest` bytes, which it reduces.
fn take_data<'a>(rest: &mut u64, input: &'a [u8]) -> &'a [u8] {
    let len = usize::try_from(*rest).unwrap_or(usize::MAX).min(input.len());
    let data = input.get(..len).unwrap_or_default();
    *rest -= data.len() as u64;
    data
}

impl Chunked {
    fn take<'a>(&mut self, input: &'a [u8], limits: &Limits) -> Result<Part<'a>, Error> {
        let mut used = 0;
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let more = Part { used, data: &[], end: false };
            match self {
                Chunked::Size => {
                    let (max, too_long) = (limits.max_chunk_line_bytes, Error::ChunkLineTooLong);
                    let Some((line, bytes)) = line::take(rest, max, too_long)? else {
                        return Ok(more);
                    };
                    used += bytes;
                    *self = match read_size(line)? {
                        0 => Chunked::Trailers { fields: 0, bytes: 0 },
                        size => Chunked::Data(size),
                    };
                }
                Chunked::Data(left) => {
                    let data = take_data(left, rest);
                    if *left == 0 {
                        *self = Chunked::DataEnd;
                    }
                    return Ok(Part { used: used + data.len(), data, end: false });
                }
                Chunked::DataEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        used += 2;
                        *self = Chunked::Size;
                    }
                    [] | [b'\r'] => return Ok(more),
                    _ => return Err(Error::Chunk),
                },
                Chunked::Trailers { fields, bytes } => {
                    let max = (limits.max_header_list_bytes as usize).saturating_sub(*bytes);
                    let Some((line, len)) = line::take(rest, max, Error::HeadTooLarge)? else {
                        return Ok(more);
                    };
                    used += len;
                    if line.is_empty() {
                        return Ok(Part { used, data: &[], end: true });
                    }
                    field(line)?;
                    *fields += 1;
                    *bytes += line.len() + FIELD_OVERHEAD_BYTES;
                    if *fields > limits.max_header_fields {
                        return Err(Error::HeadTooLarge);
                    }
                }
            }
        }
    }
}

/// The size of a chunk; its extensions are ignored (section 7.1.1).
fn read_size(line: &[u8]) -> Result<u64, Error> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (size, extensions) = line.split_at(digits);
    let is_extension = matches!(line::trim(extensions).first(), Some(b';'));
    let has_control = extensions.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
    if !(extensions.is_empty() || is_extension) || has_control {
        return Err(Error::Chunk);
    }
    let text = std::str::from_utf8(size).map_err(|_| Error::Chunk)?;
    // An empty text, and a number above 64 bits, are none.
    u64::from_str_radix(text, 16).map_err(|_| Error::Chunk)
}

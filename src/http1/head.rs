//! The head of a request, line by line, and what it says about the body and the connection (RFC 9112
//! sections 3.2, 6 and 9.3).

use super::Error;
use super::body::Body;
use super::line::{self, field, members};
use super::request_line::{RequestLine, is_host};
use crate::call::Limits;
use crate::hpack::{FIELD_OVERHEAD_BYTES, FieldBlock};

/// Empty lines before a request that are ignored (section 2.2): one after the body of the request
/// before, as old clients send it.
const MAX_EMPTY_LINES: u8 = 2;
/// A field block above this size is not kept for the next request.
const KEPT_FIELD_BYTES: usize = 2048;

/// A head that is being read.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) request: Option<RequestLine>,
    pub(super) fields: FieldBlock,
    empty_lines: u8,
}

/// What a complete head says beside the request.
#[derive(Debug)]
pub(super) struct Terms {
    /// The body that follows; `None` if it is empty.
    pub(super) body: Option<Body>,
    /// The connection persists after the response.
    pub(super) persists: bool,
    /// The client waits for 100 before it sends the body.
    pub(super) expects_continue: bool,
}

impl Head {
    /// Takes the lines that begin `input`. Returns how many bytes they were, and the terms once the head
    /// is complete.
    ///
    /// # Errors
    /// The violation by the client, after which the rest of its bytes means nothing.
    pub(super) fn take(
        &mut self,
        input: &[u8],
        limits: &Limits,
    ) -> Result<(usize, Option<Terms>), Error> {
        let mut used = 0;
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let (max, too_long) = match &self.request {
                None => (limits.max_request_line_bytes, Error::TargetTooLong),
                Some(_) => (self.room(limits), Error::HeadTooLarge),
            };
            let Some((line, bytes)) = line::take(rest, max, too_long)? else {
                return Ok((used, None));
            };
            used += bytes;
            match &self.request {
                None if line.is_empty() => {
                    self.empty_lines += 1;
                    if self.empty_lines > MAX_EMPTY_LINES {
                        return Err(Error::EmptyLines);
                    }
                }
                None => self.request = Some(RequestLine::parse(line)?),
                Some(request) if line.is_empty() => {
                    return Ok((used, Some(Terms::read(request, &self.fields)?)));
                }
                Some(_) => self.add(field(line)?, limits)?,
            }
        }
    }

    /// How many bytes the next line may have.
    fn room(&self, limits: &Limits) -> usize {
        (limits.max_header_list_bytes as usize).saturating_sub(self.fields.size())
    }

    /// Adds a field, with its name in lower case. The authority of the target replaces `host` (section
    /// 3.2.2).
    fn add(&mut self, (name, value): (&[u8], &[u8]), limits: &Limits) -> Result<(), Error> {
        let name = name.to_ascii_lowercase();
        let authority = self.request.as_ref().and_then(|request| request.authority.as_deref());
        let value = match authority {
            Some(authority) if name == b"host" && is_host_value(value) => authority.as_bytes(),
            _ => value,
        };
        if self.fields.len() >= limits.max_header_fields
            || name.len() + value.len() + FIELD_OVERHEAD_BYTES > self.room(limits)
        {
            return Err(Error::HeadTooLarge);
        }
        self.fields.push(&name, value);
        Ok(())
    }

    /// Whether nothing of a request has arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.request.is_none() && self.empty_lines == 0
    }

    /// Forgets the request, for the next one.
    pub(super) fn clear(&mut self) {
        self.request = None;
        self.empty_lines = 0;
        self.fields.clear();
        if self.fields.capacity_bytes() > KEPT_FIELD_BYTES {
            self.fields = FieldBlock::new();
        }
    }
}

fn is_host_value(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(is_host)
}

impl Terms {
    fn read(request: &RequestLine, fields: &FieldBlock) -> Result<Terms, Error> {
        let (mut hosts, mut length, mut codings) = (0, None, Vec::new());
        let (mut closes, mut keeps_alive, mut expects_continue) = (false, false, false);
        let mut has_coding = false;
        for (name, value) in fields.iter() {
            match name {
                b"host" => {
                    hosts += 1;
                    if !is_host_value(value) {
                        return Err(Error::Host);
                    }
                }
                b"content-length" if length.is_some() => return Err(Error::Length),
                b"content-length" => length = Some(read_length(value)?),
                b"transfer-encoding" => {
                    has_coding = true;
                    codings.extend(members(value));
                }
                b"connection" => {
                    for option in members(value) {
                        closes |= option.eq_ignore_ascii_case(b"close");
                        keeps_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                    }
                }
                // An expectation of HTTP/1.0 is ignored (RFC 9110 section 10.1.1).
                b"expect" if !request.is_old => {
                    if !value.eq_ignore_ascii_case(b"100-continue") {
                        return Err(Error::Expectation);
                    }
                    expects_continue = true;
                }
                _ => {}
            }
        }
        if hosts > 1 || (hosts == 0 && !request.is_old) {
            return Err(Error::Host);
        }
        let body = match (length, has_coding) {
            (Some(_), true) => return Err(Error::LengthAndCoding),
            (None, true) => {
                check_codings(&codings, request.is_old)?;
                Some(Body::chunked())
            }
            (None | Some(0), false) => None,
            (Some(length), false) => Some(Body::of_length(length)),
        };
        // Section 9.3.
        let persists = !closes && (!request.is_old || keeps_alive);
        Ok(Terms { body, persists, expects_continue })
    }
}

/// One number; a list of them is refused even if all are the same (section 6.3).
fn read_length(value: &[u8]) -> Result<u64, Error> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Error::Length);
    }
    let text = std::str::from_utf8(value).map_err(|_| Error::Length)?;
    text.parse().map_err(|_| Error::Length)
}

/// Exactly `chunked` (section 6.1).
fn check_codings(codings: &[&[u8]], is_old: bool) -> Result<(), Error> {
    let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
    match codings {
        _ if is_old => Err(Error::Coding),
        [only] if is_chunked(only) => Ok(()),
        [] => Err(Error::Coding),
        [codings @ .., last] if is_chunked(last) && !codings.iter().any(is_chunked) => {
            Err(Error::UnknownCoding)
        }
        [only] if !is_chunked(only) => Err(Error::UnknownCoding),
        _ => Err(Error::Coding),
    }
}

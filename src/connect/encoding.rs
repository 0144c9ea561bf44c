//! Compression of messages: `identity` and, in a build that has it, `gzip`.

use std::borrow::Cow;

use crate::call::{Code, Status};
use crate::gzip;

/// A shorter message is sent as it is: compression would save less than it costs.
const MIN_COMPRESSED_BYTES: usize = 1024;

/// How a message is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As it is.
    #[default]
    Identity,
    Gzip,
}

/// The encodings that a request may have, as the value of a field.
pub(super) const SUPPORTED: &str = if gzip::IS_AVAILABLE { "gzip, identity" } else { "identity" };

impl Encoding {
    /// The encoding with this name; an empty one is `identity`.
    ///
    /// # Errors
    /// UNIMPLEMENTED, with the names that are supported ("Error Codes").
    pub fn read(name: &[u8]) -> Result<Encoding, Status> {
        match name {
            b"" | b"identity" => Ok(Encoding::Identity),
            b"gzip" if gzip::IS_AVAILABLE => Ok(Encoding::Gzip),
            name => {
                let name: String = String::from_utf8_lossy(name).chars().take(40).collect();
                let text = format!("the encoding {name:?} is unknown; supported: {SUPPORTED}");
                Err(Status::new(Code::Unimplemented, text))
            }
        }
    }

    /// The encoding of a response to a client that accepts these, in the order of its preference.
    pub fn choose(accepted: &str) -> Encoding {
        let mut accepted = accepted.split(',').map(|item| item.split(';'));
        let takes_gzip = accepted.any(|mut item| {
            let is_gzip = item.next().is_some_and(|name| name.trim().eq_ignore_ascii_case("gzip"));
            // "gzip;q=0" refuses it (RFC 9110 section 12.5.3).
            is_gzip && !item.any(is_zero_weight)
        });
        if takes_gzip && gzip::IS_AVAILABLE { Encoding::Gzip } else { Encoding::Identity }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
        }
    }

    /// The message behind its encoding, which may have at most `limit_bytes`, and `room_bytes` if it was
    /// compressed.
    ///
    /// # Errors
    /// The status that ends the call.
    pub fn expand(
        self,
        message: &[u8],
        limit_bytes: usize,
        room_bytes: usize,
    ) -> Result<Cow<'_, [u8]>, Status> {
        // Clients send an empty body for an empty message, whatever its encoding.
        if self == Encoding::Identity || message.is_empty() {
            return Ok(Cow::Borrowed(message));
        }
        let mut expanded = Vec::new();
        gzip::expand(message, limit_bytes.min(room_bytes), &mut expanded).map_err(|error| {
            let code = match error {
                gzip::Error::TooLarge { .. } if room_bytes < limit_bytes => return no_room(),
                gzip::Error::TooLarge { .. } => Code::ResourceExhausted,
                gzip::Error::Unavailable => Code::Unimplemented,
                _ => Code::InvalidArgument,
            };
            Status::new(code, error.to_string())
        })?;
        Ok(Cow::Owned(expanded))
    }

    /// The encoded message; `None` if it is better sent as it is.
    pub fn compress(self, message: &[u8]) -> Option<Vec<u8>> {
        if self == Encoding::Identity || message.len() < MIN_COMPRESSED_BYTES {
            return None;
        }
        let mut compressed = Vec::new();
        gzip::compress(message, &mut compressed).ok()?;
        (compressed.len() < message.len()).then_some(compressed)
    }
}

/// Messages that were compressed hold too much memory.
fn no_room() -> Status {
    let text = "too many bytes of messages that were compressed wait to be consumed";
    Status::new(Code::ResourceExhausted, text)
}

fn is_zero_weight(parameter: &str) -> bool {
    let Some((name, weight)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("q") && weight.trim().parse() == Ok(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_chosen_if_the_client_takes_it() {
        let gzip = if gzip::IS_AVAILABLE { Encoding::Gzip } else { Encoding::Identity };
        for accepted in ["gzip", "br, gzip", "GZIP;q=0.5", "deflate,gzip ; q=1"] {
            assert_eq!(Encoding::choose(accepted), gzip, "{accepted}");
        }
        for accepted in ["", "identity", "br", "gzip;q=0", "gzip; q=0.000", "xgzip"] {
            assert_eq!(Encoding::choose(accepted), Encoding::Identity, "{accepted}");
        }
    }
}

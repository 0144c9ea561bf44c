//! The query of a unary GET ("Unary-Get-Request").

/// The parameters of a query that the protocol defines; others are ignored.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub message: Option<Vec<u8>>,
    pub encoding: Option<Vec<u8>>,
    pub is_base64: bool,
    pub compression: Option<Vec<u8>>,
    pub version: Option<Vec<u8>>,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn read(query: &str) -> Result<Query, &'static str> {
        let mut read = Query::default();
        for parameter in query.split('&') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let slot = match name {
                "message" => &mut read.message,
                "encoding" => &mut read.encoding,
                "compression" => &mut read.compression,
                "connect" => &mut read.version,
                "base64" => {
                    match value {
                        "1" => read.is_base64 = true,
                        "0" | "" => {}
                        _ => return Err("the parameter base64 is 1 or absent"),
                    }
                    continue;
                }
                _ => continue,
            };
            let value =
                percent_decode(value).ok_or("a parameter has an invalid percent-encoding")?;
            if slot.replace(value).is_some() {
                return Err("a parameter is given twice");
            }
        }
        Ok(read)
    }

    /// Whether a query has the parameters of a call.
    pub fn is_call(query: &str) -> bool {
        let mut names = query.split('&').map(|parameter| parameter.split('=').next());
        names.any(|name| matches!(name, Some("message" | "encoding" | "connect")))
    }
}

/// Decodes `%` with two hex digits, and `+` as a space (the encoding of forms).
fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let (high, low) = (hex(rest.next()?)?, hex(rest.next()?)?);
                high << 4 | low
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    Some(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_in_any_order() {
        let read =
            Query::read("encoding=json&x=%zz&message=%7B%7d+%2B&connect=v1&base64=1").unwrap();
        assert_eq!(read.message.as_deref(), Some(&b"{} +"[..]));
        assert_eq!(read.encoding.as_deref(), Some(&b"json"[..]));
        assert_eq!(read.version.as_deref(), Some(&b"v1"[..]));
        assert!(read.is_base64 && read.compression.is_none());
        assert_eq!(Query::read(""), Ok(Query::default()));
    }

    #[test]
    fn a_malformed_query_is_refused() {
        for query in ["message=%", "message=%4", "message=%zz", "base64=2", "encoding=a&encoding=b"]
        {
            assert!(Query::read(query).is_err(), "{query}");
        }
    }
}

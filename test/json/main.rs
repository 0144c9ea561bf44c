//! Messages as JSON: the rules of protobuf's JSON format, hostile texts, and a comparison with another
//! implementation. Section names are those of "ProtoJSON Format" (protobuf.dev).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what must not fail fails the test")]

mod compare;
mod hostile;
mod kinds;
mod reading;
mod writing;

#[path = "../support/seed.rs"]
mod seed;

use agora::json::{self, Error, Schema, Unknown};

/// More than any message of these tests needs.
const LIMIT_BYTES: usize = 1 << 20;

/// The JSON of a message.
fn to_json(schema: &Schema, message: &str, bytes: &[u8]) -> Result<String, Error> {
    let mut out = Vec::new();
    let id = schema.message(message).expect(message);
    json::to_json(schema, id, bytes, LIMIT_BYTES, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// The message of a JSON text, unknown fields refused.
fn from_json(schema: &Schema, message: &str, text: &str) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let id = schema.message(message).expect(message);
    json::from_json(schema, id, text.as_bytes(), Unknown::Refused, LIMIT_BYTES, &mut out)?;
    Ok(out)
}

/// What a text becomes on its way through a message.
fn round(schema: &Schema, message: &str, text: &str) -> Result<String, Error> {
    to_json(schema, message, &from_json(schema, message, text)?)
}

/// The words of a refusal.
#[track_caller]
fn refused(schema: &Schema, message: &str, text: &str) -> String {
    from_json(schema, message, text).expect_err(text).to_string()
}

//! The room as a whole: the RFC's examples, its claims, hostile input, random traffic.

mod appendix_c;

use super::{DecoderLimits, FieldBlock};

/// Limits that no test crosses by accident.
const WIDE: DecoderLimits = DecoderLimits { max_list_bytes: 1 << 20, max_fields: 1 << 14 };

/// The fields as text, for comparing.
fn pairs(fields: &FieldBlock) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    fields.iter().map(|(name, value)| (text(name), text(value))).collect()
}

/// The bytes that hexadecimal text stands for; blanks don't count.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

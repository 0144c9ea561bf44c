//! Tests of the whole module: the RFC's examples, its claims, hostile input, random traffic.

mod appendix_c;
mod decoding;
mod encoding;
mod hostile;
mod traffic;

use super::{Decoder, DecoderLimits, Error, FieldBlock};

/// Limits that no test crosses by accident.
const WIDE: DecoderLimits = DecoderLimits { max_list_bytes: 1 << 20, max_fields: 1 << 14 };

/// The fields as text, for comparing.
fn pairs(fields: &FieldBlock) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    fields.iter().map(|(name, value)| (text(name), text(value))).collect()
}

/// The fields of a block, decoded with wide limits.
fn decoded(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<(String, String)>, Error> {
    let mut fields = FieldBlock::new();
    decoder.decode(block, &WIDE, &mut fields)?;
    Ok(pairs(&fields))
}

/// The entries of a decoder's dynamic table, newest first, read by their indices.
fn table(mut decoder: Decoder) -> Vec<(String, String)> {
    let entry = |at: usize| {
        let mut block = Vec::new();
        super::integer::encode(62 + at, 7, 0x80, &mut block);
        decoded(&mut decoder, &block).ok()?.pop()
    };
    (0..).map_while(entry).collect()
}

/// The bytes of a hexadecimal text; blanks are ignored.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

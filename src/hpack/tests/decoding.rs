//! The decoder and sections 2 to 6 of RFC 7541, one test for each requirement.

use super::{WIDE, decoded, pairs, table};
use crate::hpack::{Decoder, DecoderLimits, Error, FieldBlock};

/// A decoder whose table holds these fields, the last one newest.
fn decoder_with_table(fields: &[(&str, &str)]) -> Decoder {
    let mut decoder = Decoder::new(4096);
    for (name, value) in fields {
        decoded(&mut decoder, &literal(0x40, name, value)).unwrap();
    }
    decoder
}

/// A literal with a literal name, both plain and shorter than 127 bytes.
fn literal(pattern: u8, name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![pattern, name.len() as u8];
    block.extend(name.as_bytes());
    block.push(value.len() as u8);
    block.extend(value.as_bytes());
    block
}

fn error(decoder: &mut Decoder, block: &[u8]) -> Error {
    decoded(decoder, block).unwrap_err()
}

/// Section 3.1: a block is decoded by itself into one list.
#[test]
fn an_empty_block_is_an_empty_list() {
    assert_eq!(decoded(&mut Decoder::new(4096), &[]).unwrap(), []);
}

/// Section 2.2: "the ordering of header fields is preserved, duplicates included".
#[test]
fn fields_keep_their_order_and_may_repeat() {
    let block = [0x83, 0x82, 0x83].to_vec();
    let fields = decoded(&mut Decoder::new(4096), &block).unwrap();
    let (post, get) = ((":method", "POST"), (":method", "GET"));
    assert_eq!(fields, [post, get, post].map(owned));
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_string(), value.to_string())
}

/// Section 2.3.3: "indices between 1 and the length of the static table refer to elements in the
/// static table"; those beyond, less that length, to the dynamic table, newest first.
#[test]
fn the_dynamic_table_is_indexed_behind_the_static_one_newest_first() {
    let mut decoder = decoder_with_table(&[("older", "1"), ("newer", "2")]);
    let fields = decoded(&mut decoder, &[0x80 | 61, 0x80 | 62, 0x80 | 63]).unwrap();
    assert_eq!(fields, [("www-authenticate", ""), ("newer", "2"), ("older", "1")].map(owned));
}

/// Section 2.3.3: "indices strictly greater than the sum of the lengths of both tables MUST be
/// treated as a decoding error".
#[test]
fn an_index_beyond_both_tables_is_refused() {
    for block in [&[0x80 | 63][..], &[0x40 | 0x3f, 0, 0], &[0x0f, 48, 0], &[0x1f, 48, 0]] {
        assert_eq!(
            error(&mut decoder_with_table(&[("a", "b")]), block),
            Error::Index,
            "{block:x?}"
        );
    }
    assert_eq!(error(&mut Decoder::new(4096), &[0x80 | 62]), Error::Index);
    assert_eq!(error(&mut Decoder::new(4096), &[0xff, 0xff, 0xff, 0xff, 0x7f]), Error::Index);
}

/// Section 6.1: "the index value of 0 is not used. It MUST be treated as a decoding error".
#[test]
fn an_indexed_field_with_index_0_is_refused() {
    assert_eq!(error(&mut Decoder::new(4096), &[0x80]), Error::Index);
}

/// Section 2.3.2: "the dynamic table can contain duplicate entries".
#[test]
fn the_table_may_hold_the_same_entry_twice() {
    let decoder = decoder_with_table(&[("a", "b"), ("a", "b")]);
    assert_eq!(table(decoder), [("a", "b"), ("a", "b")].map(owned));
}

/// Sections 6.2.1 to 6.2.3.
#[test]
fn only_a_literal_with_incremental_indexing_enters_the_table() {
    for (pattern, enters) in [(0x40, true), (0x00, false), (0x10, false)] {
        let mut decoder = Decoder::new(4096);
        let fields = decoded(&mut decoder, &literal(pattern, "name", "value")).unwrap();
        assert_eq!(fields, [owned(("name", "value"))]);
        assert_eq!(decoder.table_size(), if enters { 41 } else { 0 }, "{pattern:#x}");
    }
}

/// Section 6.2: "if the header field name matches the header field name of an entry stored in the
/// static table or the dynamic table, the name can be represented using the index of that entry".
#[test]
fn each_literal_takes_its_name_from_either_table() {
    for (dynamic, fixed) in
        [(&[0x7e, 1, b'x'][..], 0x41), (&[0x0f, 47, 1, b'x'], 0x01), (&[0x1f, 47, 1, b'x'], 0x11)]
    {
        let mut block = dynamic.to_vec();
        block.extend([fixed, 1, b'y']);
        let fields = decoded(&mut decoder_with_table(&[("name", "value")]), &block).unwrap();
        assert_eq!(fields, [("name", "x"), (":authority", "y")].map(owned));
    }
}

/// Section 4.1: "the size of an entry is calculated using the length of its name and value without
/// any Huffman encoding applied".
#[test]
fn an_entry_counts_its_text_not_its_code() {
    let mut decoder = Decoder::new(4096);
    // ":authority: www.example.com", 12 octets of code for 15 of text.
    let block = super::hex("418c f1e3 c2e5 f23a 6ba0 ab90 f4ff");
    decoded(&mut decoder, &block).unwrap();
    assert_eq!(decoder.table_size(), 10 + 15 + 32);
}

/// Section 4.3: "whenever the maximum size for the dynamic table is reduced, entries are evicted
/// from the end of the dynamic table until the size is less than or equal to the maximum size".
#[test]
fn a_size_update_evicts_the_oldest_entries() {
    let mut decoder = decoder_with_table(&[("a", "1"), ("b", "2"), ("c", "3")]);
    assert_eq!(decoder.table_size(), 3 * 34);
    decoded(&mut decoder, &[0x3f, 68 - 31]).unwrap();
    assert_eq!(table(decoder), [("c", "3"), ("b", "2")].map(owned));
}

/// Section 4.2: "this mechanism can be used to completely clear entries from the dynamic table by
/// setting a maximum size of 0, which can subsequently be restored".
#[test]
fn two_size_updates_clear_the_table_and_restore_its_size() {
    let mut decoder = decoder_with_table(&[("a", "1")]);
    decoded(&mut decoder, &[0x20, 0x3f, 0xe1, 0x1f]).unwrap();
    assert_eq!(decoder.table_size(), 0);
    decoded(&mut decoder, &literal(0x40, "b", "2")).unwrap();
    assert_eq!(table(decoder), [owned(("b", "2"))]);
}

/// Section 4.2 counts at most two, and encoders exist that send one for each change.
#[test]
fn more_size_updates_than_two_do_no_harm() {
    let fields = decoded(&mut Decoder::new(4096), &[0x20, 0x3f, 0x00, 0x20, 0x3f, 0x00, 0x82]);
    assert_eq!(fields.unwrap(), [owned((":method", "GET"))]);
}

/// Section 4.2: "this dynamic table size update MUST occur at the beginning of the first header
/// block following the change".
#[test]
fn a_size_update_behind_a_field_is_refused() {
    assert_eq!(error(&mut Decoder::new(4096), &[0x82, 0x20]), Error::MisplacedSizeUpdate);
    assert_eq!(error(&mut Decoder::new(4096), &[0x20, 0x82, 0x20]), Error::MisplacedSizeUpdate);
}

/// Section 6.3: "the new maximum size MUST be lower than or equal to the limit determined by the
/// protocol using HPACK. A value that exceeds this limit MUST be treated as a decoding error".
#[test]
fn a_size_update_beyond_what_was_advertised_is_refused() {
    assert_eq!(decoded(&mut Decoder::new(4096), &[0x3f, 0xe1, 0x1f]).unwrap(), []);
    assert_eq!(error(&mut Decoder::new(4096), &[0x3f, 0xe2, 0x1f]), Error::SizeUpdateTooLarge);
    let mut decoder = Decoder::new(4096);
    decoder.set_max_table_size(8192);
    assert_eq!(decoded(&mut decoder, &[0x3f, 0xe2, 0x1f]).unwrap(), []);
}

/// Section 4.2: an encoder may adopt a larger limit; until it does, the size is unchanged.
#[test]
fn advertising_a_larger_table_changes_nothing_by_itself() {
    let mut decoder = Decoder::new(68);
    decoder.set_max_table_size(4096);
    for (name, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        decoded(&mut decoder, &literal(0x40, name, value)).unwrap();
    }
    assert_eq!(table(decoder), [("c", "3"), ("b", "2")].map(owned));
}

/// Section 4.2 and RFC 9113 section 4.3.1: after we reduced the table, a block that does not begin
/// by adopting the reduced size is a connection error.
#[test]
fn a_smaller_table_must_be_adopted_at_the_start_of_the_next_block() {
    let reduced = || {
        let mut decoder = decoder_with_table(&[("a", "1")]);
        decoder.set_max_table_size(64);
        decoder
    };
    assert_eq!(error(&mut reduced(), &[0x82]), Error::MissingSizeUpdate);
    assert_eq!(error(&mut reduced(), &[]), Error::MissingSizeUpdate);
    assert_eq!(error(&mut reduced(), &[0x3f, 34, 0x82]), Error::SizeUpdateTooLarge);
    let mut decoder = reduced();
    decoded(&mut decoder, &[0x3f, 33, 0x82]).unwrap();
    // One update is enough.
    assert_eq!(decoded(&mut decoder, &[0xbe]).unwrap(), [owned(("a", "1"))]);
}

/// Section 4.2: "the smallest maximum table size that occurs in that interval MUST be signaled".
#[test]
fn a_table_reduced_and_restored_must_have_been_as_small_as_we_asked() {
    let reduced_and_restored = || {
        let mut decoder = decoder_with_table(&[("a", "1")]);
        decoder.set_max_table_size(0);
        decoder.set_max_table_size(64);
        decoder.set_max_table_size(4096);
        decoder
    };
    assert_eq!(error(&mut reduced_and_restored(), &[0x3f, 0x00, 0x82]), Error::MissingSizeUpdate);
    let mut decoder = reduced_and_restored();
    decoded(&mut decoder, &[0x20, 0x3f, 0xe1, 0x1f, 0x82]).unwrap();
    assert_eq!(decoder.table_size(), 0);
}

#[test]
fn a_reduction_to_the_size_in_use_requires_no_update() {
    let mut decoder = Decoder::new(4096);
    decoded(&mut decoder, &[0x3f, 33]).unwrap();
    decoder.set_max_table_size(64);
    assert_eq!(decoded(&mut decoder, &[0x82]).unwrap().len(), 1);
}

/// Section 4.4: "a new entry can reference the name of an entry in the dynamic table that will be
/// evicted when adding this new entry".
#[test]
fn a_name_is_taken_from_an_entry_that_its_own_insertion_evicts() {
    let mut decoder = Decoder::new(64);
    decoded(&mut decoder, &literal(0x40, "a-long-name", "and a value")).unwrap();
    let mut block = vec![0x7e, 20];
    block.extend([b'v'; 20]);
    let field = owned(("a-long-name", "vvvvvvvvvvvvvvvvvvvv"));
    assert_eq!(decoded(&mut decoder, &block).unwrap(), std::slice::from_ref(&field));
    assert_eq!(table(decoder), [field]);
}

/// Section 4.4: "it is not an error to attempt to add an entry that is larger than the maximum
/// size".
#[test]
fn a_field_larger_than_the_table_is_in_the_list_and_empties_the_table() {
    let mut decoder = Decoder::new(64);
    decoded(&mut decoder, &literal(0x40, "a", "1")).unwrap();
    let large = "v".repeat(100);
    assert_eq!(decoded(&mut decoder, &literal(0x40, "b", &large)).unwrap(), [owned(("b", &large))]);
    assert_eq!(decoder.table_size(), 0);
}

#[test]
fn a_block_that_ends_inside_a_field_is_refused() {
    let mut whole = literal(0x40, "name", "value");
    whole.extend(super::hex("418c f1e3 c2e5 f23a 6ba0 ab90 f4ff"));
    let boundary = literal(0x40, "name", "value").len();
    for cut in 1..whole.len() {
        let outcome = decoded(&mut Decoder::new(4096), &whole[..cut]);
        if cut == boundary {
            assert_eq!(outcome.unwrap().len(), 1);
        } else {
            assert_eq!(outcome, Err(Error::Truncated), "{cut}");
        }
    }
}

/// Sections 5.1 and 5.2 inside a field, name and value.
#[test]
fn a_bad_integer_or_bad_huffman_code_anywhere_is_refused() {
    let integer = [
        &[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01][..],
        &[0x7f, 0x80, 0x00, 0],
        &[0x40, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x40, 1, b'a', 0x7f, 0x80, 0x80, 0x80, 0x80, 0x7f],
        &[0x3f, 0x80, 0x00],
    ];
    for block in integer {
        assert_eq!(error(&mut Decoder::new(4096), block), Error::Integer, "{block:x?}");
    }
    let huffman = [&[0x40, 0x81, 0x00, 0][..], &[0x00, 1, b'a', 0x84, 0xff, 0xff, 0xff, 0xff]];
    for block in huffman {
        assert_eq!(error(&mut Decoder::new(4096), block), Error::Huffman, "{block:x?}");
    }
}

/// Exceeding a limit loses one list; the table stays equal (RFC 9113 section 10.5.1).
#[test]
fn a_list_at_its_limit_is_decoded_and_one_beyond_loses_only_itself() {
    // Two fields of 41 bytes.
    let mut block = literal(0x40, "name", "value");
    block.extend(literal(0x40, "eman", "eulav"));
    let limits = |max_list_bytes, max_fields| DecoderLimits { max_list_bytes, max_fields };
    for (limits, expected) in [
        (limits(82, 2), Ok(())),
        (limits(81, 2), Err(Error::ListTooLarge)),
        (limits(82, 1), Err(Error::TooManyFields)),
        (limits(0, 2), Err(Error::ListTooLarge)),
        (limits(82, 0), Err(Error::TooManyFields)),
    ] {
        let mut decoder = Decoder::new(4096);
        let mut fields = FieldBlock::new();
        assert_eq!(decoder.decode(&block, &limits, &mut fields), expected, "{limits:?}");
        let admitted = limits.max_fields.min(limits.max_list_bytes / 41);
        assert_eq!(fields.len(), admitted, "{limits:?}");
        assert_eq!(fields.size(), admitted * 41);
        assert!(expected.err().is_none_or(|error| !error.is_connection_error()));
        assert_eq!(table(decoder), [("eman", "eulav"), ("name", "value")].map(owned));
    }
}

#[test]
fn a_reused_field_block_holds_only_new_fields() {
    let mut decoder = Decoder::new(4096);
    let mut fields = FieldBlock::new();
    fields.push(b"left", b"over");
    decoder.decode(&[0x82], &WIDE, &mut fields).unwrap();
    assert_eq!(pairs(&fields), [owned((":method", "GET"))]);
    assert_eq!(fields.size(), 7 + 3 + 32);
}

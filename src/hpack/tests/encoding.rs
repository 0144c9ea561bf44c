//! The encoder and sections 4, 6 and 7.1 of RFC 7541, one test for each requirement.

use super::{decoded, table};
use crate::hpack::{
    Decoder, Encoder,
    Indexing::{self, Incremental, Never, Without},
};

fn encoded(encoder: &mut Encoder, fields: &[(&str, &str, Indexing)]) -> Vec<u8> {
    let mut block = Vec::new();
    encoder.begin(&mut block);
    for (name, value, indexing) in fields {
        encoder.field(name.as_bytes(), value.as_bytes(), *indexing, &mut block);
    }
    block
}

/// Section 6.1.
#[test]
fn a_field_that_was_indexed_is_one_byte_the_next_time() {
    let mut encoder = Encoder::new();
    let fields = [
        ("content-type", "application/grpc", Incremental),
        ("grpc-status", "0", Incremental),
        (":status", "200", Incremental),
    ];
    assert!(encoded(&mut encoder, &fields).len() > 3);
    assert_eq!(encoded(&mut encoder, &fields), [0x80 | 63, 0x80 | 62, 0x80 | 8]);
}

/// Section 6.2.2.
#[test]
fn a_field_without_indexing_leaves_the_table_alone_but_uses_it() {
    let mut encoder = Encoder::new();
    let block = encoded(&mut encoder, &[("grpc-timeout", "1S", Without)]);
    assert_eq!(block[0], 0x00);
    assert_eq!(encoder.table_size(), 0);
    encoded(&mut encoder, &[("grpc-timeout", "1S", Incremental)]);
    assert_eq!(encoded(&mut encoder, &[("grpc-timeout", "1S", Without)]), [0x80 | 62]);
    let other = encoded(&mut encoder, &[("grpc-timeout", "2S", Without)]);
    assert_eq!(other, [0x0f, 62 - 15, 2, b'2', b'S']);
}

/// Sections 6.2.3 and 7.1.3.
#[test]
fn a_field_that_is_never_indexed_is_a_literal_of_its_own_kind_whatever_the_tables_hold() {
    let mut encoder = Encoder::new();
    let block = encoded(&mut encoder, &[("authorization", "7", Never)]);
    assert_eq!(block, [0x1f, 23 - 15, 1, b'7']);
    assert_eq!(encoder.table_size(), 0);
    // Even if the value is in the table by mistake of the caller, it is not referred to.
    encoded(&mut encoder, &[("secret", "7", Incremental)]);
    let block = encoded(&mut encoder, &[("secret", "7", Never), (":method", "GET", Never)]);
    assert_eq!(block, [0x1f, 62 - 15, 1, b'7', 0x12, 3, b'G', b'E', b'T']);
}

/// Section 5.2: the Huffman code where it is shorter.
#[test]
fn a_string_takes_the_shorter_of_its_two_codings() {
    let mut encoder = Encoder::new();
    assert_eq!(encoded(&mut encoder, &[(":path", "/aaa", Without)]), super::hex("0483 6063 1f"));
    let block = encoded(&mut encoder, &[(":path", "\\\\", Without)]);
    assert_eq!(block, [0x04, 2, b'\\', b'\\']);
}

/// Section 4.2: an encoder may use less than what the peer allows.
#[test]
fn a_larger_table_than_the_default_is_not_adopted() {
    let mut encoder = Encoder::new();
    encoder.set_max_table_size(1 << 20);
    assert!(encoded(&mut encoder, &[]).is_empty());
}

/// Section 4.2.
#[test]
fn a_new_size_is_announced_once_at_the_start_of_the_next_block() {
    let mut encoder = Encoder::new();
    encoder.set_max_table_size(100);
    let method = (":method", "GET", Incremental);
    assert_eq!(encoded(&mut encoder, &[method]), [0x3f, 100 - 31, 0x82]);
    assert_eq!(encoded(&mut encoder, &[method]), [0x82]);
    encoder.set_max_table_size(100);
    assert_eq!(encoded(&mut encoder, &[method]), [0x82]);
}

/// Section 4.2: "the smallest maximum table size that occurs in that interval MUST be signaled",
/// and then the final one: at most two updates.
#[test]
fn a_size_that_was_reduced_and_raised_is_announced_in_two_updates() {
    let mut encoder = Encoder::new();
    encoded(&mut encoder, &[("a", "1", Incremental)]);
    for bytes in [2000, 10, 30, 20, 1 << 30] {
        encoder.set_max_table_size(bytes);
    }
    assert_eq!(encoded(&mut encoder, &[]), [0x20 | 10, 0x3f, 0xe1, 0x1f]);
    assert_eq!(encoder.table_size(), 0);
    assert!(encoded(&mut encoder, &[]).is_empty());
    // An increase that was undone before the next block is not announced.
    encoder.set_max_table_size(64);
    encoded(&mut encoder, &[]);
    encoder.set_max_table_size(4096);
    encoder.set_max_table_size(64);
    assert!(encoded(&mut encoder, &[]).is_empty());
}

/// Section 4.3.
#[test]
fn a_smaller_table_drops_the_oldest_entries_on_both_sides() {
    let mut encoder = Encoder::new();
    let mut decoder = Decoder::new(4096);
    let fields = [("a", "1", Incremental), ("b", "2", Incremental), ("c", "3", Incremental)];
    decoded(&mut decoder, &encoded(&mut encoder, &fields)).unwrap();
    encoder.set_max_table_size(70);
    let block = encoded(&mut encoder, &fields[1..]);
    assert_eq!(block, [0x3f, 70 - 31, 0x80 | 63, 0x80 | 62]);
    decoded(&mut decoder, &block).unwrap();
    assert_eq!(encoder.table_size(), decoder.table_size());
    assert_eq!(table(decoder).len(), 2);
}

#[test]
fn a_table_of_size_0_is_not_used() {
    let mut encoder = Encoder::new();
    encoder.set_max_table_size(0);
    let field = ("a", "1", Incremental);
    assert_eq!(encoded(&mut encoder, &[field]), [0x20, 0x00, 1, b'a', 1, b'1']);
    assert_eq!(encoded(&mut encoder, &[field]), [0x00, 1, b'a', 1, b'1']);
}

#[test]
fn a_field_that_would_fill_the_table_is_not_indexed() {
    let mut encoder = Encoder::new();
    encoded(&mut encoder, &[("kept", "1", Incremental)]);
    let fits = "\\".repeat(3072 - 32 - 1);
    let too_large = "\\".repeat(3072 - 32);
    assert_eq!(encoded(&mut encoder, &[("a", &too_large, Incremental)])[0], 0x00);
    assert_eq!(encoded(&mut encoder, &[("a", &fits, Incremental)])[0], 0x40);
    assert_eq!(encoder.table_size(), 3072 + 37);
}

/// The newest of several values is referred to by its own index, the name by the newest entry.
#[test]
fn a_name_with_several_values_is_found_with_each() {
    let mut encoder = Encoder::new();
    let values: Vec<String> = (0..50).map(|n| format!("value {n}")).collect();
    for value in &values {
        encoded(&mut encoder, &[("name", value, Incremental)]);
    }
    for (at, value) in values.iter().rev().enumerate() {
        let block = encoded(&mut encoder, &[("name", value, Incremental)]);
        assert_eq!(block, [0x80 | (62 + at as u8)]);
    }
    let block = encoded(&mut encoder, &[("name", "\\", Without)]);
    assert_eq!(block, [0x0f, 62 - 15, 1, b'\\']);
}

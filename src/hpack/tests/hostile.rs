//! Attacks: decompression bombs, and mutations of valid blocks (RFC 7541 section 7.3).

use super::{WIDE, decoded, table};
use crate::hpack::{Decoder, DecoderLimits, Encoder, Error, FieldBlock, Indexing, integer};
use crate::seed::{Seed, each_seed};

/// The limits of our server.
const SERVER: DecoderLimits = DecoderLimits { max_list_bytes: 16 * 1024, max_fields: 100 };

/// The memory that a field block may hold under these limits: the list, twice because buffers double,
/// and the ends of 128 fields.
const MAX_CAPACITY_BYTES: usize = 2 * SERVER.max_list_bytes + 128 * 16;

/// A literal that enters the table: the name "n" and this many bytes of value.
fn large_entry(value_bytes: usize) -> Vec<u8> {
    let mut block = vec![0x40, 1, b'n'];
    integer::encode(value_bytes, 7, 0, &mut block);
    block.resize(block.len() + value_bytes, b'v');
    block
}

fn outcome(decoder: &mut Decoder, block: &[u8]) -> Result<(), Error> {
    let mut fields = FieldBlock::new();
    let outcome = decoder.decode(block, &SERVER, &mut fields);
    assert!(fields.size() <= SERVER.max_list_bytes);
    assert!(fields.len() <= SERVER.max_fields);
    assert!(fields.capacity_bytes() <= MAX_CAPACITY_BYTES, "{}", fields.capacity_bytes());
    assert!(decoder.table_size() <= 4096);
    outcome
}

#[test]
fn a_hundred_thousand_references_to_one_large_entry_copy_no_more_than_a_list() {
    let mut decoder = Decoder::new(4096);
    assert_eq!(outcome(&mut decoder, &large_entry(4000)), Ok(()));
    let bomb = vec![0xbe; 100_000];
    assert_eq!(outcome(&mut decoder, &bomb), Err(Error::ListTooLarge));
    // 400 MB were not copied, and the connection continues.
    assert_eq!(decoded(&mut decoder, &[0xbe]).unwrap().len(), 1);
}

#[test]
fn large_values_are_dropped_and_later_fields_still_enter_the_table() {
    let mut decoder = Decoder::new(4096);
    let mut block = large_entry(1 << 20);
    block.extend([0x40, 1, b'a', 1, b'1']);
    assert_eq!(outcome(&mut decoder, &block), Err(Error::ListTooLarge));
    assert_eq!(table(decoder), [("a".to_string(), "1".to_string())]);
}

#[test]
fn a_large_huffman_value_is_dropped_but_checked() {
    // "0" is five zero bits: 8 MiB of text in 5 MiB of code.
    let zeros = |pattern: u8| {
        let mut block = vec![pattern, 1, b'n'];
        integer::encode(5 << 20, 7, 0x80, &mut block);
        block.resize(block.len() + (5 << 20), 0);
        block
    };
    for pattern in [0x00, 0x40] {
        let mut decoder = Decoder::new(4096);
        assert_eq!(outcome(&mut decoder, &zeros(pattern)), Err(Error::ListTooLarge));
        assert_eq!(decoder.table_size(), 0);
        let mut bad = zeros(pattern);
        // EOS at the very end.
        let end = bad.len() - 5;
        bad[end..].fill(0xff);
        assert_eq!(outcome(&mut decoder, &bad), Err(Error::Huffman));
    }
}

/// Two bytes each that make the table copy a name of 4,000.
#[test]
fn insertions_that_repeat_a_large_name_end_the_connection_past_a_limit() {
    let mut decoder = Decoder::new(4096);
    let mut block = vec![0x40];
    integer::encode(4000, 7, 0, &mut block);
    block.resize(block.len() + 4000, b'n');
    block.push(0);
    assert_eq!(outcome(&mut decoder, &block), Ok(()));
    let bomb = [0x7e, 0].repeat(50_000);
    assert_eq!(outcome(&mut decoder, &bomb), Err(Error::TableChurn));
}

/// A valid but too large list: only its stream ends, and the connection continues.
#[test]
fn a_long_list_of_valid_fields_loses_only_itself() {
    let mut encoder = Encoder::new();
    let mut decoder = Decoder::new(4096);
    let mut block = Vec::new();
    encoder.begin(&mut block);
    for number in 0..20_000_u32 {
        let value = number.to_string();
        let name = b"a-name-that-is-longer-than-most-names-are";
        encoder.field(name, value.as_bytes(), Indexing::Incremental, &mut block);
    }
    assert_eq!(outcome(&mut decoder, &block), Err(Error::TooManyFields));
    assert_eq!(decoder.table_size(), encoder.table_size());
}

#[test]
fn a_megabyte_of_size_updates_is_harmless() {
    let mut decoder = Decoder::new(4096);
    assert_eq!(outcome(&mut decoder, &large_entry(4000)), Ok(()));
    let flood = [0x3f, 0xe1, 0x1f, 0x20].repeat(250_000);
    assert_eq!(outcome(&mut decoder, &flood), Ok(()));
    assert_eq!(decoder.table_size(), 0);
}

/// A block of random fields from a stateful encoder.
fn random_block(seed: &mut Seed, encoder: &mut Encoder) -> Vec<u8> {
    let mut block = Vec::new();
    if seed.one_in(6) {
        encoder.set_max_table_size(seed.below(5000));
    }
    encoder.begin(&mut block);
    for _ in 0..seed.below(12) {
        let names: [&[u8]; 8] =
            [b":path", b":status", b"te", b"cookie", b"grpc-status", b"x", b"x-y", b"trace-bin"];
        let name = *seed.pick(&names);
        let value_len = if seed.one_in(20) { seed.below(3000) } else { seed.below(12) };
        let mut value = seed.bytes(value_len);
        if seed.one_in(2) {
            value.iter_mut().for_each(|octet| *octet = b'0' + *octet % 10);
        }
        let indexing = *seed.pick(&[Indexing::Incremental, Indexing::Without, Indexing::Never]);
        encoder.field(name, &value, indexing, &mut block);
    }
    block
}

#[test]
fn mutated_blocks_never_break_the_decoder_and_limits_never_change_the_table() {
    each_seed(|seed| {
        let mut encoder = Encoder::new();
        let (mut narrow, mut wide) = (Decoder::new(4096), Decoder::new(4096));
        let limits = DecoderLimits { max_list_bytes: seed.below(500), max_fields: seed.below(8) };
        let (mut fields, mut all) = (FieldBlock::new(), FieldBlock::new());
        for _ in 0..4 {
            let mut block = random_block(seed, &mut encoder);
            if seed.one_in(2) {
                seed.mutate(&mut block);
            }
            let full = wide.decode(&block, &WIDE, &mut all);
            let limited = narrow.decode(&block, &limits, &mut fields);
            assert!(fields.size() <= limits.max_list_bytes && fields.len() <= limits.max_fields);
            // A field on its way to the table is staged in the block.
            assert!(fields.capacity_bytes() <= 2 * 4096 + 4096);
            assert!(narrow.table_size() <= 4096);
            match limited {
                Err(Error::TableChurn) => return,
                Err(error) if error.is_connection_error() => {
                    assert_eq!(full, limited);
                    return;
                }
                _ => assert_eq!(full, Ok(())),
            }
        }
        assert_eq!(table(narrow), table(wide));
    });
}

#[test]
fn random_bytes_never_break_the_decoder() {
    each_seed(|seed| {
        let mut decoder = Decoder::new(4096);
        for _ in 0..4 {
            let len = seed.below(200);
            let block = seed.bytes(len);
            if outcome(&mut decoder, &block).is_err_and(Error::is_connection_error) {
                return;
            }
        }
    });
}

//! RFC 7541 appendix C, every example, decoded and encoded. (C.1 is tested in `integer`.)

use super::{WIDE, hex, pairs};
use crate::hpack::{
    Decoder, Encoder, Error, FieldBlock, Indexing,
    Indexing::{Incremental, Never, Without},
    huffman, integer,
};

/// One block of an example: its bytes, its fields, and the table's size behind it.
struct Example {
    block: &'static str,
    fields: &'static [(&'static str, &'static str)],
    table_size: usize,
}

/// How an example encodes its strings.
#[derive(Clone, Copy, PartialEq)]
enum Strings {
    Plain,
    Huffman,
}

fn decodes(decoder: &mut Decoder, example: &Example) {
    let mut fields = FieldBlock::new();
    decoder.decode(&hex(example.block), &WIDE, &mut fields).unwrap();
    let expected: Vec<_> =
        example.fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    assert_eq!(pairs(&fields), expected);
    assert_eq!(decoder.table_size(), example.table_size);
}

fn encodes(encoder: &mut Encoder, example: &Example, indexing: Indexing, strings: Strings) {
    let mut block = Vec::new();
    encoder.begin(&mut block);
    assert!(block.is_empty(), "a size update that is not in the example");
    for (name, value) in example.fields {
        encoder.field(name.as_bytes(), value.as_bytes(), indexing, &mut block);
    }
    assert_eq!(rewritten(&block, strings).unwrap(), hex(example.block));
    assert_eq!(encoder.table_size(), example.table_size);
}

/// The block with all its strings in one coding. Our encoder takes the shorter one; the examples
/// take the same for all.
fn rewritten(block: &[u8], strings: Strings) -> Result<Vec<u8>, Error> {
    let mut input = block;
    let mut out = Vec::new();
    while let Some(&first) = input.first() {
        let prefix_bits = match first {
            0x80.. => 7,
            0x40..0x80 => 6,
            _ => 4,
        };
        let index = integer::decode(&mut input, prefix_bits)?;
        integer::encode(index, prefix_bits, first & (0xff << prefix_bits), &mut out);
        let literals = match (prefix_bits, index) {
            (7, _) => 0,
            (_, 0) => 2,
            _ => 1,
        };
        for _ in 0..literals {
            let coded = input[0] & 0x80 != 0;
            let len = integer::decode(&mut input, 7)?;
            let (string, rest) = input.split_at(len);
            input = rest;
            let mut text = Vec::new();
            match coded {
                true => drop(huffman::decode(string, usize::MAX, &mut text)?),
                false => text.extend(string),
            }
            match strings {
                Strings::Plain => {
                    integer::encode(text.len(), 7, 0, &mut out);
                    out.extend(text);
                }
                Strings::Huffman => {
                    integer::encode(huffman::encoded_len(&text), 7, 0x80, &mut out);
                    huffman::encode(&text, &mut out);
                }
            }
        }
    }
    Ok(out)
}

fn single_block(example: &Example, indexing: Indexing) {
    decodes(&mut Decoder::new(4096), example);
    encodes(&mut Encoder::new(), example, indexing, Strings::Plain);
}

#[test]
fn c_2_1_literal_field_with_indexing() {
    let example = Example {
        block: "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
        fields: &[("custom-key", "custom-header")],
        table_size: 55,
    };
    single_block(&example, Incremental);
}

#[test]
fn c_2_2_literal_field_without_indexing() {
    let example = Example {
        block: "040c 2f73 616d 706c 652f 7061 7468",
        fields: &[(":path", "/sample/path")],
        table_size: 0,
    };
    single_block(&example, Without);
}

#[test]
fn c_2_3_literal_field_never_indexed() {
    let example = Example {
        block: "1008 7061 7373 776f 7264 0673 6563 7265 74",
        fields: &[("password", "secret")],
        table_size: 0,
    };
    single_block(&example, Never);
}

#[test]
fn c_2_4_indexed_field() {
    let example = Example { block: "82", fields: &[(":method", "GET")], table_size: 0 };
    single_block(&example, Incremental);
}

const REQUESTS: [&[(&str, &str)]; 3] = [
    &[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "www.example.com"),
        ("cache-control", "no-cache"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/index.html"),
        (":authority", "www.example.com"),
        ("custom-key", "custom-value"),
    ],
];

const REQUEST_TABLE_SIZES: [usize; 3] = [57, 110, 164];

const RESPONSES: [&[(&str, &str)]; 3] = [
    &[
        (":status", "302"),
        ("cache-control", "private"),
        ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
        ("location", "https://www.example.com"),
    ],
    &[
        (":status", "307"),
        ("cache-control", "private"),
        ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
        ("location", "https://www.example.com"),
    ],
    &[
        (":status", "200"),
        ("cache-control", "private"),
        ("date", "Mon, 21 Oct 2013 20:13:22 GMT"),
        ("location", "https://www.example.com"),
        ("content-encoding", "gzip"),
        ("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
    ],
];

const RESPONSE_TABLE_SIZES: [usize; 3] = [222, 222, 215];

/// Three blocks on one connection, both ways.
fn sequence(
    blocks: [&'static str; 3],
    fields: [&'static [(&'static str, &'static str)]; 3],
    table_sizes: [usize; 3],
    max_table_size: usize,
    strings: Strings,
) {
    let mut decoder = Decoder::new(max_table_size);
    let mut encoder = Encoder::new();
    encoder.set_max_table_size(max_table_size);
    // In these examples a smaller table was agreed upon before the first block.
    encoder.begin(&mut Vec::new());
    for ((block, fields), table_size) in blocks.into_iter().zip(fields).zip(table_sizes) {
        let example = Example { block, fields, table_size };
        decodes(&mut decoder, &example);
        encodes(&mut encoder, &example, Incremental, strings);
    }
}

#[test]
fn c_3_requests_without_huffman_coding() {
    let blocks = [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ];
    sequence(blocks, REQUESTS, REQUEST_TABLE_SIZES, 4096, Strings::Plain);
}

#[test]
fn c_4_requests_with_huffman_coding() {
    let blocks = [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ];
    sequence(blocks, REQUESTS, REQUEST_TABLE_SIZES, 4096, Strings::Huffman);
}

#[test]
fn c_5_responses_without_huffman_coding_in_a_table_of_256_bytes() {
    let blocks = [
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 \
         2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 \
         6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d \
         54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 \
         5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e \
         3d31",
    ];
    sequence(blocks, RESPONSES, RESPONSE_TABLE_SIZES, 256, Strings::Plain);
}

#[test]
fn c_6_responses_with_huffman_coding_in_a_table_of_256_bytes() {
    let blocks = [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 \
         2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab \
         77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f \
         9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ];
    sequence(blocks, RESPONSES, RESPONSE_TABLE_SIZES, 256, Strings::Huffman);
}

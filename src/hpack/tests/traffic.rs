//! Random traffic: the decoder returns the fields that the encoder was given.

use super::WIDE;
use crate::hpack::{Decoder, Encoder, FieldBlock, Indexing};
use crate::seed::{Seed, each_seed};

/// Mostly names that are repeated, as in real traffic, and some that are not.
fn random_name(seed: &mut Seed) -> Vec<u8> {
    let common: [&[u8]; 8] = [
        b":status",
        b":path",
        b":authority",
        b"content-type",
        b"grpc-status",
        b"grpc-timeout",
        b"authorization",
        b"x-request-id",
    ];
    if seed.one_in(5) {
        let len = seed.below(30);
        return seed.bytes(len);
    }
    seed.pick(&common).to_vec()
}

fn random_value(seed: &mut Seed) -> Vec<u8> {
    let common: [&[u8]; 6] = [b"", b"200", b"application/grpc", b"0", b"trailers", b"/"];
    match seed.below(4) {
        0 => {
            let limit = *seed.pick(&[4, 40, 40, 400, 5000]);
            let len = seed.below(limit);
            seed.bytes(len)
        }
        1 => format!("{}m", seed.below(300)).into_bytes(),
        _ => seed.pick(&common).to_vec(),
    }
}

#[test]
fn lists_survive_the_round_trip_with_changing_table_sizes() {
    each_seed(|seed| {
        let mut encoder = Encoder::new();
        let mut decoder = Decoder::new(4096);
        let mut received = FieldBlock::new();
        let mut sent = FieldBlock::new();
        let mut block = Vec::new();
        for _ in 0..seed.below(8) {
            // The decoder's side announces one or more sizes to the encoder's side.
            for _ in 0..seed.below(8).saturating_sub(5) {
                let bytes = *seed.pick(&[0, 31, 32, 64, 100, 500, 4095, 4096, 4097, 10_000]);
                decoder.set_max_table_size(bytes);
                encoder.set_max_table_size(bytes);
            }
            sent.clear();
            block.clear();
            encoder.begin(&mut block);
            for _ in 0..seed.below(8) {
                let (name, value) = (random_name(seed), random_value(seed));
                sent.push(&name, &value);
                let indexing =
                    *seed.pick(&[Indexing::Incremental, Indexing::Without, Indexing::Never]);
                encoder.field(&name, &value, indexing, &mut block);
            }
            assert_eq!(decoder.decode(&block, &WIDE, &mut received), Ok(()));
            assert_eq!(received, sent);
            assert_eq!(received.size(), sent.size());
            assert_eq!(decoder.table_size(), encoder.table_size());
        }
    });
}

/// The field block of a repeated gRPC call.
#[test]
fn a_repeated_grpc_call_is_a_dozen_bytes() {
    let request: [(&str, &str); 8] = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", "localhost:50051"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "agora/0.1.0"),
        ("grpc-accept-encoding", "identity"),
    ];
    let mut encoder = Encoder::new();
    let mut lengths = Vec::new();
    for _ in 0..2 {
        let mut block = Vec::new();
        encoder.begin(&mut block);
        for (name, value) in request {
            encoder.field(name.as_bytes(), value.as_bytes(), Indexing::Incremental, &mut block);
        }
        lengths.push(block.len());
    }
    assert_eq!(lengths[1], request.len());
    assert!(lengths[0] < 100, "{lengths:?}");
}

//! Members, limits, damage. `gzip` the program stands for other implementations in `test/interop`.

#![cfg(feature = "gzip")]

use super::{Error, MAX_MEMBERS, compress, expand};
use crate::seed::{Seed, each_seed};

fn compressed(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    compress(data, &mut out).unwrap();
    out
}

fn expanded(data: &[u8], limit_bytes: usize) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    expand(data, limit_bytes, &mut out).map(|()| out)
}

/// `printf hello | gzip -1 | xxd -p`: another writer's header (system, time), one fixed block.
const BY_GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\x03\xcb\x48\xcd\xc9\xc9\x07\
    \x00\x86\xa6\x10\x36\x05\x00\x00\x00";

#[test]
fn data_survives_the_round_trip() {
    let random = Seed::new(1).bytes(100_000);
    for data in [&b""[..], b"x", b"hello", &[7; 300_000], &random] {
        assert_eq!(expanded(&compressed(data), data.len()).unwrap(), data);
    }
    assert_eq!(expanded(BY_GZIP, 5).unwrap(), b"hello");
}

#[test]
fn both_functions_append() {
    let mut out = b"before".to_vec();
    compress(b"hello", &mut out).unwrap();
    assert_eq!(expanded(&out[6..], 5).unwrap(), b"hello");
    let mut out = b"before".to_vec();
    expand(BY_GZIP, 5, &mut out).unwrap();
    assert_eq!(out, b"beforehello");
}

/// RFC 1952, section 2.3: FEXTRA, FNAME, FCOMMENT and FHCRC are read over; the reserved bits of FLG
/// "must be zero".
#[test]
fn the_optional_fields_of_a_header_are_read_over() {
    let mut member = b"\x1f\x8b\x08\x1c\x00\x00\x00\x00\x04\x03\x02\x00exname\0comment\0".to_vec();
    member.extend(&BY_GZIP[10..]);
    assert_eq!(expanded(&member, 5).unwrap(), b"hello");
    for reserved in [0x20, 0x40, 0x80] {
        let mut member = BY_GZIP.to_vec();
        member[3] = reserved;
        assert!(matches!(expanded(&member, 5), Err(Error::Corrupt(_))), "{reserved:x}");
    }
}

/// RFC 1952, section 2.2: "a gzip file consists of a series of members", "one after another".
#[test]
fn members_that_follow_each_other_are_one_output() {
    let two = [BY_GZIP, &compressed(b""), BY_GZIP].concat();
    assert_eq!(expanded(&two, 10).unwrap(), b"hellohello");
    assert_eq!(expanded(&two, 9), Err(Error::TooLarge { limit_bytes: 9 }));
}

#[test]
fn the_number_of_members_is_bounded() {
    let empty = compressed(b"");
    assert_eq!(expanded(&empty.repeat(MAX_MEMBERS), 0).unwrap(), b"");
    assert_eq!(expanded(&empty.repeat(MAX_MEMBERS + 1), 0), Err(Error::TooManyMembers));
}

#[test]
fn every_truncation_is_refused() {
    let two = [BY_GZIP, BY_GZIP].concat();
    for length in (0..two.len()).filter(|length| *length != BY_GZIP.len()) {
        assert_eq!(expanded(&two[..length], 100), Err(Error::Truncated), "{length}");
    }
}

#[test]
fn wrong_checksums_and_lengths_are_refused() {
    let checksum = BY_GZIP.len() - 8;
    for at in checksum..BY_GZIP.len() {
        let mut member = BY_GZIP.to_vec();
        member[at] ^= 1;
        let refused = expanded(&member, 100).unwrap_err();
        assert!(refused.to_string().contains("checksum"), "{at}: {refused}");
    }
}

#[test]
fn what_follows_the_last_member_is_refused() {
    for garbage in [&b"\0"[..], b"\0\0\0\0\0\0\0\0\0\0\0\0", b"garbage garbage"] {
        let mut out = b"before".to_vec();
        expand(&[BY_GZIP, garbage].concat(), 100, &mut out).unwrap_err();
        assert_eq!(out, b"before");
    }
}

#[test]
fn other_formats_are_refused() {
    for data in
        [&b"hello, world"[..], b"\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\0\x06\x2c\x02\x15", &[0; 40]]
    {
        assert!(matches!(expanded(data, 100), Err(Error::Corrupt(_))), "{data:?}");
    }
}

/// A bomb: 64 MiB in 64 KiB. What is held is bounded by the limit, in the capacity as well.
#[test]
fn no_more_than_the_limit_is_held() {
    let bomb = compressed(&vec![0; 64 << 20]);
    assert!(bomb.len() < 400_000, "{}", bomb.len());
    for limit_bytes in [0, 1, 1023, 1024, 1025, 4 << 20] {
        let mut out = Vec::new();
        let refused = expand(&bomb, limit_bytes, &mut out);
        assert_eq!(refused, Err(Error::TooLarge { limit_bytes }));
        assert!(out.is_empty() && out.capacity() <= limit_bytes, "{}", out.capacity());
    }
    for length in [0, 1, 1023, 1024, 1025, 100_000] {
        let data = Seed::new(length as u64).bytes(length);
        let member = compressed(&data);
        assert_eq!(expanded(&member, length).unwrap(), data);
        if length > 0 {
            let limit_bytes = length - 1;
            assert_eq!(expanded(&member, limit_bytes), Err(Error::TooLarge { limit_bytes }));
        }
    }
}

#[test]
fn damaged_data_is_refused_or_expands_within_the_limit() {
    let members = [&b""[..], b"hello hello hello", &[7; 3000], &Seed::new(5).bytes(300)];
    let members = members.map(compressed);
    each_seed(|seed| {
        let mut data = seed.pick(&members).clone();
        if seed.one_in(4) {
            data.extend(seed.pick(&members));
        }
        seed.mutate(&mut data);
        let limit_bytes = *seed.pick(&[0, 10, 3000, 100_000]);
        let mut out = b"before".to_vec();
        match expand(&data, limit_bytes, &mut out) {
            Ok(()) => assert!(out.len() - 6 <= limit_bytes),
            Err(error) => assert!(out == b"before" && !error.to_string().is_empty()),
        }
        assert!(out.capacity() <= limit_bytes + 16);
    });
}

//! Every field comes back; damaged records are refused or are another record.

use super::*;
use crate::seed::each_seed;

/// A record with a field of every kind.
#[derive(Clone, Debug, PartialEq)]
struct Sample<'b> {
    small: u16,
    number: u32,
    large: u64,
    flag: bool,
    option: Option<u64>,
    fixed: [u8; 3],
    short: &'b str,
    medium: &'b [u8],
    long: &'b [u8],
    coordinates: Vec<f64>,
    last: &'b [u8],
}

const TAG: u8 = 7;

fn samples() -> [Sample<'static>; 2] {
    let full = Sample {
        small: 0x0102,
        number: 0x0304_0506,
        large: u64::MAX - 1,
        flag: true,
        option: Some(9),
        fixed: *b"abc",
        short: "h\u{e9}",
        medium: b"\0\xff",
        long: b"long",
        coordinates: vec![0.5, -0.0, f64::MAX],
        last: b"rest",
    };
    let empty = Sample {
        flag: false,
        option: None,
        short: "",
        medium: b"",
        long: b"",
        coordinates: Vec::new(),
        last: b"",
        ..full.clone()
    };
    [full, empty]
}

fn encode(sample: &Sample<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = Writer::new(&mut bytes);
    out.u8(TAG).u16(sample.small).u32(sample.number).u64(sample.large).flag(sample.flag);
    out.option(sample.option, Writer::u64).raw(&sample.fixed);
    out.bytes_u8(sample.short.as_bytes()).unwrap();
    out.bytes_u16(sample.medium).unwrap();
    out.bytes_u32(sample.long).unwrap();
    out.u32(sample.coordinates.len() as u32).f64s(&sample.coordinates).raw(sample.last);
    bytes
}

/// Whether the last field may have any length, or must be empty.
fn decode(bytes: &[u8], takes_rest: bool) -> Result<Sample<'_>, Error> {
    let mut fields = Reader::new(bytes);
    match fields.u8()? {
        TAG => (),
        tag => return Err(Error::Tag(tag)),
    }
    let sample = Sample {
        small: fields.u16()?,
        number: fields.u32()?,
        large: fields.u64()?,
        flag: fields.flag()?,
        option: fields.option(Reader::u64)?,
        fixed: fields.array()?,
        short: text(fields.bytes_u8()?)?,
        medium: fields.bytes_u16()?,
        long: fields.bytes_u32()?,
        coordinates: {
            let count = fields.u32()?;
            fields.f64s(count as usize)?
        },
        last: if takes_rest { fields.rest() } else { b"" },
    };
    fields.end()?;
    Ok(sample)
}

#[test]
fn a_record_comes_back_from_its_bytes() {
    for sample in samples() {
        assert_eq!(decode(&encode(&sample), true), Ok(sample));
    }
}

#[test]
fn fields_are_laid_out_as_the_convention_says() {
    let mut bytes = b"before".to_vec();
    let mut out = Writer::new(&mut bytes);
    out.u8(1).u16(2).u32(3).u64(4).flag(true).option(None, Writer::u8).option(Some(5), Writer::u8);
    out.bytes_u8(b"a").unwrap().bytes_u16(b"b").unwrap().bytes_u32(b"c").unwrap();
    out.f64s(&[1.0]).raw(b"d");
    let expected = b"before\x01\0\x02\0\0\0\x03\0\0\0\0\0\0\0\x04\x01\0\x01\x05\
                     \x01a\0\x01b\0\0\0\x01c\x3f\xf0\0\0\0\0\0\0d";
    assert_eq!(bytes, expected);
}

#[test]
fn every_truncation_is_an_error() {
    for sample in samples() {
        let sample = Sample { last: b"", ..sample };
        let bytes = encode(&sample);
        for end in 0..bytes.len() {
            let error = decode(&bytes[..end], true).unwrap_err();
            assert!(matches!(error, Error::Truncated { .. }), "{end}: {error}");
        }
    }
}

#[test]
fn trailing_bytes_are_an_error() {
    let mut bytes = encode(&Sample { last: b"", ..samples()[0].clone() });
    assert!(decode(&bytes, false).is_ok());
    bytes.extend_from_slice(b"xy");
    assert_eq!(decode(&bytes, false), Err(Error::Trailing(2)));
}

#[test]
fn lengths_beyond_the_record_are_errors_and_allocate_nothing() {
    assert_eq!(Reader::new(b"\x02a").bytes_u8(), Err(Error::Truncated { needed: 2, left: 1 }));
    let truncated = Err(Error::Truncated { needed: 65_535, left: 1 });
    assert_eq!(Reader::new(b"\xff\xffa").bytes_u16(), truncated);
    let truncated = Err(Error::Truncated { needed: u32::MAX as usize, left: 0 });
    assert_eq!(Reader::new(b"\xff\xff\xff\xff").bytes_u32(), truncated);
    for count in [2, u32::MAX as usize, usize::MAX] {
        assert!(Reader::new(&[0; 8]).f64s(count).is_err(), "{count}");
    }
}

#[test]
fn byte_strings_that_do_not_fit_are_refused_and_leave_the_buffer_as_it_was() {
    let long = vec![b'x'; 65_536];
    let mut bytes = Vec::new();
    let mut out = Writer::new(&mut bytes);
    let overlong = |bytes, max| Some(Error::Overlong { bytes, max });
    assert_eq!(out.bytes_u8(&long[..256]).err(), overlong(256, 255));
    assert_eq!(out.bytes_u16(&long).err(), overlong(65_536, 65_535));
    assert!(bytes.is_empty());
    let mut out = Writer::new(&mut bytes);
    assert!(out.bytes_u8(&long[..255]).is_ok() && out.bytes_u16(&long[1..]).is_ok());
    assert!(Writer::new(&mut bytes).bytes_u32(&long).is_ok());
}

#[test]
fn flags_and_texts_have_one_encoding() {
    assert_eq!(Reader::new(&[2]).flag(), Err(Error::Flag(2)));
    assert_eq!(Reader::new(&[0xff, 1]).option(Reader::u8), Err(Error::Flag(0xff)));
    assert_eq!(text(b"\xff"), Err(Error::Text));
}

#[test]
fn errors_are_explained_in_words() {
    for (error, words) in [
        (Error::Truncated { needed: 8, left: 3 }, "needs 8 bytes, 3 are left"),
        (Error::Trailing(4), "4 bytes follow"),
        (Error::Flag(2), "flag is 2"),
        (Error::Tag(9), "tag 9"),
        (Error::Text, "UTF-8"),
        (Error::Overlong { bytes: 256, max: 255 }, "256 bytes, its field takes 255"),
    ] {
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn damaged_records_are_refused_or_encode_to_the_same_bytes() {
    let records = samples().map(|sample| encode(&sample));
    each_seed(|seed| {
        let mut bytes = seed.pick(&records).clone();
        seed.mutate(&mut bytes);
        if let Ok(sample) = decode(&bytes, true) {
            assert_eq!(encode(&sample), bytes);
        }
    });
}

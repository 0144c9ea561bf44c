use super::*;
use crate::seed::{Seed, each_seed};

fn format(delimiter: u8) -> Format {
    Format::new(delimiter).unwrap()
}

fn read_with(format: Format, text: &[u8]) -> Result<(Points, u64), BadLine> {
    let mut reader = Reader::new(format, None, 0, true).unwrap();
    reader.read(text)?;
    reader.finish()
}

fn rows(points: &Points) -> Vec<&[f64]> {
    points.iter().collect()
}

/// Line, column and error of invalid text.
fn fault(text: &str) -> (u64, u64, Error) {
    let bad = read_with(Format::default(), text.as_bytes()).unwrap_err();
    (bad.line, bad.column, bad.error)
}

#[test]
fn every_common_form_of_a_line() {
    let text = b"1,2\n +3. ,\t.5 \r\n1e-3,-2E2\n\n   \n\r\n-0,7";
    let (points, skipped) = read_with(Format::default(), text).unwrap();
    assert_eq!(rows(&points), [[1.0, 2.0], [3.0, 0.5], [1e-3, -200.0], [-0.0, 7.0]]);
    assert_eq!(skipped, 0);
    let offsets: Vec<u64> = (0..4).map(|index| points.offset(index)).collect();
    assert_eq!(offsets, [0, 4, 16, 33]);
}

#[test]
fn every_delimiter() {
    for (delimiter, text) in [
        (b';', "1;2\n3 ;\t4\n"),
        (b'\t', "1\t2\n3 \t 4\n"),
        (b' ', "1 2\n  3 \t  4  \n"),
        (b'|', "1|2\n3|4"),
    ] {
        let (points, _) = read_with(format(delimiter), text.as_bytes()).unwrap();
        assert_eq!(rows(&points), [[1.0, 2.0], [3.0, 4.0]], "{text}");
    }
    for delimiter in *b"+-.e0\n\r\0\xe9" {
        assert_eq!(Format::new(delimiter), Err(Error::Delimiter(delimiter)));
    }
}

#[test]
fn keys_before_points_are_skipped() {
    for (delimiter, text) in [
        (b',', "17\t1,2\n17\t 3 ,\t4\r\n17\t1e0,.5\n17\t-1,5\n"),
        (b'\t', "17\t1\t2\n17\t3 \t 4\n17\t1.\t.5\n17\t-1\t5\n"),
        (b' ', "17\t1 2\n17\t  3 \t  4  \n17\t1   .5\n17\t-1 5\n"),
    ] {
        let mut reader = Reader::new(format(delimiter), Some(2), 0, false).unwrap();
        for _ in 0..2 {
            reader.reset(3);
            reader.read(text.as_bytes()).unwrap();
            let expected = [[1.0, 2.0], [3.0, 4.0], [1.0, 0.5], [-1.0, 5.0]];
            assert_eq!(rows(reader.points()), expected, "{text}");
        }
    }
}

#[test]
fn a_header_and_a_byte_order_mark_are_skipped_only_at_the_start_of_a_file() {
    let header = Format { header: true, ..Format::default() };
    let (points, skipped) = read_with(header.clone(), b"\xef\xbb\xbfx,y\r\n1,2\n").unwrap();
    assert_eq!((rows(&points), points.offset(0), skipped), (vec![&[1.0, 2.0][..]], 8, 0));
    let (points, _) = read_with(Format::default(), b"\xef\xbb\xbf1,2").unwrap();
    assert_eq!((rows(&points), points.offset(0)), (vec![&[1.0, 2.0][..]], 3));
    let mut later = Reader::new(header, None, 100, false).unwrap();
    later.read(b"1,2\n").unwrap();
    assert_eq!(later.finish().unwrap().0.offset(0), 100);
}

#[test]
fn an_error_names_line_and_column() {
    let number = |text: &str| Error::NotNumber(text.into());
    assert_eq!(fault("1,2\n3,x4\n"), (2, 3, number("x4")));
    assert_eq!(fault("1,nan"), (1, 3, number("nan")));
    assert_eq!(fault("1,-inf"), (1, 3, number("-inf")));
    assert_eq!(fault("1, 1e999"), (1, 4, Error::NotFinite));
    assert_eq!(fault("1,2\n\n3"), (3, 1, Error::DimsDiffer { expected: 2, found: 1 }));
    assert_eq!(fault("1\n3,4\n"), (2, 1, Error::DimsDiffer { expected: 1, found: 2 }));
    assert_eq!(fault("1,,2"), (1, 3, Error::NoNumber));
    assert_eq!(fault("1,2,\n"), (1, 5, Error::NoNumber));
    assert_eq!(fault("1;2"), (1, 2, Error::NoDelimiter));
    assert_eq!(fault("1 2"), (1, 3, Error::NoDelimiter));
    assert_eq!(fault("1\r2"), (1, 2, Error::NoDelimiter));
    assert_eq!(fault("\"1\",2"), (1, 1, number("\\\"1\\\"")));
    assert_eq!(fault("1,\u{e9}"), (1, 3, number("\\xc3\\xa9")));
    let many = format!("{}1", "1,".repeat(MAX_DIMS));
    assert_eq!(fault(&many), (1, 8_193, Error::Dims(4_097)));
    let long = format!("{}1", "0".repeat(MAX_LINE_BYTES));
    assert_eq!(fault(&long).2, Error::LineTooLong);
    let bad = read_with(Format::default(), b"1,2\n3,x4\n").unwrap_err();
    assert_eq!(bad.to_string(), "line 2, column 3 (byte 6): \"x4\" is not a number");
}

#[test]
fn bad_lines_are_counted_and_skipped_on_request() {
    let skipping = Format { skip_bad: true, ..Format::default() };
    let text = b"x,y\n1,2\n3\n4,inf\n5,6,7\n\n8,9\n,";
    let (points, skipped) = read_with(skipping, text).unwrap();
    assert_eq!((rows(&points), skipped), (vec![&[1.0, 2.0][..], &[8.0, 9.0]], 5));
    assert_eq!((points.offset(0), points.offset(1)), (4, 23));
}

#[test]
fn a_line_that_is_too_long_takes_no_memory_and_is_a_bad_line() {
    let skipping = Format { skip_bad: true, ..Format::default() };
    let mut reader = Reader::new(skipping, None, 0, true).unwrap();
    reader.read(b"1\n2").unwrap();
    let zeros = vec![b'0'; MAX_LINE_BYTES];
    (0..10).for_each(|_| reader.read(&zeros).unwrap());
    assert!(reader.partial_line.capacity() <= 2 * MAX_LINE_BYTES);
    reader.read(b",\n3\n").unwrap();
    let (points, skipped) = reader.finish().unwrap();
    assert_eq!((rows(&points), skipped), (vec![&[1.0][..], &[3.0]], 1));
    assert_eq!(points.offset(1), 2 + 1 + 10 * MAX_LINE_BYTES as u64 + 2);
    // The same in one chunk.
    let line = format!("{}1\n", "0".repeat(MAX_LINE_BYTES));
    assert_eq!(fault(&line), (1, 1, Error::LineTooLong));
}

#[test]
fn given_dimensions_apply_to_the_first_line_too() {
    let mut reader = Reader::new(Format::default(), Some(3), 0, true).unwrap();
    let bad = reader.read(b"1,2\n").unwrap_err();
    assert_eq!(bad.error, Error::DimsDiffer { expected: 3, found: 2 });
    let empty = Reader::new(Format::default(), Some(3), 0, true).unwrap().finish().unwrap();
    assert_eq!((empty.0.dims(), empty.0.len()), (3, 0));
    assert!(Reader::new(Format::default(), Some(0), 0, true).is_err());
}

#[test]
fn chunk_boundaries_have_no_effect() {
    each_seed(|seed| {
        let mut text = b"\xef\xbb\xbfa;b\n1.25;-2\n \r\n3e2;.5\n17;12345678.875\r\n6;7".to_vec();
        if seed.one_in(2) {
            seed.mutate(&mut text);
        }
        let format = Format { skip_bad: seed.one_in(2), header: true, ..format(b';') };
        let whole = read_with(format.clone(), &text);
        let mut reader = Reader::new(format, None, 0, true).unwrap();
        let mut rest = &text[..];
        let pieces = loop {
            let (piece, after) = rest.split_at(seed.below(rest.len() + 1));
            rest = after;
            match reader.read(piece) {
                Err(bad) => break Err(bad),
                Ok(()) if rest.is_empty() => break reader.finish(),
                Ok(()) => {}
            }
        };
        assert_eq!(whole, pieces, "{:?}", String::from_utf8_lossy(&text));
    });
}

/// A number in one of the common forms.
fn some_number(seed: &mut Seed) -> String {
    let digits = |seed: &mut Seed, most: usize| -> String {
        let count = 1 + seed.below(most);
        (0..count).map(|_| char::from(b'0' + seed.below(10) as u8)).collect()
    };
    let sign = *seed.pick(&["", "", "-", "+"]);
    let (whole, fraction) = (digits(seed, 10), digits(seed, 17));
    match seed.below(6) {
        0 => format!("{sign}{whole}"),
        1 => format!("{sign}{whole}."),
        2 => format!("{sign}.{fraction}"),
        3 => format!("{sign}{whole}.{fraction}e-{}", seed.below(20)),
        4 => format!(" {sign}{whole}.{fraction} "),
        _ => format!("{sign}{whole}.{fraction}"),
    }
}

#[test]
fn numbers_equal_those_of_the_standard_library() {
    each_seed(|seed| {
        let dims = 1 + seed.below(4);
        let newline = *seed.pick(&["\n", "\r\n"]);
        let (mut text, mut expected) = (String::new(), Vec::new());
        for _ in 0..seed.below(60) {
            let row: Vec<String> = (0..dims).map(|_| some_number(seed)).collect();
            text += &row.join(",");
            text += newline;
            expected.extend(row.iter().map(|number| number.trim().parse::<f64>().unwrap()));
        }
        let (points, _) = read_with(Format::default(), text.as_bytes()).unwrap();
        let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(points.coordinates()), bits(&expected), "{text}");
    });
}

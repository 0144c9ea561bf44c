//! Texts and messages of somebody who means harm: none panics, and none costs more than it is worth.

use super::seed::each_seed;
use super::{from_json, kinds, refused, to_json};
use agora::json::{self, Error, MAX_DEPTH, Unknown};
use agora::protobuf::{FieldReader, put_varint};

const TEXTS: [(&str, &str); 4] = [
    (
        "test.Single",
        r#"{"fDouble":-1.5e3,"fInt64":"-7","fBool":true,"fString":"a\u00e9\ud83d\ude08","fBytes":"AAE=","fColor":"FAR","fInner":{"count":3,"inner":{"inner":{}}}}"#,
    ),
    ("test.Repeated", r#"{"fInt32":[1,-1,300],"fString":["","b"],"fInner":[{},{"count":1}]}"#),
    ("test.Maps", r#"{"byInt32":{"1":"a","-2":"b"},"toInner":{"":{},"x":{"count":9}}}"#),
    ("test.Wrapped", r#"{"int64":"5","strings":["a",""],"bool":null}"#),
];

/// A damaged text is refused, or it is a message that has a JSON which is the same message.
#[test]
fn damaged_texts_are_refused_or_consistent() {
    let schema = kinds::schema();
    each_seed(|seed| {
        let (message, text) = *seed.pick(&TEXTS);
        let id = schema.message(message).unwrap();
        let mut text = text.as_bytes().to_vec();
        seed.mutate(&mut text);
        let unknown = if seed.one_in(2) { Unknown::Ignored } else { Unknown::Refused };
        let mut binary = Vec::new();
        let read = json::from_json(&schema, id, &text, unknown, 1 << 20, &mut binary);
        if let Err(error) = read {
            assert!(binary.is_empty() && error.to_string().len() < 2000);
            return;
        }
        assert!(FieldReader::new(&binary).all(|field| field.is_ok()));
        let shown = to_json(&schema, message, &binary).unwrap();
        let again = from_json(&schema, message, &shown).unwrap();
        assert_eq!(to_json(&schema, message, &again).unwrap(), shown);
    });
}

#[test]
fn damaged_messages_have_no_json_or_one_that_reads_back() {
    let schema = kinds::schema();
    each_seed(|seed| {
        let (message, text) = *seed.pick(&TEXTS);
        let mut binary = from_json(&schema, message, text).unwrap();
        seed.mutate(&mut binary);
        if let Ok(shown) = to_json(&schema, message, &binary) {
            let again = from_json(&schema, message, &shown).unwrap();
            assert_eq!(to_json(&schema, message, &again).unwrap(), shown);
        }
    });
}

/// Depth costs stack: it is limited in known fields, and costs none in unknown ones.
#[test]
fn nesting_is_limited() {
    let schema = kinds::schema();
    let nested = |depth: usize| {
        let inner = r#"{"inner":"#.repeat(depth - 1);
        format!("{inner}{{}}{}", "}".repeat(depth - 1))
    };
    from_json(&schema, "test.Inner", &nested(MAX_DEPTH)).unwrap();
    assert_eq!(from_json(&schema, "test.Inner", &nested(MAX_DEPTH + 1)), Err(Error::TooDeep));
    let lists = format!("{{\"x\":{}{}}}", "[".repeat(500_000), "]".repeat(500_000));
    let id = schema.message("test.Inner").unwrap();
    let mut out = Vec::new();
    json::from_json(&schema, id, lists.as_bytes(), Unknown::Ignored, 10, &mut out).unwrap();
    refused(&schema, "test.Inner", &format!("{}{}", "[".repeat(500_000), "]".repeat(500_000)));
}

/// What one byte of a text becomes at most: lists of small elements are the worst.
#[test]
fn a_message_is_at_most_five_times_its_text() {
    let schema = kinds::schema();
    let mut worst = 0.0;
    for field in ["fInt32", "fDouble", "fFloat", "fColor", "fString", "fInner", "fSint64", "fBool"]
    {
        for element in ["0", "-1", "1", "\"\"", "{}", "true"] {
            let elements = vec![element; 100_000].join(",");
            let text = format!("{{\"{field}\":[{elements}]}}");
            let id = schema.message("test.Repeated").unwrap();
            let mut out = Vec::new();
            let limit = usize::MAX;
            let read =
                json::from_json(&schema, id, text.as_bytes(), Unknown::Refused, limit, &mut out);
            if read.is_ok() {
                worst = f64::max(worst, out.len() as f64 / text.len() as f64);
            }
        }
    }
    assert!((3.0..5.0).contains(&worst), "{worst}");
}

#[test]
fn a_message_ends_at_its_limit() {
    let schema = kinds::schema();
    let id = schema.message("test.Repeated").unwrap();
    let text = format!("{{\"fInt32\":[{}]}}", vec!["-1"; 1000].join(","));
    let mut out = b"before".to_vec();
    let read = json::from_json(&schema, id, text.as_bytes(), Unknown::Refused, 5000, &mut out);
    assert_eq!((read, &out[..]), (Err(Error::TooLarge(5000)), &b"before"[..]));
    assert!(out.capacity() < 16 * 1024);
}

#[test]
fn a_long_number_costs_its_length() {
    let schema = kinds::schema();
    let digits = "9".repeat(1_000_000);
    refused(&schema, "test.Single", &format!("{{\"fInt64\":{digits}}}"));
    refused(&schema, "test.Single", &format!("{{\"fInt64\":\"1e{digits}\"}}"));
    refused(&schema, "test.Single", &format!("{{\"fDouble\":{digits}}}"));
    let long = format!("{{\"fDouble\":0.{digits}}}");
    from_json(&schema, "test.Single", &long).unwrap();
    // What was there is repeated in part.
    assert!(refused(&schema, "test.Single", &format!("{{\"fBool\":\"{digits}\"}}")).len() < 200);
    assert!(refused(&schema, "test.Single", &format!("{{\"{digits}\":1}}")).len() < 400);
    assert!(refused(&schema, "test.Single", &format!("\"{digits}\"")).len() < 400);
}

/// The fields of a message in the worst order are found in a time that its length bounds.
#[test]
fn fields_in_disorder_cost_little() {
    let schema = kinds::schema();
    let mut binary = Vec::new();
    for _ in 0..20_000 {
        for number in [5_u64, 7, 11, 13, 8] {
            put_varint(&mut binary, (number << 3) | (u64::from(number == 7) * 5));
            binary.extend_from_slice(if number == 7 { &[1, 0, 0, 0] } else { &[1] });
        }
    }
    let text = to_json(&schema, "test.Repeated", &binary).unwrap();
    assert_eq!(text.matches("true").count(), 20_000);
}

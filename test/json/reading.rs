//! JSON to messages: what is read, and what is refused in which words.

use super::{from_json, kinds, refused, round};
use agora::json::{self, Error, Schema, Unknown};

/// Both texts are the same message.
#[track_caller]
fn same(schema: &Schema, message: &str, text: &str, plain: &str) {
    let read = |text| from_json(schema, message, text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read(text), read(plain), "{text}");
}

#[test]
fn both_names_of_a_field_are_read() {
    let schema = kinds::schema();
    let plain = r#"{"modifiedRevision":"1"}"#;
    same(&schema, "agora.kv.v1.Pair", r#"{"modified_revision":"1"}"#, plain);
    same(&schema, "agora.kv.v1.Pair", r#" {"modified\u0052evision" :1 }"#, plain);
    let classic = r#"{"Request":"GET x"}"#;
    assert_eq!(round(&schema, "ServeClientArgs", classic).unwrap(), classic);
}

/// "Representation of each type": numbers with or without quotes, and with an exponent.
#[test]
fn integers_are_read_in_every_spelling() {
    let schema = kinds::schema();
    for text in ["100", "\"100\"", "1e2", "\"1e2\"", "100.0", "1000E-1", "\"1.0e+2\""] {
        for field in ["fInt32", "fInt64", "fUint32", "fUint64", "fFixed32", "fSint64"] {
            let spelled = format!("{{\"{field}\":{text}}}");
            same(&schema, "test.Single", &spelled, &format!("{{\"{field}\":100}}"));
        }
    }
    // Beyond 53 bits, where a double would be another number.
    let exact = r#"{"fInt64":"9007199254740993"}"#;
    same(&schema, "test.Single", r#"{"fInt64":9007199254740993.0}"#, exact);
}

#[test]
fn integers_out_of_range_are_refused() {
    let schema = kinds::schema();
    for (field, text) in [
        ("fInt32", "2147483648"),
        ("fInt32", "-2147483649"),
        ("fUint32", "-1"),
        ("fUint32", "4294967296"),
        ("fInt64", "9223372036854775808"),
        ("fUint64", "18446744073709551616"),
        ("fUint64", "1e400"),
        ("fUint64", "-1"),
        ("fSint32", "1.5"),
        ("fSfixed64", "\"\""),
        ("fInt32", "\" 1\""),
        ("fInt32", "\"0x1\""),
        ("fInt32", "true"),
        ("fInt32", "[]"),
        ("fColor", "2147483648"),
    ] {
        let words = refused(&schema, "test.Single", &format!("{{\"{field}\":{text}}}"));
        assert!(words.starts_with(&format!("{field}: expected ")), "{words}");
    }
    let words = refused(&schema, "test.Single", r#"{"fUint32":-1}"#);
    assert_eq!(words, "fUint32: expected an integer from 0 to 4294967295, not -1");
}

#[test]
fn floats_are_read_in_every_spelling() {
    let schema = kinds::schema();
    let plain = r#"{"fDouble":1.5}"#;
    same(&schema, "test.Single", r#"{"fDouble":"1.5"}"#, plain);
    same(&schema, "test.Single", r#"{"fDouble":15e-1}"#, plain);
    for text in ["1e400", "-1e400", "\"inf\"", "\"nan\"", "\"\"", "\"0x1\"", "true"] {
        refused(&schema, "test.Single", &format!("{{\"fDouble\":{text}}}"));
    }
    refused(&schema, "test.Single", r#"{"fFloat":3.5e38}"#);
}

#[test]
fn bytes_are_base64_of_either_alphabet_padded_or_not() {
    let schema = kinds::schema();
    let plain = r#"{"key":"+/8="}"#;
    for text in ["+/8", "-_8", "-_8=", "+\\/8="] {
        same(&schema, "agora.kv.v1.Pair", &format!("{{\"key\":\"{text}\"}}"), plain);
    }
    let words = refused(&schema, "agora.kv.v1.Pair", r#"{"key":"a b"}"#);
    assert_eq!(words, "key: expected a string of base64, not \"a b\"");
}

#[test]
fn enums_are_read_by_name_or_number() {
    let schema = kinds::schema();
    let plain = r#"{"fColor":"GREEN"}"#;
    same(&schema, "test.Single", r#"{"fColor":1}"#, plain);
    same(&schema, "test.Single", r#"{"fColor":1.0}"#, plain);
    let words = refused(&schema, "test.Single", r#"{"fColor":"green"}"#);
    assert_eq!(words, "fColor: expected a name or number of test.Color, not \"green\"");
    refused(&schema, "test.Single", r#"{"fColor":"1"}"#);
}

/// "Null": an absent field, but never an element.
#[test]
fn null_is_absence_and_no_element() {
    let schema = kinds::schema();
    let nulls = r#"{"fInt32":null,"fString":null,"fColor":null,"fInner":null}"#;
    assert_eq!(from_json(&schema, "test.Single", nulls), Ok(Vec::new()));
    assert_eq!(from_json(&schema, "test.Repeated", r#"{"fInt32":null}"#), Ok(Vec::new()));
    assert_eq!(from_json(&schema, "test.Maps", r#"{"byInt32":null}"#), Ok(Vec::new()));
    for (message, text) in [
        ("test.Repeated", r#"{"fInt32":[1,null]}"#),
        ("test.Repeated", r#"{"fString":["",null]}"#),
        ("test.Repeated", r#"{"fInner":[null]}"#),
        ("test.Wrapped", r#"{"int64s":[null]}"#),
        ("test.Maps", r#"{"toInner":{"a":null}}"#),
        ("test.Single", "null"),
    ] {
        refused(&schema, message, text);
    }
    let words = refused(&schema, "test.Repeated", r#"{"fInt32":[1,null]}"#);
    assert_eq!(words, "fInt32[1]: a list has no null");
}

#[test]
fn a_field_that_is_there_twice_is_refused() {
    let schema = kinds::schema();
    for text in [
        r#"{"fInt32":1,"fInt32":1}"#,
        r#"{"fInt32":1,"f_int32":1}"#,
        r#"{"fInt32":null,"fInt32":1}"#,
    ] {
        let words = refused(&schema, "test.Single", text);
        assert_eq!(words, "fInt32: the field is there twice");
    }
    let words = refused(&schema, "test.Maps", r#"{"byInt32":{"1":"a","1.0":"b"}}"#);
    assert_eq!(words, "byInt32[\"1.0\"]: the key is there twice");
}

#[test]
fn two_members_of_a_oneof_are_refused_and_null_is_none() {
    let schema = kinds::schema();
    let words = refused(&schema, "test.Choice", r#"{"fInt32":1,"fString":"a"}"#);
    assert_eq!(words, "fString: another field of the same oneof is there as well");
    same(&schema, "test.Choice", r#"{"fInt32":1,"fString":null}"#, r#"{"fInt32":1}"#);
}

#[test]
fn an_unknown_field_is_refused_with_its_path_or_ignored() {
    let schema = kinds::schema();
    let text = r#"{"changes":[{},{"value":{"vlaue":[{"a":1e999},"\ud800"]}}]}"#;
    let words = refused(&schema, "agora.kv.v1.WatchResponse", text);
    assert_eq!(words, "changes[1].value: agora.kv.v1.Value has no field \"vlaue\"");
    let id = schema.message("agora.kv.v1.WatchResponse").unwrap();
    let mut out = Vec::new();
    json::from_json(&schema, id, text.as_bytes(), Unknown::Ignored, 100, &mut out).unwrap();
    let shown = super::to_json(&schema, "agora.kv.v1.WatchResponse", &out).unwrap();
    assert_eq!(shown, r#"{"changes":[{},{"value":{}}]}"#);
}

#[test]
fn keys_of_maps_are_read_as_their_type() {
    let schema = kinds::schema();
    for text in [
        r#"{"byInt32":{"a":""}}"#,
        r#"{"byBool":{"1":""}}"#,
        r#"{"byUint64":{"-1":""}}"#,
        r#"{"byInt32":[]}"#,
    ] {
        refused(&schema, "test.Maps", text);
    }
    refused(&schema, "test.Repeated", r#"{"fInt32":{}}"#);
    refused(&schema, "test.Repeated", r#"{"fInt32":1}"#);
}

#[test]
fn a_value_of_another_type_is_refused_in_words() {
    let schema = kinds::schema();
    for (text, words) in [
        (r#"{"fString":1}"#, "fString: expected a string, not 1"),
        (r#"{"fBool":"true"}"#, "fBool: expected true or false, not \"true\""),
        (r#"{"fBool":1}"#, "fBool: expected true or false, not 1"),
        (r#"{"fString":{"a":1}}"#, "fString: expected a string, not an object or a list"),
    ] {
        assert_eq!(refused(&schema, "test.Single", text), words);
    }
    let words = refused(&schema, "test.Single", r#"{"fInner":[]}"#);
    assert!(words.starts_with("fInner: invalid type: sequence, expected an object"), "{words}");
}

/// RFC 8259.
#[test]
fn a_text_that_is_no_json_is_refused() {
    let schema = kinds::schema();
    for text in [
        "",
        " ",
        "{",
        "{}{}",
        "{} x",
        "[]",
        "1",
        "\"a\"",
        "{'fInt32':1}",
        "{fInt32:1}",
        "{\"fInt32\":1,}",
        "{\"fInt32\" 1}",
        "{\"fInt32\":01}",
        "{\"fInt32\":+1}",
        "{\"fString\":\"\n\"}",
        "{\"fString\":\"\\x\"}",
        "\u{feff}{}",
        "// a\n{}",
    ] {
        let error = from_json(&schema, "test.Single", text).expect_err(text);
        assert!(matches!(error, Error::Syntax { .. } | Error::Field { .. }), "{text}: {error}");
    }
    let words = refused(&schema, "test.Single", "{\"fInt32\":}");
    assert_eq!(words, "fInt32: expected value at line 1 column 11");
}

/// RFC 8259 section 8: UTF-8, and pairs of surrogates.
#[test]
fn texts_are_characters_alone() {
    let schema = kinds::schema();
    same(
        &schema,
        "test.Single",
        r#"{"fString":"\ud83d\ude08\u0000"}"#,
        "{\"fString\":\"\u{1f608}\\u0000\"}",
    );
    for text in [r"\ud83d", r"\ude08\ud83d", r"\ud83d\u0041", r"\ud83dx"] {
        let words = refused(&schema, "test.Single", &format!("{{\"fString\":\"{text}\"}}"));
        assert_eq!(words, "fString: an escape is no character");
    }
    let id = schema.message("test.Single").unwrap();
    let text = b"{\"fString\":\"\xff\"}";
    let error = json::from_json(&schema, id, text, Unknown::Refused, 100, &mut Vec::new());
    assert_eq!(error.unwrap_err().to_string(), "the text is not UTF-8 at byte 12");
}

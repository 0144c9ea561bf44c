//! Messages to JSON: what is written, and how.

use super::{from_json, kinds, round, to_json};
use agora::json::{self, Error, MAX_DEPTH, PROTOSET, Schema};
use agora::protobuf::put_varint;

#[test]
fn our_descriptors_have_a_schema() {
    let schema = Schema::read(PROTOSET).unwrap();
    assert!(schema.paths().count() > 30);
    let method = *schema.method("/agora.kv.v1.KvService/Watch").unwrap();
    assert!(method.server_streaming && !method.client_streaming && !method.no_side_effects);
    assert_eq!(Some(method.input), schema.message("agora.kv.v1.WatchRequest"));
    assert_eq!(schema.method("/agora.kv.v1.KvService/watch"), None);
    let reads: Vec<&str> =
        schema.paths().filter(|path| schema.method(path).unwrap().no_side_effects).collect();
    assert!(reads.contains(&"/agora.kv.v1.KvService/Get"));
    assert!(!reads.contains(&"/agora.kv.v1.KvService/Set"));
    // A service without a package.
    assert!(schema.method("/RaftService/ServeClient").is_some());
}

/// "Field names": lowerCamelCase, unless a descriptor says otherwise.
#[test]
fn names_are_lower_camel_case() {
    let schema = kinds::schema();
    let text = r#"{"key":"YQ==","modifiedRevision":"1"}"#;
    assert_eq!(round(&schema, "agora.kv.v1.Pair", text).unwrap(), text);
    // `test.proto` has no names for JSON; the rule makes them.
    assert_eq!(round(&schema, "test.Single", r#"{"f_int32":7}"#).unwrap(), r#"{"fInt32":7}"#);
}

/// "Representation of each type": 64 bits in quotes, 32 bits without.
#[test]
fn numbers_of_64_bits_are_strings() {
    let schema = kinds::schema();
    let text = r#"{"fInt64":"-9223372036854775808","fUint64":"18446744073709551615","fInt32":-2147483648,"fFixed64":"1","fFixed32":4294967295,"fUint32":4294967295,"fSfixed32":-1,"fSfixed64":"-1","fSint32":-2147483648,"fSint64":"-9223372036854775808"}"#;
    assert_eq!(round(&schema, "test.Single", text).unwrap(), text);
}

#[test]
fn floats_are_the_shortest_text_of_their_width() {
    let schema = kinds::schema();
    let text = r#"{"fDouble":0.1,"fFloat":0.1}"#;
    assert_eq!(round(&schema, "test.Single", text).unwrap(), text);
    let text = r#"{"fDouble":["NaN","Infinity","-Infinity",5e-324],"fFloat":["NaN","Infinity","-Infinity",3.4028235e+38]}"#;
    assert_eq!(round(&schema, "test.Repeated", text).unwrap(), text);
    // Rounded once, not by way of 64 bits: just above the middle of two numbers of 32 bits.
    let above = r#"{"fFloat":1.00000017881393432617187500001}"#;
    assert_eq!(round(&schema, "test.Single", above).unwrap(), r#"{"fFloat":1.0000002}"#);
}

/// "Presence and default values".
#[test]
fn defaults_without_presence_are_left_out_and_others_stay() {
    let schema = kinds::schema();
    let zeros = r#"{"fInt32":0,"fBool":false,"fString":"","fBytes":"","fColor":"RED","fDouble":0}"#;
    assert_eq!(round(&schema, "test.Single", zeros).unwrap(), "{}");
    let kept =
        r#"{"fDouble":0.0,"fInt32":0,"fBool":false,"fString":"","fBytes":"","fColor":"RED"}"#;
    assert_eq!(round(&schema, "test.Optional", kept).unwrap(), kept);
    assert_eq!(round(&schema, "test.Choice", r#"{"fInt32":0}"#).unwrap(), r#"{"fInt32":0}"#);
    assert_eq!(round(&schema, "test.Single", r#"{"fInner":{}}"#).unwrap(), r#"{"fInner":{}}"#);
    assert_eq!(round(&schema, "test.Repeated", r#"{"fInt32":[],"fInner":[]}"#).unwrap(), "{}");
}

#[test]
fn enums_are_names_and_unknown_ones_numbers() {
    let schema = kinds::schema();
    let text = r#"{"fColor":["RED","GREEN","FAR","BELOW",7,-2147483648]}"#;
    assert_eq!(round(&schema, "test.Repeated", text).unwrap(), text);
    let numbers = r#"{"fColor":[0,1,2147483647,-5]}"#;
    let names = r#"{"fColor":["RED","GREEN","FAR","BELOW"]}"#;
    assert_eq!(round(&schema, "test.Repeated", numbers).unwrap(), names);
}

/// "Wrappers": their value alone, and null for an absent one.
#[test]
fn wrappers_are_their_values() {
    let schema = kinds::schema();
    let text =
        r#"{"int64":"0","uint32":7,"bool":false,"string":"","bytes":"AA==","doubles":[0.0,1.5]}"#;
    assert_eq!(round(&schema, "test.Wrapped", text).unwrap(), text);
    assert_eq!(round(&schema, "test.Wrapped", r#"{"int64":null}"#).unwrap(), "{}");
    assert_eq!(round(&schema, "google.protobuf.UInt64Value", r#""5""#).unwrap(), r#""5""#);
}

#[test]
fn maps_are_objects_in_the_order_of_their_keys() {
    let schema = kinds::schema();
    let text = r#"{"byInt64":{"5":"b","-1":"a"},"byBool":{"true":"t","false":"f"}}"#;
    let sorted = r#"{"byInt64":{"-1":"a","5":"b"},"byBool":{"false":"f","true":"t"}}"#;
    assert_eq!(round(&schema, "test.Maps", text).unwrap(), sorted);
    let ours = "grpc.health.v1.HealthListResponse";
    let text = r#"{"statuses":{"":{},"a":{"status":"SERVING"}}}"#;
    assert_eq!(round(&schema, ours, text).unwrap(), text);
}

/// "Encoding": the last value of a field counts, messages are merged, lists continue.
#[test]
fn fields_that_occur_again_are_merged() {
    let schema = kinds::schema();
    let one = from_json(&schema, "test.Single", r#"{"fInt32":1,"fInner":{"count":1}}"#).unwrap();
    let two = r#"{"fInner":{"inner":{"count":2}},"fInt32":3}"#;
    let two = from_json(&schema, "test.Single", two).unwrap();
    let merged = r#"{"fInt32":3,"fInner":{"count":1,"inner":{"count":2}}}"#;
    assert_eq!(to_json(&schema, "test.Single", &[one, two].concat()).unwrap(), merged);
    let member = |text| from_json(&schema, "test.Choice", text).unwrap();
    let both = [member(r#"{"fInt32":1}"#), member(r#"{"fString":"x"}"#)].concat();
    assert_eq!(to_json(&schema, "test.Choice", &both).unwrap(), r#"{"fString":"x"}"#);
}

#[test]
fn what_is_no_text_has_no_json() {
    let schema = kinds::schema();
    // Field 2 of a node of a group is its address.
    let error = to_json(&schema, "agora.kv.v1.Peer", b"\x12\x01\xff").unwrap_err();
    assert_eq!(error.to_string(), "agora.kv.v1.Peer.address: the text is not UTF-8");
    assert!(to_json(&schema, "agora.kv.v1.Peer", b"\x12\x05a").is_err());
}

#[test]
fn messages_deeper_than_the_limit_have_no_json() {
    let schema = kinds::schema();
    let nested = |depth: usize| {
        (1..depth).fold(Vec::new(), |inner: Vec<u8>, _| {
            let mut outer = vec![0x12];
            put_varint(&mut outer, inner.len() as u64);
            outer.extend(inner);
            outer
        })
    };
    assert!(to_json(&schema, "test.Inner", &nested(MAX_DEPTH)).is_ok());
    assert_eq!(to_json(&schema, "test.Inner", &nested(MAX_DEPTH + 1)), Err(Error::TooDeep));
}

#[test]
fn the_output_ends_at_its_limit() {
    let schema = kinds::schema();
    let id = schema.message("agora.kv.v1.Pair").unwrap();
    let message = from_json(&schema, "agora.kv.v1.Pair", r#"{"key":"YWFh"}"#).unwrap();
    let mut out = b"before".to_vec();
    let error = json::to_json(&schema, id, &message, 13, &mut out);
    assert_eq!((error, &out[..]), (Err(Error::TooLarge(13)), &b"before"[..]));
    json::to_json(&schema, id, &message, 14, &mut out).unwrap();
    assert_eq!(out, br#"before{"key":"YWFh"}"#);
}

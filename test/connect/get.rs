//! "Unary-Get-Request".

use agora::connect::{Catalog, is_call};

use super::*;

#[test]
fn a_get_has_its_message_in_the_query() {
    let proto = Request::get(ECHO, "connect=v1&encoding=proto&base64=1&message=CgJoaQ");
    let (seen, response) = proto.echo();
    assert_eq!((seen.messages, response.status), (vec![HI.to_vec()], 200));
    assert_eq!(response.field("content-type"), Some("application/proto"));
    assert_eq!(response.field("vary"), Some("accept-encoding"));
    for query in ["encoding=proto&message=%0a%02hi", "message=CgJoaQ%3D%3D&base64=1&encoding=proto"]
    {
        assert_eq!(Request::get(ECHO, query).echo().0.messages, [HI], "{query}");
    }
}

#[cfg(feature = "json")]
#[test]
fn a_get_may_be_json() {
    let query = "encoding=json&message=%7B%22payload%22%3A%22aGk%3D%22%7D";
    let (seen, response) = Request::get(ECHO, query).echo();
    assert_eq!((seen.messages, response.text()), (vec![HI.to_vec()], r#"{"payload":"aGk="}"#));
    let empty = Request::get(ECHO, "encoding=json&message={}");
    assert_eq!(empty.echo().0.messages, [b""]);
}

#[test]
fn a_malformed_query_is_an_invalid_argument() {
    for (query, words) in [
        ("message=", "needs the parameter encoding"),
        ("encoding=proto", "needs the parameter message"),
        ("encoding=xml&message=", "encoding is json or proto"),
        ("encoding=proto&message=%z", "percent-encoding"),
        ("encoding=proto&message=&message=", "given twice"),
        ("encoding=proto&message=?&base64=1", "not base64"),
        ("encoding=proto&message=&base64=2", "base64 is 1"),
        ("encoding=proto&message=&connect=v2", "connect is v1"),
    ] {
        let response = Request::get(ECHO, query).refused();
        assert!(response.text().contains(words), "{query}: {}", response.text());
        assert_eq!(response.status, 400);
    }
    let response = Request::get(ECHO, "encoding=proto&message=&compression=br").refused();
    assert_eq!(response.status, 501);
}

/// Only methods that are declared without side effects may be called by GET.
#[test]
fn a_method_with_effects_has_no_get() {
    for (path, method, allow) in [
        (SET, "GET", "POST"),
        (SET, "HEAD", "POST"),
        (WATCH, "GET", "POST"),
        (GET, "PUT", "GET, POST"),
        (GET, "HEAD", "GET, POST"),
    ] {
        let mut request = Request::get(path, "encoding=proto&message=");
        request.method = method;
        let response = request.refused();
        assert_eq!(
            (response.status, response.field("allow")),
            (405, Some(allow)),
            "{method} {path}"
        );
    }
}

#[test]
fn what_is_a_call_is_known_from_its_head() {
    let catalog = Catalog::new(PROTOSET);
    let is = |method, path, query, kind| {
        let fields = block(&[("content-type", kind)]);
        is_call(&RequestHead { method, path, query, fields: &fields }, &catalog)
    };
    assert!(is("POST", GET, "", "text/plain"), "the path of a method");
    assert!(is("PUT", GET, "", ""));
    assert!(is("POST", "/no.Such/Method", "", "application/json"));
    assert!(is("GET", "/no.Such/Method", "encoding=json&message={}", ""));
    for path in ["/", "/metrics", "/v3/kv/range", "/no.Such/Method", "//Method", "/no.Such/"] {
        assert!(!is("GET", path, "", ""), "{path}");
        assert!(!is("POST", path, "", "text/plain"), "{path}");
    }
    assert!(!is("POST", "/v3/kv/range", "", "application/json"));
    assert!(!is("GET", "/metrics", "name=x&encoding=json", ""));
}

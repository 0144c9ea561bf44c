//! "Unary (Request-Response) RPCs".

use std::time::Duration;

use super::*;

/// "Unary-Request": the body is the message, without a frame.
#[test]
fn a_message_is_the_body() {
    let (seen, response) = Request::post(ECHO, "application/proto", HI).echo();
    assert_eq!((seen.messages, seen.last), (vec![HI.to_vec()], true));
    assert_eq!((response.status, &response.body[..]), (200, HI));
    assert_eq!(response.field("content-type"), Some("application/proto"));
    // The length of an empty message is zero.
    let (seen, response) = Request::post(ECHO, "application/proto", b"").echo();
    assert_eq!((seen.messages, response.status), (vec![Vec::new()], 200));
}

#[cfg(feature = "json")]
#[test]
fn a_message_may_be_json() {
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=\"UTF-8\"",
    ] {
        let (seen, response) = Request::post(ECHO, kind, br#"{"payload":"aGk="}"#).echo();
        assert_eq!(seen.messages, [HI]);
        assert_eq!((response.status, response.text()), (200, r#"{"payload":"aGk="}"#));
        assert_eq!(response.field("content-type"), Some("application/json"));
    }
    // A field that the message does not have is ignored, as in other implementations.
    let (seen, _) = Request::post(ECHO, "application/json", br#"{"x":[1]}"#).echo();
    assert_eq!(seen.messages, [b""]);
}

#[cfg(feature = "json")]
#[test]
fn json_that_is_not_of_the_message_is_an_invalid_argument() {
    for (body, message) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        (r#"{"payload":7}"#, "payload: expected a string of base64, not 7"),
    ] {
        let response = Request::post(ECHO, "application/json", body.as_bytes()).refused();
        let words = format!(r#"{{"code":"invalid_argument","message":"{message}"}}"#);
        assert_eq!((response.status, response.text()), (400, &*words));
    }
}

#[cfg(not(feature = "json"))]
#[test]
fn a_build_without_json_says_so() {
    let response = Request::post(ECHO, "application/json", b"{}").refused();
    assert_eq!(response.status, 501);
    assert!(response.text().contains("this build has no JSON"));
}

/// "Timeout": at most ten digits of milliseconds.
#[test]
fn a_timeout_is_a_number_of_milliseconds() {
    let timeout =
        |text| Request::post(ECHO, "application/proto", HI).with("connect-timeout-ms", text).echo();
    let (seen, _) = timeout("1500");
    assert_eq!(seen.timeout, Some(Duration::from_millis(1500)));
    assert_eq!(timeout("0").0.timeout, Some(Duration::ZERO));
    assert_eq!(timeout("9999999999").0.timeout, Some(Duration::from_millis(9_999_999_999)));
    for text in ["", "10000000000", "-1", "+1", "1.5", "1s", " 1", "٣"] {
        let request = Request::post(ECHO, "application/proto", HI);
        let response = request.with("connect-timeout-ms", text).refused();
        assert_eq!(response.status, 400, "{text:?}");
        assert!(response.text().contains("at most 10 digits"), "{text:?}");
    }
}

/// "Protocol-Version": 1, or absent.
#[test]
fn the_version_is_1_or_absent() {
    let version =
        |text| Request::post(ECHO, "application/proto", HI).with("connect-protocol-version", text);
    assert_eq!(version("1").echo().1.status, 200);
    for text in ["0", "2", "", "1.0"] {
        let response = version(text).refused();
        assert_eq!(response.status, 400, "{text:?}");
        assert!(response.text().contains("connect-protocol-version is 1 or absent"));
    }
}

/// "Leading-Metadata": fields of HTTP; `-bin` values are base64.
#[test]
fn fields_are_metadata() {
    let request = Request::post(ECHO, "application/proto", HI)
        .with("x-text", "a b")
        .with("x-raw-bin", "AP8")
        .with("x-raw-bin", "AP8=,Zg")
        .with("user-agent", "curl")
        .with("connect-other", "no")
        .with("host", "no")
        .with("content-length", "4");
    let pairs = |pairs: &[(&str, &[u8])]| -> Vec<(String, Vec<u8>)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect()
    };
    let expected: [(&str, &[u8]); 5] = [
        ("x-text", b"a b"),
        ("x-raw-bin", b"\0\xff"),
        ("x-raw-bin", b"\0\xff"),
        ("x-raw-bin", b"f"),
        ("user-agent", b"curl"),
    ];
    assert_eq!(request.echo().0.metadata, pairs(&expected));
    let response = Request::post(ECHO, "application/proto", HI).with("x-bin", "?").refused();
    assert_eq!(
        response.text(),
        r#"{"code":"invalid_argument","message":"a -bin value is not base64"}"#
    );
}

/// "Unary-Response": trailing metadata has the prefix `trailer-`.
#[test]
fn metadata_of_a_response_is_in_its_head() {
    let mut status = Status::OK;
    status.metadata.insert("x-end", b"1").unwrap();
    status.metadata.insert("x-end-bin", b"\0\xff").unwrap();
    let answer = Answer {
        leading: vec![("x-start", b"a"), ("x-start", b"b"), ("x-start-bin", b"\xfb")],
        messages: vec![HI.to_vec()],
        status: Some(status),
    };
    let (_, response) = Request::post(ECHO, "application/proto", HI).answered(|_| answer);
    let names = ["x-start", "x-start-bin", "trailer-x-end", "trailer-x-end-bin"];
    let sent: Vec<_> =
        response.fields.iter().filter(|(name, _)| names.contains(&&**name)).collect();
    let sent: Vec<_> = sent.iter().map(|(name, value)| (&**name, &**value)).collect();
    let expected = [
        ("x-start", "a"),
        ("x-start", "b"),
        ("x-start-bin", "+w"),
        ("trailer-x-end", "1"),
        ("trailer-x-end-bin", "AP8"),
    ];
    assert_eq!(sent, expected);
}

/// A response waits for the end of the call, since its head has the trailing metadata.
#[test]
fn a_call_that_succeeds_without_an_answer_is_an_internal_error() {
    let (_, response) =
        Request::post(ECHO, "application/proto", HI).answered(|_| Answer::default());
    assert_eq!((response.status, response.field("content-type")), (500, Some("application/json")));
    assert_eq!(response.text(), r#"{"code":"internal","message":"the method has sent no answer"}"#);
}

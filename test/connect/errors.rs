//! "Error Codes", "Error Details", and responses to what is no call.

use agora::protobuf::put_varint;

use super::*;

/// "Error Codes": the status of HTTP follows from the code, and the body is JSON.
#[test]
fn every_code_has_its_name_and_its_http_status() {
    for (code, name, http) in [
        (Code::Cancelled, "canceled", 499),
        (Code::Unknown, "unknown", 500),
        (Code::InvalidArgument, "invalid_argument", 400),
        (Code::DeadlineExceeded, "deadline_exceeded", 504),
        (Code::NotFound, "not_found", 404),
        (Code::AlreadyExists, "already_exists", 409),
        (Code::PermissionDenied, "permission_denied", 403),
        (Code::ResourceExhausted, "resource_exhausted", 429),
        (Code::FailedPrecondition, "failed_precondition", 400),
        (Code::Aborted, "aborted", 409),
        (Code::OutOfRange, "out_of_range", 400),
        (Code::Unimplemented, "unimplemented", 501),
        (Code::Internal, "internal", 500),
        (Code::Unavailable, "unavailable", 503),
        (Code::DataLoss, "data_loss", 500),
        (Code::Unauthenticated, "unauthenticated", 401),
    ] {
        // A message that was sent before the error is not.
        let answer = Answer {
            messages: vec![HI.to_vec()],
            status: Some(Status::new(code, "")),
            ..Answer::default()
        };
        let (_, response) = Request::post(ECHO, "application/proto", HI).answered(|_| answer);
        assert_eq!((response.status, response.text()), (http, &*format!(r#"{{"code":"{name}"}}"#)));
        assert_eq!(response.field("content-type"), Some("application/json"));
    }
}

#[test]
fn an_error_has_its_metadata_in_the_head() {
    let mut status = Status::new(Code::Unavailable, "node 1 leads");
    status.metadata.insert("agora-leader", b"127.0.0.1:5051").unwrap();
    let answer =
        Answer { leading: vec![("x-start", b"s")], status: Some(status), ..Answer::default() };
    let (_, response) = Request::post(SET, "application/proto", b"").answered(|_| answer);
    assert_eq!(response.text(), r#"{"code":"unavailable","message":"node 1 leads"}"#);
    assert_eq!(response.field("trailer-agora-leader"), Some("127.0.0.1:5051"));
    assert_eq!(response.field("x-start"), Some("s"));
}

/// "Error Details": type and base64, from the rich errors of gRPC.
#[test]
fn rich_errors_become_details() {
    let part = |number: u64, bytes: &[u8]| {
        let mut out = Vec::new();
        put_varint(&mut out, number << 3 | 2);
        put_varint(&mut out, bytes.len() as u64);
        [&out[..], bytes].concat()
    };
    let any =
        |url: &str, value: &[u8]| part(3, &[part(1, url.as_bytes()), part(2, value)].concat());
    let rich = [b"\x08\x05".to_vec(), any("type.googleapis.com/a.B", b"\xff\0"), any("c.D", b"")];
    let mut status = Status::new(Code::NotFound, "");
    status.metadata.insert("grpc-status-details-bin", &rich.concat()).unwrap();
    let answer = || Answer { status: Some(status.clone()), ..Answer::default() };
    let (_, response) = Request::post(ECHO, "application/proto", HI).answered(|_| answer());
    let details = r#"[{"type":"a.B","value":"/wA"},{"type":"c.D","value":""}]"#;
    let error = format!(r#"{{"code":"not_found","details":{details}}}"#);
    assert_eq!(response.text(), error);
    assert!(!response.fields.iter().any(|(name, _)| name.contains("grpc")));
    let kind = "application/connect+proto";
    let (_, response) = Request::post(WATCH, kind, &envelope(0, b"")).answered(|_| answer());
    assert_eq!(response.end(), format!(r#"{{"error":{error}}}"#));
    // Malformed ones are left out.
    let mut status = Status::new(Code::NotFound, "");
    status.metadata.insert("grpc-status-details-bin", b"\x1a\x05a").unwrap();
    let answer = Answer { status: Some(status), ..Answer::default() };
    let (_, response) = Request::post(ECHO, "application/proto", HI).answered(|_| answer);
    assert_eq!(response.text(), r#"{"code":"not_found"}"#);
}

#[test]
fn an_unknown_path_is_404_and_unimplemented() {
    let response =
        Request::post("/agora.kv.v1.KvService/No\"", "application/json", b"{}").refused();
    assert_eq!(response.status, 404);
    let message = r#"there is no method \"/agora.kv.v1.KvService/No\\\"\""#;
    assert_eq!(response.text(), format!(r#"{{"code":"unimplemented","message":"{message}"}}"#));
}

/// The content type says whether messages are in envelopes, so it depends on the method.
#[test]
fn another_content_type_is_415() {
    let unary = "application/json, application/proto";
    let stream = "application/connect+json, application/connect+proto";
    for (path, kind, accepted) in [
        (ECHO, "text/plain", unary),
        (ECHO, "", unary),
        (ECHO, "application/jsonx", unary),
        (ECHO, "application/json; charset=latin1", unary),
        (ECHO, "application/connect+json", unary),
        (WATCH, "application/json", stream),
        (ECHO_STREAM, "application/connect+xml", stream),
    ] {
        let response = Request::post(path, kind, b"").refused();
        assert_eq!(
            (response.status, response.field("accept-post")),
            (415, Some(accepted)),
            "{kind}"
        );
        assert!(response.text().contains(accepted));
    }
}

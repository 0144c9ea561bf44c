//! Damaged requests: none panics, and each gets one complete response.

use super::seed::each_seed;
use super::*;

#[test]
fn damaged_requests_get_one_complete_response() {
    let bodies: [(&str, &str, Vec<u8>); 5] = [
        (ECHO, "application/proto", HI.to_vec()),
        (ECHO, "application/json", br#"{"payload":"aGk="}"#.to_vec()),
        (ECHO_STREAM, "application/connect+proto", [envelope(0, HI), envelope(1, HI)].concat()),
        (ECHO_STREAM, "application/connect+json", envelope(0, br#"{"payload":"aGk="}"#)),
        (WATCH, "application/connect+json", envelope(0, br#"{"prefix":"aGk="}"#)),
    ];
    let limits = Limits { max_message_bytes: 64, ..Limits::DEFAULT };
    each_seed(|seed| {
        let (path, kind, body) = seed.pick(&bodies);
        let mut body = body.clone();
        seed.mutate(&mut body);
        let mut request = Request::post(path, kind, &body);
        if seed.one_in(3) {
            let name = *seed.pick(&["content-encoding", "connect-content-encoding"]);
            request = request.with(name, "gzip");
        }
        let room = if seed.one_in(4) { seed.below(64) } else { usize::MAX };
        // `within` checks that there is one head and one end.
        let messages = vec![Vec::new()];
        let (_, response) =
            request.within(&limits, room, |_| Answer { messages, ..Answer::default() });
        assert!(matches!(response.status, 200 | 400 | 429 | 500 | 501), "{}", response.status);
    });
}

#[test]
fn damaged_queries_get_one_complete_response() {
    let query = "connect=v1&encoding=proto&base64=1&message=CgJoaQ&compression=identity";
    each_seed(|seed| {
        let mut query = query.as_bytes().to_vec();
        seed.mutate(&mut query);
        let query = String::from_utf8_lossy(&query);
        let (_, response) = Request::get(ECHO, &query).echo();
        assert!(matches!(response.status, 200 | 400 | 501), "{}", response.status);
    });
}

#[test]
fn damaged_fields_get_one_complete_response() {
    each_seed(|seed| {
        let name = *seed.pick(&["content-type", "connect-timeout-ms", "x-bin", "accept-encoding"]);
        let good = *seed.pick(&["application/proto; charset=utf-8", "100", "AP8=", "gzip;q=0.5"]);
        let mut value = good.as_bytes().to_vec();
        seed.mutate(&mut value);
        let value = String::from_utf8_lossy(&value);
        let mut request = Request::post(ECHO, "application/proto", HI);
        request.fields.retain(|(known, _)| *known != name);
        let (_, response) = request.with(name, &value).echo();
        assert!(matches!(response.status, 200 | 400 | 415), "{}", response.status);
    });
}

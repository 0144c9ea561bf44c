//! The messages of the test service, as its two sides need them.

use std::borrow::Cow;
use std::time::Duration;

use quick_protobuf::{MessageRead, MessageWrite};

use crate::call::{Code, Limits, Status};
use crate::pb::grpc_testing::{
    BoolValue, EchoStatus, Empty, Payload, ResponseParameters, SimpleRequest, SimpleResponse,
    StreamingInputCallRequest, StreamingInputCallResponse, StreamingOutputCallRequest,
    StreamingOutputCallResponse,
};
use crate::protobuf::{Checked, decode, encode};

fn read<'a, M: Checked + MessageRead<'a>>(message: &'a [u8]) -> Result<M, Status> {
    decode(message).map_err(|error| Status::new(Code::Internal, error.to_string()))
}

fn zeros(len: usize) -> Payload<'static> {
    Payload { body: Cow::Owned(vec![0; len]) }
}

fn body_len(payload: Option<&Payload<'_>>) -> usize {
    payload.map_or(0, |payload| payload.body.len())
}

/// The status that a request asks for, unless that is OK.
fn wanted(status: Option<EchoStatus<'_>>) -> Result<(), Status> {
    match status {
        Some(status) if status.code != 0 => {
            // Negative numbers are not codes.
            let number = u64::try_from(status.code).unwrap_or(u64::MAX);
            Err(Status::new(Code::from_number(number), status.message))
        }
        _ => Ok(()),
    }
}

/// A request that says whether it should have arrived compressed, and did not arrive so, is an error.
fn check_compressed(expected: Option<BoolValue>, was_compressed: bool) -> Result<(), Status> {
    match expected {
        Some(expected) if expected.value != was_compressed => {
            let found = if was_compressed { "compressed" } else { "not compressed" };
            Err(Status::new(Code::InvalidArgument, format!("the request is {found}")))
        }
        _ => Ok(()),
    }
}

/// A payload of the size that a request asks for, in a message that is within the limit.
fn payload(size: i32) -> Result<Vec<u8>, Status> {
    let limit = Limits::DEFAULT.max_message_bytes;
    let wrong = |code, reason: String| Err(Status::new(code, reason));
    let Ok(size) = usize::try_from(size) else {
        return wrong(Code::InvalidArgument, format!("a payload of {size} bytes"));
    };
    if size <= limit {
        // The other response with a payload looks the same on the wire.
        let response = SimpleResponse { payload: Some(zeros(size)), ..SimpleResponse::default() };
        if response.get_size() <= limit {
            return Ok(encode(&response));
        }
    }
    let reason = format!("a payload of {size} bytes in a message of at most {limit}");
    wrong(Code::ResourceExhausted, reason)
}

/// Answers EmptyCall.
pub(super) fn answer_empty(message: &[u8], _: bool) -> Result<Answer, Status> {
    read::<Empty>(message).map(|_| Answer { message: Vec::new(), compressed: None })
}

/// A response, and whether it must be compressed if that was asked for.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) message: Vec<u8>,
    pub(super) compressed: Option<bool>,
}

/// Answers UnaryCall.
pub(super) fn answer_simple(message: &[u8], was_compressed: bool) -> Result<Answer, Status> {
    let request: SimpleRequest<'_> = read(message)?;
    wanted(request.response_status)?;
    check_compressed(request.expect_compressed, was_compressed)?;
    let compressed = request.response_compressed.map(|compressed| compressed.value);
    payload(request.response_size).map(|message| Answer { message, compressed })
}

/// Answers CacheableUnaryCall, whose answers differ.
pub(super) fn answer_cacheable(message: &[u8], body: &[u8]) -> Result<Answer, Status> {
    read::<SimpleRequest<'_>>(message)?;
    let payload = Some(Payload { body: Cow::Borrowed(body) });
    let message = encode(&SimpleResponse { payload, ..SimpleResponse::default() });
    Ok(Answer { message, compressed: None })
}

/// The size of one request's payload in StreamingInputCall.
pub(super) fn input_len(message: &[u8], was_compressed: bool) -> Result<usize, Status> {
    let request: StreamingInputCallRequest<'_> = read(message)?;
    check_compressed(request.expect_compressed, was_compressed)?;
    Ok(body_len(request.payload.as_ref()))
}

/// The answer of StreamingInputCall.
pub(super) fn input_answer(total: usize) -> Result<Vec<u8>, Status> {
    let too_many = |_| Status::new(Code::OutOfRange, format!("{total} bytes were sent"));
    let aggregated_payload_size = i32::try_from(total).map_err(too_many)?;
    Ok(encode(&StreamingInputCallResponse { aggregated_payload_size }))
}

/// One answer that a streaming request asks for.
pub(super) struct Wanted {
    /// How long to wait before it.
    pub(super) interval: Duration,
    /// Whether it must be compressed, if that was asked for.
    pub(super) compressed: Option<bool>,
    size: i32,
}

impl Wanted {
    /// The answer.
    pub(super) fn message(&self) -> Result<Vec<u8>, Status> {
        payload(self.size)
    }
}

/// The answers that a request of StreamingOutputCall and its like asks for; or the status.
pub(super) fn outputs(message: &[u8]) -> Result<Vec<Wanted>, Status> {
    let request: StreamingOutputCallRequest<'_> = read(message)?;
    wanted(request.response_status)?;
    let interval = |us: i32| Duration::from_micros(u64::try_from(us).unwrap_or(0));
    let parameters = request.response_parameters.into_iter();
    let wanted = |parameters: ResponseParameters| Wanted {
        interval: interval(parameters.interval_us),
        compressed: parameters.compressed.map(|compressed| compressed.value),
        size: parameters.size,
    };
    Ok(parameters.map(wanted).collect())
}

/// A request of UnaryCall: a payload of zeros for a payload of zeros.
pub(super) fn simple_request(response_size: usize, body: usize) -> Vec<u8> {
    encode(&SimpleRequest {
        response_size: int32(response_size),
        payload: (body > 0).then(|| zeros(body)),
        ..SimpleRequest::default()
    })
}

/// A request of UnaryCall that says whether it is compressed.
pub(super) fn simple_request_expecting(
    response_size: usize,
    body: usize,
    compressed: bool,
) -> Vec<u8> {
    encode(&SimpleRequest {
        response_size: int32(response_size),
        payload: Some(zeros(body)),
        expect_compressed: Some(BoolValue { value: compressed }),
        ..SimpleRequest::default()
    })
}

/// A request of UnaryCall that says whether its response must be compressed.
pub(super) fn simple_request_choosing(
    response_size: usize,
    body: usize,
    compressed: bool,
) -> Vec<u8> {
    encode(&SimpleRequest {
        response_size: int32(response_size),
        payload: Some(zeros(body)),
        response_compressed: Some(BoolValue { value: compressed }),
        ..SimpleRequest::default()
    })
}

/// A request of UnaryCall for a status.
pub(super) fn simple_request_for_status(code: Code, message: &str) -> Vec<u8> {
    let response_status = Some(echo_status(code, message));
    encode(&SimpleRequest { response_status, ..SimpleRequest::default() })
}

/// A request of StreamingOutputCall and its like.
pub(super) fn output_request(sizes: &[usize], body: usize) -> Vec<u8> {
    let parameters =
        |&size| ResponseParameters { size: int32(size), ..ResponseParameters::default() };
    encode(&StreamingOutputCallRequest {
        response_parameters: sizes.iter().map(parameters).collect(),
        payload: (body > 0).then(|| zeros(body)),
        response_status: None,
    })
}

/// A request of StreamingOutputCall that says which responses must be compressed.
pub(super) fn output_request_choosing(responses: &[(usize, bool)]) -> Vec<u8> {
    let parameters = |&(size, compressed)| ResponseParameters {
        size: int32(size),
        compressed: Some(BoolValue { value: compressed }),
        ..ResponseParameters::default()
    };
    let response_parameters = responses.iter().map(parameters).collect();
    encode(&StreamingOutputCallRequest {
        response_parameters,
        ..StreamingOutputCallRequest::default()
    })
}

/// A request of StreamingOutputCall and its like for a status.
pub(super) fn output_request_for_status(code: Code, message: &str) -> Vec<u8> {
    let response_status = Some(echo_status(code, message));
    encode(&StreamingOutputCallRequest { response_status, ..StreamingOutputCallRequest::default() })
}

/// A request of StreamingInputCall.
pub(super) fn input_request(body: usize) -> Vec<u8> {
    encode(&StreamingInputCallRequest { payload: Some(zeros(body)), expect_compressed: None })
}

/// A request of StreamingInputCall that says whether it is compressed.
pub(super) fn input_request_expecting(body: usize, compressed: bool) -> Vec<u8> {
    let expect_compressed = Some(BoolValue { value: compressed });
    encode(&StreamingInputCallRequest { payload: Some(zeros(body)), expect_compressed })
}

/// The payload's size in an answer of UnaryCall.
pub(super) fn simple_body_len(message: &[u8]) -> Result<usize, Status> {
    read::<SimpleResponse<'_>>(message).map(|response| body_len(response.payload.as_ref()))
}

/// The payload's size in an answer of StreamingOutputCall and its like.
pub(super) fn output_body_len(message: &[u8]) -> Result<usize, Status> {
    read::<StreamingOutputCallResponse<'_>>(message)
        .map(|response| body_len(response.payload.as_ref()))
}

/// What StreamingInputCall counted.
pub(super) fn aggregated(message: &[u8]) -> Result<usize, Status> {
    let response: StreamingInputCallResponse = read(message)?;
    Ok(usize::try_from(response.aggregated_payload_size).unwrap_or(0))
}

fn echo_status(code: Code, message: &str) -> EchoStatus<'_> {
    EchoStatus { code: i32::from(code.number()), message: Cow::Borrowed(message) }
}

/// The sizes of the test cases fit easily.
fn int32(size: usize) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_as_large_as_asked_for_up_to_the_limit() {
        let limit = Limits::DEFAULT.max_message_bytes;
        let request = |size: usize| {
            answer_simple(&simple_request(size, 0), false).map(|answer| answer.message)
        };
        assert_eq!(simple_body_len(&request(314_159).unwrap()).unwrap(), 314_159);
        // A tag and four bytes of length twice: for the payload and for its body.
        assert_eq!(request(limit - 10).unwrap().len(), limit);
        assert_eq!(request(limit - 9).unwrap_err().code, Code::ResourceExhausted);
        assert_eq!(request(i32::MAX as usize).unwrap_err().code, Code::ResourceExhausted);
        let negative = encode(&SimpleRequest { response_size: -1, ..SimpleRequest::default() });
        assert_eq!(answer_simple(&negative, false).unwrap_err().code, Code::InvalidArgument);
    }

    #[test]
    fn a_status_comes_as_asked_for_and_ok_is_no_error() {
        let asked = simple_request_for_status(Code::NotFound, "gone");
        let error = answer_simple(&asked, false).unwrap_err();
        assert_eq!(error, Status::new(Code::NotFound, "gone"));
        assert!(answer_simple(&simple_request_for_status(Code::Ok, "fine"), false).is_ok());
        for code in [17, i32::MAX, -1] {
            let status = Some(EchoStatus { code, message: "?".into() });
            let request = SimpleRequest { response_status: status, ..SimpleRequest::default() };
            let error = answer_simple(&encode(&request), false).unwrap_err();
            assert_eq!(error.code, Code::Unknown, "{code}");
        }
    }

    #[test]
    fn a_request_that_did_not_arrive_as_it_says_is_an_error() {
        for said in [true, false] {
            let request = simple_request_expecting(1, 1, said);
            assert!(answer_simple(&request, said).is_ok());
            let error = answer_simple(&request, !said).unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument);
            let request = input_request_expecting(1, said);
            assert!(input_len(&request, said).is_ok() && input_len(&request, !said).is_err());
        }
    }

    #[test]
    fn both_responses_with_a_payload_look_the_same_on_the_wire() {
        let message = payload(5).unwrap();
        assert_eq!(simple_body_len(&message).unwrap(), 5);
        assert_eq!(output_body_len(&message).unwrap(), 5);
    }

    #[test]
    fn a_sum_beyond_an_int32_is_an_error() {
        assert!(input_answer(i32::MAX as usize).is_ok());
        assert_eq!(input_answer(i32::MAX as usize + 1).unwrap_err().code, Code::OutOfRange);
    }
}

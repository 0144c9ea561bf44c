//! Encodes and decodes the messages of `proto/agora/mapreduce/v1`, for both sides.
//!
//! Only values that a message can represent but that are invalid are checked here: empty ranges,
//! and bytes that are not numbers.

use std::borrow::Cow;
use std::path::PathBuf;

use quick_protobuf::{MessageRead, MessageWrite};

use super::contract::{
    FetchCall, JobOpened, JobSpec, MapCall, MapDone, MapOutputAnnouncement, MapOutputLocation,
    Parameter, Piece, Progress, ReduceCall, ReduceDone,
};
use super::digest::Digest;
use super::job::Counters;
use super::split::{Range, Split};
use crate::call::{Code, Status};
use crate::pb::agora_mapreduce_v1 as pb;
use crate::protobuf::{Checked, decode, encode, put_varint};

fn parse<'m, M: Checked + MessageRead<'m> + MessageWrite>(message: &'m [u8]) -> Result<M, Status> {
    decode(message).map_err(|error| Status::new(Code::Internal, error.to_string()))
}

fn invalid(reason: &str) -> Status {
    Status::new(Code::InvalidArgument, reason)
}

/// Encodes numbers as bytes, little-endian.
fn numbers_to_bytes(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn bytes_to_numbers(bytes: &[u8]) -> Result<Vec<u64>, Status> {
    let (numbers, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(invalid("numbers have 8 bytes each"));
    }
    Ok(numbers.iter().map(|number| u64::from_le_bytes(*number)).collect())
}

/// A request with only a job's id (HoldJob, Ping).
pub fn encode_job_request(job_id: &str) -> Vec<u8> {
    encode(&pb::PingRequest { job_id: job_id.into() })
}

/// The job's id of a request from [`encode_job_request`].
pub fn parse_job_request(message: &[u8]) -> Result<String, Status> {
    Ok(parse::<pb::PingRequest<'_>>(message)?.job_id.into_owned())
}

pub fn encode_open_job(spec: &JobSpec) -> Vec<u8> {
    let file = |(path, bytes): &(PathBuf, u64)| pb::InputFile {
        path: path.to_string_lossy().into_owned().into(),
        bytes: *bytes,
    };
    encode(&pb::OpenJobRequest {
        job_id: spec.id.as_str().into(),
        kind: spec.kind.as_str().into(),
        parameters: spec.parameters.as_slice().into(),
        files: spec.files.iter().map(file).collect(),
        sort_memory_bytes: spec.sort_memory_bytes,
        keeps_inputs: spec.keeps_inputs,
        ships_inputs: spec.ships_inputs,
        mappers: spec.mappers.iter().map(|mapper| mapper.as_str().into()).collect(),
    })
}

pub fn parse_open_job(message: &[u8]) -> Result<JobSpec, Status> {
    let request: pb::OpenJobRequest<'_> = parse(message)?;
    let file = |file: &pb::InputFile<'_>| (PathBuf::from(file.path.as_ref()), file.bytes);
    Ok(JobSpec {
        id: request.job_id.into_owned(),
        kind: request.kind.into_owned(),
        parameters: request.parameters.into_owned(),
        files: request.files.iter().map(file).collect(),
        sort_memory_bytes: request.sort_memory_bytes,
        keeps_inputs: request.keeps_inputs,
        ships_inputs: request.ships_inputs,
        mappers: request.mappers.into_iter().map(Cow::into_owned).collect(),
    })
}

pub fn encode_opened(opened: JobOpened) -> Vec<u8> {
    encode(&pb::OpenJobResponse {
        epoch: opened.epoch,
        slots: opened.task_slots,
        version: opened.version.into(),
    })
}

pub fn parse_opened(message: &[u8]) -> Result<JobOpened, Status> {
    let response: pb::OpenJobResponse<'_> = parse(message)?;
    let (epoch, task_slots) = (response.epoch, response.slots);
    Ok(JobOpened { epoch, task_slots, version: response.version.into_owned() })
}

pub fn encode_pong(running: &[Progress]) -> Vec<u8> {
    let progress = |progress: &Progress| pb::Progress {
        attempt: progress.attempt,
        steps: progress.steps,
        status: progress.status.clone().into(),
    };
    encode(&pb::PingResponse { running: running.iter().map(progress).collect() })
}

pub fn parse_pong(message: &[u8]) -> Result<Vec<Progress>, Status> {
    let response: pb::PingResponse<'_> = parse(message)?;
    let progress = |progress: pb::Progress<'_>| Progress {
        attempt: progress.attempt,
        steps: progress.steps,
        status: progress.status.into_owned(),
    };
    Ok(response.running.into_iter().map(progress).collect())
}

/// PutParameter.
pub fn encode_put_parameter(job_id: &str, piece: &Piece) -> Vec<u8> {
    encode(&pb::PutParameterRequest {
        job_id: job_id.into(),
        parameter: piece.of,
        bytes: piece.bytes,
        offset: piece.offset,
        piece: piece.piece.as_slice().into(),
    })
}

pub fn parse_put_parameter(message: &[u8]) -> Result<(String, Piece), Status> {
    let request: pb::PutParameterRequest<'_> = parse(message)?;
    let piece = request.piece.into_owned();
    let piece =
        Piece { of: request.parameter, bytes: request.bytes, offset: request.offset, piece };
    Ok((request.job_id.into_owned(), piece))
}

/// PutSplit.
pub fn encode_put_split(job_id: &str, piece: &Piece) -> Vec<u8> {
    encode(&pb::PutSplitRequest {
        job_id: job_id.into(),
        task: piece.of as u32,
        bytes: piece.bytes,
        offset: piece.offset,
        piece: piece.piece.as_slice().into(),
    })
}

pub fn parse_put_split(message: &[u8]) -> Result<(String, Piece), Status> {
    let request: pb::PutSplitRequest<'_> = parse(message)?;
    let (of, piece) = (request.task.into(), request.piece.into_owned());
    let piece = Piece { of, bytes: request.bytes, offset: request.offset, piece };
    Ok((request.job_id.into_owned(), piece))
}

fn parameter_message(parameter: &Parameter) -> pb::Parameter<'_> {
    match parameter {
        Parameter::Inline(value) => pb::Parameter { value: value.as_ref().into(), put: 0 },
        Parameter::Put(number) => pb::Parameter { value: Cow::default(), put: *number },
    }
}

fn parse_parameter(parameter: Option<pb::Parameter<'_>>) -> Parameter {
    match parameter {
        Some(parameter) if parameter.put != 0 => Parameter::Put(parameter.put),
        Some(parameter) => Parameter::Inline(parameter.value.as_ref().into()),
        None => Parameter::Inline([].into()),
    }
}

pub fn encode_map_call(job_id: &str, call: &MapCall) -> Vec<u8> {
    let range =
        |range: &Range| pb::FileRange { file: range.file, start: range.start, end: range.end };
    let split = pb::Split {
        offset: call.split.offset,
        range: call.split.range.as_ref().map(range),
        fingerprint: call.fingerprint,
    };
    encode(&pb::MapRequest {
        job_id: job_id.into(),
        round: call.round,
        task: call.task,
        attempt: call.attempt,
        reduces: call.reduces,
        split: Some(split),
        parameter: Some(parameter_message(&call.parameter)),
        skip: numbers_to_bytes(&call.skip).into(),
    })
}

pub fn parse_map_call(message: &[u8]) -> Result<(String, MapCall), Status> {
    let request: pb::MapRequest<'_> = parse(message)?;
    let split = request.split.ok_or_else(|| invalid("a map task has a split"))?;
    let range = |range: &pb::FileRange| {
        let is_good = range.start < range.end;
        let range = Range { file: range.file, start: range.start, end: range.end };
        is_good.then_some(range).ok_or_else(|| invalid("a range that ends before it begins"))
    };
    let range = split.range.as_ref().map(range).transpose()?;
    let call = MapCall {
        round: request.round,
        task: request.task,
        attempt: request.attempt,
        reduces: request.reduces,
        split: Split { offset: split.offset, range },
        fingerprint: split.fingerprint,
        parameter: parse_parameter(request.parameter),
        skip: bytes_to_numbers(&request.skip)?,
    };
    Ok((request.job_id.into_owned(), call))
}

fn counters_message(counters: &Counters) -> Vec<pb::Counter<'_>> {
    let counter = |(group, name, count)| {
        let (group, name) = (Cow::Borrowed(group), Cow::Borrowed(name));
        pb::Counter { group, name, count }
    };
    counters.iter().map(counter).collect()
}

fn parse_counters(message: &[pb::Counter<'_>]) -> Counters {
    let mut counters = Counters::new();
    message.iter().for_each(|counter| counters.add(&counter.group, &counter.name, counter.count));
    counters
}

pub fn encode_map_done(done: &MapDone) -> Vec<u8> {
    encode(&pb::MapResponse {
        sizes: numbers_to_bytes(&done.sizes).into(),
        counters: counters_message(&done.counters),
        took_us: done.took_us,
        digest: done.digest.map_or_else(Vec::new, |digest| digest.to_bytes().to_vec()).into(),
    })
}

pub fn parse_map_done(message: &[u8]) -> Result<MapDone, Status> {
    let response: pb::MapResponse<'_> = parse(message)?;
    let digest = match response.digest.as_ref() {
        [] => None,
        bytes => {
            let bytes = bytes.try_into().map_err(|_| invalid("a digest has 16 bytes"))?;
            Some(Digest::from_bytes(bytes))
        }
    };
    Ok(MapDone {
        digest,
        sizes: bytes_to_numbers(&response.sizes)?,
        counters: parse_counters(&response.counters),
        took_us: response.took_us,
    })
}

pub fn encode_fetch_call(job_id: &str, call: &FetchCall) -> Vec<u8> {
    let FetchCall { epoch, task, attempt, partition, waits } = *call;
    encode(&pb::FetchRequest { job_id: job_id.into(), epoch, task, attempt, partition, waits })
}

pub fn parse_fetch_call(message: &[u8]) -> Result<(String, FetchCall), Status> {
    let pb::FetchRequest { job_id, epoch, task, attempt, partition, waits } = parse(message)?;
    Ok((job_id.into_owned(), FetchCall { epoch, task, attempt, partition, waits }))
}

pub fn encode_fetched(lines: &[u8]) -> Vec<u8> {
    encode(&pb::FetchResponse { lines: lines.into() })
}

/// The tag of the field `lines` in FetchResponse: field 1, length-delimited.
const LINES_TAG: u8 = 1 << 3 | 2;

/// The beginning of a FetchResponse, to which exactly `bytes` bytes of lines are to be appended.
/// Reserves the memory for them.
pub fn encode_fetched_header(bytes: usize) -> Vec<u8> {
    let mut message = Vec::with_capacity(bytes + 1 + 10);
    message.push(LINES_TAG);
    put_varint(&mut message, bytes as u64);
    message
}

/// The lines of a FetchResponse, borrowed from the message.
pub fn parse_fetched(message: &[u8]) -> Result<&[u8], Status> {
    match parse::<pb::FetchResponse<'_>>(message)?.lines {
        Cow::Borrowed(lines) => Ok(lines),
        // Decoding borrows, so this does not happen.
        Cow::Owned(_) => Ok(&[]),
    }
}

fn output_message(output: &MapOutputLocation) -> pb::MapOutput<'_> {
    pb::MapOutput {
        task: output.task,
        attempt: output.attempt,
        address: output.address.as_str().into(),
        epoch: output.epoch,
        bytes: output.bytes,
    }
}

fn parse_output(output: pb::MapOutput<'_>) -> MapOutputLocation {
    MapOutputLocation {
        task: output.task,
        attempt: output.attempt,
        address: output.address.into_owned(),
        epoch: output.epoch,
        bytes: output.bytes,
    }
}

pub fn encode_reduce_call(job_id: &str, call: &ReduceCall) -> Vec<u8> {
    encode(&pb::ReduceRequest {
        job_id: job_id.into(),
        round: call.round,
        task: call.task,
        attempt: call.attempt,
        maps: call.maps,
        outputs: call.outputs.iter().map(output_message).collect(),
        expected: call.expected.iter().map(output_message).collect(),
        parameter: Some(parameter_message(&call.parameter)),
    })
}

pub fn parse_reduce_call(message: &[u8]) -> Result<(String, ReduceCall), Status> {
    let request: pb::ReduceRequest<'_> = parse(message)?;
    let call = ReduceCall {
        round: request.round,
        task: request.task,
        attempt: request.attempt,
        maps: request.maps,
        outputs: request.outputs.into_iter().map(parse_output).collect(),
        expected: request.expected.into_iter().map(parse_output).collect(),
        parameter: parse_parameter(request.parameter),
    };
    Ok((request.job_id.into_owned(), call))
}

pub fn encode_reduce_done(done: &ReduceDone) -> Vec<u8> {
    encode(&pb::ReduceResponse {
        output: done.output.as_slice().into(),
        bytes: done.bytes,
        counters: counters_message(&done.counters),
        shuffle_us: done.shuffle_us,
        took_us: done.took_us,
        fetched_bytes: done.fetched_bytes,
    })
}

pub fn parse_reduce_done(message: &[u8]) -> Result<ReduceDone, Status> {
    let response: pb::ReduceResponse<'_> = parse(message)?;
    Ok(ReduceDone {
        output: response.output.into_owned(),
        bytes: response.bytes,
        counters: parse_counters(&response.counters),
        shuffle_us: response.shuffle_us,
        took_us: response.took_us,
        fetched_bytes: response.fetched_bytes,
    })
}

pub fn encode_announce(job_id: &str, announcement: &MapOutputAnnouncement) -> Vec<u8> {
    let lost = |(task, attempt): &(u32, u64)| pb::LostOutput { task: *task, attempt: *attempt };
    encode(&pb::AnnounceRequest {
        job_id: job_id.into(),
        attempt: announcement.attempt,
        outputs: announcement.outputs.iter().map(output_message).collect(),
        lost: announcement.lost.iter().map(lost).collect(),
    })
}

pub fn parse_announce(message: &[u8]) -> Result<(String, MapOutputAnnouncement), Status> {
    let request: pb::AnnounceRequest<'_> = parse(message)?;
    let announcement = MapOutputAnnouncement {
        attempt: request.attempt,
        outputs: request.outputs.into_iter().map(parse_output).collect(),
        lost: request.lost.iter().map(|lost| (lost.task, lost.attempt)).collect(),
    };
    Ok((request.job_id.into_owned(), announcement))
}

pub fn encode_read_output(job_id: &str, attempt: u64, offset: u64) -> Vec<u8> {
    encode(&pb::ReadOutputRequest { job_id: job_id.into(), attempt, offset })
}

/// Job, attempt and offset of a ReadOutputRequest.
pub fn parse_read_output(message: &[u8]) -> Result<(String, u64, u64), Status> {
    let request: pb::ReadOutputRequest<'_> = parse(message)?;
    Ok((request.job_id.into_owned(), request.attempt, request.offset))
}

pub fn encode_output_piece(piece: &[u8]) -> Vec<u8> {
    encode(&pb::ReadOutputResponse { piece: piece.into() })
}

pub fn parse_output_piece(message: &[u8]) -> Result<Vec<u8>, Status> {
    Ok(parse::<pb::ReadOutputResponse<'_>>(message)?.piece.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_with_appended_lines_equals_an_encoded_one() {
        for bytes in [1, 127, 128, 16_383, 16_384, 3_000_000] {
            let lines = vec![b'x'; bytes];
            let mut begun = encode_fetched_header(bytes);
            begun.extend_from_slice(&lines);
            assert!(begun == encode_fetched(&lines));
            assert_eq!(parse_fetched(&begun), Ok(&lines[..]));
        }
    }

    #[test]
    fn a_digest_survives_encoding() {
        let mut digest = Digest::default();
        digest.add(3, b"some bytes");
        for digest in [None, Some(digest)] {
            let done = MapDone { sizes: vec![1], counters: Counters::new(), took_us: 2, digest };
            assert_eq!(parse_map_done(&encode_map_done(&done)), Ok(done));
        }
    }

    #[test]
    fn a_map_call_survives_encoding() {
        let call = MapCall {
            round: 3,
            task: 1,
            attempt: 9,
            reduces: 2,
            split: Split { offset: 10, range: Some(Range { file: 1, start: 2, end: 5 }) },
            fingerprint: u64::MAX,
            parameter: Parameter::Inline((*b"centroids").into()),
            skip: vec![1, u64::MAX],
        };
        let sent = encode_map_call("id", &call);
        assert_eq!(parse_map_call(&sent).unwrap(), ("id".to_owned(), call.clone()));
        let mut bad = call;
        bad.split.range = Some(Range { file: 1, start: 2, end: 2 });
        assert!(parse_map_call(&encode_map_call("id", &bad)).is_err());
    }
}

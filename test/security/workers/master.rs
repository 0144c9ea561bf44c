//! A master that makes its requests by hand.

use std::time::Duration;

use agora::call::Status;
use agora::mapreduce::contract::path;
use agora::mapreduce::streaming::Streaming;
use agora::pb::agora_mapreduce_v1 as pb;
use agora::protobuf::{decode, encode};
use agora::rpc::{CallOptions, Channel, ChannelOptions, ClientCall, random_bytes};

/// An unpredictable id.
pub fn job_id() -> String {
    format!("{:032x}", u128::from_le_bytes(random_bytes()))
}

/// A connection to a worker.
pub struct Master {
    pub channel: Channel,
    pub id: String,
    /// The HoldJob call.
    pub held: Option<ClientCall>,
}

impl Master {
    /// In the clear.
    pub fn at(address: &str) -> Master {
        Master::with(address, ChannelOptions::default())
    }

    pub fn with(address: &str, options: ChannelOptions) -> Master {
        Master { channel: Channel::new(address, options).unwrap(), id: job_id(), held: None }
    }

    pub fn call(&self, path: &str, message: &[u8]) -> Result<Vec<u8>, Status> {
        let options = CallOptions { timeout: Some(Duration::from_secs(30)), ..Default::default() };
        self.channel.unary(path, message, &options)
    }

    /// Starts HoldJob.
    pub fn hold(&mut self) {
        let forever = CallOptions { timeout: None, ..CallOptions::default() };
        let mut held = self.channel.start(path::HOLD_JOB, &forever).unwrap();
        let request = pb::HoldJobRequest { job_id: self.id.as_str().into() };
        held.send_last(&encode(&request)).unwrap();
        self.held = Some(held);
    }

    /// HoldJob, then OpenJob.
    pub fn open(&mut self, request: pb::OpenJobRequest<'_>) -> Result<u64, Status> {
        self.hold();
        self.open_held(request)
    }

    /// OpenJob alone.
    pub fn open_held(&self, request: pb::OpenJobRequest<'_>) -> Result<u64, Status> {
        let request = pb::OpenJobRequest { job_id: self.id.as_str().into(), ..request };
        let answer = self.call(path::OPEN_JOB, &encode(&request))?;
        Ok(decode::<pb::OpenJobResponse>(&answer).unwrap().epoch)
    }

    /// Runs map task 0 over nothing.
    pub fn map_nothing(&self) -> Result<Vec<u8>, Status> {
        let request = pb::MapRequest {
            job_id: self.id.as_str().into(),
            round: 1,
            task: 0,
            attempt: 1,
            reduces: 0,
            split: Some(pb::Split::default()),
            ..Default::default()
        };
        self.call(path::MAP, &encode(&request))
    }
}

/// A job that counts words.
pub fn words() -> pb::OpenJobRequest<'static> {
    pb::OpenJobRequest {
        kind: "wordcount".into(),
        sort_memory_bytes: 1024 * 1024,
        ..Default::default()
    }
}

/// A job that runs a command.
pub fn command(mapper: &str) -> pb::OpenJobRequest<'static> {
    pb::OpenJobRequest {
        kind: Streaming::NAME.into(),
        parameters: Streaming::parameters(mapper, "cat", false).into(),
        ..words()
    }
}

impl Master {
    pub fn map(&self, request: pb::MapRequest<'_>) -> Result<Vec<u8>, Status> {
        let request = pb::MapRequest { job_id: self.id.as_str().into(), ..request };
        self.call(path::MAP, &encode(&request))
    }

    pub fn reduce(&self, request: pb::ReduceRequest<'_>) -> Result<Vec<u8>, Status> {
        let request = pb::ReduceRequest { job_id: self.id.as_str().into(), ..request };
        self.call(path::REDUCE, &encode(&request))
    }

    /// Sends a piece of the split of a task.
    pub fn put_split(
        &self,
        task: u32,
        bytes: u64,
        offset: u64,
        piece: &[u8],
    ) -> Result<Vec<u8>, Status> {
        let job_id = self.id.as_str().into();
        let piece = piece.into();
        self.call(
            path::PUT_SPLIT,
            &encode(&pb::PutSplitRequest { job_id, task, bytes, offset, piece }),
        )
    }

    /// Sends a piece of a parameter.
    pub fn put_parameter(
        &self,
        parameter: u64,
        bytes: u64,
        offset: u64,
        piece: &[u8],
    ) -> Result<Vec<u8>, Status> {
        let job_id = self.id.as_str().into();
        let piece = piece.into();
        let request = pb::PutParameterRequest { job_id, parameter, bytes, offset, piece };
        self.call(path::PUT_PARAMETER, &encode(&request))
    }

    pub fn ping(&self) -> Result<Vec<u8>, Status> {
        let request = pb::PingRequest { job_id: self.id.as_str().into() };
        self.call(path::PING, &encode(&request))
    }

    /// The status with which the worker has ended HoldJob.
    pub fn end_of_hold(&mut self) -> Status {
        self.held.take().unwrap().receive().unwrap_err()
    }
}

/// The resident memory of a process in bytes.
pub fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

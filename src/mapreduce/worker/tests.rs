//! A reducer over real sockets, with a mapper that refuses or fails fetches, and a test as its
//! master.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use super::*;
use crate::call::Code;
use crate::mapreduce::contract::{JobSpec, MapOutputLocation, Parameter, ReduceCall};
use crate::mapreduce::job::{JobKinds, WordCount};
use crate::mapreduce::scheduler::Loss;
use crate::mapreduce::wire;
use crate::rpc::{
    CallHandler, CallOptions, Channel, ClientCall, Responder, Server, ServerHandle, ServerOptions,
    Shape,
};

const ID: &str = "0123456789abcdef0123456789abcdef";
const LINES: &[u8] = b"a\t1\na\t2\nb\t3\n";
const NONE: &[u8] = b"";

/// A server that is shut down at the end of the test.
struct Listening {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    fn start(services: Services) -> Listening {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(any, services, ServerOptions::default()).unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Listening { address, handle, thread }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.handle.shut_down();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The answer to a fetch: the lines and the status, by the number of the fetch.
type Behaviour = fn(number: usize) -> (&'static [u8], Status);

struct Fetched {
    responder: Responder,
    fetches: Arc<AtomicUsize>,
    behaviour: Behaviour,
}

impl CallHandler for Fetched {
    fn message(&mut self, _: &[u8]) {
        let (lines, status) = (self.behaviour)(self.fetches.fetch_add(1, Ordering::SeqCst));
        if !lines.is_empty() {
            self.responder.send(wire::encode_fetched(lines));
        }
        self.responder.finish(status);
    }

    fn cancelled(&mut self, _: &Status) {}
}

/// A mapper, and the number of its fetches.
fn mapper(behaviour: Behaviour) -> (Listening, Arc<AtomicUsize>) {
    let mut services = Services::new();
    let fetches = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&fetches);
    services.streaming(path::FETCH, Shape::ServerStreaming, move |_, responder| {
        let fetches = Arc::clone(&counter);
        Ok(Box::new(Fetched { responder, fetches, behaviour }))
    });
    services.unary(path::PING, |_, _, _| Err(Status::new(Code::NotFound, "no such job")));
    (Listening::start(services), fetches)
}

/// A reducer with an open job.
struct Reducer {
    data: PathBuf,
    channel: Channel,
    _held: ClientCall,
    _server: Listening,
}

impl Reducer {
    fn start(name: &str) -> Reducer {
        let data = std::env::temp_dir().join(format!("agora-{name}-{}", std::process::id()));
        let options = WorkerOptions { data: data.clone(), ..WorkerOptions::default() };
        let mut services = Services::new();
        register(&mut services, Role::Reducer, JobKinds::new(), options);
        let server = Listening::start(services);
        let target = server.address.to_string();
        let channel = Channel::new(&target, ChannelOptions::default()).unwrap();
        let forever = CallOptions { timeout: None, ..CallOptions::default() };
        let mut held = channel.start(path::HOLD_JOB, &forever).unwrap();
        held.send_last(&wire::encode_job_request(ID)).unwrap();
        let spec = JobSpec {
            id: ID.into(),
            kind: WordCount::NAME.into(),
            parameters: Vec::new(),
            files: Vec::new(),
            sort_memory_bytes: 1024 * 1024,
            keeps_inputs: false,
            ships_inputs: false,
            mappers: vec!["127.0.0.1:0".into()],
        };
        channel
            .unary(path::OPEN_JOB, &wire::encode_open_job(&spec), &CallOptions::default())
            .unwrap();
        Reducer { data, channel, _held: held, _server: server }
    }

    /// Reduces one map output.
    fn reduce(&self, mapper: &Listening) -> Result<Vec<u8>, Status> {
        let output = MapOutputLocation {
            task: 0,
            attempt: 1,
            address: mapper.address.to_string(),
            epoch: 1,
            bytes: LINES.len() as u64,
        };
        let call = ReduceCall {
            round: 1,
            task: 0,
            attempt: 2,
            maps: 1,
            outputs: vec![output],
            expected: Vec::new(),
            parameter: Parameter::Inline([].into()),
        };
        let call = wire::encode_reduce_call(ID, &call);
        let answer = self.channel.unary(path::REDUCE, &call, &CallOptions::default())?;
        wire::parse_reduce_done(&answer).map(|done| done.output)
    }
}

impl Drop for Reducer {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

fn full() -> Status {
    Status::new(Code::ResourceExhausted, "no room")
}

#[test]
fn a_fetch_from_a_busy_mapper_is_retried_and_no_output_is_lost() {
    let (mapper, fetches) =
        mapper(|number| if number < 5 { (NONE, full()) } else { (LINES, Status::OK) });
    let reducer = Reducer::start("no-room");
    assert_eq!(reducer.reduce(&mapper).as_deref(), Ok(&b"a\t3\nb\t3\n"[..]));
    assert_eq!(fetches.load(Ordering::SeqCst), 6);
}

#[test]
fn a_mapper_that_becomes_busy_during_a_fetch_has_lost_no_output() {
    let (mapper, _) = mapper(|_| (&LINES[..4], full()));
    let refused = Reducer::start("less-room").reduce(&mapper).unwrap_err();
    assert_eq!(refused.code, Code::Unavailable, "{refused}");
    assert_eq!(task_status::lost_outputs(&refused), [], "{refused}");
}

#[test]
fn an_output_that_the_mapper_does_not_have_is_lost() {
    let (mapper, _) = mapper(|_| (NONE, Status::new(Code::NotFound, "no such output")));
    let refused = Reducer::start("lost").reduce(&mapper).unwrap_err();
    assert_eq!(task_status::lost_outputs(&refused), [(0, 1, Loss::Missing)], "{refused}");
}

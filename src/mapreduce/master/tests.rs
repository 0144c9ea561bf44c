//! A master over real sockets, with a worker that refuses the first calls of each kind.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::thread::JoinHandle;

use super::*;
use crate::call::{Code, Status};
use crate::mapreduce::contract::{JobOpened, MapDone, path};
use crate::mapreduce::wire;
use crate::rpc::{CallHandler, Server, ServerHandle, ServerOptions, Services, Shape};

const OUTPUT: &[u8] = b"what the map has made\n";

/// A call that is never answered.
struct Held;

impl CallHandler for Held {
    fn message(&mut self, _: &[u8]) {}

    fn cancelled(&mut self, _: &Status) {}
}

/// A worker that refuses the first calls of each kind with RESOURCE_EXHAUSTED.
struct Full {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    /// The paths of the calls, in order.
    calls: Arc<Mutex<Vec<&'static str>>>,
}

impl Full {
    fn start(refusals: usize) -> Full {
        let calls = Arc::<Mutex<Vec<&'static str>>>::default();
        let mut services = Services::new();
        services.streaming(path::HOLD_JOB, Shape::Unary, |_, _| Ok(Box::new(Held)));
        let opened =
            wire::encode_opened(JobOpened { epoch: 1, task_slots: 1, version: "0.0.1".into() });
        let done = wire::encode_map_done(&MapDone {
            sizes: vec![OUTPUT.len() as u64],
            counters: Counters::new(),
            took_us: 1,
            digest: None,
        });
        let answers = [
            (path::OPEN_JOB, 0, opened),
            (path::PING, 0, wire::encode_pong(&[])),
            (path::MAP, refusals, done),
            (path::READ_OUTPUT, refusals, wire::encode_output_piece(OUTPUT)),
        ];
        for (path, refusals, answer) in answers {
            let calls = Arc::clone(&calls);
            services.unary(path, move |_, _, out| {
                let mut calls = calls.lock().unwrap();
                calls.push(path);
                if calls.iter().filter(|other| **other == path).count() <= refusals {
                    return Err(Status::new(Code::ResourceExhausted, "all workers are busy"));
                }
                out.extend_from_slice(&answer);
                Ok(())
            });
        }
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(any, services, ServerOptions::default()).unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Full { address, handle, thread, calls }
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        self.handle.shut_down();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Collects the ends of attempts.
#[derive(Default)]
struct Ends(Vec<String>);

impl Observer for Ends {
    fn on_event(&mut self, event: &JobEvent<'_>) {
        if let JobEvent::TaskEnded { end, .. } = event {
            self.0.push(match end {
                TaskEnd::Success => "success".into(),
                TaskEnd::Failure(reason) => (*reason).to_owned(),
                TaskEnd::Cancelled | TaskEnd::Lost => "gone".into(),
            });
        }
    }
}

#[test]
fn a_call_to_a_busy_worker_is_retried_and_no_attempt_fails() {
    let folder = std::env::temp_dir().join(format!("agora-turned-away-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let input = folder.join("input.txt");
    std::fs::write(&input, "a line\n").unwrap();
    let worker = Full::start(3);
    let options = MasterOptions {
        data: folder.join("Data"),
        overwrites: false,
        maps: 1,
        mappers: WorkerSource::Addresses(vec![worker.address.to_string()]),
        reducers: WorkerSource::Local(0),
        policy: Policy::DEFAULT,
        channel: ChannelOptions::default(),
        program: PathBuf::new(),
        worker_arguments: Vec::new(),
        worker_timeout: Duration::from_secs(20),
        ships_inputs: false,
        keeps_inputs: false,
        sort_memory_bytes: 1024 * 1024,
    };
    let mut master = Master::new(options, "wordcount", Vec::new(), &[input]).unwrap();
    let nothing: Arc<[u8]> = [].into();
    let round = Round {
        name: "the only one".into(),
        map_parameter: Arc::clone(&nothing),
        reduce_parameter: nothing,
        reduces: 0,
    };
    let mut ends = Ends::default();
    let outcome = master.run_round(round, &mut ends).unwrap();
    let mut output = Vec::new();
    io::copy(&mut outcome.outputs[0].open().unwrap(), &mut output).unwrap();
    assert_eq!(output, OUTPUT);
    assert_eq!(ends.0, ["success"], "one attempt");
    let calls = worker.calls.lock().unwrap();
    let tasks: Vec<_> = calls.iter().filter(|path| **path != path::PING).copied().collect();
    let four = |path| vec![path; 4];
    assert_eq!(tasks, [vec![path::OPEN_JOB], four(path::MAP), four(path::READ_OUTPUT)].concat());
    drop(master);
    std::fs::remove_dir_all(&folder).unwrap();
}

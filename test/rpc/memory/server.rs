//! A server process, with methods of every kind.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use agora::call::{Code, Limits, Metadata, Status};
use agora::rpc::{
    CallHandler, Channel, ChannelOptions, Responder, Server, ServerOptions, Services, Shape,
};
use agora::session::{ClientSession, Protocol};

use crate::fixture::{eventually, within};

/// Answers with the length of its request.
pub const LENGTH: &str = "/test.Memory/Length";
/// As LENGTH, on a worker thread.
pub const LENGTH_BY_WORKER: &str = "/test.Memory/LengthByWorker";
/// Keeps its request and never answers.
pub const KEEP: &str = "/test.Memory/Keep";
/// Answer with a mebibyte: by a responder, by a reply from another thread, by a worker.
pub const BY_RESPONDER: &str = "/test.Memory/Responder";
pub const BY_REPLY: &str = "/test.Memory/Reply";
pub const BY_WORKER: &str = "/test.Memory/Worker";
/// Sends 2,048 mebibytes without checking the queue.
pub const HEEDLESS: &str = "/test.Memory/Heedless";
/// How many handlers of HEEDLESS were aborted because too much was queued.
pub const GIVEN_UP: &str = "/test.Memory/GivenUp";
/// Keeps the client's metadata, and never answers.
pub const WITH_METADATA: &str = "/test.Memory/WithMetadata";

pub const MEBIBYTE: usize = 1024 * 1024;

const PORT_WANTED: &str = "AGORA_TEST_MEMORY_SERVER";

/// Serves until its input ends. Not a test: the process that [`Process`] starts.
#[test]
#[ignore = "the process of other tests"]
fn a_server() {
    if std::env::var_os(PORT_WANTED).is_none() {
        return;
    }
    let address = "127.0.0.1:0".parse().unwrap();
    // Answers that a worker has produced and not sent yet are not counted.
    let options = ServerOptions { max_worker_threads: 32, ..ServerOptions::default() };
    let server = Server::bind(address, services(), options).unwrap();
    let handle = server.handle();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        handle.shut_down();
    });
    println!("\nat {}", server.local_addr());
    server.run().unwrap();
}

fn services() -> Services {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let mut services = Services::new();
    services.unary(LENGTH, |_, message, response| {
        response.extend_from_slice(message.len().to_string().as_bytes());
        Ok(())
    });
    services.blocking(LENGTH_BY_WORKER, Shape::Unary, |call| {
        let message = call.receive()?.unwrap_or_default();
        call.send(message.len().to_string().into_bytes())
    });
    let kept = std::sync::Mutex::new(Vec::new());
    services.deferred(KEEP, move |_, message, reply| {
        kept.lock().unwrap().push((message.to_vec(), reply));
    });
    let given_up = Arc::<AtomicUsize>::default();
    for (path, count) in [(BY_RESPONDER, 1), (HEEDLESS, 2048)] {
        let given_up = Arc::clone(&given_up);
        services.streaming(path, Shape::ServerStreaming, move |_, responder| {
            let given_up = Arc::clone(&given_up);
            Ok(Box::new(Heedless { responder, count, given_up }))
        });
    }
    services.unary(GIVEN_UP, move |_, _, response| {
        response.push(given_up.load(Ordering::Relaxed) as u8);
        Ok(())
    });
    let (replies, to_answer) = std::sync::mpsc::channel::<agora::rpc::Reply>();
    std::thread::spawn(move || {
        to_answer.into_iter().for_each(|reply| reply.send(Ok(vec![7; MEBIBYTE])));
    });
    services.deferred(BY_REPLY, move |_, _, reply| replies.send(reply).unwrap());
    services.blocking(BY_WORKER, Shape::Unary, |call| call.send(vec![7; MEBIBYTE]));
    let waiting = std::sync::Mutex::new(Vec::new());
    services.deferred(WITH_METADATA, move |_, _, reply| waiting.lock().unwrap().push(reply));
    services.keep_metadata(WITH_METADATA);
    services
}

struct Heedless {
    responder: Responder,
    count: usize,
    given_up: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl CallHandler for Heedless {
    fn message(&mut self, _: &[u8]) {
        for _ in 0..self.count {
            self.responder.send(vec![7; MEBIBYTE]);
        }
    }

    fn half_close(&mut self) {
        if self.count == 1 {
            self.responder.finish(Status::OK);
        }
    }

    fn cancelled(&mut self, status: &Status) {
        if status.code == Code::ResourceExhausted {
            self.given_up.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

/// The process; it is killed when this is dropped.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Process {
    pub fn start() -> Process {
        Process::start_after("")
    }

    /// Starts it from a shell that first runs a command.
    pub fn start_after(words: &str) -> Process {
        let program = std::env::current_exe().unwrap();
        let arguments = "--exact memory::server::a_server --ignored --nocapture";
        let line = format!("{words} exec {} {arguments}", program.display());
        let mut command = Command::new("sh");
        command.args(["-c", &line]).env(PORT_WANTED, "1");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let at = lines.map_while(Result::ok).find_map(|l| l.strip_prefix("at ").map(str::to_owned));
        Process { child, address: at.expect("it began").parse().unwrap() }
    }

    fn status(&self, name: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
    }

    /// Its peak memory, in MiB.
    pub fn peak_mib(&self) -> usize {
        self.status("VmHWM")
    }

    /// Its memory in MiB, once it does not change any more.
    pub fn settled_mib(&mut self) -> usize {
        let (mut last, mut unchanged) = (0, 0);
        eventually("it comes to rest", || {
            if let Some(ended) = self.child.try_wait().unwrap() {
                panic!("it ended: {ended}, signal {:?}", ended.signal());
            }
            let now = self.status("VmRSS");
            unchanged = if now == last { unchanged + 1 } else { 0 };
            last = now;
            unchanged > 140
        });
        last
    }

    pub fn channel(&self, protocol: Protocol) -> Channel {
        let options = ChannelOptions { protocol, ..ChannelOptions::default() };
        Channel::new(&self.address.to_string(), options).unwrap()
    }

    /// Another client is served at once.
    #[track_caller]
    pub fn serves(&self, protocol: Protocol) {
        let answer = self.channel(protocol).unary(LENGTH, &[7; 100_000], &within(SOON)).unwrap();
        assert_eq!(answer, b"100000");
    }

    /// A connection with so many calls that reads nothing.
    pub fn ask(&self, protocol: Protocol, path: &str, calls: usize) -> TcpStream {
        let now = Duration::ZERO;
        let mut session = ClientSession::new(protocol, "test", false, &Limits::DEFAULT, now);
        for _ in 0..calls {
            let call = session.start(now, path, &Metadata::new(), None).unwrap();
            session.send_message(call, b"", true).unwrap();
        }
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.write_all(session.output()).unwrap();
        socket
    }
}

pub const SOON: Duration = Duration::from_secs(10);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! A node that cannot apply an entry aborts at once, without any effect of the entry.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use agora::raft::{Config, Frozen, Index, StateMachine};
use agora::replica::dump::{DumpOptions, Level};
use agora::replica::engine::{Answer, SnapshotPolicy};
use agora::replica::node::{NodeOptions, Opened, Service, Shared, refusal};
use agora::replica::transport::{Transport, TransportOptions};
use agora::rpc::{
    CallOptions, Channel, ChannelOptions, Reactor, Reply, Server, ServerOptions, Services,
};

use super::real::Folder;

const ADD: &str = "/test.Pair/Add";
/// The directory of the child process, and whether it has the bug.
const DIRECTORY: &str = "AGORA_TEST_PAIR";
const MISTAKEN: &str = "AGORA_TEST_PAIR_MISTAKEN";

/// Two numbers that are always equal.
#[derive(Default)]
struct Pair {
    left: u64,
    right: u64,
}

impl StateMachine for Pair {
    fn apply(&mut self, _: Index, _: u64, command: &Arc<[u8]>, reply: &mut Vec<u8>) {
        self.left += command.len() as u64;
        let is_bad = **command == *b"bad" && std::env::var_os(MISTAKEN).is_some();
        assert!(!is_bad, "a mistake of the program");
        self.right += command.len() as u64;
        reply.extend_from_slice(format!("{} {}", self.left, self.right).as_bytes());
    }

    fn conflicts(_: &[u8], _: &[u8]) -> bool {
        true
    }

    fn to_words(command: &[u8], word: &mut dyn FnMut(&[u8])) {
        word(command);
    }

    fn from_words(words: &[&[u8]]) -> Result<Vec<u8>, String> {
        Ok(words.concat())
    }

    fn freeze(&self) -> Box<dyn Frozen> {
        Box::new(Line(Some(format!("{} {}", self.left, self.right))))
    }

    fn empty() -> Pair {
        Pair::default()
    }

    fn restore(&mut self, words: &[&[u8]]) -> Result<(), String> {
        let text = String::from_utf8(words.concat()).map_err(|error| error.to_string())?;
        let (left, right) = text.split_once(' ').ok_or("two numbers")?;
        let number = |text: &str| text.parse().map_err(|_| text.to_owned());
        (self.left, self.right) = (number(left)?, number(right)?);
        Ok(())
    }
}

struct Line(Option<String>);

impl Frozen for Line {
    fn next_line(&mut self, word: &mut dyn FnMut(&[u8])) -> bool {
        self.0.take().is_some_and(|line| {
            word(line.as_bytes());
            true
        })
    }
}

struct PairService;

impl Service for PairService {
    type Machine = Pair;
    type Ticket = Reply;

    const NAMES: &'static [&'static str] = &[];

    fn answer(node: &mut Shared<Self>, reply: Reply, answer: Answer, reactor: &mut Reactor<'_>) {
        match &answer {
            Answer::Done(done) => reactor.answer(reply, Ok(done)),
            other => reactor.answer(reply, Err(refusal(node, other))),
        }
    }

    fn applied(_: &mut Shared<Self>) {}
}

/// Runs in a process of its own, until it is killed.
#[test]
#[ignore = "the process of the test below"]
fn a_node() {
    let directory = std::env::var_os(DIRECTORY).map(PathBuf::from);
    env_logger::init();
    let options = NodeOptions {
        directory,
        group: "pairs".into(),
        machine: "pair".into(),
        peers: vec![(0, "127.0.0.1:0".into())],
        config: Config::lan(0, vec![0]),
        // A snapshot after the next entry would contain half of an entry.
        snapshots: SnapshotPolicy { entries: 2, bytes: u64::MAX },
        quota_bytes: 0,
        dump: DumpOptions { level: Level::None, ..DumpOptions::default() },
    };
    let opened = Opened::open(options, PairService).unwrap();
    let mut services = Services::new();
    let node = opened.node();
    services.deferred(ADD, move |_, command, reply| node.lock().write(None, command.into(), reply));
    let transport = TransportOptions::new("pairs", 0, [].into());
    let transport = Transport::new(transport, &mut services);
    let address = "127.0.0.1:0".parse().unwrap();
    let mut server = Server::bind(address, services, ServerOptions::default()).unwrap();
    opened.attach(&mut server, transport).unwrap();
    println!("\nat {}", server.local_addr());
    server.run().unwrap();
}

struct Process {
    child: Child,
    channel: Channel,
}

impl Process {
    fn start(directory: &Path, is_mistaken: bool) -> Process {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "panics::a_node", "--ignored", "--nocapture"]);
        command.env(DIRECTORY, directory).stdout(Stdio::piped()).stderr(Stdio::piped());
        if is_mistaken {
            command.env(MISTAKEN, "1");
        }
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let at = lines.map_while(Result::ok).find_map(|l| l.strip_prefix("at ").map(str::to_owned));
        let channel = Channel::new(&at.expect("it began"), ChannelOptions::default()).unwrap();
        Process { child, channel }
    }

    fn add(&self, command: &[u8]) -> Option<String> {
        let timeout = Some(Duration::from_secs(20));
        let options = CallOptions { timeout, ..CallOptions::default() };
        let answer = self.channel.unary(ADD, command, &options);
        answer.ok().map(|answer| String::from_utf8(answer).unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_node_aborts_at_an_entry_that_panics_and_answers_nothing() {
    let folder = Folder::new("panics");
    let mut mistaken = Process::start(&folder.path("node"), true);
    assert_eq!(mistaken.add(b"good").as_deref(), Some("4 4"));
    assert_eq!(mistaken.add(b"bad"), None, "no answer is sent");
    let child = std::mem::replace(&mut mistaken.child, Command::new("true").spawn().unwrap());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(6), "{:?}: {text}", output.status);
    // After the leader's first entry and `good`.
    let reason = "entry 3 of its log cannot be applied: panicked: a mistake of the program";
    assert!(text.contains(reason), "{text}");
    // Without the bug the entry is applied, once and completely.
    let mended = Process::start(&folder.path("node"), false);
    assert_eq!(mended.add(b"more").as_deref(), Some("11 11"));
}

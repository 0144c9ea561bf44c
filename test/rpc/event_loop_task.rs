//! Event-loop tasks: their polls, timers, wakers and end.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use agora::call::{Code, Status};
use agora::rpc::{
    Channel, ChannelOptions, EventLoopTask, Multiplexer, Reactor, Reply, Server, ServerHandle,
    ServerOptions, Services, TaskWaker,
};

use crate::fixture::{LONG, both, eventually, within};
use crate::wait::pace;

const ADD: &str = "/test.CounterTask/Add";
/// As ADD, but slow.
const SLOW: &str = "/test.CounterTask/Slow";
const AT_SHUTDOWN: &str = "/test.CounterTask/LastWord";

/// What handlers leave for the task.
#[derive(Default)]
struct Shared {
    adds: Vec<(Vec<u8>, Reply)>,
    at_shutdown: Vec<Reply>,
}

/// What the test sees of a task.
#[derive(Default)]
struct Seen {
    /// How many calls each poll found, without polls that found none.
    batches: Vec<usize>,
    turns: Vec<Instant>,
    /// Calls that are answered at the shutdown.
    waiting: usize,
    shut_down: bool,
}

/// Answers the calls on its shared.
struct CounterTask {
    shared: Arc<Mutex<Shared>>,
    seen: Arc<Mutex<Seen>>,
    /// When it wants to be polled.
    poll_times: Vec<Instant>,
    /// How long it runs on during a shutdown.
    linger: Duration,
    finishes_at: Option<Instant>,
    is_finished: bool,
}

impl EventLoopTask for CounterTask {
    fn poll(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant> {
        let mut shared = self.shared.lock().unwrap();
        let mut seen = self.seen.lock().unwrap();
        seen.turns.push(reactor.now());
        seen.waiting = shared.at_shutdown.len();
        if !shared.adds.is_empty() {
            seen.batches.push(shared.adds.len());
        }
        for (message, reply) in shared.adds.drain(..) {
            match message.as_slice() {
                b"" => reactor.answer(reply, Err(Status::new(Code::InvalidArgument, "nothing"))),
                message => reactor.answer(reply, Ok(message)),
            }
        }
        self.is_finished = self.finishes_at.is_some_and(|at| reactor.now() >= at);
        if self.is_finished {
            shared.at_shutdown.drain(..).for_each(|reply| reply.send(Ok(b"bye".to_vec())));
        }
        self.poll_times.retain(|at| *at > reactor.now());
        self.poll_times.iter().copied().chain(self.finishes_at.filter(|_| !self.is_finished)).min()
    }

    fn shut_down(&mut self, reactor: &mut Reactor<'_>) {
        self.seen.lock().unwrap().shut_down = true;
        self.finishes_at = Some(reactor.now() + self.linger);
    }

    fn is_finished(&self) -> bool {
        self.is_finished
    }
}

struct Fixture {
    address: SocketAddr,
    handle: ServerHandle,
    waker: TaskWaker,
    seen: Arc<Mutex<Seen>>,
    thread: Option<JoinHandle<()>>,
}

impl Fixture {
    fn new(poll_times: Vec<Instant>, linger: Duration, shutdown_grace: Duration) -> Fixture {
        let (shared, seen) = (Arc::<Mutex<Shared>>::default(), Arc::<Mutex<Seen>>::default());
        let mut services = Services::new();
        services.deferred(ADD, {
            let shared = Arc::clone(&shared);
            move |_, message, reply| shared.lock().unwrap().adds.push((message.to_vec(), reply))
        });
        services.deferred(SLOW, {
            let shared = Arc::clone(&shared);
            move |_, message, reply| {
                pace(Duration::from_millis(2));
                shared.lock().unwrap().adds.push((message.to_vec(), reply));
            }
        });
        services.deferred(AT_SHUTDOWN, {
            let shared = Arc::clone(&shared);
            move |_, _, reply| shared.lock().unwrap().at_shutdown.push(reply)
        });
        let options = ServerOptions { shutdown_grace, ..ServerOptions::default() };
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Server::bind(any, services, options).unwrap();
        let task = CounterTask {
            shared,
            seen: Arc::clone(&seen),
            poll_times,
            linger,
            finishes_at: None,
            is_finished: false,
        };
        server.attach(task);
        let (address, handle) = (server.local_addr(), server.handle());
        let waker = server.task_waker();
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Fixture { address, handle, waker, seen, thread }
    }

    fn plain() -> Fixture {
        Fixture::new(Vec::new(), Duration::ZERO, LONG)
    }

    fn turns(&self) -> usize {
        self.seen.lock().unwrap().turns.len()
    }

    fn stop(&mut self) {
        self.handle.shut_down();
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.handle.shut_down();
    }
}

#[test]
fn one_poll_finds_all_calls_that_arrived_together() {
    both(|protocol| {
        let server = Fixture::plain();
        let options = ChannelOptions { protocol, ..ChannelOptions::default() };
        let mut multiplexer = Multiplexer::new().unwrap();
        let link = multiplexer.connect(&server.address.to_string(), &options).unwrap();
        for n in 0..20 {
            multiplexer.start(link, ADD, &[n], Some(LONG)).unwrap();
        }
        let mut answers = Vec::new();
        while answers.len() < 20 {
            multiplexer.poll(LONG, |done| answers.push(done.message.to_vec())).unwrap();
        }
        assert_eq!(answers, (0..20).map(|n| vec![n]).collect::<Vec<_>>());
        assert_eq!(server.seen.lock().unwrap().batches, [20]);
    });
}

#[test]
fn an_error_is_answered_as_well() {
    both(|protocol| {
        let server = Fixture::plain();
        let options = ChannelOptions { protocol, ..ChannelOptions::default() };
        let channel = Channel::new(&server.address.to_string(), options).unwrap();
        let error = channel.unary(ADD, b"", &within(LONG)).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (Code::InvalidArgument, "nothing"));
        assert_eq!(channel.unary(ADD, b"next", &within(LONG)).unwrap(), b"next");
    });
}

#[test]
fn the_first_poll_comes_by_itself_and_further_ones_when_they_are_due() {
    let started = Instant::now();
    let due = [20, 50].map(|ms| started + Duration::from_millis(ms));
    let server = Fixture::new(due.to_vec(), Duration::ZERO, LONG);
    eventually("three turns", || server.turns() >= 3);
    let turns = server.seen.lock().unwrap().turns.clone();
    assert!(turns[0] < due[0], "the first is not waited for");
    for due in due {
        assert!(turns.iter().any(|turn| *turn >= due), "none too early");
    }
    // Each time causes one poll, and none that come too early.
    assert_eq!(turns.len(), 3);
}

#[test]
fn a_waker_causes_a_poll_from_any_thread() {
    let server = Fixture::plain();
    eventually("the first turn", || server.turns() == 1);
    for n in 2..100 {
        server.waker.wake();
        eventually("one turn more", || server.turns() >= n);
    }
    // Many wake-ups while it is awake cause few polls, and the last one is not lost.
    let threads = [(); 4].map(|()| {
        let (waker, seen) = (server.waker.clone(), Arc::clone(&server.seen));
        std::thread::spawn(move || {
            for _ in 0..200 {
                let called = Instant::now();
                waker.wake();
                eventually("a turn after the call", || {
                    seen.lock().unwrap().turns.last().is_some_and(|turn| *turn >= called)
                });
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_shutdown_waits_until_the_task_is_finished() {
    let mut server = Fixture::new(Vec::new(), Duration::from_millis(50), LONG);
    let target = server.address.to_string();
    let client = std::thread::spawn(move || {
        let channel = Channel::new(&target, ChannelOptions::default()).unwrap();
        channel.unary(AT_SHUTDOWN, b"", &within(LONG))
    });
    eventually("the call", || server.seen.lock().unwrap().waiting == 1);
    let started = Instant::now();
    server.stop();
    assert!(started.elapsed() >= Duration::from_millis(50));
    assert!(started.elapsed() < LONG);
    assert!(server.seen.lock().unwrap().shut_down);
    assert_eq!(client.join().unwrap().unwrap(), b"bye");
}

#[test]
fn a_task_that_never_finishes_ends_with_the_grace_period() {
    let grace = Duration::from_millis(50);
    let mut server = Fixture::new(Vec::new(), Duration::from_secs(3600), grace);
    let started = Instant::now();
    server.stop();
    assert!(started.elapsed() >= grace && started.elapsed() < LONG);
}

#[test]
fn slow_handlers_do_not_keep_the_task_from_being_polled() {
    let server = Fixture::plain();
    let mut multiplexer = Multiplexer::new().unwrap();
    for link in 0..64 {
        let target = server.address.to_string();
        multiplexer.connect(&target, &ChannelOptions::default()).unwrap();
        multiplexer.start(link, SLOW, b"x", Some(LONG)).unwrap();
    }
    let mut answers = 0;
    while answers < 64 {
        multiplexer.poll(LONG, |done| answers += usize::from(done.status.is_ok())).unwrap();
    }
    // The clock is read after every eighth connection. At most two of these have called before 5 ms
    // have passed, the others have only sent their preface; the next eight may all call.
    let longest = server.seen.lock().unwrap().batches.iter().copied().max();
    assert!(longest <= Some(10), "{longest:?}");
}

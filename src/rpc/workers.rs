//! The thread pool for blocking handlers.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::catch_panic::panic_message;
use super::log_limit::LogLimit;

/// A job of the pool; dropped without running when the pool ends first.
pub(super) type Job = Box<dyn FnOnce() -> Option<After> + Send>;
/// Work to run after the job, when its result was sent.
pub(super) type After = Box<dyn FnOnce() + Send + Sync>;

/// A bounded pool: threads are started as needed, up to a limit, and further jobs wait in a bounded
/// queue.
pub(super) struct Workers {
    shared: Arc<Shared>,
    max_threads: usize,
    max_waiting: usize,
    /// Short jobs, for the thread that owns the pool.
    short: RefCell<Vec<Job>>,
    /// Work that the short jobs of the last turn have left.
    after: RefCell<Vec<After>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    /// Limits the lines about threads that cannot be started.
    failures: LogLimit,
    threads: usize,
    /// Threads without a job, including those that are just starting.
    idle: usize,
    closed: bool,
}

impl State {
    /// Logs that the system starts no further thread: that may be so for every call from now on.
    fn log_failure(&mut self, error: &io::Error) {
        let now = Instant::now();
        if let Some(count) = self.failures.take_count(now) {
            log::warn!("{count} more times there was no new worker thread");
        }
        if self.failures.admit(now) {
            log::warn!("no new worker thread: {error}");
        }
    }
}

/// The queue is full; returns the job.
pub(super) struct Full(pub(super) Job);

impl Workers {
    pub(super) fn new(max_threads: usize, max_waiting: usize) -> Workers {
        let (shared, short, after) = (Arc::default(), RefCell::default(), RefCell::default());
        Workers { shared, max_threads, max_waiting, short, after }
    }

    /// Runs a job on a thread of the pool, as soon as one is free; a brief one with the next
    /// [`run_short`](Self::run_short).
    ///
    /// # Errors
    /// [`Full`] when all threads are busy and the queue is full.
    pub(super) fn run(&self, job: Job, is_short: bool) -> Result<(), Full> {
        if is_short {
            let mut short = self.short.borrow_mut();
            if short.len() >= self.max_waiting {
                return Err(Full(job));
            }
            short.push(job);
            return Ok(());
        }
        let mut state = self.shared.state();
        let busy = state.waiting.len() >= state.idle;
        if busy && state.threads < self.max_threads {
            let shared = Arc::clone(&self.shared);
            match thread::Builder::new().name("worker".into()).spawn(move || work(&shared)) {
                Ok(_) => {
                    state.threads += 1;
                    state.idle += 1;
                }
                Err(error) => state.log_failure(&error),
            }
        }
        if state.threads == 0 || state.waiting.len() >= state.idle + self.max_waiting {
            return Err(Full(job));
        }
        state.waiting.push_back(job);
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Runs the short jobs on the calling thread. The work that they leave runs in the next call,
    /// after their answers were written.
    pub(super) fn run_short(&self) {
        self.after.take().into_iter().for_each(run_after);
        let jobs = self.short.take();
        let after: Vec<After> = jobs.into_iter().filter_map(run_guarded).collect();
        self.after.borrow_mut().extend(after);
    }
}

impl Drop for Workers {
    /// Idle threads end; busy ones after their job. Jobs that wait are dropped.
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.closed = true;
        let dropped = std::mem::take(&mut state.waiting);
        drop(state);
        drop(dropped);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn work(shared: &Shared) {
    let mut state = shared.state();
    loop {
        if state.closed {
            return;
        }
        if let Some(job) = state.waiting.pop_front() {
            state.idle -= 1;
            drop(state);
            if let Some(after) = run_guarded(job) {
                run_after(after);
            }
            state = shared.state();
            state.idle += 1;
        } else {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Catches a panic, so that the pool goes on. The panics of handlers were caught before, by the job.
fn run_guarded(job: Job) -> Option<After> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|panic| {
        log::error!("a job panicked: {}", panic_message(&*panic));
        None
    })
}

/// Yields first, so that threads that wait for the answer run before.
fn run_after(after: After) {
    thread::yield_now();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(after)) {
        log::error!("a job panicked after it had answered: {}", panic_message(&*panic));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    const SOON: Duration = Duration::from_secs(10);

    #[test]
    fn a_full_pool_refuses_and_recovers() {
        let workers = Workers::new(2, 1);
        let (started, starts) = mpsc::channel();
        let (release, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let job = || -> Job {
            let (started, gate) = (started.clone(), Arc::clone(&gate));
            Box::new(move || {
                started.send(()).unwrap();
                let _ = gate.lock().unwrap().recv();
                None
            })
        };
        assert!(workers.run(job(), false).is_ok());
        starts.recv_timeout(SOON).unwrap();
        assert!(workers.run(job(), false).is_ok());
        starts.recv_timeout(SOON).unwrap();
        assert!(workers.run(job(), false).is_ok());
        assert!(workers.run(job(), false).is_err());
        release.send(()).unwrap();
        starts.recv_timeout(SOON).unwrap();
        release.send(()).unwrap();
        release.send(()).unwrap();
    }

    #[test]
    fn short_jobs_that_wait_are_bounded_too() {
        let workers = Workers::new(1, 2);
        let count = Arc::new(Mutex::new(0));
        let job = || -> Job {
            let count = Arc::clone(&count);
            Box::new(move || {
                *count.lock().unwrap() += 1;
                None
            })
        };
        assert!(workers.run(job(), true).is_ok());
        assert!(workers.run(job(), true).is_ok());
        assert!(workers.run(job(), true).is_err());
        workers.run_short();
        assert_eq!(*count.lock().unwrap(), 2);
        assert!(workers.run(job(), true).is_ok());
    }

    #[test]
    fn a_panic_costs_one_job_not_the_thread() {
        let workers = Workers::new(1, 10);
        assert!(workers.run(Box::new(|| panic!("on purpose")), false).is_ok());
        let (done, dones) = mpsc::channel();
        assert!(workers.run(Box::new(move || done.send(()).ok().and(None)), false).is_ok());
        dones.recv_timeout(SOON).unwrap();
    }
}

//! Request ids: the numbers of one client's commands.
//!
//! An id is the time in microseconds, or one more than the last: ids ascend over this client's life,
//! and over that of the next one as long as the clock is not set back. Should it have been, or should
//! the market know higher ids of this account for another reason, the market refuses and says what
//! the highest is; the client goes on behind that one ([`RequestIds::advance_past`]).
//!
//! The market remembers the answers to [`MAX_OUTSTANDING`] commands of an account. When one command
//! takes long, as at a failover, those that other threads begin meanwhile wait for it here before so
//! many have overtaken it: the market would no longer know whether it was done.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::call::{Code, Status};
use crate::market::state::Limits;

/// So many commands, itself included, may be begun until one has to be answered.
const MAX_OUTSTANDING: u64 = Limits::DEFAULT.max_answers_per_account as u64;

/// The numbers of the commands of one client.
#[derive(Debug, Default)]
pub(super) struct RequestIds {
    state: Mutex<State>,
    /// A command has ended.
    has_capacity: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The last id that was given out, or that the market knows.
    last: u64,
    /// How many were given out.
    begun: u64,
    /// Commands that somebody still waits for, by id, and how many were begun before each.
    waiting: BTreeMap<u64, u64>,
}

impl State {
    /// Whether one more command would overtake the oldest one too far.
    fn is_full(&self) -> bool {
        let oldest = self.waiting.first_key_value();
        oldest.is_some_and(|(_, before)| self.begun - before >= MAX_OUTSTANDING)
    }
}

impl RequestIds {
    /// Gives a new command its id, at a time in microseconds since 1970. Waits while too many have
    /// overtaken another one, but no longer than until `until`.
    ///
    /// # Errors
    /// `UNAVAILABLE`: the others were not answered in time. `OUT_OF_RANGE`: there are no more ids.
    pub(super) fn begin(&self, now_us: u64, until: Instant) -> Result<u64, Status> {
        let mut state = self.state();
        while state.is_full() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let reason = format!("{MAX_OUTSTANDING} commands before it are not answered yet");
                return Err(Status::new(Code::Unavailable, reason));
            }
            let waited = self.has_capacity.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let next = state.last.checked_add(1).ok_or_else(|| {
            Status::new(Code::OutOfRange, "the account has used the highest request id there is")
        })?;
        let id = next.max(now_us);
        state.last = id;
        let before = state.begun;
        state.waiting.insert(id, before);
        state.begun += 1;
        Ok(id)
    }

    /// Nobody waits for the command any more.
    pub(super) fn end(&self, id: u64) {
        self.state().waiting.remove(&id);
        self.has_capacity.notify_all();
    }

    /// The market knows this id of the account.
    pub(super) fn advance_past(&self, id: u64) {
        let mut state = self.state();
        state.last = state.last.max(id);
    }

    /// A thread that panicked under the lock left whole numbers behind.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn ids_are_the_time_and_ascend_even_if_it_does_not() {
        let ids = RequestIds::default();
        for (now_us, id) in [(1000, 1000), (1000, 1001), (5, 1002), (3000, 3000)] {
            assert_eq!(ids.begin(now_us, soon()), Ok(id));
        }
        ids.advance_past(9000);
        assert_eq!(ids.begin(4000, soon()), Ok(9001));
        ids.advance_past(20);
        assert_eq!(ids.begin(4000, soon()), Ok(9002));
    }

    #[test]
    fn without_a_higher_id_there_are_no_more_commands() {
        let ids = RequestIds::default();
        ids.advance_past(u64::MAX);
        assert_eq!(ids.begin(1, soon()).unwrap_err().code, Code::OutOfRange);
    }

    #[test]
    fn a_command_waits_before_more_overtake_the_oldest_one_than_the_market_remembers() {
        let ids = RequestIds::default();
        let oldest = ids.begin(1, soon()).unwrap();
        for _ in 1..MAX_OUTSTANDING {
            let id = ids.begin(1, soon()).unwrap();
            ids.end(id);
        }
        let refused = ids.begin(1, Instant::now()).unwrap_err();
        assert_eq!(refused.code, Code::Unavailable, "there was no time to wait");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| ids.begin(1, soon()));
            ids.end(oldest);
            assert_eq!(waiting.join().unwrap(), Ok(1 + MAX_OUTSTANDING));
        });
    }
}

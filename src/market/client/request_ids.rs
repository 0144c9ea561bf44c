//! Request ids: the numbers of one client's commands.
//!
//! An id is the time in microseconds, or one more than the last id if that is higher. So ids ascend
//! as long as the client runs, and across restarts unless the clock was set back. If the market
//! knows a higher id of the account, it refuses the command and reports the highest id, and the
//! client continues above that one ([`RequestIds::advance_past`]).
//!
//! The market remembers the answers to [`MAX_OUTSTANDING`] commands of an account. While one
//! command is not answered, as during a failover, other threads may begin only so many commands
//! that the market still remembers the first one; then they wait here.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::call::{Code, Status};
use crate::market::state::Limits;

/// How many commands may have begun, from the oldest that is not answered on.
const MAX_OUTSTANDING: u64 = Limits::DEFAULT.max_answers_per_account as u64;

/// The request ids of one client.
#[derive(Debug, Default)]
pub(super) struct RequestIds {
    state: Mutex<State>,
    /// A command has ended.
    has_capacity: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The highest id that was assigned, or that the market knows.
    last: u64,
    /// Commands begun so far.
    begun: u64,
    /// Commands that are not answered, by id, and how many had begun before each.
    waiting: BTreeMap<u64, u64>,
}

impl State {
    /// Whether the market might forget the oldest command if one more began.
    fn is_full(&self) -> bool {
        let oldest = self.waiting.first_key_value();
        oldest.is_some_and(|(_, before)| self.begun - before >= MAX_OUTSTANDING)
    }
}

impl RequestIds {
    /// Assigns an id to a new command, at a time in microseconds since 1970. Waits until there is
    /// capacity, or until `until`.
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

    /// The command was answered or given up.
    pub(super) fn end(&self, id: u64) {
        self.state().waiting.remove(&id);
        self.has_capacity.notify_all();
    }

    /// Later ids are higher than this one, which the market knows of the account.
    pub(super) fn advance_past(&self, id: u64) {
        let mut state = self.state();
        state.last = state.last.max(id);
    }

    /// A poisoned lock is used: no thread leaves the state incomplete.
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
    fn ids_are_the_time_and_ascend_even_if_the_clock_does_not() {
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
    fn a_command_waits_while_the_market_might_forget_the_oldest_one() {
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

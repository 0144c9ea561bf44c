//! Sequence numbers of writes: a session of the group, and its writes that are not answered yet.
//!
//! The group refuses a number more than [`MAX_OUTSTANDING`] above the last acknowledged one. When
//! one write takes long, for example during a failover, the writes of other threads wait here
//! before they get a number above that.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::call::{Code, Status};
use crate::raft::Origin;
use crate::replica::state::MAX_OUTSTANDING;

/// The session of a client, opened by its first write.
#[derive(Debug, Default)]
pub struct Session {
    open: Mutex<Option<Open>>,
    /// Notified when a write has ended or the session was discarded.
    has_capacity: Condvar,
}

#[derive(Debug)]
struct Open {
    session: u64,
    /// The number of the last write.
    last: u64,
    /// Writes without an answer.
    unanswered: BTreeSet<u64>,
}

impl Open {
    /// All writes up to this number were answered.
    fn acknowledged(&self) -> u64 {
        self.unanswered.first().map_or(self.last, |first| first - 1)
    }

    /// Whether the group would refuse another write now.
    fn is_full(&self) -> bool {
        self.last - self.acknowledged() >= MAX_OUTSTANDING
    }
}

/// The identity of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteId {
    session: u64,
    sequence: u64,
}

impl Session {
    /// Begins a new write, in a session that `open` opens if there is none. Waits until the group
    /// would accept one more, but not longer than until `until`.
    ///
    /// # Errors
    /// Those of `open`; `UNAVAILABLE`: too many writes before it were not answered in time.
    pub fn begin(
        &self,
        until: Instant,
        open: impl FnOnce() -> Result<u64, Status>,
    ) -> Result<WriteId, Status> {
        // The lock is held while the session opens: all other writes need the session too.
        let mut state = self.state();
        while state.as_ref().is_some_and(Open::is_full) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let reason = format!("{MAX_OUTSTANDING} writes before it are not answered yet");
                return Err(Status::new(Code::Unavailable, reason));
            }
            let waited = self.has_capacity.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let state = match &mut *state {
            Some(state) => state,
            none => none.insert(Open { session: open()?, last: 0, unanswered: BTreeSet::new() }),
        };
        state.last += 1;
        state.unanswered.insert(state.last);
        Ok(WriteId { session: state.session, sequence: state.last })
    }

    /// The origin to send now. Its acknowledgement rises as other writes are answered.
    pub fn origin(&self, write: WriteId) -> Origin {
        let WriteId { session, sequence } = write;
        let acknowledged = match &*self.state() {
            Some(open) if open.session == session => open.acknowledged(),
            // The session was discarded while this write waited: it acknowledges nothing.
            _ => 0,
        };
        Origin { session, sequence, acknowledged }
    }

    /// The write is answered, or its caller has given up.
    pub fn end(&self, write: WriteId) {
        if let Some(open) = &mut *self.state()
            && open.session == write.session
        {
            open.unanswered.remove(&write.sequence);
            self.has_capacity.notify_all();
        }
    }

    /// The session has expired: the next write opens another one.
    pub fn discard(&self, write: WriteId) {
        let mut state = self.state();
        if state.as_ref().is_some_and(|open| open.session == write.session) {
            *state = None;
            self.has_capacity.notify_all();
        }
    }

    /// A poisoned lock is ignored: no thread leaves a half-changed session behind.
    fn state(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn origin(session: u64, sequence: u64, acknowledged: u64) -> Origin {
        Origin { session, sequence, acknowledged }
    }

    #[test]
    fn what_is_acknowledged_is_what_nobody_waits_for() {
        let session = Session::default();
        let first = session.begin(soon(), || Ok(7)).unwrap();
        let second = session.begin(soon(), || panic!("it is open")).unwrap();
        assert_eq!(session.origin(first), origin(7, 1, 0));
        assert_eq!(session.origin(second), origin(7, 2, 0));
        session.end(second);
        assert_eq!(session.origin(first), origin(7, 1, 0), "the first still waits");
        let third = session.begin(soon(), || panic!("it is open")).unwrap();
        session.end(first);
        assert_eq!(session.origin(third), origin(7, 3, 2));
    }

    #[test]
    fn a_session_that_could_not_be_opened_is_opened_by_the_next_write() {
        let session = Session::default();
        let error = Status::new(Code::Unavailable, "no leader");
        assert_eq!(session.begin(soon(), || Err(error.clone())), Err(error));
        assert_eq!(session.begin(soon(), || Ok(1)).map(|write| write.session), Ok(1));
    }

    #[test]
    fn a_session_that_was_given_up_is_replaced_once() {
        let session = Session::default();
        let (old, other) =
            (session.begin(soon(), || Ok(7)).unwrap(), session.begin(soon(), || Ok(8)).unwrap());
        session.discard(old);
        let new = session.begin(soon(), || Ok(9)).unwrap();
        assert_eq!(session.origin(new), origin(9, 1, 0));
        session.discard(other);
        session.end(other);
        assert_eq!(session.origin(new), origin(9, 1, 0), "another session is not meant");
    }
    #[test]
    fn a_write_that_would_be_too_far_ahead_waits_for_the_oldest_one() {
        let session = Session::default();
        let oldest = session.begin(soon(), || Ok(7)).unwrap();
        for _ in 1..MAX_OUTSTANDING {
            let next = session.begin(soon(), || panic!("it is open")).unwrap();
            session.end(next);
        }
        let refused = session.begin(Instant::now(), || panic!("it is open")).unwrap_err();
        assert_eq!(refused.code, Code::Unavailable, "there was no time to wait");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| session.begin(soon(), || panic!("it is open")).unwrap());
            session.end(oldest);
            let next = waiting.join().unwrap();
            assert_eq!(session.origin(next), origin(7, 1 + MAX_OUTSTANDING, MAX_OUTSTANDING));
        });
    }

    #[test]
    fn who_waits_for_room_goes_on_in_the_next_session_when_the_old_one_is_given_up() {
        let session = Session::default();
        let oldest = session.begin(soon(), || Ok(7)).unwrap();
        (1..MAX_OUTSTANDING).for_each(|_| drop(session.begin(soon(), || panic!("it is open"))));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| session.begin(soon(), || Ok(8)).unwrap());
            session.discard(oldest);
            assert_eq!(session.origin(waiting.join().unwrap()), origin(8, 1, 0));
        });
    }
}

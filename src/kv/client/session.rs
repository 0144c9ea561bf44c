//! Numbers of writes: a session of the group, and which of its writes are not answered yet.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::call::Status;
use crate::raft::Origin;

/// The client's session, opened when it is first needed.
#[derive(Debug, Default)]
pub struct Session {
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    session: u64,
    /// The number of the last write.
    last: u64,
    /// Writes that somebody still waits for.
    waiting: BTreeSet<u64>,
}

/// The name of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    session: u64,
    sequence: u64,
}

impl Session {
    /// Names a new write, in a session that is opened with `open` if there is none.
    ///
    /// # Errors
    /// Those of `open`.
    pub fn begin(&self, open: impl FnOnce() -> Result<u64, Status>) -> Result<Ticket, Status> {
        // Others wait meanwhile: they need the session too.
        let mut state = self.state();
        let state = match &mut *state {
            Some(state) => state,
            none => none.insert(Open { session: open()?, last: 0, waiting: BTreeSet::new() }),
        };
        state.last += 1;
        state.waiting.insert(state.last);
        Ok(Ticket { session: state.session, sequence: state.last })
    }

    /// The write's origin as it is to be sent now: others may have been answered meanwhile.
    pub fn origin(&self, ticket: Ticket) -> Origin {
        let Ticket { session, sequence } = ticket;
        let acknowledged = match &*self.state() {
            Some(open) if open.session == session => {
                open.waiting.first().map_or(open.last, |first| first - 1)
            }
            // The session was given up: this write still waits, and says nothing of others.
            _ => 0,
        };
        Origin { session, sequence, acknowledged }
    }

    /// Nobody waits for the write any more.
    pub fn end(&self, ticket: Ticket) {
        if let Some(open) = &mut *self.state()
            && open.session == ticket.session
        {
            open.waiting.remove(&ticket.sequence);
        }
    }

    /// The group does not know the session any more: the next write opens another one.
    pub fn give_up(&self, ticket: Ticket) {
        let mut state = self.state();
        if state.as_ref().is_some_and(|open| open.session == ticket.session) {
            *state = None;
        }
    }

    /// A thread that panicked under the lock left a whole session behind, or none.
    fn state(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Code;

    fn origin(session: u64, sequence: u64, acknowledged: u64) -> Origin {
        Origin { session, sequence, acknowledged }
    }

    #[test]
    fn what_is_acknowledged_is_what_nobody_waits_for() {
        let session = Session::default();
        let first = session.begin(|| Ok(7)).unwrap();
        let second = session.begin(|| panic!("it is open")).unwrap();
        assert_eq!(session.origin(first), origin(7, 1, 0));
        assert_eq!(session.origin(second), origin(7, 2, 0));
        session.end(second);
        assert_eq!(session.origin(first), origin(7, 1, 0), "the first still waits");
        let third = session.begin(|| panic!("it is open")).unwrap();
        session.end(first);
        assert_eq!(session.origin(third), origin(7, 3, 2));
    }

    #[test]
    fn a_session_that_could_not_be_opened_is_opened_by_the_next_write() {
        let session = Session::default();
        let error = Status::new(Code::Unavailable, "no leader");
        assert_eq!(session.begin(|| Err(error.clone())), Err(error));
        assert_eq!(session.begin(|| Ok(1)).map(|ticket| ticket.session), Ok(1));
    }

    #[test]
    fn a_session_that_was_given_up_is_replaced_once() {
        let session = Session::default();
        let (old, other) = (session.begin(|| Ok(7)).unwrap(), session.begin(|| Ok(8)).unwrap());
        session.give_up(old);
        let new = session.begin(|| Ok(9)).unwrap();
        assert_eq!(session.origin(new), origin(9, 1, 0));
        session.give_up(other);
        session.end(other);
        assert_eq!(session.origin(new), origin(9, 1, 0), "another session is not meant");
    }
}

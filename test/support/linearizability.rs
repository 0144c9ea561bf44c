//! A linearizability checker: can the observations of clients be explained by one object that
//! executes each operation at one moment between its call and its return?
//!
//! The algorithm is Wing and Gong's (*Testing and Verifying Concurrent Objects*, 1993) with the
//! cache that Lowe added (*Testing for Linearizability*, 2017). Calls and returns are in one list
//! in order of time. An operation whose call is before every return may come first: it is tried,
//! its call and return are removed from the list, and the search continues with the rest. If the
//! search reaches a return, the operation of that return should have come earlier: the search
//! backtracks. A set of executed operations with the resulting state is never tried twice.
//!
//! An operation with an unknown outcome may have happened at any time after its call, or never. It
//! has a call in the list and no return, and the search may end without it. It matters only if the
//! operation right after it would have had another result without it: for any valid order there is
//! one in which every unknown operation matters, so only those orders are tried.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

/// A sequential object.
pub trait Object {
    /// The state of the object.
    type State: Clone + Eq + Hash + Debug;
    /// An operation.
    type Call: Debug;
    /// The result of an operation.
    type Outcome: Debug;

    /// The initial state.
    fn initial() -> Self::State;

    /// The state after `call`, if `outcome` is the result of the call in this state. `None` is an
    /// unknown outcome.
    fn after(
        state: &Self::State,
        call: &Self::Call,
        outcome: Option<&Self::Outcome>,
    ) -> Option<Self::State>;
}

/// One operation of a client. Moments are positions in one total order of all calls and returns.
#[derive(Clone, Debug)]
pub struct Operation<C, O> {
    /// The client, for messages.
    pub client: u64,
    /// The moment of the call.
    pub called: u64,
    /// The operation.
    pub call: C,
    /// The moment of the return and the result, if it returned.
    pub returned: Option<(u64, O)>,
}

/// Why a history was not found to be linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no valid order. The text shows the longest attempt.
    NotLinearizable(String),
    /// The search was stopped after the maximum number of steps.
    Undecided,
}

/// The maximum number of choices in one search: about a minute.
pub const MAX_STEPS: usize = 20_000_000;

/// Searches for an order of `history` that `O` allows. Returns the number of choices that were
/// tried.
///
/// # Errors
/// There is none, or the search took more than [`MAX_STEPS`].
pub fn check<O: Object>(history: &[Operation<O::Call, O::Outcome>]) -> Result<usize, Fault> {
    Search::<O>::new(history).run()
}

/// The index of the list head, before the first event.
const HEAD: usize = 0;

/// A call or return in the list, linked to its neighbours by index.
#[derive(Clone, Copy)]
struct Event {
    operation: usize,
    is_call: bool,
    before: usize,
    after: usize,
}

/// A set of operations.
type Done = Vec<u64>;

struct Search<'h, O: Object> {
    history: &'h [Operation<O::Call, O::Outcome>],
    /// The head at index 0, then the events in order of time; the last is linked to the head.
    events: Vec<Event>,
    /// The indices of each operation's call and return.
    calls: Vec<usize>,
    returns: Vec<Option<usize>>,
    /// The chosen operations, each with the state before it.
    chosen: Vec<(usize, O::State)>,
    done: Done,
    /// The returns that are still in the list: at 0 the search has succeeded.
    open: usize,
    tried: HashSet<(Done, O::State)>,
    best: Option<Stuck<O::State>>,
}

/// The longest order found, and the return that could not be explained after it.
struct Stuck<S> {
    order: Vec<usize>,
    state: S,
    operation: usize,
}

impl<'h, O: Object> Search<'h, O> {
    fn new(history: &'h [Operation<O::Call, O::Outcome>]) -> Search<'h, O> {
        let mut moments: Vec<(u64, bool, usize)> = Vec::new();
        for (operation, record) in history.iter().enumerate() {
            moments.push((record.called, true, operation));
            if let Some((returned, _)) = &record.returned {
                moments.push((*returned, false, operation));
            }
        }
        // A call before a return at the same moment: the operations overlap.
        moments.sort_by_key(|(moment, is_call, operation)| (*moment, !is_call, *operation));
        let last = moments.len();
        let mut events = vec![Event { operation: 0, is_call: false, before: last, after: 1 }];
        let (mut calls, mut returns) = (vec![0; history.len()], vec![None; history.len()]);
        for (at, (_, is_call, operation)) in moments.iter().enumerate() {
            let place = at + 1;
            let after = if place == last { HEAD } else { place + 1 };
            events.push(Event { operation: *operation, is_call: *is_call, before: at, after });
            if *is_call {
                calls[*operation] = place;
            } else {
                returns[*operation] = Some(place);
            }
        }
        if last == 0 {
            events[HEAD].after = HEAD;
        }
        Search {
            history,
            events,
            calls,
            open: returns.iter().flatten().count(),
            returns,
            chosen: Vec::new(),
            done: vec![0; history.len().div_ceil(64)],
            tried: HashSet::new(),
            best: None,
        }
    }

    fn run(mut self) -> Result<usize, Fault> {
        let mut state = O::initial();
        let mut at = self.events[HEAD].after;
        let mut steps = 0;
        while self.open > 0 {
            steps += 1;
            if steps > MAX_STEPS {
                return Err(Fault::Undecided);
            }
            let event = self.events[at];
            if event.is_call {
                match self.choose(&state, event.operation) {
                    Some(next) => {
                        self.chosen.push((event.operation, state));
                        state = next;
                        self.lift(event.operation);
                        at = self.events[HEAD].after;
                    }
                    None => at = event.after,
                }
                continue;
            }
            self.remember_stuck(event.operation, &state);
            let Some((operation, before)) = self.chosen.pop() else {
                return Err(Fault::NotLinearizable(self.explain()));
            };
            state = before;
            self.put_back(operation);
            at = self.events[self.calls[operation]].after;
        }
        Ok(steps)
    }

    /// The state after `operation`, if it is possible now and was not tried before.
    fn choose(&mut self, state: &O::State, operation: usize) -> Option<O::State> {
        let record = &self.history[operation];
        let outcome = record.returned.as_ref().map(|(_, outcome)| outcome);
        let next = O::after(state, &record.call, outcome)?;
        // An unknown operation without effect explains nothing and can be omitted.
        if outcome.is_none() && next == *state {
            return None;
        }
        // An effect that the next operation does not observe explains nothing either.
        if let Some((last, before)) = self.chosen.last()
            && self.history[*last].returned.is_none()
            && O::after(before, &record.call, outcome).as_ref() == Some(&next)
        {
            return None;
        }
        let mut done = self.done.clone();
        done[operation / 64] |= 1 << (operation % 64);
        self.tried.insert((done, next.clone())).then_some(next)
    }

    fn lift(&mut self, operation: usize) {
        self.done[operation / 64] |= 1 << (operation % 64);
        self.unlink(self.calls[operation]);
        if let Some(place) = self.returns[operation] {
            self.unlink(place);
            self.open -= 1;
        }
    }

    /// Reverses the last [`Self::lift`].
    fn put_back(&mut self, operation: usize) {
        self.done[operation / 64] &= !(1 << (operation % 64));
        if let Some(place) = self.returns[operation] {
            self.relink(place);
            self.open += 1;
        }
        self.relink(self.calls[operation]);
    }

    fn unlink(&mut self, place: usize) {
        let Event { before, after, .. } = self.events[place];
        self.events[before].after = after;
        self.events[after].before = before;
    }

    fn relink(&mut self, place: usize) {
        let Event { before, after, .. } = self.events[place];
        self.events[before].after = place;
        self.events[after].before = place;
    }

    fn remember_stuck(&mut self, operation: usize, state: &O::State) {
        let longest = self.best.as_ref().map_or(0, |stuck| stuck.order.len() + 1);
        if self.chosen.len() >= longest {
            let order = self.chosen.iter().map(|(operation, _)| *operation).collect();
            self.best = Some(Stuck { order, state: state.clone(), operation });
        }
    }

    fn explain(&self) -> String {
        let Some(stuck) = &self.best else { return String::new() };
        let mut text = String::from("the longest order ends with\n");
        for operation in stuck.order.iter().rev().take(8).rev() {
            text += &self.line(*operation);
        }
        text += &format!("then the state is {:?}, which cannot explain\n", stuck.state);
        text + &self.line(stuck.operation)
    }

    fn line(&self, operation: usize) -> String {
        let Operation { client, called, call, returned } = &self.history[operation];
        format!("  client {client} at {called}: {call:?} -> {returned:?}\n")
    }
}

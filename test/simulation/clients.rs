//! Clients that send requests, wait, retry at other nodes, and record the results.

use std::time::Duration;

use agora::raft::{NodeId, Origin, StateMachine};
use agora::replica::engine::{Answer, Engine, ReadAccess};
use agora::replica::state::Refusal;

use crate::linearizability::Operation;
use crate::seed::Seed;
use crate::workload::{History, Workload};

/// The recipient of a reply.
#[derive(Clone, Debug)]
pub struct Ticket<W: Workload> {
    pub client: u64,
    /// The client's operation.
    pub operation: u64,
    /// The read, if it is answered later.
    read: Option<W::Ask>,
}

impl<W: Workload> Ticket<W> {
    /// A ticket for a reply that no client waits for.
    pub fn unanswered() -> Ticket<W> {
        Ticket { client: u64::MAX, operation: 0, read: None }
    }

    /// The response for an answer, with the current state.
    pub fn response(&self, answer: Answer, engine: &Engine<W::Machine, Ticket<W>>) -> Response<W> {
        match (&answer, &self.read) {
            (Answer::Read, Some(ask)) => Response::Saw(W::observe(ask, engine.state().machine())),
            _ => Response::Answer(answer),
        }
    }
}

/// A request to a node.
#[derive(Clone, Debug)]
pub enum Request<W: Workload> {
    Open,
    Write(Option<Origin>, Vec<u8>),
    Read(W::Ask),
}

impl<W: Workload> Request<W> {
    /// Passes it to the engine. Returns a response if there is one at once.
    pub fn make(
        self,
        engine: &mut Engine<W::Machine, Ticket<W>>,
        now: Duration,
        wall_ms: u64,
        mut ticket: Ticket<W>,
    ) -> Option<(Ticket<W>, Response<W>)> {
        match self {
            Request::Open => engine.open_session(now, wall_ms, ticket),
            Request::Write(origin, command) => {
                if let Some(saw) = W::settled(engine.state().machine(), &command) {
                    return Some((ticket, Response::Saw(saw)));
                }
                engine.write(now, wall_ms, origin, command.into(), ticket);
            }
            Request::Read(ask) => {
                let read_set = W::read_set(&ask);
                ticket.read = Some(ask);
                let conflicts = |command: &[u8]| W::Machine::conflicts(&read_set, command);
                match engine.read(now, conflicts) {
                    ReadAccess::Now => {
                        let response = ticket.response(Answer::Read, engine);
                        return Some((ticket, response));
                    }
                    ReadAccess::Wait(waiting) => engine.queue_read(waiting, ticket),
                    ReadAccess::NotLeader(not) => {
                        return Some((ticket, Response::Answer(Answer::NotLeader(not))));
                    }
                }
            }
        }
        None
    }
}

/// A response to a client.
#[derive(Clone, Debug)]
pub enum Response<W: Workload> {
    Answer(Answer),
    Saw(W::Saw),
}

/// The next action of a client.
pub enum Next<W: Workload> {
    /// Send a request to a node, with a timeout.
    Send(NodeId, Ticket<W>, Request<W>, Duration),
    /// Wait for a time.
    Wait(Duration),
}

/// A client, with one operation at a time.
pub struct Client<W: Workload> {
    id: u64,
    nodes: u64,
    /// Its writes have session numbers, so that they are applied exactly once.
    has_session: bool,
    session: Option<u64>,
    sequence: u64,
    acknowledged: u64,
    leader_guess: NodeId,
    operation: u64,
    current: Option<Current<W>>,
    /// The number of its newest timer; older ones are ignored.
    pub timer: u64,
}

struct Current<W: Workload> {
    ask: W::Ask,
    /// Its index in the history.
    place: usize,
    origin: Option<Origin>,
    /// It waits for a session first.
    is_opening: bool,
    attempts: u32,
}

/// The number of attempts of an operation.
const MAX_ATTEMPTS: u32 = 30;

impl<W: Workload> Client<W> {
    pub fn new(id: u64, nodes: u64, has_session: bool) -> Client<W> {
        Client {
            id,
            nodes,
            has_session,
            session: None,
            sequence: 0,
            acknowledged: 0,
            leader_guess: id % nodes,
            operation: 0,
            current: None,
            timer: 0,
        }
    }

    pub fn is_idle(&self) -> bool {
        self.current.is_none()
    }

    /// Begins an operation.
    pub fn begin(
        &mut self,
        workload: &mut W,
        history: &mut History<W>,
        moment: u64,
        seed: &mut Seed,
    ) -> Next<W> {
        let ask = workload.next(self.id, seed);
        self.operation += 1;
        let place = history.len();
        let (client, call) = (self.id, ask.clone());
        history.push(Operation { client, called: moment, call, returned: None });
        let is_write = W::command(&ask).is_some();
        let is_opening = is_write && self.has_session && self.session.is_none();
        self.current = Some(Current { ask, place, origin: None, is_opening, attempts: 0 });
        self.attempt(seed)
    }

    /// Whether the current operation may be sent again in any case.
    pub fn is_numbered(&self) -> bool {
        self.current.as_ref().is_some_and(|current| W::is_numbered(&current.ask))
    }

    /// Sends the current operation, possibly again.
    pub fn attempt(&mut self, seed: &mut Seed) -> Next<W> {
        self.timer += 1;
        let Some(current) = &mut self.current else {
            return Next::Wait(Duration::from_millis(seed.below(30) as u64));
        };
        current.attempts += 1;
        let is_command = W::command(&current.ask).is_some();
        let is_plain_write = is_command && !self.has_session && !W::is_numbered(&current.ask);
        // A write without a number must not be sent twice: the result of the first attempt is
        // unknown.
        if current.attempts > MAX_ATTEMPTS || (is_plain_write && current.attempts > 1) {
            return self.abandon(seed);
        }
        let (client, operation) = (self.id, self.operation);
        let request = match W::command(&current.ask) {
            None => Request::Read(current.ask.clone()),
            Some(_) if current.is_opening => Request::Open,
            Some(command) => {
                if let (Some(session), None) = (self.session, current.origin) {
                    self.sequence += 1;
                    let (sequence, acknowledged) = (self.sequence, self.acknowledged);
                    current.origin = Some(Origin { session, sequence, acknowledged });
                }
                Request::Write(current.origin, command)
            }
        };
        let ticket = Ticket { client, operation, read: None };
        let timeout = Duration::from_millis(50 + seed.below(600) as u64);
        Next::Send(self.leader_guess, ticket, request, timeout)
    }

    /// The request has timed out.
    pub fn time_out(&mut self, seed: &mut Seed) -> Next<W> {
        self.leader_guess = seed.below(self.nodes as usize) as NodeId;
        self.attempt(seed)
    }

    /// The outcome stays unknown.
    fn abandon(&mut self, seed: &mut Seed) -> Next<W> {
        if let Some(origin) = self.current.take().and_then(|current| current.origin) {
            self.acknowledged = origin.sequence;
        }
        Next::Wait(Duration::from_millis(seed.below(30) as u64))
    }

    /// A response came, maybe to an earlier attempt or to an operation that is over.
    pub fn respond(
        &mut self,
        ticket: &Ticket<W>,
        response: Response<W>,
        history: &mut History<W>,
        moment: u64,
        seed: &mut Seed,
    ) -> Option<Next<W>> {
        let current = self.current.as_mut().filter(|_| ticket.operation == self.operation)?;
        let soon = Duration::from_millis(1 + seed.below(20) as u64);
        let answer = match response {
            Response::Saw(saw) => {
                history[current.place].returned = Some((moment, saw));
                self.current = None;
                return Some(Next::Wait(soon));
            }
            Response::Answer(answer) => answer,
        };
        match answer {
            Answer::Opened(session) if current.is_opening => {
                (self.session, self.sequence, self.acknowledged) = (Some(session), 0, 0);
                current.is_opening = false;
                current.attempts = 0;
                return Some(self.attempt(seed));
            }
            // Another one was opened by an earlier attempt.
            Answer::Opened(_) => return None,
            Answer::Done(bytes) => {
                history[current.place].returned = Some((moment, W::saw(&current.ask, &bytes)));
                if let Some(origin) = current.origin {
                    self.acknowledged = origin.sequence;
                }
                self.current = None;
            }
            Answer::Refused(Refusal::Expired) => {
                // An earlier attempt may have been applied, before the session expired.
                self.session = None;
                self.current = None;
            }
            Answer::Refused(refusal) => panic!("client {} keeps the rules: {refusal}", self.id),
            Answer::NotLeader(not) => {
                let is_plain_write = current.origin.is_none() && !current.is_opening;
                if is_plain_write {
                    // It was not applied: it may be sent again.
                    current.attempts = current.attempts.saturating_sub(1);
                }
                self.leader_guess = match not.leader {
                    Some(leader) if !seed.one_in(8) => leader,
                    _ => seed.below(self.nodes as usize) as NodeId,
                };
            }
            Answer::Busy | Answer::Full => current.attempts = current.attempts.saturating_sub(1),
            Answer::Lost(_)
                if current.origin.is_none()
                    && !current.is_opening
                    && !W::is_numbered(&current.ask) =>
            {
                return Some(self.abandon(seed));
            }
            Answer::Lost(_) => (),
            Answer::Read
            | Answer::Transferred
            | Answer::NotTransferred(_)
            | Answer::OverQuota(_) => panic!("nobody asked for that"),
        }
        Some(Next::Wait(soon))
    }
}

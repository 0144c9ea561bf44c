//! Passes the events of a session to the handlers of its calls.
//!
//! ```text
//!              Started --- message (one-request method) ---> Holding
//!                 |                                             |
//!                 | message (streaming method)                  | half-close, or the rest of the
//!                 v                                             v same read is processed
//!              Running <------------ handler begins -------- answered (the unary kinds)
//! ```
//!
//! A client that sends a second request to a method with one request is refused if both arrived
//! together. What arrives after the answer is dropped.
//!
//! A sink cannot touch the session that reports to it. Answers that handlers give at once are
//! collected in a [`Batch`], and sent when the session has reported everything.

use std::cell::RefCell;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::answer::{Answer, Answered, ReplyFactory, When};
use super::authorize::authorize;
use super::batch::{Batch, BatchedAnswer, BatchedResource, Sent};
use super::blocking::BlockingCall;
use super::byte_budget::ByteBudget;
use super::calls::{CallState, Calls, DeferredCall, Running};
use super::connection_limiter::{ConnectionLimiter, ConnectionSlot};
use super::holders::{HolderConnection, Holders};
use super::listeners::Port;
use super::metrics::{Recorder, Tally};
use super::outbound::{
    CallAddress, ConnectionId, Flow, OutboundQueue, Responder, unread_limit_reached,
};
use super::refusals::{Refusal, RefusedCalls};
use super::resources;
use super::service::{Context, Handler, Method, Services};
use super::usage::CallPermits;
use super::workers::{After, Full, Workers};
use crate::call::{
    CallId, CallStart, Code, Metadata, Principal, RefusedRequest, ResourceRequest, ServerSink,
    Status,
};

/// What all connections of a server share.
pub(super) struct Shared {
    pub(super) services: Services,
    pub(super) outbound: Arc<OutboundQueue>,
    pub(super) workers: Workers,
    /// Bytes of answers that clients have not read.
    pub(super) unsent: ByteBudget,
    /// Bytes of requests that wait for their rest or for their handler.
    pub(super) received: ByteBudget,
    pub(super) limiter: ConnectionLimiter,
    /// What the holders of client certificates use.
    pub(super) holders: RefCell<Holders>,
    pub(super) send_high_water_bytes: usize,
    pub(super) send_low_water_bytes: usize,
    /// The principal of a connection without a client certificate.
    pub(super) default_principal: Arc<Principal>,
    pub(super) recorder: Recorder,
    /// Of this turn, for the log.
    pub(super) refused_calls: RefCell<RefusedCalls>,
}

impl Shared {
    /// Records what a client was sent.
    #[inline]
    pub(super) fn record(&self, sent: Sent<'_>, caller: (SocketAddr, &Arc<Principal>)) {
        match sent {
            Sent::Call { method, mut tally, code, message_bytes } => {
                if let Some(bytes) = message_bytes {
                    self.recorder.sent(method, &mut tally, bytes);
                }
                self.record_end(method, tally, code, caller);
            }
            Sent::Resource { found, path, status, bytes } => {
                self.recorder.resource(found, path, status, bytes, caller);
            }
        }
    }

    /// Records the end of a call of a known method.
    #[inline]
    pub(super) fn record_end(
        &self,
        method: usize,
        tally: Tally,
        code: Code,
        caller: (SocketAddr, &Arc<Principal>),
    ) {
        let path = &self.services.method(method).path;
        self.recorder.ended(Some(method), tally, code, caller, path);
    }
}

/// The sink of one session: passes its events to the handlers.
pub(super) struct Dispatch<'a> {
    pub(super) shared: &'a Shared,
    pub(super) calls: &'a mut Calls,
    pub(super) batch: &'a mut Batch,
    /// Unsent bytes of this connection, and how many of them the server's budget counts.
    pub(super) held: usize,
    pub(super) unsent_counted: usize,
    /// Received bytes of this connection that the server's budget counts, and bytes kept since.
    pub(super) received_counted: usize,
    pub(super) kept: usize,
    pub(super) connection: ConnectionId,
    pub(super) peer: SocketAddr,
    pub(super) principal: &'a Arc<Principal>,
    pub(super) now: Instant,
}

/// Bytes of answers that are collected from one read before further requests have to wait, so that
/// many small requests with large answers do not fill the memory.
const BATCH_BYTES: usize = 1024 * 1024;
/// A request up to this size waits until all bytes that were read with it are processed: they may
/// hold its end, or a second request.
const HELD_BYTES: usize = 16 * 1024;
/// Bytes of metadata of open calls that are kept for one connection.
const MAX_METADATA_BYTES: usize = 1024 * 1024;
/// Bytes of metadata memory that are kept for the next call.
const SPARE_METADATA_BYTES: usize = 2048;
/// How much of an unknown path the error repeats.
const SHOWN_PATH_CHARS: usize = 200;

impl ServerSink for Dispatch<'_> {
    fn call(&mut self, start: CallStart<'_>) {
        let found = self.shared.services.find(start.path);
        let tally = self.shared.recorder.started(found, &start);
        let (index, metadata_bytes) = match self.admit(found, &start) {
            Ok(admitted) => admitted,
            Err(status) => {
                self.note_limit(start.path, &status);
                let caller = (self.peer, self.principal);
                self.shared.recorder.ended(found, tally, status.code, caller, start.path);
                return self.batch.end(start.call, status);
            }
        };
        let method = self.shared.services.method(index);
        let mut metadata = Metadata::new();
        if metadata_bytes > 0 {
            metadata = self.calls.spare.take().unwrap_or_default();
            metadata.clone_from(start.metadata);
            self.calls.metadata_bytes += metadata_bytes;
        }
        let deadline = start.timeout.and_then(|timeout: Duration| self.now.checked_add(timeout));
        let id = start.call;
        self.calls.open.push(CallState {
            id,
            method: index,
            metadata,
            metadata_bytes,
            deadline,
            held: None,
            compressed: false,
            running: None,
            tally,
        });
        if !method.shape.takes_one_request() {
            self.begin(id, &[]);
        }
    }

    fn resource(&mut self, call: CallId, request: ResourceRequest<'_>) {
        let resources = &self.shared.services.resources;
        let found = resources.find(request.path);
        let response = if !ConnectionLimiter::admits_call(self.calls.slot, false) {
            self.calls.is_over_client_limit = true;
            resources::over_limit()
        } else if self.exceeds_unsent_budget() {
            resources::unread_limit()
        } else {
            let context = Context {
                metadata: &Metadata::new(),
                peer: self.peer,
                principal: self.principal,
                deadline: None,
            };
            resources.answer(found, &context, &request, self.calls.port == Port::Peers)
        };
        // Recorded once it is sent.
        self.batch.respond(BatchedResource { call, found, path: request.path.into(), response });
    }

    fn refused(&mut self, request: RefusedRequest<'_>) {
        let Shared { services, recorder, .. } = self.shared;
        let caller = (self.peer, self.principal);
        match request {
            RefusedRequest::Call { path, code } => {
                recorder.refused_call(services.find(path), code, caller, path);
            }
            RefusedRequest::Http { path, status } => {
                recorder.resource(services.resources.find(path), path, status, 0, caller);
            }
        }
    }

    fn compressed(&mut self, call: CallId) {
        if let Some(at) = self.calls.position(call) {
            self.calls.open[at].compressed = true;
        }
    }

    fn message(&mut self, call: CallId, message: &[u8], last: bool) {
        let Some(at) = self.calls.position(call) else { return };
        let state = &mut self.calls.open[at];
        let method = self.shared.services.method(state.method);
        self.shared.recorder.received(state.method, &mut state.tally, message.len());
        if method.shape.takes_one_request() {
            if state.held.is_some() || state.running.is_some() {
                return self.refuse(call, "the method takes one request message, not more");
            }
            if last || message.len() > HELD_BYTES {
                return self.request(call, message);
            }
            state.held = Some(message.to_vec());
            self.calls.postponed.push_back(call);
            return;
        }
        if state.running.is_some() && self.exceeds_received_budget(message.len()) {
            self.cancelled(call, received_limit_reached());
            return self.batch.end(call, received_limit_reached());
        }
        let state = &mut self.calls.open[at];
        let compressed = std::mem::take(&mut state.compressed);
        if let Some(running) = &mut state.running {
            let outcome = method.guard.catch(|| {
                if compressed {
                    running.handler.compressed();
                }
                running.handler.message(message);
                if last {
                    running.handler.half_close();
                }
                running.handler.takes_later()
            });
            match outcome {
                Ok(false) => (),
                Ok(true) => return,
                Err(status) => return self.end(call, status),
            }
            if running.flow.queued() < self.shared.send_high_water_bytes {
                self.batch.taken(call, message.len());
            } else {
                running.untaken.push(message.len());
            }
        }
    }

    fn half_close(&mut self, call: CallId) {
        let Some(at) = self.calls.position(call) else { return };
        let state = &mut self.calls.open[at];
        let method = self.shared.services.method(state.method);
        if let Some(message) = state.held.take() {
            self.request(call, &message);
        } else if let Some(running) = &mut state.running {
            // The handler got its half-close together with the one request.
            if method.shape.takes_one_request() {
                return;
            }
            if let Err(status) = method.guard.catch(|| running.handler.half_close()) {
                self.end(call, status);
            }
        } else {
            self.refuse(call, "the method takes one request message, there was none");
        }
    }

    fn cancelled(&mut self, call: CallId, status: Status) {
        let Some(CallState { method, running, tally, .. }) = self.calls.remove(call) else {
            if let Some((method, tally)) = self.calls.take_deferred(call) {
                self.record_end(method, tally, status.code);
            }
            return;
        };
        self.record_end(method, tally, status.code);
        let Some(mut running) = running else { return };
        running.flow.over.store(true, Ordering::Relaxed);
        let guard = &self.shared.services.method(method).guard;
        // The call is over even if that panics.
        let _ = guard.catch(|| running.handler.cancelled(&status));
    }

    /// Not needed: every turn ends with a check of all queues ([`Calls::drained`]), since they also
    /// drain by writing.
    fn writable(&mut self, _: CallId) {}

    /// The calls of event-loop handlers: such a handler waits for events, and one that has something
    /// to compute is unary or runs on a worker thread.
    fn may_stay_open(&self, path: &str) -> bool {
        let services = &self.shared.services;
        let method = services.find(path).map(|index| services.method(index));
        method.is_some_and(|method| matches!(method.handler, Handler::Streaming(_)))
    }
}

impl<'a> Dispatch<'a> {
    /// Whether the call may begin: the index of its method, and how many bytes of metadata are kept.
    fn admit(
        &mut self,
        found: Option<usize>,
        start: &CallStart<'_>,
    ) -> Result<(usize, usize), Status> {
        let Some(index) = found else {
            let path: String = start.path.chars().take(SHOWN_PATH_CHARS).collect();
            return Err(Status::new(Code::Unimplemented, format!("unknown method {path}")));
        };
        let method = self.shared.services.method(index);
        if !method.is_served_at(self.calls.port) {
            let message = format!("{} is served at another port", method.path);
            return Err(Status::new(Code::Unimplemented, message));
        }
        authorize(self.principal, &method.path, method.access)?;
        if !ConnectionLimiter::admits_call(self.calls.slot, method.is_reserved) {
            self.calls.is_over_client_limit = true;
            return Err(Status::new(Code::ResourceExhausted, Refusal::Full.for_client()));
        }
        let metadata_bytes = if method.keeps_metadata { start.metadata.size_bytes() } else { 0 };
        if metadata_bytes > 0
            && (self.calls.metadata_bytes + metadata_bytes > MAX_METADATA_BYTES
                || self.exceeds_received_budget(metadata_bytes))
        {
            let reason = "too much metadata of open calls is kept";
            return Err(Status::new(Code::ResourceExhausted, reason));
        }
        Ok((index, metadata_bytes))
    }

    /// Ends a call, for example one whose handler has panicked.
    fn end(&mut self, call: CallId, status: Status) {
        if let Some((method, tally)) = self.calls.finished(call) {
            self.note_limit(&self.shared.services.method(method).path, &status);
            self.record_end(method, tally, status.code);
        }
        self.batch.end(call, status);
    }

    /// Has a refused call logged, if a limit is the reason.
    fn note_limit(&self, path: &str, status: &Status) {
        if status.code == Code::ResourceExhausted {
            let peer = self.peer;
            let describe = || format!("{path} of {peer}: {}", status.message);
            self.shared.refused_calls.borrow_mut().add(describe);
        }
    }

    fn record_end(&self, method: usize, tally: Tally, code: Code) {
        self.shared.record_end(method, tally, code, (self.peer, self.principal));
    }

    /// Handles the one request of a unary or server-streaming call, whether or not the client has
    /// half-closed. Later messages of the client are dropped.
    fn request(&mut self, call: CallId, message: &[u8]) {
        let Some(at) = self.calls.position(call) else { return };
        let shared = self.shared;
        if self.batch.bytes.len() > BATCH_BYTES {
            self.calls.open[at].held = Some(message.to_vec());
            self.calls.postponed.push_back(call);
            return;
        }
        if self.exceeds_unsent_budget() {
            return self.end(call, unread_limit_reached());
        }
        let method = shared.services.method(self.calls.open[at].method);
        // A unary handler answers at once, so that nothing is kept.
        let keeps = !matches!(method.handler, Handler::Unary(_));
        if keeps && self.exceeds_received_budget(message.len()) {
            return self.end(call, received_limit_reached());
        }
        match &method.handler {
            Handler::Unary(handler) => self.answer_now(at, |context, out, _| {
                handler(context, message, out).map(|()| When::Now)
            }),
            Handler::Deferred(handler) => self.answer_now(at, |context, _, reply_factory| {
                handler(context, message, reply_factory.reply()?);
                Ok(When::Later)
            }),
            Handler::Deferrable(handler) => self.answer_now(at, |context, out, reply_factory| {
                handler(context, message, Answer::new(out, reply_factory))
                    .map(|Answered(when)| when)
            }),
            Handler::Streaming(_) | Handler::Blocking(..) => {
                let compressed = self.calls.open[at].compressed;
                self.begin(call, message);
                let Some(running) = self.calls.running(call) else { return };
                let outcome = method.guard.catch(|| {
                    if compressed {
                        running.handler.compressed();
                    }
                    running.handler.message(message);
                    running.handler.half_close();
                    running.handler.takes_later()
                });
                let posted = running.flow.queued();
                self.calls.posted += posted;
                self.held += posted;
                match outcome {
                    Ok(false) => self.batch.taken(call, message.len()),
                    Ok(true) => (),
                    Err(status) => self.end(call, status),
                }
            }
        }
    }

    /// Whether the client leaves so much unread that it gets no further answer.
    fn exceeds_unsent_budget(&self) -> bool {
        let held = self.held + self.batch.answer_bytes();
        let Shared { unsent, outbound, .. } = self.shared;
        unsent.exceeds(self.unsent_counted, held, outbound.bytes())
    }

    /// Whether `bytes` more would exceed the budget of received bytes. If not, they are counted.
    fn exceeds_received_budget(&mut self, bytes: usize) -> bool {
        let kept = self.kept + bytes;
        if self.shared.received.exceeds(self.received_counted, self.received_counted + kept, 0) {
            return true;
        }
        self.kept = kept;
        false
    }

    /// Runs the handler of the unary call at this index, and removes the call.
    fn answer_now(
        &mut self,
        at: usize,
        handler: impl FnOnce(&Context<'_>, &mut Vec<u8>, ReplyFactory<'_>) -> Result<When, Status>,
    ) {
        let mut state = self.calls.remove_at(at);
        let tally = mem::take(&mut state.tally);
        let context = self.context(&state);
        let reply_factory = ReplyFactory {
            outbound: &self.shared.outbound,
            connection: self.connection,
            call: state.id,
            running: &self.calls.handlers,
        };
        let out = &mut self.batch.bytes;
        let start = out.len();
        let guard = &self.shared.services.method(state.method).guard;
        let answer = guard.catch(|| handler(&context, out, reply_factory));
        let (message, status) = match answer.flatten() {
            Ok(When::Now) => (Some(start..out.len()), Some(Status::OK)),
            Ok(When::Later) => (None, None),
            Err(status) => {
                out.truncate(start);
                (None, Some(status))
            }
        };
        let (id, method) = (state.id, state.method);
        if status.is_some() {
            // Recorded once it is sent: the protocol may have to send another end.
            let recorded = Some((method, tally));
            self.batch.answers.push(BatchedAnswer {
                call: id,
                message,
                status,
                taken: None,
                recorded,
            });
        } else {
            self.calls.defer(DeferredCall { id, method, tally });
        }
        if (1..=SPARE_METADATA_BYTES).contains(&state.metadata_bytes) {
            self.calls.spare = Some(state.metadata);
        }
    }

    /// Handles requests that had to wait, until the batch is full.
    pub(super) fn resume(&mut self) {
        while self.batch.bytes.len() <= BATCH_BYTES
            && let Some(call) = self.calls.postponed.pop_front()
        {
            let held = self.calls.position(call).and_then(|at| self.calls.open[at].held.take());
            if let Some(message) = held {
                self.request(call, &message);
            }
        }
    }

    /// Starts the handler of a streaming call, or ends the call with an error. `request` is the
    /// request of a method with one request, else empty.
    fn begin(&mut self, call: CallId, request: &[u8]) {
        let Some(at) = self.calls.position(call) else { return };
        let flow = Arc::new(Flow::default());
        let responder = Responder::new(self.address(call), Arc::clone(&flow));
        let state = &self.calls.open[at];
        let method = self.shared.services.method(state.method);
        let mut permits = CallPermits::default();
        let started = match &method.handler {
            Handler::Streaming(start) => self.permit_call(method).and_then(|permitted| {
                permits = permitted;
                method.guard.catch(|| start(&self.context(state), responder)).flatten()
            }),
            Handler::Blocking(is_short, handler) => {
                self.calls.handlers.acquire().and_then(|running| {
                    let permits = self.permit_call(method)?;
                    let (mut call, feeder) = BlockingCall::new(
                        &self.context(state),
                        responder.clone(),
                        self.shared.send_high_water_bytes,
                        method.shape,
                    );
                    let (handler, guard) = (Arc::clone(handler), Arc::clone(&method.guard));
                    let job = Box::new(move || {
                        // After a panic the call is dropped, which ends it.
                        let after = guard.catch(|| {
                            let result = handler(&mut call);
                            call.finish(result)
                        });
                        drop((running, permits));
                        let after = after.ok().flatten()?;
                        Some(Box::new(move || drop(guard.catch(after))) as After)
                    });
                    let is_short = method.guard.catch(|| is_short(request))?;
                    self.shared.workers.run(job, is_short).map(|()| feeder).map_err(|Full(job)| {
                        flow.over.store(true, Ordering::Relaxed);
                        drop(job);
                        Status::new(Code::ResourceExhausted, "all workers are busy")
                    })
                })
            }
            Handler::Unary(_) | Handler::Deferred(_) | Handler::Deferrable(_) => return,
        };
        match started {
            Ok(handler) => {
                let state = &mut self.calls.open[at];
                state.running = Some(Running {
                    handler,
                    flow,
                    _permits: permits,
                    awaits_drained: false,
                    untaken: Vec::new(),
                });
                // A blocking handler has its own copy, which stays counted until the call ends.
                state.metadata = Metadata::new();
                if matches!(method.handler, Handler::Streaming(_)) {
                    self.calls.metadata_bytes -= mem::take(&mut state.metadata_bytes);
                }
            }
            Err(status) => self.end(call, status),
        }
    }

    /// Counts a call for its address and for the holder of the certificate, unless it is a peer's.
    fn permit_call(&self, method: &Method) -> Result<CallPermits, Status> {
        if method.is_reserved || self.calls.slot == ConnectionSlot::Reserved {
            return Ok(CallPermits::default());
        }
        let of_address = Some(self.calls.address.add_call()?);
        let of_holder = self.calls.holder.as_ref().map(HolderConnection::add_call).transpose()?;
        Ok([of_address, of_holder])
    }

    /// Ends a call with a wrong number of requests; gRPC defines UNIMPLEMENTED for it.
    fn refuse(&mut self, call: CallId, reason: &str) {
        let status = Status::new(Code::Unimplemented, reason);
        self.cancelled(call, status);
        self.batch.fail(call, Code::Unimplemented, reason);
    }

    fn context<'c>(&self, state: &'c CallState) -> Context<'c>
    where
        'a: 'c,
    {
        Context {
            metadata: &state.metadata,
            peer: self.peer,
            principal: self.principal,
            deadline: state.deadline,
        }
    }

    fn address(&self, call: CallId) -> CallAddress {
        CallAddress {
            outbound: Arc::clone(&self.shared.outbound),
            connection: self.connection,
            call,
        }
    }
}

/// The status for a client with too many bytes that wait to be handled.
fn received_limit_reached() -> Status {
    Status::new(Code::ResourceExhausted, "too much that you have sent waits to be handled")
}

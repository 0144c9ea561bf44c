//! gRPC's health checking protocol, `grpc.health.v1` ("GRPC Health Checking Protocol").
//!
//! Check returns the status of one service, List that of each, Watch sends every change. The
//! service with the empty name is the server as a whole. For a service without a status Check
//! returns NOT_FOUND; Watch sends SERVICE_UNKNOWN and waits for it to appear.
//!
//! ```text
//!   a watch:   Idle --- status changes: send it ---> Sending --- client received it ---> Idle
//!                                                     |    ^            |
//!                                  changes: nothing --|    |-- changed meanwhile: send the newest
//! ```
//!
//! So a client that does not read costs the memory of one status, however often it changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::outbound::Responder;
use super::service::{CallHandler, Services, Shape};
use super::wire;
use crate::call::{Code, Status};

/// The status of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServingStatus {
    /// It answers calls.
    Serving,
    /// It is registered but does not answer calls.
    NotServing,
}

/// The health of a server's services. Clones share their state and can be used from any thread.
#[derive(Clone, Default)]
pub struct Health {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    statuses: BTreeMap<String, ServingStatus>,
    watches: BTreeMap<u64, Watch>,
    next_watch: u64,
    /// What speaks against new work, see [`Health::set_not_ready`].
    not_ready: Vec<String>,
    shut_down: bool,
}

/// One call of Watch.
struct Watch {
    service: String,
    responder: Responder,
    /// The status sent last; the inner `None` is SERVICE_UNKNOWN.
    last_sent: Option<Option<ServingStatus>>,
    /// The client has not received it yet.
    sending: bool,
}

/// The longest accepted name of a service: it bounds the memory of a watch.
const MAX_NAME_BYTES: usize = 1000;

impl Health {
    /// Registers the protocol's methods.
    pub(super) fn register(services: &mut Services) -> Health {
        let health = Health::default();
        let this = health.clone();
        services.unary("/grpc.health.v1.Health/Check", move |_, message, response| {
            let service = wire::parse_service(message)?;
            let status = this.state().statuses.get(&*service).copied();
            let status = status.ok_or_else(|| Status::new(Code::NotFound, "unknown service"))?;
            wire::append_status(Some(status), response);
            Ok(())
        });
        let this = health.clone();
        services.unary("/grpc.health.v1.Health/List", move |_, message, response| {
            let state = this.state();
            let statuses = state.statuses.iter().map(|(name, status)| (name.as_str(), *status));
            wire::append_statuses(message, statuses, response)
        });
        let this = health.clone();
        let watch = "/grpc.health.v1.Health/Watch";
        services.streaming(watch, Shape::ServerStreaming, move |_, responder| {
            Ok(Box::new(WatchCall { health: this.clone(), responder, watch: None }))
        });
        for method in ["Check", "List", "Watch"] {
            services.serve_on_every_port(&format!("/grpc.health.v1.Health/{method}"));
        }
        let this = health.clone();
        services.on_shutdown(move || this.shut_down());
        health
    }

    /// Sets the status of a service and notifies its watches. It has no effect once the server is
    /// shutting down: all services stay NOT_SERVING.
    pub fn set(&self, service: &str, status: ServingStatus) {
        let mut state = self.state();
        if !state.shut_down {
            state.statuses.insert(service.to_owned(), status);
            state.notify(|watch| watch.service == service);
        }
    }

    /// Sets the status of all known services and of the server as a whole.
    pub fn set_all(&self, status: ServingStatus) {
        let mut state = self.state();
        if !state.shut_down {
            state.set_all(status);
        }
    }

    /// Sets the status of each known service by its name; the empty name is the server as a whole.
    pub fn set_each(&self, status: impl Fn(&str) -> ServingStatus) {
        let mut state = self.state();
        if !state.shut_down {
            state.statuses.entry(String::new()).or_insert(ServingStatus::NotServing);
            state.statuses.iter_mut().for_each(|(name, known)| *known = status(name));
            state.notify(|_| true);
        }
    }

    /// Sets why the server is not ready for new work, each reason one line in words; none: it is.
    pub fn set_not_ready(&self, reasons: Vec<String>) {
        self.state().not_ready = reasons;
    }

    /// Why the server is not ready for new work; empty if it is.
    pub(super) fn why_not_ready(&self) -> Vec<String> {
        let state = self.state();
        let serves = state.statuses.get("") == Some(&ServingStatus::Serving);
        match &state.not_ready {
            _ if state.shut_down => vec!["the server is shutting down".into()],
            reasons if !reasons.is_empty() => reasons.clone(),
            _ if serves => Vec::new(),
            _ => vec!["the server is starting".into()],
        }
    }

    /// Sets everything to NOT_SERVING. Every watch sends that and ends.
    fn shut_down(&self) {
        let mut state = self.state();
        state.shut_down = true;
        // The last status is sent even if the one before was not received yet: no more follow.
        state.watches.values_mut().for_each(|watch| watch.sending = false);
        state.set_all(ServingStatus::NotServing);
        for watch in std::mem::take(&mut state.watches).into_values() {
            watch.responder.finish(Status::OK);
        }
    }

    fn watch(&self, service: String, responder: Responder) -> u64 {
        let mut state = self.state();
        let number = state.next_watch;
        state.next_watch += 1;
        state.watches.insert(number, Watch { service, responder, last_sent: None, sending: false });
        state.notify_watch(number);
        if state.shut_down
            && let Some(watch) = state.watches.remove(&number)
        {
            watch.responder.finish(Status::OK);
        }
        number
    }

    /// A thread that panicked under the lock leaves consistent maps.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn set_all(&mut self, status: ServingStatus) {
        self.statuses.entry(String::new()).or_insert(status);
        self.statuses.values_mut().for_each(|known| *known = status);
        self.notify(|_| true);
    }

    fn notify(&mut self, is_affected: impl Fn(&Watch) -> bool) {
        let State { statuses, watches, .. } = self;
        for watch in watches.values_mut().filter(|watch| is_affected(watch)) {
            watch.notify(statuses.get(&watch.service).copied());
        }
    }

    fn notify_watch(&mut self, number: u64) {
        if let Some(watch) = self.watches.get_mut(&number) {
            watch.notify(self.statuses.get(&watch.service).copied());
        }
    }
}

impl Watch {
    fn notify(&mut self, status: Option<ServingStatus>) {
        if self.sending || self.last_sent == Some(status) {
            return;
        }
        let mut message = Vec::new();
        wire::append_status(status, &mut message);
        self.responder.send(message);
        self.responder.when_drained();
        self.last_sent = Some(status);
        self.sending = true;
    }
}

/// The handler of a call of Watch.
struct WatchCall {
    health: Health,
    responder: Responder,
    watch: Option<u64>,
}

impl CallHandler for WatchCall {
    fn message(&mut self, message: &[u8]) {
        match wire::parse_service(message) {
            Ok(service) if service.len() > MAX_NAME_BYTES => {
                let reason = format!("a service's name has at most {MAX_NAME_BYTES} bytes");
                self.responder.finish(Status::new(Code::InvalidArgument, reason));
            }
            Ok(service) => {
                let responder = self.responder.clone();
                self.watch = Some(self.health.watch(service.into_owned(), responder));
            }
            Err(status) => self.responder.finish(status),
        }
    }

    fn cancelled(&mut self, _: &Status) {}

    fn writable(&mut self) {
        if let Some(number) = self.watch {
            let mut state = self.health.state();
            if let Some(watch) = state.watches.get_mut(&number) {
                watch.sending = false;
            }
            state.notify_watch(number);
        }
    }
}

impl Drop for WatchCall {
    fn drop(&mut self) {
        if let Some(number) = self.watch {
            self.health.state().watches.remove(&number);
        }
    }
}

//! gRPC's server reflection, `grpc.reflection.v1` and the `v1alpha` that older clients ask for
//! ("GRPC Server Reflection Protocol").
//!
//! A client without .proto files asks for the list of services, and for the descriptors of the
//! methods that it wants to call. The answers come from `schemas/agora.protoset`, which is part of
//! the binary. The two versions differ only in their names.
//!
//! A file is sent with all files that it imports. An import is sent once on a stream; the requested
//! file is always sent, because clients differ in what they request twice. Agora's .proto files
//! declare no extensions.

mod index;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::outbound::Responder;
use super::service::{CallHandler, Services, Shape};
use super::wire::{Answer, Query, ReflectionRequest};
use crate::call::{Code, Status};
use crate::json::PROTOSET;
use index::{FileId, Index};

/// The services of both versions.
const SERVICES: [&str; 2] =
    ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

/// Bytes of answers that may wait for the client before further requests of its stream have to
/// wait.
const PAUSE_BYTES: usize = 64 * 1024;

/// State that all streams of a server share.
struct Reflection {
    /// The server's services, sorted.
    services: Vec<String>,
    /// Built for the first request.
    index: OnceLock<Index>,
    open: Mutex<Open>,
}

/// The open streams, which a shutdown ends.
#[derive(Default)]
struct Open {
    streams: BTreeMap<u64, Responder>,
    next: u64,
}

/// Registers both versions. They list the services that are registered by now.
pub(super) fn register(services: &mut Services) {
    let mut names: Vec<String> = services.names().to_vec();
    names.extend(SERVICES.map(str::to_owned));
    names.sort_unstable();
    let reflection =
        Arc::new(Reflection { services: names, index: OnceLock::new(), open: Mutex::default() });
    for service in SERVICES {
        let reflection = Arc::clone(&reflection);
        let path = format!("/{service}/ServerReflectionInfo");
        services.streaming(&path, Shape::Bidirectional, move |_, responder| {
            Ok(Box::new(Stream::new(&reflection, responder)))
        });
    }
    services.on_shutdown(move || reflection.shut_down());
}

impl Reflection {
    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            Index::read(PROTOSET).unwrap_or_else(|error| {
                log::error!("reflection knows no file, the descriptors cannot be read: {error}");
                Index::default()
            })
        })
    }

    fn shut_down(&self) {
        for stream in std::mem::take(&mut self.open().streams).into_values() {
            stream.finish(Status::new(Code::Unavailable, "the server is shutting down"));
        }
    }

    /// A thread that panicked under the lock leaves a consistent map.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &ReflectionRequest<'_>, sent: &mut BTreeSet<FileId>) -> Vec<u8> {
        let index = self.index();
        let not_found = |what| Answer::Error(Code::NotFound, what);
        request.response(match request.query() {
            Query::File(name) => match index.file(name) {
                Some(file) => Answer::Files(index.with_imports(file, sent)),
                None => not_found("no file of that name"),
            },
            Query::Symbol(name) => match index.symbol(name) {
                Some(file) => Answer::Files(index.with_imports(file, sent)),
                None => not_found("no file declares that name"),
            },
            Query::Extension(_) => not_found("no such extension"),
            Query::ExtensionNumbers(name) if index.is_message(name) => Answer::NoExtensions(name),
            Query::ExtensionNumbers(_) => not_found("no message of that name"),
            Query::Services => Answer::Services(&self.services),
            Query::Nothing => Answer::Error(Code::InvalidArgument, "the request asks nothing"),
        })
    }
}

/// One stream of requests and answers.
struct Stream {
    reflection: Arc<Reflection>,
    number: u64,
    responder: Responder,
    /// Files that were sent to the client.
    sent: BTreeSet<FileId>,
    /// Requests that wait; bounded by the stream's receive window, in which they count.
    waiting: VecDeque<Vec<u8>>,
    half_closed: bool,
    paused: bool,
}

impl Stream {
    fn new(reflection: &Arc<Reflection>, responder: Responder) -> Stream {
        let mut open = reflection.open();
        let number = open.next;
        open.next += 1;
        open.streams.insert(number, responder.clone());
        drop(open);
        Stream {
            reflection: Arc::clone(reflection),
            number,
            responder,
            sent: BTreeSet::new(),
            waiting: VecDeque::new(),
            half_closed: false,
            paused: false,
        }
    }

    /// Answers waiting requests, as fast as the client receives the answers.
    fn proceed(&mut self) {
        while !self.paused && !self.responder.is_over() {
            let Some(request) = self.waiting.pop_front() else {
                if self.half_closed {
                    self.responder.finish(Status::OK);
                }
                return;
            };
            match ReflectionRequest::parse(&request) {
                Ok(request) => {
                    self.responder.send(self.reflection.answer(&request, &mut self.sent))
                }
                Err(status) => return self.responder.finish(status),
            }
            self.responder.taken(request.len());
            if self.responder.queued() > PAUSE_BYTES {
                self.paused = true;
                self.responder.when_drained();
            }
        }
    }
}

impl CallHandler for Stream {
    fn message(&mut self, message: &[u8]) {
        self.waiting.push_back(message.to_vec());
        self.proceed();
    }

    fn half_close(&mut self) {
        self.half_closed = true;
        self.proceed();
    }

    fn cancelled(&mut self, _: &Status) {}

    fn writable(&mut self) {
        self.paused = false;
        self.proceed();
    }

    fn takes_later(&self) -> bool {
        true
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.reflection.open().streams.remove(&self.number);
    }
}

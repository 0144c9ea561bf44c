//! The metrics of a server, and the resource `/metrics`.
//!
//! | file | |
//! |---|---|
//! | `families` | what a scrape tells of a server |
//! | `recorder` | counts calls while they happen |
//! | `access_log` | one line for each call, on request |
//! | `certificates` | when they expire |
//! | `process` | CPU, memory and descriptors of the process |
//!
//! # Cost
//!
//! Only the server's thread changes the instruments, so that each change is a load and a store. The
//! metrics of a method are found by the index that its call has anyway. The clock is read once in a
//! turn of the event loop in which calls ended, see [`Recorder::end_turn`].

mod access_log;
mod certificates;
mod families;
mod process;
mod recorder;

use std::array;
use std::sync::{Arc, OnceLock};

pub use certificates::register_certificate_metrics;
pub use process::register_process_metrics;
pub(super) use recorder::{Recorder, Tally};

use super::refusals::Refusal;
use super::service::Services;
use crate::call::{Access, Code, ResourceResponse};
use crate::metrics::{Counter, Format, Histogram, HistogramSnapshot, Registry};
use crate::session::Spoken;

/// The path of the metrics.
const PATH: &str = "/metrics";

/// The metrics of one server. They are there before the server, so that its handlers can read them.
#[derive(Debug)]
pub struct ServerMetrics {
    /// One for each method, then one for all unknown methods.
    methods: OnceLock<Box<[MethodMetrics]>>,
    /// One for each resource, then one for all other paths.
    resources: OnceLock<Box<[ResourceMetrics]>>,
    pub(super) accepted: Counter,
    pub(super) refused: [Counter; Refusal::ALL.len()],
    /// Connections by protocol, in the clear and with TLS: how many became one of the kind, and how
    /// many no longer are.
    kinds: [[[Counter; 2]; 2]; Spoken::ALL.len()],
    pub(super) received_bytes: Counter,
    pub(super) sent_bytes: Counter,
}

/// The metrics of a method.
#[derive(Debug)]
struct MethodMetrics {
    /// The method as the label shows it.
    name: String,
    started: Counter,
    /// Ended calls by code.
    ended: [Counter; Code::ALL.len()],
    received_messages: Counter,
    sent_messages: Counter,
    latency: Histogram,
}

/// The metrics of a resource.
#[derive(Debug)]
struct ResourceMetrics {
    path: String,
    /// Responses by the class of their status.
    answered: [Counter; families::CLASSES.len()],
}

/// The kind of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectionKind {
    pub(super) protocol: Spoken,
    pub(super) is_tls: bool,
}

/// All calls of a server so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallTotals {
    /// Calls that have ended.
    pub ended: u64,
    /// Those of them that ended with a code other than OK.
    pub failed: u64,
    /// Calls that are open.
    pub open: u64,
    /// From the arrival of a call until its answer is written.
    pub latency: HistogramSnapshot,
}

impl ServerMetrics {
    /// The metrics of a server that is to be created with
    /// [`ServerOptions::metrics`](super::ServerOptions::metrics).
    pub fn register(registry: &Registry) -> Arc<ServerMetrics> {
        let metrics = Arc::new(ServerMetrics {
            methods: OnceLock::new(),
            resources: OnceLock::new(),
            accepted: Counter::default(),
            refused: array::from_fn(|_| Counter::default()),
            kinds: Default::default(),
            received_bytes: Counter::default(),
            sent_bytes: Counter::default(),
        });
        let read = Arc::clone(&metrics);
        registry.register(families::ALL, move |out| families::write(&read, out));
        metrics
    }

    /// The calls of one method, `/package.Service/Method`, or of all methods whose path begins so;
    /// `/` for all.
    pub fn totals(&self, prefix: &str) -> CallTotals {
        let mut totals = CallTotals::default();
        let prefix = prefix.strip_prefix('/').unwrap_or(prefix);
        let methods = self.methods().iter().filter(|method| method.name.starts_with(prefix));
        for method in methods {
            let ended = method.ended();
            totals.ended += ended;
            totals.failed += ended - method.ended_with(Code::Ok);
            totals.open += method.started.get().saturating_sub(ended);
            totals.latency.merge(&method.latency.snapshot());
        }
        totals
    }

    fn methods(&self) -> &[MethodMetrics] {
        self.methods.get().map_or(&[], |methods| methods)
    }

    fn resources(&self) -> &[ResourceMetrics] {
        self.resources.get().map_or(&[], |resources| resources)
    }

    /// Sets methods and resources, once: the metrics are those of one server.
    fn set_services(&self, services: &Services) {
        let paths = services.paths().map(|path| path.strip_prefix('/').unwrap_or(path));
        let names = paths.chain([families::UNKNOWN_METHOD]);
        let methods = names.map(|name| MethodMetrics {
            name: name.to_owned(),
            started: Counter::default(),
            ended: array::from_fn(|_| Counter::default()),
            received_messages: Counter::default(),
            sent_messages: Counter::default(),
            latency: Histogram::default(),
        });
        self.methods.get_or_init(|| methods.collect());
        let paths = services.resources.paths().chain([families::OTHER_PATH]);
        let resources = paths.map(|path| ResourceMetrics {
            path: path.to_owned(),
            answered: array::from_fn(|_| Counter::default()),
        });
        self.resources.get_or_init(|| resources.collect());
    }

    /// A resource was answered with this status of HTTP; `None`: one that the server does not have.
    fn count_resource(&self, found: Option<usize>, status: u16) {
        let at = found.unwrap_or(self.resources().len().saturating_sub(1));
        let answered = self.resources().get(at).map(|resource| &resource.answered);
        // The first class is 2xx.
        let class = usize::from(status / 100).checked_sub(2);
        let counter = answered.zip(class).and_then(|(answered, class)| answered.get(class));
        if let Some(counter) = counter {
            counter.add_alone(1);
        }
    }

    /// Connections that are of a kind now.
    fn connections(&self, protocol: Spoken, is_tls: bool) -> u64 {
        let kind = self.kinds.get(protocol as usize).and_then(|kind| kind.get(usize::from(is_tls)));
        kind.map_or(0, |[became, ceased]| became.get().saturating_sub(ceased.get()))
    }

    /// A connection became one of a kind, or is one no longer.
    pub(super) fn count_kind(&self, kind: ConnectionKind, is_end: bool) {
        let ConnectionKind { protocol, is_tls } = kind;
        let kinds = self.kinds.get(protocol as usize);
        let counters = kinds.and_then(|kind| kind.get(usize::from(is_tls)));
        if let Some(counter) = counters.and_then(|counters| counters.get(usize::from(is_end))) {
            counter.add_alone(1);
        }
    }
}

impl MethodMetrics {
    fn ended(&self) -> u64 {
        self.ended.iter().map(Counter::get).sum()
    }

    fn ended_with(&self, code: Code) -> u64 {
        self.ended.get(usize::from(code.number())).map_or(0, Counter::get)
    }
}

/// Serves `/metrics` to clients. Where roles are enforced the scraper needs a client's certificate: the
/// numbers tell who is busy with what.
pub fn add_metrics_resource(services: &mut Services, registry: Arc<Registry>) {
    services.resource(PATH, Access::Client, move |_, request| {
        let format = Format::from_accept(request.accept);
        ResourceResponse {
            status: 200,
            content_type: format.content_type(),
            fields: Vec::new(),
            body: registry.render(format).into_bytes().into(),
        }
    });
}

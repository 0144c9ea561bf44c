//! What a scrape tells of a server.

use super::ServerMetrics;
use crate::call::Code;
use crate::metrics::{Counter, Exposition, Family};
use crate::rpc::refusals::Refusal;
use crate::session::Spoken;

/// The label of all methods that the server does not have: clients choose their names.
pub(super) const UNKNOWN_METHOD: &str = "unknown";
/// The label of all paths at which the server has nothing.
pub(super) const OTHER_PATH: &str = "other";
/// The classes of HTTP's status codes in responses to a GET.
pub(super) const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

const CALLS: Family = Family::counter(
    "agora_rpc_calls_total",
    &["method", "code"],
    "Calls that have ended, by the status code of gRPC",
);
const OPEN_CALLS: Family =
    Family::gauge("agora_rpc_open_calls", &["method"], "Calls that have not ended");
const LATENCY: Family = Family::histogram(
    "agora_rpc_call_duration_seconds",
    &["method"],
    "Time from the turn of the event loop that read a call until its last answer was written",
);
const RECEIVED_MESSAGES: Family = Family::counter(
    "agora_rpc_received_messages_total",
    &["method"],
    "Messages of calls that clients sent",
);
const SENT_MESSAGES: Family = Family::counter(
    "agora_rpc_sent_messages_total",
    &["method"],
    "Messages of calls that were sent to clients",
);
const RESOURCES: Family = Family::counter(
    "agora_http_requests_total",
    &["path", "status"],
    "Requests of HTTP that are no calls, by the class of the status code of HTTP",
);
const CONNECTIONS: Family = Family::gauge(
    "agora_rpc_connections",
    &["protocol", "tls"],
    "Open connections; the protocol is unknown until the first bytes of a client",
);
const ACCEPTED: Family = Family::counter(
    "agora_rpc_connections_accepted_total",
    &[],
    "Connections that were accepted, with those that were refused with a reason",
);
const REFUSED: Family = Family::counter(
    "agora_rpc_connections_refused_total",
    &["reason"],
    "Connections that were refused: for a limit, because they violate TLS, or for want of a known protocol",
);
const RECEIVED: Family = Family::counter(
    "agora_rpc_received_bytes_total",
    &[],
    "Bytes that were read from clients, without what TLS adds",
);
const SENT: Family = Family::counter(
    "agora_rpc_sent_bytes_total",
    &[],
    "Bytes that were written to clients, without what TLS adds",
);

/// All families of a server.
pub(super) const ALL: &[Family] = &[
    CALLS,
    OPEN_CALLS,
    LATENCY,
    RECEIVED_MESSAGES,
    SENT_MESSAGES,
    RESOURCES,
    CONNECTIONS,
    ACCEPTED,
    REFUSED,
    RECEIVED,
    SENT,
];

/// Writes their samples. A method has a histogram once it was called, so that a scrape stays short.
pub(super) fn write(metrics: &ServerMetrics, out: &mut Exposition) {
    let methods = metrics.methods();
    let mut calls = out.family(&CALLS);
    for method in methods {
        for (code, counter) in Code::ALL.iter().zip(&method.ended) {
            let count = counter.get();
            // A count that begins at zero shows the first increase.
            if count > 0 || *code == Code::Ok {
                calls.value(&[&method.name, code.name()], count);
            }
        }
    }
    let mut open = out.family(&OPEN_CALLS);
    for method in methods {
        open.value(&[&method.name], method.started.get().saturating_sub(method.ended()));
    }
    let mut latency = out.family(&LATENCY);
    for method in methods.iter().filter(|method| method.ended() > 0) {
        latency.histogram(&[&method.name], &method.latency.snapshot());
    }
    let mut received = out.family(&RECEIVED_MESSAGES);
    for method in methods {
        received.value(&[&method.name], method.received_messages.get());
    }
    let mut sent = out.family(&SENT_MESSAGES);
    for method in methods {
        sent.value(&[&method.name], method.sent_messages.get());
    }
    write_resources(metrics, out);
    write_connections(metrics, out);
}

fn write_resources(metrics: &ServerMetrics, out: &mut Exposition) {
    let mut requests = out.family(&RESOURCES);
    for resource in metrics.resources() {
        for (class, counter) in CLASSES.iter().zip(&resource.answered) {
            let count = counter.get();
            // As for calls. Success is the first class; other paths have it for OPTIONS alone.
            let begins_at_zero = *class == CLASSES[0] && resource.path != OTHER_PATH;
            if count > 0 || begins_at_zero {
                requests.value(&[&resource.path, class], count);
            }
        }
    }
}

fn write_connections(metrics: &ServerMetrics, out: &mut Exposition) {
    let mut connections = out.family(&CONNECTIONS);
    for protocol in Spoken::ALL {
        for (is_tls, tls) in [(false, "false"), (true, "true")] {
            let labels = [protocol.name(), tls];
            connections.value(&labels, metrics.connections(protocol, is_tls));
        }
    }
    out.family(&ACCEPTED).value(&[], metrics.accepted.get());
    let mut refused = out.family(&REFUSED);
    for (refusal, counter) in Refusal::ALL.iter().zip(&metrics.refused) {
        refused.value(&[refusal.label()], counter.get());
    }
    let value = |counter: &Counter| counter.get();
    out.family(&RECEIVED).value(&[], value(&metrics.received_bytes));
    out.family(&SENT).value(&[], value(&metrics.sent_bytes));
}

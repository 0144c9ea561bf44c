//! The store's services: `agora.kv.v1.KvService`, and `RaftService` of the course version.
//!
//! ```text
//!   Get, Scan    --wire--> Read ----> lease? --yes--> Kv --wire--> response      at once
//!                                       +-----no----> Ticket ..... Kv ...        after a round
//!   Set, Delete, --wire--> Command --> the log -----> Ticket ..... Reply --wire--> response
//!   CompareAndSet                                     (when it is committed and applied)
//! ```
//!
//! - [`calls`]: one handler for each method
//! - [`ticket`]: a call that waits, and its response
//! - [`course`]: requests in words, as clients of the course version send them
//! - [`watch`]: sends changes to watches as they are applied
//! - [`wire`]: parses requests and appends responses
//!
//! All of it runs on the server's thread. [`crate::replica::service`] has what other state
//! machines' services need as well.

mod calls;
mod course;
mod ticket;
mod watch;
mod wire;

pub use calls::register;
pub use ticket::Ticket;
pub use watch::MAX_WATCHES;

use super::contract::{COURSE_SERVICE, SERVICE};
use super::state::{Kv, PrefixCount};
use crate::metrics::{Exposition, Family};
use crate::replica::engine::Answer;
use crate::replica::node::{Service, Shared};
use crate::replica::view::{Contents, Part};
use crate::rpc::Reactor;
use crate::text::printable;

/// Prefixes on the node's page.
const SHOWN_PREFIXES: usize = 12;

const KEYS: Family = Family::gauge("agora_kv_keys", &[], "Keys of the store");
const REVISION: Family = Family::gauge(
    "agora_kv_revision",
    &[],
    "The revision of the store: how many changes it has had",
);
const WATCHES: Family = Family::gauge("agora_kv_watches", &[], "Open watches on this node");

/// The state of the service beside the store itself.
#[derive(Default)]
pub struct KvService {
    watches: watch::Watches,
}

impl Service for KvService {
    type Machine = Kv;
    type Ticket = Ticket;

    const NAMES: &'static [&'static str] = &[SERVICE, COURSE_SERVICE];

    const READS: &'static [&'static str] =
        &["/agora.kv.v1.KvService/Get", "/agora.kv.v1.KvService/Scan"];

    const WRITES: &'static [&'static str] = &[
        "/agora.kv.v1.KvService/Set",
        "/agora.kv.v1.KvService/Delete",
        "/agora.kv.v1.KvService/CompareAndSet",
    ];

    fn answer(
        node: &mut Shared<KvService>,
        ticket: Ticket,
        answer: Answer,
        reactor: &mut Reactor<'_>,
    ) {
        ticket.answer(node, answer, reactor);
    }

    const METRICS: &'static [Family] = &[KEYS, REVISION, WATCHES];

    fn write_metrics(node: &mut Shared<KvService>, out: &mut Exposition) {
        let (service, state) = node.service_and_state();
        out.family(&KEYS).value(&[], state.machine().len());
        out.family(&REVISION).value(&[], state.machine().revision());
        out.family(&WATCHES).value(&[], service.watches.len());
    }

    fn applied(node: &mut Shared<KvService>) {
        let (service, state) = node.service_and_state();
        watch::notify(&mut service.watches, state.machine(), state.applied_index());
    }

    fn contents(node: &Shared<KvService>) -> Contents {
        let kv = node.state().machine();
        let part = |found: PrefixCount| Part {
            name: printable(&String::from_utf8_lossy(&found.prefix)).into_owned(),
            count: found.count,
            about_bytes: found.about_bytes,
        };
        let parts = kv.prefixes().into_iter().map(part).collect();
        Contents::of("keys by prefix", kv.len() as u64, parts, SHOWN_PREFIXES)
    }
}

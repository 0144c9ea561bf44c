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
use super::state::Kv;
use crate::replica::engine::Answer;
use crate::replica::node::{Service, Shared};
use crate::rpc::Reactor;

/// The state of the service beside the store itself.
#[derive(Default)]
pub struct KvService {
    watches: watch::Watches,
}

impl Service for KvService {
    type Machine = Kv;
    type Ticket = Ticket;

    const NAMES: &'static [&'static str] = &[SERVICE, COURSE_SERVICE];

    fn answer(
        node: &mut Shared<KvService>,
        ticket: Ticket,
        answer: Answer,
        reactor: &mut Reactor<'_>,
    ) {
        ticket.answer(node, answer, reactor);
    }

    fn applied(node: &mut Shared<KvService>) {
        let (service, state) = node.service_and_state();
        watch::notify(&mut service.watches, state.machine(), state.applied_index());
    }
}

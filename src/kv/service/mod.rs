//! The store as services: `agora.kv.v1.KvService`, and the classic `RaftService`.
//!
//! ```text
//!   Get, Scan    --wire--> Asked --> lease? --yes--> Kv --wire--> response      at once
//!                                       +-----no---> Ticket ..... Kv ...        after a round
//!   Set, Delete, --wire--> Command --> the log ----> Ticket ..... Reply --wire--> response
//!   CompareAndSet                                    (when it is committed and applied)
//! ```
//!
//! - [`calls`]: one handler for each method
//! - [`ticket`]: what a call that waits needs to be answered
//! - [`course`]: requests in words, as clients of the classic version send them
//! - [`watch`]: changes as they are applied, to whoever watches
//!
//! All of it runs on the server's own thread.

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

/// The store's service, as its node knows it.
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

//! The market as a service, `agora.market.v1.MarketService`, on a node of a replicated log.
//!
//! ```text
//!   commands --wire--> CommandRequest --identity--> Command --> the log --> Ticket .. Reply --> response
//!                        |                             (when it is committed and applied)
//!                        +--> a printed line               |
//!                                                          +--> watches
//!   queries  --wire--> ReadSet --> lease? --yes--> Market --wire--> response      at once
//!                                    +-----no----> Ticket ..... Market ...        after a round
//! ```
//!
//! All of it happens on the server's thread: a call takes a few microseconds, and a switch to
//! another thread takes forty. A single market is a group of one node. A market without `--data`
//! keeps its files in memory.
//!
//! - [`calls`]: one handler for each method
//! - [`admin`]: the operator's calls, a service of its own
//! - [`housekeeping`]: what the leader does by itself
//! - [`queries`]: the methods that read the state
//! - [`ticket`]: a call that waits, and its response
//! - [`identity`]: authentication by UUID
//! - [`address_limits`]: how many accounts, items, ratings and wishes an address may make
//! - [`watch`]: sends notifications to watches as events happen
//! - [`line_writer`]: prints one line for each request
//! - [`wire`]: parses requests and appends responses
//!
//! The network address of a request identifies nobody: the UUID alone does. But it is limited.

mod address_limits;
mod admin;
mod calls;
mod housekeeping;
mod identity;
mod line_writer;
mod queries;
mod ticket;
mod watch;
mod wire;

use std::fmt::Display;

pub use address_limits::{AddressLimits, HourlyLimit};
pub use calls::register;
pub use housekeeping::Housekeeping;
pub use line_writer::AsyncLineWriter;
pub use ticket::Ticket;
pub use watch::MAX_WATCHES;

use super::state::{Action, Counted, ItemId, Limits, Market};
use crate::call::Status;
use crate::market::print::{Request, RequestLine};
use crate::metrics::{Exposition, Family};
use crate::replica::engine::Answer;
use crate::replica::node::{Service, Shared};
use crate::replica::service::check_leader;
use crate::replica::view::{Contents, Part};
use crate::rpc::Reactor;
use address_limits::AddressLimiter;
use housekeeping::Housekeeper;
use watch::Watches;

/// The full name of the service.
pub const NAME: &str = "agora.market.v1.MarketService";

/// The most bytes of a text that are printed: no valid address, UUID or search has more.
const MAX_PRINTED_BYTES: usize = 200;

const THINGS: Family = Family::gauge(
    "agora_market_things",
    &["kind"],
    "What the market has: accounts, items on sale, orders, wishes, ratings, pending notifications",
);
const THING_BYTES: Family = Family::gauge(
    "agora_market_things_bytes",
    &["kind"],
    "The size of what the market has, as the quota counts it",
);
const WATCHES: Family = Family::gauge("agora_market_watches", &[], "Open watches on this node");

/// The state of the service beside the market itself.
pub struct MarketService {
    limits: Limits,
    lines: AsyncLineWriter,
    watches: Watches,
    address_limiter: AddressLimiter,
    housekeeper: Housekeeper,
}

impl MarketService {
    /// A market that starts with these limits, and prints a line for each request to `lines`.
    pub fn new(limits: Limits, lines: AsyncLineWriter) -> MarketService {
        MarketService {
            limits,
            lines,
            watches: Watches::default(),
            address_limiter: AddressLimiter::new(AddressLimits::NONE),
            housekeeper: Housekeeper::new(Housekeeping::NONE),
        }
    }

    /// The same market with limits for each network address; without them there are none.
    pub fn with_address_limits(self, limits: AddressLimits) -> MarketService {
        MarketService { address_limiter: AddressLimiter::new(limits), ..self }
    }

    /// The same market with work that its leader does by itself; without this there is none.
    pub fn with_housekeeping(self, options: Housekeeping) -> MarketService {
        MarketService { housekeeper: Housekeeper::new(options), ..self }
    }

    /// Prints the line of a command, unless the line has the result of the command: then it is
    /// printed later, by [`Self::print_rating`].
    fn print_request(
        &mut self,
        address: &str,
        uuid: &str,
        action: &Action<'_>,
    ) -> Option<PendingRating> {
        match *action {
            Action::RateItem { item, stars } if self.lines.is_enabled() => {
                Some(PendingRating { address: truncated(address).to_owned(), item, stars })
            }
            _ => {
                self.print(address, Request::Command(action, truncated(uuid)));
                None
            }
        }
    }

    /// Prints the line of a rating that was executed, or refused with this status.
    fn print_rating(&self, rating: Option<&PendingRating>, refusal: Option<&Status>) {
        let Some(PendingRating { address, item, stars }) = rating else { return };
        match refusal {
            None => {
                let action = Action::RateItem { item: *item, stars: *stars };
                self.print(address, Request::Command(&action, ""));
            }
            Some(status) => self.print(address, Request::NotRated(*item, &status.message)),
        }
    }

    /// Prints the line of a request with a display name.
    fn print(&self, address: &str, request: Request<'_>) {
        let request = match request {
            Request::Search(text, category) => Request::Search(truncated(text), category),
            request => request,
        };
        self.lines.print(&RequestLine { address: truncated(address), request });
    }

    /// Prints the line of a request without credentials, with its network address.
    fn print_from_peer(&self, peer: impl Display, request: Request<'_>) {
        struct FromPeer<'a, P>(P, Request<'a>);
        impl<P: Display> Display for FromPeer<'_, P> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                RequestLine { address: &self.0.to_string(), request: self.1 }.fmt(f)
            }
        }
        self.lines.print(&FromPeer(peer, request));
    }
}

/// A rating whose result is not known yet.
struct PendingRating {
    address: String,
    item: ItemId,
    stars: u32,
}

/// The part of a text that is printed.
fn truncated(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_PRINTED_BYTES)]
}

impl Service for MarketService {
    type Machine = Market;
    type Ticket = Ticket;

    const NAMES: &'static [&'static str] = &[NAME, admin::NAME];

    const READS: &'static [&'static str] = &[
        "/agora.market.v1.MarketService/SearchItem",
        "/agora.market.v1.MarketService/GetItem",
        "/agora.market.v1.MarketService/DisplaySellerItems",
        "/agora.market.v1.MarketService/ViewWishList",
        "/agora.market.v1.MarketService/BuyerOrders",
        "/agora.market.v1.MarketService/SellerOrders",
    ];

    const WRITES: &'static [&'static str] = &[
        "/agora.market.v1.MarketService/RegisterSeller",
        "/agora.market.v1.MarketService/RegisterBuyer",
        "/agora.market.v1.MarketService/SellItem",
        "/agora.market.v1.MarketService/UpdateItem",
        "/agora.market.v1.MarketService/DeleteItem",
        "/agora.market.v1.MarketService/BuyItem",
        "/agora.market.v1.MarketService/AddToWishList",
        "/agora.market.v1.MarketService/RemoveFromWishList",
        "/agora.market.v1.MarketService/RateItem",
        "/agora.market.v1.MarketService/AcknowledgeNotifications",
    ];

    const MAKES_SPACE: &'static str = "delete items, acknowledge notifications, remove wishes";

    fn machine(&self) -> Market {
        Market::new(self.limits.clone())
    }

    const METRICS: &'static [Family] = &[THINGS, THING_BYTES, WATCHES];

    fn write_metrics(node: &mut Shared<MarketService>, out: &mut Exposition) {
        let (service, state) = node.service_and_state();
        let counts = state.machine().counts();
        let mut things = out.family(&THINGS);
        for counted in &counts {
            things.value(&[counted.kind], counted.count);
        }
        let mut bytes = out.family(&THING_BYTES);
        for counted in &counts {
            bytes.value(&[counted.kind], counted.bytes);
        }
        out.family(&WATCHES).value(&[], service.watches.len());
    }

    fn answer(
        node: &mut Shared<MarketService>,
        ticket: Ticket,
        answer: Answer,
        reactor: &mut Reactor<'_>,
    ) {
        ticket.answer(node, &answer, reactor);
    }

    fn applied(node: &mut Shared<MarketService>) {
        let (service, state) = node.service_and_state();
        service.watches.notify(state.machine());
    }

    fn tick(node: &mut Shared<MarketService>) {
        housekeeping::tick(node);
    }

    fn contents(node: &Shared<MarketService>) -> Contents {
        let counts = node.state().machine().counts();
        let parts = counts.map(|Counted { kind, count, bytes }| Part {
            name: kind.to_owned(),
            count,
            about_bytes: bytes,
        });
        let all = counts.iter().map(|counted| counted.count).sum();
        Contents::of("what the market has", all, parts.into(), counts.len())
    }

    /// Watches end where the node no longer leads: their clients continue at the leader.
    fn leadership_changed(node: &mut Shared<MarketService>) {
        if let Err(status) = check_leader(node) {
            node.service_mut().watches.end_all(&status);
        }
    }
}

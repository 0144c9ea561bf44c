//! The desk where requests are taken in: the one copy of the market, and who watches it.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use super::identity;
use super::lines::Lines;
use super::watch::{WatchId, Watches};
use crate::call::{Code, Status};
use crate::market::print::{Request, RequestLine};
use crate::market::state::{Caller, Command, Error, Market, Reply};
use crate::market::wire::{self, Asked, ListAsked, WatchAsked};
use crate::rpc::Responder;

/// How much of a text is printed, in bytes: no valid address, UUID or search has more.
const SHOWN_BYTES: usize = 200;

/// The market and all who are connected to it.
pub struct Desk {
    open: Mutex<Open>,
    lines: Lines,
}

/// What is behind the lock.
struct Open {
    market: Market,
    watches: Watches,
}

impl Desk {
    pub fn new(market: Market, lines: Lines) -> Desk {
        let open = Open { market, watches: Watches::default() };
        Desk { open: Mutex::new(open), lines }
    }

    /// Does what a command asks and appends the response.
    pub fn command(&self, asked: Asked<'_>, response: &mut Vec<u8>) -> Result<(), Status> {
        let Asked { uuid, address, request_id, action } = asked;
        self.print(address, Request::Command(&action, shown(uuid)));
        let caller = identity::caller(uuid, address)?;
        let command = Command { request_id, caller, action };
        let reply = self.submit(&command)?;
        self.read(|market| wire::append_reply(market, &command, reply, response))
    }

    /// Answers a list of the caller's own.
    pub fn list(
        &self,
        asked: &ListAsked<'_>,
        request: Request<'_>,
        look: impl FnOnce(&Market, &Caller<'_>) -> Result<(), Error>,
    ) -> Result<(), Status> {
        self.print(asked.address, request);
        let caller = identity::caller(asked.uuid, asked.address)?;
        self.read(|market| look(market, &caller))
    }

    /// The one way for a command into the market. Whoever it gives news to hears of them.
    fn submit(&self, command: &Command<'_>) -> Result<Reply, Status> {
        let Open { market, watches } = &mut *self.open()?;
        let answer = market.apply(now_ms(), command);
        watches.tell_news(market);
        Ok(answer?)
    }

    /// The one way to look at the market.
    pub fn read<T, E>(&self, look: impl FnOnce(&Market) -> Result<T, E>) -> Result<T, Status>
    where
        Status: From<E>,
    {
        Ok(look(&self.open()?.market)?)
    }

    /// Begins to watch a mailbox.
    pub fn watch(&self, asked: &WatchAsked<'_>, responder: Responder) -> Result<WatchId, Status> {
        self.print(asked.address, Request::Watch);
        let caller = identity::caller(asked.uuid, asked.address)?;
        let Open { market, watches } = &mut *self.open()?;
        watches.add(market, market.account(&caller)?, asked.after, responder)
    }

    /// A watcher has taken all that it was sent.
    pub fn watch_drained(&self, id: WatchId) {
        // Of a market that failed nothing more is sent: the watch stays silent and ends with it.
        if let Ok(mut open) = self.open() {
            let Open { market, watches } = &mut *open;
            watches.drained(id, market);
        }
    }

    /// A watch is over.
    pub fn unwatch(&self, id: WatchId) {
        if let Ok(mut open) = self.open() {
            open.watches.remove(id);
        }
    }

    /// Ends all watches: the server shuts down.
    pub fn end_watches(&self) {
        if let Ok(mut open) = self.open() {
            open.watches.end_all();
        }
    }

    /// Prints the line of a request from the owner of an address.
    pub fn print(&self, address: &str, request: Request<'_>) {
        let request = match request {
            Request::Search(text, category) => Request::Search(shown(text), category),
            request => request,
        };
        self.lines.print(&RequestLine { address: shown(address), request });
    }

    /// Prints the line of a request that nobody signed, by where it came from.
    pub fn print_from(&self, peer: SocketAddr, request: Request<'_>) {
        struct From<'a>(SocketAddr, Request<'a>);
        impl Display for From<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                RequestLine { address: &self.0.to_string(), request: self.1 }.fmt(f)
            }
        }
        self.lines.print(&From(peer, request));
    }

    /// A command that panicked may have stopped half-way: such a market answers nothing any more.
    fn open(&self) -> Result<MutexGuard<'_, Open>, Status> {
        let failed = |_| Status::new(Code::Internal, "the market failed in an earlier command");
        self.open.lock().map_err(failed)
    }
}

/// A text as far as it is printed.
fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN_BYTES)]
}

/// Milliseconds since 1970-01-01 UTC.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

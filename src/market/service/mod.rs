//! The market as a service, `agora.market.v1.MarketService`, on [`rpc::Services`](Services).
//!
//! ```text
//!   request --wire--> Asked --who?--> Command --submit--> Market --notified--> watches
//!                       |                                   |
//!                       +--> a printed line                 +--reply, views--wire--> response
//! ```
//!
//! All of it happens on the server's own thread: a call takes a few microseconds, and a hop to
//! another thread takes forty. Every command goes through [`Desk::submit`] and every look through
//! [`Desk::read`], so the state can stand behind a log without a change here but to these two.
//!
//! - [`desk`]: the one copy of the market, and the calls
//! - [`identity`]: from a UUID to who that is
//! - [`watch`]: notifications as they happen, to whoever watches
//! - [`lines`]: one printed line for each request
//!
//! The address that a request comes from means nothing here: who calls is said by the UUID alone.

mod desk;
mod identity;
mod lines;
mod watch;

use std::sync::Arc;

use desk::Desk;
pub use lines::Lines;
pub use watch::MAX_WATCHES;

use super::state::{ItemId, Market, OrderId};
use super::wire;
use crate::market::print::Request;
use crate::rpc::{Services, Shape};

/// The service's full name.
pub const NAME: &str = "agora.market.v1.MarketService";

/// Adds the market's methods to what a server answers. A line for each request goes to `lines`.
pub fn register(services: &mut Services, market: Market, lines: Lines) {
    let desk = Arc::new(Desk::new(market, lines));
    for (method, read) in wire::COMMANDS {
        let desk = Arc::clone(&desk);
        services.unary(&path(method), move |_, message, response| {
            desk.command(read(message)?, response)
        });
    }
    register_looks(services, &desk);
    register_lists(services, &desk);
    services.streaming(&path("WatchNotifications"), Shape::ServerStreaming, {
        let desk = Arc::clone(&desk);
        move |_, responder| Ok(Box::new(watch::WatchCall::new(Arc::clone(&desk), responder)))
    });
    services.on_shutdown(move || desk.end_watches());
}

fn path(method: &str) -> String {
    format!("/{NAME}/{method}")
}

/// What everybody may look at.
fn register_looks(services: &mut Services, desk: &Arc<Desk>) {
    services.unary(&path("SearchItem"), {
        let desk = Arc::clone(desk);
        move |_, message, response| {
            let query = wire::search_asked(message)?;
            desk.print("", Request::Search(query.text, query.category));
            desk.read(|market| {
                market.search(&query).map(|page| wire::append_found(&page, response))
            })
        }
    });
    services.unary(&path("GetItem"), {
        let desk = Arc::clone(desk);
        move |context, message, response| {
            let item = wire::item_asked(message)?;
            desk.print_from(context.peer, Request::Item(item));
            desk.read(|market| market.item(item).map(|item| wire::append_item(&item, response)))
        }
    });
}

/// Lists of one's own.
fn register_lists(services: &mut Services, desk: &Arc<Desk>) {
    services.unary(&path("DisplaySellerItems"), {
        let desk = Arc::clone(desk);
        move |_, message, response| {
            let asked = wire::SELLER_ITEMS_ASKED(message)?;
            desk.list(&asked, Request::SellerItems, |market, caller| {
                let after = ItemId(asked.after.unwrap_or(0));
                let page = market.seller_items(caller, after, asked.page_size);
                page.map(|page| wire::append_seller_items(&page, response))
            })
        }
    });
    services.unary(&path("ViewWishList"), {
        let desk = Arc::clone(desk);
        move |_, message, response| {
            let asked = wire::WISHLIST_ASKED(message)?;
            desk.list(&asked, Request::Wishlist, |market, caller| {
                let after = ItemId(asked.after.unwrap_or(0));
                let page = market.wishlist(caller, after, asked.page_size);
                page.map(|page| wire::append_wishlist(&page, response))
            })
        }
    });
    services.unary(&path("BuyerOrders"), {
        let desk = Arc::clone(desk);
        move |_, message, response| {
            let asked = wire::BUYER_ORDERS_ASKED(message)?;
            desk.list(&asked, Request::BuyerOrders, |market, caller| {
                let before = asked.after.map(OrderId);
                let page = market.buyer_orders(caller, before, asked.page_size);
                page.map(|page| wire::append_buyer_orders(&page, response))
            })
        }
    });
    services.unary(&path("SellerOrders"), {
        let desk = Arc::clone(desk);
        move |_, message, response| {
            let asked = wire::SELLER_ORDERS_ASKED(message)?;
            desk.list(&asked, Request::SellerOrders, |market, caller| {
                let before = asked.after.map(OrderId);
                let page = market.seller_orders(caller, before, asked.page_size);
                page.map(|page| wire::append_seller_orders(&page, response))
            })
        }
    });
}

//! The methods that read the state: how each parses its request, prints its line and appends its
//! response.
//!
//! A query that has to wait keeps its request, which is parsed again when the query is executed.

use std::net::SocketAddr;

use super::wire::{self, ListRequest, ParseList};
use super::{MarketService, NAME, identity};
use crate::call::Status;
use crate::market::contract::Consistency;
use crate::market::print::Request;
use crate::market::state::{Caller, Error, ItemId, Market, OrderId, ReadSet};
use crate::replica::node::Shared;

/// Parses a request: the part of the state that it depends on, and its consistency.
type ParseRequest = fn(&[u8]) -> Result<(ReadSet, Consistency), Status>;
/// Appends the response to a request.
type AppendResponse = fn(&Market, &[u8], &mut Vec<u8>) -> Result<(), Status>;

/// A method that reads the state.
#[derive(Clone, Copy)]
pub(super) struct QueryMethod {
    pub(super) name: &'static str,
    /// Parses a request.
    pub(super) parse: ParseRequest,
    /// Prints the line of the request.
    pub(super) print: fn(&MarketService, SocketAddr, &[u8]) -> Result<(), Status>,
    /// Appends the response.
    pub(super) append: AppendResponse,
}

impl QueryMethod {
    pub(super) fn path(&self) -> String {
        format!("/{NAME}/{}", self.name)
    }

    /// Executes the query on the present state.
    pub(super) fn execute(
        &self,
        node: &Shared<MarketService>,
        message: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), Status> {
        (self.append)(node.state().machine(), message, response)
    }
}

/// All queries.
pub(super) const QUERIES: [QueryMethod; 6] = [
    QueryMethod {
        name: "SearchItem",
        parse: |message| Ok((ReadSet::Catalogue, wire::parse_search(message)?.1)),
        print: |service, _, message| {
            let (query, _) = wire::parse_search(message)?;
            service.print("", Request::Search(query.text, query.category));
            Ok(())
        },
        append: |market, message, response| {
            let (query, _) = wire::parse_search(message)?;
            wire::append_search_page(&market.search(&query)?, response);
            Ok(())
        },
    },
    QueryMethod {
        name: "GetItem",
        parse: |message| {
            let (item, consistency) = wire::parse_get_item(message)?;
            Ok((ReadSet::Item(item), consistency))
        },
        print: |service, peer, message| {
            service.print_from_peer(peer, Request::Item(wire::parse_get_item(message)?.0));
            Ok(())
        },
        append: |market, message, response| {
            let (item, _) = wire::parse_get_item(message)?;
            wire::append_item(&market.item(item)?, response);
            Ok(())
        },
    },
    QueryMethod {
        name: "DisplaySellerItems",
        parse: |message| own_data(wire::PARSE_SELLER_ITEMS, message),
        print: |service, _, message| {
            print_list(service, wire::PARSE_SELLER_ITEMS, message, Request::SellerItems)
        },
        append: |market, message, response| {
            append_list(wire::PARSE_SELLER_ITEMS, message, |caller, request| {
                let after = ItemId(request.after.unwrap_or(0));
                let page = market.seller_items(caller, after, request.page_size);
                page.map(|page| wire::append_seller_items(&page, response))
            })
        },
    },
    QueryMethod {
        name: "ViewWishList",
        parse: |message| own_data(wire::PARSE_WISHLIST, message),
        print: |service, _, message| {
            print_list(service, wire::PARSE_WISHLIST, message, Request::Wishlist)
        },
        append: |market, message, response| {
            append_list(wire::PARSE_WISHLIST, message, |caller, request| {
                let after = ItemId(request.after.unwrap_or(0));
                let page = market.wishlist(caller, after, request.page_size);
                page.map(|page| wire::append_wishlist(&page, response))
            })
        },
    },
    QueryMethod {
        name: "BuyerOrders",
        parse: |message| own_data(wire::PARSE_BUYER_ORDERS, message),
        print: |service, _, message| {
            print_list(service, wire::PARSE_BUYER_ORDERS, message, Request::BuyerOrders)
        },
        append: |market, message, response| {
            append_list(wire::PARSE_BUYER_ORDERS, message, |caller, request| {
                let page =
                    market.buyer_orders(caller, request.after.map(OrderId), request.page_size);
                page.map(|page| wire::append_buyer_orders(&page, response))
            })
        },
    },
    QueryMethod {
        name: "SellerOrders",
        parse: |message| own_data(wire::PARSE_SELLER_ORDERS, message),
        print: |service, _, message| {
            print_list(service, wire::PARSE_SELLER_ORDERS, message, Request::SellerOrders)
        },
        append: |market, message, response| {
            append_list(wire::PARSE_SELLER_ORDERS, message, |caller, request| {
                let page =
                    market.seller_orders(caller, request.after.map(OrderId), request.page_size);
                page.map(|page| wire::append_seller_orders(&page, response))
            })
        },
    },
];

fn own_data(read: ParseList, message: &[u8]) -> Result<(ReadSet, Consistency), Status> {
    Ok((ReadSet::Everything, read(message)?.consistency))
}

fn print_list(
    service: &MarketService,
    read: ParseList,
    message: &[u8],
    request: Request<'_>,
) -> Result<(), Status> {
    service.print(read(message)?.address, request);
    Ok(())
}

fn append_list(
    read: ParseList,
    message: &[u8],
    query: impl FnOnce(&Caller<'_>, &ListRequest<'_>) -> Result<(), Error>,
) -> Result<(), Status> {
    let request = read(message)?;
    let caller = identity::caller(request.uuid, request.address)?;
    Ok(query(&caller, &request)?)
}

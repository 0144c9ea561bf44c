//! The messages of the benchmarks.

use std::borrow::Cow;

use crate::call::{Code, Status};
use crate::pb::agora_bench_v1::{EchoRequest, EchoResponse};
use crate::pb::agora_kv_v1::{Consistency, GetRequest, Role, SetRequest, StatusResponse};
use crate::pb::agora_market_v1::{
    BuyItemRequest, Category, RegisterSellerRequest, SearchItemRequest, SearchItemResponse,
    SellItemRequest, SortOrder,
};
use crate::protobuf::{decode, encode, encode_into};

/// The path of the echo.
pub(super) const ECHO: &str = "/agora.bench.v1.EchoService/Echo";
/// The path of the streaming echo.
pub(super) const ECHO_STREAM: &str = "/agora.bench.v1.EchoService/EchoStream";
/// The path of a get.
pub(super) const GET: &str = "/agora.kv.v1.KvService/Get";
/// The path of a set.
pub(super) const SET: &str = "/agora.kv.v1.KvService/Set";
/// The path of a node's status.
pub(super) const STATUS: &str = "/agora.kv.v1.KvService/Status";
/// The path of the registration of a seller.
pub(super) const REGISTER_SELLER: &str = "/agora.market.v1.MarketService/RegisterSeller";
/// The path of a sale.
pub(super) const SELL_ITEM: &str = "/agora.market.v1.MarketService/SellItem";
/// The path of a purchase.
pub(super) const BUY_ITEM: &str = "/agora.market.v1.MarketService/BuyItem";
/// The path of a search.
pub(super) const SEARCH_ITEM: &str = "/agora.market.v1.MarketService/SearchItem";

/// A request with a payload.
pub(super) fn echo_request(payload: &[u8]) -> Vec<u8> {
    encode(&EchoRequest { payload: Cow::Borrowed(payload) })
}

/// Answers a request, unary or of a stream (both are encoded alike), with its payload.
pub(super) fn answer(request: &[u8], response: &mut Vec<u8>) -> Result<(), Status> {
    let EchoRequest { payload } =
        decode(request).map_err(|error| Status::new(Code::Internal, error.to_string()))?;
    encode_into(&EchoResponse { payload }, response);
    Ok(())
}

/// A linearizable get.
pub(super) fn get_request(key: &[u8], out: &mut Vec<u8>) {
    let consistency = Consistency::CONSISTENCY_LINEARIZABLE;
    encode_into(&GetRequest { key: Cow::Borrowed(key), consistency }, out);
}

/// A set without a session.
pub(super) fn set_request(key: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let (key, value) = (Cow::Borrowed(key), Cow::Borrowed(value));
    encode_into(&SetRequest { key, value, origin: None }, out);
}

/// Whether the node with this status leads.
pub(super) fn is_leader(status: &[u8]) -> bool {
    decode::<StatusResponse<'_>>(status).is_ok_and(|status| status.role == Role::ROLE_LEADER)
}

/// The trader of a command, and the request id.
pub(super) struct Trader<'a> {
    pub(super) uuid: &'a str,
    pub(super) address: &'a str,
    pub(super) request_id: u64,
}

/// An item to sell.
pub(super) struct Offer<'a> {
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) price_cents: u64,
    pub(super) quantity: u32,
}

/// The registration of a seller.
pub(super) fn register_seller_request(trader: &Trader<'_>, out: &mut Vec<u8>) {
    let (uuid, address) = (Cow::Borrowed(trader.uuid), Cow::Borrowed(trader.address));
    encode_into(&RegisterSellerRequest { uuid, address, request_id: trader.request_id }, out);
}

/// The sale of an item; its category depends on its price.
pub(super) fn sell_item_request(trader: &Trader<'_>, offer: &Offer<'_>, out: &mut Vec<u8>) {
    let category = match offer.price_cents % 3 {
        0 => Category::CATEGORY_ELECTRONICS,
        1 => Category::CATEGORY_FASHION,
        _ => Category::CATEGORY_OTHERS,
    };
    #[allow(clippy::needless_update, reason = "a new field of an item is none of the benchmark's")]
    let message = SellItemRequest {
        uuid: Cow::Borrowed(trader.uuid),
        address: Cow::Borrowed(trader.address),
        request_id: trader.request_id,
        name: Cow::Borrowed(offer.name),
        category,
        quantity: offer.quantity,
        description: Cow::Borrowed(offer.description),
        price_cents: offer.price_cents,
        ..SellItemRequest::default()
    };
    encode_into(&message, out);
}

/// The purchase of one piece at any price.
pub(super) fn buy_item_request(trader: &Trader<'_>, item_id: u32, out: &mut Vec<u8>) {
    let message = BuyItemRequest {
        uuid: Cow::Borrowed(trader.uuid),
        address: Cow::Borrowed(trader.address),
        request_id: trader.request_id,
        item_id,
        quantity: 1,
        max_price_cents: 0,
    };
    encode_into(&message, out);
}

/// All sort orders.
pub(super) const SORT_ORDERS: [SortOrder; 6] = [
    SortOrder::SORT_ORDER_RELEVANCE,
    SortOrder::SORT_ORDER_PRICE_UP,
    SortOrder::SORT_ORDER_PRICE_DOWN,
    SortOrder::SORT_ORDER_RATING,
    SortOrder::SORT_ORDER_NAME,
    SortOrder::SORT_ORDER_NEWEST,
];

/// A search in all categories for the first page.
pub(super) fn search_item_request(
    words: &str,
    sort_order: SortOrder,
    page_size: u32,
    out: &mut Vec<u8>,
) {
    let message = SearchItemRequest {
        name: Cow::Borrowed(words),
        category: Category::CATEGORY_ANY,
        sort_order,
        page_size,
        page_token: Cow::Borrowed(""),
        ..SearchItemRequest::default()
    };
    encode_into(&message, out);
}

/// The number of items that a search has found.
pub(super) fn found(answer: &[u8]) -> Result<u64, Status> {
    let found = decode::<SearchItemResponse<'_>>(answer);
    let found = found.map_err(|error| Status::new(Code::Internal, error.to_string()))?;
    Ok(found.total.into())
}

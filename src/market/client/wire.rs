//! The client's side of the market's messages: what it asks is encoded, what it gets is copied out.

use std::borrow::Cow;

use super::record::{
    Consistency, Event, Item, NewItem, Notification, Order, Page, Search, SearchPage,
};
use crate::call::{Code, Status};
use crate::market::price::Money;
use crate::market::state::{Category, ItemId, OrderId, Rating, Sort};
use crate::pb::agora_market_v1 as pb;
use crate::protobuf::{Checked, decode, encode};

/// Who asks, and for a command under which number.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) uuid: &'a str,
    pub(super) address: &'a str,
    pub(super) request_id: u64,
}

/// Which page of a listing.
#[derive(Clone, Copy)]
pub(super) struct PageRequest<'a> {
    pub(super) size: u32,
    pub(super) token: &'a str,
    pub(super) consistency: Consistency,
}

/// Encodes a request that has nothing but its caller, and whatever fields follow.
macro_rules! command {
    ($name:ident, $caller:expr $(, $field:ident: $value:expr)*) => {{
        let Caller { uuid, address, request_id } = $caller;
        encode(&pb::$name {
            uuid: Cow::Borrowed(uuid),
            address: Cow::Borrowed(address),
            request_id,
            $($field: $value,)*
        })
    }};
}

/// Encodes a request for a page of one's own.
macro_rules! listing {
    ($name:ident, $caller:expr, $page:expr) => {{
        let (Caller { uuid, address, .. }, PageRequest { size, token, consistency }) =
            ($caller, $page);
        encode(&pb::$name {
            uuid: Cow::Borrowed(uuid),
            address: Cow::Borrowed(address),
            page_size: size,
            page_token: Cow::Borrowed(token),
            consistency: consistency_message(consistency),
        })
    }};
}

pub(super) fn register_seller(caller: Caller<'_>) -> Vec<u8> {
    command!(RegisterSellerRequest, caller)
}

pub(super) fn register_buyer(caller: Caller<'_>) -> Vec<u8> {
    command!(RegisterBuyerRequest, caller)
}

pub(super) fn sell_item(caller: Caller<'_>, item: &NewItem) -> Vec<u8> {
    command!(
        SellItemRequest,
        caller,
        name: Cow::Borrowed(item.name.as_str()),
        category: category(Some(item.category)),
        quantity: item.quantity,
        description: Cow::Borrowed(item.description.as_str()),
        price_cents: item.price.minor()
    )
}

pub(super) fn update_item(
    caller: Caller<'_>,
    item: ItemId,
    price: Option<Money>,
    quantity: Option<u32>,
) -> Vec<u8> {
    command!(
        UpdateItemRequest,
        caller,
        item_id: item.0,
        price_cents: price.map(|price| pb::UInt64Value { value: price.minor() }),
        quantity: quantity.map(|value| pb::UInt32Value { value })
    )
}

pub(super) fn delete_item(caller: Caller<'_>, item: ItemId) -> Vec<u8> {
    command!(DeleteItemRequest, caller, item_id: item.0)
}

pub(super) fn buy_item(
    caller: Caller<'_>,
    item: ItemId,
    quantity: u32,
    max_price: Option<Money>,
) -> Vec<u8> {
    let max_price_cents = max_price.map_or(0, Money::minor);
    command!(
        BuyItemRequest,
        caller,
        item_id: item.0,
        quantity: quantity,
        max_price_cents: max_price_cents
    )
}

pub(super) fn add_to_wish_list(caller: Caller<'_>, item: ItemId) -> Vec<u8> {
    command!(AddToWishListRequest, caller, item_id: item.0)
}

pub(super) fn remove_from_wish_list(caller: Caller<'_>, item: ItemId) -> Vec<u8> {
    command!(RemoveFromWishListRequest, caller, item_id: item.0)
}

pub(super) fn rate_item(caller: Caller<'_>, item: ItemId, stars: u32) -> Vec<u8> {
    command!(RateItemRequest, caller, item_id: item.0, stars: stars)
}

pub(super) fn acknowledge(caller: Caller<'_>, up_to_id: u64) -> Vec<u8> {
    command!(AcknowledgeNotificationsRequest, caller, up_to_id: up_to_id)
}

pub(super) fn display_seller_items(caller: Caller<'_>, page: PageRequest<'_>) -> Vec<u8> {
    listing!(DisplaySellerItemsRequest, caller, page)
}

pub(super) fn view_wish_list(caller: Caller<'_>, page: PageRequest<'_>) -> Vec<u8> {
    listing!(ViewWishListRequest, caller, page)
}

pub(super) fn buyer_orders(caller: Caller<'_>, page: PageRequest<'_>) -> Vec<u8> {
    listing!(BuyerOrdersRequest, caller, page)
}

pub(super) fn seller_orders(caller: Caller<'_>, page: PageRequest<'_>) -> Vec<u8> {
    listing!(SellerOrdersRequest, caller, page)
}

pub(super) fn search_item(search: &Search, consistency: Consistency) -> Vec<u8> {
    encode(&pb::SearchItemRequest {
        name: Cow::Borrowed(&search.words),
        category: category(search.category),
        sort_order: sort_order(search.sort),
        page_size: search.page_size,
        page_token: Cow::Borrowed(&search.page_token),
        consistency: consistency_message(consistency),
    })
}

pub(super) fn get_item(item: ItemId, consistency: Consistency) -> Vec<u8> {
    encode(&pb::GetItemRequest { item_id: item.0, consistency: consistency_message(consistency) })
}

pub(super) fn watch(caller: Caller<'_>, after_id: u64) -> Vec<u8> {
    let Caller { uuid, address, .. } = caller;
    let (uuid, address) = (Cow::Borrowed(uuid), Cow::Borrowed(address));
    encode(&pb::WatchNotificationsRequest { uuid, address, after_id })
}

fn consistency_message(consistency: Consistency) -> pb::Consistency {
    match consistency {
        Consistency::Linearizable => pb::Consistency::CONSISTENCY_LINEARIZABLE,
        Consistency::Stale => pb::Consistency::CONSISTENCY_STALE,
    }
}

fn category(category: Option<Category>) -> pb::Category {
    match category {
        None => pb::Category::CATEGORY_ANY,
        Some(Category::Electronics) => pb::Category::CATEGORY_ELECTRONICS,
        Some(Category::Fashion) => pb::Category::CATEGORY_FASHION,
        Some(Category::Others) => pb::Category::CATEGORY_OTHERS,
    }
}

fn sort_order(sort: Sort) -> pb::SortOrder {
    match sort {
        Sort::Relevance => pb::SortOrder::SORT_ORDER_RELEVANCE,
        Sort::PriceUp => pb::SortOrder::SORT_ORDER_PRICE_UP,
        Sort::PriceDown => pb::SortOrder::SORT_ORDER_PRICE_DOWN,
        Sort::Rating => pb::SortOrder::SORT_ORDER_RATING,
        Sort::Name => pb::SortOrder::SORT_ORDER_NAME,
        Sort::Newest => pb::SortOrder::SORT_ORDER_NEWEST,
    }
}

/// The market answered with something that is not in the contract.
fn malformed(what: impl std::fmt::Display) -> Status {
    Status::new(Code::Internal, format!("the market's answer makes no sense: {what}"))
}

fn read<'a, M>(bytes: &'a [u8]) -> Result<M, Status>
where
    M: Checked + quick_protobuf::MessageRead<'a>,
{
    decode(bytes).map_err(malformed)
}

pub(super) fn sold_item(bytes: &[u8]) -> Result<ItemId, Status> {
    read::<pb::SellItemResponse>(bytes).map(|response| ItemId(response.item_id))
}

pub(super) fn updated_item(bytes: &[u8]) -> Result<Option<Item>, Status> {
    let updated = read::<pb::UpdateItemResponse>(bytes)?.item;
    updated.map(|updated| item(Some(updated))).transpose()
}

pub(super) fn found_item(bytes: &[u8]) -> Result<Item, Status> {
    item(read::<pb::GetItemResponse>(bytes)?.item)
}

pub(super) fn bought(bytes: &[u8]) -> Result<Order, Status> {
    order(read::<pb::BuyItemResponse>(bytes)?.order)
}

pub(super) fn seller_items(bytes: &[u8]) -> Result<Page<Item>, Status> {
    let response = read::<pb::DisplaySellerItemsResponse>(bytes)?;
    Ok(Page { entries: items(response.items)?, next: response.next_page_token.into_owned() })
}

pub(super) fn wish_list(bytes: &[u8]) -> Result<Page<Item>, Status> {
    let response = read::<pb::ViewWishListResponse>(bytes)?;
    Ok(Page { entries: items(response.items)?, next: response.next_page_token.into_owned() })
}

pub(super) fn bought_orders(bytes: &[u8]) -> Result<Page<Order>, Status> {
    let response = read::<pb::BuyerOrdersResponse>(bytes)?;
    Ok(Page { entries: orders(response.orders)?, next: response.next_page_token.into_owned() })
}

pub(super) fn sold_orders(bytes: &[u8]) -> Result<Page<Order>, Status> {
    let response = read::<pb::SellerOrdersResponse>(bytes)?;
    Ok(Page { entries: orders(response.orders)?, next: response.next_page_token.into_owned() })
}

pub(super) fn found(bytes: &[u8]) -> Result<SearchPage, Status> {
    let pb::SearchItemResponse { items: found, next_page_token, total } = read(bytes)?;
    Ok(SearchPage { items: items(found)?, total, next: next_page_token.into_owned() })
}

pub(super) fn notification(bytes: &[u8]) -> Result<Notification, Status> {
    let pb::WatchNotificationsResponse { notification, missed } = read(bytes)?;
    let notification = notification.ok_or_else(|| malformed("a notification is missing"))?;
    let event = match (notification.kind, notification.order) {
        (pb::NotificationKind::NOTIFICATION_KIND_ITEM_SOLD, sold) => Event::Sold(order(sold)?),
        (pb::NotificationKind::NOTIFICATION_KIND_ITEM_DELETED, _) => {
            Event::Deleted(item(notification.item)?)
        }
        // A kind that is newer than this client is an update of some sort.
        _ => Event::Updated {
            item: item(notification.item)?,
            previous_price: Money::from_minor(notification.previous_price_cents),
            previous_quantity: notification.previous_quantity,
        },
    };
    Ok(Notification { id: notification.id, missed, event })
}

fn items(items: Vec<pb::Item<'_>>) -> Result<Vec<Item>, Status> {
    items.into_iter().map(|entry| item(Some(entry))).collect()
}

fn orders(orders: Vec<pb::Order<'_>>) -> Result<Vec<Order>, Status> {
    orders.into_iter().map(|entry| order(Some(entry))).collect()
}

fn item(item: Option<pb::Item<'_>>) -> Result<Item, Status> {
    let item = item.ok_or_else(|| malformed("an item is missing"))?;
    Ok(Item {
        id: ItemId(item.id),
        price: Money::from_minor(item.price_cents),
        name: item.name.into_owned(),
        category: match item.category {
            pb::Category::CATEGORY_ELECTRONICS => Category::Electronics,
            pb::Category::CATEGORY_FASHION => Category::Fashion,
            _ => Category::Others,
        },
        description: item.description.into_owned(),
        quantity: item.quantity,
        rating: Rating { stars: item.rating_sum, count: item.rating_count },
        seller: item.seller_address.into_owned(),
    })
}

fn order(order: Option<pb::Order<'_>>) -> Result<Order, Status> {
    let order = order.ok_or_else(|| malformed("an order is missing"))?;
    Ok(Order {
        id: OrderId(order.id),
        item: ItemId(order.item_id),
        name: order.item_name.into_owned(),
        quantity: order.quantity,
        unit_price: Money::from_minor(order.price_cents),
        total: Money::from_minor(order.total_cents),
        buyer: order.buyer_address.into_owned(),
        seller: order.seller_address.into_owned(),
        at_ms: order.ordered_at_ms,
    })
}

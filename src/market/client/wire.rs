//! The market's messages on the client's side (`proto/agora/market/v1`): requests are encoded, and
//! responses are copied into memory of the client's own.

use std::borrow::Cow;

use super::record::{
    Consistency, Event, Item, NewItem, Notification, Order, Page, Search, SearchPage,
};
use crate::call::{Code, Status};
use crate::market::price::Money;
use crate::market::state::ItemId;
use crate::market::wire::{
    category_message, consistency_message, item, new_item_message, order, sort_message,
};
use crate::pb::agora_market_v1 as pb;
use crate::protobuf::{Checked, decode, encode};

/// The caller of a request.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) uuid: &'a str,
    pub(super) address: &'a str,
    /// 0 for a read.
    pub(super) request_id: u64,
}

/// Which page of a list.
#[derive(Clone, Copy)]
pub(super) struct PageRequest<'a> {
    pub(super) size: u32,
    pub(super) token: &'a str,
    pub(super) consistency: Consistency,
}

/// A function that encodes the request of a command: its caller, and the fields that follow.
macro_rules! command {
    ($function:ident($($argument:ident: $type:ty),*) -> $message:ident { $($fields:tt)* }) => {
        pub(super) fn $function(caller: Caller<'_>, $($argument: $type),*) -> Vec<u8> {
            let Caller { uuid, address, request_id } = caller;
            let (uuid, address) = (Cow::Borrowed(uuid), Cow::Borrowed(address));
            encode(&pb::$message { uuid, address, request_id, $($fields)* })
        }
    };
}

command!(register_seller() -> RegisterSellerRequest {});
command!(register_buyer() -> RegisterBuyerRequest {});
command!(sell_item(item: &NewItem) -> SellItemRequest { ..new_item_message(&item.view()) });
command!(
    update_item(item: ItemId, price: Option<Money>, quantity: Option<u32>) -> UpdateItemRequest {
        item_id: item.0,
        price_cents: price.map(|price| pb::UInt64Value { value: price.minor() }),
        quantity: quantity.map(|value| pb::UInt32Value { value }),
    }
);
command!(delete_item(item: ItemId) -> DeleteItemRequest { item_id: item.0 });
command!(
    buy_item(item: ItemId, quantity: u32, max_price: Option<Money>) -> BuyItemRequest {
        item_id: item.0,
        quantity,
        max_price_cents: max_price.map_or(0, Money::minor),
    }
);
command!(add_to_wish_list(item: ItemId) -> AddToWishListRequest { item_id: item.0 });
command!(remove_from_wish_list(item: ItemId) -> RemoveFromWishListRequest { item_id: item.0 });
command!(rate_item(item: ItemId, stars: u32) -> RateItemRequest { item_id: item.0, stars });
command!(acknowledge(up_to_id: u64) -> AcknowledgeNotificationsRequest { up_to_id });

/// A list of the caller's own: what encodes its request, and what decodes its response.
macro_rules! list {
    (
        $request:ident: $request_message:ident,
        $response:ident: $response_message:ident { $entries:ident: $entry:ident by $from:ident }
    ) => {
        pub(super) fn $request(caller: Caller<'_>, page: PageRequest<'_>) -> Vec<u8> {
            encode(&pb::$request_message {
                uuid: Cow::Borrowed(caller.uuid),
                address: Cow::Borrowed(caller.address),
                page_size: page.size,
                page_token: Cow::Borrowed(page.token),
                consistency: consistency_message(page.consistency),
            })
        }

        pub(super) fn $response(bytes: &[u8]) -> Result<Page<$entry>, Status> {
            let pb::$response_message { $entries, next_page_token } = read(bytes)?;
            let entries = $entries.into_iter().map($from).collect();
            Ok(Page { entries, next: next_page_token.into_owned() })
        }
    };
}

list!(
    display_seller_items: DisplaySellerItemsRequest,
    seller_items: DisplaySellerItemsResponse { items: Item by item }
);
list!(
    view_wish_list: ViewWishListRequest,
    wish_list: ViewWishListResponse { items: Item by item }
);
list!(
    buyer_orders: BuyerOrdersRequest,
    bought_orders: BuyerOrdersResponse { orders: Order by order }
);
list!(
    seller_orders: SellerOrdersRequest,
    sold_orders: SellerOrdersResponse { orders: Order by order }
);

pub(super) fn search_item(search: &Search, consistency: Consistency) -> Vec<u8> {
    encode(&pb::SearchItemRequest {
        name: Cow::Borrowed(&search.words),
        category: category_message(search.category),
        sort_order: sort_message(search.sort),
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

/// The market answered with a message that is not in the contract.
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
    Ok(read::<pb::UpdateItemResponse>(bytes)?.item.map(item))
}

pub(super) fn found_item(bytes: &[u8]) -> Result<Item, Status> {
    needed_item(read::<pb::GetItemResponse>(bytes)?.item)
}

pub(super) fn bought(bytes: &[u8]) -> Result<Order, Status> {
    needed_order(read::<pb::BuyItemResponse>(bytes)?.order)
}

pub(super) fn search_page(bytes: &[u8]) -> Result<SearchPage, Status> {
    let pb::SearchItemResponse { items, next_page_token, total } = read(bytes)?;
    let items = items.into_iter().map(item).collect();
    Ok(SearchPage { items, total, next: next_page_token.into_owned() })
}

pub(super) fn notification(bytes: &[u8]) -> Result<Notification, Status> {
    let pb::WatchNotificationsResponse { notification, missed } = read(bytes)?;
    let notification = notification.ok_or_else(|| malformed("a notification is missing"))?;
    let event = match notification.kind {
        pb::NotificationKind::NOTIFICATION_KIND_ITEM_SOLD => {
            Event::Sold(needed_order(notification.order)?)
        }
        pb::NotificationKind::NOTIFICATION_KIND_ITEM_DELETED => {
            Event::Deleted(needed_item(notification.item)?)
        }
        // A kind that is newer than this client is an update of some sort.
        _ => Event::Updated {
            item: needed_item(notification.item)?,
            previous_price: Money::from_minor(notification.previous_price_cents),
            previous_quantity: notification.previous_quantity,
        },
    };
    Ok(Notification { id: notification.id, missed, event })
}

fn needed_item(message: Option<pb::Item<'_>>) -> Result<Item, Status> {
    message.map(item).ok_or_else(|| malformed("an item is missing"))
}

fn needed_order(message: Option<pb::Order<'_>>) -> Result<Order, Status> {
    message.map(order).ok_or_else(|| malformed("an order is missing"))
}

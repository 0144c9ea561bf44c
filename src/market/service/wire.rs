//! The market's messages on the server's side (`proto/agora/market/v1`): requests become commands
//! and queries of the state, its replies and views become responses.
//!
//! A request that is no message of its type is INTERNAL. An invalid message is refused
//! by the state, but for two things that its types cannot say: an item without a category, and a
//! page token that is no number.

use std::borrow::Cow;
use std::num::NonZeroU64;

use quick_protobuf::{MessageRead, MessageWrite};

use crate::call::{Code, Status};
use crate::market::contract::Consistency;
use crate::market::price::Money;
use crate::market::state::{
    Action, EventView, ItemId, ItemView, Market, Notification, OrderView, Page, Query, Reply,
    RequestId, SearchPage,
};
use crate::market::wire::{
    category, consistency, item_message, new_item, order_message, sort, text,
};
use crate::pb::agora_market_v1 as pb;
use crate::protobuf::{Checked, decode, encode, encode_into};

/// A command as it arrived: its caller is not authenticated yet.
pub struct CommandRequest<'m> {
    /// The caller's secret.
    pub uuid: &'m str,
    /// The caller's display name.
    pub address: &'m str,
    /// Absent: a retry of the command is a new command.
    pub request_id: Option<RequestId>,
    pub action: Action<'m>,
}

/// A request for a page of one of the caller's lists: the caller is not authenticated yet.
pub struct ListRequest<'m> {
    /// The caller's secret.
    pub uuid: &'m str,
    /// The caller's display name.
    pub address: &'m str,
    /// Entries on the page; 0 for as many as the market allows.
    pub page_size: usize,
    /// The number of the last entry of the page before.
    pub after: Option<u32>,
    pub consistency: Consistency,
}

/// A request to watch a mailbox: its caller is not authenticated yet.
pub struct WatchRequest<'m> {
    /// The caller's secret.
    pub uuid: &'m str,
    /// The caller's display name.
    pub address: &'m str,
    /// The last notification that the caller has; 0 for none.
    pub after: u64,
}

/// Parses the request of a command.
pub type ParseCommand = for<'m> fn(&'m [u8]) -> Result<CommandRequest<'m>, Status>;

/// Parses the request of a list.
pub type ParseList = for<'m> fn(&'m [u8]) -> Result<ListRequest<'m>, Status>;

/// A function that parses the request of a command: its message, and the action that it asks for.
macro_rules! command {
    ($message:ident, |$request:ident| $action:expr) => {
        |message| {
            let $request: pb::$message<'_> = read(message)?;
            let action = $action;
            let pb::$message { uuid, address, request_id, .. } = &$request;
            let request_id = NonZeroU64::new(*request_id).map(RequestId);
            Ok(CommandRequest { uuid: text(uuid), address: text(address), request_id, action })
        }
    };
}

/// The commands, by the names of their methods.
pub const COMMANDS: [(&str, ParseCommand); 10] = [
    ("RegisterSeller", command!(RegisterSellerRequest, |request| Action::RegisterSeller)),
    ("RegisterBuyer", command!(RegisterBuyerRequest, |request| Action::RegisterBuyer)),
    (
        "SellItem",
        command!(SellItemRequest, |request| {
            let reason = "an item's category is ELECTRONICS, FASHION or OTHERS";
            let refusal = || Status::new(Code::InvalidArgument, reason);
            Action::SellItem(new_item(&request).ok_or_else(refusal)?)
        }),
    ),
    (
        "UpdateItem",
        command!(UpdateItemRequest, |request| Action::UpdateItem {
            item: ItemId(request.item_id),
            price: request.price_cents.as_ref().map(|price| Money::from_minor(price.value)),
            quantity: request.quantity.as_ref().map(|quantity| quantity.value),
        }),
    ),
    (
        "DeleteItem",
        command!(DeleteItemRequest, |request| Action::DeleteItem { item: ItemId(request.item_id) }),
    ),
    (
        "BuyItem",
        command!(BuyItemRequest, |request| {
            let max = request.max_price_cents;
            Action::BuyItem {
                item: ItemId(request.item_id),
                quantity: request.quantity,
                max_price: (max != 0).then(|| Money::from_minor(max)),
            }
        }),
    ),
    (
        "AddToWishList",
        command!(AddToWishListRequest, |request| Action::AddToWishList {
            item: ItemId(request.item_id)
        }),
    ),
    (
        "RemoveFromWishList",
        command!(RemoveFromWishListRequest, |request| Action::RemoveFromWishList {
            item: ItemId(request.item_id)
        }),
    ),
    (
        "RateItem",
        command!(RateItemRequest, |request| Action::RateItem {
            item: ItemId(request.item_id),
            stars: request.stars,
        }),
    ),
    (
        "AcknowledgeNotifications",
        command!(AcknowledgeNotificationsRequest, |request| Action::Acknowledge {
            up_to_id: request.up_to_id
        }),
    ),
];

/// Appends the response to a command that succeeded. `updated` is the item of an update.
pub fn append_reply(market: &Market, updated: Option<ItemId>, reply: Reply, out: &mut Vec<u8>) {
    match reply {
        Reply::Listed(id) => encode_into(&pb::SellItemResponse { item_id: id.0 }, out),
        Reply::Bought { order, .. } => {
            let order = market.receipt(order);
            encode_into(&pb::BuyItemResponse { order: order.as_ref().map(order_message) }, out);
        }
        Reply::Updated => {
            // Answered from memory: the item may be gone by now.
            let item = updated.and_then(|item| market.item(item).ok());
            let response = pb::UpdateItemResponse { item: item.as_ref().map(item_message) };
            encode_into(&response, out);
        }
        // The other responses have no fields: no bytes.
        _ => (),
    }
}

/// Parses a search.
///
/// # Errors
/// The message is no search.
pub fn parse_search(message: &[u8]) -> Result<(Query<'_>, Consistency), Status> {
    let request: pb::SearchItemRequest<'_> = read(message)?;
    let query = Query {
        text: text(&request.name),
        category: category(request.category),
        sort: sort(request.sort_order),
        page_size: entries(request.page_size),
        page_token: text(&request.page_token),
    };
    Ok((query, consistency(request.consistency)))
}

/// Appends a page of a search.
pub fn append_search_page(page: &SearchPage<'_>, out: &mut Vec<u8>) {
    let response = pb::SearchItemResponse {
        items: page.items.iter().map(item_message).collect(),
        next_page_token: page.next_page_token.as_deref().unwrap_or_default().into(),
        total: u32::try_from(page.total).unwrap_or(u32::MAX),
    };
    encode_into(&response, out);
}

/// Parses a request for one item.
///
/// # Errors
/// The message is no such request.
pub fn parse_get_item(message: &[u8]) -> Result<(ItemId, Consistency), Status> {
    let request: pb::GetItemRequest = read(message)?;
    Ok((ItemId(request.item_id), consistency(request.consistency)))
}

/// Appends an item.
pub fn append_item(item: &ItemView<&str>, out: &mut Vec<u8>) {
    encode_into(&pb::GetItemResponse { item: Some(item_message(item)) }, out);
}

/// A list of an account's own: what parses its request, and what appends a page of it.
macro_rules! list {
    (
        $parse:ident: $request:ident,
        $append:ident($view:ident as $message:ident): $response:ident { $entries:ident }
    ) => {
        pub const $parse: ParseList = |message| {
            let request: pb::$request<'_> = read(message)?;
            Ok(ListRequest {
                uuid: text(&request.uuid),
                address: text(&request.address),
                page_size: entries(request.page_size),
                after: parse_page_token(&request.page_token)?,
                consistency: consistency(request.consistency),
            })
        };

        pub fn $append(page: &Page<$view<&str>>, out: &mut Vec<u8>) {
            let last = page.entries.last().map(|last| last.id.0);
            let next_page_token = page_token(last, page.has_more);
            let $entries = page.entries.iter().map($message).collect();
            encode_into(&pb::$response { $entries, next_page_token }, out);
        }
    };
}

list!(
    PARSE_SELLER_ITEMS: DisplaySellerItemsRequest,
    append_seller_items(ItemView as item_message): DisplaySellerItemsResponse { items }
);
list!(
    PARSE_WISHLIST: ViewWishListRequest,
    append_wishlist(ItemView as item_message): ViewWishListResponse { items }
);
list!(
    PARSE_BUYER_ORDERS: BuyerOrdersRequest,
    append_buyer_orders(OrderView as order_message): BuyerOrdersResponse { orders }
);
list!(
    PARSE_SELLER_ORDERS: SellerOrdersRequest,
    append_seller_orders(OrderView as order_message): SellerOrdersResponse { orders }
);

/// The token of the page that follows the one that ends with this number.
fn page_token(last: Option<u32>, has_more: bool) -> Cow<'static, str> {
    last.filter(|_| has_more).map_or(Cow::Borrowed(""), |last| Cow::Owned(last.to_string()))
}

fn parse_page_token(token: &str) -> Result<Option<u32>, Status> {
    let refusal = |_| Status::new(Code::InvalidArgument, "the page token is not from this list");
    if token.is_empty() { Ok(None) } else { token.parse().map(Some).map_err(refusal) }
}

/// Parses a request to watch a mailbox.
///
/// # Errors
/// The message is no such request.
pub fn parse_watch(message: &[u8]) -> Result<WatchRequest<'_>, Status> {
    let request: pb::WatchNotificationsRequest<'_> = read(message)?;
    Ok(WatchRequest {
        uuid: text(&request.uuid),
        address: text(&request.address),
        after: request.after_id,
    })
}

/// A notification as its watcher gets it; `missed` were dropped unread right before it.
pub fn notification(notification: &Notification<'_>, missed: u64) -> Vec<u8> {
    let mut message = pb::Notification { id: notification.id, ..Default::default() };
    match &notification.event {
        EventView::Updated { item, previous_price, previous_quantity } => {
            message.kind = if *previous_quantity == 0 && item.quantity > 0 {
                pb::NotificationKind::NOTIFICATION_KIND_RESTOCKED
            } else if *previous_price != item.price {
                pb::NotificationKind::NOTIFICATION_KIND_PRICE_CHANGED
            } else {
                pb::NotificationKind::NOTIFICATION_KIND_ITEM_UPDATED
            };
            message.item = Some(item_message(item));
            message.previous_price_cents = previous_price.minor();
            message.previous_quantity = *previous_quantity;
        }
        EventView::Deleted(item) => {
            message.kind = pb::NotificationKind::NOTIFICATION_KIND_ITEM_DELETED;
            message.item = Some(item_message(item));
        }
        EventView::Sold(order) => {
            message.kind = pb::NotificationKind::NOTIFICATION_KIND_ITEM_SOLD;
            message.order = Some(order_message(order));
        }
    }
    encode(&pb::WatchNotificationsResponse { notification: Some(message), missed })
}

fn read<'m, M: Checked + MessageRead<'m> + MessageWrite>(message: &'m [u8]) -> Result<M, Status> {
    decode(message).map_err(|error| Status::new(Code::Internal, error.to_string()))
}

fn entries(page_size: u32) -> usize {
    usize::try_from(page_size).unwrap_or(usize::MAX)
}

//! The market's messages on the server's side (`proto/agora/market/v1`): requests become commands
//! and queries of the state, its replies and views become responses.
//!
//! A request that is no message of its type is INTERNAL. What is a message and makes no sense is
//! for the state to refuse, but for two things that its types cannot say: an item without a
//! category, and a page token that is no number.

use std::borrow::Cow;
use std::num::NonZeroU64;

use quick_protobuf::{MessageRead, MessageWrite};

use super::price::Money;
use super::state::{
    Action, Category, EventView, ItemId, ItemView, Market, Notification, OrderView, Page, Query,
    Reply, RequestId, SearchPage, Sort,
};
use crate::call::{Code, Status};
use crate::pb::agora_market_v1 as pb;
use crate::protobuf::{Checked, decode, encode, encode_into};

/// A command as it arrived: who asks is not checked yet.
pub struct CommandRequest<'m> {
    /// The caller's secret.
    pub uuid: &'m str,
    /// The name that the caller goes by.
    pub address: &'m str,
    /// Absent when the client takes its chances.
    pub request_id: Option<RequestId>,
    /// What is asked.
    pub action: Action<'m>,
}

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// As if there were one market.
    Linearizable,
    /// As far as this replica has come.
    Stale,
}

/// A list of one's own that is asked for: who asks is not checked yet.
pub struct ListRequest<'m> {
    /// The caller's secret.
    pub uuid: &'m str,
    /// The name that the caller goes by.
    pub address: &'m str,
    /// Entries on the page; 0 as many as may be.
    pub page_size: usize,
    /// The number that the page before ended with.
    pub after: Option<u32>,
    /// How fresh the list must be.
    pub consistency: Consistency,
}

/// A mailbox that is to be watched: who asks is not checked yet.
pub struct WatchRequest<'m> {
    /// The caller's secret.
    pub uuid: &'m str,
    /// The name that the caller goes by.
    pub address: &'m str,
    /// The last notification that the caller has; 0 for none.
    pub after: u64,
}

/// Reads the request of a command.
pub type ParseCommand = for<'m> fn(&'m [u8]) -> Result<CommandRequest<'m>, Status>;

/// Reads the request of a list.
pub type ParseList = for<'m> fn(&'m [u8]) -> Result<ListRequest<'m>, Status>;

/// The commands, by the names of their methods.
pub const COMMANDS: [(&str, ParseCommand); 10] = [
    ("RegisterSeller", |message| {
        let request: pb::RegisterSellerRequest<'_> = read(message)?;
        Ok(command_request(
            request.uuid,
            request.address,
            request.request_id,
            Action::RegisterSeller,
        ))
    }),
    ("RegisterBuyer", |message| {
        let request: pb::RegisterBuyerRequest<'_> = read(message)?;
        Ok(command_request(
            request.uuid,
            request.address,
            request.request_id,
            Action::RegisterBuyer,
        ))
    }),
    ("SellItem", |message| {
        let request: pb::SellItemRequest<'_> = read(message)?;
        let action = Action::SellItem {
            name: text(request.name),
            category: item_category(request.category)?,
            description: text(request.description),
            quantity: request.quantity,
            price: Money::from_minor(request.price_cents),
        };
        Ok(command_request(request.uuid, request.address, request.request_id, action))
    }),
    ("UpdateItem", |message| {
        let request: pb::UpdateItemRequest<'_> = read(message)?;
        let action = Action::UpdateItem {
            item: ItemId(request.item_id),
            price: request.price_cents.map(|price| Money::from_minor(price.value)),
            quantity: request.quantity.map(|quantity| quantity.value),
        };
        Ok(command_request(request.uuid, request.address, request.request_id, action))
    }),
    ("DeleteItem", |message| {
        let request: pb::DeleteItemRequest<'_> = read(message)?;
        let action = Action::DeleteItem { item: ItemId(request.item_id) };
        Ok(command_request(request.uuid, request.address, request.request_id, action))
    }),
    ("BuyItem", |message| {
        let request: pb::BuyItemRequest<'_> = read(message)?;
        let max_price = request.max_price_cents;
        let action = Action::BuyItem {
            item: ItemId(request.item_id),
            quantity: request.quantity,
            max_price: (max_price != 0).then(|| Money::from_minor(max_price)),
        };
        Ok(command_request(request.uuid, request.address, request.request_id, action))
    }),
    ("AddToWishList", |message| {
        let request: pb::AddToWishListRequest<'_> = read(message)?;
        let action = Action::AddToWishList { item: ItemId(request.item_id) };
        Ok(command_request(request.uuid, request.address, request.request_id, action))
    }),
    ("RemoveFromWishList", |message| {
        let request: pb::RemoveFromWishListRequest<'_> = read(message)?;
        let action = Action::RemoveFromWishList { item: ItemId(request.item_id) };
        Ok(command_request(request.uuid, request.address, request.request_id, action))
    }),
    ("RateItem", |message| {
        let request: pb::RateItemRequest<'_> = read(message)?;
        let action = Action::RateItem { item: ItemId(request.item_id), stars: request.stars };
        Ok(command_request(request.uuid, request.address, request.request_id, action))
    }),
    ("AcknowledgeNotifications", |message| {
        let request: pb::AcknowledgeNotificationsRequest<'_> = read(message)?;
        let action = Action::Acknowledge { up_to_id: request.up_to_id };
        Ok(command_request(request.uuid, request.address, request.request_id, action))
    }),
];

/// Appends the response to a command that succeeded, from the market that made the reply: of an
/// update, of this item.
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

/// Reads what is searched for.
///
/// # Errors
/// The message is no search.
pub fn parse_search(message: &[u8]) -> Result<(Query<'_>, Consistency), Status> {
    let request: pb::SearchItemRequest<'_> = read(message)?;
    let consistency = consistency(request.consistency);
    let query = Query {
        text: text(request.name),
        category: category(request.category),
        sort: match request.sort_order {
            pb::SortOrder::SORT_ORDER_UNSPECIFIED | pb::SortOrder::SORT_ORDER_RELEVANCE => {
                Sort::Relevance
            }
            pb::SortOrder::SORT_ORDER_PRICE_UP => Sort::PriceUp,
            pb::SortOrder::SORT_ORDER_PRICE_DOWN => Sort::PriceDown,
            pb::SortOrder::SORT_ORDER_RATING => Sort::Rating,
            pb::SortOrder::SORT_ORDER_NAME => Sort::Name,
            pb::SortOrder::SORT_ORDER_NEWEST => Sort::Newest,
        },
        page_size: entries(request.page_size),
        page_token: text(request.page_token),
    };
    Ok((query, consistency))
}

/// Appends what was found.
pub fn append_search_page(page: &SearchPage<'_>, out: &mut Vec<u8>) {
    let response = pb::SearchItemResponse {
        items: page.items.iter().map(item_message).collect(),
        next_page_token: page.next_page_token.as_deref().unwrap_or_default().into(),
        total: u32::try_from(page.total).unwrap_or(u32::MAX),
    };
    encode_into(&response, out);
}

/// Reads which item is asked for.
///
/// # Errors
/// The message is no such request.
pub fn parse_get_item(message: &[u8]) -> Result<(ItemId, Consistency), Status> {
    let request: pb::GetItemRequest = read(message)?;
    Ok((ItemId(request.item_id), consistency(request.consistency)))
}

/// Appends an item.
pub fn append_item(item: &ItemView<'_>, out: &mut Vec<u8>) {
    encode_into(&pb::GetItemResponse { item: Some(item_message(item)) }, out);
}

/// Reads DisplaySellerItems.
pub const PARSE_SELLER_ITEMS: ParseList = |message| {
    let request: pb::DisplaySellerItemsRequest<'_> = read(message)?;
    list_request(
        request.uuid,
        request.address,
        request.page_size,
        &request.page_token,
        request.consistency,
    )
};

/// Reads ViewWishList.
pub const PARSE_WISHLIST: ParseList = |message| {
    let request: pb::ViewWishListRequest<'_> = read(message)?;
    list_request(
        request.uuid,
        request.address,
        request.page_size,
        &request.page_token,
        request.consistency,
    )
};

/// Reads BuyerOrders.
pub const PARSE_BUYER_ORDERS: ParseList = |message| {
    let request: pb::BuyerOrdersRequest<'_> = read(message)?;
    list_request(
        request.uuid,
        request.address,
        request.page_size,
        &request.page_token,
        request.consistency,
    )
};

/// Reads SellerOrders.
pub const PARSE_SELLER_ORDERS: ParseList = |message| {
    let request: pb::SellerOrdersRequest<'_> = read(message)?;
    list_request(
        request.uuid,
        request.address,
        request.page_size,
        &request.page_token,
        request.consistency,
    )
};

/// Appends a page of a seller's items.
pub fn append_seller_items(page: &Page<ItemView<'_>>, out: &mut Vec<u8>) {
    let (items, next_page_token) = items_page(page);
    encode_into(&pb::DisplaySellerItemsResponse { items, next_page_token }, out);
}

/// Appends a page of a wishlist.
pub fn append_wishlist(page: &Page<ItemView<'_>>, out: &mut Vec<u8>) {
    let (items, next_page_token) = items_page(page);
    encode_into(&pb::ViewWishListResponse { items, next_page_token }, out);
}

/// Appends a page of what a buyer bought.
pub fn append_buyer_orders(page: &Page<OrderView<'_>>, out: &mut Vec<u8>) {
    let (orders, next_page_token) = orders_page(page);
    encode_into(&pb::BuyerOrdersResponse { orders, next_page_token }, out);
}

/// Appends a page of what a seller sold.
pub fn append_seller_orders(page: &Page<OrderView<'_>>, out: &mut Vec<u8>) {
    let (orders, next_page_token) = orders_page(page);
    encode_into(&pb::SellerOrdersResponse { orders, next_page_token }, out);
}

/// Reads which mailbox is to be watched.
///
/// # Errors
/// The message is no such request.
pub fn parse_watch(message: &[u8]) -> Result<WatchRequest<'_>, Status> {
    let request: pb::WatchNotificationsRequest<'_> = read(message)?;
    Ok(WatchRequest {
        uuid: text(request.uuid),
        address: text(request.address),
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

/// The text itself. Decoding borrows texts from the message; one that is absent is owned and empty.
fn text(text: Cow<'_, str>) -> &str {
    match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(absent) => {
            debug_assert!(absent.is_empty(), "a decoded text borrows");
            ""
        }
    }
}

fn command_request<'m>(
    uuid: Cow<'m, str>,
    address: Cow<'m, str>,
    request_id: u64,
    action: Action<'m>,
) -> CommandRequest<'m> {
    let request_id = NonZeroU64::new(request_id).map(RequestId);
    CommandRequest { uuid: text(uuid), address: text(address), request_id, action }
}

fn list_request<'m>(
    uuid: Cow<'m, str>,
    address: Cow<'m, str>,
    page_size: u32,
    page_token: &str,
    fresh: pb::Consistency,
) -> Result<ListRequest<'m>, Status> {
    let after = match page_token {
        "" => None,
        token => Some(token.parse().map_err(|_| {
            Status::new(Code::InvalidArgument, "the page token is not from this list")
        })?),
    };
    let (uuid, address) = (text(uuid), text(address));
    let (page_size, consistency) = (entries(page_size), consistency(fresh));
    Ok(ListRequest { uuid, address, page_size, after, consistency })
}

fn consistency(asked: pb::Consistency) -> Consistency {
    match asked {
        pb::Consistency::CONSISTENCY_STALE => Consistency::Stale,
        _ => Consistency::Linearizable,
    }
}

fn entries(page_size: u32) -> usize {
    usize::try_from(page_size).unwrap_or(usize::MAX)
}

fn category(category: pb::Category) -> Option<Category> {
    match category {
        pb::Category::CATEGORY_UNSPECIFIED | pb::Category::CATEGORY_ANY => None,
        pb::Category::CATEGORY_ELECTRONICS => Some(Category::Electronics),
        pb::Category::CATEGORY_FASHION => Some(Category::Fashion),
        pb::Category::CATEGORY_OTHERS => Some(Category::Others),
    }
}

fn item_category(of_item: pb::Category) -> Result<Category, Status> {
    let reason = "an item's category is ELECTRONICS, FASHION or OTHERS";
    category(of_item).ok_or_else(|| Status::new(Code::InvalidArgument, reason))
}

fn category_message(category: Category) -> pb::Category {
    match category {
        Category::Electronics => pb::Category::CATEGORY_ELECTRONICS,
        Category::Fashion => pb::Category::CATEGORY_FASHION,
        Category::Others => pb::Category::CATEGORY_OTHERS,
    }
}

fn item_message<'v>(item: &ItemView<'v>) -> pb::Item<'v> {
    pb::Item {
        id: item.id.0,
        name: item.name.into(),
        category: category_message(item.category),
        description: item.description.into(),
        price_cents: item.price.minor(),
        quantity: item.quantity,
        seller_address: item.seller.into(),
        rating_count: item.rating.count,
        rating_sum: item.rating.stars,
    }
}

fn order_message<'v>(order: &OrderView<'v>) -> pb::Order<'v> {
    pb::Order {
        id: order.id.0,
        item_id: order.item.0,
        item_name: order.name.into(),
        quantity: order.quantity,
        price_cents: order.unit_price.minor(),
        total_cents: order.total.minor(),
        seller_address: order.seller.into(),
        buyer_address: order.buyer.into(),
        ordered_at_ms: order.at_ms,
    }
}

/// A page of items and the token of the next.
fn items_page<'v>(page: &Page<ItemView<'v>>) -> (Vec<pb::Item<'v>>, Cow<'v, str>) {
    let last = page.entries.last().map(|item| item.id.0);
    (page.entries.iter().map(item_message).collect(), token(last, page.has_more))
}

/// A page of orders and the token of the next.
fn orders_page<'v>(page: &Page<OrderView<'v>>) -> (Vec<pb::Order<'v>>, Cow<'v, str>) {
    let last = page.entries.last().map(|order| order.id.0);
    (page.entries.iter().map(order_message).collect(), token(last, page.has_more))
}

fn token<'v>(last: Option<u32>, has_more: bool) -> Cow<'v, str> {
    last.filter(|_| has_more).map_or(Cow::Borrowed(""), |last| Cow::Owned(last.to_string()))
}

//! Values that the messages of both sides have (`proto/agora/market/v1`): each as a field of a
//! message and as a type of the state. The server's requests and responses are in `service::wire`,
//! the client's in `client::wire`.

use std::borrow::Cow;

use super::contract::Consistency;
use super::price::Money;
use super::state::{
    Category, ItemFields, ItemId, ItemView, NewItem, OrderId, OrderView, Rating, Sort,
};
use crate::pb::agora_market_v1 as pb;

/// The text itself. Decoding borrows texts from the message; one that is absent is owned and empty.
pub fn text<'m>(text: &Cow<'m, str>) -> &'m str {
    match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(absent) => {
            debug_assert!(absent.is_empty(), "a decoded text borrows");
            ""
        }
    }
}

pub fn consistency_message(consistency: Consistency) -> pb::Consistency {
    match consistency {
        Consistency::Linearizable => pb::Consistency::CONSISTENCY_LINEARIZABLE,
        Consistency::Stale => pb::Consistency::CONSISTENCY_STALE,
    }
}

pub fn consistency(message: pb::Consistency) -> Consistency {
    match message {
        pb::Consistency::CONSISTENCY_STALE => Consistency::Stale,
        _ => Consistency::Linearizable,
    }
}

/// A category; none is any, which only a search has.
pub fn category_message(category: Option<Category>) -> pb::Category {
    match category {
        None => pb::Category::CATEGORY_ANY,
        Some(Category::Electronics) => pb::Category::CATEGORY_ELECTRONICS,
        Some(Category::Fashion) => pb::Category::CATEGORY_FASHION,
        Some(Category::Others) => pb::Category::CATEGORY_OTHERS,
    }
}

pub fn category(message: pb::Category) -> Option<Category> {
    match message {
        pb::Category::CATEGORY_UNSPECIFIED | pb::Category::CATEGORY_ANY => None,
        pb::Category::CATEGORY_ELECTRONICS => Some(Category::Electronics),
        pb::Category::CATEGORY_FASHION => Some(Category::Fashion),
        pb::Category::CATEGORY_OTHERS => Some(Category::Others),
    }
}

pub fn sort_message(sort: Sort) -> pb::SortOrder {
    match sort {
        Sort::Relevance => pb::SortOrder::SORT_ORDER_RELEVANCE,
        Sort::PriceUp => pb::SortOrder::SORT_ORDER_PRICE_UP,
        Sort::PriceDown => pb::SortOrder::SORT_ORDER_PRICE_DOWN,
        Sort::Rating => pb::SortOrder::SORT_ORDER_RATING,
        Sort::Name => pb::SortOrder::SORT_ORDER_NAME,
        Sort::Newest => pb::SortOrder::SORT_ORDER_NEWEST,
    }
}

pub fn sort(message: pb::SortOrder) -> Sort {
    match message {
        pb::SortOrder::SORT_ORDER_UNSPECIFIED | pb::SortOrder::SORT_ORDER_RELEVANCE => {
            Sort::Relevance
        }
        pb::SortOrder::SORT_ORDER_PRICE_UP => Sort::PriceUp,
        pb::SortOrder::SORT_ORDER_PRICE_DOWN => Sort::PriceDown,
        pb::SortOrder::SORT_ORDER_RATING => Sort::Rating,
        pb::SortOrder::SORT_ORDER_NAME => Sort::Name,
        pb::SortOrder::SORT_ORDER_NEWEST => Sort::Newest,
    }
}

/// A request to sell an item, with nothing of its caller filled in.
pub fn new_item_message<'i>(item: &NewItem<&'i str>) -> pb::SellItemRequest<'i> {
    let NewItem { fields, quantity, price } = *item;
    let ItemFields { name, category, description } = fields;
    pb::SellItemRequest {
        uuid: Cow::Borrowed(""),
        address: Cow::Borrowed(""),
        request_id: 0,
        name: name.into(),
        category: category_message(Some(category)),
        quantity,
        description: description.into(),
        price_cents: price.minor(),
    }
}

/// The item of a request to sell it; none when it has no category.
pub fn new_item<'m>(message: &pb::SellItemRequest<'m>) -> Option<NewItem<&'m str>> {
    let pb::SellItemRequest {
        uuid: _,
        address: _,
        request_id: _,
        name,
        category: of_item,
        quantity,
        description,
        price_cents,
    } = message;
    let (name, description) = (text(name), text(description));
    let fields = ItemFields { name, category: category(*of_item)?, description };
    Some(NewItem { fields, quantity: *quantity, price: Money::from_minor(*price_cents) })
}

pub fn item_message<'v>(item: &ItemView<&'v str>) -> pb::Item<'v> {
    let ItemView { id, fields, price, quantity, rating, seller } = *item;
    let ItemFields { name, category, description } = fields;
    pb::Item {
        id: id.0,
        name: name.into(),
        category: category_message(Some(category)),
        description: description.into(),
        price_cents: price.minor(),
        quantity,
        seller_address: seller.into(),
        rating_count: rating.count,
        rating_sum: rating.stars,
    }
}

/// An item of a response. A category that is newer than this client is one of the others.
pub fn item(message: pb::Item<'_>) -> ItemView<String> {
    let pb::Item {
        id,
        name,
        category: of_item,
        description,
        price_cents,
        quantity,
        seller_address,
        rating_count,
        rating_sum,
    } = message;
    ItemView {
        id: ItemId(id),
        fields: ItemFields {
            name: name.into_owned(),
            category: category(of_item).unwrap_or(Category::Others),
            description: description.into_owned(),
        },
        price: Money::from_minor(price_cents),
        quantity,
        rating: Rating { stars: rating_sum, count: rating_count },
        seller: seller_address.into_owned(),
    }
}

pub fn order_message<'v>(order: &OrderView<&'v str>) -> pb::Order<'v> {
    let OrderView { id, item, name, quantity, unit_price, total, buyer, seller, at_ms } = *order;
    pb::Order {
        id: id.0,
        item_id: item.0,
        item_name: name.into(),
        quantity,
        price_cents: unit_price.minor(),
        total_cents: total.minor(),
        seller_address: seller.into(),
        buyer_address: buyer.into(),
        ordered_at_ms: at_ms,
    }
}

pub fn order(message: pb::Order<'_>) -> OrderView<String> {
    OrderView {
        id: OrderId(message.id),
        item: ItemId(message.item_id),
        name: message.item_name.into_owned(),
        quantity: message.quantity,
        unit_price: Money::from_minor(message.price_cents),
        total: Money::from_minor(message.total_cents),
        buyer: message.buyer_address.into_owned(),
        seller: message.seller_address.into_owned(),
        at_ms: message.ordered_at_ms,
    }
}

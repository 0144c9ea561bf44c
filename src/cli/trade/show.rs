//! Items and orders as text.

use std::fmt::Write as _;

use crate::market::client::{Item, Order};
use crate::market::print::{Card, OrderText};

/// Items, each between its two lines.
pub(in crate::cli) fn cards<'a>(items: impl IntoIterator<Item = &'a Item>) -> String {
    lines(items.into_iter().map(|item| Card(&item.view()).to_string()))
}

/// Orders.
pub(in crate::cli) fn entries<'a>(orders: impl IntoIterator<Item = &'a Order>) -> String {
    lines(orders.into_iter().map(|order| OrderText(&order.view()).to_string()))
}

fn lines(parts: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for part in parts {
        let separator = if text.is_empty() { "" } else { "\n" };
        // Writing to a String does not fail.
        let _ = write!(text, "{separator}{part}");
    }
    text
}

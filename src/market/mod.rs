//! The market: sellers, buyers, items, orders.

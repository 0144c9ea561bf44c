//! Views of the market in the format of the naive model.

use agora::market::state::{EventView, ItemFields, ItemView, OrderView};

/// An item's card in one line.
pub fn card(item: &ItemView<&str>) -> String {
    let ItemView { id, fields, price, quantity, rating, seller } = item;
    let ItemFields { name, category: _, description } = fields;
    let (price, stars, count) = (price.minor(), rating.stars, rating.count);
    format!("{id} {price} {name}|{description} {quantity} {stars}/{count} {seller}")
}

/// The content of a notification.
pub fn event_line(event: &EventView<&str>) -> String {
    match event {
        EventView::Updated { item, previous_price, previous_quantity } => {
            format!("updated {} was {} {previous_quantity}", card(item), previous_price.minor())
        }
        EventView::Deleted(item) => format!("deleted {}", card(item)),
        EventView::Sold(order) => format!("sold {}", order.id),
    }
}

/// Orders, one a line.
pub fn lines(orders: &[OrderView<&str>]) -> Vec<String> {
    let line = |order: &OrderView<&str>| {
        let OrderView { id, item, name, quantity, unit_price, total, buyer, seller, .. } = order;
        assert_eq!(total.minor(), unit_price.minor() * u64::from(*quantity));
        format!("{id} {item} {name} {quantity} {} {:?}", unit_price.minor(), [buyer, seller])
    };
    orders.iter().map(line).collect()
}

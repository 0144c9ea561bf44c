//! What a market shows, in the words of the naive model.

use agora::market::state::{EventView, ItemView, OrderView};

/// An item's card in one line.
pub fn card(item: &ItemView<'_>) -> String {
    let ItemView { id, price, name, description, quantity, rating, seller, .. } = item;
    let (price, stars, count) = (price.minor(), rating.stars, rating.count);
    format!("{id} {price} {name}|{description} {quantity} {stars}/{count} {seller}")
}

/// What a notification says.
pub fn told(news: &EventView<'_>) -> String {
    match news {
        EventView::Updated { item, previous_price, previous_quantity } => {
            format!("updated {} was {} {previous_quantity}", card(item), previous_price.minor())
        }
        EventView::Deleted(item) => format!("deleted {}", card(item)),
        EventView::Sold(order) => format!("sold {}", order.id),
    }
}

/// Orders, one a line.
pub fn lines(orders: &[OrderView<'_>]) -> Vec<String> {
    let line = |order: &OrderView<'_>| {
        let OrderView { id, item, name, quantity, unit_price, total, buyer, seller, .. } = order;
        assert_eq!(total.minor(), unit_price.minor() * u64::from(*quantity));
        format!("{id} {item} {name} {quantity} {} {:?}", unit_price.minor(), [buyer, seller])
    };
    orders.iter().map(line).collect()
}

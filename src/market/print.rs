//! The texts that the market and its clients print: exactly those of the course version.
//!
//! - [`Card`]: an item between two lines of `–`.
//! - [`NotificationText`]: a notification between two lines of `#######`.
//! - [`RequestLine`]: the line that the market prints when a request comes in.
//!
//! Texts of clients are printed through [`Escaped`], so that no text can move the cursor of a
//! terminal or forge a second line, whether or not it was checked before.

use std::fmt;

use super::state::{Action, Category, EventView, ItemFields, ItemId, ItemView, OrderView};
use crate::text::printable;

/// The line above and below a card.
const CARD_EDGE: &str = "\u{2013}";

/// The line above and below a notification.
const NOTICE_EDGE: &str = "#######";

/// Characters of a UUID that are shown: the whole is a credential.
const UUID_SHOWN: usize = 8;

/// A text of a client on one line: hidden characters are escaped.
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.0))
    }
}

/// An item as lists and searches show it, without a newline at the end.
pub struct Card<'a>(pub &'a ItemView<&'a str>);

impl fmt::Display for Card<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{CARD_EDGE}\n{}\n{CARD_EDGE}", CardLines(self.0))
    }
}

/// The four lines of a card.
struct CardLines<'a>(&'a ItemView<&'a str>);

impl fmt::Display for CardLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ItemView { id, fields, price, quantity, rating, seller } = self.0;
        let ItemFields { name, category, description } = fields;
        writeln!(
            f,
            "Item ID: {id}, Price: {price}, Name: {}, Category: {},",
            Escaped(name),
            category.name()
        )?;
        writeln!(f, "Description: {}", Escaped(description))?;
        writeln!(f, "Quantity Remaining: {quantity}")?;
        write!(f, "Rating: {rating} | Seller: {}", Escaped(seller))
    }
}

/// A notification as watchers show it, without a newline at the end.
pub struct NotificationText<'a>(pub &'a EventView<&'a str>);

impl fmt::Display for NotificationText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{NOTICE_EDGE}")?;
        match self.0 {
            EventView::Updated { item, .. } => {
                write!(f, "The Following Item has been updated:\n{}", CardLines(item))?;
            }
            EventView::Deleted(item) => {
                write!(f, "The Following Item has been deleted:\n{}", CardLines(item))?;
            }
            EventView::Sold(order) => {
                write!(f, "The Following Item has been sold:\n{}", OrderText(order))?
            }
        }
        write!(f, "\n{NOTICE_EDGE}")
    }
}

/// An order as the lists of buyers and sellers show it: two lines, without a newline at the end.
pub struct OrderText<'a>(pub &'a OrderView<&'a str>);

impl fmt::Display for OrderText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OrderView { id, item, name, quantity, unit_price, total, buyer, seller, .. } = self.0;
        writeln!(f, "Order ID: {id}, Item ID: {item}, Name: {},", Escaped(name))?;
        write!(
            f,
            "Quantity: {quantity}, Price: {unit_price}, Total: {total} | Buyer: {}, Seller: {}",
            Escaped(buyer),
            Escaped(seller)
        )
    }
}

/// A request, for the line that the market prints about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// A command; the line of RegisterSeller has the beginning of this UUID.
    Command(&'a Action<'a>, &'a str),
    /// A search for this text in this category.
    Search(&'a str, Option<Category>),
    /// A rating that was refused, and why. One that counts is a command.
    NotRated(ItemId, &'a str),
    /// One item.
    Item(ItemId),
    /// A seller's own items.
    SellerItems,
    /// A wishlist.
    Wishlist,
    /// A buyer's orders.
    BuyerOrders,
    /// A seller's orders.
    SellerOrders,
    /// A stream of notifications.
    Watch,
}

/// The line that the market prints when a request comes in.
pub struct RequestLine<'a> {
    /// The caller's address.
    pub address: &'a str,
    /// What came in.
    pub request: Request<'a>,
}

impl fmt::Display for RequestLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = Escaped(self.address);
        match self.request {
            Request::Command(action, uuid) => command_line(f, &from, action, uuid),
            Request::Search(text, category) => {
                let text = if text.trim().is_empty() { "<empty>" } else { text };
                let category = category.map_or("ANY", Category::keyword);
                write!(f, "Search request for Item name: {}, Category: {category}.", Escaped(text))
            }
            Request::NotRated(item, why) => {
                write!(f, "{from} did not rate item {item}: {}", Escaped(why))
            }
            Request::Item(item) => write!(f, "Item {item} request from {from}"),
            Request::SellerItems => write!(f, "Display Items request from {from}"),
            Request::Wishlist => write!(f, "Display Wishlist request from {from}"),
            Request::BuyerOrders => write!(f, "Display Orders request from {from}"),
            Request::SellerOrders => write!(f, "Display Sales request from {from}"),
            Request::Watch => write!(f, "Notifications request from {from}"),
        }
    }
}

fn command_line(
    f: &mut fmt::Formatter<'_>,
    from: &Escaped<'_>,
    action: &Action<'_>,
    uuid: &str,
) -> fmt::Result {
    match action {
        Action::RegisterSeller => {
            let shown = uuid.char_indices().nth(UUID_SHOWN).map_or(uuid, |(end, _)| &uuid[..end]);
            write!(f, "Seller join request from {from}, uuid = {}", Escaped(shown))
        }
        Action::RegisterBuyer => write!(f, "Buyer join request from {from}"),
        Action::SellItem(_) => write!(f, "Sell Item request from {from}"),
        Action::UpdateItem { item, .. } => write!(f, "Update Item {item} request from {from}"),
        Action::DeleteItem { item } => write!(f, "Delete Item {item} request from {from}"),
        Action::BuyItem { item, quantity, .. } => {
            write!(f, "Buy request {quantity} of item {item}, from {from}")
        }
        Action::AddToWishList { item } => write!(f, "Wishlist request of item {item}, from {from}"),
        Action::RemoveFromWishList { item } => {
            write!(f, "Wishlist removal of item {item}, from {from}")
        }
        Action::RateItem { item, stars } => {
            write!(f, "{from} rated item {item} with {stars} stars.")
        }
        Action::Acknowledge { up_to_id } => {
            write!(f, "Acknowledgement up to notification {up_to_id}, from {from}")
        }
    }
}

/// What clients print: a success, or a refusal with its reason.
pub struct Outcome<'a, E>(pub &'a Result<(), E>);

impl<E: fmt::Display> fmt::Display for Outcome<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ok(()) => f.write_str("SUCCESS"),
            Err(reason) => write!(f, "FAIL: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::price::Money;
    use crate::market::state::{Error, NewItem, OrderId, Rating};

    const PHONE: ItemView<&str> = ItemView {
        id: ItemId(1),
        price: Money::from_minor(50_000),
        fields: ItemFields {
            name: "iPhone",
            category: Category::Electronics,
            description: "This is iPhone 15.",
        },
        quantity: 5,
        rating: Rating { stars: 13, count: 3 },
        seller: "192.13.188.178:50051",
    };

    #[test]
    fn a_card_is_that_of_the_course_version() {
        let card = "\
\u{2013}
Item ID: 1, Price: $500, Name: iPhone, Category: Electronics,
Description: This is iPhone 15.
Quantity Remaining: 5
Rating: 4.3 / 5 | Seller: 192.13.188.178:50051
\u{2013}";
        assert_eq!(Card(&PHONE).to_string(), card);
    }

    #[test]
    fn an_unrated_item_is_shown_as_unrated() {
        let card = Card(&ItemView { rating: Rating::NONE, ..PHONE }).to_string();
        assert!(card.contains("\nRating: unrated | Seller: 192.13.188.178:50051\n"), "{card}");
    }

    #[test]
    fn a_notification_is_that_of_the_course_version() {
        let notice = "\
#######
The Following Item has been updated:
Item ID: 1, Price: $500, Name: iPhone, Category: Electronics,
Description: This is iPhone 15.
Quantity Remaining: 5
Rating: 4.3 / 5 | Seller: 192.13.188.178:50051
#######";
        let (previous_price, previous_quantity) = (PHONE.price, 0);
        let updated = EventView::Updated { item: PHONE, previous_price, previous_quantity };
        assert_eq!(NotificationText(&updated).to_string(), notice);
        let deleted = NotificationText(&EventView::Deleted(PHONE)).to_string();
        assert_eq!(deleted, notice.replace("updated", "deleted"));
    }

    #[test]
    fn the_notification_of_a_sale_has_the_order() {
        let order = OrderView {
            id: OrderId(12),
            item: ItemId(1),
            name: "iPhone",
            quantity: 2,
            unit_price: Money::from_minor(49_999),
            total: Money::from_minor(99_998),
            buyer: "120.13.188.178:50051",
            seller: "192.13.188.178:50051",
            at_ms: 0,
        };
        let notice = "\
#######
The Following Item has been sold:
Order ID: 12, Item ID: 1, Name: iPhone,
Quantity: 2, Price: $499.99, Total: $999.98 | Buyer: 120.13.188.178:50051, Seller: \
192.13.188.178:50051
#######";
        assert_eq!(NotificationText(&EventView::Sold(order)).to_string(), notice);
    }

    #[test]
    fn the_lines_of_commands_are_those_of_the_course_version() {
        let item = ItemId(3);
        let seller = |action: &Action<'_>| {
            let uuid = "987a515c-a6e5-11ed-906b-76aef1e817c5";
            let request = Request::Command(action, uuid);
            RequestLine { address: "192.13.188.178:50051", request }.to_string()
        };
        let buyer = |action: &Action<'_>| {
            let request = Request::Command(action, "");
            RequestLine { address: "120.13.188.178:50051", request }.to_string()
        };
        let (quantity, price) = (1, Money::from_minor(1));
        let sell = Action::SellItem(NewItem { fields: PHONE.fields, quantity, price });
        let update = Action::UpdateItem { item, price: None, quantity: Some(1) };
        let buy = Action::BuyItem { item, quantity: 1, max_price: None };
        for (line, expected) in [
            (
                seller(&Action::RegisterSeller),
                "Seller join request from 192.13.188.178:50051, uuid = 987a515c",
            ),
            (seller(&sell), "Sell Item request from 192.13.188.178:50051"),
            (seller(&update), "Update Item 3 request from 192.13.188.178:50051"),
            (
                seller(&Action::DeleteItem { item }),
                "Delete Item 3 request from 192.13.188.178:50051",
            ),
            (buyer(&buy), "Buy request 1 of item 3, from 120.13.188.178:50051"),
            (
                buyer(&Action::AddToWishList { item }),
                "Wishlist request of item 3, from 120.13.188.178:50051",
            ),
            (
                buyer(&Action::RateItem { item, stars: 4 }),
                "120.13.188.178:50051 rated item 3 with 4 stars.",
            ),
        ] {
            assert_eq!(line, expected);
        }
    }

    #[test]
    fn the_lines_of_reads_are_those_of_the_course_version() {
        let line = |request| RequestLine { address: "10.0.0.1:50051", request }.to_string();
        let search = |text, category| line(Request::Search(text, category));
        assert_eq!(search("", None), "Search request for Item name: <empty>, Category: ANY.");
        assert_eq!(
            search("iPhone", Some(Category::Electronics)),
            "Search request for Item name: iPhone, Category: ELECTRONICS."
        );
        assert_eq!(line(Request::SellerItems), "Display Items request from 10.0.0.1:50051");
    }

    #[test]
    fn no_text_forges_a_line_or_moves_the_cursor() {
        let request = Request::Search("a\nBuy request\u{1b}[2J", None);
        assert_eq!(
            RequestLine { address: "", request }.to_string(),
            "Search request for Item name: a\\u{a}Buy request\\u{1b}[2J, Category: ANY."
        );
        let uuid = "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}";
        let request = Request::Command(&Action::RegisterSeller, uuid);
        let line = RequestLine { address: "x", request }.to_string();
        assert_eq!(line.matches('\u{e9}').count(), 8, "eight characters, not bytes");
    }

    #[test]
    fn a_refusal_is_printed_with_its_reason() {
        assert_eq!(Outcome(&Ok::<(), Error>(())).to_string(), "SUCCESS");
        assert_eq!(Outcome(&Err(Error::OnlyLeft(2))).to_string(), "FAIL: only 2 left");
    }
}

//! The usual first trial of the course version: a market, two sellers, two buyers, and every call.

use crate::process::{Market, Traders};

#[test]
fn two_sellers_and_two_buyers_go_through_every_call() {
    let market = Market::new();
    let all = Traders::at(&market.address);
    let (one, two) = ("192.13.188.178:50051", "192.13.188.179:50051");
    let seller = |name: &str, address: &str, words: &[&str]| {
        all.good("seller", name, &[&["--address", address], words].concat())
    };
    assert_eq!(seller("s1", one, &["register"]), "SUCCESS\n");
    assert_eq!(seller("s2", two, &["register"]), "SUCCESS\n");
    let iphone = ["sell", "iPhone", "electronics", "5", "500", "This is iPhone 15."];
    assert_eq!(seller("s1", one, &iphone), "SUCCESS\nItem ID: 1\n");
    let shirt =
        ["sell", "--name", "Shirt", "--price", "19.99", "--quantity", "3", "--category", "FASHION"];
    assert_eq!(seller("s2", two, &shirt), "SUCCESS\nItem ID: 2\n");

    let card = |price: &str, left: u32, rating: &str| {
        format!(
            "\u{2013}\nItem ID: 1, Price: {price}, Name: iPhone, Category: Electronics,\n\
             Description: This is iPhone 15.\nQuantity Remaining: {left}\n\
             Rating: {rating} | Seller: {one}\n\u{2013}\n"
        )
    };
    let buyer = |name: &str, words: &[&str]| all.good("buyer", name, words);
    assert_eq!(buyer("b1", &["search", "iphone"]), card("$500", 5, "unrated"));
    assert_eq!(buyer("b1", &["search", "--category", "fashion"]).matches("Item ID").count(), 1);
    assert_eq!(buyer("b1", &["search"]).matches("Item ID").count(), 2);
    assert_eq!(buyer("b1", &["wish", "1"]), "SUCCESS\n");
    assert_eq!(buyer("b2", &["wish", "1"]), "SUCCESS\n");
    assert!(buyer("b2", &["buy", "1", "2"]).starts_with("SUCCESS\n"));
    assert_eq!(all.refused("buyer", "b1", &["buy", "1", "4"]), "only 3 left");
    assert_eq!(seller("s1", one, &["update", "1", "--price", "499.99"]), "SUCCESS\n");
    assert_eq!(buyer("b1", &["rate", "1", "4"]), "SUCCESS\n");
    assert_eq!(buyer("b2", &["rate", "1", "5"]), "SUCCESS\n");
    assert_eq!(seller("s1", one, &["items"]), card("$499.99", 3, "4.5 / 5"));

    let told = card("$499.99", 3, "unrated").replace('\u{2013}', "#######").replacen(
        "#######\n",
        "#######\nThe Following Item has been updated:\n",
        1,
    );
    for name in ["b1", "b2"] {
        assert_eq!(buyer(name, &["watch", "--count", "1", "--timeout", "20"]), told);
    }
    let sold = seller("s1", one, &["watch", "--count", "1", "--timeout", "20"]);
    assert!(sold.contains("The Following Item has been sold:\nOrder ID: 1, Item ID: 1"), "{sold}");

    assert_eq!(buyer("b1", &["wishlist"]), card("$499.99", 3, "4.5 / 5"));
    assert_eq!(buyer("b1", &["unwish", "1"]), "SUCCESS\n");
    assert_eq!(seller("s2", two, &["delete", "2"]), "SUCCESS\n");
    assert_eq!(all.refused("buyer", "b1", &["buy", "2", "1"]), "there is no item 2");

    let lines = market.end();
    for line in [
        "Sell Item request from 192.13.188.178:50051",
        "Search request for Item name: <empty>, Category: ANY.",
        "Buy request 2 of item 1, from b2",
        "Wishlist request of item 1, from b1",
        "Update Item 1 request from 192.13.188.178:50051",
        "b1 rated item 1 with 4 stars.",
        "Display Items request from 192.13.188.178:50051",
        "Delete Item 2 request from 192.13.188.179:50051",
    ] {
        assert!(lines.iter().any(|printed| printed == line), "{line:?} is not in {lines:#?}");
    }
    let join = "Seller join request from 192.13.188.178:50051, uuid = ";
    let shown = lines.iter().find_map(|line| line.strip_prefix(join)).unwrap();
    assert_eq!(shown.len(), 8, "no more than 8 characters of a credential: {shown}");
}

//! `agora seller`: sells items, changes them, and watches sales.

use super::Failure;
use super::trade::{self, Role, Trader, Verb, item_id, number, print_line, refused};
use crate::market::client::NewItem;
use crate::market::price::Money;
use crate::market::print::Escaped;
use crate::market::state::{Category, ItemFields};

static SELLER: Role = Role {
    name: "seller",
    verbs: &[
        Verb {
            name: "register",
            words: "",
            about: "open an account as a seller, once",
            run: register,
        },
        Verb {
            name: "sell",
            words: "NAME CATEGORY QUANTITY PRICE [DESCRIPTION]",
            about: "put an item on sale; with --file FILE many",
            run: sell,
        },
        Verb {
            name: "update",
            words: "ID [--price PRICE] [--quantity N]",
            about: "change price, stock or both",
            run: update,
        },
        Verb { name: "delete", words: "ID", about: "take an item off the market", run: delete },
        Verb { name: "items", words: "", about: "list the items on sale", run: items },
        Verb { name: "orders", words: "", about: "list what was sold, newest first", run: orders },
        Verb {
            name: "watch",
            words: "[--count N] [--timeout SECONDS]",
            about: "show sales as they happen",
            run: watch,
        },
    ],
};

/// Runs the subcommand.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    trade::run(&SELLER, arguments)
}

fn register(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    trader.words("register", words, 0)?;
    trader.client()?.register_seller().map_err(|status| refused(&status))?;
    print_line("SUCCESS")
}

fn sell(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    let parsed = trader
        .flags("sell")
        .value("name", "instead of the first word", "TEXT")
        .value("category", "electronics, fashion or others", "CATEGORY")
        .value("quantity", "how many there are", "N")
        .value("price", "of one: 500 or 499.99", "PRICE")
        .value("description", "a description", "TEXT")
        .value("file", "sell all items of a file: one a line, its words separated by tabs", "FILE")
        .parse(words)?;
    if let Some(file) = parsed.text("file") {
        parsed.no_arguments()?;
        return sell_file(trader, &file);
    }
    let mut free = parsed.free().iter().cloned();
    let mut next = |name| parsed.text(name).or_else(|| free.next());
    let mut needed = |name| next(name).ok_or_else(|| parsed.wrong(format!("no {name} given")));
    let (name, category) = (needed("name")?, needed("category")?);
    let (quantity, price) = (needed("quantity")?, needed("price")?);
    let description = next("description").unwrap_or_default();
    if let Some(word) = free.next() {
        return Err(parsed.wrong(format!("unexpected argument {word:?}")));
    }
    let fields = [name, category, quantity, price, description];
    let item = new_item(&fields).map_err(|reason| parsed.wrong(reason))?;
    let id = trader.client()?.sell(&item).map_err(|status| refused(&status))?;
    print_line(&format!("SUCCESS\nItem ID: {id}"))
}

/// An item from its words: name, category, quantity, price, description.
fn new_item(fields: &[String; 5]) -> Result<NewItem, String> {
    let [name, category, quantity, price, description] = fields;
    let found = Category::ALL.into_iter().find(|c| c.keyword().eq_ignore_ascii_case(category));
    let fields = ItemFields {
        name: name.clone(),
        category: found.ok_or_else(|| {
            format!("{category:?} is not a category: electronics, fashion or others")
        })?,
        description: description.clone(),
    };
    Ok(NewItem {
        fields,
        quantity: number(quantity, "a quantity")
            .map_err(|_| format!("{quantity:?} is not a quantity: a number above zero"))?,
        price: price.parse::<Money>().map_err(|error| format!("{price:?}: {error}"))?,
    })
}

/// Sells every line of a file. All lines are checked before the first is sold; the first error
/// stops it.
fn sell_file(trader: &Trader, file: &str) -> Result<(), Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::because(file, error))?;
    let at =
        |line: usize, reason: String| Failure::Failed(format!("FAIL: {file}:{line}: {reason}"));
    let mut items = Vec::new();
    for (line, words) in (1..).zip(text.lines()) {
        if words.trim().is_empty() || words.starts_with('#') {
            continue;
        }
        let fields: Vec<String> = words.split('\t').map(str::to_owned).collect();
        let fields: [String; 5] = fields.try_into().map_err(|fields: Vec<String>| {
            at(line, format!("expected 5 words with tabs between, found {}", fields.len()))
        })?;
        items.push((line, new_item(&fields).map_err(|reason| at(line, reason))?));
    }
    for (sold, (line, item)) in items.iter().enumerate() {
        trader.client()?.sell(item).map_err(|status| {
            let reason = Escaped(&status.message);
            at(*line, format!("{reason} ({sold} sold before it)"))
        })?;
    }
    print_line(&format!("SUCCESS\nItems: {}", items.len()))
}

fn update(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    let parsed = trader
        .flags("update")
        .value("price", "the new price of one: 500 or 499.99", "PRICE")
        .value("quantity", "the new quantity", "N")
        .parse(words)?;
    let [id] = parsed.free() else { return Err(parsed.wrong("update takes one item ID")) };
    let id = item_id(id)?;
    let price = match parsed.text("price") {
        Some(_) => Some(parsed.parsed("price", Money::ZERO)?),
        None => None,
    };
    let quantity = match parsed.text("quantity") {
        Some(text) => Some(trade::parse_digits(&text).ok_or_else(|| {
            parsed.wrong(format!(
                "--quantity {text:?}: expected digits alone, how many there are from now on"
            ))
        })?),
        None => None,
    };
    if price.is_none() && quantity.is_none() {
        return Err(parsed.wrong("neither --price nor --quantity is given"));
    }
    trader.client()?.update(id, price, quantity).map_err(|status| refused(&status))?;
    print_line("SUCCESS")
}

fn delete(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    let words = trader.words("delete", words, 1)?;
    trader.client()?.delete(item_id(&words[0])?).map_err(|status| refused(&status))?;
    print_line("SUCCESS")
}

fn items(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    trader.words("items", words, 0)?;
    let client = trader.client()?;
    trade::all_pages("no items", |token| client.seller_items(token), |page| trade::cards(page))
}

fn orders(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    trader.words("orders", words, 0)?;
    let client = trader.client()?;
    trade::all_pages("no orders", |token| client.seller_orders(token), |page| trade::entries(page))
}

fn watch(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    trade::watch(trader, words, |client| client.seller_orders("").map(drop))
}

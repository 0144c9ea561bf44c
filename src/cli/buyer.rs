//! `agora buyer`: searches, buys, wishes and rates.

use super::Failure;
use super::trade::{self, Role, Trader, Verb, item_id, number, print_line, print_note, refused};
use crate::market::client::Search;
use crate::market::price::Money;
use crate::market::print::{Card, Escaped, OrderText};
use crate::market::state::{Category, Sort};

static BUYER: Role = Role {
    name: "buyer",
    verbs: &[
        Verb {
            name: "search",
            words: "[WORD...]",
            about: "find items by words and prefixes such as iph*; all without a word",
            run: search,
        },
        Verb { name: "show", words: "ID", about: "show one item", run: show },
        Verb {
            name: "buy",
            words: "ID [N]",
            about: "buy N pieces (default 1), at --max-price each at most",
            run: buy,
        },
        Verb {
            name: "wish",
            words: "ID",
            about: "get notifications of an item's updates",
            run: wish,
        },
        Verb { name: "unwish", words: "ID", about: "stop these notifications", run: unwish },
        Verb { name: "wishlist", words: "", about: "list the wished items", run: wishlist },
        Verb { name: "rate", words: "ID STARS", about: "rate an item, once, 1 to 5", run: rate },
        Verb { name: "orders", words: "", about: "list purchases, newest first", run: orders },
        Verb {
            name: "watch",
            words: "[--count N] [--timeout SECONDS]",
            about: "show updates of wished items as they happen",
            run: watch,
        },
    ],
};

/// The values of `--sort`.
const SORTS: [(&str, Sort); 6] = [
    ("relevance", Sort::Relevance),
    ("cheapest", Sort::PriceUp),
    ("dearest", Sort::PriceDown),
    ("rating", Sort::Rating),
    ("name", Sort::Name),
    ("newest", Sort::Newest),
];

/// Runs the subcommand.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    trade::run(&BUYER, arguments)
}

fn search(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    let sorts = SORTS.map(|(name, _)| name).join(", ");
    let parsed = trader
        .flags("search")
        .value("category", "electronics, fashion, others or any (default any)", "CATEGORY")
        .value("sort", &format!("{sorts} (default relevance)"), "ORDER")
        .value("limit", "items on a page (default 20)", "N")
        .value("page", "the next page; the last line of a page has its token", "TOKEN")
        .parse(words)?;
    let category = match parsed.text("category") {
        None => None,
        Some(word) if word.eq_ignore_ascii_case("any") => None,
        Some(word) => Some(
            Category::ALL
                .into_iter()
                .find(|category| category.keyword().eq_ignore_ascii_case(&word))
                .ok_or_else(|| parsed.wrong(format!("{word:?} is not a category")))?,
        ),
    };
    let sort = match parsed.text("sort") {
        None => Sort::Relevance,
        Some(word) => SORTS
            .into_iter()
            .find_map(|(name, sort)| (name == word).then_some(sort))
            .ok_or_else(|| parsed.wrong(format!("{word:?} is not an order: {sorts}")))?,
    };
    let wanted = Search {
        words: parsed.free().join(" "),
        category,
        sort,
        page_size: parsed.number("limit", 20, 1..=100)? as u32,
        page_token: parsed.text("page").unwrap_or_default(),
    };
    let found = trader.client()?.search(&wanted).map_err(|status| refused(&status))?;
    if !found.items.is_empty() {
        print_line(&trade::cards(&found.items))?;
    }
    if found.next.is_empty() {
        print_note(&format!("{} found", found.total));
    } else {
        let next = Escaped(&found.next);
        print_note(&format!("{} found; more with --page {next}", found.total));
    }
    Ok(())
}

fn show(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    let words = trader.words("show", words, 1)?;
    let item = trader.client()?.item(item_id(&words[0])?).map_err(|status| refused(&status))?;
    print_line(&Card(&item.view()).to_string())
}

fn buy(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    let parsed = trader
        .flags("buy")
        .value("max-price", "refuse to pay more than this for one", "PRICE")
        .parse(words)?;
    let (id, quantity) = match parsed.free() {
        [id] => (item_id(id)?, 1),
        [id, quantity] => (item_id(id)?, number(quantity, "a quantity")?),
        _ => return Err(parsed.wrong("buy takes an item ID and a quantity")),
    };
    let max_price = match parsed.text("max-price") {
        Some(_) => Some(parsed.parsed("max-price", Money::ZERO)?),
        None => None,
    };
    if max_price == Some(Money::ZERO) {
        return Err(parsed.wrong("--max-price 0: nothing is sold for $0, the least is 0.01"));
    }
    let order = trader.client()?.buy(id, quantity, max_price).map_err(|status| refused(&status))?;
    print_line(&format!("SUCCESS\n{}", OrderText(&order.view())))
}

fn wish(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    let words = trader.words("wish", words, 1)?;
    trader.client()?.wish(item_id(&words[0])?).map_err(|status| refused(&status))?;
    print_line("SUCCESS")
}

fn unwish(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    let words = trader.words("unwish", words, 1)?;
    trader.client()?.unwish(item_id(&words[0])?).map_err(|status| refused(&status))?;
    print_line("SUCCESS")
}

fn wishlist(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    trader.words("wishlist", words, 0)?;
    let client = trader.client()?;
    trade::all_pages("no items", |token| client.wish_list(token), |page| trade::cards(page))
}

fn rate(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    let words = trader.words("rate", words, 2)?;
    let (id, stars) = (item_id(&words[0])?, number(&words[1], "a number of stars")?);
    trader.client()?.rate(id, stars).map_err(|status| refused(&status))?;
    print_line("SUCCESS")
}

fn orders(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    trader.words("orders", words, 0)?;
    let client = trader.client()?;
    trade::all_pages("no orders", |token| client.buyer_orders(token), |page| trade::entries(page))
}

/// Registers first: then no other account can take the address, and a buyer can watch before the
/// first purchase.
fn watch(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    trade::watch(trader, words, |client| client.register_buyer())
}

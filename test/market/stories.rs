//! Recorded stories of trading days: the commands, the lines that the market prints, and the output
//! of the client. The files are in `stories/`:
//!
//! ```text
//! # A comment.
//! > ADDRESS [REQUEST ID] COMMAND ARGUMENTS
//! Buy request 1 of item 3, from ADDRESS        the market's line
//! SUCCESS: order 1 for $500                    the client's
//! ```
//!
//! `NAME as ADDRESS` is a caller whose identity is not that of the address. A line `! mailbox 3` at
//! the top bounds the mailboxes. After an intended change, `AGORA_BLESS=1 cargo test --test market`
//! writes the new output into the stories, so that the difference can be reviewed.

use std::fmt::Write;
use std::path::Path;

use agora::market::print::{Card, NotificationText, OrderText, Outcome, Request, RequestLine};
use agora::market::state::{
    Action, Caller, Category, Error, ItemFields, ItemId, ItemView, Limits, NewItem, OrderView,
    Query, Reply, Sort,
};

use crate::trial::{Trial, identity, request};

#[test]
fn every_story_has_the_recorded_outcome() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/market/stories");
    let bless = std::env::var_os("AGORA_BLESS").is_some();
    let mut told = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let story = std::fs::read_to_string(&path).unwrap();
        let happened = retell(&story);
        if bless {
            std::fs::write(&path, &happened).unwrap();
        }
        assert!(bless || story == happened, "{}", difference(&path, &story, &happened));
        told += 1;
    }
    assert!(told >= 5, "only {told} stories found");
}

/// The first line that differs from the story.
fn difference(path: &Path, story: &str, happened: &str) -> String {
    let lines = story.lines().zip(happened.lines());
    let same = lines.take_while(|(told, new)| told == new).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("(the end)").to_owned();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "{name}, line {}:\n  told:     {}\n  happened: {}",
        same + 1,
        line(story),
        line(happened)
    )
}

/// The story with the present output of its commands.
fn retell(story: &str) -> String {
    let mut limits = Limits::DEFAULT;
    let bound = story.lines().find_map(|line| line.strip_prefix("! mailbox "));
    if let Some(bound) = bound {
        limits.max_mailbox = bound.parse().unwrap();
    }
    let mut teller = Teller { trial: Trial::new(limits) };
    let mut happened = String::new();
    let mut in_output = false;
    for line in story.lines() {
        if let Some(command) = line.strip_prefix("> ") {
            writeln!(happened, "{line}\n{}", teller.tell(command)).unwrap();
            in_output = true;
        } else if line.is_empty() || line.starts_with("# ") || line.starts_with("! ") {
            in_output = false;
        }
        if !in_output {
            writeln!(happened, "{line}").unwrap();
        }
    }
    happened
}

struct Teller {
    trial: Trial,
}

impl Teller {
    /// Executes a line. Returns the output, without the last newline.
    fn tell(&mut self, line: &str) -> String {
        let words = split(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (caller, words) = match &words[..] {
            [name, "as", address, rest @ ..] => {
                (Caller { identity: identity(name), address }, rest)
            }
            [address, rest @ ..] => (Caller { identity: identity(address), address }, rest),
            [] => panic!("an empty command"),
        };
        let (id, words) = match words {
            [id, rest @ ..] if id.starts_with('[') => {
                (request(id.trim_matches(['[', ']']).parse().unwrap()), rest)
            }
            _ => (None, words),
        };
        match command(words) {
            Some(action) => {
                let uuid = format!("{:?}-a6e5-11ed-906b-76aef1e817c5", caller.identity);
                let asked = Request::Command(&action, &uuid);
                let line = RequestLine { address: caller.address, request: asked };
                let answer = self.trial.ask_as(caller, id, action);
                format!("{line}\n{}", printed(answer))
            }
            None => self.read(&caller, words),
        }
    }

    fn read(&mut self, caller: &Caller<'_>, words: &[&str]) -> String {
        let market = &self.trial.market;
        let line = |request| RequestLine { address: caller.address, request };
        let (line, shown) = match words {
            ["items"] => {
                let page = market.seller_items(caller, ItemId(0), 0);
                (line(Request::SellerItems), page.map(|page| cards(&page.entries)))
            }
            ["wishlist"] => {
                let page = market.wishlist(caller, ItemId(0), 0);
                (line(Request::Wishlist), page.map(|page| cards(&page.entries)))
            }
            ["orders"] => {
                let page = market.buyer_orders(caller, None, 0);
                (line(Request::BuyerOrders), page.map(|page| entries(&page.entries)))
            }
            ["sales"] => {
                let page = market.seller_orders(caller, None, 0);
                (line(Request::SellerOrders), page.map(|page| entries(&page.entries)))
            }
            ["search", text, options @ ..] => {
                let query = query(text, options);
                let page = market.search(&query);
                let shown = page.map(|page| {
                    let more = page.next_page_token.map_or("", |_| "\n(more)");
                    format!("{} found{}{more}", page.total, prefixed(&cards(&page.items)))
                });
                (line(Request::Search(text, query.category)), shown)
            }
            ["watch"] => return self.watch(caller, true),
            ["peek"] => return self.watch(caller, false),
            _ => panic!("no such command: {words:?}"),
        };
        let shown = shown.unwrap_or_else(|error| Outcome(&Err(error)).to_string());
        if shown.is_empty() { format!("{line}\n(none)") } else { format!("{line}\n{shown}") }
    }

    /// The pending notifications of a caller, acknowledged or not.
    fn watch(&mut self, caller: &Caller<'_>, acknowledge: bool) -> String {
        let mut shown =
            RequestLine { address: caller.address, request: Request::Watch }.to_string();
        let account = match self.trial.market.account(caller) {
            Ok(account) => account,
            Err(error) => return format!("{shown}\n{}", Outcome(&Err(error))),
        };
        let page = self.trial.market.mailbox(account, 0, 0);
        if page.missed > 0 {
            write!(shown, "\n({} missed)", page.missed).unwrap();
        }
        for mail in &page.notifications {
            write!(shown, "\n{}\n{}", mail.id, NotificationText(&mail.event)).unwrap();
        }
        let last = page.notifications.last().map(|mail| mail.id);
        match last {
            None => shown += "\n(none)",
            Some(up_to_id) if acknowledge => {
                self.trial.ask_as(*caller, None, Action::Acknowledge { up_to_id }).unwrap();
            }
            Some(_) => {}
        }
        shown
    }
}

/// The words of a line; double quotes join words.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('"').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

fn command<'a>(words: &[&'a str]) -> Option<Action<'a>> {
    let item = |id: &str| ItemId(id.parse().unwrap());
    let option = |name: &str| words.iter().find_map(|w| w.strip_prefix(name)?.strip_prefix('='));
    Some(match *words {
        ["register"] => Action::RegisterSeller,
        ["join"] => Action::RegisterBuyer,
        ["sell", name, category, quantity, price, description] => Action::SellItem(NewItem {
            fields: ItemFields { name, category: category_named(category)?, description },
            quantity: quantity.parse().unwrap(),
            price: price.parse().unwrap(),
        }),
        ["update", id, ..] => Action::UpdateItem {
            item: item(id),
            price: option("price").map(|price| price.parse().unwrap()),
            quantity: option("quantity").map(|quantity| quantity.parse().unwrap()),
        },
        ["delete", id] => Action::DeleteItem { item: item(id) },
        ["buy", id, quantity, ..] => Action::BuyItem {
            item: item(id),
            quantity: quantity.parse().unwrap(),
            max_price: option("at-most").map(|price| price.parse().unwrap()),
        },
        ["wish", id] => Action::AddToWishList { item: item(id) },
        ["unwish", id] => Action::RemoveFromWishList { item: item(id) },
        ["rate", id, stars] => Action::RateItem { item: item(id), stars: stars.parse().unwrap() },
        _ => return None,
    })
}

fn category_named(name: &str) -> Option<Category> {
    Category::ALL.into_iter().find(|category| category.keyword() == name)
}

fn query<'a>(text: &'a str, options: &[&str]) -> Query<'a> {
    let mut query = Query { text, ..Query::default() };
    for option in options {
        match option.split_once('=') {
            Some(("sort", name)) => {
                let sort = Sort::ALL.into_iter().find(|sort| format!("{sort:?}") == name);
                query.sort = sort.unwrap();
            }
            Some(("page", size)) => query.page_size = size.parse().unwrap(),
            _ => query.category = category_named(option),
        }
    }
    query
}

fn printed(answer: Result<Reply, Error>) -> String {
    let outcome = Outcome(&answer.map(|_| ())).to_string();
    match answer {
        Ok(Reply::Listed(item)) => format!("{outcome}: item {item}"),
        Ok(Reply::Bought { order, total }) => format!("{outcome}: order {order} for {total}"),
        _ => outcome,
    }
}

fn cards(items: &[ItemView<&str>]) -> String {
    let cards: Vec<String> = items.iter().map(|item| Card(item).to_string()).collect();
    cards.join("\n")
}

fn entries(orders: &[OrderView<&str>]) -> String {
    let lines: Vec<String> = orders.iter().map(|order| OrderText(order).to_string()).collect();
    lines.join("\n")
}

fn prefixed(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\n{text}") }
}

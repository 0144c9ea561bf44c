//! How fast searches and purchases are among 1,000,000 items. Measures, so it is ignored by
//! default:
//!
//! ```text
//! cargo test --release --test market -- --ignored --nocapture search_bench
//! ```
//!
//! `AGORA_ITEMS` sets another number of items.

use std::time::{Duration, Instant};

use agora::market::price::Money;
use agora::market::state::{
    Action, Caller, Category, Command, Identity, ItemFields, ItemId, Limits, Market, NewItem,
    Query, Reply, RequestId, Sort,
};

use agora::raft::StateMachine;

use crate::seed::Seed;

const SYLLABLES: [&str; 24] = [
    "ba", "co", "di", "fe", "gu", "ha", "jo", "ki", "le", "mu", "na", "po", "qui", "re", "su",
    "ta", "vo", "wi", "xe", "yu", "za", "sta", "tri", "plo",
];

/// Common words, each in half of the descriptions.
const COMMON: [&str; 2] = ["new", "quality"];

/// Items that cost more than this have the word "luxury": three in a hundred, and the last ones of
/// a search by ascending price.
const DEAR: u64 = 97_000;

/// The slowest page may take this long at the 99th percentile.
const WANTED: Duration = Duration::from_millis(10);

/// A vocabulary of 60,000 words, used as often as natural words are: the n-th 1/n times as often
/// as the first.
struct Vocabulary(Vec<String>);

impl Vocabulary {
    fn new() -> Vocabulary {
        let word = |mut n: usize| {
            let mut word = String::new();
            for _ in 0..4 {
                word.push_str(SYLLABLES[n % SYLLABLES.len()]);
                n /= SYLLABLES.len();
                if n == 0 {
                    break;
                }
            }
            word
        };
        Vocabulary((0..60_000).map(word).collect())
    }

    fn pick(&self, seed: &mut Seed) -> &str {
        // The inverse of 1/n's distribution: e to an even number up to the logarithm of the size.
        let even = (seed.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let rank = (self.0.len() as f64).powf(even) as usize - 1;
        &self.0[rank.min(self.0.len() - 1)]
    }

    fn text(&self, seed: &mut Seed, bytes: usize) -> String {
        let mut text = self.pick(seed).to_owned();
        while text.len() < bytes {
            text.push(' ');
            text.push_str(self.pick(seed));
        }
        text
    }
}

fn caller(number: u8) -> Caller<'static> {
    const NAMES: [&str; 32] = [
        "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13",
        "s14", "s15", "s16", "s17", "s18", "s19", "b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7",
        "b8", "b9", "b10", "b11",
    ];
    let identity = Identity::from_digest([number + 1; 32]).unwrap();
    Caller { identity, address: NAMES[usize::from(number)] }
}

fn apply(market: &mut Market, who: u8, id: Option<u64>, action: Action<'_>) -> Reply {
    let request_id = id.and_then(std::num::NonZeroU64::new).map(RequestId);
    let command = Command { request_id, caller: caller(who), action };
    market.apply(0, &command).unwrap()
}

/// A name, a description and a price in cents for an item to be.
fn offer(seed: &mut Seed, vocabulary: &Vocabulary) -> (String, String, u64) {
    let name = vocabulary.text(seed, 24);
    let mut description = vocabulary.text(seed, 85);
    for word in COMMON {
        if seed.one_in(2) {
            description.push(' ');
            description.push_str(word);
        }
    }
    let price = 1 + seed.next_u64() % 100_000;
    if price > DEAR {
        description.push_str(" luxury");
    }
    (name, description, price)
}

fn catalogue(items: usize, vocabulary: &Vocabulary) -> Market {
    let mut market = Market::new(Limits::DEFAULT);
    let mut seed = Seed::new(1);
    for seller in 0..20 {
        apply(&mut market, seller, None, Action::RegisterSeller);
    }
    let (mut listed, mut listing) = (0, Duration::ZERO);
    while listed < items {
        let batch: Vec<_> = (0..1_000).map(|_| offer(&mut seed, vocabulary)).collect();
        let begin = cpu_time();
        for (name, description, price) in &batch {
            let sell = Action::SellItem(NewItem {
                fields: ItemFields { name, category: *seed.pick(&Category::ALL), description },
                quantity: 1_000_000,
                price: Money::from_minor(*price),
            });
            apply(&mut market, (listed % 20) as u8, None, sell);
            listed += 1;
        }
        listing += cpu_time() - begin;
    }
    println!("listing an item: {:.1?}", listing / listed as u32);
    market
}

/// The processor time of this thread: other processes on the machine do not count.
fn cpu_time() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = schedstat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// The resident memory of this process.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4_096
}

/// Prints percentiles. Returns the 99th.
fn report(name: &str, mut times: Vec<Duration>, found: usize) -> Duration {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let (p50, p99, max) = (at(50), at(99), at(100));
    println!("{name:<44} {found:>9} found {p50:>10.1?} p50 {p99:>10.1?} p99 {max:>10.1?} max");
    p99
}

/// Runs one kind of search with every sort, first pages and following ones.
fn measure(market: &Market, name: &str, query: Query<'_>) -> Duration {
    let mut slowest = Duration::ZERO;
    for sort in Sort::ALL {
        let (mut times, mut token, mut found) = (Vec::new(), String::new(), 0);
        for _ in 0..200 {
            let query = Query { sort, page_size: 20, page_token: &token, ..query };
            let begin = Instant::now();
            let page = market.search(&query).unwrap();
            times.push(begin.elapsed());
            found = page.total;
            token = page.next_page_token.unwrap_or_default();
        }
        slowest = slowest.max(report(&format!("{name}, {sort:?}"), times, found));
    }
    slowest
}

fn purchases(market: &mut Market, items: usize) {
    let mut seed = Seed::new(3);
    let bought = 500_000;
    let begin = cpu_time();
    for n in 0..bought {
        let item = ItemId(1 + seed.below(items) as u32);
        let buy = Action::BuyItem { item, quantity: 1, max_price: None };
        apply(market, 20 + (n % 12) as u8, Some(1 + n / 12), buy);
    }
    let each = (cpu_time() - begin) / bought as u32;
    println!("buying an item at random, with a request id: {each:.1?}");
}

fn changes(market: &mut Market, items: usize) {
    let mut seed = Seed::new(4);
    let count = items.min(20_000);
    let item = |n: usize| ItemId(1 + (n * 7 % items) as u32);
    let begin = cpu_time();
    for n in 0..count {
        let seller = ((item(n).0 - 1) % 20) as u8;
        let price = Some(Money::from_minor(1 + seed.next_u64() % 100_000));
        let update = Action::UpdateItem { item: item(n), price, quantity: None };
        apply(market, seller, None, update);
    }
    println!("a new price: {:.1?}", (cpu_time() - begin) / count as u32);
    let begin = cpu_time();
    for n in 0..count {
        let stars = 1 + seed.below(5) as u32;
        apply(market, 20, None, Action::RateItem { item: item(n), stars });
    }
    println!("a rating: {:.1?}", (cpu_time() - begin) / count as u32);
}

/// The time to write a snapshot and to restore one, without the files.
fn restart(market: &Market) {
    let begin = Instant::now();
    let mut frozen = market.freeze();
    println!("freezing: {:.1?}", begin.elapsed());
    let mut restored = Market::empty();
    let (mut words, mut ends, mut lines) = (Vec::new(), Vec::new(), 0);
    let (begin, mut reading) = (cpu_time(), Duration::ZERO);
    loop {
        words.clear();
        ends.clear();
        let next = frozen.next_line(&mut |word| {
            words.extend_from_slice(word);
            ends.push(words.len());
        });
        if !next {
            break;
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let line: Vec<&[u8]> = starts.zip(&ends).map(|(start, end)| &words[start..*end]).collect();
        restored.restore(&line).unwrap();
        lines += 1;
    }
    reading += cpu_time() - begin;
    let begin = cpu_time();
    StateMachine::restored(&mut restored).unwrap();
    let index = cpu_time() - begin;
    println!("{lines} lines handed over in {reading:.1?}, the rest made in {index:.1?}");
    assert_eq!(restored.audit().faults, [""; 0]);
}

#[test]
#[ignore = "a measurement: run it in release mode"]
fn a_search_among_a_million_items_is_interactive() {
    let items = std::env::var("AGORA_ITEMS").ok().and_then(|text| text.parse().ok());
    let items = items.unwrap_or(1_000_000);
    let vocabulary = Vocabulary::new();
    let before = resident_bytes();
    let mut market = catalogue(items, &vocabulary);
    let each = resident_bytes().saturating_sub(before) / items;
    println!("{items} items, {each} bytes resident each");
    purchases(&mut market, items);
    changes(&mut market, items);

    restart(&market);
    let rare = vocabulary.0[50_000].clone();
    let medium = vocabulary.0[300].clone();
    let fashion = Some(Category::Fashion);
    let electronics = Some(Category::Electronics);
    let mut slowest = Duration::ZERO;
    for (name, text, category) in [
        ("blank", "", None),
        ("a category", "", fashion),
        ("a word in half of all", "new", None),
        ("two words in half of all", "new quality", None),
        ("the same in a category", "new quality", fashion),
        ("a medium word", &*medium, None),
        ("a medium and a common word", &*format!("{medium} new"), None),
        ("a word of the dearest", "luxury", None),
        ("a rare word", &*rare, None),
        ("a rare word in a category", &*rare, electronics),
        ("no such word", "zzzz", None),
        ("a letter", "b*", None),
        ("two letters", "ba*", None),
        ("three letters", "bac*", None),
        ("six letters", "batale*", None),
        ("a letter and a word in a category", "s* quality", fashion),
    ] {
        let query = Query { text, category, ..Query::default() };
        slowest = slowest.max(measure(&market, name, query));
    }
    println!("the slowest kind of search: {slowest:.1?} p99, wanted: {WANTED:?}");
    assert!(slowest < WANTED);
    let audit = market.audit();
    assert_eq!(audit.faults, [""; 0]);
}

//! Clients that trade without pauses, and record the answers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use agora::call::{Code, Status};
use agora::market::client::{Event, MarketClient, NewItem, Notification, Order, Search, Watcher};
use agora::market::price::Money;
use agora::market::state::{Category, ItemFields, ItemId};

use crate::group::Group;
use crate::process::eventually;
use crate::seed::Seed;
use crate::wait::pace;

/// The pause between two calls of one client.
const THINKS: Duration = Duration::from_millis(10);
/// Items of each seller. Stock and price of the first change; the others are sold out and stay so.
const ITEMS: usize = 3;
/// Pieces of an item whose stock never rises.
pub const SUPPLIED: u32 = 400;

/// What all traders share.
#[derive(Default)]
pub struct Square {
    /// The items on sale, and whether more may be supplied.
    items: Mutex<Vec<(ItemId, bool)>>,
    /// Calls that were answered.
    done: AtomicU64,
    /// Trading is over; no more notifications are expected.
    stop: AtomicBool,
    stop_watching: Arc<AtomicBool>,
}

/// The records of a buyer.
#[derive(Default)]
pub struct Bought {
    pub name: String,
    pub orders: Vec<Order>,
    /// Purchases that the client reported as "may be done or not".
    pub unknown: u64,
}

/// The notifications of a seller's watcher, in order.
pub struct Notified {
    pub name: String,
    pub notifications: Vec<Notification>,
}

/// All clients.
pub struct Traders {
    square: Arc<Square>,
    sellers: Vec<(Arc<MarketClient>, JoinHandle<()>)>,
    watchers: Vec<JoinHandle<Notified>>,
    told: Vec<Arc<AtomicU64>>,
    buyers: Vec<JoinHandle<Bought>>,
}

/// The records at the end.
pub struct Remembered {
    pub bought: Vec<Bought>,
    pub told: Vec<Notified>,
    /// Items whose stock never rose.
    pub fixed: Vec<ItemId>,
    pub done: u64,
}

impl Traders {
    /// Starts sellers with items on sale, and buyers.
    pub fn start(group: &Group, sellers: u64, buyers: u64, number: u64) -> Traders {
        let square = Arc::new(Square::default());
        let seed = |person: u64| Seed::new(number ^ (person + 1) << 32);
        let (mut at_work, mut watchers, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for seller in 0..sellers {
            let client = Arc::new(group.client(&format!("seller-{seller}")));
            square.open_shop(&client);
            let (shared, mut seed) = (Arc::clone(&square), seed(seller));
            let selling = Arc::clone(&client);
            let work = std::thread::spawn(move || shared.sell(&selling, &mut seed));
            let stop = Arc::clone(&square.stop_watching);
            let (count, watching) = (Arc::<AtomicU64>::default(), Arc::clone(&client));
            told.push(Arc::clone(&count));
            watchers.push(std::thread::spawn(move || watch(watching, stop, &count)));
            at_work.push((client, work));
        }
        let buyers = (0..buyers).map(|buyer| {
            let client = group.client(&format!("buyer-{buyer}"));
            let (shared, mut seed) = (Arc::clone(&square), seed(sellers + buyer));
            std::thread::spawn(move || shared.buy(&client, &mut seed))
        });
        let buyers = buyers.collect();
        Traders { square, sellers: at_work, watchers, told, buyers }
    }

    pub fn done(&self) -> u64 {
        self.square.done.load(Ordering::Relaxed)
    }

    /// Waits until so many more calls were answered.
    #[track_caller]
    pub fn await_progress(&self, deeds: u64) {
        let wanted = self.done() + deeds;
        eventually("people go on trading", || {
            let is_over = self.sellers.iter().any(|(_, work)| work.is_finished())
                || self.buyers.iter().any(JoinHandle::is_finished)
                || self.watchers.iter().any(JoinHandle::is_finished);
            assert!(!is_over, "somebody has failed");
            self.done() >= wanted
        });
    }

    /// Ends trading, and waits until sellers were notified of all their orders.
    #[track_caller]
    pub fn end(self, orders_of: impl Fn(&MarketClient) -> Vec<Order>) -> Remembered {
        self.square.stop.store(true, Ordering::Relaxed);
        let bought: Vec<Bought> =
            self.buyers.into_iter().map(|buyer| buyer.join().unwrap()).collect();
        for ((client, work), told) in self.sellers.into_iter().zip(self.told) {
            work.join().unwrap();
            let orders = orders_of(&client).len() as u64;
            eventually("a seller is told of every order", || {
                told.load(Ordering::Relaxed) >= orders
            });
        }
        self.square.stop_watching.store(true, Ordering::Relaxed);
        let told = self.watchers.into_iter().map(|watcher| watcher.join().unwrap()).collect();
        let items = self.square.items.lock().unwrap();
        let fixed = items.iter().filter(|(_, may_rise)| !may_rise).map(|(item, _)| *item);
        let done = self.square.done.load(Ordering::Relaxed);
        Remembered { bought, told, fixed: fixed.collect(), done }
    }
}

/// Collects a mailbox. Its numbers must have no gaps: no notification is lost, out of order or
/// repeated.
fn watch(client: Arc<MarketClient>, stop: Arc<AtomicBool>, told: &AtomicU64) -> Notified {
    let name = client.address().to_owned();
    let mut watcher = Watcher::new(client, stop);
    let mut notifications: Vec<Notification> = Vec::new();
    while let Some(notification) = watcher.next(None).unwrap() {
        assert_eq!((notification.id, notification.missed), (notifications.len() as u64 + 1, 0));
        if matches!(notification.event, Event::Sold(_)) {
            told.fetch_add(1, Ordering::Relaxed);
        }
        notifications.push(notification);
    }
    Notified { name, notifications }
}

impl Square {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn open_shop(&self, client: &MarketClient) {
        client.register_seller().unwrap();
        for place in 0..ITEMS {
            let item = client.sell(&NewItem {
                fields: ItemFields {
                    name: format!("thing {place} of {}", client.address()),
                    category: Category::ALL[place % Category::ALL.len()],
                    description: String::from("something to have"),
                },
                quantity: SUPPLIED,
                price: Money::from_minor(100 + place as u64),
            });
            self.items.lock().unwrap().push((item.unwrap(), place == 0));
        }
    }

    /// Restocks the first item, again and again, at another price.
    fn sell(&self, client: &MarketClient, seed: &mut Seed) {
        let own = client.seller_items("").unwrap().entries[0].id;
        while !self.is_over() {
            let price = Some(Money::from_minor(100 + seed.below(50) as u64));
            let quantity = seed.one_in(2).then(|| 1 + seed.below(50) as u32);
            let updated = client.update(own, price, quantity).unwrap().unwrap();
            assert_eq!(updated.id, own);
            self.done.fetch_add(1, Ordering::Relaxed);
            pace(THINKS * 10);
        }
    }

    fn buy(&self, client: &MarketClient, seed: &mut Seed) -> Bought {
        let mut bought = Bought { name: client.address().to_owned(), ..Bought::default() };
        let mut rated = BTreeSet::new();
        client.register_buyer().unwrap();
        while !self.is_over() {
            let (item, _) = *seed.pick(&self.items.lock().unwrap());
            match seed.below(8) {
                0 => {
                    let words = format!("thing {}", seed.below(ITEMS));
                    let found = client.search(&Search { words, ..Search::default() }).unwrap();
                    assert!(found.total > 0);
                }
                1 => {
                    let outcome = client.rate(item, 1 + seed.below(5) as u32);
                    match (rated.insert(item), outcome) {
                        (true, Ok(())) => (),
                        (false, Err(status)) if status.code == Code::AlreadyExists => (),
                        (is_first, outcome) => panic!("first: {is_first}, {item}: {outcome:?}"),
                    }
                }
                2 => client.wish(item).unwrap(),
                _ => self.purchase(client, item, seed, &mut bought),
            }
            self.done.fetch_add(1, Ordering::Relaxed);
            pace(THINKS);
        }
        bought
    }

    fn purchase(&self, client: &MarketClient, item: ItemId, seed: &mut Seed, bought: &mut Bought) {
        match client.buy(item, 1 + seed.below(2) as u32, None) {
            Ok(order) => bought.orders.push(order),
            // Sold out, temporarily or permanently.
            Err(Status { code: Code::FailedPrecondition, .. }) => (),
            Err(Status { code: Code::Unknown, .. }) => bought.unknown += 1,
            Err(status) => panic!("{} buys {item}: {status}", client.address()),
        }
    }
}

//! Accounts that nobody uses are forgotten, by processes with the default of 30 days. Their logs begin
//! 40 days ago.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use agora::market::price::Money;
use agora::market::state::{
    Act, Action, Caller, Category, Command, Identity, ItemFields, ItemId, Market, Moderation,
    NewItem, Policy,
};
use agora::raft::{Entry, HardState, Payload};
use agora::replica::storage::{self, Commands, Directory, Storage};
use sha2::{Digest, Sha256};

use super::market_process::{Group, check};
use super::shopper::{Shopper, uuid};
use crate::wait::poll_until;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn command(name: &str, action: Action<'_>) -> Vec<u8> {
    let identity = Identity::from_digest(Sha256::digest(uuid(name)).into()).unwrap();
    let caller = Caller { identity, address: name };
    Command { request_id: None, caller, action }.encode().unwrap()
}

/// The log: what was done, and how many days ago.
fn history() -> Vec<(u64, Vec<u8>)> {
    let fields = ItemFields { name: "lamp", category: Category::Others, description: "" };
    let lamp = NewItem { fields, quantity: 5, price: Money::from_minor(100) };
    let act = Act::SetPolicy(Policy::default());
    let (item, quantity) = (ItemId(1), 1);
    vec![
        (40, Moderation { by: "leader", why: "", act }.encode().unwrap()),
        (40, command("asha", Action::RegisterSeller)),
        (40, command("asha", Action::SellItem(lamp))),
        (40, command("bela", Action::BuyItem { item, quantity, max_price: None })),
        (40, command("idle", Action::RegisterBuyer)),
        (40, command("idle", Action::RateItem { item, stars: 1 })),
        (40, command("idle", Action::AddToWishList { item })),
        (40, command("seldom", Action::RegisterBuyer)),
        (20, command("seldom", Action::AddToWishList { item })),
    ]
}

/// Writes the files of a replica that has this log.
fn prepare(node: u64, members: &[(u64, String)], directory: &Path) {
    let (group, machine) = ("market".to_owned(), "market".to_owned());
    let identity = storage::Identity { node, group, machine, members: members.to_vec() };
    let disk = Arc::new(Directory::open(directory).unwrap());
    let commands = Commands::of::<Market>();
    let (mut storage, _) = Storage::open(disk, &identity, node, commands, &mut |_| Ok(())).unwrap();
    let now = now_ms();
    let entries: Vec<Entry> = (1..)
        .zip(history())
        .map(|(index, (days, command))| Entry {
            term: 1,
            index,
            at_ms: now - days * DAY_MS,
            payload: Payload::Command { origin: None, command: command.into() },
        })
        .collect();
    storage.stage_hard_state(HardState { current_term: 1, ..HardState::default() });
    storage.stage(&entries).unwrap();
    storage.sync().unwrap();
    storage.close().unwrap();
}

#[test]
fn accounts_that_nobody_uses_are_forgotten_by_all_replicas() {
    // A leader with a policy of its own does not wait before it begins.
    let mut group = Group::start_with(3, &["--max-wishes", "500"], prepare);
    let target = group.addresses[group.leader()].clone();
    poll_until("the idle account is forgotten", Duration::from_secs(30), || {
        group.logs_have("FORGET-IDLE")
    });
    // Its name is free for another identity; those of accounts that were used lately are not, nor
    // those of accounts with an item or an order.
    let thief = Shopper::with_uuid(&target, "idle", &uuid("somebody else"));
    thief.register_buyer().unwrap();
    for name in ["asha", "bela", "seldom"] {
        let thief = Shopper::with_uuid(&target, name, &uuid("nobody"));
        thief.register_buyer().unwrap_err();
        Shopper::new(&target, name).register_buyer().unwrap();
    }
    let forgotten = Shopper::new(&target, "idle").register_buyer().unwrap_err();
    assert_eq!(forgotten.code, agora::call::Code::AlreadyExists, "{forgotten}");
    for place in 0..3 {
        group.kill(place);
        let checked = check(&group.directory(place));
        assert!(checked.contains(" orders of"), "{checked}");
    }
}

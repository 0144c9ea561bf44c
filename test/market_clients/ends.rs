//! Markets that are absent, restart, or stop listening; readers that close their end.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::{END_CODE, Market, Traders, eventually};

#[test]
fn an_absent_market_is_reported_in_time() {
    let traders = Traders::at("127.0.0.1:1");
    let started = Instant::now();
    let reason = traders.refused("buyer", "bela", &["--timeout", "0.5", "search"]);
    assert!(reason.contains("127.0.0.1:1"), "{reason}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_watch_at_an_absent_market_ends_in_time() {
    let traders = Traders::at("127.0.0.1:1");
    let reason = traders.refused("buyer", "bela", &["--timeout", "0.3", "watch"]);
    assert!(reason.contains("127.0.0.1:1"), "{reason}");
}

#[test]
fn a_buyer_may_watch_before_it_ever_bought() {
    let market = Market::new();
    let traders = Traders::at(&market.address);
    assert_eq!(traders.good("buyer", "bela", &["watch", "--timeout", "0.2"]), "");
    let reason = traders.refused("seller", "asha", &["watch", "--timeout", "0.2"]);
    assert!(reason.contains("no account"), "{reason}");
}

#[test]
fn the_first_market_that_answers_is_used() {
    let market = Market::new();
    let traders = Traders::at(&format!("127.0.0.1:1,{}", market.address));
    assert_eq!(traders.good("seller", "asha", &["register"]), "SUCCESS\n");
}

#[test]
fn a_call_waits_for_a_market_that_restarts() {
    let first = Market::new();
    let address = first.address.clone();
    let traders = Traders::at(&address);
    drop(first);
    let waiting = std::thread::spawn(move || traders.run("seller", "asha", &["register"]));
    let second = Market::at(&address);
    let said = waiting.join().unwrap();
    assert_eq!((said.code, said.stdout.as_str()), (0, "SUCCESS\n"), "{said:?}");
    drop(second);
}

#[test]
fn a_watch_prints_as_it_happens_and_ends_at_ctrl_c() {
    let market = Market::new();
    let traders = Traders::at(&market.address);
    traders.good("seller", "asha", &["register"]);
    traders.good("seller", "asha", &["sell", "Lamp", "others", "9", "5"]);
    let mut watch =
        traders.command("seller", "asha", &["watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    for order in 1..=2 {
        traders.good("buyer", "bela", &["buy", "1", "1"]);
        let wanted = format!("Order ID: {order}, Item ID: 1, Name: Lamp,");
        assert!(lines.any(|line| line.unwrap() == wanted), "{wanted}");
    }
    let interrupted =
        Command::new("kill").args(["-INT", &watch.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(watch.wait().unwrap().code(), END_CODE);
}

#[test]
fn a_watch_without_notifications_says_so() {
    let market = Market::new();
    let traders = Traders::at(&market.address);
    traders.good("seller", "asha", &["register"]);
    let words = ["watch", "--count", "1", "--timeout", "0.2"];
    assert_eq!(traders.refused("seller", "asha", &words), "0 of 1 in time");
}

#[test]
fn a_closed_stderr_changes_nothing() {
    let market = Market::new();
    let traders = Traders::at(&market.address);
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = traders.command("buyer", "bela", &["search"]).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_reader_that_leaves_ends_a_command_quietly() {
    let market = Market::new();
    let traders = Traders::at(&market.address);
    traders.good("seller", "asha", &["register"]);
    for _ in 0..3 {
        traders.good("seller", "asha", &["sell", "Lamp", "others", "9", "5"]);
    }
    let mut watch = traders
        .command("buyer", "bela", &["search"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(watch.stdout.take());
    eventually("the command ends", || watch.try_wait().unwrap().is_some());
    let said = crate::process::Outcome::of(watch.wait_with_output().unwrap());
    assert_eq!((said.code, said.stderr.contains("panicked")), (0, false), "{said:?}");
}

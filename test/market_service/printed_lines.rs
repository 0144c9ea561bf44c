//! The exact lines that the market prints, and slow or closed readers of them.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};

use agora::market::service::AsyncLineWriter;
use agora::market::state::Limits;
use agora::pb::agora_market_v1 as pb;
use agora::session::Protocol;

use crate::fixture::{Fixture, SharedBuffer, Trader, channel, eventually};

#[test]
fn every_request_prints_the_line_of_the_course_version() {
    let printed = SharedBuffer::default();
    let mut market =
        Fixture::with(Limits::DEFAULT, AsyncLineWriter::start(printed.clone()).unwrap());
    let ada = market.trader(1, Protocol::Grpc);
    let bob = market.trader(2, Protocol::Native);
    ada.register_seller().unwrap();
    ada.sell("iPhone", 50_000, 5).unwrap();
    ada.update(1, Some(49_999), None).unwrap();
    ada.own_items(0, "").unwrap();
    bob.register_buyer().unwrap();
    bob.search("").unwrap();
    bob.search("iPhone").unwrap();
    let category = pb::Category::CATEGORY_ELECTRONICS;
    bob.call("SearchItem", &pb::SearchItemRequest { category, ..Default::default() }).unwrap();
    bob.buy(1, 2).unwrap();
    bob.wish(1).unwrap();
    bob.wishlist(0, "").unwrap();
    bob.unwish(1).unwrap();
    bob.rate(1, u32::MAX).unwrap_err();
    bob.rate(1, 4).unwrap();
    bob.rate(7, 4).unwrap_err();
    bob.bought(0, "").unwrap();
    ada.sold(0, "").unwrap();
    drop(ada.watch(0));
    ada.acknowledge(1).unwrap();
    ada.delete(1).unwrap();
    bob.buy(1, 2).unwrap_err();
    market.stop();
    let expected = "\
Seller join request from 192.13.188.1:50051, uuid = 00000001
Sell Item request from 192.13.188.1:50051
Update Item 1 request from 192.13.188.1:50051
Display Items request from 192.13.188.1:50051
Buyer join request from 192.13.188.2:50051
Search request for Item name: <empty>, Category: ANY.
Search request for Item name: iPhone, Category: ANY.
Search request for Item name: <empty>, Category: ELECTRONICS.
Buy request 2 of item 1, from 192.13.188.2:50051
Wishlist request of item 1, from 192.13.188.2:50051
Display Wishlist request from 192.13.188.2:50051
Wishlist removal of item 1, from 192.13.188.2:50051
192.13.188.2:50051 did not rate item 1: a rating is from 1 to 5 stars
192.13.188.2:50051 rated item 1 with 4 stars.
192.13.188.2:50051 did not rate item 7: there is no item 7
Display Orders request from 192.13.188.2:50051
Display Sales request from 192.13.188.1:50051
Notifications request from 192.13.188.1:50051
Acknowledgement up to notification 1, from 192.13.188.1:50051
Delete Item 1 request from 192.13.188.1:50051
Buy request 2 of item 1, from 192.13.188.2:50051
";
    assert_eq!(printed.text(), expected);
    assert!(!printed.text().contains(&ada.uuid[..9]));
}

#[test]
fn a_request_for_an_item_prints_the_address_of_its_peer() {
    let printed = SharedBuffer::default();
    let mut market =
        Fixture::with(Limits::DEFAULT, AsyncLineWriter::start(printed.clone()).unwrap());
    market.trader(1, Protocol::Grpc).item(7).unwrap_err();
    market.stop();
    assert!(printed.text().starts_with("Item 7 request from 127.0.0.1:"), "{}", printed.text());
}

#[test]
fn printed_lines_cannot_be_forged_and_are_bounded() {
    let printed = SharedBuffer::default();
    let market = Fixture::with(Limits::DEFAULT, AsyncLineWriter::start(printed.clone()).unwrap());
    let eve = market.trader(1, Protocol::Grpc);
    let long = "\u{e9}".repeat(100_000);
    let texts = ["x\nBuy request 1 of item 1, from me", "\u{1b}[2J", &long];
    texts.iter().for_each(|text| drop(eve.search(text)));
    let forger = Trader { address: "x\nSell Item request from you".into(), ..eve };
    forger.register_seller().unwrap_err();
    eventually("four lines", || printed.text().lines().count() == 4);
    let shown = format!("Search request for Item name: {}, Category: ANY.", "\u{e9}".repeat(100));
    let expected = [
        "Search request for Item name: x\\u{a}Buy request 1 of item 1, from me, Category: ANY.",
        "Search request for Item name: \\u{1b}[2J, Category: ANY.",
        &shown,
        "Seller join request from x\\u{a}Sell Item request from you, uuid = 00000001",
    ];
    assert_eq!(printed.text().lines().collect::<Vec<_>>(), expected);
}

/// Blocks writers until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// A buffer behind a gate.
struct GatedWriter(Gate, SharedBuffer);

impl Write for GatedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (is_open, changed) = &*self.0.0;
        drop(changed.wait_while(is_open.lock().unwrap(), |is_open| !*is_open).unwrap());
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_slow_reader_of_stdout_loses_lines_and_delays_nothing() {
    const REQUESTS: usize = 20_000;
    let (gate, printed) = (Gate::default(), SharedBuffer::default());
    let lines = AsyncLineWriter::start(GatedWriter(gate.clone(), printed.clone())).unwrap();
    let mut market = Fixture::with(Limits::DEFAULT, lines);
    let reader = market.trader(1, Protocol::Native);
    let text = "x".repeat(200);
    for _ in 0..REQUESTS {
        reader.search(&text).unwrap();
    }
    gate.open();
    market.stop();
    let printed = printed.text();
    let note = printed.lines().find(|line| line.starts_with('(')).unwrap();
    let dropped: usize = note[1..].split(' ').next().unwrap().parse().unwrap();
    assert_eq!(note, format!("({dropped} lines were not printed: the reader was too slow)"));
    assert_eq!(printed.lines().count() - 1 + dropped, REQUESTS);
    assert!(printed.len() < 2 * 1024 * 1024, "{} bytes waited", printed.len());
}

/// A process that is killed at the end of the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the program. Returns it with its stdout and the address in its first line.
fn program(flags: &[&str]) -> (Program, BufReader<impl Read>, String) {
    let child = Command::new(env!("CARGO_BIN_EXE_agora"))
        .args(["market", "--listen", "127.0.0.1:0"])
        .args(flags)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut program = Program(child);
    let mut stdout = BufReader::new(program.0.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    (program, stdout, address)
}

/// Ends the program with SIGTERM. Returns its stderr. Without the feature `signals` the signal ends
/// the process, so there is no exit code.
fn end(mut program: Program) -> String {
    let child = &mut program.0;
    let kill = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(kill.success());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let code = cfg!(feature = "signals").then_some(0);
    assert_eq!(child.wait().unwrap().code(), code, "{stderr}");
    stderr
}

#[test]
fn the_program_prints_its_address_its_requests_and_that_nothing_survives_a_restart() {
    let (child, mut stdout, address) = program(&[]);
    Trader::new(channel(&address, Protocol::Grpc), 1).register_seller().unwrap();
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "Seller join request from 192.13.188.1:50051, uuid = 00000001\n");
    let stderr = end(child);
    assert!(stderr.contains("nothing will survive a restart"), "{stderr}");
}

#[test]
fn the_quiet_program_prints_no_lines() {
    let (child, mut stdout, address) = program(&["--quiet"]);
    Trader::new(channel(&address, Protocol::Grpc), 1).register_seller().unwrap();
    end(child);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn the_program_survives_a_closed_stdout() {
    let (child, stdout, address) = program(&[]);
    drop(stdout);
    let seller = Trader::new(channel(&address, Protocol::Grpc), 1);
    seller.register_seller().unwrap();
    for _ in 0..100 {
        seller.sell("iPhone", 1, 1).unwrap();
    }
    end(child);
}

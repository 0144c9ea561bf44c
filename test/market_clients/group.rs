//! A market that keeps what it confirms: alone, and as a group of three.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::free_address::free_address;
use crate::process::{AGORA, Follower, Home, Traders, eventually};

/// Replicas 1, 2, 3, each a process.
struct Group {
    home: Home,
    peers: String,
    addresses: Vec<String>,
    running: Vec<Option<Child>>,
}

impl Group {
    fn new(size: usize) -> Group {
        let addresses: Vec<String> = (0..size).map(|_| free_address().to_string()).collect();
        let peers: Vec<String> =
            (1..).zip(&addresses).map(|(id, address)| format!("{id}={address}")).collect();
        let running = addresses.iter().map(|_| None).collect();
        let mut group = Group { home: Home::new(), peers: peers.join(","), addresses, running };
        (0..size).for_each(|place| group.start(place));
        group
    }

    fn directory(&self, place: usize) -> std::path::PathBuf {
        self.home.0.join(format!("replica_{}", place + 1))
    }

    fn start(&mut self, place: usize) {
        let said = |ending: &str| {
            let path = self.home.0.join(format!("replica_{}.{ending}", place + 1));
            fs::OpenOptions::new().create(true).append(true).open(path).unwrap()
        };
        let directory = self.directory(place);
        let mut command = Command::new(AGORA);
        command.arg("market").arg("--data").arg(&directory);
        match self.addresses.len() {
            1 => command.args(["--listen", &self.addresses[0]]),
            _ => command.args(["--node", &(place + 1).to_string(), "--peers", &self.peers]),
        };
        // Small, so that a test has snapshots and compacted logs.
        command.args(["--snapshot-entries", "20", "--dump", "all"]);
        command.stdin(Stdio::null()).stdout(said("out")).stderr(said("err"));
        self.running[place] = Some(command.spawn().unwrap());
    }

    fn kill(&mut self, place: usize) {
        let mut child = self.running[place].take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn signal(&self, place: usize, signal: &str) {
        let id = self.running[place].as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn traders(&self) -> Traders {
        Traders::at(&self.addresses.join(","))
    }

    /// The running replica that was the leader last, by the replicas' files. The caller has just
    /// got an answer from it.
    fn leader(&self) -> usize {
        let last_term = |place: usize| {
            // A replica that has not started yet has written nothing.
            let dump = fs::read_to_string(self.directory(place).join("dump.txt")).ok()?;
            let terms = dump.lines().filter_map(|line| {
                let (_, term) = line.split_once("became the leader for term ")?;
                term.trim_end_matches('.').parse::<u64>().ok()
            });
            terms.max()
        };
        let mut leader = None;
        eventually("a leader's note", || {
            let running = (0..self.running.len()).filter(|place| self.running[*place].is_some());
            leader = running.filter_map(|place| Some((last_term(place)?, place))).max();
            leader.is_some()
        });
        leader.unwrap().1
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for child in self.running.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The output of `agora check` for a directory without faults.
fn checked(directory: &Path) -> String {
    let output = Command::new(AGORA).arg("check").arg(directory).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn orders(traders: &Traders) -> usize {
    traders.good("buyer", "bela", &["orders"]).matches("Order ID").count()
}

#[test]
fn what_was_confirmed_is_there_after_kill_9() {
    let mut market = Group::new(1);
    let traders = market.traders();
    traders.good("seller", "asha", &["register"]);
    traders.good("seller", "asha", &["sell", "Lamp", "others", "100", "5"]);
    for round in 1..=4 {
        for _ in 0..10 {
            traders.good("buyer", "bela", &["buy", "1", "1"]);
        }
        market.kill(0);
        let books = checked(&market.directory(0));
        assert!(books.contains(&format!("{} orders of", round * 10)), "{books}");
        market.start(0);
        assert_eq!(orders(&traders), round * 10);
    }
    let found = traders.good("buyer", "bela", &["show", "1"]);
    assert!(found.contains("Quantity Remaining: 60"), "{found}");
    assert!(market.directory(0).join("snapshot.txt").exists());
}

#[test]
fn trade_goes_on_when_the_leader_is_killed() {
    let mut group = Group::new(3);
    let traders = group.traders();
    traders.good("seller", "asha", &["register"]);
    traders.good("seller", "asha", &["sell", "Lamp", "others", "1000", "5"]);
    let mut watch = traders
        .command("seller", "asha", &["watch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let sales = Follower::new(watch.stdout.take().unwrap());
    for round in 0..3 {
        traders.good("buyer", "bela", &["buy", "1", "1"]);
        let leader = group.leader();
        group.kill(leader);
        for _ in 0..5 {
            traders.good("buyer", "bela", &["buy", "1", "1"]);
        }
        group.start(leader);
        assert_eq!(orders(&traders), (round + 1) * 6);
    }
    // Each sale is shown once, in order.
    for order in 1..=18 {
        assert_eq!(sales.next("Order ID: "), format!("Order ID: {order}, Item ID: 1, Name: Lamp,"));
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
    for place in 0..3 {
        let directory = group.directory(place);
        eventually("the books of every replica", || {
            checked(&directory).contains("18 orders of 18 pieces for $90.00")
        });
    }
}

#[test]
fn trade_and_watches_go_on_when_the_leader_falls_silent() {
    let group = Group::new(3);
    let traders = group.traders();
    traders.good("seller", "asha", &["register"]);
    traders.good("seller", "asha", &["sell", "Lamp", "others", "1000", "5"]);
    let mut watch = traders
        .command("seller", "asha", &["watch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let sales = Follower::new(watch.stdout.take().unwrap());
    let see = |order: u32| {
        let shown = sales.next("Order ID: ");
        assert_eq!(shown, format!("Order ID: {order}, Item ID: 1, Name: Lamp,"));
    };
    traders.good("buyer", "bela", &["buy", "1", "1"]);
    see(1);
    let leader = group.leader();
    group.signal(leader, "-STOP");
    (0..3).for_each(|_| drop(traders.good("buyer", "bela", &["buy", "1", "1"])));
    (2..=4).for_each(see);
    group.signal(leader, "-CONT");
    traders.good("buyer", "bela", &["buy", "1", "1"]);
    see(5);
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert_eq!(orders(&traders), 5);
}

#[test]
fn a_replica_that_follows_answers_stale_reads_and_nothing_else() {
    let group = Group::new(3);
    let traders = group.traders();
    traders.good("seller", "asha", &["register"]);
    traders.good("seller", "asha", &["sell", "Lamp", "others", "7", "5"]);
    let leader = group.leader();
    let follower = Traders { home: Home::new(), market: group.addresses[(leader + 1) % 3].clone() };
    let stale = ["--read", "stale", "show", "1"];
    eventually("it has come so far", || follower.run("buyer", "bela", &stale).code == 0);
    // No other replica is elected.
    let others = [leader, (leader + 2) % 3];
    others.iter().for_each(|place| group.signal(*place, "-STOP"));
    assert_eq!(follower.run("buyer", "bela", &stale).code, 0);
    let reason = follower.refused("buyer", "bela", &["--timeout", "0.2", "buy", "1", "1"]);
    assert!(reason.contains("no leader"), "{reason}");
}

/// Some of the addresses are enough: a follower names the leader.
#[test]
fn a_leader_that_was_not_given_is_found() {
    let group = Group::new(3);
    let traders = group.traders();
    traders.good("seller", "asha", &["register"]);
    traders.good("seller", "asha", &["sell", "Lamp", "others", "7", "5"]);
    let leader = group.leader();
    let others: Vec<String> = (0..3)
        .filter(|place| *place != leader)
        .map(|place| group.addresses[place].clone())
        .collect();
    let lists = [others.join(","), others[0].clone(), others[1].clone()];
    for (name, market) in ["bela", "chitra", "dev"].into_iter().zip(lists) {
        let some = Traders { home: Home::new(), market };
        some.good("buyer", name, &["buy", "1", "1"]);
        let found = some.good("buyer", name, &["show", "1"]);
        assert!(found.contains("Lamp"), "{found}");
    }
    let some = Traders { home: traders.home, market: others.join(",") };
    let sales = some.good("seller", "asha", &["watch", "--count", "3"]);
    assert_eq!(sales.matches("Order ID: ").count(), 3, "{sales}");
}

#[test]
fn no_credential_is_in_any_file_or_print() {
    let mut group = Group::new(3);
    let traders = group.traders();
    traders.good("seller", "asha", &["register"]);
    traders.good("seller", "asha", &["sell", "Lamp", "others", "100", "5"]);
    traders.good("buyer", "bela", &["wish", "1"]);
    for _ in 0..25 {
        traders.good("buyer", "bela", &["buy", "1", "1"]);
    }
    traders.good("buyer", "bela", &["orders"]);
    traders.good("seller", "asha", &["watch", "--count", "25"]);
    (0..3).for_each(|place| group.kill(place));
    let secrets: Vec<String> = ["asha", "bela"]
        .iter()
        .map(|name| fs::read_to_string(traders.home.0.join(format!("{name}.uuid"))).unwrap())
        .map(|text| text.trim().to_owned())
        .collect();
    let mut files = 0;
    for directory in [&group.home.0, &group.directory(0), &group.directory(1), &group.directory(2)]
    {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            files += 1;
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).to_lowercase();
            for secret in &secrets {
                // Its first eight characters may be printed, the rest must be nowhere.
                assert!(!text.contains(&secret[9..]), "{}", path.display());
                assert!(!text.contains(&secret[9..].replace('-', "")), "{}", path.display());
            }
        }
    }
    assert!(files >= 3 * 6, "{files} files were looked at");
}

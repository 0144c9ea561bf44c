//! The shell: lines from a pipe, and a session at a terminal.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::process::{AGORA, Follower, Market, Outcome, Traders};

#[test]
fn lines_from_a_pipe_are_commands_without_a_prompt() {
    let market = Market::new();
    let traders = Traders::at(&market.address);
    let lines = "register\nsell 'Desk Lamp' others 3 12.50 \"It's bright\"\n# a remark\n\nitems\n";
    let said = traders.shell("seller", "asha", lines);
    let card = "\u{2013}\nItem ID: 1, Price: $12.50, Name: Desk Lamp, Category: Others,\n\
                Description: It's bright\nQuantity Remaining: 3\n\
                Rating: unrated | Seller: asha\n\u{2013}\n";
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.stdout, format!("SUCCESS\nSUCCESS\nItem ID: 1\n{card}"));
}

#[test]
fn a_failed_line_is_reported_and_the_next_ones_are_executed() {
    let market = Market::new();
    let traders = Traders::at(&market.address);
    let said = traders.shell("buyer", "bela", "buy 7 1\nfly\nbuy 'x\nbuy x\nwishlist\nexit\nfly\n");
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{said:?}");
    assert_eq!(lines[0], "FAIL: there is no item 7");
    assert_eq!(lines[1], "FAIL: no command \"fly\"; `help` lists them");
    assert!(lines.iter().all(|line| line.starts_with("FAIL: ")), "{said:?}");
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("4 commands failed"), "{said:?}");
}

#[test]
fn help_lists_the_commands() {
    let traders = Traders::at("127.0.0.1:1");
    let said = traders.shell("buyer", "bela", "help\n");
    for word in ["search", "buy", "wish", "unwish", "wishlist", "rate", "orders", "watch", "exit"] {
        assert!(said.stdout.contains(&format!("  {word} ")), "{word}: {said:?}");
    }
    assert_eq!(said.code, 0);
}

#[test]
fn notifications_arrive_from_a_market_that_lost_its_data() {
    let first = Market::new();
    let address = first.address.clone();
    let traders = Traders::at(&address);
    let mut command = traders.command("seller", "asha", &[]);
    let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = shell.stdin.take().unwrap();
    let screen = Follower::new(shell.stdout.take().unwrap());
    let mut trade = |mut market: Market| {
        let printed = Follower::new(market.lines.take().unwrap());
        lines.write_all(b"register\nsell Lamp others 9 5\n").unwrap();
        screen.see("Item ID: 1");
        printed.see("Seller join request from asha");
        printed.see("Notifications request from asha");
        traders.good("buyer", "bela", &["buy", "1", "1"]);
        screen.see("Order ID: 1,");
    };
    trade(first);
    trade(Market::at(&address));
    drop(lines);
    assert_eq!(shell.wait().unwrap().code(), Some(0));
}

/// Types on a pseudo-terminal, waits for what must appear, and prints all that did.
const TERMINAL: &str = r#"
import os, pty, select, sys, time
agora, *command = sys.argv[1:]
pid, screen = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execv(agora, [agora, *command])
seen, place, until = b"", 0, time.monotonic() + 30
def more():
    """Reads what appears; false at the end."""
    global seen
    if time.monotonic() > until:
        os.kill(pid, 9)
        sys.exit(f"it takes too long: {seen!r}")
    if select.select([screen], [], [], 0.1)[0]:
        try:
            seen += os.read(screen, 65536)
        except OSError:
            return False
    return True
def wait_for(text):
    """Waits for a text behind the one that was waited for last."""
    global place
    while text not in seen[place:]:
        if not more():
            sys.exit(f"the end came before {text!r}: {seen!r}")
    place = seen.index(text, place) + len(text)
for line in sys.stdin.read().splitlines():
    verb, text = line.split(" ", 1)
    if verb == "see":
        wait_for(text.encode())
    elif verb == "run":
        os.system(text)
    else:
        os.write(screen, text.encode().decode("unicode_escape").encode())
while more():
    pass
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(status))
"#;

#[test]
fn lines_are_typed_and_edited_while_notifications_arrive() {
    let market = Market::new();
    let traders = Traders::at(&market.address);
    traders.good("seller", "asha", &["register"]);
    traders.good("seller", "asha", &["sell", "Lamp", "others", "9", "5"]);
    let home = traders.home.0.to_str().unwrap();
    let buy = format!(
        "AGORA_HOME={home} {AGORA} buyer --market {} --as bela buy 1 2 >/dev/null",
        market.address
    );
    // A wrong letter is deleted; a notification arrives while a line is typed.
    let story = format!(
        "see Trading as asha\nsee seller> \ntype itemx\\x7fs\\r\nsee Quantity Remaining: 9\n\
         see seller> \ntype ite\nrun {buy}\nsee The Following Item has been sold:\ntype ms\\r\n\
         see Quantity Remaining: 7\nsee seller> \ntype \\x04\n"
    );
    let mut child = Command::new("python3")
        .args(["-c", TERMINAL, AGORA, "seller", "--market", &market.address, "--as", "asha"])
        .env("AGORA_HOME", home)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), story.as_bytes()).unwrap();
    let said = Outcome::of(child.wait_with_output().unwrap());
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!said.stdout.contains("FAIL"), "{said:?}");
}

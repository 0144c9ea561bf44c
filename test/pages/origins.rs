//! Pages of strangers in a browser: `origins.mjs` says what they try. `test/security/browsers.rs` has
//! the same requests without a browser.

use crate::browser::Browser;
use crate::free_address::free_address;
use crate::http::get;
use crate::process::{AGORA, Process, TestDirectory, bound, eventually};

/// Runs a scenario against a node that is a group of one.
fn visit(scenario: &str, flags: &[&str]) {
    let directory = TestDirectory::new();
    let address = free_address().to_string();
    let mut command = bound(AGORA);
    command.args(["node", "--id", "0", "--peers", &format!("0={address}")]).args(flags);
    command.arg("--logs").arg(directory.0.join("logs"));
    let mut node = Process::start(command, &directory.0.join("node"));
    node.await_listening();
    eventually("it leads", || {
        get(&address, "/readyz", &[]).is_some_and(|ready| ready.status == 200)
    });
    Browser::start_script("origins.mjs", scenario, &format!("http://{address}/")).run(|_| ());
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn a_page_whose_name_was_rebound_reads_and_writes_nothing() {
    visit("rebound", &[]);
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn a_page_calls_and_reads_if_its_origin_is_permitted() {
    visit("permitted", &["--allow-origin", "http://shop.example"]);
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn a_page_of_a_stranger_neither_frames_nor_runs_what_is_served() {
    visit("framed", &[]);
}

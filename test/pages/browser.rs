//! Pages in Debian's Chromium, driven by playwright-core: `browser.mjs` says what is looked at.
//!
//! They need what `scripts/tools browser` installs. The screenshots are in `target/pages/`, for people.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use agora::kv::client::Consistency;
use agora::raft::NodeId;

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::free_address::free_address;
use crate::process::{AGORA, Process, TestDirectory, bound, eventually};

/// The folder of Cargo's output.
fn target() -> PathBuf {
    Path::new(AGORA).parent().and_then(Path::parent).unwrap().to_owned()
}

/// A browser that looks at a page.
pub struct Browser(Child);

impl Browser {
    fn start(scenario: &str, url: &str) -> Browser {
        Browser::start_with(scenario, url, &[])
    }

    fn start_with(scenario: &str, url: &str, environment: &[(&str, &Path)]) -> Browser {
        Browser::spawn("browser.mjs", scenario, url, environment)
    }

    /// A browser that does what a script of this folder says.
    pub fn start_script(script: &str, scenario: &str, url: &str) -> Browser {
        Browser::spawn(script, scenario, url, &[])
    }

    fn spawn(script: &str, scenario: &str, url: &str, environment: &[(&str, &Path)]) -> Browser {
        let modules = target().join("tools/browser/node_modules");
        assert!(modules.exists(), "scripts/tools browser installs what this needs");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/pages").join(script);
        let mut command = Command::new("node");
        command.arg(script).arg(modules).arg(scenario).arg(target().join("pages")).arg(url);
        command.envs(environment.iter().copied());
        Browser(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Does what it asks for, and waits for its end.
    #[track_caller]
    pub fn run(mut self, mut on_line: impl FnMut(&str)) {
        let lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        lines.map_while(Result::ok).for_each(|line| on_line(&line));
        assert!(self.0.wait().unwrap().success(), "its reasons are above");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn page_of(cluster: &Cluster, id: NodeId) -> String {
    format!("http://{}/", cluster.nodes[id as usize].1)
}

/// Sets and gets, so that there is a load and something to hold.
fn use_it(cluster: &Cluster) {
    let client = cluster.client();
    for number in 0..60 {
        for key in [format!("user/{number}"), format!("order:{number}"), format!("name{number}")] {
            client.set(key.as_bytes(), &[b'v'; 200]).unwrap();
            client.get(key.as_bytes(), Consistency::Linearizable).unwrap();
        }
    }
}

/// A group with a load that its leader has sampled.
fn busy_group() -> (Cluster, NodeId) {
    let cluster = Cluster::start(3, STABLE_TIMING);
    use_it(&cluster);
    let leader = cluster.leader();
    (cluster, leader)
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn a_node_is_shown_at_all_sizes_in_light_and_dark() {
    let (cluster, leader) = busy_group();
    Browser::start("looks", &page_of(&cluster, leader)).run(|_| ());
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn a_key_that_is_markup_is_shown_as_text() {
    let cluster = Cluster::start(1, STABLE_TIMING);
    cluster.client().set(b"<img src=x onerror=boom()>/1", b"<script>boom()</script>").unwrap();
    Browser::start("markup", &page_of(&cluster, 0)).run(|_| ());
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn the_keyboard_is_enough() {
    let (cluster, leader) = busy_group();
    Browser::start("keyboard", &page_of(&cluster, leader)).run(|_| ());
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn a_page_shows_the_new_leader_and_says_when_its_own_node_is_gone() {
    let (mut cluster, leader) = busy_group();
    let follower = cluster.others(leader)[0];
    let browser = Browser::start("failover", &page_of(&cluster, follower));
    let mut killed = Vec::new();
    browser.run(|line| {
        let (what, node) = line.split_once(' ').unwrap();
        let node: NodeId = node.parse().unwrap();
        match what {
            "kill" => {
                cluster.kill(&[node]);
                killed.push(node);
            }
            "start" => {
                assert!(killed.contains(&node), "{line}");
                cluster.launch(&std::mem::take(&mut killed));
            }
            _ => panic!("{line}"),
        }
    });
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn a_browser_needs_a_certificate_where_roles_are_enforced() {
    let directory = TestDirectory::new();
    let folder = directory.0.join("certs");
    let address = free_address();
    let node = format!("1={}", address.ip());
    let made = Command::new(AGORA)
        .args(["cert", "--group", "market", "--nodes", &node, "--clients", "alice", "--dir"])
        .arg(&folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let address = address.to_string();
    let mut command = bound(AGORA);
    command.args(["market", "--listen", &address, "--certs"]).arg(folder.join("node-1"));
    let mut market = Process::start(command, &directory.0.join("market"));
    market.await_listening();
    let url = format!("https://{address}/");
    Browser::start("refused", &url).run(|_| ());
    let [certificate, key] =
        ["cert.pem", "key.pem"].map(|name| folder.join("client-alice").join(name));
    let file = directory.0.join("alice.p12");
    let mut openssl = Command::new("openssl");
    openssl.args(["pkcs12", "-export", "-passout", "pass:secret", "-in"]).arg(certificate);
    assert!(openssl.arg("-inkey").arg(key).arg("-out").arg(&file).status().unwrap().success());
    Browser::start_with("admitted", &url, &[("AGORA_PKCS12", &file)]).run(|_| ());
}

#[test]
#[ignore = "needs a browser: scripts/test pages"]
fn a_market_shows_what_it_has() {
    let directory = TestDirectory::new();
    let address = free_address().to_string();
    let mut command = bound(AGORA);
    command.args(["market", "--listen", &address]);
    let mut market = Process::start(command, &directory.0.join("market"));
    market.await_listening();
    eventually("somebody sells", || {
        let mut sell = Command::new(AGORA);
        sell.args(["seller", "--market", &address, "register"]).env("HOME", &directory.0);
        sell.output().unwrap().status.success()
    });
    Browser::start("market", &format!("http://{address}/")).run(|_| ());
}

//! Texts of jobs, servers and files that reach no terminal raw.

use std::fs;
use std::net::SocketAddr;

use agora::call::{Code, Status};
use agora::rpc::{Server, ServerOptions, Services};

use super::processes::{CommandOutput, Folder};

/// Clears the screen, sets the title, moves to another line, reverses what follows.
const EVIL: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\r\u{202e}\u{200b}";

/// No control but newline and tab, and nothing invisible.
#[track_caller]
fn assert_harmless(text: &str) {
    let is_harmful = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(is_harmful), "{text:?}");
}

#[test]
fn counters_status_and_errors_of_commands_are_escaped() {
    let folder = Folder::new();
    folder.file("a.txt", "a\n");
    folder.file("evil", EVIL);
    let report = "printf 'reporter:counter:%s,name,1\\nreporter:status:%s\\n' \
                  \"$(cat evil)\" \"$(cat evil)\" >&2; cat";
    let line = ["mapreduce", "a.txt", "--mapper", report, "-r", "0", "-v"];
    let output = folder.succeed(&line);
    assert!(output.stderr.contains("\\u{1b}[2J"), "{}", output.stderr);
    assert_harmless(&output.stderr);
    assert_harmless(&folder.read("Data/dump.txt"));
    // A failure that forges lines.
    let fail = "(cat evil; echo; echo 'R1: reduce 1, attempt 1: SUCCESS') >&2; exit 1";
    let line = ["mapreduce", "a.txt", "--mapper", fail, "-r", "0", "-v", "--force"];
    let output = folder.run(&line);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("\\u{202e}"), "{}", output.stderr);
    assert_harmless(&output.stderr);
    let dump = folder.read("Data/dump.txt");
    assert_harmless(&dump);
    assert!(!dump.lines().any(|line| line.starts_with("R1: reduce 1")), "{dump}");
}

#[test]
fn texts_of_servers_and_files_are_escaped() {
    let mut services = Services::new();
    for method in ["Get", "Set", "Status"] {
        services.unary(&format!("/agora.kv.v1.KvService/{method}"), |_, _, _| {
            Err(Status::new(Code::FailedPrecondition, EVIL))
        });
    }
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(any, services, ServerOptions::default()).unwrap();
    let (address, handle) = (server.local_addr(), server.handle());
    let serving = std::thread::spawn(move || server.run().unwrap());
    let folder = Folder::new();
    let peers = format!("1={address}");
    for words in [&["status"][..], &["get", "x"]] {
        let line = [&["kv", "--peers", &peers, "--timeout", "2"], words].concat();
        let output = folder.run(&line);
        let shown = format!("{}{}", output.stdout, output.stderr);
        assert!(shown.contains("\\u{1b}[2J"), "{words:?}: {shown:?}");
        assert_harmless(&shown);
    }
    handle.shut_down();
    serving.join().unwrap();
    // A log file that somebody else has written.
    fs::create_dir(folder.0.join("node")).unwrap();
    folder.file("node/metadata.txt", format!("group {EVIL}\nmachine {EVIL}\n"));
    folder.file("node/logs.txt", format!("SET {EVIL} 1 1\n"));
    let output = CommandOutput::new(folder.agora(&["check", "node"]).output().unwrap());
    assert_ne!(output.code, Some(0));
    assert_harmless(&output.stdout);
    assert_harmless(&output.stderr);
}

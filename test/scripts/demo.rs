//! `scripts/demo --pages`: the systems with pages run until Ctrl-C, and then none is left.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{TempDir, eventually, is_alive, script};

/// The script, which is ended if the test fails.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        }
        let _ = self.0.wait();
    }
}

/// The processes that run a program from this folder.
fn processes_from(temp_dir: &TempDir) -> Vec<String> {
    let folder = temp_dir.0.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let pid = entry.unwrap().file_name().to_string_lossy().into_owned();
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(&folder) && is_alive(&pid) {
            found.push(pid);
        }
    }
    found
}

/// The first line of what a page's address answers.
fn status_of(url: &str) -> String {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("<!doctype html>"), "{url}: {answer}");
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn pages_are_there_until_ctrl_c_and_nothing_is_left() {
    let temp_dir = TempDir::new();
    let agora = temp_dir.0.join("agora");
    fs::copy(env!("CARGO_BIN_EXE_agora"), &agora).unwrap();
    let mut command = script("demo");
    command.arg("--pages").env("AGORA", &agora).env("TMPDIR", &temp_dir.0);
    let mut demo = Demo(command.stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(demo.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let is_page = |line: &String| line.contains("  http://");
    let urls = lines.filter(is_page).map(|line| line.rsplit(' ').next().unwrap().to_owned());
    let urls: Vec<String> = urls.take(5).collect();
    assert_eq!(urls.len(), 5, "k-means, three nodes, a market: {urls:?}");
    for url in &urls {
        assert_eq!(status_of(url), "HTTP/1.1 200 OK", "{url}");
    }
    // A market, three nodes, a master with five workers, a client.
    assert!(processes_from(&temp_dir).len() >= 11);
    let signalled = Command::new("kill").args(["-s", "INT", &demo.0.id().to_string()]).status();
    assert!(signalled.unwrap().success());
    assert_eq!(demo.0.wait().unwrap().code(), Some(0));
    eventually("the end of all processes", || processes_from(&temp_dir).is_empty());
    let left: Vec<_> =
        fs::read_dir(&temp_dir.0).unwrap().map(|left| left.unwrap().path()).collect();
    assert_eq!(left, [agora], "its folder is gone");
}

//! The documents do what they say: every transcript in them is pasted into a shell, command by
//! command, and the output is compared.
//!
//! A block that is marked `console` is a transcript: a line after `$ ` is a command, the other lines
//! are its output. `...` in an output line stands for any characters, a line `...` for any lines.
//! Durations may differ, and so may the number of spaces between words. Addresses `127.0.0.1:PORT`
//! are replaced by free ones.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed call fails the test")]

#[path = "../support/free_address.rs"]
mod free_address;
mod matching;
mod references;
mod shell;
mod transcript;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use shell::Shell;
use transcript::{Block, Command, blocks};

/// A confirmed write is in the files of a majority. The other nodes write it a little later.
const FOLLOWERS_CATCH_UP: Duration = Duration::from_secs(10);

fn read(document: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap()
}

/// Runs all transcripts of a document, one after the other, in one shell.
fn paste(document: &str) {
    let text = with_free_addresses(&read(document));
    let commands: Vec<Command> = blocks(&text)
        .iter()
        .filter(|block| block.language == "console" && can_run(block))
        .flat_map(|block| block.commands())
        .collect();
    assert!(!commands.is_empty(), "{document} has no transcript");
    let mut shell = Shell::start();
    for command in commands {
        let deadline = Instant::now() + FOLLOWERS_CATCH_UP;
        while let Err(difference) = matching::compare(&command, &shell.run(&command)) {
            let again = command.only_reads_files() && Instant::now() < deadline;
            assert!(again, "{document}:{}: $ {}\n{difference}", command.line, command.text);
        }
    }
}

/// A build without `cert` makes no certificates, and one without `json` answers no call in JSON.
fn can_run(block: &Block<'_>) -> bool {
    let has = |command: &str| block.lines.iter().any(|line| line.starts_with(command));
    (cfg!(feature = "cert") || !has("$ agora cert "))
        && (cfg!(feature = "json") || !has("$ curl -s --json "))
}

/// The text with a free address in the place of each `127.0.0.1:PORT`.
fn with_free_addresses(text: &str) -> String {
    let mut free: BTreeMap<String, String> = BTreeMap::new();
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("127.0.0.1:") {
        let (before, address) = rest.split_at(at);
        let digits = address["127.0.0.1:".len()..].chars().take_while(char::is_ascii_digit).count();
        let (address, after) = address.split_at("127.0.0.1:".len() + digits);
        let new = free.entry(address.to_owned()).or_insert_with(|| match digits {
            0 => address.to_owned(),
            _ => free_address::free_address().to_string(),
        });
        result.push_str(before);
        result.push_str(new);
        rest = after;
    }
    result + rest
}

#[test]
fn readme_md_does_what_it_says() {
    paste("README.md");
}

#[test]
fn the_guide_of_the_market_does_what_it_says() {
    paste("src/market/README.md");
}

#[test]
fn the_guide_of_the_store_does_what_it_says() {
    paste("src/kv/README.md");
}

#[test]
fn the_guide_of_mapreduce_does_what_it_says() {
    paste("src/mapreduce/README.md");
}

#[cfg(feature = "cert")]
#[test]
fn the_guide_of_certificates_does_what_it_says() {
    paste("src/cli/cert/README.md");
}

/// The documents that people read.
const DOCUMENTS: [&str; 16] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "schemas/README.md",
    "schemas/files.md",
    "schemas/http.md",
    "schemas/job-files.md",
    "schemas/native-envelope.md",
    "scripts/README.md",
    "src/cli/cert/README.md",
    "src/kv/README.md",
    "src/mapreduce/README.md",
    "src/market/README.md",
    "test/README.md",
];

#[test]
fn every_file_that_a_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = references::files(root);
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let text = read(document);
        let folder = root.join(document).parent().unwrap().to_owned();
        let links = references::links(&text).into_iter();
        missing.extend(
            links
                .filter(|target| !folder.join(target).exists())
                .map(|target| format!("{document}: no {target}")),
        );
        let paths = references::named_paths(&text).into_iter();
        missing.extend(
            paths
                .filter(|path| !references::exists(&files, path))
                .map(|path| format!("{document}: no {path}")),
        );
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

/// Only transcripts contain commands. The block with the two scripts is an exception: they are steps
/// of `scripts/test` themselves.
#[test]
fn every_command_of_readme_md_is_run() {
    for block in blocks(&read("README.md")) {
        let commands = block.lines.iter().filter(|line| line.starts_with("$ ")).count();
        assert!(block.language == "console" || commands == 0, "line {}", block.line);
    }
}

#[test]
fn readme_md_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 150, "{lines} lines, 150 is the limit");
}

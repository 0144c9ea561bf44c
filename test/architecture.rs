//! Tests of the architecture: which module sees which, what is pure, how long a file may be, what lies where.
//!
//! `ARCHITECTURE.md` states them; this keeps them true. `architecture/rules.rs` has each rule and its
//! exceptions, `architecture/samples.rs` shows that each is caught when broken.

#![expect(clippy::expect_used, reason = "a test that cannot read the repository has failed")]

#[path = "architecture/file_tables.rs"]
mod file_tables;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/samples.rs"]
mod samples;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/words.rs"]
mod words;

use std::fs;
use std::path::Path;

use rules::Source;

/// What may lie at the top of the repository; what `.gitignore` names may too.
const TOP: &[&str] = &[
    ".cargo",
    ".ci",
    ".config",
    ".git",
    ".github",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "deny.toml",
    "proto",
    "rustfmt.toml",
    "schemas",
    "scripts",
    "src",
    "test",
];

/// What `.gitignore` names: made by building, running and testing.
const MADE: &[&str] = &["target", "logs", "__pycache__"];

/// Extensions of the files that hold code people wrote.
const CODE: &[&str] = &["rs", "py", "sh", "proto"];

/// Every file of the repository with its text, by path from the root; those that are not text,
/// and what is made, left out.
fn files() -> Vec<(String, String)> {
    fn walk(root: &Path, folder: &str, found: &mut Vec<(String, String)>) {
        let entries = fs::read_dir(root.join(folder)).expect("the repository can be read");
        for entry in entries {
            let entry = entry.expect("the repository can be read");
            let name = entry.file_name().into_string().expect("a file name in UTF-8");
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if name == ".git" || MADE.contains(&name.as_str()) {
                continue;
            }
            if entry.file_type().expect("a kind of file").is_dir() {
                walk(root, &path, found);
            } else if let Ok(text) = fs::read_to_string(entry.path()) {
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut found);
    found.sort();
    found
}

fn is_code(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let script = file.starts_with("scripts/") && extension.is_none();
    script || extension.is_some_and(|extension| CODE.contains(&extension))
}

fn is_generated(file: &str) -> bool {
    file.starts_with("src/pb/")
}

/// Fails with one line for each thing that is wrong: file, line, what.
fn must_be_empty<T: ToString>(findings: Vec<T>) {
    let lines: Vec<String> = findings.iter().map(T::to_string).collect();
    assert!(lines.is_empty(), "\n\n{}\n", lines.join("\n"));
}

#[test]
fn every_file_of_src_keeps_the_rules() {
    let files = files();
    let rust =
        || files.iter().filter(|(file, _)| file.starts_with("src/") && file.ends_with(".rs"));
    let lib = rust().find(|(file, _)| file == "src/lib.rs").expect("src/lib.rs");
    let modules = rules::modules(&lib.1);
    let tests: Vec<String> =
        rust().flat_map(|(file, text)| Source::read(file, text, false).test_files()).collect();
    let is_test = |file: &str| {
        tests
            .iter()
            .any(|test| if test.ends_with('/') { file.starts_with(test) } else { file == test })
    };
    let findings = rust()
        .flat_map(|(file, text)| rules::check(&Source::read(file, text, is_test(file)), &modules));
    must_be_empty(findings.collect());
}

#[test]
fn every_module_is_declared_pure_or_not() {
    let lib = include_str!("../src/lib.rs");
    let unknown = rules::modules_without_a_kind(&rules::modules(lib));
    assert!(
        unknown.is_empty(),
        "say in test/architecture/rules.rs whether these are pure: {unknown:?}"
    );
}

#[test]
fn every_folder_of_src_is_a_module_with_documentation() {
    let files = files();
    let modules = rules::modules(include_str!("../src/lib.rs"));
    let mut findings = Vec::new();
    for module in &modules {
        let head = format!("src/{module}/mod.rs");
        match files.iter().find(|(file, _)| *file == head) {
            Some((_, text)) if text.starts_with("//!") => {}
            Some(_) => findings.push(format!("{head}:1: a module opens with what it is (`//!`)")),
            None => findings.push(format!("{head}: module `{module}` of src/lib.rs has no mod.rs")),
        }
    }
    for (file, _) in files.iter().filter(|(file, _)| file.starts_with("src/")) {
        match file.split('/').nth(1) {
            Some("lib.rs" | "main.rs") => {}
            Some(module) if modules.iter().any(|name| name == module) => {}
            _ => findings.push(format!("{file}: not in a module of src/lib.rs")),
        }
    }
    must_be_empty(findings);
}

#[test]
fn nothing_strays_at_the_top() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root).expect("the repository can be read");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    let stray = names
        .map(|name| name.expect("a file name in UTF-8"))
        .filter(|name| !TOP.contains(&name.as_str()) && !MADE.contains(&name.as_str()));
    must_be_empty(stray.map(|name| format!("{name}: does not belong at the top")).collect());
}

#[test]
fn no_file_is_too_long_and_every_name_says_something() {
    let files = files();
    let written = || files.iter().filter(|(file, _)| is_code(file) && !is_generated(file));
    let mut lengths: Vec<(usize, &str)> =
        written().map(|(file, text)| (text.lines().count(), file.as_str())).collect();
    lengths.sort_unstable();
    let (median, longest) = (lengths[lengths.len() / 2].0, lengths[lengths.len() - 1]);
    println!(
        "{} files, {} lines, median {median}, longest {} ({})",
        lengths.len(),
        lengths.iter().map(|(lines, _)| lines).sum::<usize>(),
        longest.0,
        longest.1
    );
    let findings = written().flat_map(|(file, text)| {
        rules::length(file, text).into_iter().chain(rules::file_name(file))
    });
    must_be_empty(findings.collect());
}

#[test]
fn no_test_sleeps() {
    let files = files();
    let tests = files.iter().filter(|(file, _)| {
        let ours = !file.starts_with("test/etcd-bench/") && file != "test/support/wait.rs";
        file.starts_with("test/") && file.ends_with(".rs") && ours
    });
    must_be_empty(tests.flat_map(|(file, text)| rules::sleeps(file, text)).collect());
}

#[test]
fn tables_of_files_are_up_to_date() {
    let files = files();
    let exists = |path: &str| {
        let (file, folder) = (format!("{path}.rs"), format!("{path}/"));
        files.iter().any(|(name, _)| *name == file || name.starts_with(&folder))
    };
    let findings =
        files.iter().flat_map(|(file, text)| file_tables::stale_names(file, text, exists));
    must_be_empty(findings.collect());
}

#[test]
fn replaced_words_do_not_come_back() {
    let files = files();
    let findings = files.iter().flat_map(|(file, text)| words::replaced_words(file, text));
    must_be_empty(findings.collect());
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    let files = files();
    let findings = files.iter().flat_map(|(file, text)| rules::machine_paths(file, text));
    must_be_empty(findings.collect());
}

#[test]
fn every_exception_is_still_needed() {
    must_be_empty(rules::unused_exceptions(&files()));
}

/// A test without an entry is not run, and nobody misses it.
#[test]
fn every_test_has_its_entry_in_the_manifest() {
    let manifest = include_str!("../Cargo.toml");
    let is_root = |file: &str| match file.strip_prefix("test/") {
        Some(rest) => {
            let own_crate = rest.starts_with("tonic-echo/") || rest.starts_with("etcd-bench/");
            let top = rest.ends_with(".rs") && !rest.contains('/');
            top || (rest.ends_with("/main.rs") && !own_crate)
        }
        None => false,
    };
    let missing = files().into_iter().map(|(file, _)| file).filter(|file| is_root(file));
    must_be_empty(
        missing.filter(|file| !manifest.contains(&format!("path = \"{file}\""))).collect(),
    );
}

#[test]
fn every_dependency_is_explained_in_architecture_md() {
    let (_, dependencies) = include_str!("../Cargo.toml")
        .split_once("[dependencies]\n")
        .expect("Cargo.toml has dependencies");
    let explained = include_str!("../ARCHITECTURE.md");
    let names = dependencies.lines().take_while(|line| !line.starts_with('['));
    let names = names.filter_map(|line| line.split_once(" = ").map(|(name, _)| name));
    let missing = names.filter(|name| {
        !explained.lines().any(|line| line.starts_with("| ") && line.contains(*name))
    });
    must_be_empty(missing.map(|name| format!("ARCHITECTURE.md: no reason for `{name}`")).collect());
}

//! Invalid flags and inputs are refused with the reason.

use crate::processes::Folder;

#[test]
fn wrong_flags_are_wrong_usage() {
    let folder = Folder::new();
    folder.file("a", "a\n");
    for line in [
        "wordcount",
        "wordcount a -m 0",
        "wordcount a -m x",
        "wordcount a -r 0",
        "wordcount a --fail-probability 1.5",
        "wordcount a --task-delay -1",
        "wordcount a --mappers ,",
        "wordcount a --sort-memory 0",
        "mapreduce a --reducer cat",
        "mapreduce a --mapper cat",
        "mapper",
        "mapper --listen here",
        "mapper --listen 127.0.0.1:0 --slots 0",
        "reducer --listen 127.0.0.1:0 extra",
    ] {
        let output = folder.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(output.code, Some(2), "{line}: {}", output.stderr);
        assert!(output.stderr.starts_with("agora: "), "{line}: {}", output.stderr);
    }
}

#[test]
fn input_that_is_not_there_is_named() {
    let folder = Folder::new();
    folder.file("a", "a\n");
    let output = folder.run(&["wordcount", "a", "missing.txt"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("missing.txt: No such file"), "{}", output.stderr);
    assert!(!folder.has("Data"), "nothing was begun");
    let output = folder.run(&["wordcount", "."]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains(".: not a file"), "{}", output.stderr);
}

#[test]
fn workers_that_are_not_there_are_named() {
    let folder = Folder::new();
    folder.file("a", "a\n");
    // Nobody listens on port 1.
    let line = ["wordcount", "a", "--mappers", "127.0.0.1:1", "--worker-timeout", "0.2", "-q"];
    let output = folder.run(&line);
    assert_eq!(output.code, Some(1));
    let expected = "agora: no mapper is available: 127.0.0.1:1: Connection refused";
    assert!(output.stderr.starts_with(expected), "{}", output.stderr);
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let folder = Folder::new();
    folder.file("a", "a\n");
    folder.file("file", "");
    let output = folder.run(&["wordcount", "a", "--data", "file"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.starts_with("agora: file: "), "{}", output.stderr);
    let output = folder.run(&["wordcount", "a", "--output", "no/such/folder"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("no/such/folder: No such file"), "{}", output.stderr);
}

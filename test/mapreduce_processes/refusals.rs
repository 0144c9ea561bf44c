//! What makes no sense is refused, with the reason, and costs nothing.

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
        let said = folder.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(said.code, Some(2), "{line}: {}", said.stderr);
        assert!(said.stderr.starts_with("agora: "), "{line}: {}", said.stderr);
    }
}

#[test]
fn input_that_is_not_there_is_named() {
    let folder = Folder::new();
    folder.file("a", "a\n");
    let said = folder.run(&["wordcount", "a", "missing.txt"]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("missing.txt: No such file"), "{}", said.stderr);
    assert!(!folder.has("Data"), "nothing was begun");
    let said = folder.run(&["wordcount", "."]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains(".: not a file"), "{}", said.stderr);
}

#[test]
fn workers_that_are_not_there_are_named() {
    let folder = Folder::new();
    folder.file("a", "a\n");
    // Nobody listens on port 1.
    let line = ["wordcount", "a", "--mappers", "127.0.0.1:1", "--worker-timeout", "0.2", "-q"];
    let said = folder.run(&line);
    assert_eq!(said.code, Some(1));
    let expected = "agora: no mapper is there: 127.0.0.1:1: Connection refused";
    assert!(said.stderr.starts_with(expected), "{}", said.stderr);
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let folder = Folder::new();
    folder.file("a", "a\n");
    folder.file("file", "");
    let said = folder.run(&["wordcount", "a", "--data", "file"]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.starts_with("agora: file: "), "{}", said.stderr);
    let said = folder.run(&["wordcount", "a", "--output", "no/such/folder"]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("no/such/folder: No such file"), "{}", said.stderr);
}

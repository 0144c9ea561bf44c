//! Word count: the same result in every configuration, and the file layout of the course version.

use crate::processes::{Folder, files_in, some_text};

#[test]
fn counts_are_the_same_however_they_are_made() {
    let (text, expected) = some_text(1, 400_000);
    let folder = Folder::new();
    folder.file("a.txt", &text);
    for (maps, reduces, more) in [
        ("1", "1", &[][..]),
        ("2", "2", &[]),
        ("5", "3", &["--sort-memory", "1"]),
        ("3", "1", &["--no-backup"]),
    ] {
        folder.succeed(&[&["wordcount", "a.txt", "-m", maps, "-r", reduces], more].concat());
        assert_eq!(folder.read("Data/output.txt"), expected, "-m {maps} -r {reduces}");
    }
    let output = folder.succeed(&["wordcount", "-m", "2", "-q", "--output", "-", "a.txt"]);
    assert_eq!((output.stdout, output.stderr), (expected, String::new()));
}

#[test]
fn several_files_are_one_input() {
    let folder = Folder::new();
    folder.file("a", "one two\nthree");
    folder.file("b", "");
    folder.file("c", "four one");
    folder.succeed(&["wordcount", "-m", "3", "-r", "2", "--input", "a", "--input", "b", "c"]);
    assert_eq!(folder.read("Data/output.txt"), "four\t1\none\t2\nthree\t1\ntwo\t1\n");
}

#[test]
fn an_empty_input_has_no_words() {
    let folder = Folder::new();
    folder.file("empty", "");
    let output = folder.succeed(&["wordcount", "-m", "3", "-r", "2", "empty"]);
    assert_eq!(folder.read("Data/output.txt"), "");
    assert!(output.stderr.contains("0 words"), "{}", output.stderr);
}

#[test]
fn files_have_the_layout_of_the_course_version() {
    let folder = Folder::new();
    folder.file("a", "to be or not to be\n");
    folder.file("Data/Mappers/M9/partition_1.txt", "of an earlier job");
    folder.file("Data/Mappers/M1/notes.txt", "not ours");
    folder.succeed(&["wordcount", "-m", "2", "-r", "2", "a"]);
    let expected = [
        "Mappers/M1/notes.txt",
        "Mappers/M1/partition_1.txt",
        "Mappers/M1/partition_2.txt",
        "Mappers/M2/partition_1.txt",
        "Mappers/M2/partition_2.txt",
        "Reducers/R1.txt",
        "Reducers/R2.txt",
        "dump.txt",
        "job.lock",
        "job.txt",
        "output.txt",
    ];
    assert_eq!(files_in(&folder.0.join("Data")), expected);
    let dump = folder.read("Data/dump.txt");
    for line in [
        "M1: map 1 called, attempt 1",
        "M1: map 1, attempt 1: SUCCESS",
        "R2: reduce 2, attempt 4: SUCCESS",
        "6 words, 4 different ones",
    ] {
        assert!(dump.contains(line), "{line}:\n{dump}");
    }
}

//! Any two commands.

use crate::processes::{Folder, children, command_line, eventually, is_alive, some_text};

const MAP: &str = r#"
import sys
words = 0
for line in sys.stdin:
    for word in line.split():
        print(f"{word}\t1")
        words += 1
print(f"reporter:counter:Script,words,{words}", file=sys.stderr)
print("reporter:status:all read", file=sys.stderr)
"#;

const REDUCE: &str = r#"
import sys
from itertools import groupby
pairs = (line.rstrip("\n").split("\t", 1) for line in sys.stdin)
for key, group in groupby(pairs, key=lambda pair: pair[0]):
    print(f"{key}\t{sum(int(value) for _, value in group)}")
"#;

fn run(folder: &Folder, mapper: &str, reducer: &str, more: &[&str]) -> String {
    let line = ["mapreduce", "--mapper", mapper, "--reducer", reducer, "--output", "-", "-q"];
    folder.succeed(&[&line[..], more, &["a.txt"]].concat()).stdout
}

#[test]
fn scripts_count_words_as_they_do_elsewhere() {
    let (text, expected) = some_text(31, 100_000);
    let folder = Folder::new();
    folder.file("a.txt", &text);
    folder.file("map.py", MAP);
    folder.file("reduce.py", REDUCE);
    let line = ["mapreduce", "--mapper", "python3 map.py", "--reducer", "python3 reduce.py"];
    let output = folder.succeed(&[&line[..], &["-m", "3", "-r", "1", "a.txt"]].concat());
    assert_eq!(folder.read("Data/output.txt"), expected);
    let words = text.split_whitespace().count();
    assert!(output.stderr.contains(&format!("Script: words = {words}")), "{}", output.stderr);
    // Several reducers: each key is in one of them.
    let mut lines: Vec<String> =
        run(&folder, "python3 map.py", "python3 reduce.py", &["-m", "2", "-r", "3"])
            .lines()
            .map(|line| format!("{line}\n"))
            .collect();
    lines.sort_unstable();
    assert_eq!(lines.concat(), expected);
}

#[test]
fn cat_passes_lines_unchanged() {
    let (text, _) = some_text(32, 300_000);
    let folder = Folder::new();
    folder.file("a.txt", &text);
    assert_eq!(run(&folder, "cat", "", &["-m", "4", "-r", "0"]), text);
    let lines = text.lines().count();
    let counted: usize =
        run(&folder, "cat", "wc -l", &["-m", "3", "-r", "1"]).trim().parse().unwrap();
    assert_eq!(counted, lines);
    // Sorted, stable, and keys without a value have an empty one.
    folder.file("a.txt", "b\t2\na\tx\nb\t1\nc");
    assert_eq!(run(&folder, "cat", "cat", &["-m", "2"]), "a\tx\nb\t2\nb\t1\nc\t\n");
}

#[test]
fn commands_may_ignore_their_input_and_print_much() {
    let (text, _) = some_text(33, 2_000_000);
    let folder = Folder::new();
    folder.file("a.txt", text);
    assert_eq!(run(&folder, "echo hi", "", &["-m", "2", "-r", "0"]), "hi\nhi\n");
    // More than a pipe holds, on both pipes, before the input is read.
    let noisy = "seq 1 100000; seq 1 100000 >&2; cat >/dev/null";
    let printed = run(&folder, noisy, "", &["-m", "1", "-r", "0"]);
    assert_eq!(printed.lines().count(), 100_000);
    // One command never reads, one stops reading.
    assert_eq!(run(&folder, "head -n 1", "wc -l", &["-m", "2"]).trim(), "2");
}

#[test]
fn commands_know_which_task_they_are() {
    let folder = Folder::new();
    folder.file("a.txt", "1\n2\n3\n4\n");
    let mapper = "echo $mapreduce_task_partition $mapreduce_map_input_file \
                  $mapreduce_map_input_start $mapreduce_map_input_length $mapreduce_task_is_map";
    let printed = run(&folder, mapper, "", &["-m", "2", "-r", "0"]);
    assert_eq!(printed, "0 a.txt 0 4 true\n1 a.txt 4 4 true\n");
}

#[test]
fn a_failing_command_fails_the_job_and_shows_its_stderr() {
    let folder = Folder::new();
    folder.file("a.txt", "a\n");
    let line = ["mapreduce", "--mapper", "cat", "--reducer", "echo so sorry >&2; exit 7", "a.txt"];
    let output = folder.run(&[&line[..], &["-q", "-m", "1"]].concat());
    assert_eq!(output.code, Some(1));
    let expected =
        "agora: reduce 1: \"echo so sorry >&2; exit 7\" ended with status 7\n    so sorry\n";
    assert_eq!(output.stderr, expected);
    let killed = folder.run(&["mapreduce", "--mapper", "kill -9 $$", "-r", "0", "-q", "a.txt"]);
    assert!(killed.stderr.contains("was killed by signal 9"), "{}", killed.stderr);
}

#[test]
fn a_command_that_fails_once_is_retried() {
    let folder = Folder::new();
    folder.file("a.txt", "a\nb\n");
    // The first run of each split fails, the second succeeds.
    let mapper = "mkdir tried.$mapreduce_task_partition && exit 1; cat";
    assert_eq!(run(&folder, mapper, "cat", &["-m", "2"]), "a\t\nb\t\n");
}

#[test]
fn bad_lines_are_skipped_only_on_request() {
    let folder = Folder::new();
    let lines: Vec<String> = (0..500).map(|number| format!("line {number}\n")).collect();
    folder.file("a.txt", lines.concat());
    let mapper = r#"awk '/ 77$/ || / 301$/ { exit 1 } { print }'"#;
    let line = ["mapreduce", "--mapper", mapper, "-r", "0", "-m", "2", "-q", "a.txt"];
    let output = folder.run(&line);
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    let printed = run(&folder, mapper, "", &["-r", "0", "-m", "2", "--skip-bad"]);
    let kept = lines.iter().enumerate().filter(|(number, _)| ![77, 301].contains(number));
    assert_eq!(printed, kept.map(|(_, line)| line.as_str()).collect::<String>());
}

#[test]
fn a_cancelled_command_is_killed_with_its_process_group() {
    let folder = Folder::new();
    folder.file("a.txt", "a\n");
    let mut job = folder.start(&["mapreduce", "--mapper", "sleep 1000 | cat", "-r", "0", "a.txt"]);
    job.lines.wait_for("map 1 called");
    let mappers = job.workers("mapper");
    let mut commands = Vec::new();
    eventually("the command", || {
        let shells: Vec<u32> = mappers.iter().flat_map(|pid| children(*pid)).collect();
        commands = shells.iter().flat_map(|pid| children(*pid)).collect();
        commands.iter().any(|pid| command_line(*pid).first().is_some_and(|word| word == "sleep"))
    });
    job.child.kill().unwrap();
    eventually("its end", || !commands.iter().any(|pid| is_alive(*pid)));
}

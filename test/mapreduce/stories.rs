//! Stories: rounds as text files with events and the scheduler's actions. The files are in
//! `stories/`:
//!
//! ```text
//! # A comment.
//! ! keeps inputs                                a policy
//! > join M1 M2 R1
//! > round 2 1                                   maps, reduces
//! M1 starts map 1, attempt 1                    the action
//! > 10 M1 done                                  ms since the start, worker, event
//! ```
//!
//! After an intended change, `AGORA_BLESS=1 cargo test --test mapreduce` writes the current actions
//! into the stories, to be reviewed as a diff.

use std::fmt::Write;
use std::path::Path;

use agora::mapreduce::scheduler::{AttemptId, Cause, Loss, Policy};

use crate::harness::{Harness, ms};

#[test]
fn every_story_has_its_expected_actions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/mapreduce/stories");
    let bless = std::env::var_os("AGORA_BLESS").is_some();
    let mut stories = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let story = std::fs::read_to_string(&path).unwrap();
        let happened = retell(&story);
        if bless {
            std::fs::write(&path, &happened).unwrap();
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let same = story.lines().zip(happened.lines()).take_while(|(a, b)| a == b).count();
        let line = |text: &str| text.lines().nth(same).unwrap_or("(the end)").to_owned();
        assert!(
            bless || story == happened,
            "{name}, line {}:\n  expected: {}\n  happened: {}",
            same + 1,
            line(&story),
            line(&happened)
        );
        stories += 1;
    }
    assert!(stories >= 6, "only {stories} stories found");
}

/// The story with the current actions.
fn retell(story: &str) -> String {
    let mut policy = Policy::DEFAULT;
    for line in story.lines().filter_map(|line| line.strip_prefix("! ")) {
        match line {
            "keeps inputs" => policy.inputs_are_kept = true,
            "skips bad records" => policy.skip_bad_records = true,
            _ => panic!("no such policy: {line}"),
        }
    }
    let mut harness = Harness::new(policy);
    let mut happened = String::new();
    let mut in_output = false;
    for line in story.lines() {
        if let Some(command) = line.strip_prefix("> ") {
            writeln!(happened, "{line}").unwrap();
            run_command(&mut harness, command, &mut happened);
            in_output = true;
        } else if line.is_empty() || line.starts_with("# ") || line.starts_with("! ") {
            in_output = false;
        }
        if !in_output {
            writeln!(happened, "{line}").unwrap();
        }
    }
    happened
}

fn run_command(harness: &mut Harness, command: &str, happened: &mut String) {
    let mut words: Vec<&str> = command.split_whitespace().collect();
    if let Ok(at) = words[0].parse() {
        words.remove(0);
        match words[..] {
            // Time passes, and these workers answer all pings.
            ["while", .., "answer"] => {
                let alive = words[1..words.len() - 1].to_vec();
                harness.until_with(ms(at), &alive);
                words.clear();
            }
            _ => harness.until(ms(at)),
        }
        happened.push_str(&harness.take_text());
    }
    let number = |at: usize| -> u64 { words[at].parse().unwrap() };
    let counts = match words[..] {
        [] => true,
        ["join", ..] => {
            words[1..].iter().for_each(|name| harness.join(name));
            true
        }
        ["round", ..] => {
            harness.round(number(1) as u32, number(2) as u32);
            true
        }
        [name, "done"] => harness.complete(name, harness.attempt(name)),
        [name, "done", "attempt", _] => harness.complete(name, AttemptId(number(3))),
        [name, "fails"] => harness.fail(name, harness.attempt(name), Cause::Worker),
        [name, "lacks", "a", "resource"] => {
            harness.fail(name, harness.attempt(name), Cause::MissingResource)
        }
        [name, "crashes"] => harness.fail(name, harness.attempt(name), Cause::Job { record: None }),
        [name, "crashes", "on", _] => {
            let record = Some(number(3));
            harness.fail(name, harness.attempt(name), Cause::Job { record })
        }
        [name, "cannot", "read"] => harness.fail(name, harness.attempt(name), Cause::Permanent),
        [name, "dies"] => {
            harness.lose(name);
            true
        }
        [name, "answers"] => {
            harness.answer_ping(name);
            true
        }
        [name, "cannot", "find", "map", _, "attempt", _] => {
            harness.lost_output(name, number(4) as u32 - 1, AttemptId(number(6)), Loss::Missing);
            true
        }
        _ => panic!("no such command: {command}"),
    };
    if !counts {
        happened.push_str("(does not count)\n");
    }
    happened.push_str(&harness.take_text());
}

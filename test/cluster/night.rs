//! The log lines of the nodes that are left tell what happened to the leader, and nothing else is
//! read: who led in which term, why that ended and when, who took over, with term and index.

use std::collections::BTreeMap;
use std::time::SystemTime;

use agora::raft::{Index, NodeId, Term};
use agora::text::push_time;

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::process::eventually;

/// A line, of either form.
#[derive(Debug)]
pub struct Line {
    time: String,
    pub message: String,
    fields: BTreeMap<String, String>,
}

/// `[TIME LEVEL TARGET] MESSAGE`
fn text_line(line: &str) -> Line {
    let (head, message) = line.strip_prefix('[').unwrap().split_once("] ").unwrap();
    let [time, level, target] = head.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{line}")
    };
    assert!(matches!(level, "INFO" | "WARN" | "ERROR") && target.starts_with("agora"), "{line}");
    Line { time: time.into(), message: message.into(), fields: BTreeMap::new() }
}

/// One object with strings and numbers, and no space between the parts.
pub fn json_line(line: &str) -> Line {
    let mut rest = line.strip_prefix('{').unwrap();
    let mut fields = BTreeMap::new();
    loop {
        let (name, behind) = json_string(rest);
        let behind = behind.strip_prefix(':').unwrap();
        let (value, behind) = match behind.starts_with('"') {
            true => json_string(behind),
            false => {
                let end = behind.find(|character: char| !character.is_ascii_digit()).unwrap();
                (behind[..end].to_owned(), &behind[end..])
            }
        };
        assert!(!value.is_empty() && fields.insert(name, value).is_none(), "{line}");
        if behind == "}" {
            break;
        }
        rest = behind.strip_prefix(',').unwrap();
    }
    for name in ["level", "target"] {
        assert!(fields.contains_key(name), "{line}");
    }
    let [time, message] = ["time", "message"].map(|name| fields.remove(name).unwrap());
    Line { time, message, fields }
}

/// The string at the beginning, and what is behind it.
fn json_string(text: &str) -> (String, &str) {
    let inside = text.strip_prefix('"').unwrap();
    let mut string = String::new();
    let mut characters = inside.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (string, &inside[at + 1..]),
            '\\' => match characters.next().unwrap().1 {
                escaped @ ('"' | '\\') => string.push(escaped),
                'n' => string.push('\n'),
                'u' => {
                    let digits: String =
                        characters.by_ref().take(4).map(|(_, digit)| digit).collect();
                    let code = u32::from_str_radix(&digits, 16).unwrap();
                    string.push(char::from_u32(code).unwrap());
                }
                other => panic!("\\{other} in {text}"),
            },
            other => string.push(other),
        }
    }
    panic!("a string without an end: {text}")
}

/// The number behind the words.
fn number_behind(message: &str, words: &str) -> Option<u64> {
    let behind = message.split_once(words)?.1;
    let end = behind.find(|character: char| !character.is_ascii_digit());
    behind[..end.unwrap_or(behind.len())].parse().ok()
}

/// What the lines tell.
#[derive(Debug, Default, PartialEq)]
struct Story {
    /// Who led, and in which term.
    led: Option<(NodeId, Term)>,
    /// When and why that ended.
    lost: Option<(String, String)>,
    /// Who was elected, in which term, at which index.
    elected: Option<(NodeId, Term, Index)>,
    /// When.
    elected_at: String,
}

impl Story {
    fn read<'l>(lines: impl Iterator<Item = &'l Line>) -> Story {
        let mut story = Story::default();
        for Line { time, message, .. } in lines {
            if let Some(node) = message
                .contains(" cannot be reached: ")
                .then(|| number_behind(message, "node "))
                .flatten()
                && story.led.is_some_and(|(leader, _)| leader == node)
                && story.lost.is_none()
            {
                let reason = message.split_once(" cannot be reached: ").unwrap().1;
                story.lost = Some((time.clone(), reason.to_owned()));
            }
            if let Some(leader) = number_behind(message, " follows node ") {
                let term = number_behind(message, " in term ").unwrap();
                if story.lost.is_none() {
                    story.led = Some((leader, term));
                }
            }
            if let Some(index) = number_behind(message, ", elected at index ") {
                let (node, term) =
                    (number_behind(message, "node "), number_behind(message, " in term "));
                let before =
                    (number_behind(message, "; node "), number_behind(message, " led in term "));
                assert_eq!(story.led, before.0.zip(before.1), "the line names it: {message}");
                story.elected = Some((node.unwrap(), term.unwrap(), index));
                story.elected_at.clone_from(time);
            }
        }
        story
    }
}

fn now() -> String {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let mut time = Vec::new();
    push_time(since_1970.as_millis() as u64, &mut time);
    String::from_utf8(time).unwrap()
}

/// Kills the leader of three nodes and reads the log of the one that takes over.
fn kill_and_read(flags: &[&str], parse: fn(&str) -> Line) -> Vec<Line> {
    let mut cluster = Cluster::start(3, &[STABLE_TIMING, flags].concat());
    let old = cluster.leader();
    let led_in = cluster.status(old).unwrap().term;
    cluster.client().set(b"name", b"Jaggu").unwrap();
    cluster.converge();
    let killed_at = now();
    cluster.kill(&[old]);
    let new = cluster.leader();
    let status = cluster.status(new).unwrap();
    let mut lines = Vec::new();
    eventually("the log tells it", || {
        let log = cluster.process(new).stderr();
        lines = log.lines().map(parse).collect::<Vec<_>>();
        Story::read(lines.iter()).elected.is_some()
    });
    let story = Story::read(lines.iter());
    println!("{story:#?}");
    assert_eq!(story.led, Some((old, led_in)));
    let (node, term, index) = story.elected.unwrap();
    assert_eq!((node, term), (new, status.term));
    // A no-op, a set, and the no-op of the new leader.
    eventually("its first entry is committed", || {
        cluster.status(new).is_some_and(|status| status.commit_index >= index)
    });
    // It is at least the first entry of the old leader, a set, and its own first entry.
    assert!(index >= 3, "{index}");
    let (lost_at, reason) = story.lost.unwrap();
    assert!(killed_at <= lost_at && lost_at <= story.elected_at && story.elected_at <= now());
    assert!(reason.contains("UNAVAILABLE"), "{reason}");
    // The third node says the same.
    let third = cluster.others(old).into_iter().find(|id| *id != new).unwrap();
    eventually("the other follows", || {
        let log = cluster.process(third).stderr();
        let follows = format!("node {third} follows node {new} in term {term}, its log ends at ");
        let before = format!("; node {old} led in term {led_in}");
        log.lines()
            .map(parse)
            .any(|line| line.message.starts_with(&follows) && line.message.ends_with(&before))
    });
    lines
}

#[test]
fn the_lines_of_the_others_tell_how_the_leader_was_lost() {
    kill_and_read(&[], text_line);
}

#[test]
pub fn json_lines_tell_it_as_well_and_have_the_numbers_in_fields() {
    let lines = kill_and_read(&["--log-format", "json"], json_line);
    let story = Story::read(lines.iter());
    let (node, term, index) = story.elected.unwrap();
    let elected = lines.iter().find(|line| line.message.contains("elected at index")).unwrap();
    for (name, value) in [("node", node), ("leader", node), ("term", term), ("index", index)] {
        assert_eq!(elected.fields[name], value.to_string(), "{elected:?}");
    }
    let (old, _) = story.led.unwrap();
    let lost = |line: &&Line| {
        line.fields.get("peer") == Some(&old.to_string()) && line.fields.contains_key("cause")
    };
    let (lost_at, reason) = story.lost.unwrap();
    assert!(
        lines
            .iter()
            .filter(lost)
            .any(|line| { line.time == lost_at && line.fields["cause"] == reason })
    );
}

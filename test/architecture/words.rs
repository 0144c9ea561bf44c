//! Words that this project has replaced by those of the field. They do not come back: not in code,
//! scripts, contracts, documents or file names.

use super::rules::Finding;

/// Replaced names, as whole identifiers or words: the old one, then the word to use.
const REPLACED: &[(&str, &str)] = &[
    ("Aim", "Target"),
    ("Grains", "FixedPointScale"),
    ("Guest", "InboundPeer"),
    ("LOOKS", "Query"),
    ("Lobby", "PeerRegistry"),
    ("News", "Notification, DiskCompletion, JobEvent: an exact name"),
    ("SULK", "cooldown"),
    ("Spares", "PreparedFiles"),
    ("Uplink", "PeerStream"),
    ("Uplinks", "PeerStreams"),
    ("Vitals", "Keepalive"),
    ("uplink", "peer stream"),
    ("uplinks", "peer streams"),
];

/// Replaced phrases, in any letter case.
const PHRASES: &[(&str, &str)] = &[
    ("house rule", "architecture test"),
    ("impl resident", "EventLoopTask"),
    ("the resident", "the event-loop task"),
    ("classic exercise", "course version"),
    ("classic trial", "course version's trial"),
];

/// Each replaced word in a file's name or text.
pub fn replaced_words(file: &str, text: &str) -> Vec<Finding> {
    if file.ends_with("architecture/words.rs") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in [file].into_iter().chain(text.lines()).enumerate() {
        let lower = line.to_lowercase();
        let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let words = words.filter_map(|word| REPLACED.iter().find(|(old, _)| *old == word));
        let phrases = PHRASES.iter().filter(|(old, _)| lower.contains(old));
        for (old, new) in words.chain(phrases) {
            let what = format!("`{old}` was replaced: {new}");
            findings.push(Finding { file: file.to_owned(), line: index.max(1), what });
        }
    }
    findings
}

#[test]
fn a_replaced_word_is_found_wherever_it_stands() {
    let found = |text: &str| replaced_words("src/new/file.rs", text).len();
    assert_eq!(found("let lobby = Lobby::new();"), 1);
    assert_eq!(found("//! It was the Classic exercise."), 1);
    assert_eq!(found("Lobbyist, spares_no_effort, Newsreel"), 0);
    assert_eq!(replaced_words("src/new/uplinks.rs", "").len(), 1);
}

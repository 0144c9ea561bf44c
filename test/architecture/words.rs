//! Words that this project has replaced by those of the field. They do not come back: not in code,
//! scripts, contracts, documents or file names.

use super::rules::Finding;
use super::source::code_only;

/// Replaced names of types, functions, fields, variables and files: the old one, then the name to
/// use. Most are ordinary words elsewhere, so they are looked for in code alone.
const NAMES: &[(&str, &str)] = &[
    ("Aim", "Target"),
    ("Asked", "PendingRequest or a request of its own name"),
    ("Backlog", "UnsentBudget"),
    ("CompareAndSwap", "CompareAndSet"),
    ("Ending", "CloseReason or ShutdownReason"),
    ("Former", "Delisted"),
    ("Grains", "FixedPointScale"),
    ("Guest", "InboundPeer"),
    ("Halves", "SplitMantissa"),
    ("LOOKS", "ReadSet"),
    ("Letter", "SentMessage or OutboundAction"),
    ("Lobby", "PeerRegistry"),
    ("Looks", "ReadSet"),
    ("NOWHERE", "NO_CONTENDER"),
    ("News", "an exact name: Notification, DiskCompletion, DriverEvent"),
    ("Paper", "AsyncLineWriter"),
    ("Places", "ConnectionLimiter"),
    ("Resident", "EventLoopTask"),
    ("Routes", "ClusterClient"),
    ("SULK", "cooldown"),
    ("Seat", "WorkerSlot"),
    ("Spares", "PreparedFiles"),
    ("Strange", "Incompatible"),
    ("Stretch", "Run"),
    ("Told", "an exact name: LastReported, Feed"),
    ("Trouble", "TaskFailures"),
    ("Turn", "Output or TurnContext"),
    ("Typical", "DurationStats"),
    ("Uplink", "PeerStream"),
    ("Uplinks", "PeerStreams"),
    ("Verdict", "KeepaliveAction or an exact name"),
    ("Vitals", "Keepalive"),
    ("Way", "AssignStrategy"),
    ("banded", "yinyang"),
    ("crowd", "expected_batch"),
    ("elect_last", "last_index_at_election"),
    ("enlist", "create_account"),
    ("finer", "overflow or wide"),
    ("given_index", "dispatched_index"),
    ("give_back", "requeue"),
    ("give_up", "cancel"),
    ("heights", "sq_norms"),
    ("hurry", "reconnect_now"),
    ("is_doubted", "is_suspect"),
    ("is_run", "is_contiguous"),
    ("join_line", "schedule"),
    ("just_us", "self_vote"),
    ("lead_on", "prepare_leader_output"),
    ("lobby", "peer_registry"),
    ("obey", "apply"),
    ("rememberer", "dedup_account"),
    ("resident", "task"),
    ("scribe", "background"),
    ("spares", "prepared_files"),
    ("strike", "remove_from"),
    ("swap_asked", "compare_and_set"),
    ("take_steps", "send_pending"),
    ("told_leader", "last_reported_leader"),
    ("told_since", "changed_since"),
    ("unfit", "avoided_workers"),
    ("uplink", "peer_stream"),
    ("uplinks", "peer_streams"),
    ("was_swapped", "compare_and_set"),
];

/// Replaced phrases, looked for in all files, in any letter case.
const PHRASES: &[(&str, &str)] = &[
    ("house rule", "architecture test"),
    ("classic exercise", "course version"),
    ("classic trial", "trial of the course version"),
    ("uplink", "peer stream"),
    ("what fails is done again", "failed tasks are retried"),
    ("is done once", "is applied exactly once"),
];

/// Each replaced name and phrase in a file.
pub fn replaced_words(file: &str, text: &str) -> Vec<Finding> {
    if file.ends_with("architecture/words.rs") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut find = |line: usize, old: &str, new: &str| {
        let what = format!("`{old}` was replaced: {new}");
        findings.push(Finding { file: file.to_owned(), line, what });
    };
    for (index, line) in text.lines().enumerate() {
        let lower = line.to_lowercase();
        for (old, new) in PHRASES.iter().filter(|(old, _)| lower.contains(old)) {
            find(index + 1, old, new);
        }
    }
    if file.ends_with(".rs") {
        let stems = file.split('/').map(|part| part.trim_end_matches(".rs"));
        for (old, new) in stems.filter_map(replaced) {
            find(1, old, new);
        }
        for (index, line) in code_only(text).lines().enumerate() {
            let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            for (old, new) in words.filter_map(replaced) {
                find(index + 1, old, new);
            }
        }
    }
    findings
}

fn replaced(word: &str) -> Option<(&'static str, &'static str)> {
    NAMES.iter().find(|(old, _)| *old == word).copied()
}

#[test]
fn a_replaced_word_is_found_wherever_it_stands() {
    let found = |text: &str| replaced_words("src/new/file.rs", text).len();
    assert_eq!(found("let lobby = Lobby::new(); // Lobby"), 2);
    assert_eq!(found("//! It was the House Rules."), 1);
    assert_eq!(found("Lobbyist, spares_no_effort, Newsreel"), 0);
    assert_eq!(replaced_words("src/new/uplinks.rs", "").len(), 1);
    assert_eq!(replaced_words("README.md", "A house rule. A lobby.").len(), 1);
}

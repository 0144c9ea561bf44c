//! Keys, values and nodes as text.

use std::fmt::Write as _;

use crate::call::Status;
use crate::kv::client::{NodeStatus, Role};
use crate::raft::NodeId;
use crate::text::{self, printable_lines, push_words};

/// Words as in `schemas/files.md`: escaped, with one space between them.
pub(super) fn words(words: &[&[u8]]) -> String {
    let mut line = Vec::new();
    push_words(words.iter().copied(), &mut line);
    // Escaped words are UTF-8.
    String::from_utf8_lossy(&line).into_owned()
}

fn push_bytes(bytes: &[u8], line: &mut String) {
    for byte in bytes {
        // Writing to a String does not fail.
        let _ = write!(line, "\\x{byte:02x}");
    }
}

/// One word.
pub(super) fn escaped(word: &[u8]) -> String {
    words(&[word])
}

/// A value for a terminal: hidden characters and invalid UTF-8 are escaped.
pub(super) fn printable(value: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in value.utf8_chunks() {
        shown.push_str(&printable_lines(chunk.valid()));
        push_bytes(chunk.invalid(), &mut shown);
    }
    shown
}

const HEADINGS: [&str; 9] =
    ["NODE", "ROLE", "TERM", "COMMIT", "APPLIED", "LEASE", "LAG", "HEARD", "KEYS"];

/// A table with a line for each node. Its lag and last contact are from the leader.
pub(super) fn table(statuses: &[(NodeId, Result<NodeStatus, Status>)]) -> String {
    let known = || statuses.iter().filter_map(|(_, status)| status.as_ref().ok());
    let leader = known().filter(|status| status.role == Role::Leader).max_by_key(|s| s.term);
    let mut rows: Vec<Vec<String>> = vec![HEADINGS.iter().map(|&text| text.to_owned()).collect()];
    for (node, status) in statuses {
        rows.push(match status {
            Ok(status) => row(status, leader),
            Err(status) => {
                vec![node.to_string(), "-".into(), text::printable(&status.message).into_owned()]
            }
        });
    }
    let width = |column: usize| {
        let cells = rows.iter().filter(|row| row.len() == HEADINGS.len());
        cells.filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The alarm of a leader that refuses writes because of its quota, if there is one.
pub(super) fn quota_alarm(statuses: &[(NodeId, Result<NodeStatus, Status>)]) -> Option<String> {
    let known = statuses.iter().filter_map(|(_, status)| status.as_ref().ok());
    let full = known.filter(|status| status.role == Role::Leader && status.is_full);
    let NodeStatus { node, size_bytes, quota_bytes, .. } = full.max_by_key(|status| status.term)?;
    Some(format!(
        "ALARM: node {node} refuses writes that make the store larger: it has {size_bytes} of \
         {quota_bytes} bytes (--quota-bytes); delete keys, or restart the nodes one by one with a \
         larger quota"
    ))
}

/// Why the group takes no writes now, by the statuses of its nodes. `None` if one of them leads
/// with a quorum, or if they name a leader that was not asked.
pub(super) fn unavailable_reason(
    statuses: &[(NodeId, Result<NodeStatus, Status>)],
) -> Option<&'static str> {
    let known = || statuses.iter().filter_map(|(_, status)| status.as_ref().ok());
    if known().next().is_none() {
        return Some("no node answers");
    }
    let leads = |status: &NodeStatus| {
        let has_quorum = status.lease_remaining_ms > 0 || status.peers.is_empty();
        status.role == Role::Leader && has_quorum
    };
    let was_asked = |id: NodeId| statuses.iter().any(|(asked, _)| *asked == id);
    let is_elsewhere = |status: &NodeStatus| status.leader.is_some_and(|id| !was_asked(id));
    let is_led = known().any(|status| leads(status) || is_elsewhere(status));
    (!is_led).then_some("no leader with a quorum")
}

fn row(status: &NodeStatus, leader: Option<&NodeStatus>) -> Vec<String> {
    let none = || "-".to_owned();
    let seen = leader.and_then(|leader| leader.peers.iter().find(|p| p.node == status.node));
    let lease = match status.role {
        // A group of one needs no lease.
        Role::Leader if status.peers.is_empty() => none(),
        Role::Leader => format!("{} ms", status.lease_remaining_ms),
        Role::Follower | Role::Candidate => none(),
    };
    let heard = seen.and_then(|seen| seen.last_heard_ms);
    vec![
        status.node.to_string(),
        status.role.name().into(),
        status.term.to_string(),
        status.commit_index.to_string(),
        status.applied_index.to_string(),
        lease,
        // Without a contact the lag of a node is not known.
        seen.filter(|_| heard.is_some()).map_or_else(none, |seen| seen.lag.to_string()),
        heard.map_or_else(none, |ago| format!("{ago} ms ago")),
        status.keys.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Code;
    use crate::kv::client::PeerStatus;

    #[test]
    fn words_are_escaped_as_in_files() {
        assert_eq!(words(&[b"SET", b"a b", b""]), "SET a\\ b \\e");
        assert_eq!(
            words(&[b"\\ \n\t\xff", "\u{e9}\u{85}".as_bytes()]),
            "\\\\\\ \\n\\x09\\xff \u{e9}\\xc2\\x85"
        );
    }

    #[test]
    fn a_value_is_shown_without_harm_to_the_terminal() {
        assert_eq!(printable("Jaggu é 1\n2".as_bytes()), "Jaggu é 1\n2");
        assert_eq!(printable(b"\x1b[31m\xff\0"), "\\u{1b}[31m\\xff\\u{0}");
    }

    fn status(node: NodeId, role: Role) -> NodeStatus {
        NodeStatus {
            node,
            role,
            leader: Some(1),
            term: 3,
            commit_index: 120,
            applied_index: 120,
            lease_remaining_ms: 243,
            peers: vec![PeerStatus { node: 2, match_index: 118, lag: 2, last_heard_ms: Some(12) }],
            keys: 5,
            oldest_watch_revision: 0,
            size_bytes: 700,
            quota_bytes: 0,
            is_full: false,
        }
    }

    #[test]
    fn a_group_without_a_leader_that_has_a_quorum_is_in_trouble() {
        let gone = || Err(Status::new(Code::Unavailable, "gone"));
        let leader =
            |lease_remaining_ms| Ok(NodeStatus { lease_remaining_ms, ..status(1, Role::Leader) });
        let follower = |leader| Ok(NodeStatus { leader, ..status(2, Role::Follower) });
        let no_quorum = Some("no leader with a quorum");
        assert_eq!(unavailable_reason(&[(1, leader(1)), (2, gone()), (3, gone())]), None);
        assert_eq!(unavailable_reason(&[(1, leader(0)), (2, follower(Some(1)))]), no_quorum);
        assert_eq!(unavailable_reason(&[(1, gone()), (2, follower(Some(1)))]), no_quorum);
        assert_eq!(unavailable_reason(&[(2, follower(None)), (3, gone())]), no_quorum);
        assert_eq!(unavailable_reason(&[(2, follower(Some(1)))]), None, "node 1 was not asked");
        assert_eq!(unavailable_reason(&[(1, gone()), (2, gone())]), Some("no node answers"));
        let alone = NodeStatus { lease_remaining_ms: 0, peers: vec![], ..status(1, Role::Leader) };
        assert_eq!(unavailable_reason(&[(1, Ok(alone))]), None);
    }

    #[test]
    fn unknown_values_are_not_shown() {
        let cells = |statuses: &[(NodeId, Result<NodeStatus, Status>)]| -> Vec<String> {
            let last = table(statuses).lines().last().unwrap_or_default().to_owned();
            last.split_whitespace().map(str::to_owned).collect()
        };
        let alone = NodeStatus { peers: vec![], lease_remaining_ms: 0, ..status(1, Role::Leader) };
        let leads = ["1", "leader", "3", "120", "120", "-", "-", "-", "5"];
        assert_eq!(cells(&[(1, Ok(alone))]), leads);
        let peers = vec![PeerStatus { node: 2, match_index: 0, lag: 0, last_heard_ms: None }];
        let leader = NodeStatus { peers, ..status(1, Role::Leader) };
        let follows = ["2", "follower", "3", "120", "120", "-", "-", "-", "5"];
        assert_eq!(cells(&[(1, Ok(leader)), (2, Ok(status(2, Role::Follower)))]), follows);
    }

    #[test]
    fn nodes_are_lines_of_a_table() {
        let gone = Status::new(Code::Unavailable, "cannot reach c:3: Connection refused");
        let table = table(&[
            (1, Ok(status(1, Role::Leader))),
            (2, Ok(status(2, Role::Follower))),
            (3, Err(gone)),
        ]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(
            lines,
            [
                "NODE  ROLE      TERM  COMMIT  APPLIED  LEASE   LAG  HEARD      KEYS",
                "1     leader    3     120     120      243 ms  -    -          5",
                "2     follower  3     120     120      -       2    12 ms ago  5",
                "3     -         cannot reach c:3: Connection refused",
            ]
        );
    }
}

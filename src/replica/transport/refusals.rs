//! Log lines about refused calls and messages of peers, at a limited rate: one line for each node of
//! the group, and one for all other callers, then counts.
//!
//! What is written is for the operator of this node. The caller learns the reason only if it has
//! proved to belong to the group; otherwise [`REFUSED`].

use std::collections::BTreeMap;
use std::time::Instant;

use crate::raft::NodeId;
use crate::rpc::{LogLimit, Notice, Notices};

/// All that an unknown caller learns.
pub const REFUSED: &str = "the hello is refused; the log of the called node has the reason";

/// The limits by the node that a caller claims to be; `None`: no node of this group.
#[derive(Default)]
pub(super) struct Refusals {
    limits: BTreeMap<Option<NodeId>, LogLimit>,
    notices: Notices,
}

impl Refusals {
    /// Shows the lines there as well.
    pub(super) fn show_on(&mut self, notices: Notices) {
        self.notices = notices;
    }

    /// A call or message was refused. `claimed` must be a node of the group.
    pub(super) fn note(&mut self, claimed: Option<NodeId>, reason: &str) {
        if self.limits.entry(claimed).or_default().admit(Instant::now()) {
            warn(&self.notices, reason);
        }
    }

    /// Writes the counts that are due.
    pub(super) fn write_counts(&mut self, now: Instant) {
        for (claimed, limit) in &mut self.limits {
            let Some(count) = limit.take_count(now) else { continue };
            warn(
                &self.notices,
                &match claimed {
                    Some(node) => {
                        format!("{count} more calls or messages of node {node} were refused")
                    }
                    None => format!("{count} more calls of peers were refused"),
                },
            );
        }
    }

    /// When [`write_counts`](Self::write_counts) is due.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.limits.values().filter_map(LogLimit::next_timeout).min()
    }
}

fn warn(notices: &Notices, text: &str) {
    log::warn!("{text}");
    notices.show(Notice::Refused(text));
}

//! This node as its hellos describe it, and the check of the hellos of others.

use crate::raft::NodeId;
use crate::replica::membership::Introduction;
use crate::replica::wire::{Hello, VERSION};

/// How many characters of a foreign name a reason repeats.
const SHOWN_CHARS: usize = 64;

/// The part of a hello that is the same for all peers.
pub(super) struct LocalNode {
    pub(super) group: String,
    pub(super) node: NodeId,
    /// All nodes of the group, in the order of their ids.
    pub(super) members: Vec<(NodeId, String)>,
    /// The name in the certificates of all nodes, if it is not the host of each.
    pub(super) certificate_name: Option<String>,
}

impl LocalNode {
    pub(super) fn hello(&self, peer: NodeId, introduction: Introduction) -> Hello {
        let members = self.members.clone();
        Hello { members, ..Hello::new(&self.group, self.node, peer, introduction) }
    }

    /// Checks a hello. The error is the reason of its refusal, for this group alone.
    pub(super) fn check(&self, hello: &Hello) -> Result<(), String> {
        let LocalNode { group, node, members, .. } = self;
        Err(if !hello.is_understood() {
            let Hello { version, oldest_version, .. } = hello;
            format!("node {node} speaks version {VERSION}, you speak {oldest_version} to {version}")
        } else if hello.group != *group {
            let theirs: String = hello.group.chars().take(SHOWN_CHARS).collect();
            format!("node {node} is of group {group:?}, you are of group {theirs:?}")
        } else if hello.peer != *node {
            format!("this is node {node}, you look for node {}", hello.peer)
        } else if node_ids(&hello.members) != node_ids(members) {
            format!(
                "node {node} was started with --peers {}, and node {} with --peers {}: all nodes of \
                 a group are started with the same ones",
                format_members(members),
                hello.node,
                format_members(&hello.members)
            )
        } else if hello.node == *node || !self.is_member(hello.node) {
            format!("node {node} knows no node {} beside it in its group", hello.node)
        } else {
            return Ok(());
        })
    }

    /// Whether the group has such a node.
    pub(super) fn is_member(&self, node: NodeId) -> bool {
        self.members.iter().any(|(id, _)| *id == node)
    }
}

fn node_ids(members: &[(NodeId, String)]) -> Vec<NodeId> {
    members.iter().map(|(id, _)| *id).collect()
}

/// Members in the format of the `--peers` flag, escaped, and shortened for large groups.
fn format_members(members: &[(NodeId, String)]) -> String {
    /// The maximum length of the text, in characters.
    const SHOWN_CHARS: usize = 512;
    let members: Vec<_> =
        members.iter().map(|(id, at)| format!("{id}={}", at.escape_debug())).collect();
    members.join(",").chars().take(SHOWN_CHARS).collect()
}

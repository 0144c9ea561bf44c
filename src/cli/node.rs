//! `agora node`: a node of a replicated key-value store.

use std::path::Path;

use super::Failure;
use super::flags::Flags;
use super::replica::{self, NodeSetup};
use crate::files;
use crate::kv::service::{self, KvService};

const ABOUT: &str = "\
Runs a node of a replicated key-value store: agora.kv.v1.KvService, and the RaftService of the course version.
All nodes of a group are started with the same --peers. A node's files are in LOGS/node_N/.";

/// Runs a node.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new("agora node --id N --peers N=HOST:PORT,... [FLAGS]", ABOUT)
        .value("id", "this node's number among the peers (required)", "N")
        .value("logs", "the parent of the nodes' directories (default logs)", "LOGS");
    let counted = "all keys and values, with 128 bytes for each key";
    let flags = replica::quota_flag(flags, counted);
    let parsed = replica::flags(flags).parse(arguments)?;
    parsed.no_arguments()?;
    parsed.required("id")?;
    let id = parsed.number("id", 0, 0..=u64::MAX >> 2)?;
    let logs = parsed.text("logs").unwrap_or_else(|| "logs".into());
    files::check_parent(Path::new(&logs)).map_err(|error| Failure::because(&logs, error))?;
    let setup = NodeSetup {
        id,
        directory: Some(Path::new(&logs).join(format!("node_{id}"))),
        machine: "kv",
        default_group: "agora",
        peers: replica::peers_with(&parsed, id)?,
        quota_bytes: replica::quota_bytes(&parsed)?,
    };
    replica::run(&parsed, &setup, "", KvService::default(), service::register)
}

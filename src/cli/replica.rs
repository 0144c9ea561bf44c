//! Shared by the commands that run a node of a replicated group: flags, files, exit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Failure;
use super::certs::{self, OnHangup};
use super::flags::{Flags, Parsed};
use super::monitoring::Monitoring;
use super::peers::{self, NodeAddresses};
use super::serve::{self, ServedAddresses};
use crate::pages;
use crate::raft::{Config, NodeId};
use crate::replica::dump::{DumpOptions, Level};
use crate::replica::engine::{DEFAULT_QUOTA_BYTES, SnapshotPolicy};
use crate::replica::node::{Node, NodeOptions, Opened, Service};
use crate::replica::storage::StorageError;
use crate::replica::transport::{Transport, TransportOptions};
use crate::replica::view;
use crate::rpc::{ClientTls, IdentityFiles, Resolver, Services};

/// Adds the flags of a node.
pub(super) fn flags(flags: Flags) -> Flags {
    serve::flags(flags)
        .value(
            "peers",
            "all nodes of the group, with this one; behind a slash the address that only the other \
             nodes call, if there is one",
            "N=HOST:PORT[/HOST:PORT],...",
        )
        .value(
            "peer-listen",
            "where the other nodes call, and nobody else (default: the address behind the slash in \
             --peers; without one they call where clients do)",
            "HOST:PORT,...",
        )
        .value(
            "group",
            "the group's name; nodes of other groups are refused (default agora; for a market: market)",
            "NAME",
        )
        .switch("classic", "timing and dump.txt of the course version: heartbeat 1 s, election timeout 5 to 10 s, lease 10 s, --dump all")
        .value("heartbeat", "time between two heartbeats of a leader (default 0.03)", "SECONDS")
        .value(
            "election-timeout",
            &election_timeout_help(),
            "SECONDS",
        )
        .value("lease", "how long followers help no other node to lead (default 0.3; with --classic 10; at most ten election timeouts)", "SECONDS")
        .value("snapshot-bytes", "size of the log at which a snapshot is taken (default 64 MiB)", "BYTES")
        .value("snapshot-entries", "entries of the log at which a snapshot is taken (default: no limit)", "N")
        .value("dump", "events in dump.txt: all, changes or none (default changes)", "LEVEL")
        .switch("dump-timestamps", "with --classic: begin each line of dump.txt with the time, as without")
        .value("peer-tls-ca", "use TLS to the other nodes, and trust these certificate authorities", "FILE")
        .value("peer-tls-name", "the name in their certificates (default: their hosts)", "NAME")
}

/// The help of `--election-timeout`; the numbers are those of [`Config`].
fn election_timeout_help() -> String {
    let range = |config: Config| {
        let (min, max) = (config.election_timeout, config.max_election_timeout());
        format!("{} to {} s", min.as_secs_f64(), max.as_secs_f64())
    };
    let (lan, classic) = (Config::lan(0, Vec::new()), Config::classic(0, Vec::new()));
    format!(
        "minimum time without a leader before an election; the maximum grows with it (default a \
         random time in {}; with --classic {})",
        range(lan),
        range(classic)
    )
}

/// Adds the flag of the quota; `counted` says what the size is.
pub(super) fn quota_flag(flags: Flags, counted: &str) -> Flags {
    let help = format!(
        "largest size of {counted}; beyond it what makes it larger is refused (default \
         {DEFAULT_QUOTA_BYTES}; 0: no limit)"
    );
    flags.value("quota-bytes", &help, "BYTES")
}

/// The quota that the flags set.
pub(super) fn quota_bytes(parsed: &Parsed) -> Result<u64, Failure> {
    parsed.number("quota-bytes", DEFAULT_QUOTA_BYTES, 0..=u64::MAX)
}

/// The identity of a node, and its directory.
pub(super) struct NodeSetup {
    pub(super) id: NodeId,
    /// Without a directory nothing survives a restart.
    pub(super) directory: Option<PathBuf>,
    /// The kind of the replicated state machine.
    pub(super) machine: &'static str,
    /// The group's name unless a flag sets one. It differs by the kind of state machine, so that
    /// nodes of different kinds do not connect by mistake.
    pub(super) default_group: &'static str,
    /// All nodes of the group.
    pub(super) peers: Vec<NodeAddresses>,
    /// The largest size of the state; 0: no limit.
    pub(super) quota_bytes: u64,
}

/// Reads a list of nodes that must contain this one.
pub(super) fn peers_with(parsed: &Parsed, id: NodeId) -> Result<Vec<NodeAddresses>, Failure> {
    let text = parsed.required("peers")?;
    let peers = peers::parse(&text).map_err(|what| parsed.wrong(format!("--peers: {what}")))?;
    match peers.iter().find(|node| node.id == id) {
        None => Err(parsed.wrong(format!("--peers has no node {id}"))),
        // The others would call where they are refused.
        Some(NodeAddresses { peers: None, .. }) if parsed.text("peer-listen").is_some() => {
            Err(parsed.wrong(format!(
                "--peer-listen needs the address that the other nodes call, in --peers: \
                 {id}=HOST:PORT/PEERHOST:PEERPORT"
            )))
        }
        Some(_) => Ok(peers),
    }
}

fn config(parsed: &Parsed, setup: &NodeSetup) -> Result<Config, Failure> {
    let voters = setup.peers.iter().map(|node| node.id).collect();
    let default = match parsed.is_on("classic") {
        true => Config::classic(setup.id, voters),
        false => Config::lan(setup.id, voters),
    };
    let election_timeout = parsed.seconds("election-timeout", default.election_timeout)?;
    let default = default.with_election_timeout(election_timeout);
    let config = Config {
        heartbeat_interval: parsed.seconds("heartbeat", default.heartbeat_interval)?,
        lease: parsed.seconds("lease", default.lease)?,
        // Nodes that start at the same time must not choose the same election timeouts.
        seed: seed(setup.id),
        ..default
    };
    config.check().map_err(|what| parsed.wrong(what))?;
    Ok(config)
}

fn seed(id: NodeId) -> u64 {
    let process = u64::from(std::process::id());
    crate::replica::clock::wall_ms().wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (process << 32) ^ id
}

fn options(parsed: &Parsed, setup: &NodeSetup) -> Result<NodeOptions, Failure> {
    let is_classic = parsed.is_on("classic");
    let default = SnapshotPolicy::default();
    let level = if is_classic { Level::All } else { Level::Changes };
    Ok(NodeOptions {
        directory: setup.directory.clone(),
        group: parsed.text("group").unwrap_or_else(|| setup.default_group.into()),
        machine: setup.machine.into(),
        peers: peers::for_clients(&setup.peers),
        config: config(parsed, setup)?,
        snapshots: SnapshotPolicy {
            entries: parsed.number("snapshot-entries", default.entries, 1..=u64::MAX)?,
            bytes: parsed.number("snapshot-bytes", default.bytes, 1024..=u64::MAX)?,
        },
        quota_bytes: setup.quota_bytes,
        dump: DumpOptions {
            level: parsed.parsed("dump", level)?,
            has_timestamps: !is_classic || parsed.is_on("dump-timestamps"),
            ..DumpOptions::default()
        },
    })
}

fn transport(
    parsed: &Parsed,
    setup: &NodeSetup,
    options: &NodeOptions,
) -> Result<TransportOptions, Failure> {
    let id = setup.id;
    let mut others: BTreeMap<NodeId, String> = peers::for_peers(&setup.peers).into_iter().collect();
    let own = others.remove(&id);
    let mut transport = TransportOptions::new(&options.group, id, others);
    transport.address = own.unwrap_or_default();
    transport.tls = peer_tls(parsed)?;
    transport.certificate_name = parsed.text("peer-tls-name");
    if let Some(folder) = parsed.text("certs")
        && let Some(identity) = transport.tls.as_ref().and_then(|tls| tls.certificates().identity())
    {
        let file = Path::new(&folder).join("cert.pem");
        let one_name = transport.certificate_name.as_ref().map(|name| format!("[{name}]:0"));
        let address = one_name.as_ref().unwrap_or(&transport.address);
        // A market of one server has no number.
        let number = parsed.text("peers").map(|_| id);
        certs::check_node(&identity, &options.group, number, address)
            .map_err(|what| Failure::Failed(format!("agora: {}: {what}", file.display())))?;
    }
    Ok(transport)
}

/// TLS to the other nodes.
fn peer_tls(parsed: &Parsed) -> Result<Option<ClientTls>, Failure> {
    let cannot_speak = |error| Failure::because("cannot speak TLS to the other nodes", error);
    let name = parsed.text("peer-tls-name");
    if let Some(folder) = parsed.text("certs") {
        certs::check_alone(parsed, &["peer-tls-ca"])?;
        let tls = ClientTls::from_folder(folder.as_ref(), name.as_deref());
        return tls.map(Some).map_err(cannot_speak);
    }
    let Some(authorities) = parsed.text("peer-tls-ca") else {
        return match name {
            None => Ok(None),
            Some(_) => Err(parsed.wrong("--peer-tls-name needs --certs or --peer-tls-ca")),
        };
    };
    // The certificate for clients is also shown to the other nodes.
    let (certificates, key) = (parsed.text("tls-cert"), parsed.text("tls-key"));
    let identity = certificates.as_ref().zip(key.as_ref()).map(|(certificates, key)| {
        IdentityFiles { certificates: certificates.as_ref(), key: key.as_ref() }
    });
    let tls = ClientTls::load(Path::new(&authorities), name.as_deref(), identity);
    tls.map(Some).map_err(cannot_speak)
}

/// Runs a node until it is asked to end, cannot write its files, or has another history than its
/// leader. `notice` is printed on stderr at the start.
pub(super) fn run<S: Service>(
    parsed: &Parsed,
    setup: &NodeSetup,
    notice: &str,
    service: S,
    register: impl FnOnce(&mut Services, &Node<S>),
) -> Result<(), Failure> {
    let options = options(parsed, setup)?;
    let mut transport = transport(parsed, setup, &options)?;
    let own = setup.peers.iter().find(|node| node.id == setup.id);
    // Before any file is made.
    let addresses = serve::addresses(parsed, own)?;
    check_own_address(parsed, setup, &addresses)?;
    let directory = options.directory.clone().unwrap_or_default();
    let mut opened =
        Opened::open(options, service).map_err(|error| cannot_open(&directory, &error))?;
    let mut services = Services::new();
    register(&mut services, &opened.node());
    let notices = opened.node().lock().events().notices();
    if let Some(tls) = &transport.tls {
        certs::watch(tls.certificates(), OnHangup::Reload, notices.clone())?;
    }
    transport.notices = notices.clone();
    let monitoring = Monitoring { notices, ..Monitoring::new() };
    view::register(&mut services, &opened.node(), Some(Arc::clone(&monitoring.server)));
    pages::register_node(&mut services);
    let transport = Transport::new(transport, &mut services);
    let shutdown_reason = opened.shutdown_reason();
    let page = serve::page_scheme(parsed)?;
    opened.register_metrics(&monitoring.registry);
    serve::run_with_setup(parsed, services, &addresses, notice, &monitoring, |server, health| {
        opened.report_health(health.clone());
        if let (Some(scheme), Some(address)) = (page, server.local_addrs().first()) {
            log::info!("the node's page is {scheme}://{address}/");
        }
        opened
            .attach(server, transport)
            .map_err(|error| Failure::because("cannot start a thread", error))
    })?;
    match shutdown_reason.take() {
        None => Ok(()),
        Some(error) => Err(Failure::because("the node has ended", error)),
    }
}

/// Checks that others can reach this node, where it listens on the addresses of its own entry.
fn check_own_address(
    parsed: &Parsed,
    setup: &NodeSetup,
    addresses: &ServedAddresses,
) -> Result<(), Failure> {
    let (nodes, resolver) = (&setup.peers, Resolver::default());
    for (flag, nodes, addresses) in [
        ("listen", peers::for_clients(nodes), &addresses.clients),
        ("peer-listen", peers::for_peers(nodes), &addresses.peers),
    ] {
        if parsed.text(flag).is_none() {
            peers::check_own_address(setup.id, &nodes, addresses, flag, &resolver)
                .map_err(|what| Failure::Failed(format!("agora: --peers: {what}")))?;
        }
    }
    Ok(())
}

/// A node does not start with files that were changed by something else.
fn cannot_open(directory: &Path, error: &StorageError) -> Failure {
    let directory = directory.display();
    Failure::Failed(match error {
        StorageError::Corrupt(what) => format!(
            "{directory}/{what}\nNothing was changed. `agora check {directory}` looks at all files."
        ),
        StorageError::Locked { .. }
        | StorageError::Foreign { .. }
        | StorageError::Unsafe { .. } => error.to_string(),
        error => format!("{directory}: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(line: &str) -> Result<NodeOptions, Failure> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let parsed = flags(Flags::new("agora x", "Runs x.")).parse(&arguments)?;
        options(&parsed, &setup(&parsed)?)
    }

    /// Node 1.
    fn setup(parsed: &Parsed) -> Result<NodeSetup, Failure> {
        let peers = peers_with(parsed, 1)?;
        let (machine, default_group) = ("kv", "agora");
        let (id, directory, quota_bytes) = (1, None, 0);
        Ok(NodeSetup { id, directory, machine, default_group, peers, quota_bytes })
    }

    #[test]
    fn classic_timing_is_a_flag_and_others_may_change_it() {
        let seconds = Duration::from_secs;
        let options = read("--peers 0=a:1,1=b:2 --classic --lease 6").unwrap();
        assert_eq!(options.config.heartbeat_interval, seconds(1));
        assert_eq!(options.config.election_timeout, seconds(5));
        assert_eq!(options.config.lease, seconds(6));
        assert_eq!(options.dump.level, Level::All);
        // A node that is elected after the maximum election timeout still waits for the old lease.
        let plain = read("--peers 0=a:1,1=b:2 --classic").unwrap().config;
        assert!(plain.lease >= plain.max_election_timeout(), "{plain:?}");
        let options = read("--peers 0=a:1,1=b:2").unwrap();
        assert_eq!(options.dump.level, Level::Changes);
        assert_eq!(options.config.voters, [0, 1]);
    }

    #[test]
    fn clients_and_nodes_call_at_their_own_addresses() {
        let line = "--peers 0=a:1/a:2,1=b:1/b:2,2=c:1 --peer-listen 127.0.0.1:0";
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let parsed = flags(Flags::new("agora x", "Runs x.")).parse(&arguments).unwrap();
        let setup = setup(&parsed).unwrap();
        let options = options(&parsed, &setup).unwrap();
        let of = |id: NodeId, address: &str| (id, address.to_owned());
        // Redirects name these, and metadata.txt.
        assert_eq!(options.peers, [of(0, "a:1"), of(1, "b:1"), of(2, "c:1")]);
        let transport = transport(&parsed, &setup, &options).unwrap();
        assert_eq!(transport.address, "b:2");
        assert_eq!(transport.peers, BTreeMap::from([of(0, "a:2"), of(2, "c:1")]));
    }

    #[test]
    fn invalid_values_are_wrong_usage() {
        for line in [
            "",
            "--peers 0=a:1",
            "--peers 1=a:1,1=b:2",
            "--peers 1=a:1 --heartbeat 0",
            "--peers 1=a:1 --lease 0.05",
            "--peers 1=a:1 --lease 100000",
            "--peers 1=a:1 --classic --lease 50.001",
            "--peers 1=a:1 --heartbeat 1",
            "--peers 1=a:1 --dump some",
            "--peers 1=a:1 --snapshot-bytes 1",
            "--peers 0=a:1/b:1,1=a:1 --peer-listen 127.0.0.1:0",
        ] {
            assert!(matches!(read(line), Err(Failure::Usage(_))), "{line}");
        }
    }
}

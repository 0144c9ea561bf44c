//! The nodes of a group, as flags give them: `1=host:port,2=host:port`. A node that listens for its
//! peers at an address of its own has that behind a slash: `1=host:port/peer-host:peer-port`. (A slash
//! is in no host, and means nothing to a shell.)

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::dns::Target;
use crate::raft::NodeId;
use crate::rpc::Resolver;

/// The time for looking up the names of the other nodes.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(2);

/// A node, and where it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeAddresses {
    pub(super) id: NodeId,
    /// The address that clients call.
    pub(super) clients: String,
    /// The address that the other nodes call, if it is another one.
    pub(super) peers: Option<String>,
}

impl NodeAddresses {
    /// The address that the other nodes call.
    pub(super) fn for_peers(&self) -> &str {
        self.peers.as_deref().unwrap_or(&self.clients)
    }
}

/// The addresses that clients call.
pub(super) fn for_clients(nodes: &[NodeAddresses]) -> Vec<(NodeId, String)> {
    nodes.iter().map(|node| (node.id, node.clients.clone())).collect()
}

/// The addresses that the nodes call each other at.
pub(super) fn for_peers(nodes: &[NodeAddresses]) -> Vec<(NodeId, String)> {
    nodes.iter().map(|node| (node.id, node.for_peers().to_owned())).collect()
}

/// Reads a list of nodes.
///
/// # Errors
/// A description of the error.
pub(super) fn parse(text: &str) -> Result<Vec<NodeAddresses>, String> {
    let mut ids = BTreeSet::new();
    let mut peers = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (id, addresses) =
            part.split_once('=').ok_or_else(|| format!("{part:?}: expected N=HOST:PORT"))?;
        let id = id.parse().map_err(|_| format!("{part:?}: {id:?} is no node's number"))?;
        let mut targets = addresses.splitn(2, '/').map(|address| match Target::parse(address) {
            Ok(_) => Ok(address.to_owned()),
            Err(error) => Err(format!("{part:?}: {address:?} is no HOST:PORT: {error}")),
        });
        let clients = targets.next().transpose()?.unwrap_or_default();
        let peers_address = targets.next().transpose()?;
        if !ids.insert(id) {
            return Err(format!("node {id} is there twice"));
        }
        peers.push(NodeAddresses { id, clients, peers: peers_address });
    }
    if peers.is_empty() {
        return Err("expected N=HOST:PORT, and commas between several".into());
    }
    Ok(peers)
}

/// Checks that others can reach a node that listens on the `addresses` of its own entry. Debian maps the machine's own name to 127.0.1.1, so every machine would connect to itself.
///
/// # Errors
/// The own entry is a name of loopback addresses, and another node is on another machine.
pub(super) fn check_own_address(
    id: NodeId,
    peers: &[(NodeId, String)],
    addresses: &[SocketAddr],
    flag: &str,
    resolver: &Resolver,
) -> Result<(), String> {
    let own = peers.iter().find(|(peer, _)| *peer == id).map(|(_, target)| target.as_str());
    let (Some(own), Some(at)) = (own, addresses.first()) else { return Ok(()) };
    let is_name = matches!(Target::parse(own), Ok(Target::Name(..)));
    if !is_name || !addresses.iter().all(is_loopback) {
        return Ok(());
    }
    let until = Instant::now() + LOOK_UP_TIMEOUT;
    let is_here = |target: &str| match resolver.resolve(target, until) {
        Ok(addresses) => addresses.iter().all(is_loopback),
        Err(_) => false,
    };
    match peers.iter().find(|(peer, target)| *peer != id && !is_here(target)) {
        None => Ok(()),
        Some((other, _)) => Err(format!(
            "{own} is {} on this machine (see /etc/hosts), where node {other} cannot reach it: \
             say an address that the others reach, or --{flag}",
            at.ip()
        )),
    }
}

fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::ResolveError;

    /// Whether node 1 of these peers may listen at the addresses of its own entry.
    fn check(text: &str) -> Result<(), String> {
        let resolver = Resolver::new(|name| match name {
            "vm1" => Ok(vec!["127.0.1.1".parse().unwrap()]),
            "here" | "localhost" => Ok(vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()]),
            "mapped" => Ok(vec!["::ffff:127.0.0.1".parse().unwrap()]),
            "vm2" => Ok(vec!["10.0.0.2".parse().unwrap()]),
            _ => Err(ResolveError::NoSuchName),
        });
        let peers = for_peers(&parse(text).unwrap());
        let until = Instant::now() + Duration::from_secs(20);
        let own = resolver.resolve(&peers[0].1, until).unwrap();
        check_own_address(1, &peers, &own, "listen", &resolver)
    }

    #[test]
    fn a_loopback_name_is_refused_if_another_node_is_on_another_machine() {
        for text in [
            "1=vm1:7,2=vm2:7",
            "1=vm1:7,2=unknown:7",
            "1=here:7,2=here:8,3=10.0.0.3:7",
            "1=mapped:7,2=vm2:7",
        ] {
            let refused = check(text).unwrap_err();
            assert!(refused.contains(" on this machine (see /etc/hosts)"), "{refused}");
        }
        assert!(check("1=vm1:7,2=vm2:7").unwrap_err().starts_with("vm1:7 is 127.0.1.1 "));
    }

    #[test]
    fn groups_on_one_machine_and_plain_addresses_are_accepted() {
        for text in [
            "1=vm1:7",
            "1=vm1:7,2=localhost:8,3=127.0.0.1:9",
            "1=vm1:7,2=mapped:8",
            "1=127.0.0.1:7,2=vm2:7",
            "1=vm2:7,2=unknown:7",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn nodes_come_in_the_order_given() {
        let peers = parse("2=b:7002,0=127.0.0.1:7000,1=[::1]:7001,").unwrap();
        let wanted = [(2, "b:7002"), (0, "127.0.0.1:7000"), (1, "[::1]:7001")];
        let wanted = wanted.map(|(id, address)| (id, address.to_owned()));
        assert_eq!(for_clients(&peers), wanted);
        assert_eq!(for_peers(&peers), wanted);
    }

    #[test]
    fn nodes_may_call_each_other_at_another_address() {
        let nodes = parse("0=a:7000/10.0.0.1:8000,1=[::1]:7001/[fd00::1]:8001,2=c:7002").unwrap();
        let of = |addresses: [&str; 3]| {
            let addresses = addresses.map(str::to_owned);
            (0..).zip(addresses).collect::<Vec<_>>()
        };
        assert_eq!(for_clients(&nodes), of(["a:7000", "[::1]:7001", "c:7002"]));
        assert_eq!(for_peers(&nodes), of(["10.0.0.1:8000", "[fd00::1]:8001", "c:7002"]));
        assert_eq!(nodes[2].peers, None);
    }

    #[test]
    fn malformed_lists_are_refused() {
        for text in ["", ",", "a:1", "x=a:1", "1=a", "1=:5", "1=a:99999", "1=a:1,1=b:1", "-1=a:1"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        for text in ["1=a:1/", "1=/a:1", "1=a:1/b", "1=a:1/b:2/c:3", "1=a:1/b:99999", "1=a/b:1"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}

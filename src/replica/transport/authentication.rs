//! Which node a certificate may speak for.
//!
//! | certificate | is the node |
//! |---|---|
//! | with a URI of the scheme `agora` | whose role `agora:node/GROUP/ID` it has, and no other |
//! | without | whose host, in the addresses of the group, is a name or an address in it |
//!
//! The second line is for authorities that know no roles. Where several nodes have one host, such a
//! certificate may be each of them.

use super::local_node::LocalNode;
use crate::call::{Identity, Principal};
use crate::raft::NodeId;

impl LocalNode {
    /// Whether a caller is this node of the group. `Ok(false)`: nothing is known about the caller, and
    /// this server checks nothing.
    pub(super) fn authenticate(&self, caller: &Principal, node: NodeId) -> Result<bool, String> {
        match caller {
            Principal::Unchecked => Ok(false),
            Principal::Certificate(identity) if self.may_speak_for(identity, node) => Ok(true),
            Principal::Anonymous | Principal::Certificate(_) => Err(format!(
                "{caller} is not node {node}: needed is the role agora:node/{}/{node}, or a \
                 certificate without roles for the host of that node ({})",
                self.group.escape_debug(),
                self.host_of(node).unwrap_or("unknown").escape_debug()
            )),
        }
    }

    /// Whether a caller may be any node of the group.
    pub(super) fn may_be_a_peer(&self, caller: &Principal) -> bool {
        let mut members = self.members.iter().map(|(id, _)| *id);
        members.any(|id| id != self.node && self.authenticate(caller, id).is_ok())
    }

    /// Whether the server at the other end of a stream is this node. A certificate without roles is
    /// that of the host that was called: TLS has checked it.
    pub(super) fn is_server_of(&self, server: &Principal, node: NodeId) -> bool {
        match server {
            Principal::Unchecked => true,
            Principal::Anonymous => false,
            Principal::Certificate(identity) => {
                !identity.is_for_agora || identity.is_node(&self.group, node)
            }
        }
    }

    fn may_speak_for(&self, identity: &Identity, node: NodeId) -> bool {
        match identity.is_for_agora {
            true => identity.is_node(&self.group, node),
            false => self.host_of(node).is_some_and(|host| identity.is_for_host(host)),
        }
    }

    /// The name of a node in certificates without roles: the host in its address, or the one name that
    /// is configured for all nodes.
    fn host_of(&self, node: NodeId) -> Option<&str> {
        let (_, address) = self.members.iter().find(|(id, _)| *id == node)?;
        if let Some(name) = &self.certificate_name {
            return Some(name);
        }
        let host = address.rsplit_once(':').map_or(&**address, |(host, _)| host);
        Some(host.trim_start_matches('[').trim_end_matches(']')).filter(|host| !host.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> LocalNode {
        let address = |id: NodeId, address: &str| (id, address.to_owned());
        let members = vec![
            address(0, "10.0.0.1:7000"),
            address(1, "b.example.org:7000"),
            address(2, "[2001:db8::2]:7000"),
        ];
        LocalNode { group: "agora".into(), node: 0, members, certificate_name: None }
    }

    fn certificate(uris: &[&str], hosts: &[&str]) -> Principal {
        let hosts = hosts.iter().map(|&host| host.to_owned()).collect();
        Principal::Certificate(Identity::new("CN=x", uris.iter().copied(), hosts))
    }

    /// The nodes that a caller may be.
    fn nodes(caller: &Principal) -> Vec<NodeId> {
        (0..4).filter(|node| local().authenticate(caller, *node) == Ok(true)).collect()
    }

    #[test]
    fn a_certificate_with_roles_is_the_node_that_it_names() {
        assert_eq!(nodes(&certificate(&["agora:node/agora/1"], &[])), [1]);
        // Its hosts say nothing then.
        assert_eq!(nodes(&certificate(&["agora:node/agora/1"], &["10.0.0.1"])), [1]);
        for other in ["agora:node/market/1", "agora:admin", "agora:client/b", "agora:unknown"] {
            let caller = certificate(&[other], &["10.0.0.1", "b.example.org"]);
            assert!(nodes(&caller).is_empty(), "{other}");
            assert!(!local().may_be_a_peer(&caller));
        }
        assert!(nodes(&Principal::Anonymous).is_empty());
    }

    #[test]
    fn a_certificate_without_roles_is_the_node_of_its_host() {
        assert_eq!(nodes(&certificate(&[], &["10.0.0.1"])), [0]);
        assert_eq!(nodes(&certificate(&[], &["B.Example.Org"])), [1]);
        assert_eq!(nodes(&certificate(&[], &["*.example.org"])), [1]);
        assert_eq!(nodes(&certificate(&[], &["2001:0db8:0:0::2"])), [2]);
        for other in ["example.org", "*.org", "*", "a.b.example.org", "10.0.0.10", ""] {
            assert!(nodes(&certificate(&[], &[other])).is_empty(), "{other}");
        }
        assert!(!local().may_be_a_peer(&certificate(&[], &["10.0.0.1"])), "that is this node");
        assert!(local().may_be_a_peer(&certificate(&[], &["b.example.org"])));
    }

    #[test]
    fn one_name_for_all_certificates_replaces_the_hosts() {
        let local = LocalNode { certificate_name: Some("nodes.agora".into()), ..local() };
        let may_be = |hosts: &[&str]| local.authenticate(&certificate(&[], hosts), 1) == Ok(true);
        assert!(may_be(&["nodes.agora"]) && !may_be(&["b.example.org"]));
    }

    #[test]
    fn a_server_in_the_clear_may_be_any_node_and_is_not_authenticated() {
        assert_eq!(local().authenticate(&Principal::Unchecked, 1), Ok(false));
        assert!(local().is_server_of(&Principal::Unchecked, 1));
        assert!(local().is_server_of(&certificate(&[], &["anything"]), 1), "TLS has checked it");
        assert!(local().is_server_of(&certificate(&["agora:node/agora/1"], &[]), 1));
        for other in ["agora:node/agora/2", "agora:node/market/1", "agora:worker"] {
            assert!(!local().is_server_of(&certificate(&[other], &["b.example.org"]), 1));
        }
    }

    #[test]
    fn a_refusal_names_the_caller_and_what_is_needed() {
        let reason = local().authenticate(&certificate(&["agora:client/b"], &[]), 1).unwrap_err();
        for words in ["CN=x", "agora:client/b", "agora:node/agora/1", "(b.example.org)"] {
            assert!(reason.contains(words), "{words}: {reason}");
        }
    }
}

//! Counts what each holder of a client certificate uses of a server, from whatever addresses.
//!
//! The holder is the certificate's subject with its first role, so that a renewed certificate counts
//! as the one before it. Nodes are not counted: they have connections of their own
//! ([`super::Services::reserve`]), and a group must not lose one to a limit. As with
//! [addresses](super::addresses), connections from loopback have no bound unless one is configured.

use std::net::IpAddr;
use std::sync::Arc;

use super::usage::{CallPermit, Usage, UsageBounds, UsageTable};
use crate::call::{Identity, Role, Status};

/// The usage of every holder.
#[derive(Debug)]
pub(super) struct Holders {
    bounds: UsageBounds,
    table: UsageTable<(String, bool)>,
}

impl Holders {
    pub(super) fn new(bounds: UsageBounds) -> Holders {
        Holders { bounds, table: UsageTable::new() }
    }

    /// The usage of a certificate's holder on connections from such an address; `None` for a node.
    pub(super) fn usage(&mut self, identity: &Identity, ip: IpAddr) -> Option<Arc<Usage>> {
        if identity.roles.iter().any(|role| matches!(role, Role::Node { .. })) {
            return None;
        }
        let role = identity.roles.first().map(Role::to_string).unwrap_or_default();
        let is_loopback = ip.to_canonical().is_loopback();
        let key = (format!("{}\n{role}", identity.subject), is_loopback);
        Some(self.table.get(key, || Usage::new("certificate", is_loopback, self.bounds)))
    }
}

/// Counts a connection of a holder until it is dropped.
#[derive(Debug)]
pub(super) struct HolderConnection(Arc<Usage>);

impl HolderConnection {
    /// Counts one more, unless the holder has as many as it may have.
    pub(super) fn new(usage: Arc<Usage>) -> Option<HolderConnection> {
        usage.add_connection().then_some(HolderConnection(usage))
    }

    /// As [`Usage::add_call`].
    pub(super) fn add_call(&self) -> Result<CallPermit, Status> {
        self.0.add_call()
    }
}

impl Drop for HolderConnection {
    fn drop(&mut self) {
        self.0.remove_connection();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: UsageBounds = UsageBounds { max_connections: Some(1), max_calls: Some(1) };
    const DEFAULT: UsageBounds = UsageBounds { max_connections: None, max_calls: None };

    fn usage(holders: &mut Holders, subject: &str, role: &str, ip: &str) -> Option<Arc<Usage>> {
        holders.usage(&Identity::new(subject, [role], Vec::new()), ip.parse().unwrap())
    }

    #[test]
    fn a_holder_is_counted_from_all_addresses() {
        let mut holders = Holders::new(BOUNDS);
        let mut connect = |subject, role, ip| {
            HolderConnection::new(usage(&mut holders, subject, role, ip).unwrap())
        };
        let alice = connect("CN=alice", "agora:client/alice", "10.0.0.1");
        assert!(alice.is_some());
        assert!(connect("CN=alice", "agora:client/alice", "10.0.0.2").is_none());
        let others = [("CN=bob", "agora:client/alice"), ("CN=alice", "agora:client/bob")];
        assert!(others.into_iter().all(|(cn, role)| connect(cn, role, "10.0.0.1").is_some()));
        let call = alice.as_ref().unwrap().add_call().unwrap();
        assert!(alice.as_ref().unwrap().add_call().is_err());
        drop(call);
        assert!(alice.as_ref().unwrap().add_call().is_ok());
        drop(alice);
        assert!(connect("CN=alice", "agora:client/alice", "10.0.0.2").is_some());
    }

    #[test]
    fn nodes_are_not_counted_and_loopback_has_no_default_bound() {
        let mut holders = Holders::new(BOUNDS);
        assert!(usage(&mut holders, "CN=node-0", "agora:node/agora/0", "10.0.0.1").is_none());
        let mut holders = Holders::new(DEFAULT);
        for (ip, most) in [("10.0.0.1", 256), ("127.0.0.1", 1000), ("::1", 1000)] {
            let usage = usage(&mut holders, "CN=a", "agora:worker", ip).unwrap();
            assert_eq!((0..1000).take_while(|_| usage.add_connection()).count(), most, "{ip}");
        }
    }
}

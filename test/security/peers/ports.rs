//! Nodes that call each other at ports of their own: who reaches only the other port cannot even
//! try to be a node, and who reaches the port of peers cannot be a client there.

use agora::call::Code;
use agora::replica::transport::EXCHANGE;
use agora::replica::wire::{Hello, encode_hello};

use super::BOTH;
use super::forger::{Forger, guess, question};
use super::group::{Certificates, GROUP, Group, HEALTH, Kind};

fn attack_the_other_port(kind: Kind, certificates: Certificates) {
    let mut group = Group::start_with_peer_ports(kind, certificates);
    group.stop(2);
    group.leader();
    group.commit();
    let before = group.logs();
    let members = group.addresses.clone();
    for protocol in BOTH {
        for called in [0, 1] {
            let for_clients = group.for_clients[called as usize].1.clone();
            let for_peers = group.addresses[called as usize].1.clone();
            let hello = Hello { members: members.clone(), ..Hello::new(GROUP, 2, called, guess()) };
            let (path, write) = group.write_request();
            for (address, path, request) in
                [(&for_clients, EXCHANGE, encode_hello(&hello)), (&for_peers, path, write)]
            {
                let status = group.call(address, protocol, path, &request).unwrap_err();
                let wanted = format!("{path} is served at another port");
                assert_eq!((status.code, &*status.message), (Code::Unimplemented, &*wanted));
            }
            for address in [&for_clients, &for_peers] {
                group.call(address, protocol, HEALTH, &[]).unwrap();
            }
            // The true node 2 is refused there as well, and accepted at the port of peers.
            let folder = group.node_folder(2);
            let claim = (2, called);
            let at = (folder.as_deref(), for_clients.as_str());
            let refused = Forger::call_at(&group, at, protocol, claim, guess(), &[]).err().unwrap();
            assert_eq!(refused.code, Code::Unimplemented, "{refused}");
            let mut peer =
                Forger::call_as_process(&group, folder.as_deref(), protocol, claim).unwrap();
            peer.send(&question());
            peer.await_reply("an answer", super::is_answer);
        }
    }
    assert_eq!(group.logs(), before);
    group.start_again(2);
    group.commit();
}

#[test]
fn a_store_in_the_clear_has_ports_of_its_peers() {
    attack_the_other_port(Kind::Store, Certificates::None);
}

#[test]
fn a_store_with_roles_has_ports_of_its_peers() {
    attack_the_other_port(Kind::Store, Certificates::Roles);
}

#[test]
fn a_market_without_roles_has_ports_of_its_peers() {
    attack_the_other_port(Kind::Market, Certificates::Hosts);
}

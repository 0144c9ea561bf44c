//! Whom a certificate is for: a node, a worker or a person, with its role, its hosts and the name
//! of its folder.
//!
//! Names become parts of paths and of URIs, and are compared by people: they are made of ASCII
//! letters, digits and a few signs. So no two of them look alike, and none needs an escape.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::call::Role;
use crate::dns::Name;

/// The kind of a holder, and the first part of its folder's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Node,
    Worker,
    Submit,
    Admin,
    Client,
}

pub(super) const KINDS: [Kind; 5] =
    [Kind::Node, Kind::Worker, Kind::Submit, Kind::Admin, Kind::Client];

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Node => "node",
            Kind::Worker => "worker",
            Kind::Submit => "submit",
            Kind::Admin => "admin",
            Kind::Client => "client",
        }
    }

    /// Nodes and workers are called, and call others. People only call.
    pub(super) fn is_server(self) -> bool {
        matches!(self, Kind::Node | Kind::Worker)
    }
}

/// A name or an address that a server is called by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Host {
    Name(String),
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(address) => address.fmt(f),
        }
    }
}

/// Whom a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) kind: Kind,
    pub(super) role: Role,
    /// The second part of the folder's name.
    pub(super) name: String,
    /// Each once. Empty for people.
    pub(super) hosts: Vec<Host>,
}

const MAX_NAME_BYTES: usize = 48;
/// Enough for a server, and a bound for its certificate.
const MAX_HOSTS: usize = 32;

impl Holder {
    pub(super) fn folder(&self) -> String {
        format!("{}-{}", self.kind.word(), self.name)
    }

    /// Adds the names of the loopback addresses.
    pub(super) fn add_localhost(&mut self) {
        let loopback = [
            Host::Name("localhost".into()),
            Host::Address([127, 0, 0, 1].into()),
            Host::Address(std::net::Ipv6Addr::LOCALHOST.into()),
        ];
        let missing: Vec<Host> =
            loopback.into_iter().filter(|host| !self.hosts.contains(host)).collect();
        self.hosts.extend(missing);
    }

    /// The holder of an existing folder, from the folder's name and the names in its certificate.
    /// `None` if this command would not have made it so.
    pub(super) fn of_folder(folder: &str, uris: &[String], hosts: &[String]) -> Option<Holder> {
        let (word, name) = folder.split_once('-')?;
        let kind = KINDS.into_iter().find(|kind| kind.word() == word)?;
        let [uri] = uris else { return None };
        let role = Role::parse(uri)?;
        let fits = match (kind, &role) {
            (Kind::Node, Role::Node { group, id }) => {
                check_name(group).is_ok() && id.to_string() == name
            }
            (Kind::Client, Role::Client { name: client }) => client == name,
            (Kind::Worker, Role::Worker)
            | (Kind::Submit, Role::Submit)
            | (Kind::Admin, Role::Admin) => true,
            _ => false,
        };
        let hosts: Vec<Host> =
            hosts.iter().map(|host| parse_host(host)).collect::<Result<_, String>>().ok()?;
        let has_hosts = kind.is_server() != hosts.is_empty();
        (fits && has_hosts && is_folder_part(name)).then(|| Holder {
            kind,
            role,
            name: name.to_owned(),
            hosts,
        })
    }
}

impl fmt::Display for Holder {
    /// In words: `node 1 of group agora at vm1, 10.0.0.1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.role {
            Role::Node { group, id } => write!(f, "node {id} of group {group}")?,
            Role::Worker => write!(f, "worker")?,
            _ => write!(f, "{} {}", self.kind.word(), self.name)?,
        }
        for (at, host) in self.hosts.iter().enumerate() {
            write!(f, "{}{host}", if at == 0 { " at " } else { ", " })?;
        }
        Ok(())
    }
}

/// Reads `N=HOST,N=HOST`, with several hosts as `HOST+HOST`; the value of `--peers` is accepted, where
/// the address that nodes call is behind a slash.
///
/// # Errors
/// A description of the error.
pub(super) fn parse_nodes(text: &str, group: &str) -> Result<Vec<Holder>, String> {
    check_name(group).map_err(|reason| format!("group {group:?}: {reason}"))?;
    let nodes = parts(text).map(|part| {
        let (number, hosts) =
            part.split_once('=').ok_or_else(|| format!("{part:?}: expected N=HOST"))?;
        let id: u64 = match number.parse() {
            // Not `+1` or `01`: a folder is named after the number.
            Ok(id) if number == format!("{id}") => id,
            _ => return Err(format!("{part:?}: {number:?} is no node's number")),
        };
        let role = Role::Node { group: group.to_owned(), id };
        let hosts = parse_hosts(&hosts.replacen('/', "+", 1));
        let hosts = hosts.map_err(|reason| format!("{part:?}: {reason}"))?;
        Ok(Holder { kind: Kind::Node, role, name: id.to_string(), hosts })
    });
    nodes.collect()
}

/// Reads `HOST,HOST`; one worker with several hosts is `HOST+HOST`.
///
/// # Errors
/// A description of the error.
pub(super) fn parse_workers(text: &str) -> Result<Vec<Holder>, String> {
    let workers = parts(text).map(|part| {
        let hosts = parse_hosts(part).map_err(|reason| format!("{part:?}: {reason}"))?;
        // A folder that is copied by scp must not contain a colon.
        let name = hosts.first().map(|host| host.to_string().replace(':', "-"));
        let name = name.unwrap_or_default();
        Ok(Holder { kind: Kind::Worker, role: Role::Worker, name, hosts })
    });
    workers.collect()
}

/// Reads `NAME,NAME`: people of one kind.
///
/// # Errors
/// A description of the error.
pub(super) fn parse_people(kind: Kind, text: &str) -> Result<Vec<Holder>, String> {
    let people = parts(text).map(|part| {
        check_name(part).map_err(|reason| format!("{part:?}: {reason}"))?;
        let name = part.to_owned();
        let role = match kind {
            Kind::Submit => Role::Submit,
            Kind::Admin => Role::Admin,
            _ => Role::Client { name: name.clone() },
        };
        Ok(Holder { kind, role, name, hosts: Vec::new() })
    });
    people.collect()
}

/// Refuses two holders of one folder.
///
/// # Errors
/// Names the folder.
pub(super) fn check_distinct(holders: &[Holder]) -> Result<(), String> {
    let mut folders = BTreeSet::new();
    match holders.iter().find(|holder| !folders.insert(holder.folder())) {
        None => Ok(()),
        Some(holder) => Err(format!("{} is there twice", holder.folder())),
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|part| !part.is_empty())
}

fn parse_hosts(text: &str) -> Result<Vec<Host>, String> {
    let mut hosts = Vec::new();
    for host in text.split('+') {
        let host = parse_host(host)?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    match hosts.len() {
        0..=MAX_HOSTS => Ok(hosts),
        count => Err(format!("{count} hosts: at most {MAX_HOSTS}")),
    }
}

/// Reads a name or an address; a port is accepted and dropped, since no certificate has one.
fn parse_host(text: &str) -> Result<Host, String> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match text.parse::<SocketAddr>() {
        Ok(address) => Some(address.ip()),
        Err(_) => bracketed.unwrap_or(text).parse().ok(),
    };
    if let Some(address) = address {
        return match address.is_unspecified() {
            true => Err(format!("{address}: no address that others can reach")),
            false => Ok(Host::Address(address)),
        };
    }
    let host = match text.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => text,
    };
    match Name::parse(host) {
        Ok(name) => Ok(Host::Name(name.as_str().to_owned())),
        Err(error) => Err(error.to_string()),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if !starts_well || !name.bytes().all(is_plain) {
        return Err(
            "a name is made of the letters a to z, digits, '.', '_', '-' and '@', and begins \
                    with a letter or a digit"
                .into(),
        );
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(format!("a name has at most {MAX_NAME_BYTES} characters"));
    }
    Ok(())
}

/// Whether the name of a folder may end so: with a person's name, a number or a host.
fn is_folder_part(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
    !name.is_empty() && name.len() <= 253 && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(text: &str) -> Vec<String> {
        let nodes = parse_nodes(text, "agora").unwrap();
        nodes.iter().map(|node| format!("{}: {node}", node.folder())).collect()
    }

    #[test]
    fn the_value_of_peers_is_a_list_of_nodes() {
        assert_eq!(
            nodes("2=b.example:7002,0=10.0.0.1:7000,1=[fd00::1]:7001,"),
            [
                "node-2: node 2 of group agora at b.example",
                "node-0: node 0 of group agora at 10.0.0.1",
                "node-1: node 1 of group agora at fd00::1",
            ]
        );
    }

    #[test]
    fn a_node_has_several_hosts() {
        let shown = nodes("0=10.0.0.1+VM0.example.+[fd00::1]+fd00::2+vm0.example:7");
        let wanted = "node-0: node 0 of group agora at 10.0.0.1, vm0.example, fd00::1, fd00::2";
        assert_eq!(shown, [wanted]);
    }

    #[test]
    fn the_address_that_nodes_call_is_in_the_certificate_too() {
        let shown = nodes("0=a.example:7000/10.0.0.1:8000,1=[fd00::1]:7001/[fd00::1]:8001");
        let wanted = [
            "node-0: node 0 of group agora at a.example, 10.0.0.1",
            "node-1: node 1 of group agora at fd00::1",
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn malformed_nodes_are_refused() {
        for text in [
            "a",
            "0",
            "0=",
            "x=a",
            "-1=a",
            "01=a",
            "+1=a",
            "0=a b",
            "0=a/",
            "0=a/b/c",
            "0=1.2.3",
            "0=a+",
            "0=0.0.0.0",
            "0=[::]:7",
            "0=*.a",
            "0=a\u{200b}",
            "0=\u{430}.example",
        ] {
            assert!(parse_nodes(text, "agora").is_err(), "{text:?}");
        }
        for group in ["", "a b", "a/b", "../a", ".a", "-a", "a\n", "\u{430}", &"a".repeat(49)] {
            assert!(parse_nodes("0=a", group).is_err(), "{group:?}");
        }
        let many = (0..40).map(|at| format!("h{at}")).collect::<Vec<_>>().join("+");
        assert!(parse_nodes(&format!("0={many}"), "agora").unwrap_err().contains("40 hosts"));
    }

    #[test]
    fn people_and_workers_have_folders() {
        let people = parse_people(Kind::Client, "alice,b.o-b@example.org").unwrap();
        let folders: Vec<String> = people.iter().map(Holder::folder).collect();
        assert_eq!(folders, ["client-alice", "client-b.o-b@example.org"]);
        assert_eq!(people[0].role.to_string(), "agora:client/alice");
        assert_eq!(people[0].to_string(), "client alice");
        let workers = parse_workers("w1.example+10.0.0.9,[fd00::9]:7001").unwrap();
        let folders: Vec<String> = workers.iter().map(Holder::folder).collect();
        assert_eq!(folders, ["worker-w1.example", "worker-fd00--9"]);
        for name in ["a/b", "..", ".a", "-rf", "a b", "a\u{7f}", "\u{430}lice", "al\u{200b}ice"] {
            assert!(parse_people(Kind::Client, name).is_err(), "{name:?}");
        }
        assert!(parse_people(Kind::Admin, &"a".repeat(49)).is_err());
    }

    #[test]
    fn a_folder_is_made_once() {
        let nodes = parse_nodes("0=a,1=b,0=c", "agora").unwrap();
        assert_eq!(check_distinct(&nodes).unwrap_err(), "node-0 is there twice");
        assert!(check_distinct(&nodes[..2]).is_ok());
    }

    #[test]
    fn a_holder_is_recognized_by_its_folder_and_certificate() {
        let mut all = parse_nodes("0=a+10.0.0.1", "agora").unwrap();
        all.extend(parse_workers("[fd00::9]").unwrap());
        for kind in [Kind::Submit, Kind::Admin, Kind::Client] {
            all.extend(parse_people(kind, "x").unwrap());
        }
        for holder in all {
            let uris = [holder.role.to_string()];
            let hosts: Vec<String> = holder.hosts.iter().map(Host::to_string).collect();
            assert_eq!(Holder::of_folder(&holder.folder(), &uris, &hosts), Some(holder));
        }
        let of = |folder: &str, uri: &str, hosts: &[&str]| {
            let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
            Holder::of_folder(folder, &[uri.to_owned()], &hosts)
        };
        assert!(of("node-0", "agora:node/agora/0", &["a"]).is_some());
        for (folder, uri, hosts) in [
            ("node-1", "agora:node/agora/0", &["a"][..]),
            ("node-0", "agora:node/agora/0", &[]),
            ("node-0", "agora:node/a b/0", &["a"]),
            ("node-0", "agora:admin", &["a"]),
            ("client-bob", "agora:client/alice", &[]),
            ("client-..", "agora:client/..\u{2f}", &[]),
            ("other", "agora:admin", &[]),
            ("admin-x", "agora:admin", &["a"]),
        ] {
            assert_eq!(of(folder, uri, hosts), None, "{folder} {uri}");
        }
    }

    #[test]
    fn localhost_is_added_once() {
        let mut node = parse_nodes("0=127.0.0.1:7", "agora").unwrap().remove(0);
        node.add_localhost();
        node.add_localhost();
        assert_eq!(node.to_string(), "node 0 of group agora at 127.0.0.1, localhost, ::1");
    }
}

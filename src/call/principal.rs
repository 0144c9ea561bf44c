//! Who makes a call, and what that permits.
//!
//! ```text
//!   connection of a server that enforces no roles ----------------> Unchecked    may do everything
//!   no client certificate ----------------------------------------> Anonymous    may do what anyone may
//!   a verified client certificate --- URIs of its SAN as roles ---> Certificate  may do what its roles permit
//! ```
//!
//! A role is a URI in the subject alternative name (RFC 5280 section 4.2.1.6) with the scheme
//! `agora`. The module is pure: `rpc` reads certificates.

use std::fmt;
use std::net::IpAddr;

/// What a method demands of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: market customers, health checks.
    Anyone,
    /// To read and write the store.
    Client,
    /// To fetch the output of map tasks: a worker, or a submitter of jobs.
    Worker,
    /// To open jobs on workers, which runs code there.
    Submit,
    /// To operate a group: transfer of leadership, moderation.
    Admin,
    /// To speak as a node of a group.
    Node,
}

impl Access {
    const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The role to name in a refusal.
    pub fn name(self) -> &'static str {
        match self {
            Access::Anyone => "none",
            Access::Client => "client",
            Access::Worker => "worker",
            Access::Submit => "submit",
            Access::Admin => "admin",
            Access::Node => "node",
        }
    }
}

/// A role that a certificate gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// `agora:node/GROUP/ID`: speaks as this node of this group, and operates the group.
    Node {
        /// The group's name.
        group: String,
        /// The node's number.
        id: u64,
    },
    /// `agora:worker`: serves tasks, and fetches map output from other workers.
    Worker,
    /// `agora:submit`: opens jobs on workers.
    Submit,
    /// `agora:admin`: operates groups, and reads and writes the store.
    Admin,
    /// `agora:client/NAME`: reads and writes the store.
    Client {
        /// The client's name.
        name: String,
    },
}

impl Role {
    /// Reads a URI; `None` if it is no role. A group's name is everything between the first and
    /// the last slash.
    pub fn parse(uri: &str) -> Option<Role> {
        let role = uri.strip_prefix(SCHEME)?;
        match role {
            "worker" => return Some(Role::Worker),
            "submit" => return Some(Role::Submit),
            "admin" => return Some(Role::Admin),
            _ => (),
        }
        if let Some(name) = role.strip_prefix("client/") {
            return (!name.is_empty()).then(|| Role::Client { name: name.to_owned() });
        }
        let (group, id) = role.strip_prefix("node/")?.rsplit_once('/')?;
        let is_canonical = id == "0" || !id.starts_with(['0', '+']);
        let id = id.parse().ok().filter(|_| is_canonical)?;
        (!group.is_empty()).then(|| Role::Node { group: group.to_owned(), id })
    }

    /// All that the role permits, as bits of [`Access`].
    fn permits(&self) -> u8 {
        let bits = |all: &[Access]| all.iter().fold(0, |bits, access| bits | access.bit());
        match self {
            Role::Node { .. } => bits(&[Access::Node, Access::Admin, Access::Client]),
            Role::Worker => bits(&[Access::Worker]),
            Role::Submit => bits(&[Access::Submit, Access::Worker]),
            Role::Admin => bits(&[Access::Admin, Access::Client]),
            Role::Client { .. } => bits(&[Access::Client]),
        }
    }
}

impl fmt::Display for Role {
    /// The URI.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::Node { group, id } => write!(f, "{SCHEME}node/{group}/{id}"),
            Role::Worker => write!(f, "{SCHEME}worker"),
            Role::Submit => write!(f, "{SCHEME}submit"),
            Role::Admin => write!(f, "{SCHEME}admin"),
            Role::Client { name } => write!(f, "{SCHEME}client/{name}"),
        }
    }
}

const SCHEME: &str = "agora:";
/// Characters of a subject that are shown.
const SHOWN_CHARS: usize = 64;

/// The names of a verified certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The subject, for logs and errors.
    pub subject: String,
    /// The roles.
    pub roles: Vec<Role>,
    /// The DNS names and IP addresses that the certificate is valid for.
    pub hosts: Vec<String>,
    /// The certificate has a URI of the scheme `agora`, though perhaps none that is a role.
    pub is_for_agora: bool,
    permits: u8,
}

impl Identity {
    /// An identity with the URIs and the hosts of a certificate. A certificate without any URI of
    /// the scheme `agora` was issued by an authority that knows no roles: it may do what a client
    /// may.
    pub fn new<'a>(
        subject: &str,
        uris: impl IntoIterator<Item = &'a str>,
        hosts: Vec<String>,
    ) -> Identity {
        let uris: Vec<&str> = uris.into_iter().filter(|uri| uri.starts_with(SCHEME)).collect();
        let roles: Vec<Role> = uris.iter().filter_map(|uri| Role::parse(uri)).collect();
        let permits = match uris.is_empty() {
            true => Access::Client.bit(),
            false => roles.iter().fold(0, |permits, role| permits | role.permits()),
        };
        Identity {
            subject: subject.to_owned(),
            roles,
            hosts,
            is_for_agora: !uris.is_empty(),
            permits: permits | Access::Anyone.bit(),
        }
    }

    /// Whether the certificate has the role of this node.
    pub fn is_node(&self, group: &str, id: u64) -> bool {
        self.roles.iter().any(
            |role| matches!(role, Role::Node { group: of, id: number } if of == group && *number == id),
        )
    }

    /// Whether the certificate is valid for a host: a name, or an address without brackets.
    pub fn is_for_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|name| covers(name, host))
    }
}

/// Whether a name or address in a certificate is that of a host. A `*` stands for one whole label, the
/// first (RFC 9525 section 6.3), of a domain with two labels or more.
fn covers(name: &str, host: &str) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return name.parse() == Ok(address);
    }
    let host = host.trim_end_matches('.');
    match name.strip_prefix("*.") {
        Some(rest) => {
            let parent = host.split_once('.').map(|(_, parent)| parent);
            parent.is_some_and(|parent| parent.contains('.') && parent.eq_ignore_ascii_case(rest))
        }
        None => name.eq_ignore_ascii_case(host),
    }
}

/// The caller of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The server enforces no roles: it was started insecure, or serves loopback in the clear.
    Unchecked,
    /// The client has shown no certificate.
    Anonymous,
    /// The client has shown a certificate of an authority that the server trusts.
    Certificate(Identity),
}

impl Principal {
    /// Whether the caller may call a method that demands this.
    pub fn may(&self, access: Access) -> bool {
        match self {
            Principal::Unchecked => true,
            Principal::Anonymous => access == Access::Anyone,
            Principal::Certificate(identity) => identity.permits & access.bit() != 0,
        }
    }

    /// The identity of the certificate, if there is one.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Principal::Certificate(identity) => Some(identity),
            Principal::Unchecked | Principal::Anonymous => None,
        }
    }
}

impl fmt::Display for Principal {
    /// One line: control characters and quotes are escaped, and a long name is cut.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::Unchecked => f.write_str("an unchecked caller"),
            Principal::Anonymous => f.write_str("a caller without a certificate"),
            Principal::Certificate(Identity { subject, roles, .. }) => {
                let shown: String = subject.chars().take(SHOWN_CHARS).collect();
                write!(f, "{shown:?}")?;
                let roles: Vec<String> = roles.iter().map(Role::to_string).collect();
                let roles: String = roles.join(", ").chars().take(2 * SHOWN_CHARS).collect();
                if roles.is_empty() { Ok(()) } else { write!(f, " ({})", roles.escape_debug()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Access; 6] = [
        Access::Anyone,
        Access::Client,
        Access::Worker,
        Access::Submit,
        Access::Admin,
        Access::Node,
    ];

    fn permitted(uris: &[&str]) -> Vec<&'static str> {
        let identity = Identity::new("x", uris.iter().copied(), Vec::new());
        let principal = Principal::Certificate(identity);
        ALL.into_iter().filter(|access| principal.may(*access)).map(Access::name).collect()
    }

    #[test]
    fn each_role_permits_what_the_table_says_and_no_more() {
        assert_eq!(permitted(&["agora:node/agora/0"]), ["none", "client", "admin", "node"]);
        assert_eq!(permitted(&["agora:worker"]), ["none", "worker"]);
        assert_eq!(permitted(&["agora:submit"]), ["none", "worker", "submit"]);
        assert_eq!(permitted(&["agora:admin"]), ["none", "client", "admin"]);
        assert_eq!(permitted(&["agora:client/alice"]), ["none", "client"]);
        let both = ["agora:worker", "agora:client/a", "https://example.org/"];
        assert_eq!(permitted(&both), ["none", "client", "worker"]);
    }

    #[test]
    fn a_certificate_without_roles_is_a_client_and_one_with_unknown_roles_is_nothing() {
        assert_eq!(permitted(&[]), ["none", "client"]);
        assert_eq!(permitted(&["spiffe://x/y"]), ["none", "client"]);
        assert_eq!(permitted(&["agora:root"]), ["none"]);
        assert_eq!(permitted(&["agora:node/agora/-1"]), ["none"]);
    }

    #[test]
    fn callers_without_certificates_may_do_all_or_what_anyone_may() {
        assert!(ALL.into_iter().all(|access| Principal::Unchecked.may(access)));
        assert!(
            ALL.into_iter()
                .all(|access| { Principal::Anonymous.may(access) == (access == Access::Anyone) })
        );
    }

    #[test]
    fn only_exact_uris_are_roles() {
        let node = |group: &str, id| Some(Role::Node { group: group.into(), id });
        assert_eq!(Role::parse("agora:node/agora/12"), node("agora", 12));
        assert_eq!(Role::parse("agora:node/a/b/0"), node("a/b", 0));
        for uri in [
            "agora:node/agora/",
            "agora:node//1",
            "agora:node/1",
            "agora:node/agora/01",
            "agora:node/agora/+1",
            "agora:node/agora/1/",
            "agora:node/agora/18446744073709551616",
            "agora:client/",
            "agora:admin/",
            "agora:Admin",
            "AGORA:admin",
            "agora: admin",
            "agora:",
            "admin",
        ] {
            assert_eq!(Role::parse(uri), None, "{uri}");
        }
        for uri in
            ["agora:node/a/7", "agora:worker", "agora:submit", "agora:admin", "agora:client/b"]
        {
            assert_eq!(Role::parse(uri).unwrap().to_string(), uri);
        }
    }

    #[test]
    fn a_node_is_one_node_of_one_group() {
        let identity = Identity::new("x", ["agora:node/agora/1"], Vec::new());
        assert!(identity.is_node("agora", 1));
        assert!(!identity.is_node("agora", 2));
        assert!(!identity.is_node("market", 1));
        assert!(!Identity::new("x", ["agora:admin"], Vec::new()).is_node("agora", 1));
    }

    #[test]
    fn a_hostile_subject_stays_one_short_line() {
        let subject = format!("\x1b[2J\u{202e}\n{}", "x".repeat(1000));
        let identity = Identity::new(&subject, ["agora:client/\x1b]0;"], Vec::new());
        let shown = Principal::Certificate(identity).to_string();
        assert!(shown.len() < 400, "{shown}");
        assert!(!shown.contains(['\x1b', '\n', '\u{202e}']), "{shown}");
    }
}

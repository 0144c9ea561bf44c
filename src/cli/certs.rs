//! Certificates while a process runs: their files are checked, and the operator is warned.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use log::Level;

use super::flags::Parsed;
use super::{Failure, termination};
use crate::call::{Identity, Role};
use crate::raft::NodeId;
use crate::rpc::{Certificates, Notice, Notices};

/// The time between two checks of the files.
const INTERVAL: Duration = Duration::from_secs(1);
/// The time between two warnings that a certificate expires.
const WARNING_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// What SIGHUP does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnHangup {
    /// The certificates are read again, as servers do.
    Reload,
    /// It ends the process: the terminal of a client is gone.
    Default,
}

/// Refuses flags that `--certs` replaces.
pub(super) fn check_alone(parsed: &Parsed, others: &[&str]) -> Result<(), Failure> {
    match others.iter().find(|other| parsed.text(other).is_some()) {
        None => Ok(()),
        Some(other) => Err(parsed.wrong(format!("--certs replaces --{other}"))),
    }
}

/// Checks that a certificate is that of a node, whose address among its peers is `HOST:PORT`. The
/// other nodes would refuse it otherwise. Without an id there are none, and any node's will do.
///
/// # Errors
/// A description of what it is for.
pub(super) fn check_node(
    identity: &Identity,
    group: &str,
    id: Option<NodeId>,
    address: &str,
) -> Result<(), String> {
    let wanted = match id {
        Some(id) => format!("not for node {id} of group {group:?}"),
        None => format!("not for a node of group {group:?}"),
    };
    let is_wanted = |role: &Role| {
        matches!(role, Role::Node { group: of, id: number }
            if of == group && id.is_none_or(|id| id == *number))
    };
    if identity.is_for_agora {
        let nodes = identity.roles.iter().filter_map(|role| match role {
            Role::Node { group, id } => Some(format!("node {id} of group {group:?}")),
            _ => None,
        });
        let nodes: Vec<String> = nodes.collect();
        let roles: Vec<String> = identity.roles.iter().map(Role::to_string).collect();
        return match nodes.as_slice() {
            _ if identity.roles.iter().any(is_wanted) => Ok(()),
            [] => {
                let roles = roles.join(", ");
                Err(format!("it is for no node ({}), {wanted}", roles.escape_debug()))
            }
            nodes => Err(format!("it is for {}, {wanted}", nodes.join(", "))),
        };
    }
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if identity.is_for_host(host) {
        return Ok(());
    }
    let hosts = match identity.hosts.join(", ") {
        hosts if hosts.is_empty() => "no host (it has no subjectAltName)".to_owned(),
        hosts => hosts.escape_debug().to_string(),
    };
    Err(format!("it is for {hosts}, not for {host}, and has no role: it is {wanted}"))
}

/// Has the files of certificates checked by a thread as long as the process runs. Logs renewals,
/// files that cannot be used, and, at once and daily, certificates that expire soon; `notices` get these
/// lines as well.
pub(super) fn watch(
    certificates: Certificates,
    on_hangup: OnHangup,
    notices: Notices,
) -> Result<(), Failure> {
    let hangups = match on_hangup {
        OnHangup::Reload => termination::set_on_hangup()?,
        OnHangup::Default => termination::HangupFlag::default(),
    };
    let warned = Instant::now();
    let mut watch = Watch { certificates, notices, problem: String::new(), warned };
    watch.warn();
    let started = thread::Builder::new().name("certificates".into()).spawn(move || {
        loop {
            thread::sleep(INTERVAL);
            watch.check(hangups.take());
        }
    });
    started.map(drop).map_err(|error| Failure::because("cannot start a thread", error))
}

struct Watch {
    certificates: Certificates,
    notices: Notices,
    /// The last problem that was logged.
    problem: String,
    warned: Instant,
}

impl Watch {
    fn check(&mut self, has_hangup: bool) {
        let result = match has_hangup {
            true => self.certificates.reload(),
            false => self.certificates.reload_if_changed(),
        };
        match result {
            Ok(is_new) => {
                if is_new {
                    let text = "the certificates were read again: new connections use them";
                    self.write(Level::Info, text);
                    self.warn();
                }
                self.problem.clear();
            }
            Err(error) => {
                let problem = error.to_string();
                if has_hangup || problem != self.problem {
                    let text = format!("the certificates stay as they were: {problem}");
                    self.write(Level::Warn, &text);
                    self.problem = problem;
                }
            }
        }
        if self.warned.elapsed() >= WARNING_INTERVAL {
            self.warn();
        }
    }

    fn warn(&mut self) {
        self.warned = Instant::now();
        for warning in self.certificates.warnings(SystemTime::now()) {
            self.write(Level::Warn, &warning.to_string());
        }
    }

    fn write(&self, level: Level, text: &str) {
        log::log!(level, "{text}");
        self.notices.show(Notice::Certificates(level, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uris: &[&str], hosts: &[&str], address: &str) -> Result<(), String> {
        let hosts = hosts.iter().map(|&host| host.to_owned()).collect();
        let identity = Identity::new("CN=x", uris.iter().copied(), hosts);
        check_node(&identity, "agora", Some(2), address)
    }

    #[test]
    fn a_server_without_a_number_takes_any_nodes_certificate_of_its_group() {
        let check = |uri| {
            let identity = Identity::new("CN=x", [uri], Vec::new());
            check_node(&identity, "market", None, "a:1")
        };
        assert_eq!(check("agora:node/market/0"), Ok(()));
        assert_eq!(check("agora:node/market/7"), Ok(()));
        let refused = check("agora:node/agora/0").unwrap_err();
        let words = "it is for node 0 of group \"agora\", not for a node of group \"market\"";
        assert_eq!(refused, words);
        assert!(check("agora:client/bob").is_err());
    }

    #[test]
    fn a_certificate_is_for_a_node_by_its_role_or_by_its_host() {
        let role = "agora:node/agora/2";
        assert_eq!(check(&[role], &[], "a:1"), Ok(()));
        assert_eq!(check(&["agora:node/agora/1", role], &[], "a:1"), Ok(()));
        assert_eq!(check(&[], &["b", "A"], "a:1"), Ok(()));
        assert_eq!(check(&[], &["::1"], "[::1]:1"), Ok(()));
        assert_eq!(check(&[], &["*.b.test"], "a.b.test:1"), Ok(()));
        assert!(check(&[], &["*.test"], "a.test:1").is_err(), "as the other nodes see it");
        for (uris, hosts, words) in [
            (&["agora:node/agora/1"][..], &["a"][..], "it is for node 1 of group \"agora\", not"),
            (
                &["agora:node/other/2"],
                &["a"],
                "it is for node 2 of group \"other\", not for node 2",
            ),
            (&["agora:client/bob"], &["a"], "it is for no node (agora:client/bob), not for node 2"),
            (&["agora:future"], &["a"], "it is for no node (), not for node 2"),
            (&[], &["b", "c"], "it is for b, c, not for a, and has no role"),
            (&[], &[], "it is for no host (it has no subjectAltName), not for a"),
        ] {
            let refused = check(uris, hosts, "a:1").unwrap_err();
            assert!(refused.starts_with(words), "{refused}");
        }
    }
}

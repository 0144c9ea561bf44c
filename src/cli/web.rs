//! What browsers meet at a server, and who may call it: the flags that every server has, those of the
//! systems and that of a job's page.

use std::fs;

use super::flags::{Flags, Parsed};
use super::{Failure, monitoring};
use crate::exchange::{Hosts, Origins};
use crate::rpc::ServerOptions;

/// The name of this machine, on Linux.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// Adds the flags.
pub(super) fn flags(flags: Flags) -> Flags {
    monitoring::flags(flags)
        .value(
            "allow-origin",
            "let web pages of these origins call, and browsers use their host names in the clear: \
             https://HOST[:PORT], or * for all",
            "ORIGIN,...",
        )
        .switch("insecure", "listen beyond loopback without checking who calls")
}

/// The first of the flags that is given; a command that serves only sometimes refuses it otherwise.
pub(super) fn given(parsed: &Parsed) -> Option<&'static str> {
    let switch =
        ["access-log", "no-metrics", "insecure"].into_iter().find(|name| parsed.is_on(name));
    switch.or_else(|| parsed.text("allow-origin").map(|_| "allow-origin"))
}

/// Sets which pages may call.
pub(super) fn apply(parsed: &Parsed, options: &mut ServerOptions) -> Result<(), Failure> {
    options.allowed_origins = parsed.parsed("allow-origin", Origins::Own)?;
    Ok(())
}

/// The names that browsers may use in the clear: those that the server was started with, and that of
/// this machine.
pub(super) fn known_hosts(names: impl Iterator<Item = String>) -> Hosts {
    let own = fs::read_to_string(HOST_NAME).ok().map(|name| name.trim().to_owned());
    names.chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<(ServerOptions, Option<&'static str>), Failure> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let parsed = flags(Flags::new("agora x", "Serves x.")).parse(&arguments)?;
        let mut options = ServerOptions::default();
        apply(&parsed, &mut options).map(|()| (options, given(&parsed)))
    }

    #[test]
    fn pages_of_other_origins_are_let_in_by_name() {
        assert_eq!(read("").unwrap().0.allowed_origins, Origins::Own);
        assert_eq!(read("--allow-origin *").unwrap().0.allowed_origins, Origins::Any);
        let Err(Failure::Usage(reason)) = read("--allow-origin shop.example") else { panic!() };
        assert!(reason.contains("\"shop.example\" is no origin"), "{reason}");
    }

    #[test]
    fn a_flag_that_is_given_is_named() {
        assert_eq!(read("").unwrap().1, None);
        for name in ["allow-origin", "access-log", "no-metrics", "insecure"] {
            let value = if name == "allow-origin" { "*" } else { "" };
            assert_eq!(read(&format!("--{name} {value}")).unwrap().1, Some(name));
        }
    }
}

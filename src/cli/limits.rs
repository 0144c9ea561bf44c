//! The flags of a server's limits.

use std::time::Duration;

use super::Failure;
use super::flags::{Flags, Parsed};
use crate::rpc::ServerOptions;

/// Adds the flags.
pub(super) fn flags(flags: Flags) -> Flags {
    flags
        .value(
            "max-connections",
            "connections at once (default 1024); for a further one the one that is idle for the \
             longest time is closed",
            "N",
        )
        .value(
            "max-connections-per-address",
            "connections from one address, or of one client certificate, at once (default 256; from this \
             host any number)",
            "N",
        )
        .value(
            "max-calls-per-address",
            "calls of one address or client certificate at once that occupy a thread or a stream \
             (default 256; from this host any number)",
            "N",
        )
        .value(
            "max-connection-idle",
            "close a connection without an open call after this time (default 600)",
            "SECONDS",
        )
        .value(
            "max-connection-age",
            "close a client's connection after this time, gracefully (default: never)",
            "SECONDS",
        )
        .value(
            "max-call-age",
            "end a call after this time, unless it waits for events as a watch does (default: \
             never)",
            "SECONDS",
        )
}

/// Sets the limits that the flags give.
pub(super) fn apply(parsed: &Parsed, options: &mut ServerOptions) -> Result<(), Failure> {
    let many = 1..=1_000_000;
    options.max_connections = parsed.number("max-connections", 1024, many)? as usize;
    options.max_connections_per_address = optional(parsed, "max-connections-per-address")?;
    options.max_calls_per_address = optional(parsed, "max-calls-per-address")?;
    let limits = &mut options.limits;
    for (name, limit) in [
        ("max-connection-idle", &mut limits.idle_timeout),
        ("max-connection-age", &mut limits.max_connection_age),
        ("max-call-age", &mut limits.max_call_age),
    ] {
        if parsed.text(name).is_some() {
            *limit = parsed.seconds(name, Duration::ZERO)?;
        }
    }
    Ok(())
}

fn optional(parsed: &Parsed, name: &str) -> Result<Option<usize>, Failure> {
    match parsed.text(name) {
        None => Ok(None),
        Some(_) => Ok(Some(parsed.number(name, 0, 1..=1_000_000)? as usize)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<ServerOptions, Failure> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let parsed = flags(Flags::new("agora x", "Serves x.")).parse(&arguments)?;
        let mut options = ServerOptions::default();
        apply(&parsed, &mut options).map(|()| options)
    }

    #[test]
    fn without_flags_the_limits_are_the_defaults() {
        let (options, default) = (read("").unwrap(), ServerOptions::default());
        assert_eq!(options.limits, default.limits);
        assert_eq!(options.max_connections, default.max_connections);
        assert_eq!(options.max_connections_per_address, None);
        assert_eq!(options.max_calls_per_address, None);
    }

    #[test]
    fn each_flag_sets_its_limit() {
        let options = read(
            "--max-connections 5 --max-connections-per-address 3 --max-calls-per-address 2 \
             --max-connection-idle 1.5 --max-connection-age 60 --max-call-age 7",
        )
        .unwrap();
        assert_eq!(options.max_connections, 5);
        assert_eq!(options.max_connections_per_address, Some(3));
        assert_eq!(options.max_calls_per_address, Some(2));
        assert_eq!(options.limits.idle_timeout, Duration::from_millis(1500));
        assert_eq!(options.limits.max_connection_age, Duration::from_secs(60));
        assert_eq!(options.limits.max_call_age, Duration::from_secs(7));
        for wrong in ["--max-connections-per-address 0", "--max-call-age 0", "--max-connections x"]
        {
            assert!(matches!(read(wrong), Err(Failure::Usage(_))), "{wrong}");
        }
    }
}

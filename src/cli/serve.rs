//! Shared by the commands that serve: flags, the `listening on` lines, graceful shutdown.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use super::flags::{Flags, Parsed};
use super::listen::Listen;
use super::{Failure, access};
use crate::rpc::{
    Health, IdentityFiles, Resolver, Server, ServerOptions, ServerTls, Services, ServingStatus,
    add_standard_services, raise_descriptor_limit,
};
use crate::session::Compat;

/// Adds the flags of a server.
pub(super) fn flags(flags: Flags) -> Flags {
    flags
        .value(
            "listen",
            "where to listen: HOST:PORT, or :PORT for all addresses; port 0 picks a free port",
            "HOST:PORT,...",
        )
        .value("compat", "protocols: grpc, native or both (default both)", "PROTOCOL")
        .value("max-connections", "connections at once (default 1024)", "N")
        .value(
            "tls-cert",
            "serve TLS beside cleartext: the server's certificate chain, PEM",
            "FILE",
        )
        .value("tls-key", "its private key, PEM", "FILE")
        .value(
            "tls-client-ca",
            "accept only clients with a certificate of these authorities",
            "FILE",
        )
        .switch("tls-only", "refuse cleartext")
}

/// The value of `--listen`, else `default`, if there is one.
fn listen(parsed: &Parsed, default: Option<&str>) -> Result<Listen, Failure> {
    let listen = match (parsed.text("listen"), default) {
        (None, Some(default)) => default.to_owned(),
        _ => parsed.required("listen")?,
    };
    Listen::parse(&listen).map_err(|what| parsed.wrong(format!("--listen {listen:?}: {what}")))
}

/// The addresses of `--listen`, else of `default`, if there is one. Retries names that cannot be
/// looked up yet, after all flags are checked.
pub(super) fn addresses(
    parsed: &Parsed,
    default: Option<&str>,
) -> Result<Vec<SocketAddr>, Failure> {
    let listen = listen(parsed, default)?;
    options(parsed)?;
    let found = listen.addresses(&Resolver::default());
    found.map_err(|error| Failure::because("cannot listen", error))
}

fn options(parsed: &Parsed) -> Result<ServerOptions, Failure> {
    Ok(ServerOptions {
        compat: parsed.parsed("compat", Compat::Both)?,
        tls: tls(parsed)?,
        // Roles come from client certificates.
        enforce_roles: parsed.text("tls-client-ca").is_some(),
        max_connections: parsed.number("max-connections", 1024, 1..=1_000_000)? as usize,
        ..ServerOptions::default()
    })
}

fn tls(parsed: &Parsed) -> Result<Option<ServerTls>, Failure> {
    let (client_ca, only) = (parsed.text("tls-client-ca"), parsed.is_on("tls-only"));
    let (certificates, key) = match (parsed.text("tls-cert"), parsed.text("tls-key")) {
        (Some(certificates), Some(key)) => (certificates, key),
        (None, None) if client_ca.is_none() && !only => return Ok(None),
        _ => return Err(parsed.wrong("TLS needs both --tls-cert and --tls-key")),
    };
    let identity = IdentityFiles { certificates: certificates.as_ref(), key: key.as_ref() };
    ServerTls::load(identity, client_ca.as_deref().map(Path::new), only)
        .map(Some)
        .map_err(|error| Failure::because("cannot serve TLS", error))
}

/// Serves until SIGTERM or Ctrl-C, then shuts down gracefully. Prints `listening on ADDR` for each
/// address once connections are accepted.
///
/// Health and reflection are added to the services. All serve as soon as the server listens.
pub(super) fn run(parsed: &Parsed, services: Services) -> Result<(), Failure> {
    run_with_setup(parsed, services, &addresses(parsed, None)?, "", |_, health| {
        health.set_all(ServingStatus::Serving);
        Ok(())
    })
}

/// As [`run`], listening on `addresses`; prints `notice` on stderr. `set_up` gets the server before
/// it runs, to attach an event-loop task and to set its health.
pub(super) fn run_with_setup(
    parsed: &Parsed,
    mut services: Services,
    addresses: &[SocketAddr],
    notice: &str,
    set_up: impl FnOnce(&mut Server, &Health) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let options = options(parsed)?;
    raise_descriptor_limit();
    let health = add_standard_services(&mut services);
    for path in services.set_access(access::METHODS) {
        log::error!("no role is defined for {path}: where roles are enforced, nobody may call it");
    }
    let shown: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    let mut server = Server::bind_all(addresses, services, options).map_err(|error| {
        Failure::because(&format!("cannot listen on {}", shown.join(", ")), error)
    })?;
    set_up(&mut server, &health)?;
    super::termination::shut_down_on_signal(server.handle())?;
    // The notice is informative: an error on stderr changes nothing.
    let _ = std::io::stderr().write_all(notice.as_bytes());
    let mut stdout = std::io::stdout();
    let mut lines = String::new();
    for address in server.local_addrs() {
        lines.push_str(&format!("listening on {address}\n"));
    }
    stdout
        .write_all(lines.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::because("cannot write to stdout", error))?;
    server.run().map_err(|error| Failure::because("the server failed", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<ServerOptions, Failure> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let parsed = flags(Flags::new("agora x", "Serves x.")).parse(&arguments)?;
        listen(&parsed, None)?;
        options(&parsed)
    }

    #[test]
    fn half_of_a_certificate_is_wrong_usage() {
        for flags in ["--tls-cert a.pem", "--tls-key a.key", "--tls-only", "--tls-client-ca a.pem"]
        {
            let result = read(&format!("--listen 127.0.0.1:0 {flags}"));
            assert!(matches!(result, Err(Failure::Usage(_))), "{flags}");
        }
        assert!(read("--listen 127.0.0.1:0").unwrap().tls.is_none());
    }

    #[test]
    fn a_certificate_that_is_not_there_is_named() {
        let result = read("--listen 127.0.0.1:0 --tls-cert missing.pem --tls-key missing.key");
        let Err(Failure::Failed(reason)) = result else { panic!("{result:?}") };
        let wanted = if cfg!(feature = "tls") { "missing.pem: " } else { "built without TLS" };
        assert!(reason.contains(wanted), "{reason}");
    }
}

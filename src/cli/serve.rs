//! What all commands that serve have in common: flags, the line that says where, a graceful end.

use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

use super::Failure;
use super::flags::{Flags, Parsed};
use crate::rpc::{
    Health, IdentityFiles, Server, ServerOptions, ServerTls, Services, ServingStatus,
    add_standard_services, raise_descriptor_limit,
};
use crate::session::Compat;

/// Adds the flags of a server.
pub(super) fn flags(flags: Flags) -> Flags {
    flags
        .value("listen", "where to listen; port 0 picks a free port", "HOST:PORT")
        .value("compat", "what to speak: grpc, native or both (default both)", "PROTOCOL")
        .value("max-connections", "connections at once (default 1024)", "N")
        .value("tls-cert", "serve TLS beside cleartext: our certificate chain, PEM", "FILE")
        .value("tls-key", "its private key, PEM", "FILE")
        .value("tls-client-ca", "take only clients with a certificate of these authorities", "FILE")
        .switch("tls-only", "refuse cleartext")
}

/// Reads them. Without `--listen` it listens on `default`, if there is one.
fn options(parsed: &Parsed, default: Option<&str>) -> Result<(SocketAddr, ServerOptions), Failure> {
    let listen = match (parsed.text("listen"), default) {
        (None, Some(default)) => default.to_owned(),
        _ => parsed.required("listen")?,
    };
    let address = listen
        .to_socket_addrs()
        .map_err(|error| parsed.wrong(format!("--listen {listen:?}: {error}")))?
        .next()
        .ok_or_else(|| parsed.wrong(format!("--listen {listen:?}: no such address")))?;
    let options = ServerOptions {
        compat: parsed.parsed("compat", Compat::Both)?,
        tls: tls(parsed)?,
        max_connections: parsed.number("max-connections", 1024, 1..=1_000_000)? as usize,
        ..ServerOptions::default()
    };
    Ok((address, options))
}

/// Whether the flags make sense, for commands that do something before they serve.
pub(super) fn check(parsed: &Parsed, listen: Option<&str>) -> Result<(), Failure> {
    options(parsed, listen).map(drop)
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

/// Serves until SIGTERM or Ctrl-C: prints `listening on ADDR` once connections are accepted, and
/// ends gracefully.
///
/// Health and reflection are added to the services. All serve as soon as the server listens.
pub(super) fn run(parsed: &Parsed, services: Services) -> Result<(), Failure> {
    run_arranged(parsed, services, None, "", |_, health| {
        health.set_all(ServingStatus::Serving);
        Ok(())
    })
}

/// As [`run`], listening on `listen` if no flag says otherwise, with something to say on stderr once
/// it does. `arrange` has the server before that, to give it a resident, and says how healthy it is.
pub(super) fn run_arranged(
    parsed: &Parsed,
    mut services: Services,
    listen: Option<&str>,
    notice: &str,
    arrange: impl FnOnce(&mut Server, &Health) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (address, options) = options(parsed, listen)?;
    raise_descriptor_limit();
    let health = add_standard_services(&mut services);
    let mut server = Server::bind(address, services, options)
        .map_err(|error| Failure::because(&format!("cannot listen on {address}"), error))?;
    arrange(&mut server, &health)?;
    super::termination::shut_down_on_signal(server.handle())?;
    // A server that cannot say it on stderr is as it would have said.
    let _ = std::io::stderr().write_all(notice.as_bytes());
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on {}", server.local_addr())
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
        options(&parsed, None).map(|(_, options)| options)
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

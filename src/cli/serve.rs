//! What all commands that serve have in common: flags, the line that says where, a graceful end.

use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};

use super::Failure;
use super::flags::{Flags, Parsed};
use crate::rpc::{Server, ServerOptions, Services, ServingStatus, add_standard_services};
use crate::session::Compat;

/// Adds the flags of a server.
pub(super) fn flags(flags: Flags) -> Flags {
    flags
        .value("listen", "where to listen; port 0 picks a free port (required)", "HOST:PORT")
        .value("compat", "what to speak: grpc, native or both (default both)", "PROTOCOL")
        .value("max-connections", "connections at once (default 1024)", "N")
}

/// Reads them.
fn options(parsed: &Parsed) -> Result<(SocketAddr, ServerOptions), Failure> {
    let listen = parsed.required("listen")?;
    let address = listen
        .to_socket_addrs()
        .map_err(|error| parsed.wrong(format!("--listen {listen:?}: {error}")))?
        .next()
        .ok_or_else(|| parsed.wrong(format!("--listen {listen:?}: no such address")))?;
    let options = ServerOptions {
        compat: parsed.parsed("compat", Compat::Both)?,
        max_connections: parsed.number("max-connections", 1024, 1..=1_000_000)? as usize,
        ..ServerOptions::default()
    };
    Ok((address, options))
}

/// Serves until SIGTERM or Ctrl-C: prints `listening on ADDR` once connections are accepted, and
/// ends gracefully.
///
/// Health and reflection are added to the services. All serve as soon as the server listens.
pub(super) fn run(parsed: &Parsed, mut services: Services) -> Result<(), Failure> {
    let (address, options) = options(parsed)?;
    let health = add_standard_services(&mut services);
    let server = Server::bind(address, services, options)
        .map_err(|error| Failure::because(&format!("cannot listen on {address}"), error))?;
    health.set_all(ServingStatus::Serving);
    super::termination::shut_down_on_signal(server.handle())?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on {}", server.local_addr())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::because("cannot write to stdout", error))?;
    server.run().map_err(|error| Failure::because("the server failed", error))
}

//! Shared by the commands that serve: flags, the `listening on` lines, graceful shutdown.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use super::certs::{self, OnHangup};
use super::flags::{Flags, Parsed};
use super::limits;
use super::listen::Listen;
use super::logging;
use super::monitoring::Monitoring;
use super::peers::NodeAddresses;
use super::{Failure, access, web};
use crate::rpc::{
    Health, IdentityFiles, Resolver, Server, ServerOptions, ServerTls, Services, ServingStatus,
    add_standard_services, raise_descriptor_limit,
};
use crate::session::Compat;

/// Adds the flags of a server.
pub(super) fn flags(flags: Flags) -> Flags {
    logging::flags(limits::flags(web::flags(flags)))
        .value(
            "listen",
            "where to listen: HOST:PORT, or :PORT for all addresses; port 0 picks a free port",
            "HOST:PORT,...",
        )
        .value("compat", "protocols: grpc (with HTTP/1.1), native or both (default both)", "PROTOCOL")
        .value(
            "certs",
            "serve TLS alone, with the ca.pem, cert.pem and key.pem of this folder (see agora cert)",
            "DIR",
        )
        .value(
            "tls-cert",
            "serve TLS beside cleartext: the server's certificate chain, PEM",
            "FILE",
        )
        .value("tls-key", "its private key, PEM", "FILE")
        .value(
            "tls-client-ca",
            "refuse cleartext, and clients without a certificate of these authorities",
            "FILE",
        )
        .switch("tls-only", "refuse cleartext")
}

/// Where a server listens.
#[derive(Clone, Debug, Default)]
pub(super) struct ServedAddresses {
    /// For clients; for peers as well, unless those have their own.
    pub(super) clients: Vec<SocketAddr>,
    /// For peers alone.
    pub(super) peers: Vec<SocketAddr>,
    /// The names that these were given by.
    pub(super) names: Vec<String>,
}

impl ServedAddresses {
    fn all(&self) -> Vec<SocketAddr> {
        self.clients.iter().chain(&self.peers).copied().collect()
    }
}

/// The value of `--listen`, else `default`, if there is one.
fn listen(parsed: &Parsed, default: Option<&str>) -> Result<Listen, Failure> {
    let listen = match (parsed.text("listen"), default) {
        (None, Some(default)) => default.to_owned(),
        _ => parsed.required("listen")?,
    };
    Listen::parse(&listen).map_err(|what| parsed.wrong(format!("--listen {listen:?}: {what}")))
}

/// The value of `--peer-listen`, else `default`; `None` if there is neither. Servers without peers
/// lack the flag.
fn peer_listen(parsed: &Parsed, default: Option<&str>) -> Result<Option<Listen>, Failure> {
    let Some(default) = default else { return Ok(None) };
    let listen = parsed.text("peer-listen").unwrap_or_else(|| default.to_owned());
    let parsed_listen = Listen::parse(&listen);
    parsed_listen
        .map(Some)
        .map_err(|what| parsed.wrong(format!("--peer-listen {listen:?}: {what}")))
}

/// The addresses of `--listen` and `--peer-listen`, else those of the node `own`, if there is one.
/// Retries names that cannot be looked up yet, after all flags are checked.
///
/// # Errors
/// Among others: strangers could reach one of the addresses, and nothing checks who calls.
pub(super) fn addresses(
    parsed: &Parsed,
    own: Option<&NodeAddresses>,
) -> Result<ServedAddresses, Failure> {
    let listen = listen(parsed, own.map(|own| own.clients.as_str()))?;
    let peer_listen = peer_listen(parsed, own.and_then(|own| own.peers.as_deref()))?;
    let tls = options(parsed)?.tls;
    let look_up = |listen: &Listen| {
        let addresses = listen.addresses(&Resolver::default());
        addresses.map_err(|error| Failure::because("cannot listen", error))
    };
    let entry = own.and_then(|own| Listen::parse(&own.clients).ok());
    let given = [Some(&listen), peer_listen.as_ref(), entry.as_ref()];
    let addresses = ServedAddresses {
        names: given.into_iter().flatten().flat_map(Listen::names).collect(),
        clients: look_up(&listen)?,
        peers: peer_listen.as_ref().map(look_up).transpose()?.unwrap_or_default(),
    };
    check_exposure(parsed, &addresses.all(), tls.as_ref())?;
    Ok(addresses)
}

/// Refuses addresses that strangers could reach if nothing checks who calls.
pub(super) fn check_exposure(
    parsed: &Parsed,
    addresses: &[SocketAddr],
    tls: Option<&ServerTls>,
) -> Result<(), Failure> {
    match exposed(addresses, tls) {
        Some(address) if !parsed.is_on("insecure") => Err(Failure::Failed(format!(
            "agora: {address} can be reached from other machines, and nothing would check who \
             calls.\n\
             Make certificates with `agora cert` and start with --certs DIR.\n\
             Or start with --insecure: then everyone who reaches the port may do everything."
        ))),
        _ => Ok(()),
    }
}

/// An address that other machines can reach, if the server does not check who calls.
pub(super) fn exposed(addresses: &[SocketAddr], tls: Option<&ServerTls>) -> Option<SocketAddr> {
    let is_checked = tls.is_some_and(ServerTls::checks_clients);
    let is_loopback = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
    addresses.iter().copied().find(|address| !is_checked && !is_loopback(address))
}

/// What `--insecure` means, on these addresses; empty if it changes nothing.
fn insecure_notice(addresses: &[SocketAddr], tls: Option<&ServerTls>) -> String {
    let Some(address) = exposed(addresses, tls) else { return String::new() };
    let traffic = match tls {
        Some(tls) if tls.refuses_cleartext() => "",
        _ => " Traffic is not encrypted.",
    };
    format!(
        "agora: insecure: everyone who reaches {address} may do everything: read and change all \
         data, act as any client or node, and give tasks to workers.{traffic}\n"
    )
}

/// How a browser gets at a page of the server: `http` or `https`; `None` if it cannot.
pub(super) fn page_scheme(parsed: &Parsed) -> Result<Option<&'static str>, Failure> {
    let options = options(parsed)?;
    let is_secret = options.tls.as_ref().is_some_and(ServerTls::refuses_cleartext);
    let scheme = if is_secret { "https" } else { "http" };
    Ok((options.compat != Compat::Native).then_some(scheme))
}

fn options(parsed: &Parsed) -> Result<ServerOptions, Failure> {
    logging::chosen(parsed)?;
    let tls = tls(parsed)?;
    let mut options = ServerOptions {
        compat: parsed.parsed("compat", Compat::Both)?,
        // Roles come from client certificates.
        enforce_roles: tls.as_ref().is_some_and(ServerTls::checks_clients),
        tls,
        ..ServerOptions::default()
    };
    limits::apply(parsed, &mut options)?;
    web::apply(parsed, &mut options)?;
    Ok(options)
}

fn tls(parsed: &Parsed) -> Result<Option<ServerTls>, Failure> {
    let cannot_serve = |error| Failure::because("cannot serve TLS", error);
    if let Some(folder) = parsed.text("certs") {
        certs::check_alone(parsed, &["tls-cert", "tls-key", "tls-client-ca"])?;
        return ServerTls::from_folder(folder.as_ref()).map(Some).map_err(cannot_serve);
    }
    let (client_ca, only) = (parsed.text("tls-client-ca"), parsed.is_on("tls-only"));
    let (certificates, key) = match (parsed.text("tls-cert"), parsed.text("tls-key")) {
        (Some(certificates), Some(key)) => (certificates, key),
        (None, None) if client_ca.is_none() && !only => return Ok(None),
        _ => return Err(parsed.wrong("TLS needs both --tls-cert and --tls-key")),
    };
    let identity = IdentityFiles { certificates: certificates.as_ref(), key: key.as_ref() };
    // Cleartext has no certificates: beside it, those of clients would mean nothing.
    let only = only || client_ca.is_some();
    let tls = ServerTls::load(identity, client_ca.as_deref().map(Path::new), only);
    tls.map(Some).map_err(cannot_serve)
}

/// Serves until SIGTERM or Ctrl-C, then shuts down gracefully. Prints `listening on ADDR` (or
/// `listening for peers on ADDR`) for each address once connections are accepted.
///
/// Health and reflection are added to the services. All serve as soon as the server listens.
pub(super) fn run(parsed: &Parsed, services: Services) -> Result<(), Failure> {
    let monitoring = Monitoring::new();
    run_with_setup(parsed, services, &addresses(parsed, None)?, "", &monitoring, |_, health| {
        health.set_all(ServingStatus::Serving);
        Ok(())
    })
}

/// As [`run`], listening on these addresses; prints `notice` on stderr. `set_up` gets the server before
/// it runs, to attach an event-loop task and to set its health.
pub(super) fn run_with_setup(
    parsed: &Parsed,
    mut services: Services,
    addresses: &ServedAddresses,
    notice: &str,
    monitoring: &Monitoring,
    set_up: impl FnOnce(&mut Server, &Health) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut options = options(parsed)?;
    options.peer_addresses.clone_from(&addresses.peers);
    options.known_hosts = web::known_hosts(addresses.names.iter().cloned());
    monitoring.apply(parsed, &mut services, &mut options);
    let all = addresses.all();
    let insecure = insecure_notice(&all, options.tls.as_ref());
    if let Some(tls) = &options.tls {
        certs::watch(tls.certificates(), OnHangup::Reload, monitoring.notices.clone())?;
    }
    raise_descriptor_limit();
    let health = add_standard_services(&mut services);
    for path in services.set_access(access::METHODS) {
        log::error!("no role is defined for {path}: where roles are enforced, nobody may call it");
    }
    let shown: Vec<String> = all.iter().map(SocketAddr::to_string).collect();
    let mut server = Server::bind_all(&addresses.clients, services, options).map_err(|error| {
        Failure::because(&format!("cannot listen on {}", shown.join(", ")), error)
    })?;
    set_up(&mut server, &health)?;
    super::termination::shut_down_on_signal(server.handle())?;
    logging::chosen(parsed)?.print(log::Level::Warn, &format!("{insecure}{notice}"));
    let mut stdout = std::io::stdout();
    let mut lines = String::new();
    for address in server.local_addrs() {
        lines.push_str(&format!("listening on {address}\n"));
    }
    for address in server.peer_addrs() {
        lines.push_str(&format!("listening for peers on {address}\n"));
    }
    stdout
        .write_all(lines.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::because("cannot write to stdout", error))?;
    server.run().map_err(|error| Failure::because("the server failed", error))?;
    log::info!("the server has stopped");
    Ok(())
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
    fn a_folder_replaces_the_single_flags() {
        for flags in ["--tls-cert a.pem", "--tls-key a.key", "--tls-client-ca a.pem"] {
            let result = read(&format!("--listen 127.0.0.1:0 --certs d {flags}"));
            let Err(Failure::Usage(reason)) = result else { panic!("{flags}: {result:?}") };
            assert!(reason.contains("--certs replaces --tls-"), "{reason}");
        }
    }

    fn addresses_of(line: &str) -> Result<Vec<SocketAddr>, Failure> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let parsed = flags(Flags::new("agora x", "Serves x.")).parse(&arguments)?;
        addresses(&parsed, None).map(|addresses| addresses.clients)
    }

    #[test]
    fn beyond_loopback_a_server_needs_certificates_or_permission() {
        for local in ["127.0.0.1:0", "127.3.2.1:0,[::1]:0", "localhost:0"] {
            let addresses = addresses_of(&format!("--listen {local}")).unwrap();
            assert_eq!(insecure_notice(&addresses, None), "");
        }
        for exposed in
            [":0", "0.0.0.0:0", "[::]:0", "127.0.0.1:0,10.0.0.1:0", "[::ffff:10.0.0.1]:0"]
        {
            let result = addresses_of(&format!("--listen {exposed}"));
            let Err(Failure::Failed(reason)) = result else { panic!("{exposed}: {result:?}") };
            for word in ["`agora cert`", "--certs DIR", "--insecure"] {
                assert!(reason.contains(word), "{word} is not in {reason}");
            }
            let addresses = addresses_of(&format!("--listen {exposed} --insecure")).unwrap();
            let notice = insecure_notice(&addresses, None);
            assert!(notice.starts_with("agora: insecure: everyone who reaches "), "{notice}");
            assert!(notice.ends_with("Traffic is not encrypted.\n"), "{notice}");
        }
    }

    #[test]
    fn a_certificate_that_is_not_there_is_named() {
        let result = read("--listen 127.0.0.1:0 --tls-cert missing.pem --tls-key missing.key");
        let Err(Failure::Failed(reason)) = result else { panic!("{result:?}") };
        let wanted = if cfg!(feature = "tls") { "missing.pem: " } else { "built without TLS" };
        assert!(reason.contains(wanted), "{reason}");
    }
}

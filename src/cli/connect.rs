//! Shared by the commands that call a server: flags for the protocol and TLS.

use std::path::Path;

use super::Failure;
use super::certs::{self, OnHangup};
use super::flags::{Flags, Parsed};
use crate::rpc::{ChannelOptions, ClientTls, IdentityFiles, Notices};
use crate::session::Protocol;

/// Adds the flags of a client. `default` is its protocol unless a flag sets one.
pub(super) fn flags(flags: Flags, default: Protocol) -> Flags {
    let default = match default {
        Protocol::Grpc => "grpc",
        Protocol::Native => "native",
    };
    flags
        .value("protocol", &format!("grpc or native (default {default})"), "PROTOCOL")
        .value("certs", "use TLS, with the ca.pem of this folder, and its cert.pem and key.pem if they are there (see agora cert)", "DIR")
        .value("tls-ca", "use TLS, and trust these certificate authorities, PEM", "FILE")
        .value("tls-name", "the name in the server's certificate (default: its host)", "NAME")
        .value("tls-cert", "the client's own certificate, PEM", "FILE")
        .value("tls-key", "its private key, PEM", "FILE")
}

/// Reads these flags.
pub(super) fn options(parsed: &Parsed, default: Protocol) -> Result<ChannelOptions, Failure> {
    let tls = tls(parsed)?;
    if let Some(tls) = &tls {
        certs::watch(tls.certificates(), OnHangup::Default, Notices::default())?;
    }
    Ok(ChannelOptions {
        protocol: parsed.parsed("protocol", default)?,
        tls,
        ..ChannelOptions::default()
    })
}

fn tls(parsed: &Parsed) -> Result<Option<ClientTls>, Failure> {
    let cannot_speak = |error| Failure::because("cannot speak TLS", error);
    let name = parsed.text("tls-name");
    if let Some(folder) = parsed.text("certs") {
        certs::check_alone(parsed, &["tls-ca", "tls-cert", "tls-key"])?;
        let tls = ClientTls::from_folder(folder.as_ref(), name.as_deref());
        return tls.map(Some).map_err(cannot_speak);
    }
    let (certificates, key) = (parsed.text("tls-cert"), parsed.text("tls-key"));
    let identity = match (&certificates, &key) {
        (Some(certificates), Some(key)) => {
            Some(IdentityFiles { certificates: certificates.as_ref(), key: key.as_ref() })
        }
        (None, None) => None,
        _ => return Err(parsed.wrong("--tls-cert and --tls-key belong together")),
    };
    let Some(authorities) = parsed.text("tls-ca") else {
        return match (name, identity) {
            (None, None) => Ok(None),
            _ => Err(parsed.wrong("TLS needs --certs or --tls-ca")),
        };
    };
    let tls = ClientTls::load(Path::new(&authorities), name.as_deref(), identity);
    tls.map(Some).map_err(cannot_speak)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<ChannelOptions, Failure> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let flags = flags(Flags::new("agora x", "Calls x."), Protocol::Native);
        options(&flags.parse(&arguments)?, Protocol::Native)
    }

    #[test]
    fn a_protocol_is_chosen_or_the_default() {
        assert_eq!(read("").unwrap().protocol, Protocol::Native);
        assert_eq!(read("--protocol grpc").unwrap().protocol, Protocol::Grpc);
        assert!(matches!(read("--protocol http"), Err(Failure::Usage(_))));
    }

    #[test]
    fn tls_flags_that_miss_another_are_wrong_usage() {
        for flags in ["--tls-name x", "--tls-cert a --tls-key b", "--tls-ca a --tls-cert b"] {
            assert!(matches!(read(flags), Err(Failure::Usage(_))), "{flags}");
        }
        assert!(read("").unwrap().tls.is_none());
        for flag in ["--tls-ca a", "--tls-cert a --tls-key b"] {
            let result = read(&format!("--certs d {flag}"));
            assert!(matches!(result, Err(Failure::Usage(_))), "{result:?}");
        }
    }

    #[test]
    fn authorities_that_are_not_there_are_named() {
        let result = read("--tls-ca missing.pem");
        let Err(Failure::Failed(reason)) = result else { panic!("{result:?}") };
        let wanted = if cfg!(feature = "tls") { "missing.pem: " } else { "built without TLS" };
        assert!(reason.contains(wanted), "{reason}");
    }
}

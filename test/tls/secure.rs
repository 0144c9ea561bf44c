//! A server with a certificate, and clients that trust it.

use std::sync::Arc;

use agora::rpc::{Channel, ChannelOptions, ClientTls, ServerOptions, ServerTls};
use agora::session::Protocol;

use crate::certificates::Authority;
use crate::fixture::Fixture;

/// The name in the server's certificate, beside its address.
pub const NAME: &str = "agora.test";

/// A server with TLS beside cleartext, and the authority of its certificate.
pub struct Secure {
    pub authority: Arc<Authority>,
    pub server: Fixture,
}

/// Changes to the default options.
#[derive(Default)]
pub struct Wishes {
    pub options: ServerOptions,
    pub only: bool,
    pub client_certificates: bool,
}

impl Secure {
    pub fn new() -> Secure {
        Secure::with(Wishes::default())
    }

    pub fn with(wishes: Wishes) -> Secure {
        let authority = Arc::new(Authority::new());
        let options = server_options(&authority, wishes);
        Secure { authority, server: Fixture::with(options) }
    }

    pub fn address(&self) -> String {
        self.server.address.to_string()
    }

    /// Options of a client that trusts the server, modified by `change`.
    pub fn options(&self, protocol: Protocol) -> ChannelOptions {
        let tls = ClientTls::load(&self.authority.ca(), None, None).unwrap();
        ChannelOptions { protocol, tls: Some(tls), ..ChannelOptions::default() }
    }

    pub fn channel(&self, protocol: Protocol) -> Channel {
        Channel::new(&self.address(), self.options(protocol)).unwrap()
    }
}

pub fn server_options(authority: &Authority, wishes: Wishes) -> ServerOptions {
    let issued = authority.issue("server", &["127.0.0.1", "localhost", NAME]);
    let ca = authority.ca();
    let client_ca = wishes.client_certificates.then_some(&*ca);
    let tls = ServerTls::load(issued.files(), client_ca, wishes.only).unwrap();
    ServerOptions { tls: Some(tls), ..wishes.options }
}

//! A server with one service and the standard ones.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use agora::rpc::{
    CallOptions, Channel, ChannelOptions, Health, Server, ServerHandle, ServerOptions, Services,
    add_standard_services,
};
use agora::session::Protocol;

/// The service, which `proto/` declares.
pub const ECHO: &str = "agora.bench.v1.EchoService";

/// How long a test waits before it fails.
pub const LONG: Duration = Duration::from_secs(20);

pub struct Fixture {
    pub address: SocketAddr,
    pub health: Health,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Fixture {
    pub fn new() -> Fixture {
        let mut services = Services::new();
        services.unary("/agora.bench.v1.EchoService/Echo", |_, request, response| {
            response.extend_from_slice(request);
            Ok(())
        });
        let health = add_standard_services(&mut services);
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(any_port, services, ServerOptions::default()).unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Fixture { address, health, handle, thread }
    }

    pub fn channel(&self, protocol: Protocol) -> Channel {
        self.channel_with(ChannelOptions { protocol, ..ChannelOptions::default() })
    }

    pub fn channel_with(&self, options: ChannelOptions) -> Channel {
        Channel::new(&self.address.to_string(), options).unwrap()
    }

    /// Starts a shutdown without waiting for it.
    pub fn begin_stop(&self) {
        self.handle.shut_down();
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.begin_stop();
    }
}

/// Runs a test over both protocols.
pub fn both(story: impl Fn(Protocol)) {
    for protocol in [Protocol::Native, Protocol::Grpc] {
        eprintln!("over {protocol:?}");
        story(protocol);
    }
}

pub fn patiently() -> CallOptions {
    CallOptions { timeout: Some(LONG), ..CallOptions::default() }
}

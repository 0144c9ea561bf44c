//! Where roles are enforced, each method demands one.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use agora::call::{Access, Code, Status};
use agora::rpc::{
    CallOptions, Channel, ChannelOptions, ClientTls, Server, ServerHandle, ServerOptions, Services,
    Shape,
};
use agora::session::Protocol;

use crate::authority::{Authority, client_tls, server_tls};

const TABLE: [(&str, Access); 6] = [
    ("/t.T/Anyone", Access::Anyone),
    ("/t.T/Client", Access::Client),
    ("/t.T/Worker", Access::Worker),
    ("/t.T/Submit", Access::Submit),
    ("/t.T/Admin", Access::Admin),
    ("/t.T/Node", Access::Node),
];
const UNLISTED: &str = "/t.T/Unlisted";

/// A server whose methods answer with the principal; it notes each handler that ran.
struct Fixture {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    ran: Arc<Mutex<Vec<String>>>,
}

impl Fixture {
    fn start(options: ServerOptions) -> Fixture {
        let ran = Arc::<Mutex<Vec<String>>>::default();
        let mut services = Services::new();
        for path in TABLE.iter().map(|(path, _)| *path).chain([UNLISTED]) {
            let ran = Arc::clone(&ran);
            // One of each kind of handler.
            if path.ends_with("Worker") {
                services.blocking(path, Shape::Unary, move |call| {
                    ran.lock().unwrap().push(path.to_owned());
                    let principal = call.context().principal.to_string();
                    call.send(principal.into_bytes())
                });
                continue;
            }
            services.unary(path, move |context, _, response| {
                ran.lock().unwrap().push(path.to_owned());
                response.extend_from_slice(context.principal.to_string().as_bytes());
                Ok(())
            });
        }
        assert_eq!(services.set_access(&TABLE), [UNLISTED]);
        let server = Server::bind("127.0.0.1:0".parse().unwrap(), services, options).unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Fixture { address, handle, thread, ran }
    }

    fn call(
        &self,
        tls: Option<ClientTls>,
        protocol: Protocol,
        path: &str,
    ) -> Result<String, Status> {
        let options = ChannelOptions { protocol, tls, ..ChannelOptions::default() };
        let channel = Channel::new(&self.address.to_string(), options)?;
        let answer = channel.unary(path, b"", &CallOptions::default());
        answer.map(|response| String::from_utf8(response).unwrap())
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.handle.shut_down();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

#[test]
fn a_certificate_may_call_what_its_roles_permit_and_no_handler_runs_for_others() {
    let authority = Authority::new();
    let server = authority.issue("server", &["127.0.0.1"], &["agora:node/agora/0"]);
    let options = ServerOptions {
        tls: Some(server_tls(&server)),
        enforce_roles: true,
        ..ServerOptions::default()
    };
    let fixture = Fixture::start(options);
    let cases: [(&str, &[&str], &[&str]); 6] = [
        ("node", &["agora:node/agora/1"], &["Anyone", "Client", "Admin", "Node"]),
        ("worker", &["agora:worker"], &["Anyone", "Worker"]),
        ("submit", &["agora:submit"], &["Anyone", "Worker", "Submit"]),
        ("admin", &["agora:admin"], &["Anyone", "Client", "Admin"]),
        ("client", &["agora:client/alice"], &["Anyone", "Client"]),
        ("plain", &[], &["Anyone", "Client"]),
    ];
    for (name, uris, may) in cases {
        let tls = client_tls(&authority.issue(name, &[], uris));
        for protocol in [Protocol::Native, Protocol::Grpc] {
            for (path, _) in TABLE {
                fixture.ran.lock().unwrap().clear();
                let result = fixture.call(Some(tls.clone()), protocol, path);
                let method = path.strip_prefix("/t.T/").unwrap();
                if may.contains(&method) {
                    let shown = result.unwrap();
                    assert!(shown.contains(&format!("CN={name}")), "{shown}");
                    continue;
                }
                let refused = result.unwrap_err();
                assert_eq!(refused.code, Code::PermissionDenied, "{name} {path}: {refused}");
                assert!(refused.message.contains("needs the role"), "{refused}");
                assert_eq!(fixture.ran.lock().unwrap().len(), 0, "{name} {path}");
            }
            let refused = fixture.call(Some(tls.clone()), protocol, UNLISTED).unwrap_err();
            assert_eq!(refused.code, Code::PermissionDenied);
        }
    }
}

#[test]
fn without_enforced_roles_every_caller_is_unchecked() {
    let fixture = Fixture::start(ServerOptions::default());
    for (path, _) in TABLE {
        let shown = fixture.call(None, Protocol::Native, path).unwrap();
        assert_eq!(shown, "an unchecked caller");
    }
    assert!(fixture.call(None, Protocol::Grpc, UNLISTED).is_ok());
}

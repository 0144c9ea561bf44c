//! The resources of a server: pages and texts beside its methods, for browsers, load balancers and
//! monitoring.
//!
//! A resource has a fixed path and is read by GET over HTTP. Its handler runs on the server's thread,
//! must be short and must not block.

use super::authorize::authorize;
use super::catch_panic::PanicGuard;
use super::outbound::unread_limit_reached;
use super::refusals::Refusal;
use super::service::Context;
use crate::call::{Access, Code, ResourceRequest, ResourceResponse, Status};
use crate::exchange::RETRY_AFTER_S;

type ResourceHandler = dyn Fn(&Context<'_>, &ResourceRequest<'_>) -> ResourceResponse + Send + Sync;

/// A registered resource.
pub(super) struct Resource {
    path: String,
    guard: PanicGuard,
    handler: Box<ResourceHandler>,
    access: Access,
    is_on_every_port: bool,
}

/// The registered resources. There are few: they are searched in order.
#[derive(Default)]
pub(super) struct Resources {
    all: Vec<Resource>,
}

impl Resources {
    /// Adds one; the first with a path counts.
    pub(super) fn add(&mut self, path: &str, access: Access, handler: Box<ResourceHandler>) {
        self.all.push(Resource {
            path: path.to_owned(),
            guard: PanicGuard::new(path),
            handler,
            access,
            is_on_every_port: false,
        });
    }

    /// Serves it to peers as well, where a server has addresses for them alone.
    pub(super) fn serve_on_every_port(&mut self, path: &str) {
        for resource in self.all.iter_mut().filter(|resource| resource.path == path) {
            resource.is_on_every_port = true;
        }
    }

    /// The place of the resource with this path.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.all.iter().position(|resource| resource.path == path)
    }

    /// The paths of all resources, in their order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|resource| resource.path.as_str())
    }

    /// Answers a request for the resource at this place; `is_peer_port` says that it came to an
    /// address for peers alone.
    pub(super) fn answer(
        &self,
        found: Option<usize>,
        context: &Context<'_>,
        request: &ResourceRequest<'_>,
        is_peer_port: bool,
    ) -> ResourceResponse {
        let found = found.and_then(|at| self.all.get(at));
        let Some(resource) = found.filter(|found| found.is_on_every_port || !is_peer_port) else {
            return ResourceResponse::text(404, "nothing is served at this path\n");
        };
        let answer = authorize(context.principal, &resource.path, Some(resource.access))
            .and_then(|()| resource.guard.catch(|| (resource.handler)(context, request)));
        answer.unwrap_or_else(|status| failure(&status))
    }
}

/// The answer to a client that may have no further call.
pub(super) fn over_limit() -> ResourceResponse {
    failure(&Status::new(Code::ResourceExhausted, Refusal::Full.for_client()))
}

/// The answer to a client that reads too little of what it was sent.
pub(super) fn unread_limit() -> ResourceResponse {
    failure(&unread_limit_reached())
}

/// A status as the status code of HTTP that is closest to it.
fn failure(status: &Status) -> ResourceResponse {
    let http = match status.code {
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::ResourceExhausted => 429,
        _ => 500,
    };
    let mut response = ResourceResponse::text(http, format!("{}\n", status.message));
    if http == 429 {
        response.fields.push(("retry-after", RETRY_AFTER_S.into()));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::call::{Metadata, Principal};

    impl Resources {
        /// Answers a request of a caller whose role is not checked.
        pub(in crate::rpc) fn answer_anyone(
            &self,
            request: &ResourceRequest<'_>,
            is_peer_port: bool,
        ) -> ResourceResponse {
            let found = self.find(request.path);
            self.answer(found, &context(&Arc::new(Principal::Unchecked)), request, is_peer_port)
        }
    }

    fn context(principal: &Arc<Principal>) -> Context<'_> {
        const NONE: &Metadata = &Metadata::new();
        let peer = ([127, 0, 0, 1], 1).into();
        Context { metadata: NONE, peer, principal, deadline: None }
    }

    fn request(path: &str) -> ResourceRequest<'_> {
        ResourceRequest { path, query: "", accept: "", if_none_match: "" }
    }

    #[test]
    fn a_handler_that_panics_fails_its_own_request() {
        let mut resources = Resources::default();
        resources.add("/bad", Access::Anyone, Box::new(|_, _| panic!("on purpose")));
        resources.add("/good", Access::Anyone, Box::new(|_, _| ResourceResponse::text(200, "yes")));
        for _ in 0..3 {
            let response = resources.answer_anyone(&request("/bad"), false);
            assert_eq!((response.status, &*response.body), (500, &b"the handler panicked\n"[..]));
            assert_eq!(resources.answer_anyone(&request("/good"), false).status, 200);
        }
    }

    #[test]
    fn a_caller_without_the_role_is_refused_and_peers_see_what_is_on_every_port() {
        let mut resources = Resources::default();
        let yes = || {
            Box::new(|_: &Context<'_>, _: &ResourceRequest<'_>| ResourceResponse::text(200, "yes"))
        };
        resources.add("/all", Access::Anyone, yes());
        resources.add("/some", Access::Client, yes());
        resources.serve_on_every_port("/all");
        let anonymous = Arc::new(Principal::Anonymous);
        let of = |path, is_peer_port| {
            let found = resources.find(path);
            resources.answer(found, &context(&anonymous), &request(path), is_peer_port).status
        };
        assert_eq!((of("/all", false), of("/all", true)), (200, 200));
        assert_eq!((of("/some", false), of("/some", true)), (401, 404));
        assert_eq!(of("/none", false), 404);
    }
}

//! What a load balancer, a container platform or a person asks every server over HTTP: `/livez`,
//! `/readyz` and `/version`.
//!
//! | path | answer |
//! |---|---|
//! | `/livez` | 200: the event loop runs |
//! | `/readyz` | 200, or 503 with the reasons, one a line |
//! | `/version` | name and version; JSON for who asks for `application/json` |
//!
//! Anyone may read them, on every port.

use std::borrow::Cow;

use super::health::Health;
use super::service::Services;
use crate::call::{Access, ResourceRequest, ResourceResponse};

const VERSION: &str = concat!("agora ", env!("CARGO_PKG_VERSION"), "\n");
const VERSION_JSON: &str =
    concat!("{\"name\":\"agora\",\"version\":\"", env!("CARGO_PKG_VERSION"), "\"}\n");

/// Registers the resources.
pub(super) fn register(services: &mut Services, health: &Health) {
    let health = health.clone();
    services.resource("/livez", Access::Anyone, |_, _| not_stored(200, "alive\n"));
    services.resource("/readyz", Access::Anyone, move |_, _| readiness(&health));
    services.resource("/version", Access::Anyone, |_, request| version(request));
    for path in ["/livez", "/readyz", "/version"] {
        services.serve_on_every_port(path);
    }
}

fn readiness(health: &Health) -> ResourceResponse {
    match health.why_not_ready() {
        reasons if reasons.is_empty() => not_stored(200, "ready\n"),
        reasons => not_stored(503, reasons.join("\n") + "\n"),
    }
}

fn version(request: &ResourceRequest<'_>) -> ResourceResponse {
    let mut ranges = request.accept.split(',').map(|range| range.split(';').next().unwrap_or(""));
    if ranges.any(|range| range.trim().eq_ignore_ascii_case("application/json")) {
        let mut response = ResourceResponse::text(200, VERSION_JSON);
        response.content_type = "application/json";
        return response;
    }
    ResourceResponse::text(200, VERSION)
}

/// An answer that the next moment may change.
fn not_stored(status: u16, text: impl Into<Cow<'static, str>>) -> ResourceResponse {
    let mut response = ResourceResponse::text(status, text);
    response.fields.push(("cache-control", "no-store".into()));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::{ServingStatus, add_standard_services};

    fn get(services: &Services, path: &str, accept: &str) -> (u16, String) {
        let request = ResourceRequest { path, query: "", accept, if_none_match: "" };
        let response = services.resources.answer_anyone(&request, true);
        (response.status, String::from_utf8(response.body.to_vec()).unwrap())
    }

    #[test]
    fn a_server_is_ready_when_it_serves_and_nothing_speaks_against_it() {
        let mut services = Services::new();
        let health = add_standard_services(&mut services);
        let ready = || get(&services, "/readyz", "");
        assert_eq!(ready(), (503, "the server is starting\n".into()));
        assert_eq!(get(&services, "/livez", ""), (200, "alive\n".into()));
        health.set_all(ServingStatus::Serving);
        assert_eq!(ready(), (200, "ready\n".into()));
        health.set_not_ready(vec!["no leader is known".into(), "the disk is full".into()]);
        assert_eq!(ready(), (503, "no leader is known\nthe disk is full\n".into()));
        health.set_not_ready(Vec::new());
        assert_eq!(ready(), (200, "ready\n".into()));
        services.shutting_down();
        assert_eq!(ready(), (503, "the server is shutting down\n".into()));
        health.set_all(ServingStatus::Serving);
        assert_eq!(ready().0, 503, "it stays so");
    }

    #[test]
    fn the_version_is_a_text_or_json() {
        let mut services = Services::new();
        add_standard_services(&mut services);
        let version = env!("CARGO_PKG_VERSION");
        for accept in ["", "text/html, */*;q=0.1"] {
            assert_eq!(get(&services, "/version", accept), (200, format!("agora {version}\n")));
        }
        let json = format!("{{\"name\":\"agora\",\"version\":\"{version}\"}}\n");
        for accept in ["application/json", "text/html, Application/JSON;q=0.9"] {
            assert_eq!(get(&services, "/version", accept), (200, json.clone()));
        }
    }
}

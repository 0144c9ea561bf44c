//! The pages of nodes and jobs: HTML, style and scripts, embedded in the program.
//!
//! | page | files |
//! |---|---|
//! | of a node | `node.html`, `node.js` (what it shows), `group.js` (the picture of the group) |
//! | of a job | `job.html`, `job.js` (what it shows), `job_clusters.js` (the pictures of a clustering), `job_data.js` (its state), `job.css` |
//! | shared | `style.css`, `icon.svg`, `connect.js` (calls), `chart.js` (curves over time), `dom.js` (elements and numbers) |
//!
//! A page gets its numbers by the calls that everybody has, over the Connect protocol, so there is
//! nothing here but files. Their *content security policy* allows only what comes from the same
//! server, and neither inline scripts nor inline styles. Texts get into a page as text, never as
//! markup. Anyone may read the files; what a page shows depends on the role of who looks at it.

use std::borrow::Cow;

use crate::call::{Access, ResourceRequest, ResourceResponse};
use crate::rpc::Services;
use crate::text::{crc32c, push_hex};

/// A file of a page.
#[derive(Clone, Copy, Debug)]
pub struct PageFile {
    /// Its path.
    pub path: &'static str,
    /// Its type.
    pub content_type: &'static str,
    /// Its text.
    pub text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const ICON: &str = "image/svg+xml";

const fn file(path: &'static str, content_type: &'static str, text: &'static str) -> PageFile {
    PageFile { path, content_type, text }
}

/// What all pages have.
const SHARED: [PageFile; 5] = [
    file("/style.css", STYLE, include_str!("style.css")),
    file("/icon.svg", ICON, include_str!("icon.svg")),
    file("/connect.js", SCRIPT, include_str!("connect.js")),
    file("/chart.js", SCRIPT, include_str!("chart.js")),
    file("/dom.js", SCRIPT, include_str!("dom.js")),
];

const NODE: [PageFile; 3] = [
    file("/", HTML, include_str!("node.html")),
    file("/node.js", SCRIPT, include_str!("node.js")),
    file("/group.js", SCRIPT, include_str!("group.js")),
];

const JOB: [PageFile; 5] = [
    file("/", HTML, include_str!("job.html")),
    file("/job.js", SCRIPT, include_str!("job.js")),
    file("/job_clusters.js", SCRIPT, include_str!("job_clusters.js")),
    file("/job_data.js", SCRIPT, include_str!("job_data.js")),
    file("/job.css", STYLE, include_str!("job.css")),
];

/// Everything comes from the same server, no script or style is inline, no other page shows this one in
/// a frame, and a script that turns a text into markup or code fails.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// Registers the page of a node, which calls [`crate::replica::view`].
pub fn register_node(services: &mut Services) {
    register(services, &NODE);
}

/// Registers the page of a MapReduce job, which calls [`crate::mapreduce::master::JobMonitor`].
pub fn register_job(services: &mut Services) {
    register(services, &JOB);
}

/// Registers a page of these files and the shared ones.
pub fn register(services: &mut Services, files: &[PageFile]) {
    for file in files.iter().chain(&SHARED).copied() {
        let tag = tag(file.text);
        services.resource(file.path, Access::Anyone, move |_, request| answer(file, &tag, request));
    }
}

/// Tells the versions of a file apart.
fn tag(text: &str) -> String {
    let mut digits = Vec::new();
    push_hex(crc32c(text.as_bytes()), &mut digits);
    format!("\"{}-{}\"", text.len(), String::from_utf8_lossy(&digits))
}

fn answer(file: PageFile, tag: &str, request: &ResourceRequest<'_>) -> ResourceResponse {
    let is_known = request.if_none_match.split(',').any(|known| known.trim() == tag);
    let body = if is_known { "" } else { file.text };
    ResourceResponse {
        status: if is_known { 304 } else { 200 },
        content_type: file.content_type,
        fields: vec![
            ("cache-control", "no-cache".into()),
            ("content-security-policy", POLICY.into()),
            ("cross-origin-opener-policy", "same-origin".into()),
            ("cross-origin-resource-policy", "same-origin".into()),
            ("etag", tag.to_owned().into()),
            // With `no-referrer` some browsers send `origin: null` to the same server.
            ("referrer-policy", "same-origin".into()),
        ],
        body: Cow::Borrowed(body.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = PageFile> {
        SHARED.into_iter().chain(NODE).chain(JOB)
    }

    #[test]
    fn a_browser_that_has_a_file_gets_it_once() {
        let file = NODE[0];
        let tag = tag(file.text);
        let of = |if_none_match: &str| {
            answer(file, &tag, &ResourceRequest { path: "/", query: "", accept: "", if_none_match })
        };
        assert_eq!((of("").status, of("").body.len()), (200, file.text.len()));
        let known = format!("\"x\", {tag}");
        assert_eq!((of(&known).status, of(&known).body.len()), (304, 0));
        assert!(of(&known).fields.iter().any(|(name, value)| *name == "etag" && *value == tag));
        assert_eq!(of("\"x\"").status, 200);
    }

    /// The policy would block it, in the browser of who looks.
    #[test]
    fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
        for PageFile { path, text, .. } in all() {
            for forbidden in [
                "http://",
                "https://",
                "style=\"",
                "<style",
                "onclick=",
                "onload=",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "javascript:",
            ] {
                let found = text.lines().find(|line| {
                    let is_namespace = line.contains("http://www.w3.org/2000/svg");
                    line.contains(forbidden)
                        && !is_namespace
                        && !line.trim_start().starts_with("//")
                });
                assert_eq!(found, None, "{path}: {forbidden}");
            }
        }
        let html = all().filter(|file| file.content_type == HTML);
        for PageFile { path, text, .. } in html {
            for script in text.split("<script").skip(1) {
                assert!(script.contains("src=\"/") && script.contains("\"></script>"), "{path}");
            }
        }
    }

    /// A script that names a file or an element that is not there would fail in the browser.
    #[test]
    fn scripts_find_what_they_name() {
        let paths: Vec<&str> = all().map(|file| file.path).collect();
        for PageFile { path, text, .. } in all() {
            for word in ["from \"", "src=\"", "href=\"/"] {
                for found in text.split(word).skip(1) {
                    let named = found.split('"').next().unwrap_or_default();
                    let named =
                        if word == "href=\"/" { format!("/{named}") } else { named.to_owned() };
                    let is_resource = ["/metrics", "/readyz", "/version"].contains(&&*named);
                    assert!(paths.contains(&&*named) || is_resource, "{path} names {named}");
                }
            }
        }
        for [page, script] in [[NODE[0], NODE[1]], [JOB[0], JOB[1]]] {
            let ids = script.text.split("byId(\"").skip(1);
            for id in ids.map(|found| found.split('"').next()) {
                let named = format!("id=\"{}\"", id.unwrap());
                assert!(page.text.contains(&named), "the page of {} has no {named}", script.path);
            }
        }
    }
}

//! `--page`: the master serves a page about its job while it runs.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::JobFlags;
use crate::cli::certs::{self, OnHangup};
use crate::cli::flags::{Flags, Parsed};
use crate::cli::listen::Listen;
use crate::cli::monitoring::Monitoring;
use crate::cli::{Failure, access, serve, termination, web};
use crate::mapreduce::job_status::JobDescription;
use crate::mapreduce::master::{JobMonitor, JobPicture, Master};
use crate::pages;
use crate::rpc::{
    Notices, Resolver, Server, ServerHandle, ServerOptions, ServerTls, Services, ServingStatus,
    add_standard_services,
};

/// How long the end of a job waits for those who still read the page.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// So much of the output is shown.
const HEAD_BYTES: u64 = 4 * 1024;

/// Adds the flags.
pub(super) fn flags(flags: Flags) -> Flags {
    web::flags(flags)
        .value(
            "page",
            "serve a page about the job while it runs, with TLS if --certs is given; port 0 picks a \
             free port",
            "HOST:PORT",
        )
        .value(
            "page-certs",
            "the certificate of the page, for this host, if that of --certs is for a person alone",
            "DIR",
        )
        .switch("page-keep", "keep the page after the end of the job, until Ctrl-C")
}

/// What a command tells about its job; without `--page` nobody.
#[derive(Clone, Default)]
pub(in crate::cli) struct Watched {
    monitor: Option<Arc<JobMonitor>>,
    kind: &'static str,
    /// Printed when the job begins.
    notice: String,
}

impl Watched {
    /// The monitor of the job, if it has a page.
    pub(super) fn monitor(&self) -> Option<&JobMonitor> {
        self.monitor.as_deref()
    }

    /// Whether the job has a page.
    pub(in crate::cli) fn is_watched(&self) -> bool {
        self.monitor.is_some()
    }

    /// Prints where the page is, and shows what is known before the first round.
    pub(super) fn begin(&self, master: &Master, input: &[PathBuf]) {
        let Some(monitor) = &self.monitor else { return };
        // Informative: an error on stderr changes nothing.
        let _ = io::stderr().write_all(self.notice.as_bytes());
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        monitor.describe(JobDescription {
            name: format!("{} of {}", self.kind, names(input)),
            short_id: master.short_id().to_owned(),
            started_unix_ms: since.as_millis() as u64,
            split_bytes: master.splits().map(|split| split.len()).collect(),
        });
    }

    /// Sets what draws the job. `picture` is called only if the job has a page.
    pub(in crate::cli) fn set_picture(&self, picture: impl FnOnce() -> Box<dyn JobPicture>) {
        if let Some(monitor) = &self.monitor {
            monitor.set_picture(picture());
        }
    }

    /// Shows the result of the job.
    pub(in crate::cli) fn set_output(&self, target: &Path) {
        let Some(monitor) = &self.monitor else { return };
        if target == Path::new("-") {
            return monitor.set_output("the standard output of the master", 0, "");
        }
        let mut head = Vec::new();
        let read = File::open(target).and_then(|file| {
            let bytes = file.metadata()?.len();
            file.take(HEAD_BYTES).read_to_end(&mut head)?;
            Ok(bytes)
        });
        match read {
            Ok(bytes) => {
                let head = String::from_utf8_lossy(&head);
                monitor.set_output(&target.display().to_string(), bytes, &head);
            }
            Err(error) => log::warn!("{}: {error}", target.display()),
        }
    }
}

fn names(input: &[PathBuf]) -> String {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match input {
        [] => "nothing".to_owned(),
        [one] => name(one),
        [first, rest @ ..] => format!("{} and {} more", name(first), rest.len()),
    }
}

/// Runs a job, with a page about it if the flags ask for one. The page ends with the job, or with
/// `--page-keep` at the first SIGTERM or Ctrl-C.
pub(in crate::cli) fn run_with_page(
    parsed: &Parsed,
    flags: &mut JobFlags,
    kind: &'static str,
    run: impl FnOnce(&JobFlags) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let Some(page) = Page::start(parsed)? else { return run(flags) };
    let (monitor, notice) = (Some(Arc::clone(&page.monitor)), page.notice.clone());
    flags.watched = Watched { monitor, kind, notice };
    let result = run(flags);
    page.end(result)
}

/// The server of the page.
struct Page {
    monitor: Arc<JobMonitor>,
    handle: ServerHandle,
    server: JoinHandle<io::Result<()>>,
    publisher: JoinHandle<()>,
    notice: String,
    keeps: bool,
}

impl Page {
    /// Listens; `None` without the flag.
    fn start(parsed: &Parsed) -> Result<Option<Page>, Failure> {
        let keeps = parsed.is_on("page-keep");
        let Some(text) = parsed.text("page") else {
            let keeps = keeps.then_some("page-keep");
            let certs = parsed.text("page-certs").map(|_| "page-certs");
            return match keeps.or(certs).or_else(|| web::given(parsed)) {
                Some(name) => Err(parsed.wrong(format!("--{name} belongs to --page"))),
                None => Ok(None),
            };
        };
        let listen = Listen::parse(&text);
        let listen = listen.map_err(|what| parsed.wrong(format!("--page {text:?}: {what}")))?;
        let tls = tls(parsed)?;
        let mut options = options(parsed, tls.clone())?;
        options.known_hosts = web::known_hosts(listen.names());
        let addresses = listen.addresses(&Resolver::default());
        let addresses =
            addresses.map_err(|error| Failure::because("cannot serve the page", error))?;
        serve::check_exposure(parsed, &addresses, tls.as_ref())?;
        let monitor = JobMonitor::new(env!("CARGO_PKG_VERSION"));
        let (server, scheme) = listen_on(parsed, &addresses, options, &monitor)
            .map_err(|error| Failure::because(&format!("cannot serve a page on {text}"), error))?;
        let mut notice = insecure_notice(serve::exposed(&addresses, tls.as_ref()));
        for address in server.local_addrs() {
            notice.push_str(&format!("page on {scheme}://{address}/\n"));
        }
        let handle = server.handle();
        let cannot_run = |error| Failure::because("cannot serve a page", error);
        let publisher = monitor.start_publisher().map_err(cannot_run)?;
        let server = std::thread::Builder::new().name("page".into()).spawn(move || server.run());
        let server = server.map_err(cannot_run)?;
        Ok(Some(Page { monitor, handle, server, publisher, notice, keeps }))
    }

    /// Shows how the job ended, waits for Ctrl-C if the page is to stay, and ends it.
    fn end(self, result: Result<(), Failure>) -> Result<(), Failure> {
        let failure = match &result {
            Ok(()) => None,
            Err(Failure::Help(text) | Failure::Usage(text) | Failure::Failed(text)) => {
                Some(text.strip_prefix("agora: ").unwrap_or(text))
            }
        };
        self.monitor.end(failure);
        let is_usage = matches!(result, Err(Failure::Usage(_) | Failure::Help(_)));
        if self.keeps && !is_usage {
            let how = failure.map_or("the job is done".to_owned(), |reason| {
                format!("the job has failed: {}", crate::text::printable(reason))
            });
            let notice = format!("{how}; the page stays until Ctrl-C\n{}", self.notice);
            let _ = io::stderr().write_all(notice.as_bytes());
            termination::shut_down_on_signal(self.handle.clone())?;
        } else {
            self.monitor.close();
            join(self.publisher, "the publisher of the page");
            self.handle.shut_down();
            if let Some(Err(error)) = join(self.server, "the server of the page") {
                log::warn!("the page: {error}");
            }
            return result;
        }
        let served = join(self.server, "the server of the page");
        self.monitor.close();
        join(self.publisher, "the publisher of the page");
        match served {
            Some(Err(error)) => result.and(Err(Failure::because("the page failed", error))),
            _ => result,
        }
    }
}

/// What `--insecure` means; empty if no address is exposed.
fn insecure_notice(exposed: Option<SocketAddr>) -> String {
    exposed.map_or_else(String::new, |address| {
        format!(
            "agora: insecure: everyone who reaches {address} sees the job and a sample of its \
             input. Traffic is not encrypted.\n"
        )
    })
}

fn join<T>(thread: JoinHandle<T>, what: &str) -> Option<T> {
    let joined = thread.join();
    if joined.is_err() {
        log::error!("{what} has panicked");
    }
    joined.ok()
}

/// The page has the certificates of `--page-certs`, else of `--certs`. The other TLS flags are for calls
/// to workers alone.
fn tls(parsed: &Parsed) -> Result<Option<ServerTls>, Failure> {
    let Some(folder) = parsed.text("page-certs").or_else(|| parsed.text("certs")) else {
        return Ok(None);
    };
    let tls = ServerTls::from_folder(folder.as_ref())
        .map_err(|error| Failure::because("cannot serve the page with TLS", error))?;
    let identity = tls.certificates().identity();
    if identity.is_some_and(|identity| identity.hosts.is_empty()) {
        return Err(Failure::Failed(format!(
            "agora: cannot serve the page with TLS: the certificate in {folder} is for no host, so \
             that no browser would read it\n\
             Give the page one of this host by --page-certs DIR: a worker's, or one of `agora cert \
             worker HOST`."
        )));
    }
    Ok(Some(tls))
}

fn options(parsed: &Parsed, tls: Option<ServerTls>) -> Result<ServerOptions, Failure> {
    let mut options = ServerOptions {
        enforce_roles: tls.as_ref().is_some_and(ServerTls::checks_clients),
        tls,
        max_connections: 256,
        shutdown_grace: SHUTDOWN_GRACE,
        ..ServerOptions::default()
    };
    web::apply(parsed, &mut options)?;
    Ok(options)
}

fn listen_on(
    parsed: &Parsed,
    addresses: &[SocketAddr],
    mut options: ServerOptions,
    monitor: &Arc<JobMonitor>,
) -> Result<(Server, &'static str), String> {
    let mut services = Services::new();
    monitor.register(&mut services);
    pages::register_job(&mut services);
    let monitoring = Monitoring::new();
    monitor.register_metrics(&monitoring.registry);
    let health = add_standard_services(&mut services);
    for path in services.set_access(access::METHODS) {
        log::error!("no role is defined for {path}: where roles are enforced, nobody may call it");
    }
    health.set_all(ServingStatus::Serving);
    if let Some(tls) = &options.tls {
        certs::watch(tls.certificates(), OnHangup::Default, Notices::default()).map_err(
            |failure| match failure {
                Failure::Help(text) | Failure::Usage(text) | Failure::Failed(text) => text,
            },
        )?;
    }
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    monitoring.apply(parsed, &mut services, &mut options);
    let server = Server::bind_all(addresses, services, options);
    server.map(|server| (server, scheme)).map_err(|error| error.to_string())
}

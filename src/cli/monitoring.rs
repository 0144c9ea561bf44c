//! The metrics and the access log of the commands that serve.

use std::sync::Arc;

use super::flags::{Flags, Parsed};
use super::logging::ACCESS_LOG;
use crate::metrics::Registry;
use crate::rpc::{
    Notices, ServerMetrics, ServerOptions, Services, add_metrics_resource,
    register_certificate_metrics, register_process_metrics,
};

/// Adds the flags.
pub(super) fn flags(flags: Flags) -> Flags {
    flags
        .switch(
            ACCESS_LOG,
            "log one line for each call, with its caller, status and time (target agora::access; \
             --quiet does not hide it)",
        )
        .switch("no-metrics", "count nothing, and serve no /metrics")
}

/// The metrics of a server. Its systems register theirs before it serves.
pub(super) struct Monitoring {
    pub(super) registry: Arc<Registry>,
    /// The calls and connections of the server; without metrics they stay zero.
    pub(super) server: Arc<ServerMetrics>,
    /// Where lines about refused connections and certificates are shown beside the log.
    pub(super) notices: Notices,
}

impl Monitoring {
    /// The metrics of the process and of its only server.
    pub(super) fn new() -> Monitoring {
        let registry = Arc::new(Registry::new());
        register_process_metrics(&registry);
        let server = ServerMetrics::register(&registry);
        Monitoring { registry, server, notices: Notices::default() }
    }

    /// Sets what a server counts and logs, and serves the metrics.
    pub(super) fn apply(
        &self,
        parsed: &Parsed,
        services: &mut Services,
        options: &mut ServerOptions,
    ) {
        options.notices = self.notices.clone();
        options.access_log = parsed.is_on(ACCESS_LOG);
        if !parsed.is_on("no-metrics") {
            self.serve_metrics(services, options);
        }
    }

    /// Counts what a server does, and serves the metrics.
    fn serve_metrics(&self, services: &mut Services, options: &mut ServerOptions) {
        options.metrics = Some(Arc::clone(&self.server));
        if let Some(tls) = &options.tls {
            let certificates = tls.certificates();
            register_certificate_metrics(&self.registry, move || certificates.expiry());
        }
        add_metrics_resource(services, Arc::clone(&self.registry));
    }
}

//! When the certificates of a server expire.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::metrics::{Family, Registry};

const EXPIRY: Family = Family::gauge(
    "agora_certificate_expiry_timestamp_seconds",
    &[],
    "When the first of the server's certificate and its authorities expires, in seconds since 1970",
);

/// Registers when certificates expire; `expiry` is asked at every scrape.
pub fn register_certificate_metrics(
    registry: &Registry,
    expiry: impl Fn() -> Option<SystemTime> + Send + Sync + 'static,
) {
    registry.register(&[EXPIRY], move |out| {
        let mut sample = out.family(&EXPIRY);
        let since = expiry().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        if let Some(since) = since {
            sample.value(&[], since.as_secs());
        }
    });
}

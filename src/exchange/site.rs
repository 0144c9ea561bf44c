//! What all requests to a server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Hosts, Origins};
use crate::connect::Catalog;
use crate::json::PROTOSET;
use crate::text::http_date;

/// What a server has for HTTP beside its methods and resources.
#[derive(Debug)]
pub struct Site {
    /// The methods that can be called with the messages of this build.
    pub(super) catalog: Arc<Catalog>,
    /// The origins whose pages may read responses.
    pub(super) origins: Origins,
    /// The names that browsers may use in the clear.
    pub(super) hosts: Hosts,
    /// Seconds since 1970; 0 before it was set.
    unix_time_s: AtomicU64,
}

impl Default for Site {
    fn default() -> Site {
        Site::new(Origins::Own, Hosts::default())
    }
}

impl Site {
    /// The methods of this build, for pages of these origins, under these names.
    pub fn new(origins: Origins, hosts: Hosts) -> Site {
        let catalog = Arc::new(Catalog::new(PROTOSET));
        Site { catalog, origins, hosts, unix_time_s: AtomicU64::new(0) }
    }

    /// Sets the time of day, in seconds since 1970. Who owns the clock sets it about once a second.
    pub fn set_time(&self, unix_time_s: u64) {
        self.unix_time_s.store(unix_time_s, Ordering::Relaxed);
    }

    /// The value of `date` (RFC 9110 section 6.6.1); `None` without a clock.
    pub fn date(&self) -> Option<String> {
        let seconds = self.unix_time_s.load(Ordering::Relaxed);
        (seconds > 0).then(|| http_date(seconds))
    }
}

//! Times of certificates.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::text::date_and_time;

pub(super) const DAY_S: u64 = 24 * 60 * 60;

/// Seconds since 1970, by the wall clock: certificates name such times.
pub(super) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A time as people read it. No certificate of this program is older than 1970.
pub(super) fn date(s: i64) -> String {
    date_and_time(u64::try_from(s).unwrap_or(0))
}

//! Tells the time of day to what writes `date` fields: a pure module reads no clock.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::exchange::Site;

/// Sets the time of a [`Site`] in each new second.
pub(super) struct SiteClock {
    pub(super) site: Arc<Site>,
    due: Duration,
}

impl SiteClock {
    /// A clock for the site of a server.
    pub(super) fn new(site: Site) -> SiteClock {
        SiteClock { site: Arc::new(site), due: Duration::ZERO }
    }

    /// To be called in each turn; `now` is the time since the server's start. Reads the clock only when
    /// its second has changed.
    pub(super) fn update(&mut self, now: Duration) {
        if now < self.due {
            return;
        }
        // A clock before 1970 shows no date.
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.site.set_time(time.as_secs());
        self.due =
            now + (Duration::from_secs(1) - Duration::from_nanos(time.subsec_nanos().into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_set_at_once_and_again_within_a_second() {
        let mut clock = SiteClock::new(Site::default());
        assert_eq!(clock.site.date(), None);
        clock.update(Duration::ZERO);
        assert!(clock.site.date().is_some_and(|date| date.ends_with(" GMT")));
        assert!(clock.due > Duration::ZERO && clock.due <= Duration::from_secs(1));
    }
}

//! Log lines that are shown elsewhere as well, for example on a node's page.

use std::fmt;
use std::sync::Arc;

use log::Level;

/// A line that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<'t> {
    /// Somebody was refused. Strangers can cause a line of each kind every minute, so such lines must not
    /// displace others.
    Refused(&'t str),
    /// Something about the server's certificates.
    Certificates(Level, &'t str),
}

type Show = dyn Fn(Notice<'_>) + Send + Sync;

/// Where the lines go; by default nowhere. Clones are the same place.
#[derive(Clone, Default)]
pub struct Notices(Option<Arc<Show>>);

impl Notices {
    /// `show` is called on the threads that write the lines, and must not block.
    pub fn new(show: impl Fn(Notice<'_>) + Send + Sync + 'static) -> Notices {
        Notices(Some(Arc::new(show)))
    }

    /// Shows a line.
    pub fn show(&self, notice: Notice<'_>) {
        if let Some(show) = &self.0 {
            show(notice);
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Notices({})", self.0.is_some())
    }
}

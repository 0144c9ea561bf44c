//! The certificates of a server or a client while it runs.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::TlsError;
use super::reload::Reload;
use crate::call::Identity;

/// The certificates of a [`ServerTls`](super::ServerTls) or [`ClientTls`](super::ClientTls) and of
/// its clones. Whoever owns the process has the files checked from time to time.
#[derive(Clone)]
pub struct Certificates(pub(super) Arc<dyn Reload>);

impl Certificates {
    /// Reads the files again if they have changed and are quiet since the last check. Returns
    /// whether new connections use other certificates now.
    ///
    /// # Errors
    /// A file that cannot be used, by name. The certificates stay as they were, and the next check
    /// tries again.
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        self.0.reload_if_changed()
    }

    /// Reads the files again, whether they have changed or not.
    ///
    /// # Errors
    /// As [`reload_if_changed`](Self::reload_if_changed).
    pub fn reload(&self) -> Result<bool, TlsError> {
        self.0.reload()
    }

    /// What the operator should know: certificates that expire within 14 days or have expired, and
    /// what peers will refuse. A line for each.
    pub fn warnings(&self, now: SystemTime) -> Vec<String> {
        self.0.parts().warnings(now)
    }

    /// The names of the own certificate; `None` without one.
    pub fn identity(&self) -> Option<Identity> {
        self.0.parts().identity()
    }

    /// When the first of the own certificate and the authorities expires.
    pub fn expiry(&self) -> Option<SystemTime> {
        self.0.parts().expiry()
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

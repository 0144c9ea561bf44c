//! What the operating system says: limits of file descriptors and of the queue of connections that
//! wait to be accepted, and the user of the process.
//!
//! A process without free descriptors can neither accept a connection nor replace a file. So a
//! server accepts fewer connections than there are descriptors, and refuses a connection whose
//! descriptor is among the last ones. The kernel assigns the lowest free number: as long as a
//! connection gets one below the bound, all above it are free, whatever else the process has open.
//!
//! Without the feature `system-limits` the limit is read but not raised, the queue of a listener has the
//! length that the standard library gives it, and silent peers are not probed.

use std::fs;
use std::io;
use std::os::fd::AsFd;
#[cfg(feature = "system-limits")]
use std::time::Duration;

/// Descriptors reserved for files and other uses; the upper half is never used by a connection.
const KEPT_FOR_FILES: u64 = 128;
/// Connections that may wait to be accepted. The system may allow less (`net.core.somaxconn`).
#[cfg(feature = "system-limits")]
const WAITING_CONNECTIONS: i32 = 4096;

/// A peer is probed after it was silent for this long, so often, with such intervals: one that is gone is
/// noticed after 90 seconds.
#[cfg(feature = "system-limits")]
const PROBE_AFTER: Duration = Duration::from_secs(60);
#[cfg(feature = "system-limits")]
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
#[cfg(feature = "system-limits")]
const PROBES: u32 = 3;

/// The descriptor limit of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptors {
    limit: u64,
}

impl Descriptors {
    /// The current limit.
    pub(super) fn now() -> Descriptors {
        Descriptors { limit: soft_limit().unwrap_or(u64::MAX) }
    }

    fn kept(self) -> u64 {
        KEPT_FOR_FILES.min(self.limit / 2)
    }

    /// How many descriptors connections may use.
    pub(super) fn for_connections(self) -> usize {
        usize::try_from(self.limit - self.kept()).unwrap_or(usize::MAX)
    }

    /// Whether a connection with this descriptor leaves enough for files.
    pub(super) fn allows_connection_at(self, descriptor: i32) -> bool {
        let bound = self.limit - self.kept() / 2;
        u64::try_from(descriptor).is_ok_and(|descriptor| descriptor < bound)
    }
}

/// The limit of open descriptors; `None` if there is none or it cannot be read.
pub(super) fn descriptor_limit() -> Option<u64> {
    soft_limit()
}

#[cfg(feature = "system-limits")]
fn soft_limit() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current
}

/// The line of `/proc/self/limits`: name, soft limit, hard limit, unit.
#[cfg(not(feature = "system-limits"))]
fn soft_limit() -> Option<u64> {
    limit_in(&fs::read_to_string("/proc/self/limits").ok()?)
}

#[cfg(any(test, not(feature = "system-limits")))]
fn limit_in(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Raises the descriptor limit of the process to its maximum.
#[cfg(feature = "system-limits")]
pub fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    // Without a hard limit the kernel's own bound applies.
    let bound = fs::read_to_string("/proc/sys/fs/nr_open");
    let bound = bound.ok().and_then(|text| text.trim().parse().ok());
    let raised = Rlimit { current: maximum.or(bound), maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        log::warn!("the limit of descriptors stays as it is: {error}");
    }
}

/// Does nothing: raising the limit needs the feature `system-limits`.
#[cfg(not(feature = "system-limits"))]
pub fn raise_descriptor_limit() {}

/// Makes a listener's accept queue as long as the system allows. (Calling `listen` again changes
/// nothing else.)
///
/// # Errors
/// The operating system's.
#[cfg(feature = "system-limits")]
pub(super) fn extend_accept_queue(listener: impl AsFd) -> io::Result<()> {
    Ok(rustix::net::listen(listener, WAITING_CONNECTIONS)?)
}

#[cfg(not(feature = "system-limits"))]
pub(super) fn extend_accept_queue(_: impl AsFd) -> io::Result<()> {
    Ok(())
}

/// Lets the system probe a peer that is silent, and end the connection if it is gone: HTTP/1.1 has no
/// pings, so that a client that has vanished during a quiet stream would keep its connection for ever.
///
/// # Errors
/// The operating system's.
#[cfg(feature = "system-limits")]
pub(super) fn probe_silent_peer(stream: impl AsFd) -> io::Result<()> {
    use rustix::net::sockopt;
    sockopt::set_tcp_keepidle(&stream, PROBE_AFTER)?;
    sockopt::set_tcp_keepintvl(&stream, PROBE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(&stream, PROBES)?;
    Ok(sockopt::set_socket_keepalive(&stream, true)?)
}

#[cfg(not(feature = "system-limits"))]
pub(super) fn probe_silent_peer(_: impl AsFd) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_reserved_for_files() {
        let many = Descriptors { limit: 1024 };
        assert_eq!(many.for_connections(), 896);
        assert!(many.allows_connection_at(959), "some files came first");
        assert!(!many.allows_connection_at(960));
        assert_eq!(Descriptors { limit: 64 }.for_connections(), 32, "half of them, of few");
        assert!(Descriptors { limit: u64::MAX }.allows_connection_at(i32::MAX));
        assert!(!Descriptors { limit: u64::MAX }.allows_connection_at(-1));
    }

    #[cfg(feature = "system-limits")]
    #[test]
    fn a_silent_peer_is_probed() {
        use rustix::net::sockopt;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(!sockopt::socket_keepalive(&stream).unwrap());
        probe_silent_peer(&stream).unwrap();
        assert!(sockopt::socket_keepalive(&stream).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&stream), Ok(PROBE_AFTER));
        assert_eq!(sockopt::tcp_keepintvl(&stream), Ok(PROBE_INTERVAL));
        assert_eq!(sockopt::tcp_keepcnt(&stream), Ok(PROBES));
    }

    #[test]
    fn the_limit_is_the_one_in_proc() {
        let limits = fs::read_to_string("/proc/self/limits").unwrap();
        assert_eq!(limit_in(&limits), soft_limit());
        let text = "Limit   Soft Limit  Hard Limit  Units\nMax open files  1024  524288  files\n";
        assert_eq!(limit_in(text), Some(1024));
        assert_eq!(limit_in("Max open files            unlimited  unlimited  files"), None);
    }
}

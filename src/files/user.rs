//! The user that runs the process, and the space that it has.

use std::path::Path;

/// The effective user; `None` if the system does not say (no `/proc`, in a build without rustix).
#[cfg(feature = "system-limits")]
pub fn effective_user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

/// The effective user; `None` if the system does not say.
#[cfg(not(feature = "system-limits"))]
pub fn effective_user() -> Option<u32> {
    effective_of(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// `Uid:` of proc_pid_status(5): real, effective, saved and file system user.
#[cfg(any(test, not(feature = "system-limits")))]
fn effective_of(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The free bytes of the file system with this path; `None` if the system does not say.
#[cfg(feature = "free-space")]
pub fn free_bytes(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

/// The free bytes of the file system with this path: not known.
#[cfg(not(feature = "free-space"))]
pub fn free_bytes(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_number_is_the_effective_user() {
        assert_eq!(effective_of("Name:\tagora\nUid:\t1000\t33\t1000\t33\nGid:\t5\t6\n"), Some(33));
        assert_eq!(effective_of("Name:\tagora\n"), None);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        assert_eq!(effective_of(&status), effective_user());
    }
}

//! Numbers that nobody guesses, and no two nodes have alike.

use std::fs::File;
use std::io::{self, Read};

/// A number above 0.
///
/// # Errors
/// The operating system has none.
pub fn random_number() -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes).max(1))
}

//! Numbers that nobody guesses.

use std::fs::File;
use std::io::{self, Read};

fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A number above 0.
///
/// # Errors
/// The operating system has none.
pub fn random_number() -> io::Result<u64> {
    Ok(u64::from_le_bytes(bytes()?).max(1))
}

/// A job's id: 32 hexadecimal digits.
///
/// # Errors
/// The operating system has no random numbers.
pub fn random_job_id() -> io::Result<String> {
    let bytes: [u8; 16] = bytes()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

//! Numbers that nobody guesses, and no two nodes have alike.
//!
//! They are made of the keys of the standard library's hasher, which the operating system chooses:
//! that needs no file, so it works in a root without `/dev`.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A number above 0.
pub fn random_number() -> u64 {
    RandomState::new().build_hasher().finish().max(1)
}

//! The key-value store.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that finds nothing fails")]

mod size;

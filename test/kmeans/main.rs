//! K-means on data with known results.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what must not fail fails the test")]

mod known_answers;
mod lloyd;

//! K-means on data whose answers are known.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what must not fail fails the test")]

mod known_answers;
mod lloyd;

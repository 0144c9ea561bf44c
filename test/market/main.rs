//! The market's state machine as a whole: its rules one by one, recorded stories of trading days, a
//! simulation against a naive model, and a benchmark of searches.

#![allow(clippy::unwrap_used, reason = "what must not fail here fails the test")]

mod bounds;
mod exactly_once;
mod hostile;
mod machine;
mod mistakes;
#[allow(dead_code, reason = "other tests use the rest")]
mod model;
mod moderation;
mod notifications;
mod rules;
mod search_bench;
mod shown;
mod simulation;
mod stories;

mod trial;

#[path = "../support/seed.rs"]
mod seed;

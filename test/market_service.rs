//! The market's service on real sockets: every call, its rules, its watches and its printed lines,
//! over both protocols.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "market_service/calls.rs"]
mod calls;
#[path = "market_service/durable.rs"]
mod durable;
#[path = "market_service/fixture.rs"]
mod fixture;
#[path = "market_service/hostile.rs"]
mod hostile;
#[path = "market_service/mistakes.rs"]
mod mistakes;
#[path = "market_service/printed_lines.rs"]
mod printed_lines;
#[path = "market_service/quota.rs"]
mod quota;
#[path = "market_service/refusals.rs"]
mod refusals;
#[path = "market_service/rules.rs"]
mod rules;
#[path = "support/seed.rs"]
mod seed;
#[path = "market_service/watches.rs"]
mod watches;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/wait.rs"]
mod wait;

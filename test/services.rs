//! What every server has beside its own services, on real sockets: health and reflection.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "services/fixture.rs"]
mod fixture;
#[path = "services/health.rs"]
mod health;
#[path = "services/reflection.rs"]
mod reflection;

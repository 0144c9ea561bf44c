//! TLS on real sockets: our server, our client, and peers that mean harm.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "tls/calls.rs"]
mod calls;
#[path = "tls/certificates.rs"]
mod certificates;
#[allow(dead_code, reason = "these tests use the methods that matter to TLS")]
#[path = "rpc/fixture.rs"]
mod fixture;
#[allow(dead_code, reason = "these tests use the peers that matter to TLS")]
#[path = "rpc/peers.rs"]
mod peers;
#[path = "tls/raw.rs"]
mod raw;
#[path = "tls/refusals.rs"]
mod refusals;
#[path = "tls/secure.rs"]
mod secure;
#[allow(
    dead_code,
    reason = "a handshake is too slow for 20,000 seeds: these tests count their own"
)]
#[path = "support/seed.rs"]
mod seed;
#[path = "tls/peer_streams.rs"]
mod peer_streams;
#[path = "tls/renewal.rs"]
mod renewal;
#[path = "tls/wire.rs"]
mod wire;
#[path = "tls/words.rs"]
mod words;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/wait.rs"]
mod wait;

//! Agora: a market, a replicated key-value store and MapReduce on one small RPC layer.
//!
//! The modules below are listed lowest first; a module imports only modules above it in this list.
//! `ARCHITECTURE.md` has the map; `test/architecture.rs` keeps it true.

pub mod text;
pub mod binary;
pub mod dns;
pub mod protobuf;
pub mod pb;
pub mod json;
pub mod gzip;
pub mod call;
pub mod metrics;
pub mod hpack;
pub mod http2;
pub mod http;
pub mod connect;
pub mod exchange;
pub mod http1;
pub mod grpc;
pub mod native;
pub mod session;
pub mod files;
pub mod rpc;
pub mod raft;
pub mod replica;
pub mod kv;
pub mod market;
pub mod mapreduce;
pub mod kmeans;
pub mod pages;
pub mod cli;

#[cfg(test)]
#[path = "../test/support/seed.rs"]
pub mod seed;

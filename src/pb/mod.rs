//! Protobuf messages and their shapes, one module for each package of `proto/`: dots become
//! underscores, and what has no package is in `no_package`. Made by `scripts/genproto`; edit the
//! .proto files instead.
//!
//! Texts and bytes borrow from the input where they can (`Cow`). A oneof `x` of message `M` is
//! `mod_M::OneOfx`; what is declared inside `M` is in `mod_M` too. `M::default()` is the empty
//! message. `protobuf::decode` and `protobuf::encode` lead in and out.

#![allow(
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    unused_imports,
    unused_variables,
    clippy::all,
    reason = "pb-rs writes its own style"
)]

pub mod no_package;
pub mod agora_bench_v1;
pub mod agora_kv_v1;
pub mod agora_mapreduce_v1;
pub mod agora_market_v1;
pub mod agora_native_v1;
pub mod agora_node_v1;
pub mod agora_raft_v1;
pub mod grpc_health_v1;
pub mod grpc_reflection_v1;
pub mod grpc_testing;

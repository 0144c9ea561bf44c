//! The types of a call, shared by both protocols.
//!
//! A *call* is one invocation of a method on a connection, in either protocol: it has a path,
//! [`Metadata`], an optional deadline, messages in both directions, and ends with a [`Status`]. The
//! terms and codes are gRPC's ("Status codes and their use in gRPC", "gRPC over HTTP2"), because
//! gRPC is the richer of the two protocols that Agora speaks; the native protocol has the same
//! semantics.
//!
//! The module is pure and has types only. `grpc` and `native` turn bytes into calls, and report to
//! a [`ServerSink`] or a [`ClientSink`].

mod ended;
mod limits;
mod metadata;
mod ping_policy;
mod principal;
mod reset_budget;
mod resource;
mod sink;
mod status;

pub use ended::{CallEnded, SendError};
pub use limits::Limits;
pub use metadata::{Metadata, MetadataError};
pub use ping_policy::PingPolicy;
pub use principal::{Access, Identity, Principal, Role};
pub use reset_budget::ResetBudget;
pub use resource::{ResourceRequest, ResourceResponse};
pub use sink::{CallId, CallStart, ClientSink, RefusedRequest, ServerSink};
pub use status::{Code, Status};

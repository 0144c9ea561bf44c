//! The vocabulary of a call, shared by every protocol that carries one.
//!
//! A *call* is one invocation of a method on a connection, whatever the wire protocol: it has a
//! path, [`Metadata`], perhaps a deadline, messages in both directions, and ends with a
//! [`Status`]. The words and codes are gRPC's ("Status codes and their use in gRPC",
//! "gRPC over HTTP2"), because gRPC is the richer of the two protocols that Agora speaks; the
//! native protocol has the same semantics.
//!
//! The room is pure: types only. What turns bytes into calls lives in `grpc` and `native`; both
//! report to a [`ServerSink`] or a [`ClientSink`].

mod ended;
mod limits;
mod metadata;
mod reset_budget;
mod sink;
mod status;

pub use ended::CallEnded;
pub use limits::Limits;
pub use metadata::{Metadata, MetadataError};
pub use reset_budget::ResetBudget;
pub use sink::{CallId, CallStart, ClientSink, ServerSink};
pub use status::{Code, Status};

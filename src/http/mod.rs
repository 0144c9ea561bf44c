//! What requests and responses are in every version of HTTP (RFC 9110): heads of both.
//!
//! `http1` and `grpc` (over HTTP/2) read a request into a [`RequestHead`] and write an [`Outgoing`];
//! what a request means is decided in one place for both.
//!
//! The module is pure. Left out: caches, ranges, trailers of requests.

mod head;

pub use head::{Outgoing, RequestHead, ResponseHead, is_bodyless};

//! The native envelope protocol.

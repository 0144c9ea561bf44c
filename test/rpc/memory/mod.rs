//! What clients can make a server hold in memory, measured from outside: the server is a process of
//! its own.

#[cfg(feature = "gzip")]
mod expanded;
mod flood;
mod http1;
mod received;
mod server;
mod standstill;
mod unread;

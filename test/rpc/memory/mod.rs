//! What clients can make a server hold in memory, measured from outside: the server is a process of
//! its own.

mod flood;
mod received;
mod server;
mod standstill;
mod unread;

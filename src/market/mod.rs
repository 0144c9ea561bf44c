//! The market: sellers list items, buyers search, buy, wish and rate.
//!
//! [`state`] is the market itself, a pure state machine: commands in, replies and notifications
//! out. It stands on nothing but values, so that one copy in memory, a replica behind a log and a
//! test are the same code. Around it:
//!
//! - [`client`]: what sellers and buyers use to talk to it;
//! - [`contract`]: names that both sides must know;
//! - [`price`]: money in minor units, as people type and read it;
//! - [`print`]: what the market and its clients print, to the letter;
//! - [`service`]: the market as an RPC service;
//! - `wire`: values of the messages that the service and the client share;
//! - `sha256`: the hash of a client's UUID, by which the market knows an account.

pub mod client;
pub mod contract;
pub mod price;
pub mod print;
pub mod service;
mod sha256;
pub mod state;
mod wire;

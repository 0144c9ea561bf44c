//! The market: sellers list items, buyers search, buy, wish and rate.
//!
//! `README.md` beside this file is the guide for users.
//!
//! [`state`] is the market itself, a pure state machine: commands in, replies and notifications
//! out. A market in memory, a replica behind a log and a test run the same code. Around it:
//!
//! - [`client`]: the blocking client of sellers and buyers;
//! - [`contract`]: names that both sides of the wire share;
//! - [`names`]: characters that deceive, in names of people;
//! - [`price`]: money in minor units, and how it is typed and shown;
//! - [`print`]: the exact texts that the market and its clients print;
//! - [`service`]: the market as an RPC service;
//! - `wire`: values of the messages that the service and the client share;
//! - `sha256`: the hash of a client's UUID, by which the market knows an account.

pub mod client;
pub mod contract;
pub mod names;
pub mod price;
pub mod print;
pub mod service;
mod sha256;
pub mod state;
mod wire;

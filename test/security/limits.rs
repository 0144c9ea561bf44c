//! Floods from one address against a node of the store, while a client at another address is served.
//!
//! The attacker has an address of 127.0.0.0/8 for itself. Loopback has no bound by default, so each
//! test sets the bound by its flag, to the value that other addresses have by default.

mod attacker;
mod connections;
mod holders;
mod memory;
mod messages;
mod node;

use std::net::Ipv4Addr;

/// The address of the attacker.
const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 66, 6, 6);
/// The bounds that an address has by default, unless it is a loopback address.
const BOUNDS: [&str; 4] =
    ["--max-connections-per-address", "256", "--max-calls-per-address", "256"];

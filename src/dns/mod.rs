//! Names to addresses, the pure part of a stub resolver (RFC 1034, section 5.3.1).
//!
//! | file | what | by |
//! |---|---|---|
//! | `name` | host names | RFC 1123, section 2.1; RFC 1035, section 2.3.4 |
//! | `target` | `host:port` as flags give it | |
//! | `hosts` | the hosts file | hosts(5) |
//! | `resolv_conf` | name servers, search list, options | resolv.conf(5) |
//! | `message` | queries and answers | RFC 1035, section 4; RFC 3596 (AAAA) |
//! | `order` | the order in which addresses are tried | RFC 8305, section 4 |
//!
//! [`crate::rpc::Resolver`] does the input and output.
//!
//! Not supported: `nsswitch.conf` (the order is: address literal, hosts file, `localhost`, name
//! servers) and NSS modules (`myhostname`, mDNS, NIS); names in Unicode; EDNS (an answer above 512
//! bytes is requested again over TCP); DNSSEC; sorting by RFC 6724; reverse look-ups.

pub mod hosts;
pub mod message;
mod name;
mod order;
mod resolv_conf;
mod target;

pub use name::{Name, NameError};
pub use order::interleave;
pub use resolv_conf::ResolvConf;
pub use target::{Target, TargetError};

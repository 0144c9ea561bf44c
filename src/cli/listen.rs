//! The value of `--listen`: `HOST:PORT`, or `:PORT` for every address of the machine; several with
//! commas between them. A name stands for all its addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use crate::dns::Target;
use crate::rpc::{ResolveError, Resolver};

/// One of the addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ListenAddress {
    /// Every address of the machine.
    AllAddresses(u16),
    /// A name or an address, as given.
    Target(String),
}

/// The addresses to listen on; not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listen(Vec<ListenAddress>);

/// The pause between two attempts to look up a name.
const PAUSE: Duration = Duration::from_secs(1);
/// The timeout of one attempt.
const ATTEMPT: Duration = Duration::from_secs(20);

impl Listen {
    /// Reads the flag.
    ///
    /// # Errors
    /// A description of the error.
    pub(super) fn parse(text: &str) -> Result<Listen, String> {
        let parts = text.split(',').filter(|part| !part.is_empty());
        let addresses: Result<Vec<ListenAddress>, String> = parts.map(parse_address).collect();
        match addresses? {
            addresses if addresses.is_empty() => Err("expected HOST:PORT or :PORT".into()),
            addresses => Ok(Listen(addresses)),
        }
    }

    /// The names among them, with their ports.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(|address| match address {
            ListenAddress::Target(target) => match Target::parse(target) {
                Ok(Target::Name(..)) => Some(target.clone()),
                _ => None,
            },
            ListenAddress::AllAddresses(_) => None,
        })
    }

    /// All addresses, each once. Retries names that cannot be looked up yet: at boot the network
    /// may come up later.
    ///
    /// # Errors
    /// A name that can never be looked up.
    pub(super) fn addresses(&self, resolver: &Resolver) -> Result<Vec<SocketAddr>, ResolveError> {
        let mut addresses = Vec::new();
        for address_text in &self.0 {
            let found = match address_text {
                ListenAddress::AllAddresses(port) => vec![
                    SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), *port),
                    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), *port),
                ],
                ListenAddress::Target(target) => resolve(target, resolver)?,
            };
            for address in found {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
        }
        Ok(addresses)
    }
}

fn parse_address(text: &str) -> Result<ListenAddress, String> {
    if let Some(port) = text.strip_prefix(':')
        && let Ok(Target::Address(any)) = Target::parse(&format!("0.0.0.0:{port}"))
    {
        return Ok(ListenAddress::AllAddresses(any.port()));
    }
    match Target::parse(text) {
        Ok(_) => Ok(ListenAddress::Target(text.to_owned())),
        Err(error) => Err(error.to_string()),
    }
}

fn resolve(target: &str, resolver: &Resolver) -> Result<Vec<SocketAddr>, ResolveError> {
    let mut last_reason = String::new();
    loop {
        match resolver.resolve(target, Instant::now() + ATTEMPT) {
            Ok(addresses) => return Ok(addresses),
            Err(error) if !error.is_transient() => return Err(error),
            Err(error) => {
                let reason = error.to_string();
                if reason != last_reason {
                    log::warn!("cannot listen on {target} yet, retrying: {reason}");
                    last_reason = reason;
                }
            }
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn addresses(text: &str, resolver: &Resolver) -> Vec<String> {
        let found = Listen::parse(text).unwrap().addresses(resolver).unwrap();
        found.iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn names_addresses_and_plain_ports_are_read() {
        let resolver =
            Resolver::new(|_| Ok(vec!["10.0.0.1".parse().unwrap(), "::5".parse().unwrap()]));
        assert_eq!(addresses("127.0.0.1:7", &resolver), ["127.0.0.1:7"]);
        assert_eq!(addresses(":7", &resolver), ["[::]:7", "0.0.0.0:7"]);
        let several = addresses("vm1:7,[::1]:8,10.0.0.1:7,", &resolver);
        assert_eq!(several, ["10.0.0.1:7", "[::5]:7", "[::1]:8"]);
    }

    #[test]
    fn names_are_known_beside_their_addresses() {
        let names = Listen::parse("vm1:7,[::1]:8,10.0.0.1:7,:9,kv.example:7").unwrap();
        assert_eq!(names.names().collect::<Vec<_>>(), ["vm1:7", "kv.example:7"]);
    }

    #[test]
    fn invalid_addresses_are_refused() {
        for text in ["", ",", "vm1", ":", ":x", ":-1", ":99999", "vm 1:7", "127.0.0.1:7,vm1"] {
            assert!(Listen::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_that_is_not_known_yet_is_retried() {
        let count = AtomicUsize::new(0);
        let resolver = Resolver::new(move |_| match count.fetch_add(1, Ordering::SeqCst) {
            0 => Err(ResolveError::NoSuchName),
            _ => Ok(vec!["10.0.0.1".parse().unwrap()]),
        });
        assert_eq!(addresses("vm1:7", &resolver), ["10.0.0.1:7"]);
    }
}

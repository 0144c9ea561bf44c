//! From where a reduce task fetches: only from the mappers that its job has declared, and never
//! from an address that no mapper can have.
//!
//! A master names the addresses to which a reducer connects. Without these rules, whoever may open
//! a job could make the reducer connect to anything that it can reach: services of its own host,
//! the metadata service of a cloud.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use crate::call::{Code, Status};
use crate::dns::Target;
use crate::mapreduce::contract::MapOutputLocation;

/// The addresses that a job has declared.
#[derive(Debug)]
pub(super) struct Mappers {
    /// A worker of one master, whose job alone it serves, trusts that master.
    are_trusted: bool,
    addresses: BTreeSet<String>,
    /// Which of the addresses of a name may be dialed.
    pub(super) filter: fn(IpAddr) -> bool,
}

/// A job declares at most this many mappers.
const MAX_MAPPERS: usize = 10_000;

impl Mappers {
    /// The mappers of a job whose master is at `master`.
    ///
    /// # Errors
    /// One of the addresses is not allowed.
    pub(super) fn new(
        addresses: &[String],
        master: IpAddr,
        are_trusted: bool,
    ) -> Result<Mappers, Status> {
        // Only a master on this host can have mappers on it that listen on loopback.
        let filter = match master.to_canonical().is_loopback() {
            true => is_host,
            false => is_remote_host,
        };
        let invalid = |address: &str, why: &str| {
            let reason = format!("the mapper at {address:?}: {why}");
            Err(Status::new(Code::InvalidArgument, reason))
        };
        if addresses.len() > MAX_MAPPERS {
            return Err(Status::new(Code::InvalidArgument, "more than 10,000 mappers"));
        }
        for address in addresses {
            match Target::parse(address) {
                Ok(Target::Address(socket)) if !filter(socket.ip()) => {
                    return invalid(address, "a reducer does not connect to such an address");
                }
                Ok(_) => {}
                Err(error) => return invalid(address, &error.to_string()),
            }
        }
        let addresses = addresses.iter().cloned().collect();
        Ok(Mappers { are_trusted, addresses, filter })
    }

    /// Checks the addresses of map outputs.
    ///
    /// # Errors
    /// One was not declared.
    pub(super) fn check(&self, outputs: &[MapOutputLocation]) -> Result<(), Status> {
        match outputs.iter().find(|output| !self.has(&output.address)) {
            None => Ok(()),
            Some(output) => {
                let reason = format!("the job has not declared the mapper {:?}", output.address);
                Err(Status::new(Code::InvalidArgument, reason))
            }
        }
    }

    fn has(&self, address: &str) -> bool {
        self.are_trusted || self.addresses.contains(address) || self.has_any_port_of(address)
    }

    /// Whether every port of the host is declared, as port 0.
    fn has_any_port_of(&self, address: &str) -> bool {
        let host = address.rsplit_once(':').map(|(host, _)| host);
        host.is_some_and(|host| self.addresses.contains(&format!("{host}:0")))
    }
}

/// Whether a mapper can listen at this address.
fn is_host(ip: IpAddr) -> bool {
    /// Where a cloud serves its metadata over IPv6.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let is_nobody = ip.is_unspecified() || ip.is_broadcast() || ip.octets()[0] == 0;
            !(is_nobody || ip.is_multicast() || ip.is_link_local())
        }
        IpAddr::V6(ip) => {
            let is_special = ip.is_unspecified() || ip.is_multicast() || ip == METADATA;
            !(is_special || ip.is_unicast_link_local())
        }
    }
}

/// Whether a mapper of another host can listen at this address.
fn is_remote_host(ip: IpAddr) -> bool {
    is_host(ip) && !ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(address: &str) -> MapOutputLocation {
        MapOutputLocation { task: 0, attempt: 1, address: address.into(), epoch: 1, bytes: 1 }
    }

    fn mappers(addresses: &[&str], master: &str) -> Result<Mappers, Status> {
        let addresses: Vec<String> = addresses.iter().map(|&text| text.to_owned()).collect();
        Mappers::new(&addresses, master.parse().unwrap(), false)
    }

    #[test]
    fn only_declared_mappers_are_fetched_from() {
        let declared = mappers(&["vm1:7101", "10.0.0.7:7101", "10.0.0.9:0"], "10.0.0.1").unwrap();
        for (address, is_allowed) in [
            ("vm1:7101", true),
            ("10.0.0.7:7101", true),
            ("10.0.0.9:1234", true),
            ("10.0.0.7:22", false),
            ("vm2:7101", false),
            ("", false),
        ] {
            assert_eq!(declared.check(&[output(address)]).is_ok(), is_allowed, "{address}");
        }
        assert!(mappers(&[], "10.0.0.1").unwrap().check(&[output("10.0.0.7:7101")]).is_err());
    }

    #[test]
    fn addresses_that_no_mapper_has_are_refused() {
        for address in [
            "169.254.169.254:80",
            "[::ffff:169.254.169.254]:80",
            "[fe80::1]:80",
            "[fd00:ec2::254]:80",
            "0.0.0.0:80",
            "0.1.2.3:80",
            "[::]:80",
            "224.0.0.1:80",
            "[ff02::1]:80",
            "255.255.255.255:80",
            "10.0.0.7",
            "/etc/passwd",
            "a b:80",
        ] {
            assert!(mappers(&[address], "127.0.0.1").is_err(), "{address}");
        }
        assert!(mappers(&["127.0.0.1:80", "[::1]:80"], "127.0.0.1").is_ok());
        assert!(mappers(&["127.0.0.1:80"], "::ffff:127.0.0.1").is_ok());
        assert!(mappers(&["127.0.0.1:80"], "10.0.0.1").is_err());
        assert!(mappers(&["[::ffff:127.0.0.1]:80"], "10.0.0.1").is_err());
        let named = mappers(&["localhost:80"], "10.0.0.1").unwrap();
        assert!(!(named.filter)("127.0.0.1".parse().unwrap()));
        assert!((named.filter)("10.0.0.7".parse().unwrap()));
    }
}

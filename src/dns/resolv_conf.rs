//! `resolv.conf(5)`: the name servers, and the search list.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use super::name::Name;

/// The settings of the file, or the defaults without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvConf {
    /// One to three servers, in the order in which they are queried.
    pub servers: Vec<SocketAddr>,
    /// At most six domains.
    pub search: Vec<Name>,
    /// A name with at least this many dots is looked up as it is before the search list is used.
    pub ndots: usize,
    /// The timeout of a query, 1 to 30 s.
    pub timeout: Duration,
    /// How often all servers are queried, 1 to 5.
    pub attempts: u32,
    /// Each look-up starts with another server.
    pub rotate: bool,
    /// Servers are queried over TCP only.
    pub use_tcp: bool,
}

const MAX_SERVERS: usize = 3;
const MAX_SEARCH: usize = 6;
const MAX_NDOTS: usize = 15;

impl ResolvConf {
    /// Parses the file; unknown lines and options are skipped. Servers listen on `port`. Without a
    /// server the one of this machine is used.
    pub fn parse(text: &str, port: u16) -> ResolvConf {
        let mut conf = ResolvConf {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            use_tcp: false,
        };
        for line in text.lines() {
            let line = line.split(['#', ';']).next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") if conf.servers.len() < MAX_SERVERS => {
                    conf.servers.extend(words.next().and_then(|word| server(word, port)));
                }
                // The last such line wins.
                Some("domain") => conf.search = names(words).take(1).collect(),
                Some("search") => conf.search = names(words).take(MAX_SEARCH).collect(),
                Some("options") => words.for_each(|word| conf.set(word)),
                _ => (),
            }
        }
        if conf.servers.is_empty() {
            conf.servers.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
        }
        conf
    }

    fn set(&mut self, option: &str) {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        match (name, value.parse::<u32>()) {
            ("ndots", Ok(value)) => self.ndots = (value as usize).min(MAX_NDOTS),
            ("timeout", Ok(value)) => {
                self.timeout = Duration::from_secs(u64::from(value.clamp(1, 30)));
            }
            ("attempts", Ok(value)) => self.attempts = value.clamp(1, 5),
            ("rotate", _) => self.rotate = true,
            ("use-vc", _) => self.use_tcp = true,
            _ => (),
        }
    }

    /// The complete names to query, one after the other until one exists.
    pub fn candidates(&self, name: &Name) -> Vec<Name> {
        if name.is_absolute() {
            return vec![name.clone()];
        }
        let within = self.search.iter().filter_map(|domain| name.within(domain));
        let as_it_is = std::iter::once(name.clone());
        match name.dots() >= self.ndots {
            true => as_it_is.chain(within).collect(),
            false => within.chain(as_it_is).collect(),
        }
    }
}

fn names<'a>(words: impl Iterator<Item = &'a str>) -> impl Iterator<Item = Name> {
    words.filter_map(|word| Name::parse(word).ok())
}

/// Parses an address; a link-local one may name its interface by number.
fn server(word: &str, port: u16) -> Option<SocketAddr> {
    if let Some((address, scope)) = word.split_once('%') {
        let (address, scope) = (address.parse().ok()?, scope.parse().ok()?);
        return Some(SocketAddr::V6(SocketAddrV6::new(address, port, 0, scope)));
    }
    word.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    const FILE: &str = "# made by hand\n; too\nnameserver 10.0.0.1\nnameserver x\n\
        nameserver fe80::1%2\ndomain a.example\nsearch b.example c.example. # d\n\
        options ndots:2 timeout:1 attempts:3 rotate edns0\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n";

    fn candidates(conf: &ResolvConf, name: &str) -> Vec<String> {
        conf.candidates(&Name::parse(name).unwrap()).iter().map(Name::to_string).collect()
    }

    #[test]
    fn servers_search_list_and_options_are_read() {
        let conf = ResolvConf::parse(FILE, 53);
        let servers: Vec<String> = conf.servers.iter().map(SocketAddr::to_string).collect();
        assert_eq!(servers, ["10.0.0.1:53", "[fe80::1%2]:53", "10.0.0.3:53"]);
        assert_eq!((conf.ndots, conf.attempts, conf.rotate), (2, 3, true));
        assert_eq!((conf.timeout, conf.use_tcp), (Duration::from_secs(1), false));
        assert_eq!(candidates(&conf, "vm1"), ["vm1.b.example", "vm1.c.example", "vm1"]);
        assert_eq!(candidates(&conf, "a.b.c"), ["a.b.c", "a.b.c.b.example", "a.b.c.c.example"]);
        assert_eq!(candidates(&conf, "vm1."), ["vm1"]);
    }

    #[test]
    fn without_a_file_this_machine_is_queried() {
        let conf = ResolvConf::parse("", 53);
        assert_eq!(conf.servers, ["127.0.0.1:53".parse().unwrap()]);
        assert_eq!((conf.timeout, conf.attempts, conf.ndots), (Duration::from_secs(5), 2, 1));
        assert_eq!(candidates(&conf, "vm1"), ["vm1"]);
    }

    #[test]
    fn numbers_are_bounded() {
        let conf = ResolvConf::parse("options timeout:0 attempts:99 ndots:99 ndots:-1", 53);
        assert_eq!(
            (conf.timeout, conf.attempts, conf.ndots),
            (Duration::from_secs(1), 5, MAX_NDOTS)
        );
    }

    #[test]
    fn a_name_that_becomes_too_long_is_not_queried() {
        let conf = ResolvConf::parse("search example", 53);
        let long = vec!["abc"; 63].join(".");
        assert_eq!(candidates(&conf, &long), std::slice::from_ref(&long));
    }

    #[test]
    fn any_text_is_read() {
        each_seed(|seed| {
            let mut bytes = FILE.as_bytes().to_vec();
            seed.mutate(&mut bytes);
            let conf = ResolvConf::parse(&String::from_utf8_lossy(&bytes), 53);
            assert!((1..=MAX_SERVERS).contains(&conf.servers.len()));
        });
    }
}

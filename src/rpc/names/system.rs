//! The machine's own way to look names up: its hosts file, then its name servers.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::exchange::{Answers, query_server};
use super::{Found, MIN_KEEP, ResolveError};
use crate::dns::message::Answer;
use crate::dns::{Name, ResolvConf, hosts};

/// The files and servers of the machine.
pub(super) struct SystemResolver {
    hosts: PathBuf,
    resolv_conf: PathBuf,
    port: u16,
    /// The index of the name server that answered last: it is queried first.
    first: AtomicUsize,
}

/// The timeout of one look-up with all its queries.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(15);
/// With several name servers, each has this long to answer in the first round before the next is
/// queried. A slow server then answers from its cache in the second round.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const MAX_KEEP: Duration = Duration::from_secs(30);
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

impl SystemResolver {
    pub(super) fn new(hosts: &Path, resolv_conf: &Path, port: u16) -> SystemResolver {
        let (hosts, resolv_conf) = (hosts.to_owned(), resolv_conf.to_owned());
        SystemResolver { hosts, resolv_conf, port, first: AtomicUsize::new(0) }
    }

    /// Looks a name up.
    pub(super) fn look_up(&self, name: &Name) -> Result<Found, ResolveError> {
        let listed = hosts::find(&read(&self.hosts)?, name);
        if !listed.is_empty() {
            return Ok(Found { addresses: listed, keep: MIN_KEEP });
        }
        if name.is_localhost() {
            let addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            return Ok(Found { addresses, keep: MIN_KEEP });
        }
        let conf = ResolvConf::parse(&read(&self.resolv_conf)?, self.port);
        let until = Instant::now() + LOOK_UP_TIMEOUT;
        // The most specific error of all candidates.
        let mut failure = ResolveError::NoSuchName;
        for candidate in conf.candidates(name) {
            match self.query_servers(&conf, &candidate, until) {
                Err(ResolveError::NoSuchName) => (),
                Err(error @ (ResolveError::NoAddress | ResolveError::Refused { .. })) => {
                    failure = error;
                }
                result => return result,
            }
        }
        Err(failure)
    }

    /// Queries one server after another for a complete name, until one gives a definite answer.
    fn query_servers(
        &self,
        conf: &ResolvConf,
        name: &Name,
        until: Instant,
    ) -> Result<Found, ResolveError> {
        let count = conf.servers.len();
        let first = match conf.rotate {
            true => self.first.fetch_add(1, Ordering::Relaxed),
            false => self.first.load(Ordering::Relaxed),
        };
        let mut failure = None;
        for attempt in 0..conf.attempts {
            let is_first = attempt == 0 && count > 1;
            let wait = if is_first { conf.timeout.min(FIRST_WAIT) } else { conf.timeout };
            for step in 0..count {
                let place = first.wrapping_add(step) % count;
                let Some(server) = conf.servers.get(place).copied() else { continue };
                let now = Instant::now();
                if now >= until {
                    break;
                }
                let answers = query_server(server, name, until.min(now + wait), conf.use_tcp);
                match merge_answers(server, answers) {
                    Err(error @ (ResolveError::NoServer { .. } | ResolveError::Refused { .. })) => {
                        log::debug!("{name}: {error}");
                        failure = Some(error);
                    }
                    result => {
                        if !conf.rotate {
                            self.first.store(place, Ordering::Relaxed);
                        }
                        return result;
                    }
                }
            }
        }
        Err(failure.unwrap_or(ResolveError::NotYet))
    }
}

/// Merges a server's answers for both families. Addresses of one family count, whatever the other
/// answer is.
fn merge_answers(server: SocketAddr, answers: io::Result<Answers>) -> Result<Found, ResolveError> {
    let no_server = |reason: String| ResolveError::NoServer { server, reason };
    let Answers { v4, v6 } = answers.map_err(|error| no_server(error.to_string()))?;
    let is_whole = v4.is_some() && v6.is_some();
    let (mut found, mut keep): (Vec<IpAddr>, Duration) = (Vec::new(), MAX_KEEP);
    let mut refusal = None;
    let mut is_there = false;
    for answer in [v6, v4].into_iter().flatten() {
        match answer {
            Answer::Addresses { addresses, ttl_s } => {
                found.extend(addresses);
                keep = keep.min(Duration::from_secs(u64::from(ttl_s)));
            }
            Answer::NoAddress => is_there = true,
            Answer::NoSuchName => (),
            Answer::Refused(rcode) => refusal = Some(rcode),
            Answer::Truncated => return Err(no_server("its answer is truncated".into())),
        }
    }
    // The answer of one family alone is cached only briefly.
    let keep = if is_whole && refusal.is_none() { keep.max(MIN_KEEP) } else { MIN_KEEP };
    match refusal {
        _ if !found.is_empty() => Ok(Found { addresses: found, keep }),
        Some(rcode) => Err(ResolveError::Refused { server, rcode }),
        None if !is_whole => Err(no_server(io::Error::from(ErrorKind::TimedOut).to_string())),
        None if is_there => Err(ResolveError::NoAddress),
        None => Err(ResolveError::NoSuchName),
    }
}

/// A file's text; empty if the file does not exist.
fn read(path: &Path) -> Result<String, ResolveError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(String::new())
        }
        Err(error) => Err(ResolveError::File(format!("{}: {error}", path.display()))),
    }
}

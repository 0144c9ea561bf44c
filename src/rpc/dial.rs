//! Connects to one of the addresses of a name: they are tried one shortly after the other, and the
//! first connection that is established is used ("happy eyeballs", RFC 8305, section 5).
//!
//! ```text
//!   address 1  |---------- no answer --------- - -
//!   address 2      |--- refused
//!   address 3          |--- connected: done, the others are closed
//!              ^ STAGGER ^   or as soon as the previous one has failed
//! ```

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::reactor::{Poller, Stream};

/// The delay between two attempts while the first has not failed (RFC 8305, section 8). It is
/// shorter when the timeout is short, so that each address gets its share.
pub(super) const STAGGER: Duration = Duration::from_millis(250);

/// Connects to one of `addresses`, waiting until `until` at most.
///
/// # Errors
/// The operating system's for the last of the addresses that failed; `TimedOut`.
pub(super) fn dial(addresses: &[SocketAddr], until: Instant) -> io::Result<TcpStream> {
    let left = until.saturating_duration_since(Instant::now());
    match addresses {
        [] => Err(io::Error::new(ErrorKind::NotFound, "the name has no address")),
        _ if left.is_zero() => Err(ErrorKind::TimedOut.into()),
        [address] => TcpStream::connect_timeout(address, left),
        _ => race(addresses, until, stagger(left, addresses.len())),
    }
}

/// The delay between two attempts, with `time` left for so many addresses.
pub(super) fn stagger(time: Duration, addresses: usize) -> Duration {
    STAGGER.min(time / u32::try_from(addresses).unwrap_or(u32::MAX).max(1))
}

fn race(addresses: &[SocketAddr], until: Instant, stagger: Duration) -> io::Result<TcpStream> {
    let mut poller = Poller::new()?;
    let mut waiting = addresses.iter().copied();
    let mut running: Vec<Stream> = Vec::new();
    let mut failure: io::Error = ErrorKind::TimedOut.into();
    let mut next_at = Instant::now();
    let mut ready = Vec::new();
    loop {
        let now = Instant::now();
        if now >= until {
            return Err(ErrorKind::TimedOut.into());
        }
        while now >= next_at || running.is_empty() {
            let Some(address) = waiting.next() else { break };
            let begun = Stream::connect(address).and_then(|mut stream| {
                poller.add_stream(&mut stream, 0)?;
                Ok(stream)
            });
            match begun {
                Ok(stream) => {
                    running.push(stream);
                    next_at = now + stagger;
                }
                Err(error) => failure = error,
            }
        }
        if running.is_empty() {
            return Err(failure);
        }
        let wakes_at = if waiting.len() > 0 { until.min(next_at) } else { until };
        ready.clear();
        poller.wait(Some(wakes_at.saturating_duration_since(now)), &mut ready, || false)?;
        let mut at = 0;
        while let Some(stream) = running.get(at) {
            match stream.is_connected() {
                Ok(true) => return running.swap_remove(at).into_blocking(&poller),
                Ok(false) => at += 1,
                Err(error) => {
                    failure = error;
                    running.swap_remove(at);
                    next_at = Instant::now();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn local() -> TcpListener {
        TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap()
    }

    fn nobody() -> SocketAddr {
        local().local_addr().unwrap()
    }

    /// An address that answers nothing: a listener whose queue is full. Linux drops what else comes.
    fn silent() -> (TcpListener, Vec<TcpStream>) {
        let listener = local();
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            queue.push(stream);
        }
        (listener, queue)
    }

    #[test]
    fn a_refusing_address_costs_no_time() {
        let there = local();
        let address = there.local_addr().unwrap();
        let began = Instant::now();
        let stream = dial(&[nobody(), nobody(), address], began + LONG).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        assert!(began.elapsed() < LONG / 2);
        // It blocks, as TLS handshakes want it.
        stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let error = io::Read::read(&mut &stream, &mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn a_silent_address_costs_its_share_of_the_time() {
        let (silent, _queue) = silent();
        let there = local();
        let addresses = [silent.local_addr().unwrap(), there.local_addr().unwrap()];
        let began = Instant::now();
        let stream = dial(&addresses, began + LONG).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), addresses[1]);
        assert!(began.elapsed() >= STAGGER);
        assert!(began.elapsed() < LONG / 2, "{:?}", began.elapsed());
        assert!(dial(&addresses, Instant::now() + Duration::from_secs(2)).is_ok());
    }

    #[test]
    fn dialing_ends_at_its_deadline() {
        let (silent, _queue) = silent();
        let address = silent.local_addr().unwrap();
        for addresses in [&[address][..], &[address, address], &[address, nobody()]] {
            let began = Instant::now();
            let error = dial(addresses, began + Duration::from_millis(60)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert!(began.elapsed() < LONG / 2);
        }
    }

    #[test]
    fn the_error_says_why_no_address_can_be_reached() {
        let error = dial(&[nobody(), nobody()], Instant::now() + LONG).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(dial(&[], Instant::now() + LONG).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn each_address_has_its_share() {
        assert_eq!(stagger(LONG, 2), STAGGER);
        assert_eq!(stagger(Duration::from_millis(300), 3), Duration::from_millis(100));
    }
}

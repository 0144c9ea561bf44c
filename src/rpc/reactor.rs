//! The poller and its sockets (reactor pattern): the only file that uses mio.
//!
//! Sockets are non-blocking and edge-triggered: an event reports once that a socket *became* ready.
//! So a socket is read until it is empty (or until its owner puts it on a ready list, for
//! fairness), and written to as soon as there is output, without waiting for an event. Events may
//! be spurious: a read that finds nothing is no error.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Token};

use super::system;

/// What became ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Readiness {
    /// The key that the socket was registered with.
    pub(super) key: u64,
    /// It has bytes, an end of file or an error to read.
    pub(super) readable: bool,
    /// The peer has closed its side, or the socket has failed. No further event announces this.
    pub(super) ended: bool,
    /// It accepts output again, or has failed.
    pub(super) writable: bool,
}

/// Waits for sockets to become ready, and for [`Waker`]s.
pub(super) struct Poller {
    poll: mio::Poll,
    events: mio::Events,
    awake: Arc<AtomicBool>,
    waker: Arc<mio::Waker>,
}

/// The most events that one wait returns; the others are returned by the next.
const EVENTS: usize = 1024;
/// The key of the wakers' event, which is filtered out.
const WAKER: Token = Token(usize::MAX);

impl Poller {
    /// A poller with nothing registered.
    ///
    /// # Errors
    /// The operating system's: no file descriptor left, most likely.
    pub(super) fn new() -> io::Result<Poller> {
        let poll = mio::Poll::new()?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), WAKER)?);
        let events = mio::Events::with_capacity(EVENTS);
        Ok(Poller { poll, events, awake: Arc::new(AtomicBool::new(true)), waker })
    }

    /// A handle that interrupts [`wait`](Self::wait) from any thread.
    pub(super) fn waker(&self) -> Waker {
        Waker { awake: Arc::clone(&self.awake), waker: Arc::clone(&self.waker) }
    }

    /// Waits until something is ready, a waker was used or `timeout` has passed, and adds what is
    /// ready to `ready`. The timeout is rounded up to whole milliseconds. An interrupted wait ends
    /// early with nothing.
    ///
    /// Wakers have no effect while the poller is awake. So `anything_pending` is called right
    /// before sleeping, to find what they announced meanwhile.
    ///
    /// # Errors
    /// The operating system's, which should not occur.
    pub(super) fn wait(
        &mut self,
        timeout: Option<Duration>,
        ready: &mut Vec<Readiness>,
        anything_pending: impl FnOnce() -> bool,
    ) -> io::Result<()> {
        self.awake.store(false, Ordering::SeqCst);
        let timeout = if anything_pending() { Some(Duration::ZERO) } else { timeout };
        let result = self.poll.poll(&mut self.events, timeout);
        self.awake.store(true, Ordering::SeqCst);
        match result {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Err(_) => return Ok(()),
            Ok(()) => (),
        }
        ready.extend(self.events.iter().filter(|event| event.token() != WAKER).map(|event| {
            Readiness {
                key: event.token().0 as u64,
                readable: event.is_readable() || event.is_read_closed() || event.is_error(),
                ended: event.is_read_closed() || event.is_error(),
                writable: event.is_writable() || event.is_write_closed() || event.is_error(),
            }
        }));
        Ok(())
    }

    /// Registers a listener; `key` comes back when a connection waits to be accepted.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn add_listener(&self, listener: &mut Listener, key: u64) -> io::Result<()> {
        self.poll.registry().register(&mut listener.0, Token(key as usize), Interest::READABLE)
    }

    /// Registers a stream for both directions, until it is dropped.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn add_stream(&self, stream: &mut Stream, key: u64) -> io::Result<()> {
        add_stream(self.poll.registry(), stream, key)
    }

    /// A handle that registers streams while another thread waits on the poller.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn registrar(&self) -> io::Result<Registrar> {
        self.poll.registry().try_clone().map(Registrar)
    }
}

/// Registers streams with a [`Poller`] from any thread.
pub(super) struct Registrar(mio::Registry);

impl Registrar {
    /// As [`Poller::add_stream`].
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn add_stream(&self, stream: &mut Stream, key: u64) -> io::Result<()> {
        add_stream(&self.0, stream, key)
    }
}

fn add_stream(registry: &mio::Registry, stream: &mut Stream, key: u64) -> io::Result<()> {
    let both = Interest::READABLE | Interest::WRITABLE;
    registry.register(&mut stream.0, Token(key as usize), both)
}

/// Interrupts a [`Poller`]'s wait. While the poller is awake this costs no system call.
#[derive(Clone)]
pub(super) struct Waker {
    awake: Arc<AtomicBool>,
    waker: Arc<mio::Waker>,
}

impl Waker {
    /// Makes the current wait return at once. Whatever the poller's owner is to find must be in
    /// place before this call.
    pub(super) fn wake(&self) {
        if !self.awake.swap(true, Ordering::SeqCst)
            && let Err(error) = self.waker.wake()
        {
            // The eventfd is full only after 2^64 writes, and then the poller is awake.
            log::error!("waking a poller: {error}");
        }
    }
}

/// A listening socket.
pub(super) struct Listener(TcpListener);

impl Listener {
    /// Listens on `address`; port 0 picks a free port.
    ///
    /// # Errors
    /// The operating system's: the address is in use, or not ours.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Listener> {
        let listener = TcpListener::bind(address)?;
        system::extend_accept_queue(&listener)?;
        Ok(Listener(listener))
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// The next waiting connection; `WouldBlock` when there is none.
    ///
    /// # Errors
    /// The operating system's: no file descriptor left, or the peer has disconnected already.
    pub(super) fn accept(&self) -> io::Result<(Stream, SocketAddr)> {
        let (stream, peer) = self.0.accept()?;
        stream.set_nodelay(true)?;
        system::probe_silent_peer(&stream)?;
        Ok((Stream(stream), peer))
    }
}

/// A TCP connection that never blocks and never delays small writes.
pub(super) struct Stream(TcpStream);

impl Stream {
    /// Takes over a connected stream.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn from_std(stream: std::net::TcpStream) -> io::Result<Stream> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Stream(TcpStream::from_std(stream)))
    }

    /// Deregisters the stream from `poller` and makes it blocking.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn into_blocking(mut self, poller: &Poller) -> io::Result<std::net::TcpStream> {
        poller.poll.registry().deregister(&mut self.0)?;
        let stream = std::net::TcpStream::from(self.0);
        stream.set_nonblocking(false)?;
        Ok(stream)
    }

    /// Starts to connect. The stream becomes writable when the attempt has succeeded or failed.
    ///
    /// # Errors
    /// The operating system's: there is no route to this address.
    pub(super) fn connect(address: SocketAddr) -> io::Result<Stream> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Stream(stream))
    }

    /// Whether a started connection is established.
    ///
    /// # Errors
    /// The attempt has failed. One failure is a connection to itself: a port without a listener may
    /// be chosen as the local port, and TCP allows a simultaneous open.
    pub(super) fn is_connected(&self) -> io::Result<bool> {
        if let Some(error) = self.0.take_error()? {
            return Err(error);
        }
        match self.0.peer_addr() {
            Ok(peer) if peer == self.0.local_addr()? => {
                Err(io::ErrorKind::ConnectionRefused.into())
            }
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The file descriptor.
    pub(super) fn descriptor(&self) -> i32 {
        self.0.as_raw_fd()
    }

    /// Shuts the sending side down; bytes written before still arrive.
    ///
    /// # Errors
    /// The operating system's: the connection is closed already.
    pub(super) fn shutdown_write(&self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Option<Duration> = Some(Duration::from_secs(10));

    #[test]
    fn a_waker_ends_a_wait() {
        let mut poller = Poller::new().unwrap();
        let waker = poller.waker();
        let mut ready = Vec::new();
        let sleeper = std::thread::spawn(move || {
            let started = std::time::Instant::now();
            poller.wait(LONG, &mut ready, || false).unwrap();
            (started.elapsed(), ready)
        });
        while waker.awake.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        waker.wake();
        let (slept, ready) = sleeper.join().unwrap();
        assert!(Some(slept) < LONG);
        assert_eq!(ready, []);
    }

    #[test]
    fn a_poller_with_something_pending_does_not_sleep() {
        let mut poller = Poller::new().unwrap();
        let started = std::time::Instant::now();
        poller.wait(LONG, &mut Vec::new(), || true).unwrap();
        assert!(Some(started.elapsed()) < LONG);
    }

    #[cfg(feature = "system-limits")]
    #[test]
    fn many_connections_may_wait_to_be_accepted() {
        let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
        let most: usize = most.trim().parse().unwrap();
        let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        // A queue of the standard library's length holds 129.
        let connect = |_| std::net::TcpStream::connect_timeout(&address, Duration::from_secs(5));
        let waiting: Result<Vec<_>, _> = (0..most.min(600)).map(connect).collect();
        assert!(waiting.is_ok(), "{waiting:?}");
    }

    #[test]
    fn a_listener_and_a_stream_become_ready() {
        let mut poller = Poller::new().unwrap();
        let mut listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        poller.add_listener(&mut listener, 7).unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut ready = Vec::new();
        poller.wait(LONG, &mut ready, || false).unwrap();
        assert_eq!(ready.pop().map(|r| (r.key, r.readable)), Some((7, true)));

        let (mut stream, peer) = listener.accept().unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        assert_eq!(listener.accept().err().unwrap().kind(), io::ErrorKind::WouldBlock);
        poller.add_stream(&mut stream, 8).unwrap();
        drop(client);
        while !ready.iter().any(|r| r.key == 8 && r.readable) {
            poller.wait(LONG, &mut ready, || false).unwrap();
        }
        assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    }
}

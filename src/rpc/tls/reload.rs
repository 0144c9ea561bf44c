//! Certificates that are read again when their files change.
//!
//! A change counts once two checks in a row find the files the same, so that a certificate and
//! its key are not read while they are being copied. Files that cannot be used leave everything as
//! it was, and are tried again at every check.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::TlsError;
use super::files::{Stamp, stamp};
use super::parts::Parts;
use crate::rpc::reactor::Waker;

/// What is made of the files.
pub(super) trait Loaded {
    /// The certificates in it.
    fn parts(&self) -> &Arc<Parts>;
}

type Load<C> = Box<dyn Fn() -> Result<C, TlsError> + Send + Sync>;

/// A configuration, and the files that it is made of.
pub(super) struct Reloadable<C> {
    files: Vec<PathBuf>,
    load: Load<C>,
    current: Mutex<Arc<C>>,
    /// Counts the configurations, from 0.
    generation: AtomicU64,
    stamps: Mutex<Stamps>,
    wakers: Mutex<Vec<Waker>>,
}

/// The stamps of the files.
struct Stamps {
    when_loaded: Vec<Option<Stamp>>,
    last: Vec<Option<Stamp>>,
    /// The last attempt to load them has failed.
    has_failed: bool,
}

impl<C: Loaded> Reloadable<C> {
    /// Loads the files for the first time.
    pub(super) fn new(
        files: Vec<PathBuf>,
        load: impl Fn() -> Result<C, TlsError> + Send + Sync + 'static,
    ) -> Result<Reloadable<C>, TlsError> {
        let stamps = stamps_of(&files);
        let current = Mutex::new(Arc::new(load()?));
        Ok(Reloadable {
            stamps: Mutex::new(Stamps {
                when_loaded: stamps.clone(),
                last: stamps,
                has_failed: false,
            }),
            files,
            load: Box::new(load),
            current,
            generation: AtomicU64::new(0),
            wakers: Mutex::default(),
        })
    }

    /// The configuration, and which one it is.
    pub(super) fn current(&self) -> (Arc<C>, u64) {
        let current = lock(&self.current);
        (Arc::clone(&current), self.generation())
    }

    /// Which configuration is the current one.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Wakes an event loop at each new configuration.
    pub(super) fn wake_on_change(&self, waker: Waker) {
        lock(&self.wakers).push(waker);
    }

    fn load_now(&self, known: &mut Stamps) -> Result<bool, TlsError> {
        // Taken before the files are read: a write in between is a change.
        let stamps = stamps_of(&self.files);
        let loaded = (self.load)();
        known.has_failed = loaded.is_err();
        let loaded = loaded?;
        known.when_loaded = stamps;
        let mut current = lock(&self.current);
        if loaded.parts() == current.parts() {
            return Ok(false);
        }
        *current = Arc::new(loaded);
        self.generation.fetch_add(1, Ordering::Release);
        drop(current);
        lock(&self.wakers).iter().for_each(Waker::wake);
        Ok(true)
    }
}

/// The part that does not depend on the kind of configuration.
pub(super) trait Reload: Send + Sync {
    fn reload_if_changed(&self) -> Result<bool, TlsError>;
    fn reload(&self) -> Result<bool, TlsError>;
    fn parts(&self) -> Arc<Parts>;
}

impl<C: Loaded + Send + Sync> Reload for Reloadable<C> {
    fn reload_if_changed(&self) -> Result<bool, TlsError> {
        let mut known = lock(&self.stamps);
        let now = stamps_of(&self.files);
        let is_quiet = now == known.last;
        let is_changed = now != known.when_loaded || known.has_failed;
        known.last = now;
        if is_quiet && is_changed { self.load_now(&mut known) } else { Ok(false) }
    }

    fn reload(&self) -> Result<bool, TlsError> {
        self.load_now(&mut lock(&self.stamps))
    }

    fn parts(&self) -> Arc<Parts> {
        Arc::clone(lock(&self.current).parts())
    }
}

fn stamps_of(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|file| stamp(file)).collect()
}

/// Every change is one assignment: a thread that panicked leaves a consistent value.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

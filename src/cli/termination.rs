//! Signals. SIGTERM and Ctrl-C: the first asks the server to finish, a second one ends the process.
//! SIGHUP: certificates are read again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Failure;
use crate::rpc::ServerHandle;

/// Sets a flag at the first SIGTERM or SIGINT.
#[cfg(feature = "signals")]
pub(super) fn set_on_signal(flag: &Arc<AtomicBool>) -> Result<(), Failure> {
    use signal_hook::consts::{SIGINT, SIGTERM};

    for signal in [SIGINT, SIGTERM] {
        // A second signal ends the process at once, with the default action.
        signal_hook::flag::register_conditional_default(signal, Arc::clone(flag))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(flag)))
            .map_err(|error| Failure::because("cannot handle signals", error))?;
    }
    Ok(())
}

/// Without the feature a signal ends the process at once.
#[cfg(not(feature = "signals"))]
pub(super) fn set_on_signal(_: &Arc<AtomicBool>) -> Result<(), Failure> {
    Ok(())
}

/// Has the server shut down gracefully at the first SIGTERM or SIGINT.
#[cfg(feature = "signals")]
pub(super) fn shut_down_on_signal(handle: ServerHandle) -> Result<(), Failure> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let failed = |error| Failure::because("cannot handle signals", error);
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for (count, signal) in signals.forever().enumerate() {
                if count == 0 {
                    handle.shut_down();
                } else {
                    // 128 + the signal's number, as a shell reports it.
                    std::process::exit(128 + signal);
                }
            }
        })
        .map_err(failed)?;
    Ok(())
}

/// Without the feature a signal ends the process at once, as the operating system does by default.
#[cfg(not(feature = "signals"))]
pub(super) fn shut_down_on_signal(_: ServerHandle) -> Result<(), Failure> {
    Ok(())
}

/// Whether SIGHUP has arrived.
#[derive(Clone, Default)]
pub(super) struct HangupFlag(Arc<AtomicBool>);

impl HangupFlag {
    /// Whether it has arrived since the last call.
    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

/// Records SIGHUP instead of ending the process. Without the feature it ends the process.
pub(super) fn set_on_hangup() -> Result<HangupFlag, Failure> {
    let flag = HangupFlag::default();
    #[cfg(feature = "signals")]
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::clone(&flag.0))
        .map_err(|error| Failure::because("cannot handle signals", error))?;
    Ok(flag)
}

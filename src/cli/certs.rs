//! Certificates while a process runs: their files are checked, and the operator is warned.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::flags::Parsed;
use super::{Failure, termination};
use crate::rpc::Certificates;

/// The time between two checks of the files.
const INTERVAL: Duration = Duration::from_secs(1);
/// The time between two warnings that a certificate expires.
const WARNING_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// What SIGHUP does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnHangup {
    /// The certificates are read again, as servers do.
    Reload,
    /// It ends the process: the terminal of a client is gone.
    Default,
}

/// Refuses flags that `--certs` replaces.
pub(super) fn check_alone(parsed: &Parsed, others: &[&str]) -> Result<(), Failure> {
    match others.iter().find(|other| parsed.text(other).is_some()) {
        None => Ok(()),
        Some(other) => Err(parsed.wrong(format!("--certs replaces --{other}"))),
    }
}

/// Has the files of certificates checked by a thread as long as the process runs. Logs renewals,
/// files that cannot be used, and, at once and daily, certificates that expire soon.
pub(super) fn watch(certificates: Certificates, on_hangup: OnHangup) -> Result<(), Failure> {
    let hangups = match on_hangup {
        OnHangup::Reload => termination::set_on_hangup()?,
        OnHangup::Default => termination::HangupFlag::default(),
    };
    let mut watch = Watch { certificates, problem: String::new(), warned: Instant::now() };
    watch.warn();
    let started = thread::Builder::new().name("certificates".into()).spawn(move || {
        loop {
            thread::sleep(INTERVAL);
            watch.check(hangups.take());
        }
    });
    started.map(drop).map_err(|error| Failure::because("cannot start a thread", error))
}

struct Watch {
    certificates: Certificates,
    /// The last problem that was logged.
    problem: String,
    warned: Instant,
}

impl Watch {
    fn check(&mut self, has_hangup: bool) {
        let result = match has_hangup {
            true => self.certificates.reload(),
            false => self.certificates.reload_if_changed(),
        };
        match result {
            Ok(is_new) => {
                if is_new {
                    log::info!("the certificates were read again: new connections use them");
                    self.warn();
                }
                self.problem.clear();
            }
            Err(error) => {
                let problem = error.to_string();
                if has_hangup || problem != self.problem {
                    log::warn!("the certificates stay as they were: {problem}");
                    self.problem = problem;
                }
            }
        }
        if self.warned.elapsed() >= WARNING_INTERVAL {
            self.warn();
        }
    }

    fn warn(&mut self) {
        self.warned = Instant::now();
        for warning in self.certificates.warnings(SystemTime::now()) {
            log::warn!("{warning}");
        }
    }
}

//! `watch`: prints notifications as they come.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::{Trader, refused, say};
use crate::cli::{Failure, termination};
use crate::market::client::Watcher;
use crate::market::print::Notice;

/// Prints notifications until Ctrl-C, or until a flag's end has come.
pub(in crate::cli) fn watch(trader: &Trader, words: &[String]) -> Result<(), Failure> {
    let parsed = trader
        .flags("watch")
        .value("count", "end after so many notifications", "N")
        .value("timeout", "end after so long; exit status 1 if --count were not there", "SECONDS")
        .parse(words)?;
    parsed.no_arguments()?;
    let wanted = parsed.number("count", 0, 0..=u64::MAX)?;
    let until = match parsed.text("timeout") {
        Some(_) => Instant::now().checked_add(parsed.seconds("timeout", Duration::MAX)?),
        None => None,
    };
    let stop = Arc::new(AtomicBool::new(false));
    termination::set_on_signal(&stop)?;
    let mut watcher = Watcher::new(Arc::clone(&trader.client), stop);
    let mut seen = 0;
    while wanted == 0 || seen < wanted {
        match watcher.next(until).map_err(|status| refused(&status))? {
            Some(notification) => {
                if notification.missed > 0 {
                    eprintln!("{} notifications before this one were lost", notification.missed);
                }
                say(&Notice(&notification.what.view()).to_string())?;
                seen += 1;
            }
            None if wanted > 0 && until.is_some_and(|until| Instant::now() >= until) => {
                return Err(Failure::Failed(format!("FAIL: {seen} of {wanted} in time")));
            }
            None => break,
        }
    }
    watcher.acknowledge_shown();
    Ok(())
}

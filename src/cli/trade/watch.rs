//! `watch`: prints notifications as they come.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::{Trader, print_line, print_note, refused};
use crate::call::Status;
use crate::cli::{Failure, termination};
use crate::market::client::{MarketClient, Watcher};
use crate::market::print::NotificationText;

/// Prints notifications until Ctrl-C, `--count` or `--timeout`. `arrive` is called first: a market
/// that cannot be reached or has no such account is an error now; later the watch waits for it.
pub(in crate::cli) fn watch(
    trader: &Trader,
    words: &[String],
    arrive: fn(&MarketClient) -> Result<(), Status>,
) -> Result<(), Failure> {
    let parsed = trader
        .flags("watch")
        .value("count", "stop after N notifications", "N")
        .value(
            "timeout",
            "stop after this time, with exit status 1 if fewer than --count came",
            "SECONDS",
        )
        .parse(words)?;
    parsed.no_arguments()?;
    let wanted = parsed.number("count", u64::MAX, 1..=u64::MAX)?;
    let until = match parsed.text("timeout") {
        Some(_) => Instant::now().checked_add(parsed.seconds("timeout", Duration::MAX)?),
        None => None,
    };
    let client = trader.client()?;
    arrive(client).map_err(|status| refused(&status))?;
    let stop = Arc::new(AtomicBool::new(false));
    termination::set_on_signal(&stop)?;
    let mut watcher = Watcher::new(Arc::clone(client), stop);
    let mut seen = 0;
    while seen < wanted {
        match watcher.next(until).map_err(|status| refused(&status))? {
            Some(notification) => {
                if notification.missed > 0 {
                    let missed = notification.missed;
                    print_note(&format!("{missed} notifications before this one were lost"));
                }
                print_line(&NotificationText(&notification.event.view()).to_string())?;
                seen += 1;
            }
            None if wanted < u64::MAX && until.is_some_and(|until| Instant::now() >= until) => {
                return Err(Failure::Failed(format!("FAIL: {seen} of {wanted} in time")));
            }
            None => break,
        }
    }
    watcher.acknowledge_returned();
    Ok(())
}

//! `watch`: prints changes as they come.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::{Caller, Failure, refused, show};
use crate::cli::shell::{print_line, print_note};
use crate::cli::termination;
use crate::kv::client::{Change, Consistency, KvClient, WatchEvent, Watcher};

/// Prints changes (`SET key value`, `DEL key`) until Ctrl-C, `--count` or `--timeout`.
pub(super) fn watch(caller: &Caller, words: &[String]) -> Result<(), Failure> {
    let parsed = caller
        .flags("watch")
        .value("after", "start after this revision, not now", "REVISION")
        .value("count", "stop after N changes", "N")
        .value(
            "timeout",
            "stop after this time, with exit status 1 if fewer than --count came",
            "SECONDS",
        )
        .switch("revisions", "print each change's revision before it")
        .parse(words)?;
    let prefix = match parsed.free() {
        [] => "",
        [prefix] => prefix,
        _ => return Err(parsed.wrong("watch takes one prefix")),
    };
    let wanted = parsed.number("count", u64::MAX, 1..=u64::MAX)?;
    let until = match parsed.text("timeout") {
        Some(_) => Instant::now().checked_add(parsed.seconds("timeout", Duration::MAX)?),
        None => None,
    };
    let after = match parsed.text("after") {
        Some(_) => Some(parsed.number("after", 0, 0..=u64::MAX)?),
        None => None,
    };
    let client = caller.client()?;
    // A store that cannot be reached is an error now; later the watch waits for it.
    if client.statuses().iter().all(|(_, status)| status.is_err()) {
        return Err(Failure::Failed("FAIL: no node answers".into()));
    }
    let stop = Arc::new(AtomicBool::new(false));
    termination::set_on_signal(&stop)?;
    let mut watcher = Watcher::new(Arc::clone(client), prefix.as_bytes(), after, stop);
    let with_revisions = parsed.is_on("revisions");
    let mut seen = 0;
    while seen < wanted {
        match watcher.next(until).map_err(|status| refused(&status))? {
            Some(WatchEvent::Changes(changes)) => {
                for (change, _) in changes.iter().zip(seen..wanted) {
                    print_line(&line(change, with_revisions))?;
                    seen += 1;
                }
            }
            Some(WatchEvent::Missed) => {
                print_note("some changes were missed; these are the keys as they are now:");
                let revision = rescan(client, prefix.as_bytes(), with_revisions)?;
                watcher.resume_after(revision);
            }
            None if wanted < u64::MAX && until.is_some_and(|until| Instant::now() >= until) => {
                return Err(Failure::Failed(format!("FAIL: {seen} of {wanted} in time")));
            }
            None => break,
        }
    }
    Ok(())
}

fn line(change: &Change, with_revisions: bool) -> String {
    let words = match &change.value {
        Some(value) => show::words(&[b"SET", &change.key, value]),
        None => show::words(&[b"DEL", &change.key]),
    };
    if with_revisions { format!("{} {words}", change.revision) } else { words }
}

/// Prints all keys as if they had just been set. Returns the revision after which the watch
/// continues.
fn rescan(client: &KvClient, prefix: &[u8], with_revisions: bool) -> Result<u64, Failure> {
    let (mut after, mut revision) = (Vec::new(), None);
    loop {
        let page = client.scan(prefix, &after, 0, Consistency::Linearizable);
        let page = page.map_err(|status| refused(&status))?;
        // The revision of the first page: changes during the other pages are printed again.
        let revision = *revision.get_or_insert(page.revision);
        for pair in page.pairs.iter().cloned() {
            let (key, value) = (pair.key, Some(pair.value));
            let change = Change { key, value, revision: pair.modified, created: pair.created };
            print_line(&line(&change, with_revisions))?;
        }
        match page.pairs.last() {
            Some(last) if page.has_more => after.clone_from(&last.key),
            _ => return Ok(revision),
        }
    }
}

//! Notifications as they arrive, beside the shell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::cli::Failure;
use crate::cli::shell::NotificationPrinter;
use crate::market::client::{MarketClient, Watcher};
use crate::market::print::NotificationText;

/// Watches the mailbox while the shell runs. After an error, most likely because there is no
/// account yet, it waits until a command has succeeded.
pub(super) struct Notifier {
    stop: Arc<AtomicBool>,
    on_success: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Notifier {
    pub(super) fn start(
        client: Arc<MarketClient>,
        mut show: NotificationPrinter,
    ) -> Result<Notifier, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let (on_success, rest): (_, Receiver<()>) = sync_channel(1);
        let thread = std::thread::Builder::new().name("notifier".into()).spawn({
            let stop = Arc::clone(&stop);
            move || {
                let mut watcher = Watcher::new(client, Arc::clone(&stop));
                while !stop.load(Ordering::Relaxed) {
                    match watcher.next(None) {
                        Ok(Some(news)) => show(NotificationText(&news.event.view()).to_string()),
                        Ok(None) => (),
                        Err(status) => {
                            log::debug!("the mailbox is refused: {status}");
                            if rest.recv().is_err() {
                                break;
                            }
                        }
                    }
                }
                watcher.acknowledge_returned();
            }
        });
        let thread = thread.map_err(|error| Failure::because("no thread", error))?;
        Ok(Notifier { stop, on_success, thread })
    }

    pub(super) fn retry(&self) {
        // Full: the last signal is not taken yet. Closed: the thread has ended.
        let _ = self.on_success.try_send(());
    }

    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.on_success);
        if self.thread.join().is_err() {
            log::error!("the notifier panicked");
        }
    }
}

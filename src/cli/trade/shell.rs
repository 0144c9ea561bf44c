//! The shell: asks for commands until there are no more, and shows notifications as they arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::line_reader::{Interjection, Line, LineReader};
use super::words::{OpenQuote, split};
use super::{Trader, say};
use crate::cli::Failure;
use crate::market::client::{MarketClient, Watcher};
use crate::market::print::Notice;

/// Asks for commands until the end of the input. From a pipe the status says whether all of them
/// were done; a person has seen it.
pub(super) fn run(trader: &Trader) -> Result<(), Failure> {
    let client = trader.client()?;
    let mut reader = LineReader::new();
    if reader.is_for_people() {
        say(&format!(
            "Trading as {} ({}..), a {}. `help` lists the commands, Ctrl-D ends.",
            client.address(),
            client.shown_uuid(),
            trader.role.name
        ))?;
    }
    let notifier = Notifier::start(Arc::clone(client), reader.interjection())?;
    let prompt = format!("{}> ", trader.role.name);
    let mut failed = 0;
    loop {
        match reader.read(&prompt) {
            Ok(Line::Text(line)) => match obey(trader, &line) {
                Obeyed::Yes => notifier.try_again(),
                Obeyed::No => failed += 1,
                Obeyed::Leave => break,
            },
            #[cfg(feature = "line-editor")]
            Ok(Line::Dropped) => (),
            Ok(Line::End) => break,
            Err(error) => return Err(Failure::because("cannot read a line", error)),
        }
    }
    notifier.stop();
    match failed {
        0 => Ok(()),
        _ if reader.is_for_people() => Ok(()),
        failed => Err(Failure::Failed(format!("{failed} commands failed"))),
    }
}

enum Obeyed {
    Yes,
    No,
    Leave,
}

/// Does what a line says, and tells how it went.
fn obey(trader: &Trader, line: &str) -> Obeyed {
    let words = match split(line) {
        Ok(words) => words,
        Err(OpenQuote(quote)) => return tell(&format!("FAIL: a quote {quote} is not closed")),
    };
    let Some((word, rest)) = words.split_first() else { return Obeyed::Yes };
    match word.as_str() {
        "help" | "?" => {
            let text = format!("{}  {:<26} leave\n", trader.role.overview(), "exit");
            return if say(text.trim_end()).is_ok() { Obeyed::Yes } else { Obeyed::Leave };
        }
        "exit" | "quit" => return Obeyed::Leave,
        word if word.starts_with('#') => return Obeyed::Yes,
        _ => (),
    }
    let Some(verb) = trader.role.verb(word) else {
        return tell(&format!("FAIL: no command {word:?}; `help` lists them"));
    };
    match (verb.run)(trader, rest) {
        Ok(()) => Obeyed::Yes,
        Err(Failure::Help(text)) => {
            if say(text.trim_end()).is_ok() {
                Obeyed::Yes
            } else {
                Obeyed::Leave
            }
        }
        Err(Failure::Usage(text)) => {
            let reason = text.lines().next().unwrap_or_default().trim_start_matches("agora: ");
            tell(&format!("FAIL: {reason} (usage: {} {})", verb.name, verb.words))
        }
        Err(Failure::Failed(text)) => tell(&text),
    }
}

fn tell(text: &str) -> Obeyed {
    match say(text) {
        Ok(()) => Obeyed::No,
        Err(_) => Obeyed::Leave,
    }
}

/// Follows the mailbox beside the shell. When it is refused, most likely because there is no
/// account yet, it rests until a command has gone well.
struct Notifier {
    stop: Arc<AtomicBool>,
    went_well: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Notifier {
    fn start(client: Arc<MarketClient>, mut show: Interjection) -> Result<Notifier, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let (went_well, rest): (_, Receiver<()>) = sync_channel(1);
        let thread = std::thread::Builder::new().name("notifier".into()).spawn({
            let stop = Arc::clone(&stop);
            move || {
                let mut watcher = Watcher::new(client, Arc::clone(&stop));
                while !stop.load(Ordering::Relaxed) {
                    match watcher.next(None) {
                        Ok(Some(news)) => show(Notice(&news.what.view()).to_string()),
                        Ok(None) => (),
                        Err(status) => {
                            log::debug!("the mailbox is refused: {status}");
                            if rest.recv().is_err() {
                                break;
                            }
                        }
                    }
                }
                watcher.acknowledge_shown();
            }
        });
        let thread = thread.map_err(|error| Failure::because("no thread", error))?;
        Ok(Notifier { stop, went_well, thread })
    }

    fn try_again(&self) {
        // Full: it has not heard of the last one yet. Closed: it has ended.
        let _ = self.went_well.try_send(());
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.went_well);
        if self.thread.join().is_err() {
            log::error!("the notifier panicked");
        }
    }
}

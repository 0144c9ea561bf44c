//! Shared by `agora seller` and `agora buyer`: identity, connection, and verbs for one command or a
//! [shell]. A verb that changes something prints `SUCCESS`.

mod notifier;
mod show;
mod watch;

use std::cell::OnceCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notifier::Notifier;
pub(super) use show::{cards, entries};
pub(super) use watch::watch;

use super::flags::{Flags, Parsed};
use super::shell::{self, LineReader};
pub(super) use super::shell::{print_line, print_note};
use super::{Failure, connect};
use crate::call::Status;
use crate::market::client::{
    ClientOptions, Consistency, MarketClient, Page, Uuid, default_directory, identity_at,
    identity_of,
};
use crate::market::state::ItemId;
use crate::session::Protocol;

/// A verb of a trader.
pub(super) type Verb = shell::Verb<Trader>;

/// A seller or a buyer: a subcommand and its verbs.
pub(super) struct Role {
    pub(super) name: &'static str,
    pub(super) verbs: &'static [Verb],
}

/// The largest value of `--timeout`.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The context of a verb.
pub(super) struct Trader {
    pub(super) role: &'static Role,
    parsed: Parsed,
    /// Created when it is first needed: help and wrong usage need no market and create no identity.
    client: OnceCell<Arc<MarketClient>>,
}

/// Runs a subcommand: one verb, or the shell when there is none.
pub(super) fn run(role: &'static Role, arguments: &[String]) -> Result<(), Failure> {
    let usage = format!("agora {} --market HOST:PORT[,HOST:PORT...] [FLAGS] [COMMAND]", role.name);
    let flags = Flags::new(&usage, &about(role))
        .value("market", "the market, or several replicas of it (required)", "HOST:PORT,...")
        .value("as", "the name of the trader; each name has its own identity", "NAME")
        .value("address", "the name that other traders see (default: NAME)", "TEXT")
        .value("identity", "the file with the identity, instead of the one of NAME", "FILE")
        .value("timeout", "timeout of a call (default 10)", "SECONDS")
        .value("read", "latest, or stale: the state of any replica (default latest)", "HOW")
        .until_first_argument();
    let parsed = connect::flags(flags, Protocol::Native).parse(arguments)?;
    let verb = match parsed.free().first() {
        None => None,
        Some(word) => Some(
            shell::verb(role.verbs, word)
                .ok_or_else(|| parsed.wrong(format!("a {} has no command {word:?}", role.name)))?,
        ),
    };
    let words = parsed.free().get(1..).unwrap_or_default().to_vec();
    let trader = Trader { role, parsed, client: OnceCell::new() };
    match verb {
        Some(verb) => (verb.run)(&trader, &words),
        None => run_shell(&trader),
    }
}

fn about(role: &Role) -> String {
    let mut text = format!("Trades as a {}. Without a command it starts a shell.\n\n", role.name);
    text.push_str("Commands:\n");
    text.push_str(&shell::overview(role.verbs));
    text.push_str(
        "\nResults and SUCCESS go to stdout. An error is `FAIL: reason` on stderr, exit status 1.\n\
         The identity is a secret, created on first use and stored in $AGORA_HOME or ~/.agora.",
    );
    text
}

fn connect_as(role: &Role, parsed: &Parsed) -> Result<MarketClient, Failure> {
    let markets: Vec<String> = parsed
        .required("market")?
        .split(',')
        .filter(|target| !target.is_empty())
        .map(str::to_owned)
        .collect();
    if markets.is_empty() {
        return Err(parsed.wrong("--market needs a HOST:PORT"));
    }
    let name = parsed.text("as").unwrap_or_else(|| role.name.to_owned());
    let address = parsed.text("address").unwrap_or_else(|| name.clone());
    let timeout = parsed.seconds("timeout", Duration::from_secs(10))?;
    if timeout > LONGEST_TIMEOUT {
        let longest = LONGEST_TIMEOUT.as_secs();
        return Err(parsed.wrong(format!("--timeout: expected {longest} seconds at most")));
    }
    let consistency = match parsed.text("read").as_deref() {
        None | Some("latest") => Consistency::Linearizable,
        Some("stale") => Consistency::Stale,
        Some(other) => return Err(parsed.wrong(format!("--read {other:?}: latest or stale"))),
    };
    let channel = connect::options(parsed, Protocol::Native)?;
    let options = ClientOptions { channel, timeout, consistency };
    let uuid = identity(parsed, &name)?;
    Ok(MarketClient::new(&markets, uuid, &address, &options)?)
}

fn identity(parsed: &Parsed, name: &str) -> Result<Uuid, Failure> {
    let found = match parsed.text("identity") {
        Some(file) => identity_at(&PathBuf::from(file)),
        None => default_directory().and_then(|directory| identity_of(&directory, name)),
    };
    found.map_err(|error| Failure::because("no identity", error))
}

/// Runs the shell, and shows notifications as they arrive.
fn run_shell(trader: &Trader) -> Result<(), Failure> {
    let client = trader.client()?;
    let mut reader = LineReader::new();
    if reader.is_interactive() {
        print_line(&format!(
            "Trading as {} ({}..), a {}. `help` lists the commands, Ctrl-D ends.",
            client.address(),
            client.short_uuid(),
            trader.role.name
        ))?;
    }
    let notifier = Notifier::start(Arc::clone(client), reader.notification_printer())?;
    let prompt = format!("{}> ", trader.role.name);
    let on_success = || notifier.retry();
    let result = shell::run(trader, trader.role.verbs, &prompt, &mut reader, on_success);
    notifier.stop();
    result
}

impl Trader {
    /// The market, under this trader's identity.
    pub(super) fn client(&self) -> Result<&Arc<MarketClient>, Failure> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Arc::new(connect_as(self.role, &self.parsed)?);
        Ok(self.client.get_or_init(|| client))
    }

    /// The flags of one of its verbs.
    pub(super) fn flags(&self, verb: &str) -> Flags {
        let Verb { words, about, .. } = match shell::verb(self.role.verbs, verb) {
            Some(verb) => verb,
            None => return Flags::new(verb, ""),
        };
        let usage = format!("agora {} ... {verb} {words}", self.role.name);
        Flags::new(usage.trim_end(), about)
    }

    /// The words of a verb that has no flags: exactly `count`.
    pub(super) fn words(
        &self,
        verb: &str,
        words: &[String],
        count: usize,
    ) -> Result<Vec<String>, Failure> {
        let parsed = self.flags(verb).parse(words)?;
        match parsed.free() {
            free if free.len() == count => Ok(free.to_vec()),
            free => Err(parsed.wrong(format!("{verb} takes {count} words, not {}", free.len()))),
        }
    }
}

/// The error for a refused call.
pub(super) fn refused(status: &Status) -> Failure {
    let reason = if status.message.is_empty() { status.code.name() } else { &status.message };
    Failure::Failed(format!("FAIL: {}", crate::market::print::Escaped(reason)))
}

/// Reads an item's number.
pub(super) fn item_id(text: &str) -> Result<ItemId, Failure> {
    number(text, "an item ID").map(ItemId)
}

/// Reads a number of digits alone: with a sign it would look like a relative change.
pub(super) fn parse_digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Reads a number above zero.
pub(super) fn number(text: &str, what: &str) -> Result<u32, Failure> {
    match parse_digits(text) {
        Some(number) if number > 0 => Ok(number),
        _ => Err(Failure::Usage(format!("agora: {text:?} is not {what}"))),
    }
}

/// Prints all pages of a listing; if it is empty, a note on stderr.
pub(super) fn all_pages<T>(
    nothing: &str,
    fetch: impl Fn(&str) -> Result<Page<T>, Status>,
    text: impl Fn(&[T]) -> String,
) -> Result<(), Failure> {
    let mut token = String::new();
    let mut shown = 0;
    loop {
        let page = fetch(&token).map_err(|status| refused(&status))?;
        if !page.entries.is_empty() {
            print_line(&text(&page.entries))?;
        }
        shown += page.entries.len();
        token = page.next;
        if token.is_empty() {
            break;
        }
    }
    if shown == 0 {
        print_note(nothing);
    }
    Ok(())
}

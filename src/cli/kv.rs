//! `agora kv`: the client of the key-value store, for one command or as a [shell].
//!
//! The output is machine-readable: `get` prints the value alone, `scan` a line for each pair with
//! its words escaped as in `schemas/files.md`, `watch` a line for each change. On a terminal `get`
//! escapes control characters.

mod show;
mod value;
mod watch;

use std::cell::OnceCell;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use super::flags::{Flags, Parsed};
use super::shell::{self, LineReader, print_bytes, print_line, print_note};
use super::{Failure, connect, peers};
use crate::call::Status;
use crate::kv::client::{ClientOptions, Consistency, KvClient};
use crate::session::Protocol;

type Verb = shell::Verb<Caller>;

static VERBS: &[Verb] = &[
    Verb { name: "get", words: "K", about: "print a key's value", run: get },
    Verb {
        name: "set",
        words: "K V",
        about: "set a key's value; - for V takes stdin, --file F a file",
        run: set,
    },
    Verb { name: "del", words: "K", about: "delete a key", run: delete },
    Verb {
        name: "cas",
        words: "K OLD NEW",
        about: "set a key's value if it is OLD; cas --absent K NEW if there is none",
        run: compare_and_set,
    },
    Verb {
        name: "scan",
        words: "[PREFIX] [--limit N] [--count]",
        about: "list the keys with this prefix, with their values, in order",
        run: scan,
    },
    Verb {
        name: "watch",
        words: "[PREFIX] [--after REVISION] [--count N] [--timeout SECONDS] [--revisions]",
        about: "show changes of the keys with this prefix, as they happen",
        run: watch::watch,
    },
    Verb { name: "status", words: "", about: "show the state of each node", run: status },
    Verb {
        name: "transfer",
        words: "N",
        about: "transfer the leadership to node N",
        run: transfer,
    },
];

/// The largest value of `--timeout`.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The context of a verb.
struct Caller {
    parsed: Parsed,
    /// Created when it is first needed: help and wrong usage need no store.
    client: OnceCell<Arc<KvClient>>,
    /// The commands come from stdin.
    is_shell: bool,
}

/// Runs the subcommand: one verb, or the shell when there is none.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let flags = Flags::new("agora kv --peers N=HOST:PORT,... [FLAGS] [COMMAND]", &about())
        .value("peers", "the nodes of the store, or some of them (required)", "N=HOST:PORT,...")
        .value("timeout", "timeout of a command (default 10)", "SECONDS")
        .switch("stale", "read from any node at once; its state may be old")
        .switch("raw", "print values as they are, on a terminal too")
        .until_first_argument();
    let parsed = connect::flags(flags, Protocol::Native).parse(arguments)?;
    let verb = match parsed.free().first() {
        None => None,
        Some(word) => Some(
            shell::verb(VERBS, word)
                .ok_or_else(|| parsed.wrong(format!("kv has no command {word:?}")))?,
        ),
    };
    let words = parsed.free().get(1..).unwrap_or_default().to_vec();
    let caller = Caller { parsed, client: OnceCell::new(), is_shell: verb.is_none() };
    match verb {
        Some(verb) => (verb.run)(&caller, &words),
        None => {
            caller.client()?;
            let mut reader = LineReader::new();
            if reader.is_interactive() {
                print_line("A key-value store. `help` lists the commands, Ctrl-D ends.")?;
            }
            shell::run(&caller, VERBS, "kv> ", &mut reader, || ())
        }
    }
}

fn about() -> String {
    let mut text = String::from(
        "Client of a key-value store. Without a command it starts a shell.\n\nCommands:\n",
    );
    text.push_str(&shell::overview(VERBS));
    text.push_str(
        "\nReads are linearizable, except with --stale. A write is applied exactly once, however often it\n\
         is sent. Words behind -- are not flags: set -- -k -v. An error is `FAIL: reason` on stderr\n\
         and exit status 1: no leader in time, no such key, or a compare-and-set that found another value.",
    );
    text
}

impl Caller {
    /// The store's client.
    fn client(&self) -> Result<&Arc<KvClient>, Failure> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let parsed = &self.parsed;
        let text = parsed.required("peers")?;
        let nodes = peers::parse(&text).map_err(|why| parsed.wrong(format!("--peers: {why}")))?;
        let timeout = parsed.seconds("timeout", Duration::from_secs(10))?;
        if timeout > LONGEST_TIMEOUT {
            let longest = LONGEST_TIMEOUT.as_secs();
            return Err(parsed.wrong(format!("--timeout: expected {longest} seconds at most")));
        }
        let channel = connect::options(parsed, Protocol::Native)?;
        let client = Arc::new(KvClient::new(
            &peers::for_clients(&nodes),
            &ClientOptions { channel, timeout },
        )?);
        Ok(self.client.get_or_init(|| client))
    }

    fn consistency(&self) -> Consistency {
        match self.parsed.is_on("stale") {
            true => Consistency::Stale,
            false => Consistency::Linearizable,
        }
    }

    fn flags(&self, name: &str) -> Flags {
        let (words, about) = shell::verb(VERBS, name).map_or(("", ""), |v| (v.words, v.about));
        Flags::new(format!("agora kv ... {name} {words}").trim_end(), about)
    }

    /// The words of a verb without flags: exactly `N`, which may begin with hyphens.
    fn words<'w, const N: usize>(
        &self,
        name: &str,
        words: &'w [String],
    ) -> Result<[&'w str; N], Failure> {
        let found = self.exactly(name, words, N)?;
        found.try_into().map_err(|_| self.parsed.wrong(format!("{name} takes {N} words")))
    }

    /// As [`Caller::words`]. A leading `--` is not counted.
    fn exactly<'w>(
        &self,
        name: &str,
        words: &'w [String],
        count: usize,
    ) -> Result<Vec<&'w str>, Failure> {
        let (behind, words) = match words {
            [marker, behind @ ..] if marker == "--" => (behind, words),
            words => (words, words),
        };
        if behind.len() == count {
            return Ok(behind.iter().map(String::as_str).collect());
        }
        let parsed = self.flags(name).parse(words)?;
        let plural = if count == 1 { "" } else { "s" };
        Err(parsed.wrong(format!("{name} takes {count} word{plural}, not {}", behind.len())))
    }
}

/// The error for a refused or unanswered call.
fn refused(status: &Status) -> Failure {
    let reason = if status.message.is_empty() { status.code.name() } else { &status.message };
    Failure::Failed(format!("FAIL: {}", crate::market::print::Escaped(reason)))
}

fn get(caller: &Caller, words: &[String]) -> Result<(), Failure> {
    let [key] = caller.words("get", words)?;
    let pair = caller.client()?.get(key.as_bytes(), caller.consistency());
    let Some(pair) = pair.map_err(|status| refused(&status))? else {
        return Err(Failure::Failed(format!(
            "FAIL: no such key: {}",
            show::escaped(key.as_bytes())
        )));
    };
    if std::io::stdout().is_terminal() && !caller.parsed.is_on("raw") {
        return print_line(&show::printable(&pair.value));
    }
    print_bytes(&pair.value)
}

fn set(caller: &Caller, words: &[String]) -> Result<(), Failure> {
    let (words, value) = value::words(caller, "set", words, 1)?;
    let key = words.first().copied().unwrap_or_default();
    let value = value.read(caller.is_shell)?;
    let set = caller.client()?.set(key.as_bytes(), &value);
    set.map_err(|status| refused(&status))?;
    print_line("SUCCESS")
}

fn delete(caller: &Caller, words: &[String]) -> Result<(), Failure> {
    let [key] = caller.words("del", words)?;
    let was_there = caller.client()?.delete(key.as_bytes());
    if !was_there.map_err(|status| refused(&status))? {
        print_note("there was no such key");
    }
    print_line("SUCCESS")
}

fn compare_and_set(caller: &Caller, words: &[String]) -> Result<(), Failure> {
    let (is_absent, words) = match words {
        [absent, words @ ..] if absent == "--absent" => (true, words),
        words => (false, words),
    };
    let count = if is_absent { 1 } else { 2 };
    let (words, new) = value::words(caller, "cas", words, count)?;
    let key = words.first().copied().unwrap_or_default();
    let old = words.get(1).map(|old| old.as_bytes());
    let new = new.read(caller.is_shell)?;
    let is_set = caller.client()?.compare_and_set(key.as_bytes(), old, &new);
    match is_set.map_err(|status| refused(&status))? {
        true => print_line("SUCCESS"),
        false if old.is_some() => Err(Failure::Failed("FAIL: it has another value".into())),
        false => Err(Failure::Failed("FAIL: the key is there".into())),
    }
}

fn scan(caller: &Caller, words: &[String]) -> Result<(), Failure> {
    let parsed = caller
        .flags("scan")
        .value("limit", "stop after N keys", "N")
        .switch("count", "print the number of keys alone")
        .parse(words)?;
    let prefix = match parsed.free() {
        [] => "",
        [prefix] => prefix,
        _ => return Err(parsed.wrong("scan takes one prefix")),
    };
    let (client, consistency) = (caller.client()?, caller.consistency());
    if parsed.is_on("count") {
        let count = client.count(prefix.as_bytes(), consistency);
        return print_line(&count.map_err(|status| refused(&status))?.to_string());
    }
    let mut left = parsed.number("limit", u64::MAX, 1..=u64::MAX)?;
    let mut after = Vec::new();
    while left > 0 {
        let limit = u32::try_from(left).unwrap_or(0);
        let page = client.scan(prefix.as_bytes(), &after, limit, consistency);
        let page = page.map_err(|status| refused(&status))?;
        for pair in &page.pairs {
            print_line(&show::words(&[&pair.key, &pair.value]))?;
        }
        left = left.saturating_sub(page.pairs.len() as u64);
        match page.pairs.last() {
            Some(last) if page.has_more => after.clone_from(&last.key),
            _ => break,
        }
    }
    Ok(())
}

fn status(caller: &Caller, words: &[String]) -> Result<(), Failure> {
    let [] = caller.words("status", words)?;
    let statuses = caller.client()?.statuses();
    print_line(&show::table(&statuses))?;
    if let Some(alarm) = show::quota_alarm(&statuses) {
        print_line(&alarm)?;
    }
    match show::unavailable_reason(&statuses) {
        None => Ok(()),
        Some(why) => Err(Failure::Failed(format!("FAIL: {why}"))),
    }
}

fn transfer(caller: &Caller, words: &[String]) -> Result<(), Failure> {
    let [node] = caller.words("transfer", words)?;
    let node =
        node.parse().map_err(|_| Failure::Usage(format!("agora: {node:?} is no node's number")))?;
    caller.client()?.transfer(node).map_err(|status| refused(&status))?;
    print_line("SUCCESS")
}

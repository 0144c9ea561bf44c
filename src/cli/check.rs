//! `agora check`: checks the files of a node.

use std::path::Path;

use super::Failure;
use super::flags::Flags;
use super::shell::print_line;
use crate::kv::state::Kv;
use crate::market::state::{Audit as MarketAudit, Market};
use crate::raft::{Entry, SnapshotMark, StateMachine};
use crate::replica::state::Replicated;
use crate::replica::storage::{
    Access, Audit, Checked, Commands, Directory, StorageError, check, machine_of,
};
use crate::text::printable;

const ABOUT: &str = "\
Reads the files of a node and prints the content of each; for a market it checks stock, sales and
ratings as well. It reports wrong owners, modes and links too. It changes nothing, and the node may
be running. Exit status 1 if something is wrong, with the file, the line and the byte on stderr.";

/// A kind of state machine whose files can be checked.
struct Machine {
    /// The name in `metadata.txt`.
    name: &'static str,
    check: fn(&Directory) -> Result<Findings, StorageError>,
}

const MACHINES: &[Machine] = &[
    Machine {
        name: "kv",
        check: |directory| check_as::<Kv>(directory, |kv| Ok(vec![format!("{} keys", kv.len())])),
    },
    Machine { name: "market", check: |directory| check_as::<Market>(directory, audit) },
];

/// The content of the files, and the state that they result in.
struct Findings {
    files: Checked,
    /// Lines about the state, or an error in it.
    state: Result<Vec<String>, String>,
}

/// The attempts for a directory that a running node uses: an error may be a transient state.
const ATTEMPTS: u32 = 3;

/// Checks a directory.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let parsed = Flags::new("agora check DIR", ABOUT).parse(arguments)?;
    let [path] = parsed.free() else {
        return Err(parsed.wrong("expected the directory of a node"));
    };
    let directory = Directory::inspect(Path::new(path)).map_err(failed)?;
    let is_in_use = directory.is_locked_by_other();
    let access = directory.access().map_err(failed)?;
    let mut attempts = if is_in_use { ATTEMPTS } else { 1 };
    loop {
        let findings = match check_any(path, &directory) {
            // A link, for example, is not read.
            Err(_) if !access.refused.is_empty() => return Err(refused(&access)),
            findings => findings?,
        };
        attempts -= 1;
        if attempts == 0 || findings.files.faults.is_empty() {
            return report(path, is_in_use, findings, &access);
        }
    }
}

/// Wrong owners, and links.
fn refused(access: &Access) -> Failure {
    let lines = access.refused.iter().map(|fault| format!("agora check: {fault}"));
    Failure::Failed(lines.collect::<Vec<_>>().join("\n"))
}

fn failed(error: StorageError) -> Failure {
    Failure::Failed(format!("agora check: {error}"))
}

fn check_any(path: &str, directory: &Directory) -> Result<Findings, Failure> {
    let unknown = |state| {
        let files = check(directory, &ANY_COMMANDS, &mut NoAudit).map_err(failed)?;
        Ok(Findings { files, state: Ok(state) })
    };
    let name = match machine_of(directory) {
        Ok(Some(name)) => name,
        Ok(None) => {
            let findings = unknown(Vec::new())?;
            if findings.files.faults.is_empty() {
                return Err(Failure::Failed(format!("agora check: {path}: no node has been here")));
            }
            return Ok(findings);
        }
        // Reported with the other faults.
        Err(StorageError::Corrupt(_)) => return unknown(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    match MACHINES.iter().find(|machine| machine.name == name) {
        Some(machine) => (machine.check)(directory).map_err(failed),
        None => unknown(vec![format!("machine {name:?} is not known here: commands not checked")]),
    }
}

fn report(path: &str, is_in_use: bool, findings: Findings, access: &Access) -> Result<(), Failure> {
    let Findings { files: Checked { files, faults, loss }, state } = findings;
    let width = files.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, what) in &files {
        print_line(&printable(&format!("{name:<width$}  {what}")))?;
    }
    if is_in_use {
        print_line("A node works here: what it is writing may look unfinished.")?;
    }
    if !faults.is_empty() {
        let faults = faults.iter().map(|fault| format!("agora check: {path}/{fault}"));
        return Err(Failure::Failed(faults.collect::<Vec<_>>().join("\n")));
    }
    let state = state.map_err(|what| Failure::Failed(format!("agora check: {path}: {what}")))?;
    for line in state {
        print_line(&printable(&format!("{:<width$}  {line}", "state")))?;
    }
    if let Some(loss) = loss {
        let what = loss.describe();
        return Err(Failure::Failed(format!(
            "agora check: {path}: the files are good, but {what}"
        )));
    }
    for note in &access.corrected {
        print_line(note)?;
    }
    if !access.refused.is_empty() {
        return Err(refused(access));
    }
    print_line("good")
}

/// Applies all entries, and describes the state with `describe`: after the entries that are known
/// to be committed, and after all.
fn check_as<M: StateMachine>(
    directory: &Directory,
    describe: Describe<M>,
) -> Result<Findings, StorageError> {
    let mut replay =
        Replay { state: Replicated::<M>::default(), describe, committed: None, uncommitted: 0 };
    let files = check(directory, &Commands::of::<M>(), &mut replay)?;
    // The state of damaged files means nothing.
    let state = if files.faults.is_empty() { replay.findings() } else { Ok(Vec::new()) };
    Ok(Findings { files, state })
}

/// Lines about a state, or an error in it.
type Describe<M> = fn(&M) -> Result<Vec<String>, String>;

struct Replay<M> {
    state: Replicated<M>,
    describe: Describe<M>,
    /// The description before the first entry that is not known to be committed.
    committed: Option<Result<Vec<String>, String>>,
    uncommitted: u64,
}

impl<M: StateMachine> Replay<M> {
    fn describe_at(&mut self, when: &str) -> Result<Vec<String>, String> {
        self.state.settle();
        let at = format!("after entry {}{when}", self.state.applied_index());
        match (self.describe)(self.state.machine()) {
            Ok(lines) => Ok(lines.into_iter().map(|line| format!("{at}: {line}")).collect()),
            Err(what) => Err(format!("{at}: {what}")),
        }
    }

    fn findings(mut self) -> Result<Vec<String>, String> {
        let Some(committed) = self.committed.take() else { return self.describe_at("") };
        let mut lines = committed?;
        let when = match self.uncommitted {
            1 => ", the last of which may be committed".to_owned(),
            count => format!(", the last {count} of which may be committed"),
        };
        lines.append(&mut self.describe_at(&when)?);
        Ok(lines)
    }
}

impl<M: StateMachine> Audit for Replay<M> {
    fn restore(&mut self, words: &[&[u8]]) -> Result<(), String> {
        self.state.restore(words)
    }

    fn restored(&mut self, mark: SnapshotMark) -> Result<(), String> {
        self.state.restored(mark.index)
    }

    fn entry(&mut self, entry: &Entry, is_committed: bool) {
        // A gap before it is reported as a fault of the files.
        if entry.index != self.state.applied_index() + 1 {
            return;
        }
        if !is_committed {
            if self.committed.is_none() {
                self.committed = Some(self.describe_at(""));
            }
            self.uncommitted += 1;
        }
        self.state.apply(entry, &mut Vec::new());
    }
}

/// Checks the state of a market.
fn audit(market: &Market) -> Result<Vec<String>, String> {
    let MarketAudit { accounts, items, orders, sold, revenue_minor, ratings, faults } =
        market.audit();
    if !faults.is_empty() {
        return Err(faults.join("; "));
    }
    let (units, cents) = (revenue_minor / 100, revenue_minor % 100);
    Ok(vec![
        format!("{accounts} accounts, {items} items on sale"),
        format!("{orders} orders of {sold} pieces for ${units}.{cents:02}, {ratings} ratings"),
        "stock, sales, ratings, wishlists and search agree with each other".into(),
    ])
}

/// Accepts any words as a command, without decoding it.
const ANY_COMMANDS: Commands = Commands { to_words: |_, _| (), from_words: |_| Ok(Vec::new()) };

struct NoAudit;

impl Audit for NoAudit {
    fn restore(&mut self, _: &[&[u8]]) -> Result<(), String> {
        Ok(())
    }

    fn restored(&mut self, _: SnapshotMark) -> Result<(), String> {
        Ok(())
    }

    fn entry(&mut self, _: &Entry, _: bool) {}
}

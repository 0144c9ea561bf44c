//! `agora check`: looks at the files of a node.

use std::path::Path;

use super::Failure;
use super::flags::Flags;
use super::shell::say;
use crate::kv::state::Kv;
use crate::raft::{Entry, SnapshotMark, StateMachine};
use crate::replica::state::Replicated;
use crate::replica::storage::{
    Audit, Checked, Commands, Directory, StorageError, check, machine_of,
};

const ABOUT: &str = "\
Reads the files of a node and says what each of them holds. Changes nothing; a node that runs may
go on. Exit status 1, and on stderr file, line and byte, if something is wrong.";

/// A kind of state machine whose files can be checked.
struct Machine {
    /// As `metadata.txt` has it.
    name: &'static str,
    check: fn(&Directory) -> Result<Findings, StorageError>,
}

const MACHINES: &[Machine] = &[Machine {
    name: "kv",
    check: |directory| check_as::<Kv>(directory, |kv| Ok(vec![format!("{} keys", kv.len())])),
}];

/// What the files hold, and what the state is that they make.
struct Findings {
    files: Checked,
    /// Of the state: what there is to say, or what is wrong in it.
    state: Result<Vec<String>, String>,
}

/// How often a directory is read in which a node works: what looks wrong may be a moment's state.
const ATTEMPTS: u32 = 3;

/// Checks a directory.
pub(super) fn run(arguments: &[String]) -> Result<(), Failure> {
    let parsed = Flags::new("agora check DIR", ABOUT).parse(arguments)?;
    let [path] = parsed.free() else {
        return Err(parsed.wrong("expected the directory of a node"));
    };
    let directory = Directory::look(Path::new(path)).map_err(failed)?;
    let is_in_use = directory.is_locked_by_other();
    let mut attempts = if is_in_use { ATTEMPTS } else { 1 };
    loop {
        let findings = check_any(path, &directory)?;
        attempts -= 1;
        if attempts == 0 || findings.files.faults.is_empty() {
            return tell(path, is_in_use, findings);
        }
    }
}

fn failed(error: StorageError) -> Failure {
    Failure::Failed(format!("agora check: {error}"))
}

fn check_any(path: &str, directory: &Directory) -> Result<Findings, Failure> {
    let unknown = |state| {
        let files = check(directory, &ANY, &mut Nothing).map_err(failed)?;
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
        // Said with the other faults.
        Err(StorageError::Corrupt(_)) => return unknown(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    match MACHINES.iter().find(|machine| machine.name == name) {
        Some(machine) => (machine.check)(directory).map_err(failed),
        None => unknown(vec![format!("machine {name:?} is not known here: commands not checked")]),
    }
}

fn tell(path: &str, is_in_use: bool, findings: Findings) -> Result<(), Failure> {
    let Findings { files: Checked { files, faults }, state } = findings;
    let width = files.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, what) in &files {
        say(&format!("{name:<width$}  {what}"))?;
    }
    if is_in_use {
        say("A node works here: what it is writing may look unfinished.")?;
    }
    if !faults.is_empty() {
        let faults = faults.iter().map(|fault| format!("agora check: {path}/{fault}"));
        return Err(Failure::Failed(faults.collect::<Vec<_>>().join("\n")));
    }
    let state = state.map_err(|what| Failure::Failed(format!("agora check: {path}: {what}")))?;
    for line in state {
        say(&format!("{:<width$}  {line}", "state"))?;
    }
    say("good")
}

/// Makes the state of all that is committed, and looks at it with `look`.
fn check_as<M: StateMachine>(
    directory: &Directory,
    look: impl Fn(&M) -> Result<Vec<String>, String>,
) -> Result<Findings, StorageError> {
    let mut replay = Replay { state: Replicated::<M>::default() };
    let files = check(directory, &Commands::of::<M>(), &mut replay)?;
    let at = format!("after entry {}", replay.state.applied_index());
    let state = match look(replay.state.machine()) {
        Ok(lines) => Ok(lines.into_iter().map(|line| format!("{at}: {line}")).collect()),
        Err(what) => Err(format!("{at}: {what}")),
    };
    Ok(Findings { files, state })
}

struct Replay<M> {
    state: Replicated<M>,
}

impl<M: StateMachine> Audit for Replay<M> {
    fn restore(&mut self, words: &[&[u8]]) -> Result<(), String> {
        self.state.restore(words)
    }

    fn restored(&mut self, mark: SnapshotMark) -> Result<(), String> {
        self.state.restored(mark.index)
    }

    fn committed(&mut self, entry: &Entry) {
        // A gap before it is said as a fault of the files.
        if entry.index == self.state.applied_index() + 1 {
            self.state.apply(entry, &mut Vec::new());
        }
    }
}

/// Any words are a command, of which nothing is known.
const ANY: Commands = Commands { to_words: |_, _| (), from_words: |_| Ok(Vec::new()) };

struct Nothing;

impl Audit for Nothing {
    fn restore(&mut self, _: &[&[u8]]) -> Result<(), String> {
        Ok(())
    }

    fn restored(&mut self, _: SnapshotMark) -> Result<(), String> {
        Ok(())
    }

    fn committed(&mut self, _: &Entry) {}
}

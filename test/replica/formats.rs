//! The file formats of `schemas/files.md`, checked against a reader in Python that was written from
//! that specification alone.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use agora::kv::state::Kv;
use agora::raft::{Payload, SnapshotMark, StateMachine};
use agora::replica::storage::StorageError;

use super::damage::{long_write, sample};
use super::fixture::{no_op, open, set, try_open, voted};
use super::seed::Seed;
use super::sim_disk::SimDisk;

fn read_files(arguments: &[PathBuf]) -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/replica/read_files.py");
    let run = Command::new("python3").arg(script).args(arguments).output();
    let Ok(output) = run else {
        println!("SKIPPED: there is no python3 here");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The expected output of the Python reader for a directory.
fn described(disk: &SimDisk) -> String {
    let (_, recovered, lines) = match try_open(&disk.copy().disk()) {
        Ok(opened) => opened,
        Err(StorageError::Corrupt(_)) => return "corrupt".into(),
        Err(error) => panic!("{error}"),
    };
    let hard_state = recovered.hard_state;
    let vote = hard_state.voted_for.map_or("None".into(), |node| node.to_string());
    let SnapshotMark { index, term } = recovered.snapshot.unwrap_or_default();
    let is_torn = recovered.repairs.iter().any(|repair| repair.contains("never became durable"));
    let mut text = format!(
        "commit {} term {} vote {vote} snapshot {index} {term} lines {} torn {}: ",
        recovered.commit_length,
        hard_state.current_term,
        lines.len(),
        if is_torn { "True" } else { "False" }
    );
    for (place, entry) in recovered.entries.iter().enumerate() {
        let mut words = Vec::new();
        let mut origin = String::new();
        let hex = |word: &[u8]| word.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        match &entry.payload {
            Payload::NoOp => words.push(hex(b"NO-OP")),
            Payload::OpenSession => words.push(hex(b"OPEN-SESSION")),
            Payload::Command { origin: from, command } => {
                Kv::to_words(command, &mut |word| words.push(hex(word)));
                if let Some(from) = from {
                    origin = format!("{},{},{}", from.session, from.sequence, from.acknowledged);
                }
            }
        }
        let separator = if place > 0 { "; " } else { "" };
        let command = words.join(",");
        let (index, term, at_ms) = (entry.index, entry.term, entry.at_ms);
        write!(text, "{separator}{index} {term} {at_ms} {command} {origin}").unwrap();
    }
    text
}

#[test]
fn the_records_of_the_specification_are_valid() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/files.md");
    if let Some(text) = read_files(&["--example".into(), page]) {
        assert!(text.trim().parse::<u32>().unwrap() >= 4, "{text}");
    }
}

/// Valid, torn and damaged directories: both readers find the same, or refuse.
#[test]
fn a_reader_written_from_the_specification_agrees() {
    let mut disks = vec![sample(), long_write().0];
    let strange = SimDisk::new();
    let (mut storage, _, _) = open(&strange.disk());
    let values: [&[u8]; 6] =
        [b"", b" ", b"a b\\c\n\t", "Zoë 山 \u{a0}\u{2028}🦀".as_bytes(), b"\xff\xc3", b"#"];
    let entries: Vec<_> =
        values.iter().zip(2..).map(|(value, index)| set(1, index, b"at=5", value)).collect();
    storage.write(Some(voted(1, 1)), &[no_op(1, 1)]).unwrap();
    storage.write(None, &entries).unwrap();
    disks.push(strange);
    let good = disks.len();
    for number in 0..300 {
        let mut seed = Seed::new(number);
        let disk = disks[seed.below(good)].copy();
        let name =
            *seed.pick(&["logs.txt", "logs.txt", "logs.txt", "metadata.txt", "snapshot.txt"]);
        let Some(mut bytes) = disk.get(name) else { continue };
        match seed.below(4) {
            0 => seed.mutate(&mut bytes),
            1 => bytes.truncate(bytes.len() - seed.below(bytes.len().min(1000))),
            2 => {
                // Lost sectors.
                let start = seed.below(bytes.len()) / 512 * 512;
                let end = (start + 512 * (1 + seed.below(3))).min(bytes.len());
                bytes[start..end].fill(0);
            }
            _ => bytes.resize(bytes.len() + seed.below(2000), 0),
        }
        disk.put(name, &bytes);
        disks.push(disk);
    }
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("formats");
    let _ = std::fs::remove_dir_all(&root);
    let mut folders = Vec::new();
    for (number, disk) in disks.iter().enumerate() {
        let folder = root.join(number.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        for name in disk.file_names() {
            std::fs::write(folder.join(&name), disk.get(&name).unwrap()).unwrap();
        }
        folders.push(folder);
    }
    let text = read_files(&folders);
    std::fs::remove_dir_all(&root).unwrap();
    let Some(text) = text else { return };
    let (mut corrupt, mut torn) = (0, 0);
    for (number, (text, disk)) in text.lines().zip(&disks).enumerate() {
        let expected = described(disk);
        match expected == "corrupt" {
            true => assert!(text.starts_with("corrupt "), "directory {number}: {text}"),
            false => assert_eq!(text, expected, "directory {number}"),
        }
        corrupt += u32::from(expected == "corrupt");
        torn += u32::from(expected.contains("torn True"));
    }
    assert_eq!(text.lines().count(), disks.len());
    println!("{} directories, {corrupt} corrupt, {torn} torn", disks.len());
    assert!(corrupt > 50 && torn > 30, "{corrupt} corrupt, {torn} torn");
}

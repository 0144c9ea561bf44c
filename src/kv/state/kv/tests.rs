//! The effects of commands, reads, and snapshots.

use super::*;
use crate::kv::state::{Compacted, MAX_VALUE_BYTES};
use crate::seed::Seed;

/// A store with helpers to apply commands.
#[derive(Default)]
struct Fed {
    kv: Kv,
    index: u64,
}

impl Fed {
    fn apply(&mut self, command: Command<'_>) -> Reply {
        self.apply_bytes(&command.encode().unwrap().into())
    }

    fn apply_bytes(&mut self, command: &Arc<[u8]>) -> Reply {
        self.index += 1;
        let mut reply = Vec::new();
        self.kv.apply(self.index, 0, command, &mut reply);
        Reply::decode(&reply).unwrap()
    }

    fn set(&mut self, key: &str, value: &str) -> Reply {
        self.apply(Command::Set { key: key.as_bytes(), value: value.as_bytes() })
    }

    fn delete(&mut self, key: &str) -> Reply {
        self.apply(Command::Delete { key: key.as_bytes() })
    }

    fn compare_and_set(&mut self, key: &str, old: Option<&str>, new: &str) -> Reply {
        let (key, old, new) = (key.as_bytes(), old.map(str::as_bytes), new.as_bytes());
        self.apply(Command::CompareAndSet { key, old, new })
    }

    fn record(&self, key: &str) -> Option<(&str, u64, u64)> {
        let record = self.kv.get(key.as_bytes())?;
        let value = std::str::from_utf8(record.value()).unwrap();
        Some((value, record.modified, record.created))
    }
}

fn lines(kv: &Kv) -> Vec<Vec<Vec<u8>>> {
    let mut frozen = kv.freeze();
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        if !frozen.next_line(&mut |word| line.push(word.to_vec())) {
            return lines;
        }
        lines.push(line);
    }
}

fn restored(lines: &[Vec<Vec<u8>>]) -> Result<Kv, String> {
    let mut kv = Kv::empty();
    for line in lines {
        let words: Vec<&[u8]> = line.iter().map(Vec::as_slice).collect();
        kv.restore(&words)?;
    }
    Ok(kv)
}

#[test]
fn a_key_knows_who_created_it_and_who_changed_it() {
    let mut fed = Fed::default();
    assert_eq!(fed.set("a", "1"), Reply::Written { revision: 1 });
    assert_eq!(fed.set("b", "2"), Reply::Written { revision: 2 });
    assert_eq!(fed.set("a", "3"), Reply::Written { revision: 3 });
    assert_eq!(fed.record("a"), Some(("3", 3, 1)));
    assert_eq!(fed.delete("a"), Reply::Deleted { revision: 4 });
    assert_eq!(fed.delete("a"), Reply::Missing { revision: 5 });
    assert_eq!(fed.record("a"), None);
    fed.set("a", "");
    assert_eq!(fed.record("a"), Some(("", 6, 6)));
    assert_eq!((fed.kv.len(), fed.kv.revision()), (2, 6));
}

#[test]
fn a_compare_and_set_happens_only_when_the_value_is_as_expected() {
    let mut fed = Fed::default();
    assert_eq!(fed.compare_and_set("k", Some(""), "x"), Reply::CompareFailed { modified: 0 });
    assert_eq!(fed.compare_and_set("k", None, "1"), Reply::Written { revision: 2 });
    assert_eq!(fed.compare_and_set("k", None, "2"), Reply::CompareFailed { modified: 2 });
    assert_eq!(fed.compare_and_set("k", Some("2"), "3"), Reply::CompareFailed { modified: 2 });
    assert_eq!(fed.compare_and_set("k", Some("1"), "2"), Reply::Written { revision: 5 });
    assert_eq!(fed.record("k"), Some(("2", 5, 2)));
}

#[test]
fn a_set_is_not_copied() {
    let mut fed = Fed::default();
    let command: Arc<[u8]> = Command::Set { key: b"k", value: b"v" }.encode().unwrap().into();
    fed.apply_bytes(&command);
    let value = fed.kv.get(b"k").unwrap().value().as_ptr();
    assert!(command.as_ptr_range().contains(&value));
}

#[test]
fn what_is_no_command_changes_nothing_and_passes_through_files() {
    let mut fed = Fed::default();
    fed.set("a", "1");
    let before = lines(&fed.kv);
    for bytes in [&b""[..], b"\x09", b"\x01\xff\xff"] {
        assert_eq!(fed.apply_bytes(&bytes.into()), Reply::InvalidCommand);
        let mut words = Vec::new();
        Kv::to_words(bytes, &mut |word| words.push(word.to_vec()));
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        assert_eq!(Kv::from_words(&words).unwrap(), bytes);
        assert!(!Kv::conflicts(&Read::Prefix(b"").encode(), bytes));
    }
    assert_eq!(lines(&fed.kv)[1..], before[1..]);
}

#[test]
fn a_read_conflicts_with_commands_on_what_it_looks_at() {
    let set = Command::Set { key: b"ab", value: b"" }.encode().unwrap();
    assert!(Kv::conflicts(&Read::Key(b"ab").encode(), &set));
    assert!(!Kv::conflicts(&Read::Key(b"a").encode(), &set));
    assert!(Kv::conflicts(&Read::Prefix(b"a").encode(), &set));
    assert!(!Kv::conflicts(&Read::Prefix(b"b").encode(), &set));
    assert!(Kv::conflicts(b"nonsense", &set));
}

#[test]
fn scans_go_on_where_they_stopped() {
    let mut fed = Fed::default();
    for number in 0..250 {
        fed.set(&format!("p/{number:03}"), "v");
    }
    for outside in ["o", "p", "p.", "p0", "q"] {
        fed.set(outside, "v");
    }
    let (mut after, mut found) = (Vec::new(), Vec::new());
    loop {
        let page = fed.kv.scan(b"p/", &after, 40, usize::MAX);
        assert!(page.records.len() == 40 || !page.has_more);
        found.extend(page.records.iter().map(|record| record.key().to_vec()));
        if !page.has_more {
            break;
        }
        after.clone_from(found.last().unwrap());
    }
    let wanted: Vec<_> = (0..250).map(|number| format!("p/{number:03}").into_bytes()).collect();
    assert_eq!(found, wanted);
    assert_eq!(fed.kv.count(b"p/"), 250);
    assert_eq!(fed.kv.count(b"p"), 253);
    assert_eq!(fed.kv.count(b""), 255);
    assert_eq!(fed.kv.count(b"zz"), 0);
    let exact = fed.kv.scan(b"p/24", b"", 10, usize::MAX);
    assert_eq!((exact.records.len(), exact.has_more), (10, false));
    assert!(fed.kv.scan(b"p/", b"q", 10, usize::MAX).records.is_empty());
    assert_eq!(fed.kv.scan(b"p/", b"a", 1, usize::MAX).records[0].key(), b"p/000");
    assert_eq!(fed.kv.scan(b"p/", b"p/0009", 1, usize::MAX).records[0].key(), b"p/001");
}

#[test]
fn a_scan_is_bounded_in_bytes_and_never_stuck() {
    let mut fed = Fed::default();
    let large = "x".repeat(MAX_VALUE_BYTES);
    for key in ["a", "b", "c"] {
        fed.set(key, &large);
    }
    let page = fed.kv.scan(b"", b"", 100, 1);
    assert_eq!((page.records.len(), page.has_more), (1, true));
    let page = fed.kv.scan(b"", b"", 100, 2 * (MAX_VALUE_BYTES + 1));
    assert_eq!((page.records.len(), page.has_more), (2, true));
    let page = fed.kv.scan(b"", b"b", 100, 1);
    assert_eq!((page.records.len(), page.has_more), (1, false));
}

#[test]
fn keys_of_the_largest_bytes_are_counted_too() {
    let mut fed = Fed::default();
    for key in [&b"\xfe\xff"[..], b"\xff", b"\xff\xff", b"\xff\xff\xff", b"\xff\0"] {
        fed.apply(Command::Set { key, value: b"" });
    }
    assert_eq!(fed.kv.count(b"\xff"), 4);
    assert_eq!(fed.kv.count(b"\xff\xff"), 2);
    assert_eq!(fed.kv.count(b"\xfe\xff"), 1);
    assert_eq!(fed.kv.scan(b"\xff\xff", b"", 9, 99).records.len(), 2);
}

#[test]
fn a_history_tells_what_changed_and_in_which_order() {
    let mut fed = Fed::default();
    fed.set("a", "1");
    fed.compare_and_set("a", Some("wrong"), "x");
    fed.compare_and_set("a", Some("1"), "2");
    fed.delete("nothing");
    fed.delete("a");
    let changes: Vec<_> = fed.kv.history().after(0).unwrap().collect();
    let changes: Vec<_> =
        changes.iter().map(|c| (c.revision, c.created, c.key(), c.value())).collect();
    let (one, two) = (&b"1"[..], &b"2"[..]);
    let key = &b"a"[..];
    assert_eq!(changes, [(1, 1, key, Some(one)), (3, 1, key, Some(two)), (5, 0, key, None)]);
}

#[test]
fn a_restored_store_is_the_same_and_goes_on_the_same() {
    let mut seed = Seed::new(7);
    let mut fed = Fed::default();
    let step = |fed: &mut Fed, seed: &mut Seed| {
        let key = format!("key{}", seed.below(500));
        match seed.below(4) {
            0 => fed.delete(&key),
            1 => fed.compare_and_set(&key, None, "created"),
            _ => fed.set(&key, &format!("value {}", seed.next_u64())),
        }
    };
    for _ in 0..5_000 {
        step(&mut fed, &mut seed);
    }
    let frozen = lines(&fed.kv);
    assert_eq!(frozen[0], [&b"REVISION"[..], b"5000"]);
    let mut other = Fed { kv: restored(&frozen).unwrap(), index: fed.index };
    assert_eq!(lines(&other.kv), frozen);
    assert_eq!(other.kv.history().after(4_999).err(), Some(Compacted { oldest: 5_000 }));
    let mut seed_of_other = Seed::new(8);
    let mut seed = Seed::new(8);
    for _ in 0..1_000 {
        assert_eq!(step(&mut fed, &mut seed), step(&mut other, &mut seed_of_other));
    }
    assert_eq!(lines(&other.kv), lines(&fed.kv));
}

#[test]
fn a_frozen_store_does_not_see_later_commands() {
    let mut fed = Fed::default();
    for number in 0..1_000 {
        fed.set(&format!("{number}"), "old");
    }
    let (mut frozen, was) = (fed.kv.freeze(), lines(&fed.kv));
    for number in 0..1_000 {
        fed.set(&format!("{number}"), "new");
    }
    let walk = std::thread::spawn(move || {
        let mut lines = Vec::new();
        let mut line = Vec::new();
        while frozen.next_line(&mut |word| line.push(word.to_vec())) {
            lines.push(std::mem::take(&mut line));
        }
        lines
    });
    assert_eq!(walk.join().unwrap(), was);
}

#[test]
fn lines_that_are_not_of_a_store_are_refused() {
    let pair = |words: &[&str]| -> Vec<Vec<u8>> {
        words.iter().map(|word| word.as_bytes().to_vec()).collect()
    };
    for lines in [
        vec![pair(&["REVISION", "x"])],
        vec![pair(&["REVISION"])],
        vec![pair(&["PAIR", "", "v", "1", "1"])],
        vec![pair(&["PAIR", "k", "v", "1"])],
        vec![pair(&["PAIR", "k", "v", "-1", "1"])],
        vec![pair(&["PAIR", "k", "v", "1", "1"]), pair(&["PAIR", "k", "w", "2", "1"])],
        vec![pair(&["SET", "k", "v"])],
        vec![pair(&[])],
    ] {
        assert!(restored(&lines).is_err(), "{lines:?}");
    }
}

/// The size that a snapshot's lines add up to.
fn counted(kv: &Kv) -> u64 {
    kv.seek_all().map(|record| 128 + (record.key().len() + record.value().len()) as u64).sum()
}

impl Kv {
    fn seek_all(&self) -> impl Iterator<Item = Record> {
        self.records.seek(b"")
    }
}

#[test]
fn the_size_follows_every_change_and_survives_a_snapshot() {
    let mut seed = Seed::new(0x5157);
    let mut fed = Fed::default();
    for _ in 0..2_000 {
        let (key, value) = (format!("k{}", seed.below(40)), "v".repeat(seed.below(300)));
        match seed.below(4) {
            0 => fed.delete(&key),
            1 => fed.compare_and_set(&key, None, &value),
            _ => fed.set(&key, &value),
        };
        assert_eq!(fed.kv.size_bytes(), counted(&fed.kv));
    }
    let copy = restored(&lines(&fed.kv)).unwrap();
    assert_eq!(copy.size_bytes(), fed.kv.size_bytes());
    for key in 0..40 {
        fed.delete(&format!("k{key}"));
    }
    assert_eq!(fed.kv.size_bytes(), 0);
}

#[test]
fn the_size_after_pending_commands_is_exact_or_above() {
    let mut seed = Seed::new(0x5158);
    for _ in 0..500 {
        let mut fed = Fed::default();
        for key in 0..seed.below(6) {
            fed.set(&format!("k{key}"), &"v".repeat(50));
        }
        let mut has_unknown = false;
        let mut commands = Vec::new();
        for _ in 0..1 + seed.below(8) {
            let (key, value) = (format!("k{}", seed.below(6)), "w".repeat(seed.below(100)));
            let (key, new) = (key.as_bytes(), value.as_bytes());
            commands.push(match seed.below(4) {
                0 => Command::Delete { key }.encode().unwrap(),
                1 => {
                    has_unknown = true;
                    Command::CompareAndSet { key, old: None, new }.encode().unwrap()
                }
                _ => Command::Set { key, value: new }.encode().unwrap(),
            });
        }
        let bound = fed.kv.size_bytes_after(&mut commands.iter().map(Vec::as_slice));
        for command in commands {
            fed.apply_bytes(&command.into());
        }
        let size = fed.kv.size_bytes();
        assert!(bound == size || (has_unknown && bound > size), "{bound} is announced, {size} is");
    }
}

#[test]
fn a_compare_and_set_that_fails_adds_nothing() {
    let mut fed = Fed::default();
    fed.set("lock", "mine");
    let create = Command::CompareAndSet { key: b"lock", old: None, new: &[b'x'; 90] };
    let create = create.encode().unwrap();
    assert_eq!(fed.kv.size_bytes_after(&mut [&create[..]].into_iter()), fed.kv.size_bytes());
    assert!(Kv::may_grow(&create));
    assert!(!Kv::may_grow(&Command::Delete { key: b"lock" }.encode().unwrap()));
    assert!(!Kv::may_grow(b"no command"));
}

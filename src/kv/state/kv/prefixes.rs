//! The keys by prefix, for people: how they are grouped is a guess from their form.

use super::{Kv, prefix_end};

/// What ends a prefix.
const SEPARATORS: &[u8] = b"/:|.";
/// Prefixes that are looked for, in the order of the keys. Keys behind them are in none.
const MAX_PREFIXES: usize = 64;
/// Records of a prefix whose size is known exactly; it stands for the others.
const SAMPLED_RECORDS: usize = 16;

/// The keys with a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixCount {
    /// The prefix.
    pub prefix: Vec<u8>,
    /// The number of keys.
    pub count: u64,
    /// Their size, estimated from the first of them.
    pub about_bytes: u64,
}

impl Kv {
    /// The prefixes of the keys with their numbers, in order. No key is in two of them. The cost does
    /// not depend on the number of keys.
    pub fn prefixes(&self) -> Vec<PrefixCount> {
        let mut prefixes = Vec::new();
        let mut from = Some(Vec::new());
        while let Some(start) = from.take() {
            if prefixes.len() == MAX_PREFIXES {
                break;
            }
            let Some(first) = self.records.seek(&start).next() else { break };
            let prefix = prefix_of(first.key()).to_vec();
            let count = self.count(&prefix);
            let sample = self.records.seek(&prefix).take(count.min(SAMPLED_RECORDS));
            let (mut bytes, mut sampled) = (0, 0);
            for record in sample {
                bytes += record.size_bytes();
                sampled += 1;
            }
            let about_bytes = bytes.saturating_mul(count as u64) / u64::max(sampled, 1);
            from = prefix_end(&prefix);
            prefixes.push(PrefixCount { prefix, count: count as u64, about_bytes });
        }
        prefixes
    }
}

/// `user/` of `user/17`, `name` of `name12`.
fn prefix_of(key: &[u8]) -> &[u8] {
    // A separator at the beginning ends nothing.
    let separator = key.iter().skip(1).position(|byte| SEPARATORS.contains(byte));
    if let Some(prefix) = separator.and_then(|at| key.get(..at + 2)) {
        return prefix;
    }
    let digits = key.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    match key.get(..key.len() - digits) {
        Some(prefix) if !prefix.is_empty() => prefix,
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kv::state::Command;
    use crate::raft::StateMachine;

    fn with_keys<'k>(keys: impl Iterator<Item = &'k [u8]>) -> Kv {
        let mut kv = Kv::default();
        for (index, key) in keys.enumerate() {
            let command: Arc<[u8]> = Command::Set { key, value: b"v" }.encode().unwrap().into();
            kv.apply(index as u64 + 1, 0, &command, &mut Vec::new());
        }
        kv
    }

    #[test]
    fn keys_are_grouped_by_what_is_before_a_separator_or_number() {
        for (key, prefix) in [
            ("user/17", "user/"),
            ("/registry/pods/a", "/registry/"),
            ("a:b:c", "a:"),
            ("name12", "name"),
            ("name", "name"),
            ("123", "123"),
            ("/", "/"),
            ("x", "x"),
        ] {
            assert_eq!(prefix_of(key.as_bytes()), prefix.as_bytes(), "{key}");
        }
    }

    #[test]
    fn every_key_is_counted_once() {
        let keys: Vec<String> = (0..1000)
            .map(|n| match n % 3 {
                0 => format!("user/{n}"),
                1 => format!("order:{n}"),
                _ => format!("name{n}"),
            })
            .collect();
        let kv = with_keys(keys.iter().map(|key| key.as_bytes()));
        let prefixes = kv.prefixes();
        let found: Vec<(&[u8], u64)> =
            prefixes.iter().map(|found| (found.prefix.as_slice(), found.count)).collect();
        assert_eq!(found, [(&b"name"[..], 333), (b"order:", 333), (b"user/", 334)]);
        let bytes: u64 = prefixes.iter().map(|found| found.about_bytes).sum();
        assert!(bytes.abs_diff(kv.bytes) < kv.bytes / 50, "{bytes} of {}", kv.bytes);
        assert_eq!(Kv::default().prefixes(), []);
    }

    #[test]
    fn many_prefixes_are_cut_and_the_last_of_all_keys_ends_the_search() {
        let keys: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte, b'x']).collect();
        let kv = with_keys(keys.iter().map(Vec::as_slice));
        assert_eq!(kv.prefixes().len(), MAX_PREFIXES);
        let kv = with_keys([&[255, 255][..], &[255]].into_iter());
        assert_eq!(kv.prefixes().len(), 1);
    }
}

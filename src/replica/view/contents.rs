//! What a state machine holds, in parts, for people.

/// A part: the keys with a prefix, or the things of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The prefix or the kind, printable.
    pub name: String,
    /// The number of keys or things.
    pub count: u64,
    /// Their size, estimated from some of them; 0: not known.
    pub about_bytes: u64,
}

/// What a state machine holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// What is counted, in words: `keys by prefix`.
    pub what: &'static str,
    /// All keys or things.
    pub count: u64,
    /// The parts, the most numerous first.
    pub parts: Vec<Part>,
    /// Keys or things that are in none of the parts.
    pub rest_count: u64,
}

impl Contents {
    /// Parts of a whole of `count`, of which the `max` most numerous are kept.
    pub fn of(what: &'static str, count: u64, mut parts: Vec<Part>, max: usize) -> Contents {
        parts.sort_unstable_by(|one, other| {
            other.count.cmp(&one.count).then(one.name.cmp(&other.name))
        });
        parts.truncate(max);
        let in_parts = parts.iter().map(|part| part.count).sum();
        Contents { what, count, parts, rest_count: count.saturating_sub(in_parts) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_numerous_parts_are_shown_and_the_others_counted() {
        let part = |name: &str, count| Part { name: name.into(), count, about_bytes: 0 };
        let parts = vec![part("b", 2), part("a", 2), part("c", 1), part("d", 9)];
        let contents = Contents::of("keys", 15, parts, 3);
        let names: Vec<&str> = contents.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["d", "a", "b"]);
        assert_eq!(contents.rest_count, 2);
    }
}

//! The static table (RFC 7541 appendix A).

use super::field_block::Field;
use super::hash::hash;

/// How many entries it has; the dynamic table's indices begin behind them.
pub(super) const LEN: usize = FIELDS.len();

/// Entry 1 first.
#[rustfmt::skip]
const FIELDS: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// Where an entry stands in [`BYTES`].
#[derive(Clone, Copy)]
struct Offsets {
    start: u16,
    name_len: u8,
    value_len: u8,
    /// How many entries with the same name follow this one.
    same_name: u8,
}

const BYTES_LEN: usize = {
    let mut len = 0;
    let mut at = 0;
    while at < LEN {
        len += FIELDS[at].0.len() + FIELDS[at].1.len();
        at += 1;
    }
    len
};

/// All names and values, so that an entry is one piece.
static BYTES: [u8; BYTES_LEN] = {
    let mut bytes = [0; BYTES_LEN];
    let mut end = 0;
    let mut at = 0;
    while at < LEN {
        let (name, value) = FIELDS[at];
        (bytes, end) = copied(bytes, end, name.as_bytes());
        (bytes, end) = copied(bytes, end, value.as_bytes());
        at += 1;
    }
    bytes
};

const fn copied(mut to: [u8; BYTES_LEN], at: usize, from: &[u8]) -> ([u8; BYTES_LEN], usize) {
    let mut octet = 0;
    while octet < from.len() {
        to[at + octet] = from[octet];
        octet += 1;
    }
    (to, at + from.len())
}

static OFFSETS: [Offsets; LEN] = {
    let mut offsets = [Offsets { start: 0, name_len: 0, value_len: 0, same_name: 0 }; LEN];
    let mut start = 0;
    let mut at = 0;
    while at < LEN {
        let (name, value) = FIELDS[at];
        let mut behind = at + 1;
        while behind < LEN && equal(FIELDS[behind].0.as_bytes(), name.as_bytes()) {
            behind += 1;
        }
        offsets[at] = Offsets {
            start: start as u16,
            name_len: name.len() as u8,
            value_len: value.len() as u8,
            same_name: (behind - at - 1) as u8,
        };
        start += name.len() + value.len();
        at += 1;
    }
    offsets
};

const fn equal(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// The entry with this index, 1 to [`LEN`].
#[inline]
pub(super) fn get(index: usize) -> Option<Field<'static>> {
    let offsets = OFFSETS.get(index.checked_sub(1)?)?;
    let start = usize::from(offsets.start);
    let len = usize::from(offsets.name_len) + usize::from(offsets.value_len);
    Some(Field { bytes: &BYTES[start..start + len], name_len: usize::from(offsets.name_len) })
}

/// How many slots [`SLOTS`] has: a power of two, several times the number of names.
const SLOT_COUNT: usize = 256;

/// The index of each name's first entry, by the name's hash; 0 is empty. A name whose slot is
/// taken stands in the next empty one.
static SLOTS: [u8; SLOT_COUNT] = {
    let mut slots = [0; SLOT_COUNT];
    let mut at = 0;
    while at < LEN {
        let name = FIELDS[at].0.as_bytes();
        if at == 0 || !equal(FIELDS[at - 1].0.as_bytes(), name) {
            let mut slot = hash(name) as usize % SLOT_COUNT;
            while slots[slot] != 0 {
                slot = (slot + 1) % SLOT_COUNT;
            }
            slots[slot] = at as u8 + 1;
        }
        at += 1;
    }
    slots
};

/// The index of the first entry with this name, whose hash is `hash`.
#[inline]
pub(super) fn find_name(name: &[u8], hash: u32) -> Option<usize> {
    let mut slot = hash as usize % SLOT_COUNT;
    loop {
        let index = usize::from(SLOTS[slot]);
        if get(index)?.name() == name {
            return Some(index);
        }
        slot = (slot + 1) % SLOT_COUNT;
    }
}

/// The index of the entry with this value among those that share the name of the entry `first`.
#[inline]
pub(super) fn find_value(first: usize, value: &[u8]) -> Option<usize> {
    let same_name = OFFSETS.get(first.checked_sub(1)?)?.same_name;
    (first..=first + usize::from(same_name))
        .find(|&index| get(index).is_some_and(|field| field.value() == value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_by_index_name_and_value() {
        for (at, (name, value)) in FIELDS.iter().enumerate() {
            let field = get(at + 1).unwrap();
            assert_eq!((field.name(), field.value()), (name.as_bytes(), value.as_bytes()));
            let first = find_name(name.as_bytes(), hash(name.as_bytes())).unwrap();
            assert!(first <= at + 1);
            assert_eq!(find_value(first, value.as_bytes()), Some(at + 1));
        }
    }

    /// Appendix A, rows from its beginning, middle and end.
    #[test]
    fn the_entries_are_those_of_the_appendix() {
        let rows: [(usize, &str, &str); 9] = [
            (1, ":authority", ""),
            (2, ":method", "GET"),
            (7, ":scheme", "https"),
            (8, ":status", "200"),
            (16, "accept-encoding", "gzip, deflate"),
            (31, "content-type", ""),
            (32, "cookie", ""),
            (58, "user-agent", ""),
            (61, "www-authenticate", ""),
        ];
        for (index, name, value) in rows {
            assert_eq!(FIELDS[index - 1], (name, value));
        }
    }

    #[test]
    fn absent_entries_are_not_found() {
        assert!(get(0).is_none());
        assert!(get(62).is_none());
        for name in ["", "x", "te", "grpc-status", ":statuz", "content-typ", "content-type2"] {
            assert_eq!(find_name(name.as_bytes(), hash(name.as_bytes())), None, "{name}");
        }
        assert_eq!(find_value(8, b"201"), None);
        assert_eq!(find_value(8, b""), None);
    }
}

//! A hash of short strings for the encoder's tables.
//!
//! It need not resist an attacker: a table has at most 128 entries, and a search compares hashes one
//! by one. A collision costs one more comparison.

/// The hash of a name, or of a value.
pub(super) const fn hash(text: &[u8]) -> u32 {
    let mut hash = text.len() as u64;
    let mut rest = text;
    while let Some((octets, behind)) = rest.split_first_chunk::<8>() {
        hash = mix(hash, u64::from_le_bytes(*octets));
        rest = behind;
    }
    // The rest is read with an overlap instead of octet by octet.
    if let Some(octets) = text.last_chunk::<8>() {
        hash = mix(hash, u64::from_le_bytes(*octets));
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        hash = mix(hash, (first as u64) << 32 | last as u64);
    } else {
        while let Some((octet, behind)) = rest.split_first() {
            hash = mix(hash, *octet as u64);
            rest = behind;
        }
    }
    (hash >> 32) as u32
}

/// The hash of a field whose name has the hash `name_hash`.
pub(super) const fn field_hash(name_hash: u32, value: &[u8]) -> u32 {
    (mix(name_hash as u64, hash(value) as u64) >> 32) as u32
}

const fn mix(hash: u64, octets: u64) -> u64 {
    (hash.rotate_left(5) ^ octets).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

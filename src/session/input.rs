//! Buffers incomplete input.

/// An empty buffer with more capacity than this is freed, so that an idle connection costs little
/// memory.
const KEPT_CAPACITY_BYTES: usize = 1024;

/// The beginning of a frame or an envelope whose rest has not arrived.
///
/// Complete units are not copied: they are processed in the read buffer.
#[derive(Debug, Default)]
pub(super) struct PartialInput {
    kept: Vec<u8>,
}

impl PartialInput {
    /// Passes the kept bytes followed by `input` to `consume`, which returns how many bytes it
    /// used. The rest is kept.
    pub(super) fn feed(&mut self, input: &[u8], consume: impl FnOnce(&[u8]) -> usize) {
        if self.kept.is_empty() {
            let used = consume(input);
            self.kept.extend_from_slice(input.get(used..).unwrap_or_default());
            return;
        }
        self.kept.extend_from_slice(input);
        let used = consume(&self.kept).min(self.kept.len());
        self.kept.drain(..used);
        if self.kept.is_empty() && self.kept.capacity() > KEPT_CAPACITY_BYTES {
            self.kept = Vec::new();
        }
    }

    /// How many bytes are kept.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether anything is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Drops everything: the connection is over.
    pub(super) fn clear(&mut self) {
        self.kept = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_unit_is_passed_again_with_the_next_input() {
        let mut partial = PartialInput::default();
        let mut seen = Vec::new();
        let mut units_of_three = |bytes: &[u8]| {
            let used = bytes.len() / 3 * 3;
            seen.extend_from_slice(&bytes[..used]);
            used
        };
        partial.feed(b"ab", &mut units_of_three);
        partial.feed(b"cdefg", &mut units_of_three);
        partial.feed(b"hi", &mut units_of_three);
        assert_eq!(seen, b"abcdefghi");
        assert!(partial.kept.is_empty());
    }

    #[test]
    fn a_large_buffer_is_freed_once_it_is_empty() {
        let mut partial = PartialInput::default();
        partial.feed(&[0; 100_000], |_| 0);
        partial.feed(&[0; 10], <[u8]>::len);
        assert_eq!(partial.kept.capacity(), 0);
    }
}

//! Text as our files have it: words, lines, numbers. `schemas/files.md` defines the bytes.
//!
//! A file is lines, a line is words with one space between them. A word is any bytes: what would
//! end it, or what a person would not see, is escaped with a backslash, so that a line is always
//! one line under `cat`, and its words are the same to `cut`, `awk` and Python's `split`. A
//! *record* is a line whose last word is a checksum of all before it.
//!
//! ```text
//! SET greeting hello\ world 1 # 3 at=1700000000000 2f1e9c04
//! ```
//!
//! | file | |
//! |---|---|
//! | `word` | escaping and its way back |
//! | `line` | words to a line and back |
//! | `record` | lines with a checksum |
//! | `crc32c` | the checksum (RFC 3720, appendix B.4) |
//! | `integer` | whole numbers, without allocation |
//! | `number` | numbers with a point and an exponent, read fast |
//! | `scan` | looks for a byte in many at once |
//! | `simd` | bytes and digits, sixteen at a time |
//!
//! There is one way to write anything. A reader refuses a line that our writer would not have
//! written (an escape that was not needed, `\x4A` for `\x4a`, `07` for `7`), so no damage hides
//! behind a second spelling. What is left out: other escapes of C (`\t` is `\x09`), comments, blank
//! lines, and any encoding but UTF-8.

mod crc32c;
mod integer;
mod line;
mod number;
mod record;
mod scan;
mod simd;
mod word;

pub use crc32c::{crc32c, extend_crc32c};
pub use integer::{parse_hex, parse_u64, push_hex, push_u64};
pub use line::{LineError, Scratch, parse_words, push_words};
pub use number::{parse_digits, parse_f64, parse_f64_prefix, parse_fixed_f64};
pub use record::{CHECKSUM_BYTES, push_checksum, strip_checksum};
pub use scan::find;
pub use simd::{CHUNK, byte_masks};
pub use word::{WordError, escape, unescape};

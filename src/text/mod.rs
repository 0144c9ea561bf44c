//! The text format of all files: words, lines, numbers. `schemas/files.md` defines the bytes.
//!
//! A file consists of lines, a line of words with one space between them. A word is any bytes:
//! white space and invisible characters are escaped with a backslash, so that `cat` shows a line as
//! one line, and `cut`, `awk` and Python's `split` find the same words. A *record* is a line whose
//! last word is a checksum of everything before it.
//!
//! ```text
//! SET greeting hello\ world 1 # 3 at=1700000000000 2f1e9c04
//! ```
//!
//! | file | |
//! |---|---|
//! | `word` | escaping and unescaping words |
//! | `line` | writing and parsing lines of words |
//! | `record` | lines with a checksum |
//! | `crc32c` | the checksum (RFC 3720, appendix B.4) |
//! | `integer` | integers, without allocation |
//! | `number` | fast parsing of decimal numbers |
//! | `base64` | bytes as text, for the formats of others (RFC 4648) |
//! | `printable` | text of others for a terminal or a log line |
//! | `scan` | fast search for a byte |
//! | `simd` | bytes and digits, sixteen at a time |
//!
//! The format is canonical: every value has exactly one spelling. The parser refuses a line that
//! the writer would not write (an unneeded escape, `\x4A` for `\x4a`, `07` for `7`), so that damage
//! is not mistaken for another spelling. Left out are other escapes of C (`\t` is `\x09`),
//! comments, blank lines, and encodings other than UTF-8.

pub mod base64;
mod crc32c;
mod integer;
mod line;
mod number;
mod printable;
mod record;
mod scan;
mod simd;
mod time;
mod word;

pub use crc32c::{crc32c, extend_crc32c};
pub use integer::{parse_hex, parse_u64, push_hex, push_u64};
pub use line::{LineError, Scratch, parse_words, push_words};
pub use number::{parse_digits, parse_f64, parse_f64_prefix, parse_fixed_f64};
pub use printable::{is_hidden, printable, printable_lines};
pub use record::{CHECKSUM_BYTES, push_checksum, strip_checksum};
pub use scan::find;
pub use simd::{CHUNK, byte_masks};
pub use time::{date_and_time, days_since_1970, http_date, push_time};
pub use word::{WordError, escape, unescape};

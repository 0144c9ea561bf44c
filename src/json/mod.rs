//! Messages as JSON, and back ("ProtoJSON Format", protobuf.dev), driven by compiled descriptors.
//!
//! A [`Schema`] is read from a `FileDescriptorSet` once; [`to_json`] and [`from_json`] convert one
//! message by it, without generated code.
//!
//! | | is written | is read |
//! |---|---|---|
//! | a field's name | `lowerCamelCase` | the same, or as in the .proto file |
//! | 64-bit integers | as strings | as strings or numbers, also `1e3` and `100.0`, exactly |
//! | `float`, `double` | shortest text of their width; `"NaN"`, `"Infinity"`, `"-Infinity"` | the same, or in quotes; beyond the range is refused |
//! | `bytes` | base64, padded | base64 of either alphabet, padded or not |
//! | enums | by name; unknown ones as numbers | by name or number; an unknown name is refused |
//! | maps | as objects, in the order of their keys | a key twice is refused |
//! | wrappers (`google.protobuf.StringValue`) | their value | their value, or null |
//! | defaults without presence | not at all | as absence |
//! | null | never | as absence; refused in lists and maps |
//!
//! A field that is there twice (by either name), two members of a oneof, and what follows the text are
//! refused. A field that the message does not have is refused or ignored: see [`Unknown`]. An error
//! names the field, `changes[3].key`, and says what the field needs.
//!
//! # Bounds
//!
//! A text is read by `serde_json` in one pass, and each value becomes its bytes at once; no tree is
//! made. A message is at most five times its text (lists of `1` as doubles, of `-1` as integers), and
//! its JSON may be far larger than a message: both functions take a limit. Messages may be nested
//! [`MAX_DEPTH`] deep. Numbers are taken from their text, so none is rounded on its way.
//!
//! # Left out
//!
//! Groups, extensions, and well-known types other than the wrappers; [`Schema::read`] refuses them,
//! and messages of more than 64 fields. Without the feature `json` both functions refuse in words;
//! the schema and [`quote`] exist in every build, since Connect's binary encoding needs them.
//!
//! | file | |
//! |---|---|
//! | `descriptor` | declarations in compiled descriptors |
//! | `schema` | messages, enums and methods by name |
//! | `write` | messages to JSON |
//! | `read`, `scalar`, `number` | JSON to messages |
//! | `quote` | texts as JSON strings |
//! | `absent` | the build without JSON |

#[cfg(not(feature = "json"))]
mod absent;
mod descriptor;
mod error;
#[cfg(feature = "json")]
mod number;
mod quote;
#[cfg(feature = "json")]
mod read;
#[cfg(feature = "json")]
mod scalar;
// It reads and checks all that is declared; without JSON only names and methods are asked for.
#[cfg_attr(not(feature = "json"), expect(dead_code, reason = "only JSON reads fields and enums"))]
mod schema;
#[cfg(feature = "json")]
mod write;

#[cfg(not(feature = "json"))]
pub use absent::{from_json, to_json};
#[cfg(feature = "json")]
pub use read::from_json;
#[cfg(feature = "json")]
pub use write::to_json;

pub use error::Error;
pub use quote::quote;
pub use schema::{MessageId, Method, Schema};

/// Whether this build has JSON.
pub const IS_AVAILABLE: bool = cfg!(feature = "json");

/// The compiled descriptors of everything in `proto/`.
pub const PROTOSET: &[u8] = include_bytes!("../../schemas/agora.protoset");

/// The maximum nesting depth of messages, as in other protobuf implementations.
pub const MAX_DEPTH: usize = 100;

/// What happens to a field of a text that its message does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The text is refused.
    Refused,
    /// The field is ignored, so that a client of a newer version is understood.
    Ignored,
}

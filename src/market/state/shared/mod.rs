//! Persistent collections: copies share the nodes that have not changed.
//!
//! A copy of an [`Array`] or a [`Map`] is one more reference to its root, however many values it
//! has. A write copies those nodes on its path that a copy still refers to (`Arc::make_mut`: copy
//! on write), a few at most, and changes the others in place. So another thread can write a
//! snapshot from a copy that does not change, while the market applies commands.
//!
//! - [`array`]: values by number, sparse ones too;
//! - [`map`]: values in the order of their keys.

mod array;
mod map;

pub use array::Array;
pub use map::Map;

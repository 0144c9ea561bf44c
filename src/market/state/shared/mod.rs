//! Collections whose copies share what has not changed.
//!
//! A copy of an [`Array`] or a [`Map`] is one more reference to its root, however much is in it. A
//! write copies the nodes on its path that a copy still sees (`Arc::make_mut`), a few at most, and
//! changes the others in place. So the state that a snapshot is written from stands still on another
//! thread while the market goes on.
//!
//! - [`array`]: values by number, sparse ones too;
//! - [`map`]: values in the order of their keys.

mod array;
mod map;

pub use array::Array;
pub use map::Map;

//! What waits to be handled.

//! The methods that can be called, with their messages.

use std::sync::OnceLock;

use crate::json::{Method, Schema};
use crate::protobuf;

/// The methods of compiled descriptors, which are read for the first call.
#[derive(Debug)]
pub struct Catalog {
    protoset: &'static [u8],
    schema: OnceLock<Result<Schema, protobuf::Error>>,
}

impl Catalog {
    /// The methods that a `FileDescriptorSet` declares, such as [`PROTOSET`](crate::json::PROTOSET).
    pub const fn new(protoset: &'static [u8]) -> Catalog {
        Catalog { protoset, schema: OnceLock::new() }
    }

    /// The schema; `None` if the descriptors are malformed.
    pub(super) fn schema(&self) -> Option<&Schema> {
        self.schema.get_or_init(|| Schema::read(self.protoset)).as_ref().ok()
    }

    /// The method with this path: `/package.Service/Method`.
    pub fn method(&self, path: &str) -> Option<Method> {
        self.schema()?.method(path).copied()
    }
}

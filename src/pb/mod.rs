//! Protobuf messages, generated from `proto/` by `scripts/genproto`.

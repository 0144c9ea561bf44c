//! The protocols that a client may speak, for those who count connections.

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// Not known yet, or refused.
    Unknown,
    /// gRPC over HTTP/2.
    Grpc,
    /// Agora's native protocol.
    Native,
    /// HTTP/1.1.
    Http1,
}

impl Spoken {
    /// All of them, in the order of their numbers.
    pub const ALL: [Spoken; 4] = [Spoken::Unknown, Spoken::Grpc, Spoken::Native, Spoken::Http1];

    /// The name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Spoken::Unknown => "unknown",
            Spoken::Grpc => "grpc",
            Spoken::Native => "native",
            Spoken::Http1 => "http1",
        }
    }
}

//! How a call ends: one of 17 codes, a message, and trailing metadata.

use std::fmt;

use super::Metadata;

/// The 17 status codes of gRPC, with gRPC's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Code {
    /// The call succeeded.
    Ok = 0,
    /// The caller cancelled the call.
    Cancelled = 1,
    /// An error without a code, or with a code of a later version.
    Unknown = 2,
    /// The request is invalid in every state of the system.
    InvalidArgument = 3,
    /// The deadline passed before an answer; the call may have had its effect.
    DeadlineExceeded = 4,
    /// The requested entity does not exist.
    NotFound = 5,
    /// The entity to create exists already.
    AlreadyExists = 6,
    /// The caller is authenticated but not allowed.
    PermissionDenied = 7,
    /// A quota, a queue or a limit is full.
    ResourceExhausted = 8,
    /// The system is not in the state that the request requires.
    FailedPrecondition = 9,
    /// A concurrent change interfered; retry the whole operation.
    Aborted = 10,
    /// Beyond the valid range, which may grow.
    OutOfRange = 11,
    /// The server does not have this method.
    Unimplemented = 12,
    /// An invariant of this program is broken, or the peer's bytes are malformed.
    Internal = 13,
    /// Not possible now; the same call may succeed later, or on another server.
    Unavailable = 14,
    /// Data is permanently lost or damaged.
    DataLoss = 15,
    /// The caller is not authenticated.
    Unauthenticated = 16,
}

impl Code {
    /// All codes, in the order of their numbers.
    pub const ALL: [Code; 17] = [
        Code::Ok,
        Code::Cancelled,
        Code::Unknown,
        Code::InvalidArgument,
        Code::DeadlineExceeded,
        Code::NotFound,
        Code::AlreadyExists,
        Code::PermissionDenied,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unimplemented,
        Code::Internal,
        Code::Unavailable,
        Code::DataLoss,
        Code::Unauthenticated,
    ];

    /// The number on the wire, 0 to 16.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The code with this number; a higher number is [`Code::Unknown`], as gRPC asks.
    pub fn from_number(number: u64) -> Code {
        usize::try_from(number)
            .ok()
            .and_then(|index| Code::ALL.get(index).copied())
            .unwrap_or(Code::Unknown)
    }

    /// gRPC's name for the code, in capitals: `NOT_FOUND`.
    pub const fn name(self) -> &'static str {
        match self {
            Code::Ok => "OK",
            Code::Cancelled => "CANCELLED",
            Code::Unknown => "UNKNOWN",
            Code::InvalidArgument => "INVALID_ARGUMENT",
            Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Code::NotFound => "NOT_FOUND",
            Code::AlreadyExists => "ALREADY_EXISTS",
            Code::PermissionDenied => "PERMISSION_DENIED",
            Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Code::FailedPrecondition => "FAILED_PRECONDITION",
            Code::Aborted => "ABORTED",
            Code::OutOfRange => "OUT_OF_RANGE",
            Code::Unimplemented => "UNIMPLEMENTED",
            Code::Internal => "INTERNAL",
            Code::Unavailable => "UNAVAILABLE",
            Code::DataLoss => "DATA_LOSS",
            Code::Unauthenticated => "UNAUTHENTICATED",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The end of a call: code, human-readable message, and trailing metadata.
///
/// gRPC sends all three in the trailers, the native protocol in its trailers envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The code.
    pub code: Code,
    /// Human-readable text; any UTF-8, usually empty for OK.
    pub message: String,
    /// Trailing metadata, usually empty. Rich errors are sent here as `grpc-status-details-bin`.
    pub metadata: Metadata,
}

impl Status {
    /// A success without a message.
    pub const OK: Status =
        Status { code: Code::Ok, message: String::new(), metadata: Metadata::new() };

    /// A status without trailing metadata.
    pub fn new(code: Code, message: impl Into<String>) -> Status {
        Status { code, message: message.into(), metadata: Metadata::new() }
    }

    /// Whether the call succeeded.
    pub fn is_ok(&self) -> bool {
        self.code == Code::Ok
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() {
            write!(f, "{}", self.code)
        } else {
            write!(f, "{}: {}", self.code, self.message)
        }
    }
}

impl std::error::Error for Status {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_codes_are_inverse() {
        for (number, code) in Code::ALL.iter().enumerate() {
            assert_eq!(usize::from(code.number()), number);
            assert_eq!(Code::from_number(number as u64), *code);
        }
    }

    #[test]
    fn a_number_above_16_is_unknown() {
        assert_eq!(Code::from_number(17), Code::Unknown);
        assert_eq!(Code::from_number(u64::MAX), Code::Unknown);
    }

    #[test]
    fn a_status_prints_its_code_and_message() {
        assert_eq!(Status::new(Code::NotFound, "no item 7").to_string(), "NOT_FOUND: no item 7");
        assert_eq!(Status::OK.to_string(), "OK");
    }
}

//! Statuses on the wire: `grpc-status`, and the mapping of HTTP statuses and error codes to it.

use crate::call::Code;
use crate::http2::ErrorCode;

/// The value of `grpc-status`: the code's number in decimal.
pub(super) fn text(code: Code) -> &'static [u8] {
    const TEXTS: [&[u8]; 17] = [
        b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9", b"10", b"11", b"12", b"13",
        b"14", b"15", b"16",
    ];
    // There are 17 codes, numbered from 0.
    TEXTS[usize::from(code.number())]
}

/// Reads `grpc-status`. A value that is not a number is [`Code::Unknown`], according to statuscodes.md
/// ("Error parsing returned status"), and so is a number beyond the list.
pub(super) fn parse(value: &[u8]) -> Code {
    match value {
        b"0" => Code::Ok,
        [] => Code::Unknown,
        digits if digits.len() <= 9 && digits.iter().all(u8::is_ascii_digit) => Code::from_number(
            digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')),
        ),
        _ => Code::Unknown,
    }
}

/// The code for a response without `grpc-status`, by its HTTP status (http-grpc-status-mapping.md).
pub(super) fn from_http(http_status: u16) -> Code {
    match http_status {
        400 | 431 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

/// The code for a call that was reset (PROTOCOL-HTTP2.md, "Errors"). A code that is not in the table
/// counts as INTERNAL_ERROR, which RFC 9113 section 7 allows.
pub(super) fn from_reset(error: ErrorCode) -> Code {
    match error {
        ErrorCode::REFUSED_STREAM => Code::Unavailable,
        ErrorCode::CANCEL => Code::Cancelled,
        ErrorCode::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
        ErrorCode::INADEQUATE_SECURITY => Code::PermissionDenied,
        _ => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_codes_survive_as_decimal_numbers() {
        for code in Code::ALL {
            assert_eq!(text(code), code.number().to_string().as_bytes());
            assert_eq!(parse(text(code)), code);
        }
    }

    #[test]
    fn a_status_that_is_no_number_or_beyond_the_list_is_unknown() {
        for value in ["", "17", "-1", "x", "1.0", " 5", "99999999999999999999", "0x5"] {
            assert_eq!(parse(value.as_bytes()), Code::Unknown, "{value:?}");
        }
        assert_eq!(parse(b"05"), Code::NotFound);
    }

    #[test]
    fn http_statuses_map_as_the_grpc_table_says() {
        for (http_status, code) in [
            (400, Code::Internal),
            (401, Code::Unauthenticated),
            (403, Code::PermissionDenied),
            (404, Code::Unimplemented),
            (429, Code::Unavailable),
            (431, Code::Internal),
            (502, Code::Unavailable),
            (503, Code::Unavailable),
            (504, Code::Unavailable),
            (200, Code::Unknown),
            (302, Code::Unknown),
            (500, Code::Unknown),
        ] {
            assert_eq!(from_http(http_status), code, "{http_status}");
        }
    }

    #[test]
    fn reset_codes_map_as_the_grpc_table_says() {
        for (error, code) in [
            (ErrorCode::NO_ERROR, Code::Internal),
            (ErrorCode::PROTOCOL_ERROR, Code::Internal),
            (ErrorCode::INTERNAL_ERROR, Code::Internal),
            (ErrorCode::FLOW_CONTROL_ERROR, Code::Internal),
            (ErrorCode::SETTINGS_TIMEOUT, Code::Internal),
            (ErrorCode::FRAME_SIZE_ERROR, Code::Internal),
            (ErrorCode::REFUSED_STREAM, Code::Unavailable),
            (ErrorCode::CANCEL, Code::Cancelled),
            (ErrorCode::COMPRESSION_ERROR, Code::Internal),
            (ErrorCode::CONNECT_ERROR, Code::Internal),
            (ErrorCode::ENHANCE_YOUR_CALM, Code::ResourceExhausted),
            (ErrorCode::INADEQUATE_SECURITY, Code::PermissionDenied),
            (ErrorCode(0xbad), Code::Internal),
        ] {
            assert_eq!(from_reset(error), code, "{error}");
        }
    }
}

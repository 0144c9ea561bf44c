//! `grpc-timeout`: the time that the client waits for the end of a call ("gRPC over HTTP2", `Timeout`).
//!
//! ```text
//! Timeout      = TimeoutValue TimeoutUnit
//! TimeoutValue = at most 8 digits
//! TimeoutUnit  = H | M | S | m | u | n
//! ```

use std::time::Duration;

/// The most digits that a value may have.
const MAX_DIGITS: usize = 8;
/// One more than the largest value that fits.
const VALUE_END: u64 = 100_000_000;
/// The units with their length in nanoseconds, finest first.
const UNITS: [(u8, u64); 6] = [
    (b'n', 1),
    (b'u', 1_000),
    (b'm', 1_000_000),
    (b'S', 1_000_000_000),
    (b'M', 60 * 1_000_000_000),
    (b'H', 3600 * 1_000_000_000),
];

/// A `grpc-timeout` as it stands on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeoutText {
    bytes: [u8; MAX_DIGITS + 1],
    start: usize,
}

impl TimeoutText {
    /// Writes the timeout in the finest unit that it fits, rounded up, so that the server's deadline is
    /// not before the client's. The value must be positive, so zero is written as `1n`; more than 584
    /// years is written as 584 years.
    pub(super) fn new(timeout: Duration) -> TimeoutText {
        let nanos = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX).max(1);
        let mut text = TimeoutText { bytes: [b'0'; MAX_DIGITS + 1], start: MAX_DIGITS };
        // The last unit always fits: u64::MAX nanoseconds are 5,124,096 hours.
        for (unit, unit_nanos) in UNITS {
            let mut value = nanos.div_ceil(unit_nanos);
            if value < VALUE_END {
                text.bytes[MAX_DIGITS] = unit;
                while value > 0 {
                    text.start -= 1;
                    text.bytes[text.start] = b'0' + (value % 10) as u8;
                    value /= 10;
                }
                break;
            }
        }
        text
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// Reads a timeout. Zero is accepted, although the grammar requires a positive value: clients send it
/// for a call that has no time left.
pub(super) fn decode(text: &[u8]) -> Option<Duration> {
    let (unit, digits) = text.split_last()?;
    if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0, |value: u64, digit| value * 10 + u64::from(digit - b'0'));
    Some(match unit {
        b'n' => Duration::from_nanos(value),
        b'u' => Duration::from_micros(value),
        b'm' => Duration::from_millis(value),
        b'S' => Duration::from_secs(value),
        b'M' => Duration::from_secs(value * 60),
        b'H' => Duration::from_secs(value * 3600),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    fn encode(timeout: Duration) -> String {
        String::from_utf8(TimeoutText::new(timeout).as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn every_unit_is_read() {
        for (text, timeout) in [
            ("2H", Duration::from_secs(7200)),
            ("3M", Duration::from_secs(180)),
            ("1S", Duration::from_secs(1)),
            ("250m", Duration::from_millis(250)),
            ("7u", Duration::from_micros(7)),
            ("99999999n", Duration::from_nanos(99_999_999)),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
            ("00000001S", Duration::from_secs(1)),
            ("0S", Duration::ZERO),
        ] {
            assert_eq!(decode(text.as_bytes()), Some(timeout), "{text}");
        }
    }

    #[test]
    fn anything_but_at_most_eight_digits_and_a_unit_is_refused() {
        for text in ["", "S", "1", "123456789S", "1s", "1 S", "-1S", "+1S", "1.5S", "0x1S", "1SS"] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_finest_unit_that_fits_is_written_rounded_up() {
        assert_eq!(encode(Duration::ZERO), "1n");
        assert_eq!(encode(Duration::from_nanos(99_999_999)), "99999999n");
        assert_eq!(encode(Duration::from_nanos(100_000_000)), "100000u");
        assert_eq!(encode(Duration::from_nanos(100_000_001)), "100001u");
        assert_eq!(encode(Duration::from_secs(10)), "10000000u");
        assert_eq!(encode(Duration::from_secs(100)), "100000m");
        assert_eq!(encode(Duration::from_secs(86_400)), "86400000m");
        assert_eq!(encode(Duration::from_secs(1_000_000)), "1000000S");
        assert_eq!(encode(Duration::MAX), "5124096H");
    }

    #[test]
    fn a_written_timeout_reads_back_no_shorter_and_hardly_longer() {
        each_seed(|seed| {
            let timeout = Duration::from_nanos(seed.next_u64() >> seed.below(64));
            let back = decode(TimeoutText::new(timeout).as_bytes()).unwrap();
            assert!(back >= timeout, "{timeout:?} became {back:?}");
            let slack = timeout / 99_999 + Duration::from_nanos(1);
            assert!(back <= timeout + slack, "{timeout:?} became {back:?}");
        });
    }
}

//! Timestamps in UTC.

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// From 1 March of the year 0 to 1970.
const DAYS_BEFORE_1970: u64 = 719_468;

/// In the format of RFC 3339, in UTC: `2026-11-24T20:51:23.123Z`.
pub fn push_time(now_ms: u64, text: &mut Vec<u8>) {
    let (days, ms) = (now_ms / DAY_MS, now_ms % DAY_MS);
    let (year, month, day) = date(days);
    let (hour, minute) = (ms / 3_600_000, ms / 60_000 % 60);
    let (second, ms) = (ms / 1000 % 60, ms % 1000);
    let mut padded = |number: u64, width: u32, behind: u8| {
        for place in (0..width).rev() {
            text.push(b'0' + (number / 10_u64.pow(place) % 10) as u8);
        }
        text.push(behind);
    };
    padded(year, 4, b'-');
    padded(month, 2, b'-');
    padded(day, 2, b'T');
    padded(hour, 2, b':');
    padded(minute, 2, b':');
    padded(second, 2, b'.');
    padded(ms, 3, b'Z');
}

/// A time since 1970 in words: `2026-11-24 20:51:23 UTC`.
pub fn date_and_time(seconds: u64) -> String {
    let (year, month, day) = date(seconds / (DAY_MS / 1000));
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// A time since 1970 as HTTP writes it (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn http_date(seconds: u64) -> String {
    // 1 January 1970 was a Thursday.
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = seconds / (DAY_MS / 1000);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let (weekday, month) = (WEEKDAYS[(days % 7) as usize], MONTHS[(month - 1) as usize]);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. Years are counted from
/// March, so that the leap day is the last of a year (H. Hinnant, *chrono-compatible low-level date
/// algorithms*).
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    let days = days + DAYS_BEFORE_1970;
    let (era, day_of_era) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    // Every fourth year is a leap year, except every hundredth, except every four hundredth.
    let leap_days = day_of_era / 1460 + day_of_era / 146_096 - day_of_era / 36_524;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (400 * era + year_of_era + u64::from(month <= 2), month, day)
}

/// The days from 1970 to a day of the Gregorian calendar, from the year 1 on. The inverse of
/// [`date`].
pub fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year / 4 - year / 100 + year / 400;
    365 * year + leap_days + day_of_year - DAYS_BEFORE_1970 as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_format_of_rfc_3339() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_827_696_789, "2000-02-29T12:34:56.789Z"),
            (1_700_000_000_000, "2023-11-14T22:13:20.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
        ] {
            let mut text = Vec::new();
            push_time(ms, &mut text);
            let text = String::from_utf8(text).unwrap();
            assert_eq!(text, expected);
            let words = date_and_time(ms / 1000).replace(' ', "T");
            assert_eq!(words, format!("{}TUTC", &text[..text.len() - 5]));
        }
    }

    #[test]
    fn dates_of_http_name_the_day_of_the_week() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(1_709_251_199), "Thu, 29 Feb 2024 23:59:59 GMT");
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut before = date(0);
        for days in 1..60_000 {
            let (year, month, day) = date(days);
            let follows = match (year - before.0, month == before.1) {
                (0, true) => day == before.2 + 1,
                (0, false) => month == before.1 + 1 && day == 1 && before.2 >= 28,
                (1, _) => (month, day, before.1, before.2) == (1, 1, 12, 31),
                _ => false,
            };
            assert!(follows, "{before:?} before {:?}", (year, month, day));
            let (year, month, day) = (year as i64, month as i64, day as i64);
            assert_eq!(days_since_1970(year, month, day), days as i64);
            before = date(days);
        }
    }
}

//! The file.

use std::io;
use std::sync::Arc;

use super::line::{Event, Level, line};
use crate::raft::NodeId;
use crate::replica::storage::{Commands, Disk, DiskFile};
use crate::text::push_u64;

/// Lines are written when they are so many bytes, if nobody asks before.
const GATHERED_BYTES: usize = 64 * 1024;
const DUMP: &str = "dump.txt";
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// How a node tells what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DumpOptions {
    /// How much.
    pub level: Level,
    /// Whether each line begins with the time.
    pub has_timestamps: bool,
    /// When the file has so many bytes, a new one is begun.
    pub max_bytes: u64,
    /// How many older files are kept.
    pub kept: u32,
}

impl Default for DumpOptions {
    fn default() -> DumpOptions {
        DumpOptions {
            level: Level::Changes,
            has_timestamps: false,
            max_bytes: 16 * 1024 * 1024,
            kept: 4,
        }
    }
}

/// Writes `dump.txt`. Nothing here fails.
#[derive(Debug)]
pub struct Dump {
    disk: Arc<dyn Disk>,
    node: NodeId,
    commands: Commands,
    options: DumpOptions,
    /// None: it could not be opened.
    file: Option<Box<dyn DiskFile>>,
    len: u64,
    gathered: Vec<u8>,
    /// Lines in `gathered`.
    lines: u64,
    /// Lines that could not be written.
    lost: u64,
}

impl Dump {
    /// Goes on where the file ends.
    pub fn open(
        disk: Arc<dyn Disk>,
        node: NodeId,
        commands: Commands,
        options: DumpOptions,
    ) -> Dump {
        let gathered = Vec::new();
        let (file, len, lines, lost) = (None, 0, 0, 0);
        Dump { disk, node, commands, options, file, len, gathered, lines, lost }
    }

    /// How much is told: what is above need not be made an event.
    pub fn level(&self) -> Level {
        self.options.level
    }

    /// Tells of an event. `now_ms` is the wall clock, in milliseconds since 1970.
    pub fn tell(&mut self, now_ms: u64, event: Event<'_>) {
        if event.level() > self.options.level {
            return;
        }
        if self.options.has_timestamps {
            push_time(now_ms, &mut self.gathered);
            self.gathered.push(b' ');
        }
        line(self.node, event, &self.commands, &mut self.gathered);
        self.lines += 1;
        if self.gathered.len() >= GATHERED_BYTES {
            self.flush();
        }
    }

    /// Writes what was told. To be called now and then, for those who watch the file.
    pub fn flush(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        let mut text = std::mem::take(&mut self.gathered);
        if self.lost > 0 {
            let mut note = Vec::new();
            push_u64(self.lost, &mut note);
            note.extend_from_slice(b" lines could not be written here.\n");
            text.splice(..0, note);
        }
        match self.append(&text) {
            Ok(()) => self.lost = 0,
            Err(error) => {
                if self.lost == 0 {
                    log::warn!("{}/{}: lines are lost: {error}", self.disk.path(), DUMP);
                }
                self.lost += lines;
            }
        }
        text.clear();
        text.shrink_to(2 * GATHERED_BYTES);
        self.gathered = text;
    }

    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        if self.file.is_some() && self.len >= self.options.max_bytes {
            self.file = None;
            self.rotate()?;
        }
        let file = match &self.file {
            Some(file) => file,
            None => {
                let file = match self.disk.open_to_write(DUMP) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        self.disk.create(DUMP)?
                    }
                    file => file?,
                };
                self.len = file.len()?;
                self.file.insert(file)
            }
        };
        let mut done = 0;
        while let Some(rest) = text.get(done..).filter(|rest| !rest.is_empty()) {
            let wrote = match file.write_at(rest, self.len + done as u64) {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                other => other,
            };
            match wrote {
                Ok(bytes) => done += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // No half lines; if that fails as well, one is overwritten next time.
                    let _ = file.set_len(self.len);
                    return Err(error);
                }
            }
        }
        self.len += done as u64;
        Ok(())
    }

    /// `dump.txt` becomes `dump.1.txt`, that `dump.2.txt`, and so on; the oldest goes.
    fn rotate(&self) -> io::Result<()> {
        let name = |age: u32| match age {
            0 => DUMP.to_owned(),
            age => format!("dump.{age}.txt"),
        };
        for age in (0..self.options.kept).rev() {
            match self.disk.rename(&name(age), &name(age + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.options.kept == 0 {
            self.disk.remove(DUMP)?;
        }
        Ok(())
    }
}

impl Drop for Dump {
    fn drop(&mut self) {
        self.flush();
    }
}

/// As RFC 3339 has it, in UTC: `2026-11-24T20:51:23.123Z`.
fn push_time(now_ms: u64, text: &mut Vec<u8>) {
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

/// Year, month and day of a day since 1970, in the Gregorian calendar. Years begin in March, so that
/// the leap day is a year's last (H. Hinnant, *chrono-compatible low-level date algorithms*).
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    /// From 1 March of the year 0 to 1970.
    const DAYS_BEFORE_1970: u64 = 719_468;
    let days = days + DAYS_BEFORE_1970;
    let (era, day_of_era) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    // Every fourth year has a leap day, but for every hundredth, but for the four hundredth.
    let leap_days = day_of_era / 1460 + day_of_era / 146_096 - day_of_era / 36_524;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (400 * era + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339_has_them() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_827_696_789, "2000-02-29T12:34:56.789Z"),
            (1_700_000_000_000, "2023-11-14T22:13:20.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
        ] {
            let mut text = Vec::new();
            push_time(ms, &mut text);
            assert_eq!(String::from_utf8(text).unwrap(), expected);
        }
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
            before = (year, month, day);
        }
    }
}

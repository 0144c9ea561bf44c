//! When a snapshot is taken.

use std::time::Duration;

/// The amount of log after which a snapshot is taken. The nodes of a group use slightly different
/// amounts, so that they rarely take snapshots at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// The number of entries.
    pub entries: u64,
    /// Bytes of entries. At least the size of the last snapshot is used, so that snapshots write no
    /// more than the log does, and four times that within ten seconds after a snapshot was begun.
    pub bytes: u64,
}

impl Default for SnapshotPolicy {
    fn default() -> SnapshotPolicy {
        SnapshotPolicy { entries: u64::MAX, bytes: 64 * 1024 * 1024 }
    }
}

/// Large values fill a log quickly, so snapshots within this interval need more log.
const SHORT_INTERVAL: Duration = Duration::from_secs(10);
const SHORT_INTERVAL_FACTOR: u64 = 4;
/// The minimum amount of log for a snapshot when disk space is low.
const MIN_BYTES: u64 = 64 * 1024;
/// Each node of a group waits for `1 / STAGGER_DIVISOR` more than the node before it.
const STAGGER_DIVISOR: u64 = 8;

/// Decides when the next snapshot is due.
#[derive(Debug)]
pub(super) struct SnapshotSchedule {
    policy: SnapshotPolicy,
    /// Entries that are in no snapshot, finished or being written.
    entries: u64,
    bytes: u64,
    /// The size of the last snapshot.
    snapshot_bytes: u64,
    began_at: Option<Duration>,
    is_under_way: bool,
    is_low_on_space: bool,
}

impl SnapshotSchedule {
    /// `place` is the position of the node among the nodes of its group.
    pub(super) fn new(policy: SnapshotPolicy, place: usize) -> SnapshotSchedule {
        let more = |least: u64| {
            let share = (least / STAGGER_DIVISOR).max(1).saturating_mul(place as u64);
            least.saturating_add(share)
        };
        let policy =
            SnapshotPolicy { entries: more(policy.entries.max(1)), bytes: more(policy.bytes) };
        SnapshotSchedule {
            policy,
            entries: 0,
            bytes: 0,
            snapshot_bytes: 0,
            began_at: None,
            is_under_way: false,
            is_low_on_space: false,
        }
    }

    /// An entry was applied.
    pub(super) fn applied(&mut self, bytes: usize) {
        self.entries += 1;
        self.bytes += bytes as u64;
    }

    /// Whether the disk may soon lack space for a snapshot.
    pub(super) fn set_low_on_space(&mut self, is_short: bool) {
        self.is_low_on_space = is_short;
    }

    /// Whether a snapshot is being written.
    pub(super) fn is_under_way(&self) -> bool {
        self.is_under_way
    }

    /// Whether a snapshot should begin now.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        if self.is_under_way || self.entries == 0 {
            return false;
        }
        if self.is_low_on_space && self.bytes >= MIN_BYTES.max(self.snapshot_bytes / 4) {
            return true;
        }
        let is_soon = self.began_at.is_some_and(|at| now < at.saturating_add(SHORT_INTERVAL));
        let factor = if is_soon { SHORT_INTERVAL_FACTOR } else { 1 };
        let bytes = self.policy.bytes.max(self.snapshot_bytes).saturating_mul(factor);
        self.entries >= self.policy.entries || self.bytes >= bytes
    }

    /// A snapshot of everything that was applied begins.
    pub(super) fn begin(&mut self, now: Duration) {
        (self.entries, self.bytes) = (0, 0);
        (self.began_at, self.is_under_way) = (Some(now), true);
    }

    /// The snapshot is durable with this size, or has failed.
    pub(super) fn end(&mut self, bytes: Option<u64>) {
        self.is_under_way = false;
        self.snapshot_bytes = bytes.unwrap_or(self.snapshot_bytes);
    }

    /// A snapshot from the leader has replaced the state.
    pub(super) fn installed(&mut self) {
        (self.entries, self.bytes) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);
    const MIB: u64 = 1024 * 1024;

    fn schedule(place: usize) -> SnapshotSchedule {
        SnapshotSchedule::new(SnapshotPolicy::default(), place)
    }

    /// How many entries of `bytes` bytes are applied until a snapshot is due at `now`.
    fn due_after(schedule: &mut SnapshotSchedule, now: Duration, bytes: usize) -> u64 {
        (1..)
            .find(|_| {
                schedule.applied(bytes);
                schedule.is_due(now)
            })
            .unwrap()
    }

    #[test]
    fn nodes_that_apply_the_same_take_their_snapshots_at_different_moments() {
        let mut all = [schedule(0), schedule(1), schedule(2)];
        let due = all.each_mut().map(|one| due_after(one, S, MIB as usize));
        assert_eq!(due, [64, 72, 80]);
        let few = SnapshotPolicy { entries: 2, bytes: u64::MAX };
        let due = [0, 1, 2].map(|place| due_after(&mut SnapshotSchedule::new(few, place), S, 1));
        assert_eq!(due, [2, 3, 4]);
    }

    #[test]
    fn a_snapshot_is_due_after_as_much_log_as_the_last_snapshot() {
        let mut schedule = schedule(0);
        schedule.begin(S);
        schedule.end(Some(200 * MIB));
        assert_eq!(due_after(&mut schedule, 11 * S, MIB as usize), 200);
    }

    #[test]
    fn snapshots_of_a_fast_growing_log_are_limited() {
        let mut schedule = schedule(0);
        schedule.begin(S);
        assert!(!schedule.is_due(100 * S), "one is under way");
        schedule.end(Some(MIB));
        assert_eq!(due_after(&mut schedule, 10 * S, MIB as usize), 256);
        assert_eq!(due_after(&mut schedule, 11 * S, MIB as usize), 1);
    }

    #[test]
    fn a_failed_snapshot_is_retried_after_the_same_amount_of_log() {
        let mut schedule = schedule(0);
        schedule.begin(S);
        schedule.end(None);
        assert_eq!(due_after(&mut schedule, 20 * S, MIB as usize), 64);
    }

    #[test]
    fn a_snapshot_is_due_early_when_disk_space_is_low() {
        let mut schedule = schedule(2);
        schedule.set_low_on_space(true);
        assert!(!schedule.is_due(S), "of nothing");
        assert_eq!(due_after(&mut schedule, S, 1024), 64);
        schedule.begin(S);
        schedule.end(Some(MIB));
        assert_eq!(due_after(&mut schedule, S, 1024), 256);
    }
}

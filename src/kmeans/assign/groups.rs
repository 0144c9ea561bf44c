//! Groups: contenders that one bound is kept for, for each point (Y. Ding and others, *Yinyang
//! K-means*, 2015).
//!
//! They are packs that lie one behind the other, one pack where there are few of them.

use std::ops::Range;

use super::contenders::Contenders;
use super::simd::LANES;

/// More bounds than these are not kept for a point.
pub(super) const MAX_GROUPS: usize = 16;

/// How many groups there are.
pub(super) fn count(contenders: &Contenders) -> usize {
    contenders.packs.sq_norms.len().min(MAX_GROUPS)
}

/// The packs of one of `count` groups.
pub(super) fn packs(group: usize, count: usize, packs: usize) -> Range<usize> {
    group * packs / count..(group + 1) * packs / count
}

/// The positions of a group's contenders, of which there are so many in all.
pub(super) fn positions(group: usize, count: usize, contenders: usize) -> Range<usize> {
    let packs = packs(group, count, contenders.div_ceil(LANES));
    packs.start * LANES..contenders.min(packs.end * LANES)
}

/// By pack: its group.
pub(super) fn group_of_pack(count: usize, packs: usize) -> Vec<usize> {
    (0..count).flat_map(|group| self::packs(group, count, packs).map(move |_| group)).collect()
}

//! Groups of contenders: each point has one lower bound for each group (Y. Ding and others,
//! *Yinyang K-means*, 2015).
//!
//! A group is a range of neighbouring packs; with few contenders it is one pack.

use std::ops::Range;

use super::contenders::Contenders;
use super::simd::LANES;

/// The most groups, and so the most lower bounds of a point.
pub(super) const MAX_GROUPS: usize = 16;

/// The number of groups.
pub(super) fn count(contenders: &Contenders) -> usize {
    contenders.packs.sq_norms.len().min(MAX_GROUPS)
}

/// The range of packs of one of `count` groups.
pub(super) fn packs(group: usize, count: usize, packs: usize) -> Range<usize> {
    group * packs / count..(group + 1) * packs / count
}

/// The positions of the contenders of a group, out of all `contenders`.
pub(super) fn positions(group: usize, count: usize, contenders: usize) -> Range<usize> {
    let packs = packs(group, count, contenders.div_ceil(LANES));
    packs.start * LANES..contenders.min(packs.end * LANES)
}

/// The group of each pack.
pub(super) fn group_of_pack(count: usize, packs: usize) -> Vec<usize> {
    (0..count).flat_map(|group| self::packs(group, count, packs).map(move |_| group)).collect()
}

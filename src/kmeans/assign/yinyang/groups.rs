//! Bands: contenders that one bound is kept for, for each point (Y. Ding and others, *Yinyang
//! K-means*, 2015).
//!
//! They are groups that lie one behind the other, one group where there are few of them.

use std::ops::Range;

use super::super::contenders::Contenders;
use super::super::simd::LANES;

/// More bounds than these are not kept for a point.
pub(super) const MAX_BANDS: usize = 16;

/// How many bands there are.
pub(in super::super) fn count(contenders: &Contenders) -> usize {
    contenders.groups.heights.len().min(MAX_BANDS)
}

/// The groups of one of `count` bands.
pub(super) fn groups(band: usize, count: usize, groups: usize) -> Range<usize> {
    band * groups / count..(band + 1) * groups / count
}

/// The places of a band's contenders, of which there are so many in all.
pub(in super::super) fn places(band: usize, count: usize, contenders: usize) -> Range<usize> {
    let groups = groups(band, count, contenders.div_ceil(LANES));
    groups.start * LANES..contenders.min(groups.end * LANES)
}

/// By group: its band.
pub(super) fn by_group(count: usize, groups: usize) -> Vec<usize> {
    (0..count).flat_map(|band| self::groups(band, count, groups).map(move |_| band)).collect()
}

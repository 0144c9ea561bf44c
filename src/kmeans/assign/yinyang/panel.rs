//! Points that are estimated before any of them is labelled.

use super::super::estimate::PADDING;
use super::super::groups::MAX_GROUPS;
use super::super::simd::{LANES, Lanes, Simd};
use super::Integers;
use super::estimate::Estimates;

/// Blocks that are estimated together.
pub(super) const PANEL: usize = 32;

/// The position of a point's contender, if it has none.
pub(super) const NO_CONTENDER: u32 = u32::MAX;

/// A block of the panel.
pub(super) struct Block {
    pub(super) index: usize,
    /// A bit for each point whose label may be wrong.
    pub(super) left: u16,
    /// The positions of the contenders that points have, and estimates of those.
    pub(super) positions: Integers,
    pub(super) own: Lanes,
    /// A bit for each point whose own contender is among those of an estimated group.
    pub(super) is_in_group: u16,
    /// By group: a bit for each point for which it is estimated, and where those begin.
    pub(super) wanted: [(u16, u32); MAX_GROUPS],
}

/// What was estimated of the points of a block in a group; no contender where nothing was.
pub(super) struct Found<S: Simd> {
    pub(super) positions: S::Integers,
    pub(super) best: S::Floats,
    pub(super) second: S::Floats,
}

/// Points of the panel for which a group is estimated.
#[derive(Clone)]
pub(super) struct Chosen {
    pub(super) len: usize,
    pub(super) points: Vec<u32>,
    pub(super) estimates: Estimates,
}

impl Chosen {
    /// What was estimated of the points of a block whose bits are set, the first of which is there.
    #[inline(always)]
    pub(super) fn found<S: Simd>(&self, simd: S, wanted: u16, first: u32) -> Found<S> {
        let part = first as usize..;
        let Estimates { positions, best, second } = &self.estimates;
        let positions = positions[part.clone()].first_chunk().unwrap_or(&[NO_CONTENDER; LANES]);
        let best = best[part.clone()].first_chunk().unwrap_or(&[PADDING; LANES]);
        let second = second[part].first_chunk().unwrap_or(&[PADDING; LANES]);
        Found {
            positions: simd.expand_integers(wanted, positions, NO_CONTENDER),
            best: simd.expand(wanted, best, PADDING),
            second: simd.expand(wanted, second, PADDING),
        }
    }

    /// With room for all points of a panel.
    pub(super) fn none() -> Chosen {
        let most = PANEL * LANES;
        let points = vec![0; most + LANES];
        Chosen { len: 0, points, estimates: Estimates::of(most) }
    }
}

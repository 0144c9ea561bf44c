//! The panel: points that are estimated together before they are labelled.

use super::super::estimate::PADDING;
use super::super::groups::MAX_GROUPS;
use super::super::simd::{LANES, Lanes, Simd};
use super::Integers;
use super::estimate::Estimates;

/// How many blocks are estimated together.
pub(super) const PANEL: usize = 32;

/// The position of the contender of a point without one.
pub(super) const NO_CONTENDER: u32 = u32::MAX;

/// A block of the panel.
pub(super) struct Block {
    pub(super) index: usize,
    /// A bit for each point: whether its label may be wrong.
    pub(super) left: u16,
    /// The positions of the points' own contenders, and the estimates for them.
    pub(super) positions: Integers,
    pub(super) own: Lanes,
    /// A bit for each point: whether its own contender is in an estimated group.
    pub(super) is_in_group: u16,
    /// By group: a bit for each point for which the group is estimated, and the index of the first
    /// result.
    pub(super) wanted: [(u16, u32); MAX_GROUPS],
}

/// The results for the points of a block and a group; no contender where nothing was estimated.
pub(super) struct Found<S: Simd> {
    pub(super) positions: S::Integers,
    pub(super) best: S::Floats,
    pub(super) second: S::Floats,
}

/// The points of the panel for which a group is estimated.
#[derive(Clone)]
pub(super) struct Chosen {
    pub(super) len: usize,
    pub(super) points: Vec<u32>,
    pub(super) estimates: Estimates,
}

impl Chosen {
    /// The results for the points of a block whose bits are set; the first of them is at `first`.
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

    /// With space for all points of a panel.
    pub(super) fn none() -> Chosen {
        let most = PANEL * LANES;
        let points = vec![0; most + LANES];
        Chosen { len: 0, points, estimates: Estimates::of(most) }
    }
}

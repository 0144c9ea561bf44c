//! Points that are estimated before any of them is labelled.

use super::super::estimate::NOBODY;
use super::super::simd::{LANES, Lanes, Simd};
use super::Integers;
use super::bands::MAX_BANDS;
use super::estimate::Estimates;

/// Blocks that are estimated together.
pub(super) const PANEL: usize = 32;

/// The place of a point's contender, if it has none.
pub(super) const NOWHERE: u32 = u32::MAX;

/// A block of the panel.
pub(super) struct Block {
    pub(super) index: usize,
    /// A bit for each point whose label may be wrong.
    pub(super) left: u16,
    /// The places of the contenders that points have, and estimates of those.
    pub(super) places: Integers,
    pub(super) own: Lanes,
    /// A bit for each point whose own contender is among those of an estimated band.
    pub(super) is_in_band: u16,
    /// By band: a bit for each point for which it is estimated, and where those begin.
    pub(super) wanted: [(u16, u32); MAX_BANDS],
}

/// What was estimated of the points of a block in a band; no contender where nothing was.
pub(super) struct Found<S: Simd> {
    pub(super) places: S::Integers,
    pub(super) best: S::Floats,
    pub(super) second: S::Floats,
}

/// Points of the panel for which a band is estimated.
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
        let Estimates { places, best, second } = &self.estimates;
        let places = places[part.clone()].first_chunk().unwrap_or(&[NOWHERE; LANES]);
        let best = best[part.clone()].first_chunk().unwrap_or(&[NOBODY; LANES]);
        let second = second[part].first_chunk().unwrap_or(&[NOBODY; LANES]);
        Found {
            places: simd.expand_integers(wanted, places, NOWHERE),
            best: simd.expand(wanted, best, NOBODY),
            second: simd.expand(wanted, second, NOBODY),
        }
    }

    /// With room for all points of a panel.
    pub(super) fn none() -> Chosen {
        let most = PANEL * LANES;
        let points = vec![0; most + LANES];
        Chosen { len: 0, points, estimates: Estimates::of(most) }
    }
}

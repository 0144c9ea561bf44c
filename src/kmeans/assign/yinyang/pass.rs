//! One assignment of all points.

use super::super::bounds::Bounds;
use super::super::estimate::NOBODY;
use super::super::exact::Decide;
use super::super::moves::{Move, MoveAll};
use super::super::simd::{Aligned, Kernel, LANES, Lanes, Simd};
use super::super::{NONE, Work};
use super::bands::{self, MAX_BANDS};
use super::estimate::Estimate;
use super::panel::{Block, Chosen, NOWHERE, PANEL};
use super::{Banded, Integers};

/// An assignment under way.
pub(super) struct Pass<'a> {
    split: &'a mut Banded,
    work: Work<'a>,
    bounds: Bounds,
    /// How many bands there are.
    bands: usize,
    by_group: Vec<usize>,
    /// By centroid: its place among the contenders.
    places: Vec<u32>,
    /// By band: what limits are compared and made with.
    thresholds: [f32; MAX_BANDS],
    limits: [f32; MAX_BANDS],
    /// The panel: blocks some of whose points may have a wrong label.
    blocks: Vec<Block>,
    /// By band: which points of the panel are to be estimated, and what was.
    chosen: Vec<Chosen>,
    moves: Vec<Move>,
    moved: u64,
}

impl Kernel for Pass<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) -> u64 {
        for index in 0..self.split.labels.len() {
            let left = self.left(index);
            if left != 0 {
                self.enter(simd, index, left);
            }
            if self.blocks.len() == PANEL {
                self.settle_all(simd);
            }
        }
        self.settle_all(simd);
        self.moved
    }
}

impl<'a> Pass<'a> {
    pub(super) fn new(split: &'a mut Banded, work: Work<'a>) -> Pass<'a> {
        let (contenders, travel) = (work.contenders, work.travel);
        let count = bands::count(contenders);
        if split.lows.len() != split.labels.len() * count {
            split.lows = vec![Lanes::splat(f32::NEG_INFINITY); split.labels.len() * count];
        }
        let mut places = vec![NOWHERE; work.centroids.len()];
        for (place, index) in contenders.indices.iter().enumerate() {
            places[*index as usize] = place as u32;
        }
        let by_band = |numbers: &mut dyn Iterator<Item = f32>| {
            let mut all = [0.0; MAX_BANDS];
            all.iter_mut().zip(numbers).for_each(|(band, x)| *band = x);
            all
        };
        let bounds = work.bounds.tagged();
        Pass {
            split,
            bounds,
            bands: count,
            by_group: bands::by_group(count, contenders.groups.heights.len()),
            places,
            thresholds: by_band(&mut travel.band_thresholds()),
            limits: by_band(&mut travel.band_limits(&bounds)),
            blocks: Vec::with_capacity(PANEL),
            chosen: vec![Chosen::none(); count],
            moves: Vec::with_capacity(PANEL * LANES),
            moved: 0,
            work,
        }
    }

    /// A bit for each point of a block whose label may be wrong.
    #[inline(always)]
    fn left(&self, index: usize) -> u16 {
        let all = u16::MAX >> (LANES - LANES.min(self.split.len - index * LANES));
        if !self.work.travel.knows_bands() {
            return all;
        }
        let limits = &self.split.limits[index];
        let highest = self.work.travel.highest_threshold();
        if limits.iter().fold(true, |are_above, limit| are_above & (*limit > highest)) {
            return 0;
        }
        let mut bits = 0;
        for (lane, (limit, label)) in limits.iter().zip(&self.split.labels[index].0).enumerate() {
            bits |= u16::from(*limit <= self.work.travel.threshold(*label)) << lane;
        }
        bits & all
    }

    /// Puts a block on the panel, with the bands that are to be estimated.
    #[inline(always)]
    fn enter<S: Simd>(&mut self, simd: S, index: usize, left: u16) {
        let mut block = Block {
            index,
            left,
            places: Aligned([NOWHERE; LANES]),
            own: Lanes::splat(NOBODY),
            is_in_band: 0,
            wanted: [(0, 0); MAX_BANDS],
        };
        for lane in bits(left) {
            let label = self.split.labels[index][lane];
            let place = self.places.get(label as usize).copied().unwrap_or(NOWHERE);
            block.places[lane] = place;
            if place != NOWHERE {
                block.own[lane] = self.estimate(simd, index * LANES + lane, place as usize);
            }
        }
        let upper = self.upper(simd, index, &block.own);
        let indices = std::array::from_fn(|lane| (index * LANES + lane) as u32);
        for band in 0..self.bands {
            let mut wanted = left;
            if self.work.travel.knows_bands() {
                let low = simd.load(&self.split.lows[index * self.bands + band]);
                let threshold = simd.add(upper, simd.splat(self.thresholds[band]));
                wanted &= !simd.bits(simd.less(threshold, low));
            }
            let chosen = &mut self.chosen[band];
            block.wanted[band] = (wanted, chosen.len as u32);
            let packed = simd.compress(wanted, &indices);
            chosen.points[chosen.len..][..LANES].copy_from_slice(&packed);
            chosen.len += wanted.count_ones() as usize;
        }
        for lane in bits(left) {
            let band = self.by_group.get(block.places[lane] as usize / LANES);
            let wanted = band.map_or(0, |band| block.wanted[*band].0);
            block.is_in_band |= wanted & 1 << lane;
        }
        self.blocks.push(block);
    }

    /// An estimate of one point and one contender.
    #[inline(always)]
    fn estimate<S: Simd>(&self, simd: S, index: usize, place: usize) -> f32 {
        let dims = self.work.points.dims();
        let z = &self.split.points[index * dims..][..dims];
        let weights = &self.work.contenders.rows[place * dims..][..dims];
        let (chunks, rest) = z.as_chunks::<LANES>();
        let (weight_chunks, weights_rest) = weights.as_chunks::<LANES>();
        let mut sums = simd.splat(0.0);
        for (z, weights) in chunks.iter().zip(weight_chunks) {
            sums = simd.mul_add(simd.load_any(z), simd.load_any(weights), sums);
        }
        let rest: f32 = rest.iter().zip(weights_rest).map(|(z, weight)| z * weight).sum();
        self.work.contenders.groups.heights[place / LANES][place % LANES] + simd.sum(sums) + rest
    }

    /// At least the distances of a block's points whose squares are estimated.
    #[inline(always)]
    fn upper<S: Simd>(&self, simd: S, index: usize, estimates: &Lanes) -> S::Floats {
        let square = simd.add(simd.load(&self.split.norms[index]), simd.load(estimates));
        let error = simd.splat(3.0 * self.bounds.estimate as f32);
        simd.square_root(simd.add(simd.max(square, simd.splat(0.0)), error))
    }

    /// Estimates all that is wanted, and labels the points of the panel.
    #[inline(always)]
    fn settle_all<S: Simd>(&mut self, simd: S) {
        let groups = self.work.contenders.groups.heights.len();
        for (band, chosen) in self.chosen.iter_mut().enumerate() {
            let estimate = Estimate {
                contenders: &self.work.contenders.groups,
                groups: bands::groups(band, self.bands, groups),
                dims: self.work.points.dims(),
                points: &self.split.points,
                chosen: &chosen.points[..chosen.len],
                estimates: &mut chosen.estimates,
            };
            estimate.run(simd);
            chosen.len = 0;
        }
        let mut blocks = std::mem::take(&mut self.blocks);
        for block in &blocks {
            self.settle(simd, block);
        }
        blocks.clear();
        self.blocks = blocks;
        self.move_all(simd);
    }

    /// Labels the points of a block.
    #[inline(always)]
    fn settle<S: Simd>(&mut self, simd: S, block: &Block) {
        let mut own = block.own;
        for lane in bits(block.is_in_band) {
            // It is among the band's.
            own[lane] = NOBODY;
        }
        let mut best = simd.load(&own);
        let mut second = simd.splat(NOBODY);
        let mut places = simd.load_integers(&block.places);
        for (chosen, &(wanted, first)) in self.chosen.iter().zip(&block.wanted) {
            if wanted == 0 {
                continue;
            }
            let found = chosen.found(simd, wanted, first);
            let is_best = simd.less(found.best, best);
            places = simd.select(is_best, found.places, places);
            second = simd.min(simd.max(best, found.best), simd.min(second, found.second));
            best = simd.min(best, found.best);
        }
        let gap = simd.splat(2.0 * self.bounds.estimate as f32);
        let clear = simd.bits(simd.less(gap, simd.subtract(second, best)));
        let mut nearest = Aligned([NOWHERE; LANES]);
        simd.store_integers(places, &mut nearest);
        let unclear = block.left & !clear;
        for lane in bits(unclear) {
            let point = self.work.points.get(block.index * LANES + lane);
            let contenders = self.work.contenders;
            nearest[lane] = Decide { contenders, point }.run(simd) as u32;
        }
        let changed = simd
            .differences(simd.load_integers(&nearest), simd.load_integers(&block.places))
            & block.left;
        for lane in bits(changed) {
            self.change(block, lane, nearest[lane]);
        }
        let mut closest = Lanes::splat(0.0);
        simd.store(best, &mut closest);
        let upper = self.upper(simd, block.index, &closest);
        let slack = simd.subtract(self.bound(simd, block, &nearest), upper);
        let mut slacks = Lanes::splat(0.0);
        simd.store(slack, &mut slacks);
        for lane in bits(block.left) {
            let is_clear = unclear >> lane & 1 == 0;
            let slack = if is_clear { f64::from(slacks[lane]) } else { f64::NEG_INFINITY };
            let label = self.split.labels[block.index][lane];
            self.split.limits[block.index][lane] = self.work.travel.limit(label, slack);
        }
    }

    /// Keeps how near the bands come that were estimated. Gives how near any of them comes.
    #[inline(always)]
    fn bound<S: Simd>(&mut self, simd: S, block: &Block, nearest: &Integers) -> S::Floats {
        let norm = simd.load(&self.split.norms[block.index]);
        let error = simd.splat(3.0 * self.bounds.estimate as f32);
        let mut nearest_band = simd.splat(NOBODY);
        for band in 0..self.bands {
            let (wanted, first) = block.wanted[band];
            let lows = &mut self.split.lows[block.index * self.bands + band];
            let mut low = simd.load(lows);
            if wanted != 0 {
                let found = self.chosen[band].found(simd, wanted, first);
                let others = simd.differences(found.places, simd.load_integers(nearest));
                let estimate = simd.pick(others, found.best, found.second);
                let square = simd.subtract(simd.add(norm, estimate), error);
                let distance = simd.square_root(simd.max(square, simd.splat(0.0)));
                low = simd.pick(wanted, simd.add(distance, simd.splat(self.limits[band])), low);
                simd.store(low, lows);
            }
            low = simd.subtract(low, simd.splat(self.thresholds[band]));
            nearest_band = simd.min(nearest_band, low);
        }
        nearest_band
    }

    /// A point of a block has another label.
    #[inline(always)]
    fn change(&mut self, block: &Block, lane: usize, place: u32) {
        let index = block.index * LANES + lane;
        let label = self.work.contenders.indices[place as usize];
        let before = std::mem::replace(&mut self.split.labels[block.index][lane], label);
        if before != label {
            let from = (before != NONE).then_some(before as usize);
            self.moves.push(Move { index, from, to: label as usize });
        }
        // What it had is now one of the others of its band.
        let band = self.by_group.get(block.places[lane] as usize / LANES).copied();
        if let Some(band) = band
            && block.wanted[band].0 >> lane & 1 == 0
        {
            let norm = f64::from(self.split.norms[block.index][lane]);
            let distance = self.bounds.lower(norm + f64::from(block.own[lane]));
            let low = distance as f32 + self.limits[band];
            let lows = &mut self.split.lows[block.index * self.bands + band];
            lows[lane] = lows[lane].min(low);
        }
    }

    #[inline(always)]
    fn move_all<S: Simd>(&mut self, simd: S) {
        self.moved += self.moves.len() as u64;
        let Work { sums, points, .. } = &mut self.work;
        MoveAll { sums, points, moves: &self.moves }.run(simd);
        self.moves.clear();
    }
}

/// The numbers of the bits that are set.
#[inline(always)]
fn bits(mut left: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = (left != 0).then_some(left.trailing_zeros() as usize);
        left &= left.wrapping_sub(1);
        lane
    })
}

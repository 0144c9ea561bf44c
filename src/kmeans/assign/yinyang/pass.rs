//! One assignment of all points.

use super::super::error_bounds::ErrorBounds;
use super::super::estimate::PADDING;
use super::super::exact_nearest::ExactNearest;
use super::super::groups::{self, MAX_GROUPS};
use super::super::moves::{Move, MoveAll};
use super::super::simd::{Aligned, Kernel, LANES, Lanes, Simd};
use super::super::strategy::{NONE, PassInput};
use super::estimate::{self, Estimate};
use super::panel::{Block, Chosen, NO_CONTENDER, PANEL};
use super::{Integers, Yinyang};

/// An assignment in progress.
pub(super) struct Pass<'a> {
    split: &'a mut Yinyang,
    input: PassInput<'a>,
    bounds: ErrorBounds,
    /// How many groups there are.
    groups: usize,
    group_of_pack: Vec<usize>,
    /// By centroid: its position among the contenders, or [`NO_CONTENDER`].
    positions: Vec<u32>,
    /// By group: the numbers that lower bounds are compared and computed with.
    thresholds: [f32; MAX_GROUPS],
    limits: [f32; MAX_GROUPS],
    /// The panel: blocks with points whose label may be wrong.
    blocks: Vec<Block>,
    /// By group: the points of the panel to estimate, and the results.
    chosen: Vec<Chosen>,
    moves: Vec<Move>,
    moved: u64,
}

impl Kernel for Pass<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) -> u64 {
        for index in 0..self.split.labels.len() {
            let left = self.points_to_check(index);
            if left != 0 {
                self.add_block(simd, index, left);
            }
            if self.blocks.len() == PANEL {
                self.assign_panel(simd);
            }
        }
        self.assign_panel(simd);
        self.moved
    }
}

impl<'a> Pass<'a> {
    pub(super) fn new(split: &'a mut Yinyang, input: PassInput<'a>) -> Pass<'a> {
        let (contenders, drift) = (input.contenders, input.drift);
        let count = groups::count(contenders);
        if split.lower_bounds.len() != split.labels.len() * count {
            split.lower_bounds = vec![Lanes::splat(f32::NEG_INFINITY); split.labels.len() * count];
        }
        let mut positions = vec![NO_CONTENDER; input.centroids.len()];
        for (position, index) in contenders.indices.iter().enumerate() {
            positions[*index as usize] = position as u32;
        }
        let by_group = |numbers: &mut dyn Iterator<Item = f32>| {
            let mut all = [0.0; MAX_GROUPS];
            all.iter_mut().zip(numbers).for_each(|(group, x)| *group = x);
            all
        };
        let bounds = input.bounds.tagged();
        Pass {
            split,
            bounds,
            groups: count,
            group_of_pack: groups::group_of_pack(count, contenders.packs.sq_norms.len()),
            positions,
            thresholds: by_group(&mut drift.group_thresholds()),
            limits: by_group(&mut drift.group_limits(&bounds)),
            blocks: Vec::with_capacity(PANEL),
            chosen: vec![Chosen::none(); count],
            moves: Vec::with_capacity(PANEL * LANES),
            moved: 0,
            input,
        }
    }

    /// A bit for each point of a block: whether its label may be wrong.
    #[inline(always)]
    fn points_to_check(&self, index: usize) -> u16 {
        let all = u16::MAX >> (LANES - LANES.min(self.split.len - index * LANES));
        if !self.input.drift.knows_groups() {
            return all;
        }
        let limits = &self.split.limits[index];
        let highest = self.input.drift.highest_threshold();
        if limits.iter().fold(true, |are_above, limit| are_above & (*limit > highest)) {
            return 0;
        }
        let mut bits = 0;
        for (lane, (limit, label)) in limits.iter().zip(&self.split.labels[index].0).enumerate() {
            bits |= u16::from(*limit <= self.input.drift.threshold(*label)) << lane;
        }
        bits & all
    }

    /// Adds a block to the panel, with the groups that must be estimated.
    #[inline(always)]
    fn add_block<S: Simd>(&mut self, simd: S, index: usize, left: u16) {
        let mut block = Block {
            index,
            left,
            positions: Aligned([NO_CONTENDER; LANES]),
            own: Lanes::splat(PADDING),
            is_in_group: 0,
            wanted: [(0, 0); MAX_GROUPS],
        };
        for lane in bits(left) {
            let label = self.split.labels[index][lane];
            let position = self.positions.get(label as usize).copied().unwrap_or(NO_CONTENDER);
            block.positions[lane] = position;
            if position != NO_CONTENDER {
                block.own[lane] = self.estimate(simd, index * LANES + lane, position as usize);
            }
        }
        let upper = self.max_distance(simd, index, &block.own);
        let indices = std::array::from_fn(|lane| (index * LANES + lane) as u32);
        for group in 0..self.groups {
            let mut wanted = left;
            if self.input.drift.knows_groups() {
                let low = simd.load(&self.split.lower_bounds[index * self.groups + group]);
                let threshold = simd.add(upper, simd.splat(self.thresholds[group]));
                wanted &= !simd.bits(simd.less(threshold, low));
            }
            let chosen = &mut self.chosen[group];
            block.wanted[group] = (wanted, chosen.len as u32);
            let packed = simd.compress(wanted, &indices);
            chosen.points[chosen.len..][..LANES].copy_from_slice(&packed);
            chosen.len += wanted.count_ones() as usize;
        }
        for lane in bits(left) {
            let group = self.group_of_pack.get(block.positions[lane] as usize / LANES);
            let wanted = group.map_or(0, |group| block.wanted[*group].0);
            block.is_in_group |= wanted & 1 << lane;
        }
        self.blocks.push(block);
    }

    /// An estimate of one point and one contender.
    #[inline(always)]
    fn estimate<S: Simd>(&self, simd: S, index: usize, position: usize) -> f32 {
        let dims = self.input.points.dims();
        let z = &self.split.points[index * dims..][..dims];
        estimate::one(simd, z, self.input.contenders, position)
    }

    /// Upper bounds on the distances of a block's points whose squares are estimated.
    #[inline(always)]
    fn max_distance<S: Simd>(&self, simd: S, index: usize, estimates: &Lanes) -> S::Floats {
        let square = simd.add(simd.load(&self.split.norms[index]), simd.load(estimates));
        let error = simd.splat(3.0 * self.bounds.estimate as f32);
        simd.square_root(simd.add(simd.max(square, simd.splat(0.0)), error))
    }

    /// Estimates the chosen points of all groups, and labels the points of the panel.
    #[inline(always)]
    fn assign_panel<S: Simd>(&mut self, simd: S) {
        let packs = self.input.contenders.packs.sq_norms.len();
        for (group, chosen) in self.chosen.iter_mut().enumerate() {
            let estimate = Estimate {
                contenders: &self.input.contenders.packs,
                packs: groups::packs(group, self.groups, packs),
                dims: self.input.points.dims(),
                points: &self.split.points,
                chosen: &chosen.points[..chosen.len],
                estimates: &mut chosen.estimates,
            };
            estimate.run(simd);
            chosen.len = 0;
        }
        let mut blocks = std::mem::take(&mut self.blocks);
        for block in &blocks {
            self.assign_block(simd, block);
        }
        blocks.clear();
        self.blocks = blocks;
        self.move_all(simd);
    }

    /// Labels the points of a block and sets their bounds.
    #[inline(always)]
    fn assign_block<S: Simd>(&mut self, simd: S, block: &Block) {
        let mut own = block.own;
        for lane in bits(block.is_in_group) {
            // It is among the group's.
            own[lane] = PADDING;
        }
        let mut best = simd.load(&own);
        let mut second = simd.splat(PADDING);
        let mut positions = simd.load_integers(&block.positions);
        for (chosen, &(wanted, first)) in self.chosen.iter().zip(&block.wanted) {
            if wanted == 0 {
                continue;
            }
            let found = chosen.found(simd, wanted, first);
            let is_best = simd.less(found.best, best);
            positions = simd.select(is_best, found.positions, positions);
            second = simd.min(simd.max(best, found.best), simd.min(second, found.second));
            best = simd.min(best, found.best);
        }
        let gap = simd.splat(2.0 * self.bounds.estimate as f32);
        let clear = simd.bits(simd.less(gap, simd.subtract(second, best)));
        let mut nearest = Aligned([NO_CONTENDER; LANES]);
        simd.store_integers(positions, &mut nearest);
        let unclear = block.left & !clear;
        for lane in bits(unclear) {
            let point = self.input.points.get(block.index * LANES + lane);
            let contenders = self.input.contenders;
            nearest[lane] = ExactNearest { contenders, point }.run(simd) as u32;
        }
        let changed = simd
            .differences(simd.load_integers(&nearest), simd.load_integers(&block.positions))
            & block.left;
        for lane in bits(changed) {
            self.relabel(block, lane, nearest[lane]);
        }
        let mut closest = Lanes::splat(0.0);
        simd.store(best, &mut closest);
        let upper = self.max_distance(simd, block.index, &closest);
        let slack = simd.subtract(self.update_lower_bounds(simd, block, &nearest), upper);
        let mut slacks = Lanes::splat(0.0);
        simd.store(slack, &mut slacks);
        for lane in bits(block.left) {
            let is_clear = unclear >> lane & 1 == 0;
            let slack = if is_clear { f64::from(slacks[lane]) } else { f64::NEG_INFINITY };
            let label = self.split.labels[block.index][lane];
            self.split.limits[block.index][lane] = self.input.drift.limit(label, slack);
        }
    }

    /// Sets the lower bounds of the estimated groups. Returns the lowest over all groups.
    #[inline(always)]
    fn update_lower_bounds<S: Simd>(
        &mut self,
        simd: S,
        block: &Block,
        nearest: &Integers,
    ) -> S::Floats {
        let norm = simd.load(&self.split.norms[block.index]);
        let error = simd.splat(3.0 * self.bounds.estimate as f32);
        let mut nearest_group = simd.splat(PADDING);
        for group in 0..self.groups {
            let (wanted, first) = block.wanted[group];
            let lower_bounds = &mut self.split.lower_bounds[block.index * self.groups + group];
            let mut low = simd.load(lower_bounds);
            if wanted != 0 {
                let found = self.chosen[group].found(simd, wanted, first);
                let others = simd.differences(found.positions, simd.load_integers(nearest));
                let estimate = simd.pick(others, found.best, found.second);
                let square = simd.subtract(simd.add(norm, estimate), error);
                let distance = simd.square_root(simd.max(square, simd.splat(0.0)));
                low = simd.pick(wanted, simd.add(distance, simd.splat(self.limits[group])), low);
                simd.store(low, lower_bounds);
            }
            low = simd.subtract(low, simd.splat(self.thresholds[group]));
            nearest_group = simd.min(nearest_group, low);
        }
        nearest_group
    }

    /// Gives a point of a block another label.
    #[inline(always)]
    fn relabel(&mut self, block: &Block, lane: usize, position: u32) {
        let index = block.index * LANES + lane;
        let label = self.input.contenders.indices[position as usize];
        let before = std::mem::replace(&mut self.split.labels[block.index][lane], label);
        if before != label {
            let from = (before != NONE).then_some(before as usize);
            self.moves.push(Move { index, from, to: label as usize });
        }
        // Its former contender now counts for the lower bound of its group.
        let group = self.group_of_pack.get(block.positions[lane] as usize / LANES).copied();
        if let Some(group) = group
            && block.wanted[group].0 >> lane & 1 == 0
        {
            let norm = f64::from(self.split.norms[block.index][lane]);
            let distance = self.bounds.min_distance(norm + f64::from(block.own[lane]));
            let low = distance as f32 + self.limits[group];
            let lower_bounds = &mut self.split.lower_bounds[block.index * self.groups + group];
            lower_bounds[lane] = lower_bounds[lane].min(low);
        }
    }

    #[inline(always)]
    fn move_all<S: Simd>(&mut self, simd: S) {
        self.moved += self.moves.len() as u64;
        let PassInput { sums, points, .. } = &mut self.input;
        MoveAll { sums, points, moves: &self.moves }.run(simd);
        self.moves.clear();
    }
}

/// The indices of the set bits.
#[inline(always)]
fn bits(mut left: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = (left != 0).then_some(left.trailing_zeros() as usize);
        left &= left.wrapping_sub(1);
        lane
    })
}

//! Sorts points so that neighbours in space are mostly neighbours in memory.

use std::ops::Range;

/// A cell with at most this many points is not sorted further.
const ENOUGH: usize = 24;

/// The most bits of a cell's number: the counts and write positions of all cells fit the L1 cache.
const MAX_BITS: u32 = 11;

/// Enough for any real data; it bounds the recursion for degenerate data.
const MAX_DEPTH: u32 = 16;

/// The smallest and the largest value of each coordinate.
pub(super) fn bounding_box<const D: usize>(points: &[[f64; D]]) -> ([f64; D], [f64; D]) {
    let (mut low, mut high) = ([f64::INFINITY; D], [f64::NEG_INFINITY; D]);
    for point in points {
        for dim in 0..D {
            let x = point[dim];
            low[dim] = if x < low[dim] { x } else { low[dim] };
            high[dim] = if x > high[dim] { x } else { high[dim] };
        }
    }
    (low, high)
}

/// The points in their new order, and the former index of each.
///
/// The box around them is halved again and again where it is longest, and the points are sorted by
/// the number of their cell (a radix sort whose digit is a path in a k-d tree). Cells with many
/// points are sorted again, each in its own bounding box: so the order is as fine in dense regions
/// as in sparse ones, and a far outlier costs one round.
pub(super) fn arrange<const D: usize>(points: &[[f64; D]]) -> (Vec<[f64; D]>, Vec<u32>) {
    let mut arranged = Row::of(points.len());
    let mut cells = vec![0; points.len()];
    let mut ends = place_cells(points, &mut cells);
    for (number, (point, cell)) in points.iter().zip(&cells).enumerate() {
        arranged.put(&mut ends[usize::from(*cell)], point, number as u32);
    }
    let mut cell = Row::of(0);
    sort_cells(&mut arranged, 0, &ends, &mut cells, &mut cell, 1);
    (arranged.points, arranged.numbers)
}

/// Points and their former indices.
struct Row<const D: usize> {
    points: Vec<[f64; D]>,
    numbers: Vec<u32>,
}

impl<const D: usize> Row<D> {
    fn of(len: usize) -> Row<D> {
        Row { points: vec![[0.0; D]; len], numbers: vec![0; len] }
    }

    /// Writes a point at a position and advances the position.
    #[inline(always)]
    fn put(&mut self, position: &mut usize, point: &[f64; D], number: u32) {
        self.points[*position] = *point;
        self.numbers[*position] = number;
        *position += 1;
    }

    /// Copies a part of another row.
    fn copy(&mut self, row: &Row<D>, part: Range<usize>) {
        self.points.clear();
        self.points.extend_from_slice(&row.points[part.clone()]);
        self.numbers.clear();
        self.numbers.extend_from_slice(&row.numbers[part]);
    }
}

/// Computes the cell of each point. Returns where the points of each cell begin in sorted order.
fn place_cells<const D: usize>(points: &[[f64; D]], cells: &mut [u16]) -> Vec<usize> {
    let cell_bits = (points.len() / (ENOUGH / 2)).max(2).ilog2().min(MAX_BITS);
    let grid = Grid::around(points, cell_bits);
    let mut starts = vec![0; 1 << cell_bits];
    for (point, cell) in points.iter().zip(cells) {
        *cell = grid.cell(point);
        starts[usize::from(*cell)] += 1;
    }
    let mut start = 0;
    for count in &mut starts {
        start += std::mem::replace(count, start);
    }
    starts
}

/// Sorts the points of large cells. The first cell begins at `start`, and the cells end at `ends`.
fn sort_cells<const D: usize>(
    row: &mut Row<D>,
    mut start: usize,
    ends: &[usize],
    cells: &mut [u16],
    cell: &mut Row<D>,
    depth: u32,
) {
    let len = ends.last().map_or(0, |end| end - start);
    for end in ends {
        let part = start..*end;
        start = *end;
        if part.len() <= ENOUGH || part.len() == len || depth == MAX_DEPTH {
            continue;
        }
        cell.copy(row, part.clone());
        let mut ends = place_cells(&cell.points, &mut cells[..part.len()]);
        ends.iter_mut().for_each(|end| *end += part.start);
        let all = cell.points.iter().zip(&cell.numbers).zip(&*cells);
        for ((point, number), cell) in all {
            row.put(&mut ends[usize::from(*cell)], point, *number);
        }
        sort_cells(row, part.start, &ends, cells, cell, depth + 1);
    }
}

/// Cells of a box, numbered by recursive halving: half of the numbers are half of the box.
struct Grid<const D: usize> {
    low: [f64; D],
    /// Cells per unit of length.
    density: [f64; D],
    /// By coordinate and cell along it: its bits of the cell number.
    bits: [Vec<u16>; D],
}

impl<const D: usize> Grid<D> {
    fn around(points: &[[f64; D]], cell_bits: u32) -> Grid<D> {
        let (low, high) = bounding_box(points);
        let mut sides: [f64; D] = std::array::from_fn(|dim| high[dim] - low[dim]);
        let mut bits: [Vec<u16>; D] = std::array::from_fn(|_| vec![0]);
        for bit in (0..cell_bits).rev() {
            let longest = (0..D).fold(0, |a, b| if sides[b] > sides[a] { b } else { a });
            sides[longest] /= 2.0;
            let halves = |number: &u16| [*number, number | 1 << bit];
            bits[longest] = bits[longest].iter().flat_map(halves).collect();
        }
        let density = std::array::from_fn(|dim| {
            let density = bits[dim].len() as f64 / (high[dim] - low[dim]);
            if density.is_finite() { density } else { 0.0 }
        });
        Grid { low, density, bits }
    }

    #[inline]
    fn cell(&self, point: &[f64; D]) -> u16 {
        let mut cell = 0;
        for dim in 0..D {
            let along = ((point[dim] - self.low[dim]) * self.density[dim]) as usize;
            let bits = &self.bits[dim];
            cell |= bits[along.min(bits.len() - 1)];
        }
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn unit(seed: &mut Seed) -> f64 {
        (seed.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn any_points(seed: &mut Seed, n: usize) -> Vec<[f64; 2]> {
        let kind = seed.below(4);
        let point = |_| {
            let x = [unit(seed), unit(seed)];
            match kind {
                0 => x,
                1 => [x[0].powi(300), x[1].powi(300)],
                2 => [0.25, 0.0],
                _ => [(x[0] * 3.0).floor(), 1e-308 * x[1]],
            }
        };
        (0..n).map(point).collect()
    }

    #[test]
    fn no_point_is_lost_and_each_keeps_its_index() {
        for number in 1..200 {
            let mut seed = Seed::new(number);
            let n = seed.below(3_000);
            let points = any_points(&mut seed, n);
            let (arranged, mut numbers) = arrange(&points);
            for (point, number) in arranged.iter().zip(&numbers) {
                assert_eq!(*point, points[*number as usize], "seed {number}");
            }
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(0..n as u32), "seed {number}");
        }
    }

    #[test]
    fn neighbours_in_the_row_are_neighbours_in_space() {
        let mut seed = Seed::new(5);
        // Uniform points, and half of them in a speck a millionth as wide.
        let scales = [1.0, 1e-6].into_iter().cycle().take(20_000);
        let points: Vec<[f64; 2]> =
            scales.map(|scale| [unit(&mut seed) * scale, unit(&mut seed) * scale]).collect();
        let (points, _) = arrange(&points);
        // 64 of 10,000 points in a unit square are in a square of side 0.08.
        let mut diameters: Vec<f64> = points
            .chunks_exact(64)
            .map(|chunk| {
                let side = |dim: usize| {
                    let all = chunk.iter().map(|point| point[dim]);
                    all.clone().fold(0.0, f64::max) - all.fold(1.0, f64::min)
                };
                side(0).max(side(1))
            })
            .collect();
        diameters.sort_by(f64::total_cmp);
        let (dense, sparse) = diameters.split_at(diameters.len() / 2 - 2);
        assert!(dense[dense.len() / 2] < 2e-7, "{diameters:?}");
        assert!(sparse[sparse.len() / 2] < 0.2, "{diameters:?}");
    }
}

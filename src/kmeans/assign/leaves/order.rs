//! Points in an order in which neighbours in space are mostly neighbours in the row.

/// A point of few coordinates and its number in the split.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<const D: usize> {
    pub(super) z: [f32; D],
    pub(super) index: u32,
}

/// Records that need no order among themselves.
const ENOUGH: usize = 24;

/// Most bits of a cell's number: counts of cells and places to write to stay in the nearest caches.
const MAX_BITS: u32 = 11;

/// Deep enough for any points that one would cluster, and an end for all others.
const MAX_DEPTH: u32 = 16;

/// Puts the records in order.
///
/// The box around them is halved again and again where it is longest, and the records are sorted
/// by the number of their cell (a radix sort whose digit is a path in a k-d tree). Cells with many
/// records are sorted again, each with a box of its own: so the order is as fine where points are
/// dense as where they are few, and a far outlier costs one round.
pub(super) fn arrange<const D: usize>(records: &mut [Record<D>]) {
    let mut scratch = records.to_vec();
    let mut cells = vec![0; records.len()];
    sort(records, &mut scratch, &mut cells, 0);
}

fn sort<const D: usize>(
    records: &mut [Record<D>],
    scratch: &mut [Record<D>],
    cells: &mut [u16],
    depth: u32,
) {
    let cell_bits = (records.len() / (ENOUGH / 2)).max(2).ilog2().min(MAX_BITS);
    let grid = Grid::around(records, cell_bits);
    let mut ends = vec![0; 1 << cell_bits];
    for (record, cell) in records.iter().zip(cells.iter_mut()) {
        *cell = grid.cell(&record.z);
        ends[usize::from(*cell)] += 1;
    }
    let mut end = 0;
    for count in &mut ends {
        let start = end;
        end += *count;
        *count = start;
    }
    for (record, cell) in records.iter().zip(cells.iter()) {
        let place = &mut ends[usize::from(*cell)];
        scratch[*place] = *record;
        *place += 1;
    }
    records.copy_from_slice(scratch);
    let mut start = 0;
    for end in ends {
        if end - start > ENOUGH && end - start < records.len() && depth < MAX_DEPTH {
            let cell = start..end;
            sort(
                &mut records[cell.clone()],
                &mut scratch[cell.clone()],
                &mut cells[cell],
                depth + 1,
            );
        }
        start = end;
    }
}

/// Cells of a box, numbered so that half of the numbers are half of the box.
struct Grid<const D: usize> {
    low: [f32; D],
    /// Cells in a unit of length.
    density: [f32; D],
    /// By coordinate and cell along it: the bits of the number that it decides.
    bits: [Vec<u16>; D],
}

impl<const D: usize> Grid<D> {
    fn around(records: &[Record<D>], cell_bits: u32) -> Grid<D> {
        let mut low = [f32::INFINITY; D];
        let mut high = [f32::NEG_INFINITY; D];
        for record in records {
            for dim in 0..D {
                low[dim] = low[dim].min(record.z[dim]);
                high[dim] = high[dim].max(record.z[dim]);
            }
        }
        let mut sides: [f32; D] = std::array::from_fn(|dim| high[dim] - low[dim]);
        let mut bits: [Vec<u16>; D] = std::array::from_fn(|_| vec![0]);
        for bit in (0..cell_bits).rev() {
            let longest = (0..D).fold(0, |a, b| if sides[b] > sides[a] { b } else { a });
            sides[longest] /= 2.0;
            let halves = |number: &u16| [*number, number | 1 << bit];
            bits[longest] = bits[longest].iter().flat_map(halves).collect();
        }
        let density = std::array::from_fn(|dim| {
            let side = high[dim] - low[dim];
            let density = bits[dim].len() as f32 / side;
            if density.is_finite() { density } else { 0.0 }
        });
        Grid { low, density, bits }
    }

    #[inline]
    fn cell(&self, z: &[f32; D]) -> u16 {
        let mut cell = 0;
        for dim in 0..D {
            let along = ((z[dim] - self.low[dim]) * self.density[dim]) as usize;
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

    fn any_records(seed: &mut Seed, n: usize) -> Vec<Record<2>> {
        let kind = seed.below(4);
        (0..n)
            .map(|index| {
                let unit = |seed: &mut Seed| (seed.next_u64() >> 40) as f32 / (1 << 24) as f32;
                let z = [unit(seed), unit(seed)];
                let z = match kind {
                    0 => z,
                    1 => [z[0].powi(30), z[1].powi(30)],
                    2 => [0.25, 0.0],
                    _ => [(z[0] * 3.0).floor(), 1e-38 * z[1]],
                };
                Record { z, index: index as u32 }
            })
            .collect()
    }

    #[test]
    fn no_record_is_lost() {
        for number in 1..200 {
            let mut seed = Seed::new(number);
            let n = seed.below(3_000);
            let records = any_records(&mut seed, n);
            let mut arranged = records.clone();
            arrange(&mut arranged);
            arranged.sort_by_key(|record| record.index);
            let same = |(a, b): (&Record<2>, &Record<2>)| a.index == b.index && a.z == b.z;
            assert!(records.iter().zip(&arranged).all(same), "seed {number}");
        }
        arrange::<3>(&mut []);
    }

    #[test]
    fn neighbours_in_the_row_are_neighbours_in_space() {
        let mut seed = Seed::new(5);
        // Uniform points, and half of them in a speck a millionth as wide.
        let mut records = any_records(&mut seed, 0);
        for index in 0..20_000_u32 {
            let unit = |seed: &mut Seed| (seed.next_u64() >> 40) as f32 / (1 << 24) as f32;
            let scale = if index % 2 == 0 { 1.0 } else { 1e-6 };
            records.push(Record { z: [unit(&mut seed) * scale, unit(&mut seed) * scale], index });
        }
        arrange(&mut records);
        // 64 of 10,000 points in a unit square are in a square of side 0.08.
        let mut diameters: Vec<f32> = records
            .chunks_exact(64)
            .map(|chunk| {
                let side = |dim: usize| {
                    let all = chunk.iter().map(|record| record.z[dim]);
                    all.clone().fold(0.0, f32::max) - all.fold(1.0, f32::min)
                };
                side(0).max(side(1))
            })
            .collect();
        diameters.sort_by(f32::total_cmp);
        let (dense, sparse) = diameters.split_at(diameters.len() / 2 - 2);
        assert!(dense[dense.len() / 2] < 2e-7, "{diameters:?}");
        assert!(sparse[sparse.len() / 2] < 0.2, "{diameters:?}");
    }
}

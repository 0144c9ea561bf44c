//! Points: rows of coordinates, and the place of each in the input.

use super::Error;

/// The most coordinates of a point.
pub const MAX_DIMS: usize = 4_096;

/// The most points of a split.
pub const MAX_POINTS: usize = u32::MAX as usize;

/// Points of one split, all with the same number of finite coordinates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    dims: usize,
    coordinates: Vec<f64>,
    /// By point, in the order of the input.
    offsets: Offsets,
    /// By point: its index in the input. Empty while the points are in input order.
    order: Vec<u32>,
}

impl Points {
    /// No points yet, of `dims` coordinates each.
    pub fn new(dims: usize) -> Result<Points, Error> {
        match dims {
            1..=MAX_DIMS => Ok(Points { dims, ..Points::default() }),
            _ => Err(Error::Dims(dims)),
        }
    }

    /// Appends a point whose record begins at this byte of the input. Offsets ascend.
    pub fn push(&mut self, offset: u64, point: &[f64]) -> Result<(), Error> {
        if point.len() != self.dims {
            return Err(Error::DimsDiffer { expected: self.dims, found: point.len() });
        }
        if point.iter().any(|x| !x.is_finite()) {
            return Err(Error::NotFinite);
        }
        if self.len() == MAX_POINTS {
            return Err(Error::TooManyPoints);
        }
        self.coordinates.extend_from_slice(point);
        self.offsets.push(offset);
        Ok(())
    }

    /// Appends a coordinate, which is finite, of the next point.
    #[inline]
    pub(super) fn push_coordinate(&mut self, x: f64) {
        self.coordinates.push(x);
    }

    /// How many coordinates of the next point have been pushed.
    #[inline]
    pub(super) fn pending(&self) -> usize {
        self.coordinates.len() - self.len() * self.dims
    }

    /// Makes a point of the pending coordinates; there must be at least one.
    #[inline]
    pub(super) fn end_point(&mut self, offset: u64) -> Result<(), Error> {
        let found = self.pending();
        if found != self.dims {
            match self.dims {
                0 if found <= MAX_DIMS => self.dims = found,
                0 => return Err(Error::Dims(found)),
                expected => return Err(Error::DimsDiffer { expected, found }),
            }
        }
        if self.len() == MAX_POINTS {
            return Err(Error::TooManyPoints);
        }
        self.offsets.push(offset);
        Ok(())
    }

    /// Removes the pending coordinates.
    pub(super) fn drop_pending(&mut self) {
        self.coordinates.truncate(self.len() * self.dims);
    }

    /// Removes all points, and keeps their memory.
    pub(super) fn clear(&mut self) {
        self.coordinates.clear();
        self.order.clear();
        self.offsets.clear();
    }

    /// The number of points.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether there are no points.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of coordinates of a point.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// A point by index, from 0.
    pub fn get(&self, index: usize) -> &[f64] {
        &self.coordinates[index * self.dims..(index + 1) * self.dims]
    }

    /// The byte offset of the record of a point in the input.
    pub fn offset(&self, index: usize) -> u64 {
        self.offsets.get(self.input_index(index))
    }

    /// The index of a point in the input.
    pub(super) fn input_index(&self, index: usize) -> usize {
        self.order.get(index).map_or(index, |index| *index as usize)
    }

    /// Reorders the points: `arrange` returns them in their new order, with the former index of
    /// each.
    pub(super) fn arrange<const D: usize>(
        &mut self,
        arrange: impl FnOnce(&[[f64; D]]) -> (Vec<[f64; D]>, Vec<u32>),
    ) {
        debug_assert!(self.order.is_empty() && self.dims == D);
        let (points, order) = arrange(self.rows());
        self.coordinates = points.into_flattened();
        self.order = order;
    }

    /// The points as arrays; empty unless they have `D` coordinates.
    pub(super) fn rows<const D: usize>(&self) -> &[[f64; D]] {
        if self.dims == D { self.coordinates.as_chunks().0 } else { &[] }
    }

    /// All coordinates, point after point.
    pub fn coordinates(&self) -> &[f64] {
        &self.coordinates
    }

    /// The points in order.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, f64> {
        self.coordinates.chunks_exact(self.dims.max(1))
    }
}

/// Ascending numbers in a little over two bytes each: in runs, as differences from the first one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Offsets {
    runs: Vec<Run>,
    above: Vec<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    /// Its first index in `above`.
    index: usize,
    /// Its first number.
    first: u64,
}

impl Offsets {
    fn len(&self) -> usize {
        self.above.len()
    }

    fn clear(&mut self) {
        self.above.clear();
        self.runs.clear();
    }

    #[inline]
    fn push(&mut self, offset: u64) {
        let above = self.runs.last().and_then(|run| offset.checked_sub(run.first));
        let above = above.and_then(|above| u16::try_from(above).ok());
        if above.is_none() {
            self.runs.push(Run { index: self.above.len(), first: offset });
        }
        self.above.push(above.unwrap_or(0));
    }

    fn get(&self, index: usize) -> u64 {
        let run = self.runs.partition_point(|run| run.index <= index) - 1;
        self.runs[run].first + u64::from(self.above[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_kept_if_they_are_far_apart_or_descend() {
        let mut points = Points::new(1).unwrap();
        let offsets = [0, 7, 65_535, 65_536, 1 << 32, (1 << 40) - 1, 1 << 40, 3, u64::MAX];
        for offset in offsets {
            points.push(offset, &[offset as f64]).unwrap();
        }
        let back: Vec<u64> = (0..points.len()).map(|index| points.offset(index)).collect();
        assert_eq!(back, offsets);
    }

    #[test]
    fn an_invalid_point_is_refused_and_changes_nothing() {
        assert_eq!(Points::new(0), Err(Error::Dims(0)));
        assert_eq!(Points::new(MAX_DIMS + 1), Err(Error::Dims(4_097)));
        let mut points = Points::new(2).unwrap();
        assert_eq!(points.push(0, &[1.0]), Err(Error::DimsDiffer { expected: 2, found: 1 }));
        assert_eq!(points.push(0, &[1.0, f64::NAN]), Err(Error::NotFinite));
        assert_eq!(points.push(0, &[f64::INFINITY, 0.0]), Err(Error::NotFinite));
        assert!(points.is_empty() && points.coordinates().is_empty());
    }
}

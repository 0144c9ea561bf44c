//! Points: rows of coordinates, and where each stands in the input.

use super::Error;

/// Most coordinates that a point may have.
pub const MAX_DIMS: usize = 4_096;

/// Points of one split, all with the same number of finite coordinates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    dims: usize,
    coordinates: Vec<f64>,
    offsets: Offsets,
}

impl Points {
    /// No points yet, of `dims` coordinates each.
    pub fn new(dims: usize) -> Result<Points, Error> {
        match dims {
            1..=MAX_DIMS => Ok(Points { dims, ..Points::default() }),
            _ => Err(Error::Dims(dims)),
        }
    }

    /// Appends a point whose record begins at this byte of the input. Offsets rise.
    pub fn push(&mut self, offset: u64, point: &[f64]) -> Result<(), Error> {
        if point.len() != self.dims {
            return Err(Error::DimsDiffer { expected: self.dims, found: point.len() });
        }
        if point.iter().any(|x| !x.is_finite()) {
            return Err(Error::NotFinite);
        }
        self.coordinates.extend_from_slice(point);
        self.offsets.push(offset);
        Ok(())
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Coordinates of a point.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// One point, counted from 0.
    pub fn get(&self, index: usize) -> &[f64] {
        &self.coordinates[index * self.dims..(index + 1) * self.dims]
    }

    /// The byte of the input at which the record of a point begins.
    pub fn offset(&self, index: usize) -> u64 {
        self.offsets.get(index)
    }

    /// All coordinates, point after point.
    pub fn coordinates(&self) -> &[f64] {
        &self.coordinates
    }

    /// Each point in order.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, f64> {
        self.coordinates.chunks_exact(self.dims.max(1))
    }
}

/// Rising numbers in a little over four bytes each: a base for every so many, and what is above it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Offsets {
    bases: Vec<u64>,
    above: Vec<u32>,
    /// Which entry of `bases` is for the first number; then for each of those that follow.
    runs: Vec<usize>,
}

impl Offsets {
    fn len(&self) -> usize {
        self.above.len()
    }

    fn push(&mut self, offset: u64) {
        let above = self.bases.last().and_then(|base| offset.checked_sub(*base));
        match above.and_then(|above| u32::try_from(above).ok()) {
            Some(above) => self.above.push(above),
            None => {
                self.bases.push(offset);
                self.runs.push(self.above.len());
                self.above.push(0);
            }
        }
    }

    fn get(&self, index: usize) -> u64 {
        let run = self.runs.partition_point(|first| *first <= index) - 1;
        self.bases[run] + u64::from(self.above[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_beyond_four_gigabytes_and_back_come_back_as_they_went() {
        let mut points = Points::new(1).unwrap();
        let offsets = [0, 7, u64::from(u32::MAX), 1 << 32, 1 << 40, (1 << 40) + 9, 3, u64::MAX];
        for offset in offsets {
            points.push(offset, &[offset as f64]).unwrap();
        }
        let back: Vec<u64> = (0..points.len()).map(|index| points.offset(index)).collect();
        assert_eq!(back, offsets);
    }

    #[test]
    fn what_is_no_point_is_refused_and_changes_nothing() {
        assert_eq!(Points::new(0), Err(Error::Dims(0)));
        assert_eq!(Points::new(MAX_DIMS + 1), Err(Error::Dims(4_097)));
        let mut points = Points::new(2).unwrap();
        assert_eq!(points.push(0, &[1.0]), Err(Error::DimsDiffer { expected: 2, found: 1 }));
        assert_eq!(points.push(0, &[1.0, f64::NAN]), Err(Error::NotFinite));
        assert_eq!(points.push(0, &[f64::INFINITY, 0.0]), Err(Error::NotFinite));
        assert!(points.is_empty() && points.coordinates().is_empty());
    }
}

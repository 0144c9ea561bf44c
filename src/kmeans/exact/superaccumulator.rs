//! A fixed-point number long enough for any sum of f64 or of products of two f64.

use super::{Dyadic, decompose};

/// Limbs of 64 bits.
const LIMBS: usize = 68;

/// The exponent of the lowest bit. A product of the two smallest f64 is `2^-2148`.
const LOWEST_EXPONENT: i32 = -2176;

/// Sums below this power of two leave enough space for any further additions: products of two f64
/// are below `2^2048`, and `2^64` points of 4,096 dimensions in 100,000 clusters add less than 94
/// bits.
pub(super) const MAX_BITS: i32 = 2150;

/// The lowest exponent of anything that is added.
pub(super) const MIN_EXPONENT: i32 = -2148;

/// An exact sum of f64, and of products of two of them, in two's complement: 544 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superaccumulator {
    limbs: [u64; LIMBS],
}

impl Default for Superaccumulator {
    fn default() -> Superaccumulator {
        Superaccumulator { limbs: [0; LIMBS] }
    }
}

impl Superaccumulator {
    /// Adds a finite number.
    pub fn add(&mut self, x: f64) {
        let (negative, mantissa, exponent) = decompose(x);
        self.add_limbs(negative, &[mantissa], exponent);
    }

    /// Subtracts a finite number.
    pub fn subtract(&mut self, x: f64) {
        self.add(-x);
    }

    /// Adds the product of two finite numbers.
    pub fn add_product(&mut self, x: f64, y: f64) {
        let (x_negative, x_mantissa, x_exponent) = decompose(x);
        let (y_negative, y_mantissa, y_exponent) = decompose(y);
        let product = u128::from(x_mantissa) * u128::from(y_mantissa);
        let limbs = [product as u64, (product >> 64) as u64];
        self.add_limbs(x_negative != y_negative, &limbs, x_exponent + y_exponent);
    }

    /// Adds `x * y` for a `y` below `2^1100` in multiples of `2^-1074`, as sums of f64 are.
    pub fn add_multiple(&mut self, y: &Dyadic, x: f64) {
        let (negative, mantissa, exponent) = decompose(x);
        y.with_limbs(|y_negative, limbs, y_exponent| {
            let product = times(limbs, mantissa);
            self.add_limbs(negative != y_negative, &product, exponent + y_exponent);
        });
    }

    /// Whether the number is below zero.
    pub(super) fn is_negative(&self) -> bool {
        self.limbs[LIMBS - 1] >> 63 == 1
    }

    /// The absolute value.
    pub(super) fn magnitude(&self) -> Superaccumulator {
        let mut magnitude = Superaccumulator::default();
        magnitude.add_limbs(self.is_negative(), &self.limbs, LOWEST_EXPONENT);
        magnitude
    }

    /// The limbs from the first to the last nonzero one, and the exponent of the lowest bit. The
    /// number must not be negative.
    pub(super) fn significant(&self) -> (&[u64], i32) {
        let first = self.limbs.iter().position(|limb| *limb != 0).unwrap_or(LIMBS);
        let end = self.limbs.iter().rposition(|limb| *limb != 0).map_or(LIMBS, |last| last + 1);
        (&self.limbs[first..end], LOWEST_EXPONENT + 64 * first as i32)
    }

    /// Adds `limbs * 2^exponent`, the lowest limb first, or subtracts it if `negative`.
    pub(super) fn add_limbs(&mut self, negative: bool, limbs: &[u64], exponent: i32) {
        debug_assert!(exponent >= LOWEST_EXPONENT);
        let position = (exponent - LOWEST_EXPONENT) as usize;
        let (first, shift) = (position / 64, (position % 64) as u32);
        let mut place = self.limbs.iter_mut().skip(first);
        let mut carry = false;
        let mut below = 0;
        for limb in limbs.iter().chain([&0]) {
            let Some(at) = place.next() else { return };
            let part = limb << shift | if shift == 0 { 0 } else { below >> (64 - shift) };
            (*at, carry) = match negative {
                false => at.carrying_add(part, carry),
                true => at.borrowing_sub(part, carry),
            };
            below = *limb;
        }
        for at in place {
            if !carry {
                return;
            }
            (*at, carry) = match negative {
                false => at.overflowing_add(1),
                true => at.overflowing_sub(1),
            };
        }
    }
}

/// `limbs * factor`, the lowest limb first.
pub(super) fn times(limbs: &[u64], factor: u64) -> Vec<u64> {
    let mut product = Vec::with_capacity(limbs.len() + 1);
    let mut carry = 0;
    for limb in limbs {
        let (low, high) = limb.carrying_mul(factor, carry);
        product.push(low);
        carry = high;
    }
    product.push(carry);
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn any_f64(seed: &mut Seed) -> f64 {
        loop {
            let x = f64::from_bits(seed.next_u64());
            if x.is_finite() {
                return x;
            }
        }
    }

    #[test]
    fn whatever_is_added_and_taken_away_in_another_order_leaves_nothing() {
        let mut seed = Seed::new(7);
        let mut numbers: Vec<f64> = (0..1_000).map(|_| any_f64(&mut seed)).collect();
        let mut sum = Superaccumulator::default();
        numbers.iter().for_each(|x| sum.add(*x));
        numbers.windows(2).for_each(|pair| sum.add_product(pair[0], pair[1]));
        assert_ne!(sum, Superaccumulator::default());
        numbers.windows(2).rev().for_each(|pair| sum.add_product(-pair[1], pair[0]));
        numbers.sort_by(f64::total_cmp);
        numbers.iter().for_each(|x| sum.subtract(*x));
        assert_eq!(sum, Superaccumulator::default());
    }

    #[test]
    fn the_smallest_and_the_largest_products_are_held_together() {
        let (tiny, huge) = (f64::from_bits(1), f64::MAX);
        let mut sum = Superaccumulator::default();
        for _ in 0..1_000 {
            sum.add_product(huge, huge);
            sum.add_product(tiny, tiny);
            sum.add_product(-huge, huge);
        }
        let mut expected = Superaccumulator::default();
        expected.add_limbs(false, &[1_000], MIN_EXPONENT);
        assert_eq!(sum, expected);
        sum.add_product(-huge, huge);
        assert!(sum.is_negative() && !sum.magnitude().is_negative());
    }
}

//! An exact number, in 128 bits where possible.

use std::cmp::Ordering;
use std::ops::{AddAssign, Neg, SubAssign};

use super::superaccumulator::{Superaccumulator, times};
use super::{decompose, nearest};

/// `integer * 2^exponent`, exactly: a sum of f64 or of products of two.
///
/// Equal numbers are equal values: the integer is odd, or both are zero, and a number is wide only
/// if its integer does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dyadic(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// The integer is above `-2^127`.
    Narrow {
        integer: i128,
        exponent: i32,
    },
    Wide(Box<Superaccumulator>),
}

impl Default for Dyadic {
    fn default() -> Dyadic {
        Dyadic::ZERO
    }
}

impl Dyadic {
    /// 0.
    pub const ZERO: Dyadic = Dyadic(Form::Narrow { integer: 0, exponent: 0 });

    /// A finite f64.
    pub fn new(x: f64) -> Dyadic {
        let (negative, mantissa, exponent) = decompose(x);
        let integer = i128::from(mantissa);
        Dyadic::scaled(if negative { -integer } else { integer }, exponent)
    }

    /// `integer * 2^exponent`.
    pub fn scaled(integer: i128, exponent: i32) -> Dyadic {
        match integer.trailing_zeros() {
            128 => Dyadic::ZERO,
            zeros => Dyadic(Form::Narrow {
                integer: integer >> zeros,
                exponent: exponent + zeros as i32,
            }),
        }
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        *self == Dyadic::ZERO
    }

    /// Whether it is below 0.
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Form::Narrow { integer, .. } => *integer < 0,
            Form::Wide(wide) => wide.is_negative(),
        }
    }

    /// Whether this can be the sum of `n` finite f64: no bit is above or below their range.
    pub(in crate::kmeans) fn is_sum_of(&self, n: u64) -> bool {
        let (top, bottom) = self.with_limbs(|_, limbs, exponent| {
            let zeros = limbs.last().map_or(0, |limb| limb.leading_zeros() as i32);
            (limbs.len() as i32 * 64 - zeros + exponent, exponent)
        });
        let fits = bottom >= -1074 && (top <= 1024 || self.mean(n).is_finite());
        self.is_zero() || (n > 0 && fits)
    }

    /// `n` times this.
    pub fn times(&self, n: u64) -> Dyadic {
        if let Form::Narrow { integer, exponent } = self.0
            && let Some(product) = integer.checked_mul(i128::from(n))
        {
            return Dyadic::scaled(product, exponent);
        }
        let mut wide = Superaccumulator::default();
        self.with_limbs(|negative, limbs, exponent| {
            wide.add_limbs(negative, &times(limbs, n), exponent);
        });
        wide.into()
    }

    /// The nearest f64, ties to even; an infinity beyond the largest.
    pub fn to_f64(&self) -> f64 {
        self.mean(1)
    }

    /// The f64 nearest to an `n`th of this, ties to even: rounded once. `n` is not 0.
    pub fn mean(&self, n: u64) -> f64 {
        let n = u128::from(n.max(1));
        self.with_limbs(|negative, limbs, exponent| {
            let (integer, inexact, exponent) = leading_bits(limbs, exponent);
            let (quotient, rest) = (integer / n, integer % n);
            nearest(negative, quotient, inexact || rest != 0, exponent)
        })
    }

    /// Calls with sign, magnitude (the lowest limb first) and exponent.
    pub(super) fn with_limbs<T>(&self, call: impl FnOnce(bool, &[u64], i32) -> T) -> T {
        match &self.0 {
            Form::Narrow { integer, exponent } => {
                let magnitude = integer.unsigned_abs();
                let limbs = [magnitude as u64, (magnitude >> 64) as u64];
                let used = 2 - magnitude.leading_zeros() as usize / 64;
                call(*integer < 0, &limbs[..used], *exponent)
            }
            Form::Wide(wide) => {
                let magnitude = wide.magnitude();
                let (limbs, exponent) = magnitude.significant();
                call(wide.is_negative(), limbs, exponent)
            }
        }
    }

    /// Adds, or subtracts if `negate`.
    fn add_signed(&mut self, other: &Dyadic, negate: bool) {
        if let (Form::Narrow { integer, exponent }, Form::Narrow { integer: with, exponent: at }) =
            (&self.0, &other.0)
            && let Some((sum, exponent)) = add_narrow((*integer, *exponent), (*with, *at), negate)
        {
            *self = Dyadic::scaled(sum, exponent);
            return;
        }
        let mut wide = match std::mem::take(self).0 {
            Form::Wide(wide) => *wide,
            narrow => {
                let mut wide = Superaccumulator::default();
                Dyadic(narrow)
                    .with_limbs(|negative, limbs, at| wide.add_limbs(negative, limbs, at));
                wide
            }
        };
        other.with_limbs(|negative, limbs, at| wide.add_limbs(negative != negate, limbs, at));
        *self = wide.into();
    }
}

/// The sum of two numbers, at the lower of both exponents, if it fits.
fn add_narrow(a: (i128, i32), b: (i128, i32), negate: bool) -> Option<(i128, i32)> {
    if a.0 == 0 || b.0 == 0 {
        let b = (if negate { b.0.checked_neg()? } else { b.0 }, b.1);
        return Some(if a.0 == 0 { b } else { a });
    }
    let exponent = a.1.min(b.1);
    let (a, b) = (shifted_left(a, exponent)?, shifted_left(b, exponent)?);
    let sum = if negate { a.checked_sub(b) } else { a.checked_add(b) }?;
    (sum != i128::MIN).then_some((sum, exponent))
}

fn shifted_left((integer, from): (i128, i32), exponent: i32) -> Option<i128> {
    let shift = u32::try_from(from - exponent).ok()?;
    let shifted = integer.checked_shl(shift)?;
    (shifted >> shift == integer).then_some(shifted)
}

/// The leading bits of an integer (127, 128 or all), whether there are nonzero bits below, and the
/// exponent of the leading bits.
fn leading_bits(limbs: &[u64], exponent: i32) -> (u128, bool, i32) {
    let limb = |index: usize| limbs.get(index).copied().unwrap_or(0);
    let (high, middle, below) = match limbs.len() {
        0 => return (0, false, 0),
        1 => (limb(0), 0, 0),
        length => (limb(length - 1), limb(length - 2), length.checked_sub(3).map_or(0, limb)),
    };
    let shift = high.leading_zeros();
    let top = (u128::from(high) << 64 | u128::from(middle)) << shift;
    let top = top | u128::from(below.checked_shr(64 - shift).unwrap_or(0));
    let lost = below.checked_shl(shift).unwrap_or(0) != 0;
    let lost = lost || limbs.iter().rev().skip(3).any(|limb| *limb != 0);
    (top, lost, exponent + 64 * (limbs.len() as i32 - 2) - shift as i32)
}

impl From<Superaccumulator> for Dyadic {
    fn from(wide: Superaccumulator) -> Dyadic {
        let magnitude = wide.magnitude();
        let (limbs, exponent) = magnitude.significant();
        let zeros = limbs.first().map_or(0, |limb| limb.trailing_zeros());
        let bits =
            limbs.len() as u32 * 64 - zeros - limbs.last().map_or(0, |limb| limb.leading_zeros());
        if bits > 127 {
            return Dyadic(Form::Wide(Box::new(wide)));
        }
        let limb = |index: usize| u128::from(limbs.get(index).copied().unwrap_or(0));
        // 127 bits may span three limbs.
        let low = (limb(1) << 64 | limb(0)) >> zeros;
        let high = limb(2).checked_shl(128 - zeros).unwrap_or(0);
        let integer = (low | high) as i128;
        let integer = if wide.is_negative() { -integer } else { integer };
        Dyadic::scaled(integer, exponent + zeros as i32)
    }
}

impl AddAssign<&Dyadic> for Dyadic {
    fn add_assign(&mut self, other: &Dyadic) {
        self.add_signed(other, false);
    }
}

impl SubAssign<&Dyadic> for Dyadic {
    fn sub_assign(&mut self, other: &Dyadic) {
        self.add_signed(other, true);
    }
}

impl Neg for Dyadic {
    type Output = Dyadic;

    fn neg(self) -> Dyadic {
        let mut negated = Dyadic::ZERO;
        negated -= &self;
        negated
    }
}

impl Ord for Dyadic {
    fn cmp(&self, other: &Dyadic) -> Ordering {
        let mut difference = self.clone();
        difference -= other;
        match (difference.is_zero(), difference.is_negative()) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Dyadic {
    fn partial_cmp(&self, other: &Dyadic) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests;

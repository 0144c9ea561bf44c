//! Exact sums: numbers of the form `integer * 2^exponent`. Every f64 has this form.
//!
//! Floating-point addition rounds, so the sum of a million points depends on the order in which
//! they are added, and so on the splits, on retries and on the speed of workers. Here nothing is
//! rounded before the end. [`Dyadic`] is the form in which sums are sent and compared;
//! [`Superaccumulator`] holds any sum or sum of products of f64 in one long fixed-point number
//! (U. Kulisch, *Computer Arithmetic and Validity*, chapter 8, where it is called the complete
//! register). Rounding happens once, in [`Dyadic::to_f64`] and [`Dyadic::mean`], to the nearest
//! f64 with ties to even, as IEEE 754 rounds.
//!
//! The text of a dyadic number is an integer and a power of two, `-43p-7` for -43/128:
//!
//! ```text
//! dyadic   = integer [ "p" exponent ]
//! integer  = "0" | [ "-" ] digits        odd, unless there is no exponent: then of any kind
//! exponent = [ "-" ] digits
//! ```
//!
//! A number is written with the shortest integer (`0`, `3p2`, `-43p-7`); any form can be parsed.

mod dyadic;
mod rounding;
mod superaccumulator;
mod text;

pub use dyadic::Dyadic;
pub use superaccumulator::Superaccumulator;
pub use text::NotDyadic;

use rounding::nearest;

/// A finite f64 as `mantissa * 2^exponent` and its sign.
pub(super) fn decompose(x: f64) -> (bool, u64, i32) {
    let bits = x.to_bits();
    let biased = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    match biased {
        0 => (x.is_sign_negative(), fraction, -1074),
        _ => (x.is_sign_negative(), fraction | 1 << 52, biased - 1075),
    }
}

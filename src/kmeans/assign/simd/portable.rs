//! The baseline of the target.

use super::{LANES, Lanes, Portable, Simd, TAG_BITS};

/// Loops without branches, which the compiler can vectorize.
impl Simd for Portable {
    const HAS_MANY_REGISTERS: bool = false;

    type Floats = [f32; LANES];
    type Integers = [u32; LANES];
    type Mask = [bool; LANES];

    #[inline(always)]
    fn load(self, lanes: &Lanes) -> [f32; LANES] {
        lanes.0
    }

    #[inline(always)]
    fn load_any(self, floats: &[f32; LANES]) -> [f32; LANES] {
        *floats
    }

    #[inline(always)]
    fn store(self, floats: [f32; LANES], lanes: &mut Lanes) {
        lanes.0 = floats;
    }

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; LANES] {
        [x; LANES]
    }

    #[inline(always)]
    fn mul_add(self, a: [f32; LANES], b: [f32; LANES], c: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    fn add(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    fn subtract(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|lane| a[lane] - b[lane])
    }

    #[inline(always)]
    fn min(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|lane| if a[lane] < b[lane] { a[lane] } else { b[lane] })
    }

    #[inline(always)]
    fn max(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|lane| if a[lane] > b[lane] { a[lane] } else { b[lane] })
    }

    #[inline(always)]
    fn square_root(self, a: [f32; LANES]) -> [f32; LANES] {
        a.map(f32::sqrt)
    }

    #[inline(always)]
    fn less(self, a: [f32; LANES], b: [f32; LANES]) -> [bool; LANES] {
        std::array::from_fn(|lane| a[lane] < b[lane])
    }

    #[inline(always)]
    fn above(self, a: [f32; LANES], most: [f32; LANES]) -> [f32; LANES] {
        let above = |lane: usize| a[lane] > most[lane];
        std::array::from_fn(|lane| if above(lane) { a[lane] } else { f32::INFINITY })
    }

    #[inline(always)]
    fn two_lowest(
        self,
        mut best: [f32; LANES],
        mut second: [f32; LANES],
    ) -> ([f32; LANES], [f32; LANES]) {
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                let (a, b) = (best[lane], best[lane + half]);
                let (lower, higher) = if a < b { (a, b) } else { (b, a) };
                let others = second[lane].min(second[lane + half]);
                (best[lane], second[lane]) = (lower, others.min(higher));
            }
        }
        ([best[0]; LANES], [second[0]; LANES])
    }

    #[inline(always)]
    fn tag(self, a: [f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|lane| f32::from_bits(a[lane].to_bits() & !TAG_BITS | lane as u32))
    }

    #[inline(always)]
    fn sum(self, mut a: [f32; LANES]) -> f32 {
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                a[lane] += a[lane + half];
            }
        }
        a[0]
    }

    #[inline(always)]
    fn first(self, a: [f32; LANES]) -> f32 {
        a[0]
    }

    #[inline(always)]
    fn bits(self, mask: [bool; LANES]) -> u16 {
        mask.iter().rev().fold(0, |bits, lane| bits << 1 | u16::from(*lane))
    }

    #[inline(always)]
    fn splat_integer(self, n: u32) -> [u32; LANES] {
        [n; LANES]
    }

    #[inline(always)]
    fn load_integers(self, lanes: &[u32; LANES]) -> [u32; LANES] {
        *lanes
    }

    #[inline(always)]
    fn differences(self, a: [u32; LANES], b: [u32; LANES]) -> u16 {
        self.bits(std::array::from_fn(|lane| a[lane] != b[lane]))
    }

    #[inline(always)]
    fn store_integers(self, integers: [u32; LANES], lanes: &mut [u32; LANES]) {
        *lanes = integers;
    }

    #[inline(always)]
    fn prefetch<T>(self, _: &[T]) {}

    #[inline(always)]
    fn select(self, mask: [bool; LANES], a: [u32; LANES], b: [u32; LANES]) -> [u32; LANES] {
        std::array::from_fn(|lane| if mask[lane] { a[lane] } else { b[lane] })
    }
}

//! AVX-512. Soundness: see the parent module.

use std::arch::x86_64::*;

use super::{Avx512, LANES, Lanes, Simd, TAG_BITS, intrinsic};

impl Simd for Avx512 {
    const HAS_MANY_REGISTERS: bool = true;

    type Floats = __m512;
    type Integers = __m512i;
    type Mask = __mmask16;

    #[inline(always)]
    fn load(self, lanes: &Lanes) -> __m512 {
        intrinsic!(_mm512_loadu_ps(lanes.as_ptr()))
    }

    #[inline(always)]
    fn load_any(self, floats: &[f32; LANES]) -> __m512 {
        intrinsic!(_mm512_loadu_ps(floats.as_ptr()))
    }

    #[inline(always)]
    fn store(self, floats: __m512, lanes: &mut Lanes) {
        intrinsic!(_mm512_storeu_ps(lanes.as_mut_ptr(), floats));
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        intrinsic!(_mm512_set1_ps(x))
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        intrinsic!(_mm512_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn subtract(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_sub_ps(a, b))
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_min_ps(a, b))
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_max_ps(a, b))
    }

    #[inline(always)]
    fn square_root(self, a: __m512) -> __m512 {
        intrinsic!(_mm512_sqrt_ps(a))
    }

    #[inline(always)]
    fn less(self, a: __m512, b: __m512) -> __mmask16 {
        intrinsic!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b))
    }

    #[inline(always)]
    fn above(self, a: __m512, most: __m512) -> __m512 {
        intrinsic!(_mm512_mask_mov_ps(self.splat(f32::INFINITY), self.less(most, a), a))
    }

    #[inline(always)]
    fn two_lowest(self, mut best: __m512, mut second: __m512) -> (__m512, __m512) {
        // Each half against the other, then quarters, pairs and neighbours.
        macro_rules! fold {
            ($swapped:expr) => {
                let (other, others_second) = ($swapped(best), $swapped(second));
                let higher = self.max(best, other);
                second = self.min(self.min(second, others_second), higher);
                best = self.min(best, other);
            };
        }
        fold!(|v| intrinsic!(_mm512_shuffle_f32x4::<0b01_00_11_10>(v, v)));
        fold!(|v| intrinsic!(_mm512_shuffle_f32x4::<0b10_11_00_01>(v, v)));
        fold!(|v| intrinsic!(_mm512_permute_ps::<0b01_00_11_10>(v)));
        fold!(|v| intrinsic!(_mm512_permute_ps::<0b10_11_00_01>(v)));
        (best, second)
    }

    /// Eight vectors at a time: a tree in which each step merges two vectors into one.
    #[inline(always)]
    fn two_lowest_of_each<const N: usize>(self, vectors: [__m512; N]) -> ([f32; N], [f32; N]) {
        let (mut best, mut second) = ([0.0; N], [0.0; N]);
        let [a, b, c, d, e, f, g, h] = vectors[..] else {
            for (number, vector) in vectors.into_iter().enumerate() {
                let two = self.two_lowest(vector, self.splat(f32::INFINITY));
                (best[number], second[number]) = (self.first(two.0), self.first(two.1));
            }
            return (best, second);
        };
        // Compares the halves of two vectors; the result of each fills half a vector.
        macro_rules! halves {
            ($a:expr, $b:expr) => {{
                let x = intrinsic!(_mm512_shuffle_f32x4::<0b01_00_01_00>($a, $b));
                let y = intrinsic!(_mm512_shuffle_f32x4::<0b11_10_11_10>($a, $b));
                (self.min(x, y), self.max(x, y))
            }};
        }
        // Then quarters, then pairs.
        macro_rules! fold {
            ($a:expr, $b:expr, $shuffle:ident, $low:literal, $high:literal) => {{
                let x = intrinsic!($shuffle::<$low>($a.0, $b.0));
                let y = intrinsic!($shuffle::<$high>($a.0, $b.0));
                let x_second = intrinsic!($shuffle::<$low>($a.1, $b.1));
                let y_second = intrinsic!($shuffle::<$high>($a.1, $b.1));
                let second = self.min(self.min(x_second, y_second), self.max(x, y));
                (self.min(x, y), second)
            }};
        }
        let (ab, cd, ef, gh) = (halves!(a, b), halves!(c, d), halves!(e, f), halves!(g, h));
        let abcd = fold!(ab, cd, _mm512_shuffle_f32x4, 0b10_00_10_00, 0b11_01_11_01);
        let efgh = fold!(ef, gh, _mm512_shuffle_f32x4, 0b10_00_10_00, 0b11_01_11_01);
        let pairs = fold!(abcd, efgh, _mm512_shuffle_ps, 0b01_00_01_00, 0b11_10_11_10);
        // Each pair is neighbours: in a quarter those of `a`, `b`, `c` or `d`, then those of
        // another.
        let x = intrinsic!(_mm512_permute_ps::<0b10_11_00_01>(pairs.0));
        let x_second = intrinsic!(_mm512_permute_ps::<0b10_11_00_01>(pairs.1));
        let seconds = self.min(self.min(pairs.1, x_second), self.max(pairs.0, x));
        // In order again.
        let order =
            intrinsic!(_mm512_setr_epi32(0, 4, 8, 12, 2, 6, 10, 14, 0, 0, 0, 0, 0, 0, 0, 0));
        let ordered = |v| intrinsic!(_mm512_castps512_ps256(_mm512_permutexvar_ps(order, v)));
        let (mut eight, mut next_eight) = ([0.0; 8], [0.0; 8]);
        intrinsic!(_mm256_storeu_ps(eight.as_mut_ptr(), ordered(self.min(pairs.0, x))));
        intrinsic!(_mm256_storeu_ps(next_eight.as_mut_ptr(), ordered(seconds)));
        best.copy_from_slice(&eight);
        second.copy_from_slice(&next_eight);
        (best, second)
    }

    #[inline(always)]
    fn compress(self, bits: u16, lanes: &[u32; LANES]) -> [u32; LANES] {
        let mut packed = [0; LANES];
        let lanes = self.load_integers(lanes);
        self.store_integers(intrinsic!(_mm512_maskz_compress_epi32(bits, lanes)), &mut packed);
        packed
    }

    #[inline(always)]
    fn expand(self, bits: u16, packed: &[f32; LANES], rest: f32) -> __m512 {
        intrinsic!(_mm512_mask_expand_ps(self.splat(rest), bits, self.load_any(packed)))
    }

    #[inline(always)]
    fn expand_integers(self, bits: u16, packed: &[u32; LANES], rest: u32) -> __m512i {
        let packed = self.load_integers(packed);
        intrinsic!(_mm512_mask_expand_epi32(self.splat_integer(rest), bits, packed))
    }

    #[inline(always)]
    fn tag(self, a: __m512) -> __m512 {
        let names =
            intrinsic!(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
        let bits = intrinsic!(_mm512_castps_si512(a));
        let kept = intrinsic!(_mm512_andnot_si512(_mm512_set1_epi32(TAG_BITS as i32), bits));
        intrinsic!(_mm512_castsi512_ps(_mm512_or_si512(kept, names)))
    }

    #[inline(always)]
    fn sum(self, a: __m512) -> f32 {
        intrinsic!(_mm512_reduce_add_ps(a))
    }

    #[inline(always)]
    fn first(self, a: __m512) -> f32 {
        intrinsic!(_mm512_cvtss_f32(a))
    }

    #[inline(always)]
    fn bits(self, mask: __mmask16) -> u16 {
        mask
    }

    #[inline(always)]
    fn splat_integer(self, n: u32) -> __m512i {
        intrinsic!(_mm512_set1_epi32(n as i32))
    }

    #[inline(always)]
    fn load_integers(self, lanes: &[u32; LANES]) -> __m512i {
        intrinsic!(_mm512_loadu_si512(lanes.as_ptr().cast()))
    }

    #[inline(always)]
    fn differences(self, a: __m512i, b: __m512i) -> u16 {
        intrinsic!(_mm512_cmpneq_epi32_mask(a, b))
    }

    #[inline(always)]
    fn store_integers(self, integers: __m512i, lanes: &mut [u32; LANES]) {
        intrinsic!(_mm512_storeu_si512(lanes.as_mut_ptr().cast(), integers));
    }

    #[inline(always)]
    fn prefetch<T>(self, soon: &[T]) {
        for line in soon.chunks(64 / size_of::<T>().clamp(1, 64)) {
            intrinsic!(_mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()));
        }
    }

    #[inline(always)]
    fn pick(self, bits: u16, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_mask_mov_ps(b, bits, a))
    }

    #[inline(always)]
    fn select(self, mask: __mmask16, a: __m512i, b: __m512i) -> __m512i {
        intrinsic!(_mm512_mask_mov_epi32(b, mask, a))
    }
}

//! AVX2 and FMA. Soundness: see the parent module.

use std::arch::x86_64::*;

use super::{Avx2, LANES, Lanes, Simd, TAG_BITS, intrinsic};

/// Two registers: the halves of a vector.
type Pair<T> = [T; 2];

impl Simd for Avx2 {
    const HAS_MANY_REGISTERS: bool = false;

    type Floats = Pair<__m256>;
    type Integers = Pair<__m256i>;
    type Mask = Pair<__m256>;

    #[inline(always)]
    fn load(self, lanes: &Lanes) -> Pair<__m256> {
        let (halves, _) = lanes.as_chunks::<8>();
        intrinsic!([_mm256_loadu_ps(halves[0].as_ptr()), _mm256_loadu_ps(halves[1].as_ptr())])
    }

    #[inline(always)]
    fn load_any(self, floats: &[f32; LANES]) -> Pair<__m256> {
        let (halves, _) = floats.as_chunks::<8>();
        intrinsic!([_mm256_loadu_ps(halves[0].as_ptr()), _mm256_loadu_ps(halves[1].as_ptr())])
    }

    #[inline(always)]
    fn store(self, floats: Pair<__m256>, lanes: &mut Lanes) {
        let (halves, _) = lanes.as_chunks_mut::<8>();
        intrinsic!(_mm256_storeu_ps(halves[0].as_mut_ptr(), floats[0]));
        intrinsic!(_mm256_storeu_ps(halves[1].as_mut_ptr(), floats[1]));
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Pair<__m256> {
        intrinsic!([_mm256_set1_ps(x); 2])
    }

    #[inline(always)]
    fn mul_add(self, a: Pair<__m256>, b: Pair<__m256>, c: Pair<__m256>) -> Pair<__m256> {
        intrinsic!([_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])])
    }

    #[inline(always)]
    fn add(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        intrinsic!([_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn subtract(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        intrinsic!([_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn min(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        intrinsic!([_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn max(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        intrinsic!([_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn square_root(self, a: Pair<__m256>) -> Pair<__m256> {
        intrinsic!([_mm256_sqrt_ps(a[0]), _mm256_sqrt_ps(a[1])])
    }

    #[inline(always)]
    fn less(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        intrinsic!([
            _mm256_cmp_ps::<_CMP_LT_OQ>(a[0], b[0]),
            _mm256_cmp_ps::<_CMP_LT_OQ>(a[1], b[1])
        ])
    }

    #[inline(always)]
    fn above(self, a: Pair<__m256>, most: Pair<__m256>) -> Pair<__m256> {
        let (infinity, above) = (self.splat(f32::INFINITY), self.less(most, a));
        intrinsic!([
            _mm256_blendv_ps(infinity[0], a[0], above[0]),
            _mm256_blendv_ps(infinity[1], a[1], above[1])
        ])
    }

    #[inline(always)]
    fn two_lowest(self, best: Pair<__m256>, second: Pair<__m256>) -> (Pair<__m256>, Pair<__m256>) {
        let min = |a, b| intrinsic!(_mm256_min_ps(a, b));
        let max = |a, b| intrinsic!(_mm256_max_ps(a, b));
        let higher = max(best[0], best[1]);
        let mut second = min(min(second[0], second[1]), higher);
        let mut best = min(best[0], best[1]);
        macro_rules! fold {
            ($swapped:expr) => {
                let (other, others_second) = ($swapped(best), $swapped(second));
                second = min(min(second, others_second), max(best, other));
                best = min(best, other);
            };
        }
        fold!(|v| intrinsic!(_mm256_permute2f128_ps::<1>(v, v)));
        fold!(|v| intrinsic!(_mm256_permute_ps::<0b01_00_11_10>(v)));
        fold!(|v| intrinsic!(_mm256_permute_ps::<0b10_11_00_01>(v)));
        ([best; 2], [second; 2])
    }

    #[inline(always)]
    fn tag(self, a: Pair<__m256>) -> Pair<__m256> {
        let names = intrinsic!([
            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
            _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)
        ]);
        let tags = intrinsic!(_mm256_castsi256_ps(_mm256_set1_epi32(TAG_BITS as i32)));
        intrinsic!([
            _mm256_or_ps(_mm256_andnot_ps(tags, a[0]), _mm256_castsi256_ps(names[0])),
            _mm256_or_ps(_mm256_andnot_ps(tags, a[1]), _mm256_castsi256_ps(names[1]))
        ])
    }

    #[inline(always)]
    fn sum(self, a: Pair<__m256>) -> f32 {
        let half = intrinsic!(_mm256_add_ps(a[0], a[1]));
        let quarter =
            intrinsic!(_mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half)));
        let pair = intrinsic!(_mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter)));
        intrinsic!(_mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair))))
    }

    #[inline(always)]
    fn first(self, a: Pair<__m256>) -> f32 {
        intrinsic!(_mm256_cvtss_f32(a[0]))
    }

    #[inline(always)]
    fn bits(self, mask: Pair<__m256>) -> u16 {
        intrinsic!((_mm256_movemask_ps(mask[0]) | _mm256_movemask_ps(mask[1]) << 8) as u16)
    }

    #[inline(always)]
    fn splat_integer(self, n: u32) -> Pair<__m256i> {
        intrinsic!([_mm256_set1_epi32(n as i32); 2])
    }

    #[inline(always)]
    fn load_integers(self, lanes: &[u32; LANES]) -> Pair<__m256i> {
        let (halves, _) = lanes.as_chunks::<8>();
        intrinsic!([
            _mm256_loadu_si256(halves[0].as_ptr().cast()),
            _mm256_loadu_si256(halves[1].as_ptr().cast())
        ])
    }

    #[inline(always)]
    fn differences(self, a: Pair<__m256i>, b: Pair<__m256i>) -> u16 {
        let equal = intrinsic!([
            _mm256_castsi256_ps(_mm256_cmpeq_epi32(a[0], b[0])),
            _mm256_castsi256_ps(_mm256_cmpeq_epi32(a[1], b[1]))
        ]);
        !self.bits(equal)
    }

    #[inline(always)]
    fn store_integers(self, integers: Pair<__m256i>, lanes: &mut [u32; LANES]) {
        let (halves, _) = lanes.as_chunks_mut::<8>();
        intrinsic!(_mm256_storeu_si256(halves[0].as_mut_ptr().cast(), integers[0]));
        intrinsic!(_mm256_storeu_si256(halves[1].as_mut_ptr().cast(), integers[1]));
    }

    #[inline(always)]
    fn prefetch<T>(self, soon: &[T]) {
        for line in soon.chunks(64 / size_of::<T>().clamp(1, 64)) {
            intrinsic!(_mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()));
        }
    }

    #[inline(always)]
    fn select(self, mask: Pair<__m256>, a: Pair<__m256i>, b: Pair<__m256i>) -> Pair<__m256i> {
        intrinsic!([
            _mm256_blendv_epi8(b[0], a[0], _mm256_castps_si256(mask[0])),
            _mm256_blendv_epi8(b[1], a[1], _mm256_castps_si256(mask[1]))
        ])
    }
}

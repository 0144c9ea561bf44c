//! Sixteen numbers at a time, by whatever instructions the processor has: AVX-512, AVX2 with FMA,
//! or those that every processor of its kind has.
//!
//! A [`Kernel`] is written once, in terms of [`Simd`]; [`Level::run`] compiles it for each level
//! and runs it on the one that was detected.
//!
//! # Soundness
//!
//! All `unsafe` of the room is here, and of two kinds. Calling a function that uses instructions
//! which the processor may not have: `Avx512` and `Avx2` can only be had from [`Level`], which
//! makes one after the processor said that it has them, so that whoever has the value may use the
//! instructions. And loading from and storing to memory: each is given a reference to an array of
//! exactly as many numbers as it touches, and asks for no alignment.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;
use std::ops::{Deref, DerefMut};

/// Numbers of a vector.
pub(super) const LANES: usize = 16;

/// What lies in memory as vectors like it best: none of them in two cache lines.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
pub(super) struct Aligned<T>(pub(super) T);

impl<T> Deref for Aligned<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Sixteen f32.
pub(super) type Lanes = Aligned<[f32; LANES]>;

impl Lanes {
    /// The same number in each.
    pub(super) const fn splat(x: f32) -> Lanes {
        Aligned([x; LANES])
    }
}

/// The instructions of one level. Holding one proves that the processor has them.
pub(super) trait Simd: Copy {
    /// Whether there are registers for more than twenty vectors.
    const HAS_MANY_REGISTERS: bool;

    /// Sixteen f32.
    type Floats: Copy;
    /// Sixteen u32.
    type Integers: Copy;
    /// Sixteen truth values.
    type Mask: Copy;

    fn load(self, lanes: &Lanes) -> Self::Floats;
    fn store(self, floats: Self::Floats, lanes: &mut Lanes);
    fn splat(self, x: f32) -> Self::Floats;
    /// `a * b + c`, rounded once or twice.
    fn mul_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn subtract(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The smaller; of numbers that are none, or of two zeros, either.
    fn min(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The larger, likewise.
    fn max(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn square_root(self, a: Self::Floats) -> Self::Floats;
    fn less(self, a: Self::Floats, b: Self::Floats) -> Self::Mask;
    /// `a` where it is above `most`, infinity elsewhere.
    fn above(self, a: Self::Floats, most: Self::Floats) -> Self::Floats;
    /// In every lane the two lowest of all that two vectors hold, of which `best` has the lower one
    /// in each lane.
    fn two_lowest(self, best: Self::Floats, second: Self::Floats) -> (Self::Floats, Self::Floats);
    /// What the first lane has.
    fn first(self, a: Self::Floats) -> f32;
    /// A bit for each truth value, the first the lowest.
    fn bits(self, mask: Self::Mask) -> u16;
    fn splat_integer(self, n: u32) -> Self::Integers;
    fn load_integers(self, lanes: &[u32; LANES]) -> Self::Integers;
    fn store_integers(self, integers: Self::Integers, lanes: &mut [u32; LANES]);
    /// A bit for each pair that differs, the first the lowest.
    fn differences(self, a: Self::Integers, b: Self::Integers) -> u16;
    /// Says that these will be read soon.
    fn prefetch(self, soon: &[f64]);
    /// `a` where the mask is true, `b` elsewhere.
    fn select(self, mask: Self::Mask, a: Self::Integers, b: Self::Integers) -> Self::Integers;
}

/// A piece of work that is compiled for every level. `run` is to be `#[inline(always)]`.
pub(super) trait Kernel {
    type Output;
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Which instructions to use.
#[derive(Clone, Copy, Debug)]
pub(in crate::kmeans) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    Portable(Portable),
}

impl Level {
    /// The best that this processor has.
    pub(in crate::kmeans) fn detect() -> Level {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Level::Avx512(Avx512(()));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Level::Avx2(Avx2(()));
            }
        }
        Level::Portable(Portable)
    }

    /// All that this processor has.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Level> {
        let mut levels = vec![Level::Portable(Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Level::Avx2(Avx2(())));
            }
            if is_x86_feature_detected!("avx512f") {
                levels.push(Level::Avx512(Avx512(())));
            }
        }
        levels
    }

    /// Runs the kernel with these instructions.
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            // SAFETY: the processor has AVX-512, or there would be no `Avx512`.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(simd) => unsafe { run_avx512(simd, kernel) },
            // SAFETY: the processor has AVX2 and FMA, or there would be no `Avx2`.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(simd) => unsafe { run_avx2(simd, kernel) },
            Level::Portable(simd) => kernel.run(simd),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn run_avx512<K: Kernel>(simd: Avx512, kernel: K) -> K::Output {
    kernel.run(simd)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(simd: Avx2, kernel: K) -> K::Output {
    kernel.run(simd)
}

/// AVX-512: a vector is one register.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(in crate::kmeans) struct Avx512(());

/// AVX2 and FMA: a vector is two registers.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(in crate::kmeans) struct Avx2(());

/// No more than the language has.
#[derive(Clone, Copy, Debug)]
pub(in crate::kmeans) struct Portable;

/// One instruction, allowed by the proof that `self` is.
#[cfg(target_arch = "x86_64")]
macro_rules! have {
    ($instruction:expr) => {
        // SAFETY: `self` proves that the processor has it, and a pointer comes from a reference to
        // as many numbers as it touches.
        unsafe { $instruction }
    };
}

#[cfg(target_arch = "x86_64")]
impl Simd for Avx512 {
    const HAS_MANY_REGISTERS: bool = true;

    type Floats = __m512;
    type Integers = __m512i;
    type Mask = __mmask16;

    #[inline(always)]
    fn load(self, lanes: &Lanes) -> __m512 {
        have!(_mm512_loadu_ps(lanes.as_ptr()))
    }

    #[inline(always)]
    fn store(self, floats: __m512, lanes: &mut Lanes) {
        have!(_mm512_storeu_ps(lanes.as_mut_ptr(), floats));
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        have!(_mm512_set1_ps(x))
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        have!(_mm512_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        have!(_mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn subtract(self, a: __m512, b: __m512) -> __m512 {
        have!(_mm512_sub_ps(a, b))
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        have!(_mm512_min_ps(a, b))
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        have!(_mm512_max_ps(a, b))
    }

    #[inline(always)]
    fn square_root(self, a: __m512) -> __m512 {
        have!(_mm512_sqrt_ps(a))
    }

    #[inline(always)]
    fn less(self, a: __m512, b: __m512) -> __mmask16 {
        have!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b))
    }

    #[inline(always)]
    fn above(self, a: __m512, most: __m512) -> __m512 {
        have!(_mm512_mask_mov_ps(self.splat(f32::INFINITY), self.less(most, a), a))
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
        fold!(|v| have!(_mm512_shuffle_f32x4::<0b01_00_11_10>(v, v)));
        fold!(|v| have!(_mm512_shuffle_f32x4::<0b10_11_00_01>(v, v)));
        fold!(|v| have!(_mm512_permute_ps::<0b01_00_11_10>(v)));
        fold!(|v| have!(_mm512_permute_ps::<0b10_11_00_01>(v)));
        (best, second)
    }

    #[inline(always)]
    fn first(self, a: __m512) -> f32 {
        have!(_mm512_cvtss_f32(a))
    }

    #[inline(always)]
    fn bits(self, mask: __mmask16) -> u16 {
        mask
    }

    #[inline(always)]
    fn splat_integer(self, n: u32) -> __m512i {
        have!(_mm512_set1_epi32(n as i32))
    }

    #[inline(always)]
    fn load_integers(self, lanes: &[u32; LANES]) -> __m512i {
        have!(_mm512_loadu_si512(lanes.as_ptr().cast()))
    }

    #[inline(always)]
    fn differences(self, a: __m512i, b: __m512i) -> u16 {
        have!(_mm512_cmpneq_epi32_mask(a, b))
    }

    #[inline(always)]
    fn store_integers(self, integers: __m512i, lanes: &mut [u32; LANES]) {
        have!(_mm512_storeu_si512(lanes.as_mut_ptr().cast(), integers));
    }

    #[inline(always)]
    fn prefetch(self, soon: &[f64]) {
        for line in soon.chunks(8) {
            have!(_mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()));
        }
    }

    #[inline(always)]
    fn select(self, mask: __mmask16, a: __m512i, b: __m512i) -> __m512i {
        have!(_mm512_mask_mov_epi32(b, mask, a))
    }
}

/// Both halves.
#[cfg(target_arch = "x86_64")]
type Pair<T> = [T; 2];

#[cfg(target_arch = "x86_64")]
impl Simd for Avx2 {
    const HAS_MANY_REGISTERS: bool = false;

    type Floats = Pair<__m256>;
    type Integers = Pair<__m256i>;
    type Mask = Pair<__m256>;

    #[inline(always)]
    fn load(self, lanes: &Lanes) -> Pair<__m256> {
        let (halves, _) = lanes.as_chunks::<8>();
        have!([_mm256_loadu_ps(halves[0].as_ptr()), _mm256_loadu_ps(halves[1].as_ptr())])
    }

    #[inline(always)]
    fn store(self, floats: Pair<__m256>, lanes: &mut Lanes) {
        let (halves, _) = lanes.as_chunks_mut::<8>();
        have!(_mm256_storeu_ps(halves[0].as_mut_ptr(), floats[0]));
        have!(_mm256_storeu_ps(halves[1].as_mut_ptr(), floats[1]));
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Pair<__m256> {
        have!([_mm256_set1_ps(x); 2])
    }

    #[inline(always)]
    fn mul_add(self, a: Pair<__m256>, b: Pair<__m256>, c: Pair<__m256>) -> Pair<__m256> {
        have!([_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])])
    }

    #[inline(always)]
    fn add(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        have!([_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn subtract(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        have!([_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn min(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        have!([_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn max(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        have!([_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn square_root(self, a: Pair<__m256>) -> Pair<__m256> {
        have!([_mm256_sqrt_ps(a[0]), _mm256_sqrt_ps(a[1])])
    }

    #[inline(always)]
    fn less(self, a: Pair<__m256>, b: Pair<__m256>) -> Pair<__m256> {
        have!([_mm256_cmp_ps::<_CMP_LT_OQ>(a[0], b[0]), _mm256_cmp_ps::<_CMP_LT_OQ>(a[1], b[1])])
    }

    #[inline(always)]
    fn above(self, a: Pair<__m256>, most: Pair<__m256>) -> Pair<__m256> {
        let (infinity, above) = (self.splat(f32::INFINITY), self.less(most, a));
        have!([
            _mm256_blendv_ps(infinity[0], a[0], above[0]),
            _mm256_blendv_ps(infinity[1], a[1], above[1])
        ])
    }

    #[inline(always)]
    fn two_lowest(self, best: Pair<__m256>, second: Pair<__m256>) -> (Pair<__m256>, Pair<__m256>) {
        let min = |a, b| have!(_mm256_min_ps(a, b));
        let max = |a, b| have!(_mm256_max_ps(a, b));
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
        fold!(|v| have!(_mm256_permute2f128_ps::<1>(v, v)));
        fold!(|v| have!(_mm256_permute_ps::<0b01_00_11_10>(v)));
        fold!(|v| have!(_mm256_permute_ps::<0b10_11_00_01>(v)));
        ([best; 2], [second; 2])
    }

    #[inline(always)]
    fn first(self, a: Pair<__m256>) -> f32 {
        have!(_mm256_cvtss_f32(a[0]))
    }

    #[inline(always)]
    fn bits(self, mask: Pair<__m256>) -> u16 {
        have!((_mm256_movemask_ps(mask[0]) | _mm256_movemask_ps(mask[1]) << 8) as u16)
    }

    #[inline(always)]
    fn splat_integer(self, n: u32) -> Pair<__m256i> {
        have!([_mm256_set1_epi32(n as i32); 2])
    }

    #[inline(always)]
    fn load_integers(self, lanes: &[u32; LANES]) -> Pair<__m256i> {
        let (halves, _) = lanes.as_chunks::<8>();
        have!([
            _mm256_loadu_si256(halves[0].as_ptr().cast()),
            _mm256_loadu_si256(halves[1].as_ptr().cast())
        ])
    }

    #[inline(always)]
    fn differences(self, a: Pair<__m256i>, b: Pair<__m256i>) -> u16 {
        let equal = have!([
            _mm256_castsi256_ps(_mm256_cmpeq_epi32(a[0], b[0])),
            _mm256_castsi256_ps(_mm256_cmpeq_epi32(a[1], b[1]))
        ]);
        !self.bits(equal)
    }

    #[inline(always)]
    fn store_integers(self, integers: Pair<__m256i>, lanes: &mut [u32; LANES]) {
        let (halves, _) = lanes.as_chunks_mut::<8>();
        have!(_mm256_storeu_si256(halves[0].as_mut_ptr().cast(), integers[0]));
        have!(_mm256_storeu_si256(halves[1].as_mut_ptr().cast(), integers[1]));
    }

    #[inline(always)]
    fn prefetch(self, soon: &[f64]) {
        for line in soon.chunks(8) {
            have!(_mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()));
        }
    }

    #[inline(always)]
    fn select(self, mask: Pair<__m256>, a: Pair<__m256i>, b: Pair<__m256i>) -> Pair<__m256i> {
        have!([
            _mm256_blendv_epi8(b[0], a[0], _mm256_castps_si256(mask[0])),
            _mm256_blendv_epi8(b[1], a[1], _mm256_castps_si256(mask[1]))
        ])
    }
}

/// Loops without branches, for the compiler to make of them what it can.
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
    fn prefetch(self, _: &[f64]) {}

    #[inline(always)]
    fn select(self, mask: [bool; LANES], a: [u32; LANES], b: [u32; LANES]) -> [u32; LANES] {
        std::array::from_fn(|lane| if mask[lane] { a[lane] } else { b[lane] })
    }
}

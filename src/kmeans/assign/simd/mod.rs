//! Vectors of sixteen numbers, by the best instructions of the processor: AVX-512, AVX2 with FMA,
//! or the baseline of the target.
//!
//! A [`Kernel`] is written once, in terms of [`Simd`]; [`Level::run`] compiles it for each level
//! and runs it at the detected one.
//!
//! # Soundness
//!
//! All `unsafe` of k-means is in this folder. There are two kinds:
//!
//! - Calls of functions that use instructions which the processor may lack. A value of `Avx512` or
//!   `Avx2` is a proof that it has them: only [`Level`] constructs one, after detection.
//! - Loads and stores. Each takes a reference to an array of exactly as many numbers as it
//!   accesses, and requires no alignment.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::ops::{Deref, DerefMut};

/// The numbers of a vector.
pub(super) const LANES: usize = 16;

/// The bits of a tagged number that hold its lane.
pub(super) const TAG_BITS: u32 = LANES as u32 - 1;

/// Aligned to a cache line, so that no vector spans two.
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
    /// The same, without alignment.
    fn load_any(self, floats: &[f32; LANES]) -> Self::Floats;
    fn store(self, floats: Self::Floats, lanes: &mut Lanes);
    fn splat(self, x: f32) -> Self::Floats;
    /// `a * b + c`, rounded once (fused) or twice.
    fn mul_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn subtract(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The smaller; either one if an operand is NaN or both are zeros.
    fn min(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// The larger, with the same exceptions.
    fn max(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn square_root(self, a: Self::Floats) -> Self::Floats;
    fn less(self, a: Self::Floats, b: Self::Floats) -> Self::Mask;
    /// `a` where it is above `most`, infinity elsewhere.
    fn above(self, a: Self::Floats, most: Self::Floats) -> Self::Floats;
    /// The two lowest numbers of both vectors, in every lane of the results. In each lane `best`
    /// must not be above `second`.
    fn two_lowest(self, best: Self::Floats, second: Self::Floats) -> (Self::Floats, Self::Floats);
    /// The two lowest numbers of each vector.
    #[inline(always)]
    fn two_lowest_of_each<const N: usize>(
        self,
        vectors: [Self::Floats; N],
    ) -> ([f32; N], [f32; N]) {
        let (mut best, mut second) = ([0.0; N], [0.0; N]);
        for (number, vector) in vectors.into_iter().enumerate() {
            let two = self.two_lowest(vector, self.splat(f32::INFINITY));
            (best[number], second[number]) = (self.first(two.0), self.first(two.1));
        }
        (best, second)
    }
    /// Puts the lane into the last bits of each number, which must be finite. This changes the
    /// number by less than `2^-19` of itself.
    fn tag(self, a: Self::Floats) -> Self::Floats;
    /// The numbers whose bit is set, packed; the rest is unspecified.
    #[inline(always)]
    fn compress(self, bits: u16, lanes: &[u32; LANES]) -> [u32; LANES] {
        let mut packed = [0; LANES];
        let mut len = 0;
        for (lane, x) in lanes.iter().enumerate() {
            if bits >> lane & 1 == 1 {
                packed[len] = *x;
                len += 1;
            }
        }
        packed
    }
    /// The inverse: the packed numbers where bits are set, in order, and `rest` elsewhere.
    #[inline(always)]
    fn expand(self, bits: u16, packed: &[f32; LANES], rest: f32) -> Self::Floats {
        let packed = packed.map(f32::to_bits);
        let mut lanes = Lanes::splat(0.0);
        let expanded = self.expand_integers(bits, &packed, rest.to_bits());
        let mut integers = [0; LANES];
        self.store_integers(expanded, &mut integers);
        lanes.0 = integers.map(f32::from_bits);
        self.load(&lanes)
    }
    /// The same with integers.
    #[inline(always)]
    fn expand_integers(self, bits: u16, packed: &[u32; LANES], rest: u32) -> Self::Integers {
        let mut lanes = [rest; LANES];
        let mut len = 0;
        for (lane, x) in lanes.iter_mut().enumerate() {
            if bits >> lane & 1 == 1 {
                *x = packed[len];
                len += 1;
            }
        }
        self.load_integers(&lanes)
    }
    /// The sum of all lanes, added in any order.
    fn sum(self, a: Self::Floats) -> f32;
    /// The first lane.
    fn first(self, a: Self::Floats) -> f32;
    /// A bit for each truth value; the first lane is the lowest bit.
    fn bits(self, mask: Self::Mask) -> u16;
    fn splat_integer(self, n: u32) -> Self::Integers;
    fn load_integers(self, lanes: &[u32; LANES]) -> Self::Integers;
    fn store_integers(self, integers: Self::Integers, lanes: &mut [u32; LANES]);
    /// A bit for each lane that differs; the first lane is the lowest bit.
    fn differences(self, a: Self::Integers, b: Self::Integers) -> u16;
    /// Prefetches memory that will be read soon.
    fn prefetch<T>(self, soon: &[T]);
    /// `a` where a bit is set, `b` elsewhere.
    #[inline(always)]
    fn pick(self, bits: u16, a: Self::Floats, b: Self::Floats) -> Self::Floats {
        let (mut picked, mut others) = (Lanes::splat(0.0), Lanes::splat(0.0));
        self.store(a, &mut picked);
        self.store(b, &mut others);
        for (lane, (picked, other)) in picked.iter_mut().zip(&others.0).enumerate() {
            *picked = if bits >> lane & 1 == 1 { *picked } else { *other };
        }
        self.load(&picked)
    }
    /// `a` where the mask is true, `b` elsewhere.
    fn select(self, mask: Self::Mask, a: Self::Integers, b: Self::Integers) -> Self::Integers;
}

/// A computation that is compiled for every level. `run` must be `#[inline(always)]`.
pub(super) trait Kernel {
    type Output;
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// The instructions to use.
#[derive(Clone, Copy, Debug)]
pub(in crate::kmeans) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    Portable(Portable),
}

impl Level {
    /// The best level of this processor.
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

    /// All levels of this processor.
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

    /// Runs a kernel at this level.
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

/// Only the operations of the language.
#[derive(Clone, Copy, Debug)]
pub(in crate::kmeans) struct Portable;

/// One instruction, which `self` proves to be available.
#[cfg(target_arch = "x86_64")]
macro_rules! intrinsic {
    ($instruction:expr) => {
        // SAFETY: `self` proves that the processor has the instruction, and a pointer comes from a
        // reference to as many numbers as the instruction accesses.
        unsafe { $instruction }
    };
}
#[cfg(target_arch = "x86_64")]
use intrinsic;

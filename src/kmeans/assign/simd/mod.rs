//! Sixteen numbers at a time, by whatever instructions the processor has: AVX-512, AVX2 with FMA,
//! or those that every processor of its kind has.
//!
//! A [`Kernel`] is written once, in terms of [`Simd`]; [`Level::run`] compiles it for each level
//! and runs it on the one that was detected.
//!
//! # Soundness
//!
//! All `unsafe` of the room is in this folder, and of two kinds. Calling a function that uses
//! instructions which the processor may not have: `Avx512` and `Avx2` can only be had from
//! [`Level`], which makes one after the processor said that it has them, so that whoever has the
//! value may use the instructions. And loading from and storing to memory: each is given a reference
//! to an array of exactly as many numbers as it touches, and asks for no alignment.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::ops::{Deref, DerefMut};

/// Numbers of a vector.
pub(super) const LANES: usize = 16;

/// The bits of a tagged number that name its lane.
pub(super) const TAG_BITS: u32 = LANES as u32 - 1;

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
    /// The same, from anywhere.
    fn load_any(self, floats: &[f32; LANES]) -> Self::Floats;
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
    /// The lowest number of each vector, and the next.
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
    /// The number of its lane in the last bits of each number, which must be finite: it changes by
    /// less than `2^-19` of itself.
    fn tag(self, a: Self::Floats) -> Self::Floats;
    /// Those whose bit is set, one behind the other, and anything behind them.
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
    /// Undoes it: the first ones where a bit is set, one after the other, `rest` elsewhere.
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
    /// All added up, in any order.
    fn sum(self, a: Self::Floats) -> f32;
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
macro_rules! intrinsic {
    ($instruction:expr) => {
        // SAFETY: `self` proves that the processor has it, and a pointer comes from a reference to
        // as many numbers as it touches.
        unsafe { $instruction }
    };
}
#[cfg(target_arch = "x86_64")]
use intrinsic;

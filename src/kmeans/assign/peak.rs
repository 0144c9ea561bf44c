//! A kernel that only multiplies and adds: the peak to compare the others with.

use super::simd::{Kernel, LANES, Lanes, Level, Simd};

/// Does at least `n` multiply-adds of f32, as fast as this processor can. That is twice the rate of
/// f64, of which a vector holds half as many.
pub fn multiply_adds(n: u64) -> f32 {
    Level::detect().run(MultiplyAdds { n })
}

struct MultiplyAdds {
    n: u64,
}

impl Kernel for MultiplyAdds {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f32 {
        // Enough independent chains to hide the latency, and no more than there are registers.
        if S::HAS_MANY_REGISTERS { self.chains::<S, 12>(simd) } else { self.chains::<S, 6>(simd) }
    }
}

impl MultiplyAdds {
    #[inline(always)]
    fn chains<S: Simd, const CHAINS: usize>(self, simd: S) -> f32 {
        // Numbers that neither overflow nor vanish, hidden from the compiler.
        let (factor, summand) = std::hint::black_box((0.999, 0.001));
        let (factor, summand) = (simd.splat(factor), simd.splat(summand));
        let mut chains = [simd.splat(1.0); CHAINS];
        for _ in 0..self.n.div_ceil((CHAINS * LANES) as u64) {
            for chain in &mut chains {
                *chain = simd.mul_add(*chain, factor, summand);
            }
        }
        let total = chains.into_iter().fold(simd.splat(0.0), |total, chain| simd.add(total, chain));
        let mut lanes = Lanes::splat(0.0);
        simd.store(total, &mut lanes);
        lanes.iter().sum()
    }
}

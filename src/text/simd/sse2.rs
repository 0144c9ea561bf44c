//! Sixteen bytes at a time, with SSE2.

use std::arch::x86_64::{
    __m128i, _mm_add_epi16, _mm_and_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_cvtsi128_si64,
    _mm_madd_epi16, _mm_movemask_epi8, _mm_mullo_epi16, _mm_or_si128, _mm_packs_epi32,
    _mm_set_epi64x, _mm_set1_epi8, _mm_set1_epi16, _mm_set1_epi32, _mm_srli_epi16,
};

use super::CHUNK;

#[target_feature(enable = "sse2")]
#[inline]
pub(super) fn byte_masks<const N: usize>(chunk: &[u8; CHUNK], wanted: [u8; N]) -> [u64; N] {
    let (quarters, _) = chunk.as_chunks::<16>();
    let mut masks = [0; N];
    for (masks, wanted) in masks.iter_mut().zip(wanted) {
        let wanted = _mm_set1_epi8(wanted as i8);
        for quarter in quarters.iter().rev() {
            let found = _mm_movemask_epi8(_mm_cmpeq_epi8(vector(quarter), wanted));
            *masks = *masks << 16 | u64::from(found as u16);
        }
    }
    masks
}

#[target_feature(enable = "sse2")]
#[inline]
fn vector(bytes: &[u8; 16]) -> __m128i {
    let both = u128::from_le_bytes(*bytes);
    _mm_set_epi64x((both >> 64) as i64, both as i64)
}

/// Pairs of digits become numbers below 100, pairs of those numbers below 10,000, and the last pair
/// the result.
#[target_feature(enable = "sse2")]
#[inline]
pub(super) fn eight_digits_each(words: [u64; 2]) -> Option<[u64; 2]> {
    let values = _mm_set_epi64x(words[1] as i64, words[0] as i64);
    // As signed numbers, bytes from 128 on are not above 9, but their top bit is set.
    let above = _mm_or_si128(_mm_cmpgt_epi8(values, _mm_set1_epi8(9)), values);
    if _mm_movemask_epi8(above) != 0 {
        return None;
    }
    let tens = _mm_mullo_epi16(_mm_and_si128(values, _mm_set1_epi16(0xff)), _mm_set1_epi16(10));
    let pairs = _mm_add_epi16(tens, _mm_srli_epi16::<8>(values));
    let fours = _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
    let fours = _mm_packs_epi32(fours, fours);
    let eights = _mm_madd_epi16(fours, _mm_set1_epi32(1 << 16 | 10_000));
    let eights = _mm_cvtsi128_si64(eights) as u64;
    Some([eights & 0xffff_ffff, eights >> 32])
}

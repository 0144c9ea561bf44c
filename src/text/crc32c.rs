//! CRC-32C, with Castagnoli's polynomial, as in iSCSI (RFC 3720, section 12.1 and appendix B.4).
//!
//! Sixteen bytes are processed at once ("slicing by 16"): one table for each of the sixteen
//! positions has the contribution of a byte to the remainder. That is faster than the disks that
//! lines are written to, on every processor, and the CRC instruction would need `unsafe`.

/// The polynomial 0x1edc6f41, with reversed bits.
const POLYNOMIAL: u32 = 0x82f6_3b78;
const SLICES: usize = 16;

/// `TABLES[p][b]`: the contribution of the byte `b` when `p` bytes follow it.
const TABLES: [[u32; 256]; SLICES] = {
    let mut tables = [[0; 256]; SLICES];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            remainder = (remainder >> 1) ^ (POLYNOMIAL * (remainder & 1));
            bit += 1;
        }
        tables[0][byte] = remainder;
        byte += 1;
    }
    let mut place = 1;
    while place < SLICES {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[place - 1][byte];
            tables[place][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        place += 1;
    }
    tables
};
/// A static, since a constant would be copied to each use.
static SLICED: [[u32; 256]; SLICES] = TABLES;

/// The checksum of `bytes`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    extend_crc32c(0, bytes)
}

/// The checksum of bytes with the checksum `crc` followed by `bytes`.
pub fn extend_crc32c(crc: u32, bytes: &[u8]) -> u32 {
    let mut remainder = !crc;
    let (blocks, rest) = bytes.as_chunks::<SLICES>();
    for block in blocks {
        let mut block = *block;
        for (byte, old) in block.iter_mut().zip(remainder.to_le_bytes()) {
            *byte ^= old;
        }
        remainder = 0;
        for (&byte, table) in block.iter().zip(SLICED.iter().rev()) {
            remainder ^= table[usize::from(byte)];
        }
    }
    for &byte in rest {
        remainder = (remainder >> 8) ^ SLICED[0][usize::from(remainder as u8 ^ byte)];
    }
    !remainder
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::each_seed;

    /// RFC 3720, appendix B.4. There the checksums are bytes, lowest first.
    #[test]
    fn the_examples_of_rfc_3720() {
        let read_command = [
            0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0, 0, 0,
            0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
        ];
        let up: Vec<u8> = (0..32).collect();
        let down: Vec<u8> = (0..32).rev().collect();
        for (bytes, crc) in [
            (&[0; 32][..], [0xaa, 0x36, 0x91, 0x8a]),
            (&[0xff; 32], [0x43, 0xab, 0xa8, 0x62]),
            (&up, [0x4e, 0x79, 0xdd, 0x46]),
            (&down, [0x5c, 0xdb, 0x3f, 0x11]),
            (&read_command, [0x56, 0x3a, 0x96, 0xd9]),
        ] {
            assert_eq!(crc32c(bytes).to_le_bytes(), crc, "{bytes:?}");
        }
        assert_eq!(crc32c(b"123456789"), 0xe306_9283, "the usual check value");
        assert_eq!(crc32c(b""), 0);
    }

    #[test]
    fn the_checksum_equals_that_of_bitwise_division_in_one_step_or_two() {
        each_seed(|seed| {
            let len = seed.below(100);
            let bytes = seed.bytes(len);
            let slow = bytes.iter().fold(u32::MAX, |remainder, &byte| {
                (0..8).fold(remainder ^ u32::from(byte), |remainder, _| {
                    (remainder >> 1) ^ (POLYNOMIAL * (remainder & 1))
                })
            });
            assert_eq!(crc32c(&bytes), !slow);
            let (front, back) = bytes.split_at(seed.below(len + 1));
            assert_eq!(extend_crc32c(crc32c(front), back), !slow);
        });
    }
}

//! SHA-256 (FIPS 180-4).
//!
//! The crate `sha2` computes it where the feature `sha2` is on: it uses the processor's own
//! instructions. Without the feature it is computed here, section by section of the standard, so
//! that the build with the fewest dependencies has a market as well. Both give the same digest.
//!
//! Left out: messages in several parts, and the other functions of the family. The market hashes
//! UUIDs, 36 bytes each.

/// The digest of a message.
#[cfg(feature = "sha2")]
pub fn sha256(message: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(message).into()
}

#[cfg(not(feature = "sha2"))]
pub use fips_180_4::sha256;

/// The function as the standard defines it.
#[cfg(any(test, not(feature = "sha2")))]
mod fips_180_4 {
    /// Bytes of a block (section 5.2.1), and of the message length at the end of the last one.
    const BLOCK: usize = 64;
    const LENGTH: usize = 8;

    /// The first 32 bits of the fractions of the cube roots of the first 64 primes (section 4.2.2).
    const K: [u32; 64] = [
        0x428a_2f98,
        0x7137_4491,
        0xb5c0_fbcf,
        0xe9b5_dba5,
        0x3956_c25b,
        0x59f1_11f1,
        0x923f_82a4,
        0xab1c_5ed5,
        0xd807_aa98,
        0x1283_5b01,
        0x2431_85be,
        0x550c_7dc3,
        0x72be_5d74,
        0x80de_b1fe,
        0x9bdc_06a7,
        0xc19b_f174,
        0xe49b_69c1,
        0xefbe_4786,
        0x0fc1_9dc6,
        0x240c_a1cc,
        0x2de9_2c6f,
        0x4a74_84aa,
        0x5cb0_a9dc,
        0x76f9_88da,
        0x983e_5152,
        0xa831_c66d,
        0xb003_27c8,
        0xbf59_7fc7,
        0xc6e0_0bf3,
        0xd5a7_9147,
        0x06ca_6351,
        0x1429_2967,
        0x27b7_0a85,
        0x2e1b_2138,
        0x4d2c_6dfc,
        0x5338_0d13,
        0x650a_7354,
        0x766a_0abb,
        0x81c2_c92e,
        0x9272_2c85,
        0xa2bf_e8a1,
        0xa81a_664b,
        0xc24b_8b70,
        0xc76c_51a3,
        0xd192_e819,
        0xd699_0624,
        0xf40e_3585,
        0x106a_a070,
        0x19a4_c116,
        0x1e37_6c08,
        0x2748_774c,
        0x34b0_bcb5,
        0x391c_0cb3,
        0x4ed8_aa4a,
        0x5b9c_ca4f,
        0x682e_6ff3,
        0x748f_82ee,
        0x78a5_636f,
        0x84c8_7814,
        0x8cc7_0208,
        0x90be_fffa,
        0xa450_6ceb,
        0xbef9_a3f7,
        0xc671_78f2,
    ];

    /// The first 32 bits of the fractions of the square roots of the first 8 primes (section
    /// 5.3.3).
    const INITIAL: [u32; 8] = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];

    /// The digest of a message (section 6.2).
    pub fn sha256(message: &[u8]) -> [u8; 32] {
        let mut state = INITIAL;
        let (blocks, rest) = message.as_chunks::<BLOCK>();
        blocks.iter().for_each(|block| compress(&mut state, block));
        // Padding (section 5.1.1): a 1 bit, zeros, and the message's length in bits, in one more
        // block or in two.
        let mut padded = [0; 2 * BLOCK];
        padded[..rest.len()].copy_from_slice(rest);
        padded[rest.len()] = 0x80;
        let len = if rest.len() + 1 + LENGTH > BLOCK { 2 * BLOCK } else { BLOCK };
        padded[len - LENGTH..len].copy_from_slice(&(message.len() as u64 * 8).to_be_bytes());
        padded[..len].as_chunks::<BLOCK>().0.iter().for_each(|block| compress(&mut state, block));
        let mut digest = [0; 32];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
            *bytes = word.to_be_bytes();
        }
        digest
    }

    /// Takes one block into the state (section 6.2.2).
    fn compress(state: &mut [u32; 8], block: &[u8; BLOCK]) {
        let mut schedule = [0_u32; 64];
        for (word, bytes) in schedule.iter_mut().zip(block.as_chunks().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        for t in 16..64 {
            let (near, far) = (schedule[t - 2], schedule[t - 15]);
            // The functions sigma 1 and sigma 0 (section 4.1.2).
            let sigma_1 = near.rotate_right(17) ^ near.rotate_right(19) ^ near >> 10;
            let sigma_0 = far.rotate_right(7) ^ far.rotate_right(18) ^ far >> 3;
            schedule[t] = sigma_1
                .wrapping_add(schedule[t - 7])
                .wrapping_add(sigma_0)
                .wrapping_add(schedule[t - 16]);
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
        for (word, constant) in schedule.into_iter().zip(K) {
            let sum_1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let choice = e & f ^ !e & g;
            let t1 = h
                .wrapping_add(sum_1)
                .wrapping_add(choice)
                .wrapping_add(constant)
                .wrapping_add(word);
            let sum_0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let majority = a & b ^ a & c ^ b & c;
            let t2 = sum_0.wrapping_add(majority);
            (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
        }
        for (old, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *old = old.wrapping_add(new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digest: [u8; 32]) -> String {
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The examples that NIST publishes with FIPS 180-4 ("Examples with Intermediate Values"), the
    /// empty message and the million "a" of its long-message test.
    #[test]
    fn the_standards_examples() {
        let million = "a".repeat(1_000_000);
        for (message, expected) in [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
            (
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopq\
                 klmnopqrlmnopqrsmnopqrstnopqrstu",
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
            ),
            (&million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ] {
            assert_eq!(hex(fips_180_4::sha256(message.as_bytes())), expected);
            assert_eq!(hex(sha256(message.as_bytes())), expected, "as the build computes it");
        }
    }

    /// Around the lengths where the padding needs a block more, and any bytes.
    #[cfg(feature = "sha2")]
    #[test]
    fn any_message_has_the_digest_that_the_crate_computes() {
        let zeros = [0; 300];
        for len in 0..zeros.len() {
            assert_eq!(fips_180_4::sha256(&zeros[..len]), sha256(&zeros[..len]), "{len} zeros");
        }
        crate::seed::each_seed(|seed| {
            let message: Vec<u8> = (0..seed.below(500)).map(|_| seed.next_u64() as u8).collect();
            assert_eq!(fips_180_4::sha256(&message), sha256(&message), "{message:x?}");
        });
    }
}

//! The Huffman code of RFC 7541 appendix B, as tables.
//!
//! The code is canonical: among codes of one length the symbols ascend, and each length continues
//! where the shorter one stopped. So the lengths define the code, and all tables below are computed
//! from them at compile time.

/// The symbol that ends a string in theory and is an error in practice.
pub(super) const EOS: u16 = 256;

/// The number of symbols: octets, and EOS.
const SYMBOLS: usize = 257;

/// The longest code, in bits.
pub(super) const MAX_BITS: usize = 30;

/// The length of each symbol's code, in bits.
#[rustfmt::skip]
pub(super) static BITS: [u8; SYMBOLS] = BITS_OF_SYMBOLS;

#[rustfmt::skip]
const BITS_OF_SYMBOLS: [u8; SYMBOLS] = [
    // 0x00
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    // 0x20: space and punctuation, digits from 0x30
     6, 10, 10, 12, 13,  6,  8, 11, 10, 10,  8, 11,  8,  6,  6,  6,
     5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8, 15,  6, 12, 10,
    // 0x40: upper case
    13,  6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
     7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8, 13, 19, 13, 14,  6,
    // 0x60: lower case
    15,  5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,
     6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7, 15, 11, 14, 13, 28,
    // 0x80
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    // 0xc0
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    // EOS
    30,
];

/// The code as an ordered list: rank 0 is the smallest code.
struct Order {
    /// The symbols by rank.
    symbols: [u16; SYMBOLS],
    /// The rank of the first code of each length.
    first_rank: [u16; MAX_BITS + 1],
    /// The first code of each length.
    first_code: [u32; MAX_BITS + 1],
    /// For each length the first 32-bit word that no code up to this length begins: a word below
    /// it, and not below the one before, begins with a code of this length.
    end: [u64; MAX_BITS + 1],
}

const ORDER: Order = order();

const fn order() -> Order {
    let mut order = Order {
        symbols: [0; SYMBOLS],
        first_rank: [0; MAX_BITS + 1],
        first_code: [0; MAX_BITS + 1],
        end: [0; MAX_BITS + 1],
    };
    let mut rank = 0;
    let mut code = 0;
    let mut bits = 1;
    while bits <= MAX_BITS {
        code <<= 1;
        order.first_rank[bits] = rank as u16;
        order.first_code[bits] = code;
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if BITS_OF_SYMBOLS[symbol] as usize == bits {
                order.symbols[rank] = symbol as u16;
                rank += 1;
                code += 1;
            }
            symbol += 1;
        }
        order.end[bits] = (code as u64) << (32 - bits);
        bits += 1;
    }
    order
}

/// The code of each octet, in the low bits.
pub(super) static CODES: [u32; 256] = codes();

const fn codes() -> [u32; 256] {
    let mut codes = [0; 256];
    let mut rank = 0;
    while rank < SYMBOLS {
        let symbol = ORDER.symbols[rank];
        if symbol != EOS {
            let bits = BITS_OF_SYMBOLS[symbol as usize] as usize;
            let behind_first = rank as u32 - ORDER.first_rank[bits] as u32;
            codes[symbol as usize] = ORDER.first_code[bits] + behind_first;
        }
        rank += 1;
    }
    codes
}

/// The symbol that begins with 8 given bits.
#[derive(Clone, Copy)]
pub(super) struct Short {
    /// The symbol whose code begins with these bits.
    pub symbol: u8,
    /// The code's length; 0 when it is longer than 8 bits.
    pub bits: u8,
}

/// The lookup table for the next 8 bits: the codes of letters, digits and most punctuation are at most
/// that long. A wider table would yield two symbols per step, but would not stay in the cache.
pub(super) static SHORT: [Short; 256] = short();

const fn short() -> [Short; 256] {
    let mut short = [Short { symbol: 0, bits: 0 }; 256];
    let codes = codes();
    let mut symbol = 0;
    while symbol < 256 {
        let bits = BITS_OF_SYMBOLS[symbol];
        if bits <= 8 {
            let first = (codes[symbol] as usize) << (8 - bits);
            let mut at = first;
            while at < first + (1 << (8 - bits)) {
                short[at] = Short { symbol: symbol as u8, bits };
                at += 1;
            }
        }
        symbol += 1;
    }
    short
}

/// The symbol whose code stands at the front of `word` and its length, for codes longer than
/// 8 bits.
#[cold]
pub(super) fn long(word: u32) -> (u16, u32) {
    static CODE: Order = ORDER;
    let mut bits = 9;
    // Terminates at the longest length: the code is complete, and its last `end` is 2^32.
    while bits < MAX_BITS && u64::from(word) >= CODE.end[bits] {
        bits += 1;
    }
    let behind_first = (word >> (32 - bits)) - CODE.first_code[bits];
    let rank = usize::from(CODE.first_rank[bits]) + behind_first as usize;
    (CODE.symbols[rank], bits as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_complete() {
        let space: u64 = BITS.iter().map(|&bits| 1 << (MAX_BITS - usize::from(bits))).sum();
        assert_eq!(space, 1 << MAX_BITS);
        assert_eq!(ORDER.end[MAX_BITS], 1 << 32);
    }

    /// Appendix B, one symbol of each length.
    #[test]
    fn the_codes_are_those_of_the_appendix() {
        let rows: [(u8, u32, u8); 21] = [
            (b'0', 0x0, 5),
            (b't', 0x9, 5),
            (b' ', 0x14, 6),
            (b'u', 0x2d, 6),
            (b':', 0x5c, 7),
            (b'z', 0x7b, 7),
            (b'&', 0xf8, 8),
            (b'Z', 0xfd, 8),
            (b'!', 0x3f8, 10),
            (b'|', 0x7fc, 11),
            (b'#', 0xffa, 12),
            (b'~', 0x1ffd, 13),
            (b'^', 0x3ffc, 14),
            (b'<', 0x7ffc, 15),
            (b'\\', 0x7fff0, 19),
            (0x80, 0xfffe6, 20),
            (0x99, 0x1fffdc, 21),
            (0x81, 0x3fffd2, 22),
            (0x01, 0x7fffd8, 23),
            (0xff, 0x3ffffee, 26),
            (0x16, 0x3ffffffe, 30),
        ];
        for (symbol, code, bits) in rows {
            assert_eq!(CODES[usize::from(symbol)], code, "{symbol:#x}");
            assert_eq!(BITS[usize::from(symbol)], bits, "{symbol:#x}");
        }
    }

    #[test]
    fn both_lookups_find_every_symbol() {
        for symbol in 0..=255_u8 {
            let bits = u32::from(BITS[usize::from(symbol)]);
            let word = CODES[usize::from(symbol)] << (32 - bits);
            let short = SHORT[(word >> 24) as usize];
            if bits <= 8 {
                assert_eq!((short.symbol, u32::from(short.bits)), (symbol, bits));
            } else {
                assert_eq!(short.bits, 0);
                assert_eq!(long(word), (u16::from(symbol), bits));
                assert_eq!(long(word | (u32::MAX >> bits)), (u16::from(symbol), bits));
            }
        }
        assert_eq!(long(u32::MAX), (EOS, 30));
    }
}

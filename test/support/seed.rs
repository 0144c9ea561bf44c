//! A seeded generator for tests: the same seed gives the same bytes on every machine.
//!
//! A test that mutates input runs through [`each_seed`]; when it fails it prints the seed, and
//! `AGORA_SEED=<seed>` runs that one alone. `AGORA_MUTATIONS=<count>` sets how many are run.

/// splitmix64: tiny, full period, good enough to shuffle test input.
pub struct Seed(u64);

impl Seed {
    /// A generator that this seed fixes.
    pub fn new(seed: u64) -> Seed {
        Seed(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n - 1`; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next_u64() % n as u64) as usize }
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of the choices; there must be one.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// `n` random bytes.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next_u64() as u8).collect()
    }

    /// Damages `bytes` in one to four ways: flipped bits, extreme bytes, cuts, repeats, insertions.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let len = self.below(bytes.len() - at + 1).min(32);
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = *self.pick(&[0, 1, 0x7f, 0x80, 0xfe, 0xff]),
                2 => bytes.truncate(at),
                3 => {
                    let repeated = bytes[at..at + len].to_vec();
                    bytes.splice(at..at, repeated);
                }
                4 => {
                    let count = self.below(9);
                    let inserted = self.bytes(count);
                    bytes.splice(at..at, inserted);
                }
                _ => drop(bytes.drain(at..at + len)),
            }
        }
    }
}

/// Runs `story` with one generator after another: 20,000 seeds, or what the environment asks for.
/// When it panics, the seed that did it is printed.
pub fn each_seed(mut story: impl FnMut(&mut Seed)) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("AGORA_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("AGORA_MUTATIONS").unwrap_or(20_000),
    };
    for seed in seeds {
        let _named = NamedOnPanic(seed);
        story(&mut Seed::new(seed));
    }
}

/// Prints its seed when a panic unwinds through it.
struct NamedOnPanic(u64);

impl Drop for NamedOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with seed {0}: AGORA_SEED={0} runs it alone", self.0);
        }
    }
}

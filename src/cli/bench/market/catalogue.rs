//! Texts that look like those of a shop: some words are nearly everywhere, most nearly nowhere.

/// Random numbers that are the same in each run (SplitMix64; Steele, Lea and Flood, 2014).
pub(super) struct RandomSource(u64);

impl RandomSource {
    pub(super) fn new(seed: u64) -> RandomSource {
        RandomSource(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, not including, `bound`, which is above 0 and small beside 2^64.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// From 0 up to, not including, 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The size of the vocabulary.
const WORDS: usize = 50_000;
const SYLLABLES: [&str; 20] = [
    "la", "me", "ri", "to", "nu", "sa", "ke", "vi", "do", "pu", "bra", "den", "fil", "gor", "hum",
    "jas", "lek", "mir", "ton", "zur",
];

/// Words by rank; the n-th is used 1/n times as often as the first (Zipf's law).
pub(super) struct Vocabulary(Vec<String>);

impl Vocabulary {
    pub(super) fn new() -> Vocabulary {
        Vocabulary((0..WORDS).map(Vocabulary::word).collect())
    }

    /// The rank written with syllables as digits, at least two of them.
    fn word(mut rank: usize) -> String {
        let mut word = String::new();
        for place in 0.. {
            if place >= 2 && rank == 0 {
                break;
            }
            word.push_str(SYLLABLES[rank % SYLLABLES.len()]);
            rank /= SYLLABLES.len();
        }
        word
    }

    /// A random word, frequent words more often.
    pub(super) fn pick(&self, random: &mut RandomSource) -> &str {
        // The inverse of the distribution of 1/n: e to an even number below ln(WORDS).
        let rank = (self.0.len() as f64).powf(random.share()) as usize;
        &self.0[rank.clamp(1, self.0.len()) - 1]
    }

    /// Random words with at least this many bytes together.
    pub(super) fn text(&self, random: &mut RandomSource, bytes: usize) -> String {
        let mut text = self.pick(random).to_owned();
        while text.len() < bytes {
            text.push(' ');
            text.push_str(self.pick(random));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_word_is_another_one() {
        let words = Vocabulary::new().0;
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), WORDS);
    }

    #[test]
    fn words_are_used_as_often_as_their_rank_says() {
        let (vocabulary, mut random) = (Vocabulary::new(), RandomSource::new(1));
        let picked: Vec<&str> = (0..100_000).map(|_| vocabulary.pick(&mut random)).collect();
        let count = |rank: usize| picked.iter().filter(|word| **word == vocabulary.0[rank]).count();
        // ln 2 / ln 50,000 of all, and ln(101 / 100) / ln 50,000.
        assert!((6_100..6_700).contains(&count(0)), "{}", count(0));
        assert!((60..130).contains(&count(99)), "{}", count(99));
    }

    #[test]
    fn a_text_is_the_same_for_the_same_seed() {
        let vocabulary = Vocabulary::new();
        let text = |seed| vocabulary.text(&mut RandomSource::new(seed), 90);
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
        assert!((90..110).contains(&text(7).len()));
    }
}

//! The samples of a scrape.

use std::collections::BTreeMap;

/// Samples by name and labels as they are written, `name{a="b"}`.
pub struct Samples(BTreeMap<String, f64>);

impl Samples {
    pub fn parse(text: &str) -> Samples {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        });
        let samples: Vec<(String, f64)> = samples.collect();
        let (count, by_name) = (samples.len(), samples.into_iter().collect::<BTreeMap<_, _>>());
        assert_eq!(by_name.len(), count, "a sample is there twice");
        Samples(by_name)
    }

    /// The value of one sample.
    #[track_caller]
    pub fn get(&self, sample: &str) -> f64 {
        let all = || self.0.keys().map(String::as_str).collect::<Vec<_>>().join("\n");
        *self.0.get(sample).unwrap_or_else(|| panic!("{sample} is not among\n{}", all()))
    }

    /// The sum of all samples whose name and labels begin so.
    pub fn sum(&self, prefix: &str) -> f64 {
        self.0.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, value)| value).sum()
    }
}

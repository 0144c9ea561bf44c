//! Axes: positions of numbers, ticks, and labels.

/// Maps numbers to positions along an axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    /// The positions of `low` and `high`.
    from: f64,
    to: f64,
    is_logarithmic: bool,
}

impl Scale {
    /// A linear scale.
    pub(super) fn linear([low, high]: [f64; 2], [from, to]: [f64; 2]) -> Scale {
        let (low, high) = wide(low, high);
        Scale { low, high, from, to, is_logarithmic: false }
    }

    /// A logarithmic scale, for numbers above zero.
    pub(super) fn logarithmic([low, high]: [f64; 2], [from, to]: [f64; 2]) -> Scale {
        Scale { low, high, from, to, is_logarithmic: true }
    }

    pub(super) fn position(&self, x: f64) -> f64 {
        let share = match self.is_logarithmic {
            true => (x / self.low).ln() / (self.high / self.low).ln(),
            // Halved, since differences of the largest numbers would overflow.
            false => (x / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0),
        };
        self.from + share * (self.to - self.from)
    }

    /// About `count` round numbers within the scale.
    pub(super) fn ticks(&self, count: usize) -> Vec<f64> {
        if self.is_logarithmic {
            let powers = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
            let rounds: &[f64] = if self.high / self.low > 1e3 { &[1.0] } else { &[1.0, 2.0, 5.0] };
            let ticks = powers.flat_map(|power| rounds.iter().map(move |x| x * 10_f64.powi(power)));
            return ticks.filter(|x| (self.low..=self.high).contains(x)).collect();
        }
        let rough = (self.high / 2.0 - self.low / 2.0) / count.max(1) as f64 * 2.0;
        let power = 10_f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|round| round * power);
        let step = steps.into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let first = (self.low / step).ceil();
        let last = (self.high / step).floor();
        if !(step > 0.0 && (last - first) < 100.0) {
            return Vec::new();
        }
        // Adding 0 turns -0 into 0.
        (0..=(last - first) as usize).map(|n| (first + n as f64) * step + 0.0).collect()
    }
}

/// Widens an empty range.
fn wide(low: f64, high: f64) -> (f64, f64) {
    let margin = high / 2.0 - low / 2.0;
    if margin > 1e-12 * low.abs().max(high.abs()) {
        return (low, high);
    }
    let around = if low == 0.0 { 1.0 } else { low.abs() / 2.0 };
    (low - around, high + around)
}

/// A number in few characters, for labels.
pub(super) fn short_number(x: f64) -> String {
    let magnitude = x.abs();
    if x == 0.0 {
        return "0".into();
    }
    if !(1e-3..1e6).contains(&magnitude) {
        let text = format!("{x:.3e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", trimmed(mantissa));
    }
    let digits = (4 - magnitude.log10().floor() as i32).clamp(0, 7) as usize;
    let text = format!("{x:.digits$}");
    let text = if digits > 0 { trimmed(&text) } else { &text };
    match text.strip_prefix('-') {
        Some(positive) => format!("\u{2212}{positive}"),
        None => text.into(),
    }
}

/// Without trailing zeros after the decimal point.
fn trimmed(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

/// An integer with thin spaces between groups of three digits.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_on_the_scale() {
        let ticks = |low, high| Scale::linear([low, high], [0.0, 1.0]).ticks(5);
        assert_eq!(ticks(0.0, 10.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(-1.3, 0.9), [-1.0, -0.5, 0.0, 0.5]);
        assert_eq!(ticks(5.0, 5.0), [3.0, 4.0, 5.0, 6.0, 7.0]);
        assert!(ticks(-f64::MAX, f64::MAX).len() > 2);
        assert!(ticks(1e-300, 2e-300).len() > 2);
        let logarithmic = Scale::logarithmic([3.0, 60.0], [0.0, 1.0]).ticks(5);
        assert_eq!(logarithmic, [5.0, 10.0, 20.0, 50.0]);
    }

    #[test]
    fn positions_are_between_the_ends() {
        let scale = Scale::linear([-2.0, 2.0], [100.0, 0.0]);
        assert_eq!([-2.0, 0.0, 2.0].map(|x| scale.position(x)), [100.0, 50.0, 0.0]);
        let scale = Scale::logarithmic([1.0, 100.0], [0.0, 10.0]);
        assert!((scale.position(10.0) - 5.0).abs() < 1e-12);
        assert_eq!(Scale::linear([-f64::MAX, f64::MAX], [0.0, 1.0]).position(0.0), 0.5);
    }

    #[test]
    fn numbers_are_short() {
        for (x, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-0.5, "\u{2212}0.5"),
            (1234.5678, "1234.6"),
            (0.00123456, "0.0012346"),
            (123_456.7, "123457"),
            (1e6, "1e6"),
            (-1.5e-7, "-1.5e-7"),
            (100.0, "100"),
            (1e300, "1e300"),
        ] {
            assert_eq!(short_number(x), text);
        }
        assert_eq!(grouped(171_075), "171\u{2009}075");
        assert_eq!(grouped(12), "12");
    }
}

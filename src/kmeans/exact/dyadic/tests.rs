use super::*;
use crate::seed::{Seed, each_seed};

/// Numbers of similar and of different magnitudes, and at the ends of the format.
fn any_f64(seed: &mut Seed) -> f64 {
    let x = match seed.below(4) {
        0 => f64::from_bits(seed.next_u64()),
        1 => seed.below(1 << 20) as f64 / 1024.0,
        2 => (seed.next_u64() >> 11) as f64 / (1_u64 << 53) as f64,
        _ => *seed.pick(&[0.0, -0.0, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1.0, 0.1, 1e300]),
    };
    let x = if seed.one_in(2) { -x } else { x };
    if x.is_finite() { x } else { 1.0 }
}

fn sum(numbers: &[f64]) -> Dyadic {
    let mut sum = Dyadic::ZERO;
    numbers.iter().for_each(|x| sum += &Dyadic::new(*x));
    sum
}

#[test]
fn an_f64_is_converted_and_back_without_change() {
    each_seed(|seed| {
        let x = any_f64(seed);
        assert_eq!(Dyadic::new(x).to_f64(), x);
    });
}

#[test]
fn a_sum_is_the_same_in_any_order_and_in_either_form() {
    each_seed(|seed| {
        let mut numbers: Vec<f64> = (0..seed.below(12)).map(|_| any_f64(seed)).collect();
        let forward = sum(&numbers);
        let mut wide = Superaccumulator::default();
        numbers.iter().for_each(|x| wide.add(*x));
        assert_eq!(forward, Dyadic::from(wide));
        let (left, right) = numbers.split_at(seed.below(numbers.len() + 1));
        let mut merged = sum(right);
        merged += &sum(left);
        assert_eq!(forward, merged);
        numbers.sort_by(f64::total_cmp);
        assert_eq!(forward, sum(&numbers));
        let mut rest = forward.clone();
        numbers.iter().for_each(|x| rest -= &Dyadic::new(*x));
        assert!(rest.is_zero(), "{rest:?}");
    });
}

#[test]
fn known_sums() {
    // 0.1 ten times is a little more than 1 before it is rounded.
    let tenths = sum(&[0.1; 10]);
    assert_eq!(tenths.to_f64(), 1.0);
    assert!(tenths > Dyadic::new(1.0));
    assert_eq!(sum(&[1e300, 1.0, -1e300]).to_f64(), 1.0);
    assert_eq!(sum(&[1e16, 1.0, 1e-16, -1e16]).to_f64(), 1.0);
    assert_eq!(sum(&[f64::MAX, f64::MAX]).to_f64(), f64::INFINITY);
    assert_eq!(sum(&[f64::MAX, f64::MAX]).mean(2), f64::MAX);
    assert_eq!(sum(&[-5e-324; 3]).mean(2), -1e-323);
    assert_eq!(sum(&[5e-324]).mean(2), 0.0);
}

#[test]
fn the_mean_of_equal_numbers_is_that_number() {
    each_seed(|seed| {
        let (x, n) = (any_f64(seed), seed.next_u64() >> seed.below(64) | 1);
        assert_eq!(Dyadic::new(x).times(n).mean(n), x, "{x} {n}");
    });
}

#[test]
fn a_mean_is_rounded_once_to_the_nearest() {
    each_seed(|seed| {
        let numbers: Vec<f64> = (0..=seed.below(12)).map(|_| any_f64(seed)).collect();
        let n = numbers.len() as u64;
        let total = sum(&numbers);
        let mean = total.mean(n);
        // Neither neighbour is nearer to the exact mean.
        for neighbour in [mean.next_up(), mean.next_down()] {
            if neighbour.is_finite() {
                let mut error = Dyadic::new(mean).times(n);
                error -= &total;
                let mut other = Dyadic::new(neighbour).times(n);
                other -= &total;
                let magnitude = |x: Dyadic| if x.is_negative() { -x } else { x };
                assert!(magnitude(error) <= magnitude(other), "{numbers:?}");
            }
        }
    });
}

#[test]
fn multiples_and_products_agree_with_repeated_sums() {
    each_seed(|seed| {
        let numbers: Vec<f64> = (0..=seed.below(5)).map(|_| any_f64(seed)).collect();
        let factor = any_f64(seed);
        let total = sum(&numbers);
        let n = seed.below(5) as u64;
        let mut repeated = Dyadic::ZERO;
        (0..n).for_each(|_| repeated += &total);
        assert_eq!(total.times(n), repeated);
        let (mut whole, mut parts) = Default::default();
        Superaccumulator::add_multiple(&mut whole, &total, factor);
        for x in &numbers {
            Superaccumulator::add_product(&mut parts, *x, factor);
        }
        assert_eq!(whole, parts);
        assert_eq!(Dyadic::from(whole), Dyadic::from(parts));
    });
}

#[test]
fn order_is_that_of_the_numbers() {
    each_seed(|seed| {
        let (x, y) = (any_f64(seed), any_f64(seed));
        assert_eq!(Dyadic::new(x).partial_cmp(&Dyadic::new(y)), x.partial_cmp(&y));
    });
}

use super::*;
use crate::kmeans::Centroids;

fn picture(dims: usize, n: u64, k: usize, iterations: usize) -> String {
    let mut sample = Sample::new(dims);
    for number in 0..n {
        let coordinate = |dim: usize| (number * (dim as u64 + 3) % 17) as f64 / 3.0;
        sample.offer(number, (number % k as u64) as u32, || (0..dims).map(coordinate).collect());
    }
    let step = |step: usize| {
        let coordinates = (0..k * dims).map(|index| (index * 7 % 5 + step) as f64).collect();
        Centroids::new(dims, coordinates).unwrap()
    };
    let mut history = History::new(k, dims);
    history.step(&step(0));
    for iteration in 1..=iterations {
        history.step(&step(iteration));
        history.error(iteration as u64, 1e4 / iteration as f64);
    }
    let plot = Plot {
        title: "x < y & \"z\"",
        axes: &Axes::of(dims, &sample.shown()),
        sample: &sample,
        history: &history,
        sizes: &vec![n / k as u64; k],
        attribution: Some("Points from somewhere (CC BY 4.0)"),
    };
    plot.svg()
}

/// Every opened element is closed, in order.
fn assert_well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    for piece in svg.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        assert!(!text.contains('&') || text.contains(';'), "{text}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.split([' ', '/']).next().unwrap();
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn pictures_of_any_shape_are_well_formed_and_have_finite_numbers() {
    for (dims, n, k, iterations) in
        [(1, 50, 2, 3), (2, 1, 1, 0), (2, 6_000, 20, 30), (3, 100, 50, 300), (9, 0, 300, 1)]
    {
        let svg = picture(dims, n, k, iterations);
        assert_well_formed(&svg);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{dims} {n} {k} {iterations}");
        assert!(svg.contains("x &lt; y &amp; &quot;z&quot;"));
        assert!(svg.contains("Points from somewhere (CC BY 4.0)"));
        assert_eq!(svg, picture(dims, n, k, iterations));
    }
}

#[test]
fn many_points_and_steps_are_thinned_and_the_footer_tells() {
    let svg = picture(2, 20_000, 3, 1_000);
    assert!(svg.contains("5\u{2009}000 of 20\u{2009}000 points shown"));
    assert!(svg.len() < 200_000, "{} bytes", svg.len());
    assert!(picture(2, 100, 3, 10).contains(">100 points"));
    let svg = picture(2, 20_000, 5_000, 3);
    assert!(svg.contains("points shown, 1\u{2009}000 of 5\u{2009}000 centroids"));
    assert!(svg.len() < 1_000_000, "{} bytes", svg.len());
}

//! Distinguishable colours.

/// The colour of a cluster, `#rrggbb`.
///
/// Hues advance by the golden angle, so that any number of them is spread about evenly, and
/// lightness alternates. The colour space is OKLCH (B. Ottosson, *A perceptual color space for
/// image processing*, 2020), where colours of equal lightness look equally light.
pub(super) fn cluster(index: usize) -> String {
    const GOLDEN_ANGLE: f64 = 137.507_764;
    let hue = (255.0 + index as f64 * GOLDEN_ANGLE) % 360.0;
    let (lightness, chroma) = [(0.62, 0.155), (0.72, 0.135), (0.53, 0.135)][index % 3];
    hex(oklch(lightness, chroma, hue))
}

/// Linear red, green and blue.
fn oklch(lightness: f64, chroma: f64, hue_degrees: f64) -> [f64; 3] {
    let (a, b) = (chroma * hue_degrees.to_radians().cos(), chroma * hue_degrees.to_radians().sin());
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ]
}

/// In sRGB, as hexadecimal digits.
fn hex(linear: [f64; 3]) -> String {
    let byte = |x: f64| {
        let x = x.clamp(0.0, 1.0);
        let x = if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 };
        (x * 255.0).round() as u8
    };
    let [red, green, blue] = linear.map(byte);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours() {
        assert_eq!(hex(oklch(1.0, 0.0, 0.0)), "#ffffff");
        assert_eq!(hex(oklch(0.0, 0.0, 0.0)), "#000000");
        // Red of sRGB.
        assert_eq!(hex(oklch(0.627_955, 0.257_683, 29.233_9)), "#ff0000");
    }

    #[test]
    fn the_first_hundred_differ() {
        let mut colours: Vec<String> = (0..100).map(cluster).collect();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), 100);
    }
}

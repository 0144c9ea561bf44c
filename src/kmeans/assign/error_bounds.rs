//! How far estimates may be off, and how far centroids have travelled.

use super::banded::bands;
use super::contenders::Contenders;
use super::frame::Frame;
use super::simd::TAG_BITS;
use crate::kmeans::Centroids;

/// How far estimates may be off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Of an estimate, and of one and the square of a norm.
    pub(super) estimate: f64,
    /// Of a difference of two distances, beyond what `estimate` makes of it.
    pub(super) distance: f64,
    /// No distance is longer.
    pub(super) span: f64,
}

impl Bounds {
    /// For points within a radius of the origin and contenders that reach so far.
    pub(super) fn new(dims: usize, radius: f64, reach: f64) -> Bounds {
        let span = radius + reach;
        let unit = f64::from(f32::EPSILON) / 2.0;
        Bounds {
            estimate: (dims as f64 + 5.0) * unit * 1.01 * span * span + 1e-30,
            distance: 4.0 * unit * span,
            span,
        }
    }

    /// Where estimates are tagged with their lanes.
    pub(super) fn tagged(self) -> Bounds {
        let tag = f64::from(TAG_BITS + 1) * f64::from(f32::EPSILON);
        Bounds { estimate: self.estimate + 1.01 * tag * self.span * self.span, ..self }
    }

    /// At least the distance whose square is about this.
    pub(super) fn upper(&self, square: f64) -> f64 {
        (square + 3.0 * self.estimate).max(0.0).sqrt()
    }

    /// At most the distance whose square is about this.
    pub(super) fn lower(&self, square: f64) -> f64 {
        (square - 3.0 * self.estimate).max(0.0).sqrt()
    }

    /// The highest estimate that one may have whose distance from a place of this norm is at most
    /// `distance`.
    pub(super) fn most(&self, distance: f64, norm: f64) -> f32 {
        (distance * distance * (1.0 + 1e-6) - norm + 3.0 * self.estimate) as f32
    }
}

/// How far centroids have travelled since a split was first labelled.
#[derive(Clone, Debug)]
pub(super) struct Travel {
    centroids: Centroids,
    contenders: Vec<u32>,
    /// By band: the longest way of any of its contenders in the same steps, added up. They are in
    /// other bands when there are others: then none is known.
    bands: Vec<f64>,
    knows_bands: bool,
    /// By centroid: its ways and the longest of any other one in the same steps, added up.
    travelled: Vec<f64>,
    thresholds: Vec<f32>,
    highest: f32,
    /// What limits are rounded by.
    span: f64,
}

impl Travel {
    /// To these centroids, from those of the assignment before.
    pub(super) fn to(
        before: Option<&Travel>,
        frame: &Frame,
        centroids: &Centroids,
        contenders: &Contenders,
        span: f64,
    ) -> Travel {
        let k = centroids.len();
        let known = before.filter(|before| {
            before.centroids.len() == k
                && contenders.indices.iter().all(|i| before.contenders.binary_search(i).is_ok())
        });
        let mut travel = Travel {
            centroids: centroids.clone(),
            contenders: contenders.indices.clone(),
            bands: vec![0.0; bands::count(contenders)],
            knows_bands: false,
            travelled: vec![0.0; k],
            thresholds: vec![f32::INFINITY; k],
            highest: f32::INFINITY,
            span,
        };
        let Some(before) = known else { return travel };
        travel.travelled.clone_from(&before.travelled);
        travel.knows_bands = before.contenders == travel.contenders;
        if travel.knows_bands {
            travel.bands.clone_from(&before.bands);
        }
        travel.go(before, frame);
        travel
    }

    fn go(&mut self, before: &Travel, frame: &Frame) {
        let mut ways = vec![0.0; self.travelled.len()];
        for &index in &self.contenders {
            let (now, then) =
                (self.centroids.get(index as usize), before.centroids.get(index as usize));
            let places = frame.place(now).zip(frame.place(then));
            let square: f64 = places.map(|(a, b)| (a - b) * (a - b)).sum();
            ways[index as usize] = square.sqrt() * (1.0 + 1e-9) + 1e-12 * self.span;
        }
        let count = self.bands.len();
        for (band, travelled) in self.bands.iter_mut().enumerate() {
            let places = bands::places(band, count, self.contenders.len());
            let ways = self.contenders[places].iter().map(|index| ways[*index as usize]);
            *travelled += ways.fold(0.0, f64::max);
        }
        let (mut longest, mut second) = (0.0, 0.0);
        for way in &ways {
            if *way > longest {
                (longest, second) = (*way, longest);
            } else if *way > second {
                second = *way;
            }
        }
        for &index in &self.contenders {
            let index = index as usize;
            let other = if ways[index] == longest { second } else { longest };
            self.travelled[index] += ways[index] + other;
            self.thresholds[index] =
                (self.travelled[index] * (1.0 + 1e-6) + 1e-9 * self.span) as f32;
        }
        self.highest = self.thresholds.iter().copied().fold(0.0, f32::max);
    }

    /// A limit up to this may be passed.
    pub(super) fn threshold(&self, label: u32) -> f32 {
        self.thresholds.get(label as usize).copied().unwrap_or(f32::INFINITY)
    }

    /// Above this no limit is passed.
    pub(super) fn highest_threshold(&self) -> f32 {
        self.highest
    }

    /// Whether what was known of bands still holds.
    pub(super) fn knows_bands(&self) -> bool {
        self.knows_bands
    }

    /// By band: at least how far any of its contenders has travelled.
    pub(super) fn band_thresholds(&self) -> impl Iterator<Item = f32> {
        self.bands.iter().map(|way| (way * (1.0 + 1e-6) + 1e-9 * self.span) as f32)
    }

    /// By band: what is added to a distance that is right now, for the limit down to which it is as
    /// contenders travel. Takes off what differences are wrong by.
    pub(super) fn band_limits(&self, bounds: &Bounds) -> impl Iterator<Item = f32> {
        let limit = move |way: &f64| way - 1e-6 * (self.span + way) - bounds.distance;
        self.bands.iter().map(move |way| limit(way) as f32)
    }

    /// The limit for a label that is right as long as centroids travel less than `slack` from now.
    pub(super) fn limit(&self, label: u32, slack: f64) -> f32 {
        let travelled = self.travelled.get(label as usize).copied().unwrap_or(0.0);
        (slack + travelled - 1e-6 * (self.span + travelled)) as f32
    }
}

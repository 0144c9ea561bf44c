//! How far centroids have drifted since a split was first labelled.

use super::contenders::Contenders;
use super::error_bounds::ErrorBounds;
use super::frame::Frame;
use super::groups;
use crate::kmeans::Centroids;

/// The centroids of an assignment, and how far they have drifted since the first one.
#[derive(Clone, Debug)]
pub(super) struct Drift {
    centroids: Centroids,
    contenders: Vec<u32>,
    /// By group: the sum over all steps of the longest drift of any of its contenders. When the
    /// contenders change, so do the groups, and the sums are void.
    groups: Vec<f64>,
    knows_groups: bool,
    /// By centroid: the sum over all steps of its drift and of the longest drift of any other one.
    drifted: Vec<f64>,
    thresholds: Vec<f32>,
    highest: f32,
    /// Limits are rounded by a share of this.
    span: f64,
}

impl Drift {
    /// Up to these centroids, given the drift up to those of the assignment before.
    pub(super) fn since(
        before: Option<&Drift>,
        frame: &Frame,
        centroids: &Centroids,
        contenders: &Contenders,
        span: f64,
    ) -> Drift {
        let k = centroids.len();
        let known = before.filter(|before| {
            before.centroids.len() == k
                && contenders.indices.iter().all(|i| before.contenders.binary_search(i).is_ok())
        });
        let mut drift = Drift {
            centroids: centroids.clone(),
            contenders: contenders.indices.clone(),
            groups: vec![0.0; groups::count(contenders)],
            knows_groups: false,
            drifted: vec![0.0; k],
            thresholds: vec![f32::INFINITY; k],
            highest: f32::INFINITY,
            span,
        };
        let Some(before) = known else { return drift };
        drift.drifted.clone_from(&before.drifted);
        drift.knows_groups = before.contenders == drift.contenders;
        if drift.knows_groups {
            drift.groups.clone_from(&before.groups);
        }
        drift.add_step(before, frame);
        drift
    }

    fn add_step(&mut self, before: &Drift, frame: &Frame) {
        let mut drifts = vec![0.0; self.drifted.len()];
        for &index in &self.contenders {
            let (now, then) =
                (self.centroids.get(index as usize), before.centroids.get(index as usize));
            let positions = frame.transform(now).zip(frame.transform(then));
            let square: f64 = positions.map(|(a, b)| (a - b) * (a - b)).sum();
            drifts[index as usize] = square.sqrt() * (1.0 + 1e-9) + 1e-12 * self.span;
        }
        let count = self.groups.len();
        for (group, drifted) in self.groups.iter_mut().enumerate() {
            let positions = groups::positions(group, count, self.contenders.len());
            let drifts = self.contenders[positions].iter().map(|index| drifts[*index as usize]);
            *drifted += drifts.fold(0.0, f64::max);
        }
        let (mut longest, mut second) = (0.0, 0.0);
        for drift in &drifts {
            if *drift > longest {
                (longest, second) = (*drift, longest);
            } else if *drift > second {
                second = *drift;
            }
        }
        for &index in &self.contenders {
            let index = index as usize;
            let other = if drifts[index] == longest { second } else { longest };
            self.drifted[index] += drifts[index] + other;
            self.thresholds[index] = (self.drifted[index] * (1.0 + 1e-6) + 1e-9 * self.span) as f32;
        }
        self.highest = self.thresholds.iter().copied().fold(0.0, f32::max);
    }

    /// The label of a point may be wrong if its limit is at most this.
    pub(super) fn threshold(&self, label: u32) -> f32 {
        self.thresholds.get(label as usize).copied().unwrap_or(f32::INFINITY)
    }

    /// The largest threshold.
    pub(super) fn highest_threshold(&self) -> f32 {
        self.highest
    }

    /// Whether the lower bounds of groups still hold.
    pub(super) fn knows_groups(&self) -> bool {
        self.knows_groups
    }

    /// By group: an upper bound on the drift of each of its contenders.
    pub(super) fn group_thresholds(&self) -> impl Iterator<Item = f32> {
        self.groups.iter().map(|drift| (drift * (1.0 + 1e-6) + 1e-9 * self.span) as f32)
    }

    /// By group: the number to add to a present distance, so that subtracting the threshold later
    /// gives a lower bound. It allows for the error of differences.
    pub(super) fn group_limits(&self, bounds: &ErrorBounds) -> impl Iterator<Item = f32> {
        let limit = move |drift: &f64| drift - 1e-6 * (self.span + drift) - bounds.distance;
        self.groups.iter().map(move |drift| limit(drift) as f32)
    }

    /// The limit for a label that stays right until centroids have drifted by `slack` from now.
    pub(super) fn limit(&self, label: u32, slack: f64) -> f32 {
        let drifted = self.drifted.get(label as usize).copied().unwrap_or(0.0);
        (slack + drifted - 1e-6 * (self.span + drifted)) as f32
    }
}

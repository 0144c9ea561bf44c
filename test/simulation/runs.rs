//! Simulated runs of whole groups, one for each seed.
//!
//! `AGORA_RUNS=<count>` sets the number of runs, `AGORA_SEED=<seed>` runs one seed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::kv::KvWork;
use crate::market::MarketWork;
use crate::seed::Seed;
use crate::workload::Workload;
use crate::world::{Report, Settings, World};

impl Report {
    fn plus(self, other: Report) -> Report {
        Report {
            events: self.events + other.events,
            entries: self.entries + other.entries,
            operations: self.operations + other.operations,
            answered: self.answered + other.answered,
            crashes: self.crashes + other.crashes,
            elections: self.elections + other.elections,
            losses: self.losses + other.losses,
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Runs a workload from one seed after another, on as many threads as there are cores.
fn run_seeds<W: Workload>(count: u64) {
    let seeds: Vec<u64> = match number("AGORA_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("AGORA_RUNS").unwrap_or(count)).collect(),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(seeds.len());
    let total = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..threads)
            .map(|lane| {
                let seeds = seeds.iter().copied().skip(lane).step_by(threads);
                scope.spawn(move || seeds.map(run::<W>).fold(Report::default(), Report::plus))
            })
            .collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).fold(Report::default(), Report::plus)
    });
    println!("{} runs: {total:?}", seeds.len());
    assert!(total.answered * 2 > total.operations, "most operations are answered: {total:?}");
}

fn run<W: Workload>(seed: u64) -> Report {
    let run = || World::<W>::new(Seed::new(seed), Settings::default()).run();
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(report) => report,
        Err(_) => panic!("failed with seed {seed}: AGORA_SEED={seed} runs it alone"),
    }
}

#[test]
fn a_key_value_store_is_linearizable_whatever_goes_wrong() {
    run_seeds::<KvWork>(100);
}

#[test]
fn a_market_is_linearizable_and_balances_whatever_goes_wrong() {
    run_seeds::<MarketWork>(50);
}

/// The checks detect errors: a clock drift of fifty times the limit is caught.
#[test]
fn clocks_that_drift_too_much_are_caught() {
    let settings = Settings { drift: 0.05, ..Settings::default() };
    let is_caught = |seed| {
        let run = || World::<KvWork>::new(Seed::new(seed), settings.clone()).run();
        catch_unwind(AssertUnwindSafe(run)).is_err()
    };
    assert!((1..=500).any(is_caught));
}

#[test]
fn a_run_repeats_itself() {
    let report = || format!("{:?}", run::<KvWork>(7));
    assert_eq!(report(), report());
}

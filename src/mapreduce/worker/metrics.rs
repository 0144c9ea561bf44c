//! What a worker counts of its tasks, see `schemas/metrics.md`.

use std::sync::Arc;
use std::time::Instant;

use super::Role;
use crate::call::{Code, Status};
use crate::metrics::{Counter, Exposition, Family, Histogram, Registry};

const TASKS: Family = Family::counter(
    "agora_mapreduce_attempts_total",
    &["task", "outcome"],
    "Attempts to run a task that have ended: succeeded, failed or cancelled",
);
const RUNNING: Family =
    Family::gauge("agora_mapreduce_running_attempts", &["task"], "Attempts that are running");
const DURATION: Family = Family::histogram(
    "agora_mapreduce_attempt_duration_seconds",
    &["task"],
    "How long attempts took that have succeeded",
);
const SHUFFLED: Family = Family::counter(
    "agora_mapreduce_shuffle_bytes_total",
    &[],
    "Bytes of map outputs that reduce tasks of this worker have fetched",
);

/// The families of a worker.
const ALL: &[Family] = &[TASKS, RUNNING, DURATION, SHUFFLED];

/// The tasks of a worker. They run on several threads.
#[derive(Debug, Default)]
pub struct WorkerMetrics {
    started: Counter,
    succeeded: Counter,
    failed: Counter,
    cancelled: Counter,
    duration: Histogram,
    pub(super) shuffled_bytes: Counter,
}

impl WorkerMetrics {
    /// Registers them for a worker of this kind.
    pub fn register(self: &Arc<WorkerMetrics>, registry: &Registry, role: Role) {
        let metrics = Arc::clone(self);
        let task = match role {
            Role::Mapper => "map",
            Role::Reducer => "reduce",
        };
        registry.register(ALL, move |out| metrics.write(task, out));
    }

    /// Counts an attempt. One that panics has failed.
    pub(super) fn attempt<T>(&self, run: impl FnOnce() -> Result<T, Status>) -> Result<T, Status> {
        self.started.add(1);
        let mut attempt = RunningAttempt { outcome: &self.failed };
        let began = Instant::now();
        let result = run();
        match &result {
            Ok(_) => {
                self.duration.observe(began.elapsed());
                attempt.outcome = &self.succeeded;
            }
            Err(status) if status.code == Code::Cancelled => attempt.outcome = &self.cancelled,
            Err(_) => (),
        }
        result
    }

    fn write(&self, task: &str, out: &mut Exposition) {
        let outcomes = [
            ("succeeded", self.succeeded.get()),
            ("failed", self.failed.get()),
            ("cancelled", self.cancelled.get()),
        ];
        let mut tasks = out.family(&TASKS);
        for (outcome, count) in outcomes {
            tasks.value(&[task, outcome], count);
        }
        let ended: u64 = outcomes.iter().map(|(_, count)| count).sum();
        out.family(&RUNNING).value(&[task], self.started.get().saturating_sub(ended));
        out.family(&DURATION).histogram(&[task], &self.duration.snapshot());
        out.family(&SHUFFLED).value(&[], self.shuffled_bytes.get());
    }
}

/// Counts the end of an attempt when it is dropped.
struct RunningAttempt<'m> {
    outcome: &'m Counter,
}

impl Drop for RunningAttempt<'_> {
    fn drop(&mut self) {
        self.outcome.add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Format;

    #[test]
    fn attempts_are_counted_by_outcome() {
        let (metrics, registry) = (Arc::new(WorkerMetrics::default()), Registry::new());
        metrics.register(&registry, Role::Reducer);
        let fail = |code| metrics.attempt(|| Err::<(), _>(Status::new(code, "")));
        metrics.attempt(|| Ok(())).unwrap();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            metrics.attempt(|| -> Result<(), Status> { panic!("a bug") })
        }));
        assert!(panicked.is_err());
        assert_eq!(fail(Code::Cancelled).unwrap_err().code, Code::Cancelled);
        assert_eq!(fail(Code::Internal).unwrap_err().code, Code::Internal);
        let running = metrics.attempt(|| Ok(registry.render(Format::Prometheus))).unwrap();
        assert!(running.contains("agora_mapreduce_running_attempts{task=\"reduce\"} 1\n"));
        let text = registry.render(Format::Prometheus);
        for (outcome, count) in [("succeeded", 2), ("failed", 2), ("cancelled", 1)] {
            let sample = format!("{{task=\"reduce\",outcome=\"{outcome}\"}} {count}\n");
            assert!(text.contains(&sample), "{text}");
        }
        assert!(text.contains("agora_mapreduce_running_attempts{task=\"reduce\"} 0\n"), "{text}");
        assert_eq!(registry.problems(), [""; 0]);
    }
}

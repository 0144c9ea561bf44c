//! Encodes the messages of `agora.mapreduce.v1.JobService`.

use std::time::Duration;

use super::{
    AttemptCounts, ClusteringView, EventLine, IterationError, JobOutputView, JobState, JobView,
    PhaseView, Severity, TaskView, WorkerState, WorkerView,
};
use crate::call::{Code, Status};
use crate::mapreduce::master::Times;
use crate::mapreduce::scheduler::TaskKind;
use crate::pb::agora_mapreduce_v1 as pb;
use crate::protobuf::{decode, encode};

/// Checks a DescribeRequest.
pub fn check_describe(message: &[u8]) -> Result<(), Status> {
    decode::<pb::DescribeRequest>(message).map(drop).map_err(malformed)
}

/// The interval that a WatchRequest asks for; zero if it does not say.
pub fn parse_watch(message: &[u8]) -> Result<Duration, Status> {
    let request: pb::WatchRequest = decode(message).map_err(malformed)?;
    Ok(Duration::from_millis(request.interval_ms.into()))
}

fn malformed(error: impl ToString) -> Status {
    Status::new(Code::Internal, error.to_string())
}

/// A DescribeResponse or a WatchResponse: their fields are the same. Without `points` those of the
/// clustering are left out.
pub fn job_response(
    version: &str,
    job: &JobView,
    clustering: Option<&ClusteringView>,
    points: bool,
) -> Vec<u8> {
    let clustering = clustering.map(|clustering| clustering_message(clustering, points));
    let job = pb::Job { version: version.into(), clustering, ..job_message(job) };
    encode(&pb::WatchResponse { job: Some(job) })
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn job_message(job: &JobView) -> pb::Job<'_> {
    let counter = |(group, name, count): &'_ (String, String, u64)| pb::Counter {
        group: group.clone().into(),
        name: name.clone().into(),
        count: *count,
    };
    pb::Job {
        name: job.name.as_str().into(),
        id: job.short_id.as_str().into(),
        state: match job.state {
            JobState::Starting => pb::JobState::JOB_STATE_STARTING,
            JobState::Running => pb::JobState::JOB_STATE_RUNNING,
            JobState::Done => pb::JobState::JOB_STATE_DONE,
            JobState::Failed => pb::JobState::JOB_STATE_FAILED,
        },
        failure: job.failure.as_str().into(),
        started_unix_ms: job.started_unix_ms,
        elapsed_ms: ms(job.elapsed),
        round: job.round.as_str().into(),
        round_number: job.rounds,
        round_elapsed_ms: ms(job.round_elapsed),
        workers: job.workers.iter().map(worker_message).collect(),
        worker_count: job.worker_count,
        map: Some(phase_message(&job.map)),
        reduce: (job.reduce.tasks > 0).then(|| phase_message(&job.reduce)),
        map_output_bytes: job.map_output_bytes,
        shuffled_bytes: job.shuffled_bytes,
        input_bytes: job.input_bytes,
        times: Some(times_message(job.times)),
        tasks: job.tasks.iter().map(task_message).collect(),
        counters: job.counters.iter().map(counter).collect(),
        events: job.events.iter().map(event_message).collect(),
        event_count: job.event_count,
        output: job.output.as_ref().map(output_message),
        attempts: Some(attempts_message(job.attempts)),
        ..pb::Job::default()
    }
}

fn times_message(times: Times) -> pb::PhaseTimes {
    pb::PhaseTimes {
        map_us: us(times.map),
        shuffle_us: us(times.shuffle),
        reduce_us: us(times.reduce),
    }
}

fn attempts_message(attempts: AttemptCounts) -> pb::Attempts {
    let AttemptCounts { begun, succeeded, failed, cancelled, backups } = attempts;
    pb::Attempts { begun, succeeded, failed, cancelled, backups }
}

fn worker_message(worker: &WorkerView) -> pb::Worker<'_> {
    pb::Worker {
        name: worker.name.as_str().into(),
        address: worker.address.as_str().into(),
        state: match worker.state {
            WorkerState::Ready => pb::WorkerState::WORKER_STATE_READY,
            WorkerState::Silent => pb::WorkerState::WORKER_STATE_SILENT,
            WorkerState::Gone => pb::WorkerState::WORKER_STATE_GONE,
        },
        version: worker.version.as_str().into(),
        done: worker.done,
        failed: worker.failed,
        running: worker.running,
        seen_ms: ms(worker.seen),
        error: worker.error.as_str().into(),
        tasks: worker.tasks.iter().map(|task| task.as_str().into()).collect(),
        status: worker.status.as_str().into(),
        maps: worker.kind == TaskKind::Map,
    }
}

fn phase_message(phase: &PhaseView) -> pb::Phase<'_> {
    pb::Phase {
        tasks: phase.tasks,
        idle: phase.idle,
        running: phase.running,
        done: phase.done,
        failed: phase.failed,
        states: phase.states.as_str().into(),
        tasks_per_letter: phase.tasks_per_letter,
        input_bytes: phase.input_bytes,
    }
}

fn task_message(task: &TaskView) -> pb::Task<'_> {
    pb::Task {
        name: task.name.as_str().into(),
        state: task.state.to_string().into(),
        attempts: task.attempts,
        failures: task.failures,
        worker: task.worker.as_str().into(),
        took_ms: ms(task.took),
        error: task.error.as_str().into(),
    }
}

fn event_message(event: &EventLine) -> pb::Event<'_> {
    pb::Event {
        at_ms: ms(event.at),
        severity: match event.severity {
            Severity::Info => pb::Severity::SEVERITY_INFO,
            Severity::Warning => pb::Severity::SEVERITY_WARNING,
            Severity::Error => pb::Severity::SEVERITY_ERROR,
        },
        text: event.text.as_str().into(),
    }
}

fn output_message(output: &JobOutputView) -> pb::JobOutput<'_> {
    pb::JobOutput {
        path: output.path.as_str().into(),
        bytes: output.bytes,
        head: output.head.as_str().into(),
    }
}

fn clustering_message(clustering: &ClusteringView, points: bool) -> pb::Clustering<'_> {
    let error = |error: &IterationError| pb::IterationError {
        iteration: error.iteration,
        squared_error: error.squared_error,
        moved: error.moved,
        shift: error.shift,
    };
    let labels: Vec<u8> = clustering.labels.iter().flat_map(|label| label.to_le_bytes()).collect();
    pb::Clustering {
        clusters: clustering.clusters,
        dims: clustering.dims,
        points_in_all: clustering.points_in_all,
        start: clustering.start,
        starts: clustering.starts,
        iteration: clustering.iteration,
        max_iterations: clustering.max_iterations,
        errors: clustering.errors.iter().map(error).collect(),
        best_error: clustering.best_error,
        ended_starts: clustering.ended_starts,
        axes: clustering.axes.iter().map(|axis| axis.as_str().into()).collect(),
        centroids: pairs(&clustering.centroids).into(),
        points: if points { pairs(&clustering.points).into() } else { Vec::new().into() },
        labels: labels.into(),
        sample: clustering.sample,
    }
}

fn pairs(pairs: &[[f32; 2]]) -> Vec<u8> {
    pairs.iter().flatten().flat_map(|x| x.to_le_bytes()).collect()
}

//! Dean and Ghemawat, *MapReduce* (OSDI 2004), claim by claim.

use std::collections::BTreeSet;
use std::time::Duration;

use agora::mapreduce::scheduler::{Action, AttemptId, Cause, Loss, Policy, TaskState};

use crate::harness::{Harness, map, ms, reduce};

fn harness_of(names: &[&str]) -> Harness {
    harness_with(names, Policy::DEFAULT)
}

fn harness_with(names: &[&str], policy: Policy) -> Harness {
    let mut harness = Harness::new(policy);
    names.iter().for_each(|name| harness.join(name));
    harness
}

fn named(
    starts: &[(&str, agora::mapreduce::scheduler::TaskId)],
) -> Vec<(String, agora::mapreduce::scheduler::TaskId)> {
    starts.iter().map(|(name, task)| ((*name).to_owned(), *task)).collect()
}

/// 3.1 (2): "The master picks idle workers and assigns each one a map task or a reduce task."
#[test]
fn idle_workers_get_idle_tasks() {
    let mut harness = harness_of(&["M1", "M2", "R1"]);
    harness.round(3, 2);
    let wanted = named(&[("M1", map(0)), ("M2", map(1)), ("R1", reduce(0))]);
    assert_eq!(harness.starts(), wanted, "one each");
    harness.done("M2");
    assert_eq!(harness.starts(), named(&[("M2", map(2))]));
}

/// 3.1 (2), for workers that join later.
#[test]
fn a_worker_that_joins_gets_a_task_at_once() {
    let mut harness = harness_of(&["M1"]);
    harness.round(2, 1);
    drop(harness.starts());
    harness.join("M2");
    harness.join("R1");
    assert_eq!(harness.starts(), named(&[("M2", map(1)), ("R1", reduce(0))]));
}

/// 3.1 (4), 3.2: locations and sizes "are pushed incrementally to workers that have in-progress
/// reduce tasks"; one that begins later gets them at once.
#[test]
fn outputs_are_announced_to_reducers_as_they_complete() {
    let mut harness = harness_of(&["M1", "M2", "R1"]);
    harness.round(2, 2);
    drop(harness.actions());
    let attempt = harness.attempt("M1");
    harness.done("M1");
    let announced: Vec<_> = harness
        .actions()
        .into_iter()
        .filter_map(|action| match action {
            Action::Announce { worker, output, .. } => Some((worker, output)),
            _ => None,
        })
        .collect();
    let [(reducer, output)] = &announced[..] else { panic!("{announced:?}") };
    assert_eq!(*reducer, harness.id("R1"));
    assert_eq!((output.map, output.attempt, output.worker), (0, attempt, harness.id("M1")));
    assert_eq!(output.sizes[..], [1, 1]);
    harness.done("M2");
    harness.done("R1");
    let starts = harness.full_starts();
    assert_eq!(starts[0].task, reduce(1));
    let maps: Vec<u32> = starts[0].outputs.iter().map(|output| output.map).collect();
    assert_eq!(maps, [0, 1]);
}

/// 3.1 (7): "When all map tasks and reduce tasks have been completed, the master wakes up the user
/// program."
#[test]
fn the_round_is_over_when_all_is_completed() {
    let mut harness = harness_of(&["M1", "R1", "R2"]);
    harness.round(1, 2);
    harness.done("M1");
    harness.done("R2");
    assert_eq!(harness.scheduler.outcome(), None);
    harness.done("R1");
    assert_eq!(harness.scheduler.outcome(), Some(Ok(())));
}

/// Without reduce tasks the maps' output is the result.
#[test]
fn a_round_without_reduces_is_over_with_its_maps() {
    let mut harness = harness_of(&["M1", "M2", "R1"]);
    harness.round(2, 0);
    harness.done("M1");
    assert_eq!(harness.scheduler.outcome(), None);
    harness.done("M2");
    assert_eq!(harness.scheduler.outcome(), Some(Ok(())));
    harness.lose("M1");
    assert_eq!(harness.scheduler.outcome(), Some(Ok(())), "what it made was fetched");
}

/// 3.2: "it stores the state (idle, in-progress, or completed), and the identity of the worker
/// machine (for non-idle tasks)".
#[test]
fn a_task_is_idle_then_in_progress_then_completed() {
    let mut harness = harness_of(&[]);
    harness.round(1, 1);
    assert_eq!(
        harness.scheduler.task_state(map(0)),
        Some(&TaskState::Idle { since: Duration::ZERO })
    );
    harness.join("M1");
    let worker = harness.id("M1");
    let attempt = harness.attempt("M1");
    let in_progress = TaskState::InProgress { attempts: vec![attempt] };
    assert_eq!(harness.scheduler.task_state(map(0)), Some(&in_progress));
    harness.done("M1");
    let completed = TaskState::Completed { worker, attempt, sizes: [1, 1].into() };
    assert_eq!(harness.scheduler.task_state(map(0)), Some(&completed));
}

/// 3.3: "The master pings every worker periodically."
#[test]
fn workers_are_pinged_periodically() {
    let mut harness = harness_of(&["M1", "R1"]);
    harness.until(ms(1_600));
    let pings = harness.actions();
    let of = |name| {
        let ping = Action::Ping { worker: harness.id(name) };
        pings.iter().filter(|action| **action == ping).count()
    };
    assert_eq!((of("M1"), of("R1")), (3, 3), "every 500 ms");
}

/// 3.3: "If no response is received from a worker in a certain amount of time, the master marks the
/// worker as failed." Its tasks go to other workers; it gets tasks again when it answers.
#[test]
fn a_silent_worker_counts_as_failed_until_it_answers() {
    let mut harness = harness_of(&["M1", "M2", "R1"]);
    harness.round(1, 1);
    drop(harness.starts());
    harness.until_with(ms(5_000), &["M2", "R1"]);
    assert!(harness.is_silent("M1"));
    assert_eq!(harness.starts(), named(&[("M2", map(0))]));
    harness.round(2, 1);
    assert!(!harness.starts().iter().any(|(name, _)| name == "M1"));
    harness.answer_ping("M1");
    assert!(harness.starts().iter().any(|(name, _)| name == "M1"));
}

/// 3.3: "Any map tasks completed by the worker are reset back to their initial idle state", and
/// "any map task or reduce task in progress on a failed worker is also reset to idle".
#[test]
fn tasks_of_a_dead_worker_are_rerun() {
    let mut harness = harness_of(&["M1", "R1"]);
    harness.round(2, 1);
    harness.done("M1");
    drop(harness.actions());
    harness.lose("M1");
    harness.lose("R1");
    for task in [map(0), map(1), reduce(0)] {
        let state = harness.scheduler.task_state(task);
        assert!(matches!(state, Some(TaskState::Idle { .. })), "{task}: {state:?}");
    }
    harness.join("M2");
    harness.join("R2");
    assert_eq!(harness.starts(), named(&[("M2", map(0)), ("R2", reduce(0))]));
}

/// 3.3: "Completed reduce tasks do not need to be re-executed since their output is stored" with
/// the master; nor do maps when all reduces are completed.
#[test]
fn completed_reduces_stay_completed() {
    let mut harness = harness_of(&["M1", "R1", "R2"]);
    harness.round(1, 2);
    harness.done("M1");
    harness.done("R1");
    harness.lose("R1");
    let state = harness.scheduler.task_state(reduce(0));
    assert!(matches!(state, Some(TaskState::Completed { .. })));
    harness.done("R2");
    harness.lose("M1");
    assert_eq!(harness.scheduler.outcome(), Some(Ok(())));
}

/// 3.3: "all workers executing reduce tasks are notified of the re-execution."
#[test]
fn reducers_are_notified_of_a_re_execution() {
    let mut harness = harness_of(&["M1", "M2", "R1", "R2"]);
    harness.round(2, 2);
    let first = harness.attempt("M1");
    harness.done("M1");
    drop(harness.actions());
    harness.lose("M1");
    let lost = |name: &str| {
        let worker = harness.id(name);
        Action::Withdraw { worker, attempt: harness.attempt(name), map: 0, output: first }
    };
    let wanted = [lost("R1"), lost("R2")];
    assert_eq!(harness.actions(), wanted);
    harness.done("M2");
    harness.done("M2");
    let announced =
        |action: &Action| matches!(action, Action::Announce { output, .. } if output.map == 0);
    assert_eq!(harness.actions().into_iter().filter(announced).count(), 2);
}

/// 3.3: the master "simply re-executed the work done by the unreachable worker machines and
/// continued to make forward progress", however many they are.
#[test]
fn most_workers_may_die_at_once() {
    let names: Vec<String> = (1..=20).map(|n| format!("M{n}")).collect();
    let mut harness = harness_of(&["R1"]);
    names.iter().for_each(|name| harness.join(name));
    harness.round(20, 1);
    names.iter().take(10).for_each(|name| harness.done(name));
    names.iter().take(19).for_each(|name| harness.lose(name));
    for _ in 0..20 {
        harness.done("M20");
    }
    harness.done("R1");
    assert_eq!(harness.scheduler.outcome(), Some(Ok(())));
}

/// 3.3: "If the master receives a completion message for an already completed map task, it ignores
/// the message."
#[test]
fn a_second_completion_is_ignored() {
    let mut harness = harness_of(&["M1", "M2", "R1"]);
    harness.round(2, 1);
    let attempt = harness.attempt("M1");
    assert!(harness.complete("M1", attempt));
    assert!(!harness.complete("M1", attempt));
    assert!(!harness.complete("M1", AttemptId(77)), "no worker has this attempt");
    assert!(!harness.complete("M1", harness.attempt("M2")), "it was assigned to another worker");
    assert!(!harness.fail("M1", attempt, Cause::Permanent), "nor does it fail afterwards");
    assert_eq!(harness.scheduler.outcome(), None);
}

/// 3.4: a map is scheduled where its input is: with the worker that had it last.
#[test]
fn a_split_goes_to_the_mapper_that_had_it_last() {
    let mut harness = harness_of(&["M1", "M2", "R1"]);
    harness.round(2, 1);
    let first: BTreeSet<_> = harness.starts().into_iter().collect();
    for at in 1..20 {
        harness.now = ms(10 * at);
        // The order of completion does not change the next round.
        let (one, other) = if at % 2 == 0 { ("M1", "M2") } else { ("M2", "M1") };
        harness.done(one);
        harness.done(other);
        harness.done("R1");
        drop(harness.actions());
        harness.round(2, 1);
        assert_eq!(harness.starts().into_iter().collect::<BTreeSet<_>>(), first);
    }
}

/// 3.4, otherwise on another worker.
#[test]
fn a_split_whose_mapper_is_gone_goes_elsewhere() {
    let policy = Policy { inputs_are_kept: true, ..Policy::DEFAULT };
    let mut harness = harness_with(&["M1", "M2", "R1"], policy);
    harness.round(2, 1);
    ["M1", "M2", "R1"].iter().for_each(|name| harness.done(name));
    harness.lose("M2");
    drop(harness.actions());
    harness.round(2, 1);
    assert_eq!(harness.starts(), named(&[("M1", map(0)), ("R1", reduce(0))]));
    harness.done("M1");
    assert_eq!(harness.starts(), named(&[("M1", map(1))]));
}

/// 3.5: "Having each worker perform many different tasks improves dynamic load balancing".
#[test]
fn the_fast_worker_does_more() {
    let mut harness = harness_of(&["M1", "M2", "R1"]);
    harness.round(10, 1);
    for at in 1..=8 {
        harness.now = ms(at);
        harness.done("M1");
    }
    let (completed, all) = harness.scheduler.progress(agora::mapreduce::scheduler::TaskKind::Map);
    assert_eq!((completed, all), (8, 10));
}

/// 3.5: "the many map tasks it has completed can be spread out across all the other worker
/// machines".
#[test]
fn a_dead_workers_maps_are_spread_over_the_others() {
    let mut harness = harness_of(&["M1", "R1"]);
    harness.round(6, 1);
    (0..5).for_each(|_| harness.done("M1"));
    ["M2", "M3", "M4"].iter().for_each(|name| harness.join(name));
    drop(harness.actions());
    harness.lose("M1");
    let helpers: BTreeSet<String> = harness.starts().into_iter().map(|(name, _)| name).collect();
    assert_eq!(helpers.into_iter().collect::<Vec<_>>(), ["M2", "M3", "M4"]);
}

/// 3.6: "When a MapReduce operation is close to completion, the master schedules backup executions
/// of the remaining in-progress tasks", and not before.
#[test]
fn a_straggler_gets_a_backup_when_workers_have_nothing_to_do() {
    let mut harness = harness_of(&["M1", "M2", "R1"]);
    harness.round(4, 1);
    drop(harness.actions());
    for at in [100, 200, 250] {
        harness.until_with(ms(at), &["M1", "M2", "R1"]);
        assert!(harness.full_starts().iter().all(|start| !start.is_backup), "tasks are left");
        harness.done("M2");
    }
    assert_eq!(harness.starts(), [], "M1 has not taken so much longer yet");
    harness.until_with(ms(300), &["M1", "M2", "R1"]);
    let starts = harness.full_starts();
    assert_eq!((starts[0].task, starts[0].is_backup), (map(0), true));
    assert_eq!(starts[0].worker, harness.id("M2"));
    harness.until_with(ms(5_000), &["M1", "M2", "R1"]);
    assert_eq!(harness.starts(), [], "two attempts are enough");
}

/// 3.6: "The task is marked as completed whenever either the primary or the backup execution
/// completes."
#[test]
fn either_attempt_completes_the_task() {
    for first in ["M1", "M2"] {
        let mut harness = harness_of(&["M1", "M2", "R1"]);
        harness.round(2, 1);
        harness.until_with(ms(100), &["M1", "M2", "R1"]);
        harness.done("M2");
        harness.until_with(ms(500), &["M1", "M2", "R1"]);
        let (old, backup) = (harness.attempt("M1"), harness.attempt("M2"));
        let (winner, loser) = if first == "M1" { (old, backup) } else { (backup, old) };
        let other = if first == "M1" { "M2" } else { "M1" };
        drop(harness.actions());
        assert!(harness.complete(first, winner));
        let stop = Action::Cancel { worker: harness.id(other), attempt: loser };
        assert!(harness.actions().contains(&stop));
        assert!(!harness.complete(other, loser));
    }
}

/// 3.6, when one of the two fails or dies: the other one continues.
#[test]
fn a_backup_survives_its_original() {
    let mut harness = harness_of(&["M1", "M2", "R1"]);
    harness.round(2, 1);
    harness.until_with(ms(100), &["M1", "M2", "R1"]);
    harness.done("M2");
    harness.until_with(ms(500), &["M1", "M2", "R1"]);
    drop(harness.actions());
    harness.lose("M1");
    assert_eq!(harness.starts(), [], "M2 is at it");
    harness.done("M2");
    harness.done("R1");
    assert_eq!(harness.scheduler.outcome(), Some(Ok(())));
}

/// 3.6, for reduces: waiting for maps is not slowness.
#[test]
fn a_reduce_that_waits_for_maps_is_no_straggler() {
    let mut harness = harness_of(&["M1", "R1", "R2"]);
    harness.round(1, 1);
    harness.done("M1");
    harness.until(ms(10));
    harness.done("R1");
    harness.round(1, 1);
    harness.until_with(ms(9_000), &["M1", "R1", "R2"]);
    assert!(harness.full_starts().iter().all(|start| !start.is_backup));
    harness.done("M1");
    harness.until_with(ms(9_500), &["M1", "R1", "R2"]);
    assert!(harness.full_starts().iter().any(|start| start.is_backup));
}

/// 4.6: "When the master has seen more than one failure on a particular record, it indicates that
/// the record should be skipped when it issues the next re-execution"; here on request only.
#[test]
fn a_record_is_skipped_after_two_failures_on_request() {
    for wanted in [true, false] {
        let policy = Policy { skip_bad_records: wanted, ..Policy::DEFAULT };
        let mut harness = harness_with(&["M1", "R1"], policy);
        harness.round(1, 1);
        for record in [3, 8, 8, 3] {
            if harness.scheduler.outcome().is_some() {
                break;
            }
            let attempt = harness.attempt("M1");
            assert!(harness.fail("M1", attempt, Cause::Job { record: Some(record) }));
            harness.until_with(harness.now + ms(200), &["M1", "R1"]);
        }
        let skipped = harness.full_starts().pop().map(|start| start.skip);
        if wanted {
            assert_eq!(skipped, Some(vec![3, 8]));
            harness.done("M1");
            harness.done("R1");
            assert_eq!(harness.scheduler.outcome(), Some(Ok(())));
        } else {
            assert_eq!(skipped, Some(Vec::new()));
            assert!(matches!(harness.scheduler.outcome(), Some(Err(_))), "four crashes");
        }
    }
}

/// Beyond the paper: an attempt whose worker answers but that makes no progress.
#[test]
fn an_attempt_without_progress_is_cancelled() {
    let policy = Policy { progress_timeout: Some(ms(1_000)), ..Policy::DEFAULT };
    let mut harness = harness_with(&["M1", "R1"], policy);
    harness.round(1, 1);
    let (worker, attempt) = (harness.id("M1"), harness.attempt("M1"));
    drop(harness.actions());
    for at in (100..=1_500).step_by(100) {
        harness.until_with(ms(at), &["R1"]);
        let progress = at.min(500);
        harness.scheduler.handle_progress(ms(at), worker, &[(attempt, progress)]);
    }
    let stopped = Action::Cancel { worker, attempt };
    let actions = harness.actions();
    assert!(actions.contains(&stopped), "{actions:?}");
    assert_ne!(harness.attempt("M1"), attempt, "it is tried again");
    let reduces = |action: &Action| {
        *action == Action::Cancel { worker: harness.id("R1"), attempt: AttemptId(2) }
    };
    assert!(!actions.iter().any(reduces), "one that waits for maps is left alone");
}

/// Beyond the paper: an output that cannot be fetched counts as lost after some reports, and
/// another worker makes it again.
#[test]
fn an_unreachable_output_is_recomputed_by_another_worker() {
    let mut harness = harness_of(&["M1", "M2", "R1"]);
    harness.round(2, 1);
    let attempt = harness.attempt("M1");
    harness.done("M1");
    harness.done("M2");
    drop(harness.actions());
    for _ in 0..2 {
        harness.lost_output("R1", 0, attempt, Loss::Unreachable);
        assert_eq!(harness.starts(), []);
    }
    harness.lost_output("R1", 0, attempt, Loss::Unreachable);
    assert_eq!(harness.starts(), named(&[("M2", map(0))]));
}

/// Every kind of failure is limited: a task that always fails ends the job.
#[test]
fn a_task_that_always_fails_ends_the_job() {
    for cause in
        [Cause::Worker, Cause::MissingResource, Cause::Job { record: None }, Cause::Permanent]
    {
        let mut harness = harness_of(&["M1", "M2", "R1"]);
        harness.round(1, 1);
        let mut failures = 0;
        while harness.scheduler.outcome().is_none() {
            let running: Vec<_> =
                harness.scheduler.running().filter(|(_, task, _)| *task == map(0)).collect();
            for (attempt, _, worker) in running {
                let name = if worker == harness.id("M1") { "M1" } else { "M2" };
                assert!(harness.fail(name, attempt, cause));
                failures += 1;
            }
            harness.until_with(harness.now + ms(100), &["M1", "M2", "R1"]);
        }
        let wanted = match cause {
            Cause::Worker => 200,
            Cause::MissingResource => 6,
            Cause::Job { .. } => 4,
            Cause::WorkerLost | Cause::Permanent => 1,
        };
        assert_eq!(failures, wanted, "{cause:?}");
    }
    let mut harness = harness_of(&["R1"]);
    harness.round(1, 1);
    for death in 1..=20 {
        assert_eq!(harness.scheduler.outcome(), None, "after {} deaths", death - 1);
        harness.join("M1");
        harness.lose("M1");
    }
    assert!(matches!(harness.scheduler.outcome(), Some(Err(_))));
}

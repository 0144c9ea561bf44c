//! The state that a page shows, from events of a master.

use super::*;
use crate::mapreduce::job::Tally;

const MAP: TaskKind = TaskKind::Map;
const REDUCE: TaskKind = TaskKind::Reduce;

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn task(kind: TaskKind, index: u32) -> TaskId {
    TaskId { kind, index }
}

/// A job with events at given milliseconds.
struct Story(JobStatus);

impl Story {
    fn new(maps: usize, reduces: usize) -> Story {
        let mut story = Story(JobStatus::new());
        let split_bytes = (1..=maps as u64).map(|split| 100 * split).collect();
        story.0.describe(JobDescription { split_bytes, ..JobDescription::default() });
        for (kind, name) in [(MAP, "M1"), (MAP, "M2"), (REDUCE, "R1")] {
            story.event(0, &JobEvent::Joined { kind, name, address: "a:1", version: "1.2" });
        }
        story.event(0, &JobEvent::RoundBegan { name: "Round", maps, reduces });
        story
    }

    fn event(&mut self, ms: u64, event: &JobEvent<'_>) {
        self.0.on_event(at(ms), event);
    }

    fn begin(&mut self, ms: u64, task: TaskId, attempt: u64, worker: &str) {
        self.event(ms, &JobEvent::TaskBegan { task, attempt, worker, is_backup: false });
    }

    fn end(&mut self, ms: u64, task: TaskId, attempt: u64, worker: &str, end: TaskEnd<'_>) {
        let output_bytes = if end == TaskEnd::Success { 10 } else { 0 };
        self.event(ms, &JobEvent::TaskEnded { task, attempt, worker, end, output_bytes });
    }

    fn states(&self) -> (String, String) {
        let view = self.0.view(at(0));
        (view.map.states, view.reduce.states)
    }

    fn worker(&self, name: &str) -> WorkerView {
        let view = self.0.view(at(1_000));
        view.workers.into_iter().find(|worker| worker.name == name).unwrap()
    }
}

#[test]
fn tasks_go_from_idle_to_done() {
    let mut story = Story::new(3, 1);
    assert_eq!(story.states(), ("...".into(), ".".into()));
    story.begin(1, task(MAP, 0), 1, "M1");
    story.begin(1, task(MAP, 1), 2, "M2");
    story.begin(1, task(REDUCE, 0), 3, "R1");
    assert_eq!(story.states(), ("rr.".into(), "r".into()));
    assert_eq!(story.worker("M2").tasks, ["map 2"]);
    story.end(5, task(MAP, 1), 2, "M2", TaskEnd::Success);
    let view = story.0.view(at(6));
    let map = PhaseView {
        tasks: 3,
        idle: 1,
        running: 1,
        done: 1,
        failed: 0,
        states: "rd.".into(),
        tasks_per_letter: 1,
        input_bytes: 200,
    };
    assert_eq!(view.map, map);
    assert_eq!((view.input_bytes, view.map_output_bytes), (600, 10));
    assert_eq!((view.state, view.rounds, view.round_elapsed), (JobState::Running, 1, at(6)));
    assert!(view.tasks.is_empty(), "{:?}", view.tasks);
    let m2 = story.worker("M2");
    assert_eq!((m2.done, m2.failed, m2.running, m2.seen), (1, 0, 0, at(995)));
    assert_eq!((m2.version.as_str(), m2.state), ("1.2", WorkerState::Ready));
}

#[test]
fn a_failed_task_shows_its_attempts_and_its_error_until_it_is_done() {
    let mut story = Story::new(2, 0);
    story.begin(1, task(MAP, 0), 1, "M1");
    story.end(4, task(MAP, 0), 1, "M1", TaskEnd::Failure("no\x1b[1A luck"));
    assert_eq!(story.states().0, "f.");
    story.begin(5, task(MAP, 0), 2, "M2");
    assert_eq!(story.states().0, "f.", "it runs after a failure");
    let view = story.0.view(at(9));
    let found = &view.tasks[0];
    assert_eq!((found.name.as_str(), found.attempts, found.failures), ("map 1", 2, 1));
    assert_eq!((found.worker.as_str(), found.took), ("M2", at(4)));
    assert_eq!(found.error, "no\\u{1b}[1A luck");
    assert_eq!(story.worker("M1").error, "no\\u{1b}[1A luck");
    let last = view.events.last().unwrap();
    assert_eq!((last.at, last.text.as_str()), (at(5), "map 1 runs again on M2, attempt 2"));
    story.end(8, task(MAP, 0), 2, "M2", TaskEnd::Success);
    assert_eq!(story.states().0, "d.");
    let counts = story.0.view(at(9)).attempts;
    assert_eq!((counts.begun, counts.succeeded, counts.failed), (2, 1, 1));
}

#[test]
fn slow_tasks_are_worth_a_look_and_reduces_that_wait_for_maps_are_not() {
    let mut story = Story::new(1, 1);
    story.begin(0, task(MAP, 0), 1, "M1");
    story.begin(0, task(REDUCE, 0), 2, "R1");
    let names = |story: &Story, ms| -> Vec<String> {
        story.0.view(at(ms)).tasks.into_iter().map(|task| task.name).collect()
    };
    assert_eq!(names(&story, 1_000), [""; 0]);
    assert_eq!(names(&story, 3_000), ["map 1"]);
    story.end(3_000, task(MAP, 0), 1, "M1", TaskEnd::Success);
    assert_eq!(names(&story, 3_000), ["reduce 1"]);
}

#[test]
fn a_backup_that_is_faster_leaves_the_task_done() {
    let mut story = Story::new(1, 0);
    story.begin(1, task(MAP, 0), 1, "M1");
    let (task, worker) = (task(MAP, 0), "M2");
    story.event(50, &JobEvent::TaskBegan { task, attempt: 2, worker, is_backup: true });
    assert_eq!(story.states().0, "b");
    story.end(60, task, 2, "M2", TaskEnd::Success);
    story.end(60, task, 1, "M1", TaskEnd::Cancelled);
    let view = story.0.view(at(70));
    assert_eq!(view.map.states, "d");
    assert_eq!((view.attempts.backups, view.attempts.cancelled, view.attempts.failed), (1, 1, 0));
    assert_eq!(view.events.last().unwrap().text, "map 1 gets a backup on M2, attempt 2");
}

/// 3.3: completed map tasks of a failed worker are idle again, as long as a reduce task may need
/// their output.
#[test]
fn outputs_are_lost_with_their_worker_while_reduces_run() {
    let mut story = Story::new(2, 1);
    for (index, worker) in [(0, "M1"), (1, "M2")] {
        story.begin(1, task(MAP, index), 1 + u64::from(index), worker);
        story.end(2, task(MAP, index), 1 + u64::from(index), worker, TaskEnd::Success);
    }
    story.event(3, &JobEvent::Gone { name: "M1", reason: "its process has ended" });
    assert_eq!(story.states().0, "fd");
    assert_eq!(story.0.view(at(3)).map_output_bytes, 10);
    assert_eq!(story.worker("M1").state, WorkerState::Gone);
    let before = story.0.view(at(3)).event_count;
    for _ in 0..3 {
        story.event(4, &JobEvent::OutputLost { task: task(MAP, 0) });
    }
    assert_eq!(story.0.view(at(4)).event_count, before, "it is known");
    story.begin(5, task(MAP, 0), 4, "M2");
    story.end(6, task(MAP, 0), 4, "M2", TaskEnd::Success);
    story.begin(6, task(REDUCE, 0), 5, "R1");
    story.end(7, task(REDUCE, 0), 5, "R1", TaskEnd::Success);
    story.event(8, &JobEvent::Gone { name: "M2", reason: "its process has ended" });
    assert_eq!(story.states(), ("dd".into(), "d".into()), "nobody needs them");
}

#[test]
fn a_round_begins_anew_and_totals_go_on() {
    let mut story = Story::new(1, 1);
    story.begin(1, task(MAP, 0), 1, "M1");
    story.end(2, task(MAP, 0), 1, "M1", TaskEnd::Success);
    let mut counters = Counters::new();
    counters.add_own("lines", 7);
    let times = Times { map: at(2), shuffle: at(1), reduce: at(3) };
    let ended = JobEvent::RoundEnded { times, counters: &counters, fetched_bytes: 10 };
    story.event(6, &ended);
    let view = story.0.view(at(60));
    assert_eq!((view.round_elapsed, view.shuffled_bytes), (at(6), 10));
    assert_eq!(view.counters, [("agora".to_owned(), "lines".to_owned(), 7)]);
    story.event(70, &JobEvent::RoundBegan { name: "Next", maps: 1, reduces: 1 });
    story.event(80, &ended);
    let view = story.0.view(at(90));
    assert_eq!((view.map.states.as_str(), view.rounds, view.times.map), (".", 2, at(4)));
    assert_eq!((view.round.as_str(), view.attempts.succeeded), ("Next", 1));
}

#[test]
fn counters_of_a_long_round_are_added_up_now_and_then() {
    let mut story = Story::new(2, 0);
    let mut tally = Tally::default();
    let count = |story: &mut Story, ms, tally: &Tally| {
        let (maps, reduces, elapsed) = ((1, 2), (0, 0), at(ms));
        let progress =
            JobEvent::Progress { maps, reduces, elapsed, status: None, tally, fetched_bytes: 3 };
        story.event(ms, &progress);
        story.0.view(at(ms)).counters.first().map_or(0, |(_, _, count)| *count)
    };
    let mut counters = Counters::new();
    counters.add_own("lines", 5);
    tally.accept(task(MAP, 0), counters.clone());
    assert_eq!(count(&mut story, 200, &tally), 0);
    assert_eq!(count(&mut story, 1_000, &tally), 5);
    tally.accept(task(MAP, 1), counters);
    assert_eq!(count(&mut story, 1_200, &tally), 5);
    assert_eq!(count(&mut story, 2_000, &tally), 10);
}

#[test]
fn the_end_of_a_job_counts_once_and_stops_its_clock() {
    let mut story = Story::new(1, 0);
    story.0.set_output("out\n.txt", 12, "a\tb\n\x1bc");
    story.0.end(at(50), Some("map 1: no luck"));
    story.0.end(at(60), None);
    let view = story.0.view(at(9_000));
    assert_eq!((view.state, view.elapsed), (JobState::Failed, at(50)));
    assert_eq!(view.failure, "map 1: no luck");
    let output = view.output.unwrap();
    assert_eq!((output.path.as_str(), output.bytes), ("out\\u{a}.txt", 12));
    assert_eq!(output.head, "a\tb\n\\u{1b}c");
}

/// What a hostile or very large job makes the master hold and send.
#[test]
fn a_view_has_a_bound_whatever_happens() {
    let mut story = Story::new(20_000, 10_000);
    let long = "\u{202e}x".repeat(100_000);
    for index in 0..20_000 {
        let worker = format!("M{}", index % 2_000);
        story.begin(1, task(MAP, index), u64::from(index), &worker);
        let end = TaskEnd::Failure(&long);
        if index % 2 == 0 {
            story.end(2, task(MAP, index), u64::from(index), &worker, end);
        }
    }
    let mut counters = Counters::new();
    (0..1_000).for_each(|number| counters.add("g", &format!("{number}"), 1));
    let ended =
        JobEvent::RoundEnded { times: Times::default(), counters: &counters, fetched_bytes: 0 };
    story.event(3, &ended);
    story.0.set_output(&long, 1, &long);
    story.0.end(at(5_000), Some(&long));
    let view = story.0.view(at(5_000));
    assert_eq!((view.workers.len(), view.worker_count), (MAX_WORKERS, 2_001));
    assert_eq!((view.tasks.len(), view.events.len()), (MAX_TASKS, MAX_EVENTS));
    assert_eq!(view.counters.len(), MAX_COUNTERS);
    assert_eq!((view.map.states.len(), view.map.tasks_per_letter), (1_177, 17));
    assert!(view.map.states.chars().all(|letter| letter == 'f'), "the least advanced counts");
    let bytes = wire::job_response("1", &view, None, true).len();
    assert!(bytes < 1_000_000, "{bytes}");
}

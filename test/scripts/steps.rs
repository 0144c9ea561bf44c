//! `scripts/steps.py`, on which `scripts/test` is based, with steps of these tests.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{CommandOutput, TempDir, eventually, is_alive, root, run};

/// A script with steps: the lines of a table, and functions.
struct Steps {
    temp_dir: TempDir,
    script: PathBuf,
}

impl Steps {
    fn new(table: &str, functions: &str) -> Steps {
        let temp_dir = TempDir::new();
        let runner = root().join("scripts/steps.py");
        let text = format!(
            "#!/usr/bin/env bash\nset -euo pipefail\ncd \"$(dirname \"$0\")\"\n{functions}\n\
             case \"${{1:-}}\" in\n--step) \"step_$2\"; exit ;;\n--digest) exit ;;\nesac\n\
             export STEP_LOGS=logs\nexec python3 -B {} \"$0\" \"$@\" <<<'{table}'\n",
            runner.display()
        );
        let script = temp_dir.program("steps", &text);
        Steps { temp_dir, script }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.script);
        command.args(arguments).env_remove("CI").env("AGORA_LANES", "2").stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> CommandOutput {
        run(&mut self.command(arguments))
    }

    /// The contents of a file that a step has written.
    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.temp_dir.0.join(name)).unwrap_or_default()
    }
}

#[test]
fn steps_run_side_by_side_and_after_others() {
    // Each of the first three steps waits for the two others.
    let meet = "meet() { touch \"$1\"; until [ -e a ] && [ -e b ] && [ -e w ]; do sleep 0.01; done; }\n\
         step_a() { meet a; }\nstep_b() { meet b; }\nstep_w() { meet w; }\n\
         step_last() { [ -e a ] && [ -e w ]; echo done >last; }\nstep_long() { false; }";
    let table = "last work a,w 1 the last\na work - 1 one\nb work - 1 another\nw wait - 1 waits\n\
         long long - 1 not by itself\nall-of two a,b\n";
    let steps = Steps::new(table, meet);
    let output = steps.run(&[]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.stdout.contains("steps: 4 passed, 0 failed, 0 skipped in "), "{output:?}");
    assert_eq!(steps.file("last"), "done\n");
    let output = steps.run(&["--list"]);
    assert!(output.stdout.starts_with("last      the last\na         one\n"), "{output:?}");
    // A named step runs without those that it depends on.
    let output = steps.run(&["two", "last"]);
    assert!(output.stdout.contains("steps: 3 passed, 0 failed"), "{output:?}");
    assert_eq!(steps.run(&["long"]).code, Some(1));
    for wrong in ["nothing", "--nothing"] {
        let output = steps.run(&[wrong]);
        assert_eq!((output.code, &*output.stdout), (Some(2), ""), "{output:?}");
        assert!(output.stderr.contains(wrong), "{output:?}");
    }
}

#[test]
fn a_failed_step_shows_its_output_and_blocks_its_dependents() {
    let functions = "step_bad() { echo a line; false; echo never; }\nstep_next() { touch next; }\n\
         step_good() { :; }";
    let table = "bad work - 1 is bad\nnext work bad 1 needs it\ngood work - 1 is good\n";
    let steps = Steps::new(table, functions);
    let output = steps.run(&[]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stdout.contains("\na line\n^^^^  bad failed with status 1"), "{output:?}");
    assert!(!output.stdout.contains("never"), "the first failure ends a step: {output:?}");
    assert!(output.stdout.contains("      because: it needs bad, which is bad\n"), "{output:?}");
    assert!(!steps.temp_dir.0.join("next").exists());
    assert!(output.stdout.contains("steps: 1 passed, 2 failed, 0 skipped in "), "{output:?}");
    assert!(output.stdout.ends_with("failed: bad next\n"), "{output:?}");
}

#[test]
fn a_skipped_step_gives_the_reason_and_fails_in_continuous_integration() {
    let functions = "step_a() { echo no moon here; exit 77; }\nstep_b() { echo no sun; exit 77; }";
    let steps = Steps::new(
        "a work - 1 needs a moon\nb work - 1 needs a sun\nmay-be-skipped b it is night there\n",
        functions,
    );
    let output = steps.run(&[]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.stdout.contains("SKIP  a "), "{output:?}");
    assert!(output.stdout.contains("      because: no moon here\n"), "{output:?}");
    let output = run(steps.command(&[]).env("CI", "true"));
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stdout.contains("FAIL  a ") && output.stdout.contains("SKIP  b "), "{output:?}");
    assert!(output.stdout.contains("      because: no moon here\n"), "{output:?}");
}

/// Processes that leave the process group of the step, such as those of `timeout`, are ended too.
const LEAVES_ITS_GROUP: &str = "step_late() { timeout 600 sleep 600 & echo $! >pid; wait; }";

#[test]
fn a_step_that_takes_too_long_is_ended_with_its_processes() {
    let steps = Steps::new("late work - 0.01 takes too long\n", LEAVES_ITS_GROUP);
    let output = steps.run(&[]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stdout.contains("ended: it has run for more than 0.01 minutes"), "{output:?}");
    eventually("it is gone", || !is_alive(&steps.file("pid")));
}

#[test]
fn a_signal_to_the_runner_ends_the_steps() {
    for signal in ["TERM", "INT"] {
        let steps = Steps::new("late work - 9 takes long\n", LEAVES_ITS_GROUP);
        let mut running = steps.command(&[]).stdout(Stdio::null()).spawn().unwrap();
        eventually("it runs", || is_alive(&steps.file("pid")));
        let pid = running.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        assert!(!running.wait().unwrap().success());
        assert!(!is_alive(&steps.file("pid")), "{signal}");
    }
}

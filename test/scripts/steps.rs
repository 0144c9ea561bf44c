//! `scripts/steps.py`, which `scripts/test` is made of, with steps of our own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{Home, Said, eventually, lives, root, run};

/// A script of steps: lines of a table, and functions.
struct Steps {
    home: Home,
    script: PathBuf,
}

impl Steps {
    fn new(table: &str, functions: &str) -> Steps {
        let home = Home::new();
        let runner = root().join("scripts/steps.py");
        let text = format!(
            "#!/usr/bin/env bash\nset -euo pipefail\ncd \"$(dirname \"$0\")\"\n{functions}\n\
             case \"${{1:-}}\" in\n--step) \"step_$2\"; exit ;;\n--digest) exit ;;\nesac\n\
             export STEP_LOGS=logs\nexec python3 -B {} \"$0\" \"$@\" <<<'{table}'\n",
            runner.display()
        );
        let script = home.program("steps", &text);
        Steps { home, script }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.script);
        command.args(arguments).env_remove("CI").env("AGORA_LANES", "2").stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        run(&mut self.command(arguments))
    }

    /// A file that a step has written.
    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.home.0.join(name)).unwrap_or_default()
    }
}

#[test]
fn steps_run_side_by_side_and_after_others() {
    // Each of the first three waits for the two others.
    let meet = "meet() { touch \"$1\"; until [ -e a ] && [ -e b ] && [ -e w ]; do sleep 0.01; done; }\n\
         step_a() { meet a; }\nstep_b() { meet b; }\nstep_w() { meet w; }\n\
         step_last() { [ -e a ] && [ -e w ]; echo done >last; }\nstep_long() { false; }";
    let table = "last work a,w 1 the last\na work - 1 one\nb work - 1 another\nw wait - 1 waits\n\
         long long - 1 not by itself\nall-of two a,b\n";
    let steps = Steps::new(table, meet);
    let said = steps.run(&[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("steps: 4 passed, 0 failed, 0 skipped in "), "{said:?}");
    assert_eq!(steps.file("last"), "done\n");
    let said = steps.run(&["--list"]);
    assert!(said.stdout.starts_with("last      the last\na         one\n"), "{said:?}");
    // What is named runs without what it comes after.
    let said = steps.run(&["two", "last"]);
    assert!(said.stdout.contains("steps: 3 passed, 0 failed"), "{said:?}");
    assert_eq!(steps.run(&["long"]).code, Some(1));
    for wrong in ["nothing", "--nothing"] {
        let said = steps.run(&[wrong]);
        assert_eq!((said.code, &*said.stdout), (Some(2), ""), "{said:?}");
        assert!(said.stderr.contains(wrong), "{said:?}");
    }
}

#[test]
fn a_bad_step_shows_what_it_said_and_holds_up_what_needs_it() {
    let functions = "step_bad() { echo a line; false; echo never; }\nstep_next() { touch next; }\n\
         step_good() { :; }";
    let table = "bad work - 1 is bad\nnext work bad 1 needs it\ngood work - 1 is good\n";
    let steps = Steps::new(table, functions);
    let said = steps.run(&[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("\na line\n^^^^  bad failed with status 1"), "{said:?}");
    assert!(!said.stdout.contains("never"), "the first failure ends a step: {said:?}");
    assert!(said.stdout.contains("      because: it needs bad, which is bad\n"), "{said:?}");
    assert!(!steps.home.0.join("next").exists());
    assert!(said.stdout.contains("steps: 1 passed, 2 failed, 0 skipped in "), "{said:?}");
    assert!(said.stdout.ends_with("failed: bad next\n"), "{said:?}");
}

#[test]
fn a_skipped_step_says_why_and_is_bad_in_continuous_integration() {
    let functions = "step_a() { echo no moon here; exit 77; }\nstep_b() { echo no sun; exit 77; }";
    let steps = Steps::new(
        "a work - 1 needs a moon\nb work - 1 needs a sun\nmay-be-skipped b it is night there\n",
        functions,
    );
    let said = steps.run(&[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("SKIP  a "), "{said:?}");
    assert!(said.stdout.contains("      because: no moon here\n"), "{said:?}");
    let said = run(steps.command(&[]).env("CI", "true"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("FAIL  a ") && said.stdout.contains("SKIP  b "), "{said:?}");
    assert!(said.stdout.contains("      because: no moon here\n"), "{said:?}");
}

/// Processes that leave the step's group go as well, as those of `timeout` do.
const LEAVES: &str = "step_late() { timeout 600 sleep 600 & echo $! >pid; wait; }";

#[test]
fn a_step_that_takes_too_long_is_ended_with_all_that_it_started() {
    let steps = Steps::new("late work - 0.01 takes too long\n", LEAVES);
    let said = steps.run(&[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("ended: it has run for more than 0.01 minutes"), "{said:?}");
    eventually("it is gone", || !lives(&steps.file("pid")));
}

#[test]
fn whoever_ends_it_ends_the_steps() {
    for signal in ["TERM", "INT"] {
        let steps = Steps::new("late work - 9 takes long\n", LEAVES);
        let mut running = steps.command(&[]).stdout(Stdio::null()).spawn().unwrap();
        eventually("it runs", || lives(&steps.file("pid")));
        let pid = running.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        assert!(!running.wait().unwrap().success());
        assert!(!lives(&steps.file("pid")), "{signal}");
    }
}

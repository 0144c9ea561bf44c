"""Runs the steps of scripts/test in parallel.

    steps.py SCRIPT [STEP...] <TABLE

A step is a line "NAME LANE AFTER MINUTES WHAT" of the table, and is run as `SCRIPT --step NAME`:

    LANE     `work` computes: two of these run at a time (AGORA_LANES sets the number), one on one core;
             `wait` mostly waits: one of these runs at a time, beside the others;
             `long` is `work` that runs only if it is named
    AFTER    steps, separated by commas, that must have succeeded; `-` for none
    MINUTES  the time limit; then the step is killed with all processes that it has started

Exit status 0 is success, 77 is skipped (the last line is the reason), anything else is failure. A step
that depends on a failed or skipped one does not run, and counts as failed or skipped too. The output of
a step is in STEP_LOGS/NAME.log, and is printed if it failed; of a successful step `SCRIPT --digest NAME`
prints the lines that matter.

If CI is set, a skipped step counts as failed, unless a line "may-be-skipped NAME REASON" of the table
allows it. A line "all-of NAME STEP,STEP..." is a name for several steps.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SKIPPED = 77
# The pause between two polls, and the time that a terminated step has to clean up.
PAUSE_S, GRACE_S = 0.05, 10


class Step:
    """A step. `outcome` is None while it has not ended, then good, bad or skipped."""

    def __init__(self, line):
        self.name, lane, after, minutes, self.what = line.strip().split(None, 4)
        self.is_long = lane == "long"
        self.lane = "work" if self.is_long else lane
        self.after = [] if after == "-" else after.split(",")
        self.limit_s = 60 * float(minutes)
        self.process = self.began = self.outcome = None

    def is_late(self):
        return time.monotonic() - self.began > self.limit_s


class Runner:
    def __init__(self, script, steps, may_be_skipped):
        self.script, self.steps, self.may_be_skipped = script, steps, may_be_skipped
        self.by_name = {step.name: step for step in steps}
        self.logs = Path(os.environ["STEP_LOGS"])
        self.logs.mkdir(parents=True, exist_ok=True)
        cores = len(os.sched_getaffinity(0))
        self.capacity = {"work": int(os.environ.get("AGORA_LANES", min(2, cores))), "wait": 1}

    def running(self):
        return [step for step in self.steps if step.process and not step.outcome]

    def run(self):
        """Runs all steps. Returns whether none failed."""
        began = time.monotonic()
        while any(not step.outcome for step in self.steps):
            for step in self.steps:
                if not step.outcome and not step.process:
                    self.start(step)
            time.sleep(PAUSE_S)
            for step in self.running():
                self.poll(step)
        count = [len(self.named(outcome)) for outcome in ("good", "bad", "skipped")]
        took = time.monotonic() - began
        print("steps: {} passed, {} failed, {} skipped in {:.1f} s".format(*count, took))
        if bad := self.named("bad"):
            print("failed:", *bad)
        return not bad

    def named(self, outcome):
        return [step.name for step in self.steps if step.outcome == outcome]

    def start(self, step):
        """Starts a step if the steps before it have succeeded and its lane has capacity."""
        before = [self.by_name[name] for name in step.after if name in self.by_name]
        for outcome, status in (("bad", "held"), ("skipped", SKIPPED)):
            for other in before:
                if other.outcome == outcome:
                    step.began = time.monotonic()
                    reason = f"it needs {other.name}, which is {outcome}\n"
                    self.log(step).write_text(reason)
                    return self.report(step, status)
        if any(not other.outcome for other in before):
            return None
        if sum(other.lane == step.lane for other in self.running()) >= self.capacity[step.lane]:
            return None
        step.began = time.monotonic()
        with open(self.log(step), "wb") as log:
            # A session of its own can be killed as a whole.
            step.process = subprocess.Popen(
                [self.script, "--step", step.name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return None

    def log(self, step):
        return self.logs / f"{step.name}.log"

    def poll(self, step):
        if step.process.poll() is None:
            if not step.is_late():
                return
            with open(self.log(step), "a", encoding="utf-8") as log:
                log.write(f"ended: it has run for more than {step.limit_s / 60:g} minutes\n")
            end_sessions([step.process])
        # Processes that it has left running.
        signal_session(step.process.pid, signal.SIGKILL)
        self.report(step, step.process.wait())

    def report(self, step, status):
        """Prints and stores the outcome of a step."""
        text = self.log(step).read_text(errors="replace")
        reason = f"      because: {(text.splitlines() or ['it does not say why'])[-1]}"
        allowed = not os.environ.get("CI") or step.name in self.may_be_skipped
        if status == 0:
            word, step.outcome = "ok", "good"
        elif status == SKIPPED and allowed:
            word, step.outcome = "SKIP", "skipped"
        else:
            word, step.outcome = "FAIL", "bad"
        took = time.monotonic() - step.began
        print(f"{word:4}  {step.name:10}{step.what:60}{took:7.1f} s", flush=True)
        if status == 0:
            subprocess.run([self.script, "--digest", step.name], input=text.encode(), check=False)
        elif status in (SKIPPED, "held"):
            print(reason, flush=True)
            if not step.outcome == "skipped" and status == SKIPPED:
                print("      continuous integration skips only what scripts/test lists", flush=True)
        else:
            print(text, end="")
            print(f"^^^^  {step.name} failed with status {status}", end="")
            print(f"; {self.script} {step.name} runs it alone", flush=True)


def processes_of(session):
    """The live processes of a session: fields 3 and 6 of proc(5)'s stat, behind the name."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text(errors="replace").rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue  # The process has exited meanwhile.
        if fields[0] not in "ZX" and int(fields[3]) == session:
            found.append(int(file.parent.name))
    return found


def signal_session(session, number):
    for pid in processes_of(session):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass  # The process has exited meanwhile.


def end_sessions(processes):
    """Terminates processes with all of their sessions."""
    until = time.monotonic() + GRACE_S
    for process in processes:
        signal_session(process.pid, signal.SIGTERM)
    for process in processes:
        while time.monotonic() < until and (process.poll() is None or processes_of(process.pid)):
            time.sleep(PAUSE_S)
        signal_session(process.pid, signal.SIGKILL)
        process.wait()


class Ended(Exception):
    """A signal has arrived; its number."""


def end(number, _frame):
    raise Ended(number)


def read_table(lines):
    """The steps, the names of those that CI may skip, and the names for several steps."""
    steps, may_be_skipped, groups = [], [], {}
    for line in filter(str.strip, lines):
        words = line.split()
        if words[0] == "may-be-skipped":
            may_be_skipped.append(words[1])
        elif words[0] == "all-of":
            groups[words[1]] = words[2].split(",")
        else:
            steps.append(Step(line))
    return steps, may_be_skipped, groups


def main():
    script, wanted = sys.argv[1], sys.argv[2:]
    steps, may_be_skipped, groups = read_table(sys.stdin)
    if wanted == ["--list"]:
        for step in steps:
            print(f"{step.name:10}{step.what}")
        for name, names in groups.items():
            print(f"{name:10}{', '.join(names)}")
        return 0
    wanted = [name for word in wanted for name in groups.get(word, [word])]
    for name in wanted:
        if name not in [step.name for step in steps]:
            kind = "flag" if name.startswith("-") else "step"
            print(f"{script}: there is no {kind} {name}; --list names the steps", file=sys.stderr)
            return 2
    chosen = [step for step in steps if step.name in wanted or not (wanted or step.is_long)]
    runner = Runner(script, chosen, may_be_skipped)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        return 0 if runner.run() else 1
    except Ended as ended:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        end_sessions([step.process for step in runner.running()])
        return 128 + ended.args[0]


if __name__ == "__main__":
    sys.exit(main())

"""Runs steps side by side; scripts/test is made of it.

    steps.py SCRIPT [STEP...] <TABLE

A step is a line "NAME LANE AFTER MINUTES WHAT" of the table, and is run as `SCRIPT --step NAME`:

    LANE     `work` computes: two of these at a time (AGORA_LANES says how many), one on one core;
             `wait` passes its time with waiting: one of these at a time, beside the others;
             `long` is `work` that is only done when it is named
    AFTER    steps, with commas between, that must have ended well; `-` for none
    MINUTES  after which it is ended, with all that it has started

Exit status 0 is good, 77 is skipped (the last line says why), anything else is bad. What needs a step
that was bad or skipped does not run, and is as bad or skipped as that one. What a step prints is in
STEP_LOGS/NAME.log, and is shown when it was bad; of a good one `SCRIPT --digest NAME` says what is
worth saying.

With CI set a skipped step is bad, unless a line "may-be-skipped NAME REASON" of the table allows it. A
line "all-of NAME STEP,STEP..." names several steps at once.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SKIPPED = 77
# Between two looks at what runs, and what a step that is ended has for putting things in order.
PAUSE_S, GRACE_S = 0.05, 10


class Step:
    """A step, and how far it is: `outcome` is None, good, bad or skipped."""

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
        self.room = {"work": int(os.environ.get("AGORA_LANES", min(2, cores))), "wait": 1}

    def running(self):
        return [step for step in self.steps if step.process and not step.outcome]

    def run(self):
        """Runs all of them; whether none was bad."""
        began = time.monotonic()
        while any(not step.outcome for step in self.steps):
            for step in self.steps:
                if not step.outcome and not step.process:
                    self.start(step)
            time.sleep(PAUSE_S)
            for step in self.running():
                self.look_at(step)
        count = [len(self.named(outcome)) for outcome in ("good", "bad", "skipped")]
        took = time.monotonic() - began
        print("steps: {} passed, {} failed, {} skipped in {:.1f} s".format(*count, took))
        if bad := self.named("bad"):
            print("failed:", *bad)
        return not bad

    def named(self, outcome):
        return [step.name for step in self.steps if step.outcome == outcome]

    def start(self, step):
        """Starts a step if its time has come."""
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
        if sum(other.lane == step.lane for other in self.running()) >= self.room[step.lane]:
            return None
        step.began = time.monotonic()
        with open(self.log(step), "wb") as log:
            # In a session of its own, which can be ended as a whole.
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

    def look_at(self, step):
        if step.process.poll() is None:
            if not step.is_late():
                return
            with open(self.log(step), "a", encoding="utf-8") as log:
                log.write(f"ended: it has run for more than {step.limit_s / 60:g} minutes\n")
            end_sessions([step.process])
        # What it has left behind goes with it.
        signal_session(step.process.pid, signal.SIGKILL)
        self.report(step, step.process.wait())

    def report(self, step, status):
        """Says how a step has ended, and remembers it."""
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
            continue  # It has ended meanwhile.
        if fields[0] not in "ZX" and int(fields[3]) == session:
            found.append(int(file.parent.name))
    return found


def signal_session(session, number):
    for pid in processes_of(session):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass  # It has ended meanwhile.


def end_sessions(processes):
    """Ends processes with all of their sessions."""
    until = time.monotonic() + GRACE_S
    for process in processes:
        signal_session(process.pid, signal.SIGTERM)
    for process in processes:
        while time.monotonic() < until and (process.poll() is None or processes_of(process.pid)):
            time.sleep(PAUSE_S)
        signal_session(process.pid, signal.SIGKILL)
        process.wait()


class Ended(Exception):
    """Somebody wants this to end; the signal's number."""


def end(number, _frame):
    raise Ended(number)


def read_table(lines):
    """The steps, the names of those that continuous integration may skip, and those of several."""
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

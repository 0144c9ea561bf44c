"""What all measurements share: running programs, and the CPU time they use."""

import contextlib
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
AGORA = TARGET / "release" / "agora"
TICKS = os.sysconf("SC_CLK_TCK")


def load_arguments(parser, parts, clients):
    """Flags for the parts of a measurement and for loads: clients, seconds, rounds."""
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)}; all")
    parser.add_argument("--clients", nargs="+", type=int, default=clients, metavar="C")
    parser.add_argument("--seconds", type=int, default=3, help="of each load")
    parser.add_argument("--rounds", type=int, default=3, help="of each load; the median is printed")


def chosen_parts(chosen, parts):
    """The parts named on the command line, or all."""
    if unknown := [part for part in chosen.parts if part not in parts]:
        print(f"bench: no part {unknown[0]}; there are {', '.join(parts)}", file=sys.stderr)
        sys.exit(2)
    return chosen.parts or parts


def build():
    """Builds Agora, in release."""
    run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=ROOT)


def build_peer(crate):
    """Builds a crate under test/ with software to compare with; returns the folder of its programs.

    Such crates need proc macros, which a static target cannot load; the figures do not change.
    """
    environment = os.environ | {
        "CARGO_TARGET_DIR": str(TARGET / crate),
        "RUSTFLAGS": "-C target-feature=-crt-static",
    }
    manifest = ROOT / "test" / crate / "Cargo.toml"
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", manifest]
    run(command, cwd=ROOT, env=environment)
    return TARGET / crate / "release"


def run(command, **options):
    """Runs a program that must succeed; returns its output."""
    command = [str(word) for word in command]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} failed with status {done.returncode}\n{done.stdout}")
    return done.stdout


@contextlib.contextmanager
def running(command):
    """A running server and the address of its `listening on ADDR` line."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            sys.exit(f"bench: {' '.join(map(str, command))} did not start: {line!r}")
        yield process, line.split()[2]
    finally:
        process.terminate()
        process.wait()


def cpu_seconds(pid):
    """User and system time of a process (proc(5), /proc/PID/stat, fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def others_cpu_seconds():
    """CPU time of the machine that other programs used (children count once they have ended)."""
    ticks = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    busy = sum(int(n) for place, n in enumerate(ticks) if place not in (3, 4)) / TICKS
    return busy - sum(os.times()[:4])


class Others:
    """How busy other programs keep the machine during a measurement."""

    def __init__(self):
        self.began, self.before = time.monotonic(), others_cpu_seconds()

    def cores(self):
        return (others_cpu_seconds() - self.before) / (time.monotonic() - self.began)


def head(what, load, old="old", new="new"):
    """Prints the head of a table of `turns`."""
    print(f"\n{what}")
    words = [load, f"{old}/s", f"{new}/s", "ratio", f"{old} us", f"{new} us", "ratio"]
    words += [f"{old} CPU", f"{new} CPU", "ratio"]
    print(("{:>10}" * len(words)).format(*words), flush=True)


def turns(name, sides, chosen, load):
    """Prints a line: `load(side)` returns calls a second, the median in us, and CPU us a call."""
    rounds = [], []
    for number in range(chosen.rounds):
        # The order alternates: the state of the machine may depend on it.
        for place in ((0, 1), (1, 0))[number % 2]:
            rounds[place].append(load(sides[place]))
    line = f"{name:>10}"
    for place, digits in ((0, 0), (1, 0), (2, 2)):
        old, new = (statistics.median(each[place] for each in side) for side in rounds)
        line += f"{old:10,.{digits}f}{new:10,.{digits}f}{new / old:9.3f}x"
    print(line, flush=True)

"""The programs under test and the programs they are tested with, as processes."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_S = 20
STOP_S = 20


class Failed(AssertionError):
    """A program failed a check; the message has its whole output."""


class Server:
    """A running server that has printed `listening on ADDR`."""

    def __init__(self, command):
        self.command = command
        self.log = tempfile.TemporaryFile(mode="w+b")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=ROOT
        )
        self.address = self._wait_for_address()

    def _wait_for_address(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            found = re.search(r"listening on (\S+)", self.output())
            if found:
                return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        self.process.kill()
        raise Failed(f"{' '.join(self.command)} did not start; its output:\n{self.output()}")

    def output(self):
        """The whole output of the server."""
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), size, 0).decode(errors="replace")

    def is_running(self):
        return self.process.poll() is None

    def terminate(self):
        """Asks it to end (SIGTERM), without waiting."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        """Its exit status, once it has ended by itself."""
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed(f"no end within {STOP_S} s; output:\n{self.output()}") from None

    def stop(self):
        if self.is_running():
            self.terminate()
        return self.wait()


def agora_server(binary):
    """Our interop server on a free port."""
    return Server([binary, "interop", "server", "--listen", "127.0.0.1:0"])


def reference_server(*flags):
    """grpcio's server with the same services, in a process of its own."""
    script = os.path.join(os.path.dirname(__file__), "reference_server.py")
    return Server([sys.executable, "-B", script, *flags])


@contextlib.contextmanager
def running(server):
    """Stops the server at the end of the block, whatever happened."""
    try:
        yield server
    finally:
        server.stop()


class Outcome:
    """The exit status and output of a program."""

    def __init__(self, command, done):
        self.command = " ".join(command)
        self.status = done.returncode
        self.out = done.stdout.decode(errors="replace")
        self.err = done.stderr.decode(errors="replace")

    def __str__(self):
        return (
            f"$ {self.command}\nexit status {self.status}\n"
            f"--- stdout\n{self.out}--- stderr\n{self.err}---"
        )


def run(command, *, stdin=b"", timeout_s=60):
    """Runs a program to its end."""
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, timeout=timeout_s, cwd=ROOT, check=False
        )
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode(errors="replace")
        raise Failed(f"$ {' '.join(command)}\nran longer than {timeout_s} s\n{text}") from None
    return Outcome(command, done)


def run_well(command, **how):
    """Runs a program that must succeed."""
    outcome = run(command, **how)
    if outcome.status != 0:
        raise Failed(f"it should have succeeded:\n{outcome}")
    return outcome


def tool(name):
    """The folder of a tool that scripts/tools installs; None, and why, when it cannot.

    Continuous integration must have it.
    """
    outcome = run([os.path.join(ROOT, "scripts", "tools"), name], timeout_s=300)
    if outcome.status == 77 and not os.environ.get("CI"):
        return None, outcome.err.strip()
    if outcome.status != 0:
        raise Failed(f"scripts/tools could not install {name}:\n{outcome}")
    return outcome.out.strip(), ""

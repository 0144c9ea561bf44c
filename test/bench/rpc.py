"""An echo service in both protocols of Agora, and in tonic with either of its runtimes.

Servers take turns for several rounds and the median round is reported. Idle memory is measured as
well: of the server, and of each of 500 connections that were used once.
"""

import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import idle
from measure import AGORA, ROOT, TARGET, Others, build, build_peer, cpu_seconds, run, running

TONIC = TARGET / "tonic-echo" / "release" / "tonic-echo"
LISTEN = ["--listen", "127.0.0.1:0"]
PATH = "/agora.bench.v1.EchoService/Echo"

LOADS = ["10x10", "50x100", "1x1"]
BYTES = [100, 4096]


@dataclass
class Contender:
    """A server, the program that loads it, and their protocol."""

    name: str
    server: list
    load: object
    protocol: str = "grpc"


@dataclass
class Measured:
    """One load on one server."""

    requests: int
    seconds: float
    cpu_seconds: float
    median_us: float
    p99_us: float

    @property
    def cpu_us(self):
        return self.cpu_seconds * 1e6 / self.requests

    @property
    def per_cpu_second(self):
        return self.requests / self.cpu_seconds


def arguments(parser):
    parser.add_argument("--seconds", type=int, default=2, help="of each load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loads", nargs="+", default=LOADS, metavar="CxM")
    parser.add_argument("--bytes", nargs="+", type=int, default=BYTES, metavar="B")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these contenders")


def contenders():
    return [
        Contender("tonic-multi", [TONIC, *LISTEN, "--runtime", "multi"], h2load),
        Contender("tonic-current", [TONIC, *LISTEN, "--runtime", "current"], h2load),
        Contender("agora-grpc", [AGORA, "bench", "serve", *LISTEN], h2load),
        # Only Agora's client can load the native protocol, so gRPC is measured with it as well.
        Contender("agora-grpc-own", [AGORA, "bench", "serve", *LISTEN], own("grpc")),
        Contender("agora-native", [AGORA, "bench", "serve", *LISTEN], own("native"), "native"),
    ]


def measure(chosen):
    build()
    build_peer("tonic-echo")
    others = Others()
    contenders_in_use = [c for c in contenders() if not chosen.only or c.name in chosen.only]
    for size in chosen.bytes:
        for load in chosen.loads:
            connections, inflight = (int(number) for number in load.split("x"))
            print(f"\n{size} bytes, {connections} connections x {inflight} in flight", flush=True)
            rounds = {contender.name: [] for contender in contenders_in_use}
            for _ in range(chosen.rounds):
                for contender in contenders_in_use:
                    with running(contender.server) as (process, address):
                        # A short uncounted load warms caches and opens connections.
                        contender.load(address, connections, inflight, size, 0)
                        before = cpu_seconds(process.pid)
                        done = contender.load(address, connections, inflight, size, chosen.seconds)
                        spent = cpu_seconds(process.pid) - before
                        requests, seconds, latencies = done
                        measured = Measured(requests, seconds, spent, *latencies())
                    rounds[contender.name].append(measured)
            report({name: middle(measured) for name, measured in rounds.items()})
    print()
    for contender in contenders_in_use:
        if contender.name.endswith("-own"):
            continue
        with running(contender.server) as (process, address):
            empty = idle.resident_bytes(process.pid)
            each = idle.bytes_per_connection(process.pid, address, contender.protocol)
        print(f"idle: {contender.name:14} {empty / 2**20:6.2f} MiB, {each / 2**10:6.2f} KiB a connection")


    print(f"Other programs kept {others.cores():.2f} cores busy; beyond 0.1 that is felt at 1x1.")


def h2load(address, connections, inflight, size, seconds):
    """Loads with nghttp2's h2load; requests, seconds, and a function for the latencies.

    Without seconds, just enough to have used every connection a few times. Latencies need a log
    of every request, which slows h2load by a third: they are taken in a run of their own.
    """
    requests, took, _ = run_h2load(address, connections, inflight, size, seconds)

    def latencies():
        times = run_h2load(address, connections, inflight, size, 1, logged=True)[2]
        return times[len(times) // 2], times[len(times) * 99 // 100]

    return requests, took, latencies


def run_h2load(address, connections, inflight, size, seconds, logged=False):
    program = Path(run([ROOT / "scripts" / "tools", "h2load"]).strip()) / "h2load"
    with tempfile.TemporaryDirectory() as folder:
        body, log = Path(folder) / "body", Path(folder) / "log"
        body.write_bytes(idle.length_prefixed(idle.echo_request(size)))
        some = [f"--requests={max(2000, 4 * connections * inflight)}"]
        long = [f"--duration={seconds}", "--warm-up-time=0"]
        command = [program, "--threads=1", *(long if seconds else some)]
        command += [f"--clients={connections}", f"--max-concurrent-streams={inflight}"]
        command += [f"--log-file={log}"] if logged else []
        command += [f"--data={body}", "-H", "te: trailers", "-H", "content-type: application/grpc"]
        output = run([*command, f"http://{address}{PATH}"])
        times = sorted(int(line.rsplit("\t", 1)[1]) for line in log.open()) if logged else []
    done = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", output)
    finished = re.search(r"finished in ([\d.]+)(ms|s)", output)
    if not done or not finished or done[1] == "0" or any(int(n) for n in done.groups()[1:]):
        sys.exit(f"bench: h2load reports failed requests:\n{output}")
    return int(done[1]), float(finished[1]) / (1000 if finished[2] == "ms" else 1), times


def own(protocol):
    """Loads with Agora's own client; the result is like that of `h2load` above."""

    def load(address, connections, inflight, size, seconds):
        command = [AGORA, "bench", "echo", "--target", address, "--protocol", protocol]
        command += ["--connections", connections, "--inflight", inflight, "--bytes", size]
        # Nearly no warm-up: uncounted calls would use counted CPU time.
        output = run([*command, "--seconds", seconds or 0.2, "--warm-up", 0.001])
        found = dict(re.findall(r"^(?:latency_us )?(\w+) +([\d.]+)$", output, re.MULTILINE))
        calls, rate = int(found["calls"]), float(found["calls_per_s"])
        return calls, calls / rate, lambda: (float(found["p50"]), float(found["p99"]))

    return load


def middle(rounds):
    """The round with the median CPU time per request."""
    ordered = sorted(rounds, key=lambda measured: measured.cpu_us)
    return ordered[len(ordered) // 2]


def report(by_name):
    """Prints a line for each contender; ratios compare requests per CPU second."""
    tonics = [m.per_cpu_second for name, m in by_name.items() if name.startswith("tonic")]
    head = ["", "requests/s", "requests/CPU s", "CPU us", "median us", "p99 us", "ratio"]
    print("{:16}{:>12}{:>16}{:>9}{:>11}{:>11}{:>9}".format(*head))
    for name, m in by_name.items():
        ratio = f"{m.per_cpu_second / max(tonics):.2f}x" if tonics else ""
        print(
            f"{name:16}{m.requests / m.seconds:12,.0f}{m.per_cpu_second:16,.0f}{m.cpu_us:9.2f}"
            f"{m.median_us:11,.0f}{m.p99_us:11,.0f}{ratio:>9}",
            flush=True,
        )

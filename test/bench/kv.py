"""Three nodes of the key-value store and three of etcd, on the same disk, both with fsync on.

Both groups run all the time; loads alternate between them and go to the leader. A client is a
connection with one call in flight. CPU is the sum of the three servers.

With --tls a group whose nodes and clients have certificates runs beside one in the clear, in the
place of etcd: sets and gets.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import idle
from measure import (
    AGORA,
    ROOT,
    TARGET,
    Others,
    build,
    build_peer,
    chosen_parts,
    cpu_seconds,
    head,
    load_arguments,
    run,
    turns,
)

PARTS = ["sets", "gets", "failover", "memory", "start"]
CLIENTS = [1, 16, 64, 256, 1000]
NODES = 3
TIMEOUT_S = 30


def arguments(parser):
    load_arguments(parser, PARTS, CLIENTS)
    parser.add_argument("--tls", action="store_true", help="what TLS costs, in the place of etcd")
    parser.add_argument("--failovers", type=int, default=20, help="how often a leader is killed")
    parser.add_argument("--keys", type=int, default=1_000_000, help="in memory")
    parser.add_argument("--start-bytes", type=int, default=1_000_000_000, help="of log and snapshot")


def measure(chosen):
    parts = chosen_parts(chosen, PARTS)
    build()
    others = Others()
    with tempfile.TemporaryDirectory(dir=TARGET, prefix="bench-kv-") as folder:
        folder = Path(folder)
        if chosen.tls:
            with Agora(folder / "clear") as clear, Agora(folder / "tls", has_tls=True) as secured:
                cost_of_tls(clear, secured, parts, chosen)
            parts = []
        if {"sets", "gets", "failover"} & set(parts):
            # etcd-client generates its messages with protoc.
            run([ROOT / "scripts" / "tools", "protoc"])
            etcd_bench = build_peer("etcd-bench") / "etcd-bench"
            with Agora(folder / "agora") as ours, Etcd(folder / "etcd", etcd_bench) as theirs:
                for part in ("sets", "gets"):
                    if part in parts:
                        loads(part, ours, theirs, chosen)
                if "failover" in parts:
                    failovers(ours, theirs, chosen.failovers)
        if "memory" in parts:
            memory(folder / "memory", chosen.keys)
        if "start" in parts:
            start(folder / "start", chosen.start_bytes)
    print(f"\nOther programs kept {others.cores():.2f} of {os.cpu_count()} cores busy meanwhile.")


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_until(what, condition, timeout_s=TIMEOUT_S):
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if (found := condition()) is not None:
            return found
        time.sleep(0.02)
    sys.exit(f"bench: waited {timeout_s} s: {what}")


class Cluster:
    """Three servers, as processes."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        self.processes = {}

    def __enter__(self):
        for node in range(NODES):
            self.start(node)
        wait_until(f"there is no leader of {self.name}", self.leader)
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()

    def start(self, node):
        log = (self.folder / f"{node}.log").open("ab")
        command = [str(word) for word in self.command(node)]
        self.processes[node] = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, node):
        self.processes[node].kill()
        self.processes[node].wait()

    def cpu_seconds(self):
        return sum(cpu_seconds(process.pid) for process in self.processes.values())

    def resident_bytes(self):
        return sum(idle.resident_bytes(process.pid) for process in self.processes.values())

    def try_run(self, *command):
        """Runs a program that may fail; returns its output, or None."""
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None

    def load(self, what, clients, seconds):
        """Calls a second, median latency in microseconds, CPU microseconds a call."""
        before = self.cpu_seconds()
        output = run(self.load_command(what, clients, seconds))
        spent = self.cpu_seconds() - before
        found = dict(re.findall(r"^(?:latency_us )?([\w.]+) +([\d.]+)$", output, re.MULTILINE))
        calls = float(found["calls"])
        return float(found["calls_per_s"]), float(found["p50"]), spent * 1e6 / calls


class Agora(Cluster):
    """Agora, with its defaults; with TLS between all nodes and clients, if so said."""

    name = "agora"

    def __init__(self, folder, flags=(), program=AGORA, has_tls=False):
        super().__init__(folder)
        self.flags = flags
        self.certificates = folder / "certs" if has_tls else None
        self.program = program
        self.peers = ",".join(
            f"{node}=127.0.0.1:{port}" for node, port in enumerate(free_ports(NODES))
        )
        if has_tls:
            make = [program, "cert", "--dir", self.certificates, "--clients", "bench"]
            run([*make, "--nodes", self.peers])

    def command(self, node):
        place = ["--id", node, "--peers", self.peers, "--logs", self.folder / "logs"]
        return [self.program, "node", *place, *self.certs(f"node-{node}"), *self.flags]

    def certs(self, folder):
        return ["--certs", self.certificates / folder] if self.certificates else []

    def leader(self):
        output = self.try_run(AGORA, "bench", "kv", "leader", *self.at())
        return int(output.split()[0]) if output else None

    def load_command(self, what, clients, seconds):
        # Nearly no warm-up: uncounted calls would use counted CPU time.
        load = ["--connections", clients, "--seconds", seconds, "--warm-up", 0.001]
        return [AGORA, "bench", "kv", {"sets": "set", "gets": "get"}[what], *self.at(), *load]

    def at(self):
        return ["--peers", self.peers, *self.certs("client-bench")]

    def probe_command(self):
        return [AGORA, "bench", "kv", "probe", *self.at()]


class Etcd(Cluster):
    """etcd of Debian, with its defaults."""

    name = "etcd"

    def __init__(self, folder, bench):
        super().__init__(folder)
        self.bench = bench
        self.program = Path(run([ROOT / "scripts" / "tools", "etcd"]).strip()) / "etcd"
        ports = free_ports(2 * NODES)
        self.clients = [f"http://127.0.0.1:{port}" for port in ports[:NODES]]
        self.among = [f"http://127.0.0.1:{port}" for port in ports[NODES:]]

    def command(self, node):
        group = ",".join(f"n{other}={url}" for other, url in enumerate(self.among))
        return [
            *[self.program, "--name", f"n{node}", "--data-dir", self.folder / f"n{node}"],
            *["--listen-client-urls", self.clients[node]],
            *["--advertise-client-urls", self.clients[node]],
            *["--listen-peer-urls", self.among[node]],
            *["--initial-advertise-peer-urls", self.among[node]],
            *["--initial-cluster", group, "--initial-cluster-state", "new"],
        ]

    def leader(self):
        output = self.try_run(self.bench, "leader", "--endpoints", ",".join(self.clients))
        return self.clients.index(output.strip()) if output and output.strip() else None

    def load_command(self, what, clients, seconds):
        load = ["--connections", clients, "--seconds", seconds, "--warm-up", 0.001]
        leader = self.clients[wait_until("there is no leader of etcd", self.leader)]
        what = {"sets": "put", "gets": "get"}[what]
        return [self.bench, what, "--endpoints", leader, *load]

    def probe_command(self):
        return [self.bench, "probe", "--endpoints", ",".join(self.clients)]


def loads(what, ours, theirs, chosen):
    print(f"\n{what}, 16-byte keys, 256-byte values")
    head = ["clients", "agora/s", "etcd/s", "ratio", "agora us", "etcd us", "ratio"]
    head += ["agora CPU", "etcd CPU", "ratio"]
    print(("{:>9}" * len(head)).format(*head), flush=True)
    for cluster in (ours, theirs):
        # Creates every key and warms the caches.
        cluster.load("sets", 16, 1)
    for clients in chosen.clients:
        rounds = {ours.name: [], theirs.name: []}
        for _ in range(chosen.rounds):
            for cluster in (ours, theirs):
                rounds[cluster.name].append(cluster.load(what, clients, chosen.seconds))
        rate, median, cpu = (
            [statistics.median(each[place] for each in rounds[c.name]) for c in (ours, theirs)]
            for place in range(3)
        )
        print(
            f"{clients:9}{rate[0]:9,.0f}{rate[1]:9,.0f}{rate[0] / rate[1]:8.1f}x"
            f"{median[0]:9,.0f}{median[1]:9,.0f}{median[0] / median[1]:8.2f}x"
            f"{cpu[0]:9.1f}{cpu[1]:9.1f}{cpu[0] / cpu[1]:8.3f}x",
            flush=True,
        )


def cost_of_tls(clear, secured, parts, chosen):
    """Loads alternate between a group in the clear and one with TLS."""
    for side in (clear, secured):
        side.load("sets", 16, 1)
    for what in ("sets", "gets"):
        if what in parts:
            head(f"{what}, three nodes, TLS beside the clear", "clients", "clear", "TLS")
            for clients in chosen.clients:
                turns(
                    clients,
                    [clear, secured],
                    chosen,
                    lambda side: side.load(what, clients, chosen.seconds),
                )


def failovers(ours, theirs, count):
    """From killing the leader to the next successful write, at any node."""
    print(f"\nfailover, {count} leaders killed, in milliseconds from the kill to the next write")
    medians = []
    for cluster in (ours, theirs):
        with probing(cluster) as pauses:
            times = [failover(cluster, pauses) * 1e3 for _ in range(count)]
        medians.append(statistics.median(times))
        print(
            f"{cluster.name:>9}: median {medians[-1]:.0f}, fastest {min(times):.0f}, "
            f"slowest {max(times):.0f}",
            flush=True,
        )
    print(f"    ratio: {medians[0] / medians[1]:.2f}")


@contextlib.contextmanager
def probing(cluster):
    """The pauses that a client sees: pairs of length and end time."""
    command = [str(word) for word in cluster.probe_command()]
    probe = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    ends = []

    def read():
        for line in probe.stdout:
            if found := re.match(r"paused ([\d.]+) ms until ([\d.]+)$", line):
                ends.append((float(found[1]) / 1e3, float(found[2])))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield ends
    finally:
        probe.send_signal(signal.SIGKILL)
        probe.wait()
        reader.join()


def failover(cluster, pauses):
    leader = wait_until(f"there is no leader of {cluster.name}", cluster.leader)
    killed = time.time()
    cluster.kill(leader)

    def over():
        # A pause that ended before this is not the failover's: the old leader still answered.
        return next((end for _, end in pauses if end > killed + 0.05), None)

    end = wait_until(f"no write succeeds at {cluster.name}", over)
    cluster.start(leader)
    wait_until(f"there is no leader of {cluster.name}", cluster.leader)
    # The restarted node catches up before the next one is killed.
    time.sleep(1)
    return end - killed


def memory(folder, keys):
    """Resident bytes of three nodes with `keys` values of 256 bytes, compared with the data."""
    with Agora(folder) as cluster:
        fill(cluster, keys)
        # The last snapshot is written, the last entries are applied everywhere.
        time.sleep(2)
        held, data = cluster.resident_bytes(), NODES * keys * (16 + 256)
    print(f"\nmemory, {keys:,} keys of 16 bytes with 256: {held / 2**20:,.0f} MiB in three nodes,")
    print(f"    {held / data:.2f}x the data", flush=True)


def fill(cluster, keys):
    load = ["--keys", keys, "--connections", 32, "--inflight", 16]
    command = [AGORA, "bench", "kv", "fill", *cluster.at(), *load]
    # On a busy machine the leader may change meanwhile; setting a key again is harmless.
    wait_until("the keys are not set", lambda: cluster.try_run(*command), timeout_s=600)


def start(folder, size):
    """How long a node takes to start with `size` bytes of log and snapshot."""
    with Agora(folder) as cluster:
        files = folder / "logs" / "node_0"

        def held():
            return sum(file.stat().st_size for file in files.glob("*.txt"))

        # Each key is a line of about 300 bytes in the snapshot or the log.
        keys = size // 300
        fill(cluster, keys)
        while held() < size:
            keys += keys // 10
            fill(cluster, keys)
        cluster.kill(0)
        sizes = {name: (files / name).stat().st_size for name in ("logs.txt", "snapshot.txt")}
        shutil.rmtree(folder / "log", ignore_errors=True)
        log = folder / "0.log"
        before = log.read_text().count("listening on")
        began = time.monotonic()
        cluster.start(0)

        def listens():
            return True if log.read_text().count("listening on") > before else None

        wait_until("the node does not listen", listens)
        took = time.monotonic() - began
    parts = ", ".join(f"{name} {bytes_ / 1e6:,.0f} MB" for name, bytes_ in sizes.items())
    print(f"\nstart, {parts}: {took:.1f} s", flush=True)

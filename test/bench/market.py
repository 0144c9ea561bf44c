"""Durable purchases in the market and in PostgreSQL, on one disk, both with fsync on.

A purchase decrements the stock, if there is any, and records the order; the answer follows when it
is on the disk. PostgreSQL needs one transaction and one round trip, by a prepared statement.
A client is a connection with one call in flight; loads alternate between the two systems.
CPU is the sum of all servers of a system.

With --tls a market whose servers have certificates runs beside one in the clear, in the place of
PostgreSQL: purchases, from one server and from three.
"""

import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import idle
from kv import free_ports
from measure import (
    AGORA,
    TARGET,
    Others,
    build,
    chosen_parts,
    cpu_seconds,
    head,
    load_arguments,
    run,
    turns,
)
from postgresql import Postgresql

PARTS = ["buy", "group", "search", "start"]
CLIENTS = [1, 16, 64]
TIMEOUT_S = 60


def arguments(parser):
    load_arguments(parser, PARTS, CLIENTS)
    parser.add_argument("--tls", action="store_true", help="what TLS costs, in the place of PostgreSQL")
    parser.add_argument("--items", type=int, default=10_000, help="items on sale while purchases are compared")
    parser.add_argument("--catalogue", type=int, default=1_000_000, help="items to search among")


def measure(chosen):
    parts = chosen_parts(chosen, PARTS)
    build()
    others = Others()
    with tempfile.TemporaryDirectory(dir=TARGET, prefix="bench-market-") as folder:
        folder = Path(folder)
        if chosen.tls:
            cost_of_tls(folder, parts, chosen)
            parts = []
        if {"buy", "group"} & set(parts):
            with Postgresql(chosen.items) as theirs:
                if "buy" in parts:
                    with Market(folder / "one", 1) as ours:
                        purchases("one server", ours, theirs, chosen.clients, chosen)
                if "group" in parts:
                    with Market(folder / "three", 3) as ours:
                        clients = max(chosen.clients)
                        purchases("three servers, beside one", ours, theirs, [clients], chosen)
                theirs.audit()
        if {"search", "start"} & set(parts):
            with Market(folder / "many", 1) as ours:
                fill(ours, chosen.catalogue)
                if "search" in parts:
                    search(ours, chosen)
                if "start" in parts:
                    start(ours, chosen.catalogue)
    print(f"\nOther programs kept {others.cores():.2f} of {os.cpu_count()} cores busy meanwhile.")


class Market:
    """Servers of one market, as processes; with TLS, if so said."""

    name = "agora"

    def __init__(self, folder, servers, program=AGORA, has_tls=False):
        self.folder = folder
        self.program = program
        folder.mkdir(parents=True)
        self.addresses = [f"127.0.0.1:{port}" for port in free_ports(servers)]
        self.processes = {}
        self.certificates = folder / "certs" if has_tls else None
        if has_tls:
            make = [program, "cert", "--dir", self.certificates, "--group", "market"]
            run([*make, "--nodes", self.peers()])

    def peers(self):
        return ",".join(f"{node}={address}" for node, address in enumerate(self.addresses))

    def __enter__(self):
        for node in range(len(self.addresses)):
            self.start(node)
        self.leader()
        return self

    def __exit__(self, *_):
        for node in list(self.processes):
            self.kill(node)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, node):
        command = [self.program, "market", "--quiet", "--listen", self.addresses[node]]
        command += ["--data", self.folder / f"node_{node}"]
        if len(self.addresses) > 1:
            command += ["--node", node, "--peers", self.peers()]
        if self.certificates:
            command += ["--certs", self.certificates / f"node-{node}"]
        log = (self.folder / f"{node}.log").open("ab")
        command = [str(word) for word in command]
        self.processes[node] = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, node):
        self.processes[node].kill()
        self.processes[node].wait()

    def leader(self):
        return run([*self.bench("leader")])

    def bench(self, what, *flags):
        at = ["--market", ",".join(self.addresses)]
        if self.certificates:
            # Customers have no certificate: this folder has the authority alone.
            at += ["--certs", self.certificates]
        return [AGORA, "bench", "market", what, *at, *flags]

    def cpu_seconds(self):
        return sum(cpu_seconds(process.pid) for process in self.processes.values())

    def load(self, clients, seconds, items):
        """Purchases a second, median latency in microseconds, CPU microseconds a purchase."""
        before = self.cpu_seconds()
        # Nearly no warm-up: uncounted calls would use counted CPU time.
        load = ["--connections", clients, "--seconds", seconds, "--warm-up", 0.001]
        output = figures(run(self.bench("buy", "--items", items, *load)))
        spent = self.cpu_seconds() - before
        return output["calls_per_s"], output["p50"], spent * 1e6 / output["calls"]


def figures(output, method=""):
    """The figures that `agora bench` prints, of all calls or of one method."""
    line = rf"^{method}(?:latency_us )?([\w.]+) +([\d.]+)$"
    return {name: float(value) for name, value in re.findall(line, output, re.MULTILINE)}


def purchases(what, ours, theirs, clients, chosen):
    print(f"\npurchases, {what}, {chosen.items:,} items")
    head = ["clients", "agora/s", "PG/s", "ratio", "agora us", "PG us", "ratio"]
    head += ["agora CPU", "PG CPU", "ratio"]
    print(("{:>9}" * len(head)).format(*head), flush=True)
    ours.load(16, 1, chosen.items)
    theirs.load(16, 1)
    for count in clients:
        rounds = [], []
        for _ in range(chosen.rounds):
            rounds[0].append(ours.load(count, chosen.seconds, chosen.items))
            rounds[1].append(theirs.load(count, chosen.seconds))
        rate, median, cpu = (
            [statistics.median(each[place] for each in side) for side in rounds]
            for place in range(3)
        )
        print(
            f"{count:9}{rate[0]:9,.0f}{rate[1]:9,.0f}{rate[0] / rate[1]:8.2f}x"
            f"{median[0]:9,.0f}{median[1]:9,.0f}{median[0] / median[1]:8.2f}x"
            f"{cpu[0]:9.1f}{cpu[1]:9.1f}{cpu[0] / cpu[1]:8.3f}x",
            flush=True,
        )


def cost_of_tls(folder, parts, chosen):
    """Purchases alternate between a market in the clear and one with TLS."""
    for part, servers in (("buy", 1), ("group", 3)):
        if part not in parts:
            continue
        with (
            Market(folder / f"clear-{servers}", servers) as clear,
            Market(folder / f"tls-{servers}", servers, has_tls=True) as secured,
        ):
            for side in (clear, secured):
                side.load(16, 1, chosen.items)
            head(f"purchases, servers: {servers}, TLS beside the clear", "clients", "clear", "TLS")
            for clients in chosen.clients:
                turns(
                    clients,
                    [clear, secured],
                    chosen,
                    lambda side: side.load(clients, chosen.seconds, chosen.items),
                )


def fill(market, items):
    began = time.monotonic()
    run(market.bench("fill", "--items", items))
    took, held = time.monotonic() - began, idle.resident_bytes(market.processes[0].pid)
    print(f"\n{items:,} items put on sale in {took:.0f} s, durably; {held / 2**20:,.0f} MiB resident")


def search(market, chosen):
    """Searches while purchases run: sixteen buyers, and one searching client."""
    load = ["--items", chosen.catalogue, "--seconds", chosen.seconds, "--page-size", 20]
    buying = [str(word) for word in market.bench("buy", *load, "--connections", 16)]
    with subprocess.Popen(buying, stdout=subprocess.PIPE, text=True) as buyers:
        found = figures(run(market.bench("search", *load)))
        bought = figures(buyers.communicate()[0])
    print(f"\nsearch by word among {chosen.catalogue:,} items, 16 clients buying meanwhile")
    print(f"    {found['calls_per_s']:,.0f} searches and {bought['calls_per_s']:,.0f} purchases a second")
    for name in ("p50", "p90", "p99", "p99.9", "max"):
        print(f"    {name:6}{found[name] / 1e3:8.2f} ms", flush=True)


def start(market, items):
    """From the start of a killed server to its first answered search."""
    market.kill(0)
    files = market.folder / "node_0"
    sizes = [f"{file.name} {file.stat().st_size / 1e6:,.0f} MB" for file in sorted(files.rglob("*.txt"))]
    began = time.monotonic()
    market.start(0)
    market.leader()
    took = time.monotonic() - began
    print(f"\nstart with {items:,} items ({', '.join(sizes)}): {took:.2f} s to the first answer")

"""Measures what counting costs: the same program with metrics and with --no-metrics.

The servers of both run all the time, and the load alternates between them. Each line has the median
round of both and the ratio of counting to not counting; CPU is that of the servers, in microseconds a
call. The difference is smaller than the noise of one round: many short rounds tell more than a few
long ones.

With `scrape` the metrics are also read, two thousand times over one connection, of an echo server and of
the leader of a store that has served: the CPU time of the server for one scrape, and beside it the time
that this client waited, most of which is Python's own.
"""

import http.client
import tempfile
import time
from pathlib import Path

import kv
import rpc
from measure import AGORA, TARGET, Others, build, chosen_parts, cpu_seconds, load_arguments, running
from versions import echo, store

PARTS = ["echo", "sets", "gets", "scrape"]
NAMES = ("off", "on")
SCRAPES = 2_000


def arguments(parser):
    load_arguments(parser, PARTS, [16, 64])
    parser.set_defaults(rounds=15, seconds=1)
    parser.add_argument("--loads", nargs="+", default=["1x1", "10x10", "50x100"], metavar="CxM")


def measure(chosen):
    parts = chosen_parts(chosen, PARTS)
    build()
    others = Others()
    serve = [AGORA, "bench", "serve", *rpc.LISTEN]
    if "echo" in parts:
        echo([[*serve, "--no-metrics"], serve], chosen, NAMES)
    with tempfile.TemporaryDirectory(dir=TARGET, prefix="bench-metrics-") as folder:
        folder = Path(folder)
        if {"sets", "gets"} & set(parts):
            with (
                kv.Agora(folder / "off", flags=["--no-metrics"]) as off,
                kv.Agora(folder / "on") as on,
            ):
                store([off, on], parts, chosen, NAMES)
    if "scrape" in parts:
        print()
        with running(serve) as (process, address):
            scrape("echo server", process.pid, address)
        with (
            tempfile.TemporaryDirectory(dir=TARGET, prefix="bench-metrics-") as folder,
            kv.Agora(Path(folder) / "store") as store_group,
        ):
            for what in ("sets", "gets"):
                store_group.load(what, 4, 1)
            leader = store_group.leader()
            address = store_group.peers.split(",")[leader].split("=")[1]
            scrape("store", store_group.processes[leader].pid, address)
    print(f"\nOther programs kept {others.cores():.2f} cores busy meanwhile.")


def scrape(name, pid, address):
    """Prints what one scrape costs the server, and how long a client waits for it."""
    connection = http.client.HTTPConnection(address, timeout=10)
    waited = []
    before = cpu_seconds(pid)
    for _ in range(SCRAPES):
        began = time.perf_counter()
        connection.request("GET", "/metrics")
        text = connection.getresponse().read()
        waited.append((time.perf_counter() - began) * 1e6)
    spent = (cpu_seconds(pid) - before) / SCRAPES * 1e6
    waited.sort()
    print(
        f"scrape of the {name}: {len(text):,} bytes, {spent:.0f} us of the server's CPU "
        f"(the client waited {waited[len(waited) // 2]:.0f} us)"
    )

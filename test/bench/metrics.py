"""Measures what counting costs: the same program with metrics and with --no-metrics.

The servers of both run all the time, and the load alternates between them. Each line has the median
round of both and the ratio of counting to not counting; CPU is that of the servers, in microseconds a
call. The difference is smaller than the noise of one round: many short rounds tell more than a few
long ones.

With `scrape` the metrics are also read, a hundred times: the time of one scrape.
"""

import tempfile
import time
import urllib.request
from pathlib import Path

import kv
import rpc
from measure import AGORA, TARGET, Others, build, chosen_parts, load_arguments, running
from versions import echo, store

PARTS = ["echo", "sets", "gets", "scrape"]
NAMES = ("off", "on")
SCRAPES = 100


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
        with running(serve) as (_, address):
            scrape(address)
    print(f"\nOther programs kept {others.cores():.2f} cores busy meanwhile.")


def scrape(address):
    took = []
    for _ in range(SCRAPES):
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            text = answer.read()
        took.append((time.perf_counter() - began) * 1e6)
    took.sort()
    print(f"\nscrape: {len(text)} bytes, {took[len(took) // 2]:.0f} us, the connection included")

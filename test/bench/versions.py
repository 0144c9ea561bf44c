"""Compares two builds of Agora: what a change costs.

The servers of both run all the time, and the load program of the new build alternates between them,
so that only the servers differ. Each line has the median round of both and the ratio of new to old;
CPU is that of the servers, in microseconds a call. k-means is the whole command, old and new in
turns: the fastest round counts, since it fills both cores.

    git worktree add ../old COMMIT && (cd ../old && cargo build --release)
    scripts/bench versions --old ../old/target/release/agora
"""

import os
import sys
import tempfile
from pathlib import Path

import kmeans
import kv
import market
import rpc
from measure import (
    AGORA,
    TARGET,
    Others,
    build,
    chosen_parts,
    cpu_seconds,
    head,
    load_arguments,
    running,
    turns,
)

PARTS = ["echo", "sets", "gets", "buy", "kmeans"]


def arguments(parser):
    load_arguments(parser, PARTS, [1, 16, 64])
    parser.set_defaults(rounds=5)
    parser.add_argument("--old", required=True, type=Path, metavar="PROGRAM", help="the other build")
    parser.add_argument("--loads", nargs="+", default=["1x1", "10x10", "50x100"], metavar="CxM")
    parser.add_argument("--iterations", type=int, default=20, help="of k-means")


def measure(chosen):
    parts = chosen_parts(chosen, PARTS)
    if not os.access(chosen.old, os.X_OK):
        print(f"bench: {chosen.old} is not a program", file=sys.stderr)
        sys.exit(2)
    build()
    others = Others()
    programs = [chosen.old.resolve(), AGORA]
    with tempfile.TemporaryDirectory(dir=TARGET, prefix="bench-versions-") as folder:
        folder = Path(folder)
        if "echo" in parts:
            echo([[program, "bench", "serve", *rpc.LISTEN] for program in programs], chosen)
        if {"sets", "gets"} & set(parts):
            with (
                kv.Agora(folder / "kv-old", program=programs[0]) as old,
                kv.Agora(folder / "kv-new") as new,
            ):
                store([old, new], parts, chosen)
        if "buy" in parts:
            with (
                market.Market(folder / "market-old", 1, programs[0]) as old,
                market.Market(folder / "market-new", 1) as new,
            ):
                items = 10_000
                old.load(16, 1, items)
                new.load(16, 1, items)
                head("purchases, one server", "clients")
                for clients in chosen.clients:
                    turns(clients, [old, new], chosen, lambda side: side.load(clients, chosen.seconds, items))
        if "kmeans" in parts:
            iterations(programs, folder / "kmeans", chosen)
    print(f"\nOther programs kept {others.cores():.2f} of {os.cpu_count()} cores busy meanwhile.")


def store(sides, parts, chosen, names=("old", "new")):
    """Sets and gets of two running groups, in turns."""
    for part in ("sets", "gets"):
        if part in parts:
            for side in sides:
                side.load("sets", 16, 1)
            head(f"{part}, three nodes", "clients", *names)
            for clients in chosen.clients:
                turns(clients, sides, chosen, lambda side: side.load(part, clients, chosen.seconds))


def echo(commands, chosen, names=("old", "new")):
    """Echoes of two servers, which these commands start, in turns."""
    for protocol in ("native", "grpc"):
        load = rpc.own(protocol)
        head(f"echo of 100 bytes, {protocol}", "load", *names)
        with running(commands[0]) as old, running(commands[1]) as new:
            for name in chosen.loads:
                connections, inflight = (int(number) for number in name.split("x"))

                def once(side):
                    process, address = side
                    before = cpu_seconds(process.pid)
                    calls, took, latencies = load(address, connections, inflight, 100, chosen.seconds)
                    spent = cpu_seconds(process.pid) - before
                    return calls / took, latencies()[0], spent * 1e6 / calls

                turns(name, [old, new], chosen, once)


def iterations(programs, folder, chosen):
    """The whole command, from points to centroids, in turns."""
    dataset = kmeans.DATASETS[1]
    print(f"\nkmeans, {dataset.name}, two mappers, the fastest of {chosen.rounds}")
    folder.mkdir()
    kmeans.make(folder, dataset, "uniform")
    runs = [[kmeans.agora(folder, 2, chosen, program=program) for program in programs]
            for _ in range(chosen.rounds)]
    old, new = zip(*runs)
    for what, figure in (("ms an iteration", "iteration_ms"), ("whole s", "whole_s"), ("CPU s", "cpu_s")):
        before, after = (min(getattr(each, figure) for each in side) for side in (old, new))
        print(f"{what:16}{before:10.3f}{after:10.3f}{after / before:9.3f}x", flush=True)

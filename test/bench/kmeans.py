"""`agora kmeans` beside scikit-learn, faiss and, with --spark, Spark MLlib.

All use the same points, the same first centroids and the same number of iterations; Agora has as
many mappers as the others have threads. Agora is measured as the command with mapper and reducer
processes: an iteration includes RPC calls, partition files, shuffle and reduce. An iteration of the
others is the difference between a long run and a short one (test/bench/peers/kmeans.py), so that
their setup does not count; a second ratio compares with the whole of scikit-learn's fit(), divided
by its iterations.

Data: uniform points of the unit cube, in six decimals, have no clusters: the centroids keep moving,
and bounds help least. mnist is 60,000 handwritten digits.

The roofline is plain Lloyd in f64: N K D multiplications with an addition, or reading N D numbers,
whichever takes longer at the peak that `agora bench kmeans peak` finds in the same run. The share
is that time divided by the time of Agora: above 1 where bounds skip arithmetic.
"""

import re
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from measure import AGORA, ROOT, Others, build, run

PEERS = ROOT / "test" / "bench" / "peers"
CITIES = ROOT / "test" / "data" / "cities.csv"


@dataclass
class Dataset:
    """The data, and the wanted speed as a multiple of the faster of scikit-learn's two algorithms."""

    name: str
    points: int
    dims: int
    clusters: int
    wanted: float

    @property
    def numbers(self):
        return self.points * self.dims


DATASETS = [
    Dataset("1e6x2,K=10", 1_000_000, 2, 10, 10),
    Dataset("1e6x2,K=100", 1_000_000, 2, 100, 20),
    Dataset("1e6x16,K=100", 1_000_000, 16, 100, 5),
    Dataset("2e5x64,K=256", 200_000, 64, 256, 2.5),
    Dataset("1e7x2,K=16", 10_000_000, 2, 16, 1),
    Dataset("mnist,K=100", 60_000, 784, 100, 1),
]


def arguments(parser):
    names = [dataset.name for dataset in DATASETS]
    parser.add_argument("--datasets", nargs="+", choices=names, default=names, metavar="NAME",
                        help=f"of {' '.join(names)}")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2, help="the fastest counts")
    parser.add_argument("--shape", choices=["uniform", "clustered"], default="uniform")
    parser.add_argument("--spark", action="store_true", help="MLlib on the first dataset")
    parser.add_argument("--only-ours", action="store_true", help="no peers")


def measure(chosen):
    build()
    others = Others()
    peaks = {threads: peak(threads) for threads in chosen.threads}
    for threads, (flop_per_s, bytes_per_s) in peaks.items():
        print(f"{threads} threads: {flop_per_s / 1e9:.0f} GFLOP/s in f64, "
              f"{bytes_per_s / 1e9:.0f} GB/s read")
    datasets = [dataset for dataset in DATASETS if dataset.name in chosen.datasets]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for dataset in datasets:
            make(folder, dataset, chosen.shape)
            compare(folder, dataset, chosen, peaks)
            if dataset is DATASETS[0]:
                no_combine(folder, chosen)
                if chosen.spark:
                    spark(folder, dataset, chosen)
        small(folder, chosen.rounds)
        parsing(folder, chosen)
    print(f"\nOther programs kept {others.cores():.2f} cores busy.")


def peak(threads):
    """f64 operations and bytes read per second."""
    output = dict(line.split() for line in bench("peak", "--threads", threads).splitlines())
    return float(output["f64_gflop_per_s"]) * 1e9, float(output["read_gb_per_s"]) * 1e9


def bench(*words):
    return run([AGORA, "bench", "kmeans", *words])


def make(folder, dataset, shape):
    """Writes points.txt and centroids.txt, and the same numbers as raw f64."""
    words = ["--clusters", dataset.clusters, "--save", folder]
    if dataset.name.startswith("mnist"):
        text = folder / "points.txt"
        write_digits(text)
        bench("make", "--input", text, *words)
    else:
        size = ["--points", dataset.points, "--dims", dataset.dims, "--shape", shape]
        bench("make", *size, *words)


def write_digits(target):
    """MNIST's images as lines (http://yann.lecun.com/exdb/mnist: 16 bytes, then the pixels)."""
    source = Path(run([ROOT / "scripts" / "tools", "mnist"]).strip()) / "train-images-idx3-ubyte"
    pixels, side = source.read_bytes()[16:], 28 * 28
    words = [str(value) for value in range(256)]
    with target.open("w") as file:
        for start in range(0, len(pixels), side):
            file.write(",".join(words[pixel] for pixel in pixels[start : start + side]) + "\n")


def compare(folder, dataset, chosen, peaks):
    shape = "" if dataset.name.startswith("mnist") else f", {chosen.shape}"
    print(f"\n{dataset.name}{shape}: milliseconds an iteration, {chosen.iterations} iterations")
    head = ["threads", "agora", "whole s", "CPU s", "lloyd", "elkan", "faiss"]
    head += ["sklearn/agora", "fit()/agora", "wanted", "faiss/agora", "of roofline"]
    print(("{:>8}" * 7 + "{:>14}" * 5).format(*head), flush=True)
    for threads in chosen.threads:
        ours, theirs = [], {"lloyd": [], "elkan": [], "faiss": []}
        for number in range(chosen.rounds):
            ours.append(agora(folder, threads, chosen))
            if chosen.only_ours:
                continue
            # Elkan is by far the slower algorithm on most data, and runs once.
            names = ["lloyd", "faiss"] if number else list(theirs)
            for name, (*times, error) in peers(folder, dataset, threads, names, chosen).items():
                theirs[name].append(times)
                check(name, ours[-1], error)
        best = min(ours, key=lambda one: one.iteration_ms)
        flop_per_s, bytes_per_s = peaks[threads]
        plain = max(2 * dataset.numbers * dataset.clusters / flop_per_s,
                    8 * dataset.numbers / bytes_per_s)
        line = f"{threads:8}{best.iteration_ms:8.2f}{min(o.whole_s for o in ours):8.2f}"
        line += f"{min(o.cpu_s for o in ours):8.2f}"
        if not chosen.only_ours:
            lloyd, elkan, faiss = (min(times)[0] for times in theirs.values())
            line += f"{lloyd:8.1f}{elkan:8.1f}{faiss:8.1f}"
            fit = min(whole for name in ("lloyd", "elkan") for _, whole in theirs[name])
            for ratio in (min(lloyd, elkan) / best.iteration_ms, fit / best.iteration_ms,
                          dataset.wanted, faiss / best.iteration_ms):
                line += f"{ratio:13.1f}x"
        else:
            line += " " * 80
        print(f"{line}{plain * 1e3 / best.iteration_ms:14.2f}", flush=True)


@dataclass
class Clustered:
    """One run of agora kmeans."""

    iteration_ms: float
    iterations: int
    error: float
    whole_s: float
    cpu_s: float


def agora(folder, mappers, chosen, *flags, points=None, init=True, program=AGORA):
    """Runs the whole command, without writing labels."""
    points = points or folder / "points.txt"
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    command = [program, "kmeans", "--input", points, "-m", mappers, "-r", 1, "--data", data]
    command += ["--iterations", chosen.iterations, "--no-labels"]
    command += ["--init", folder / "centroids.txt"] if init else []
    began, before = time.monotonic(), children_cpu_s()
    with (folder / "output").open("w") as output:
        run([*command, *flags], stderr=output)
    took, cpu = time.monotonic() - began, children_cpu_s() - before
    output = (folder / "output").read_text()
    found = re.search(r"^(\d+) iterations in ([\d.]+) (ms|s);", output, re.MULTILINE)
    errors = re.findall(r"^squared error ([\d.e+]+)", output, re.MULTILINE)
    if not found or not errors:
        sys.exit(f"bench: unexpected output of agora kmeans:\n{output}")
    iterations = int(found[1])
    milliseconds = float(found[2]) * (1e3 if found[3] == "s" else 1)
    return Clustered(milliseconds / iterations, iterations, float(errors[-1]), took, cpu)


def children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peers(folder, dataset, threads, names, chosen):
    """By name: milliseconds an iteration, of the whole run per iteration, and the squared error."""
    python = Path(run([ROOT / "scripts" / "tools", "peers"]).strip()) / "python"
    command = [python, PEERS / "kmeans.py", folder, dataset.dims, "--threads", threads]
    output = run([*command, "--iterations", chosen.iterations, "--only", ",".join(names)])
    words = [line.split() for line in output.splitlines()]
    return {name: (float(wall), float(fit), float(error)) for name, wall, _, fit, error in words}


def check(name, ours, theirs):
    """All take the same steps: the peers are one iteration ahead, and faiss computes in f32."""
    if not 0.97 < theirs / ours.error < 1.01:
        print(f"bench: {name} came to a squared error of {theirs}, ours to {ours.error}")


def no_combine(folder, chosen):
    """Every point goes through partition files, shuffle and sort; the two modes alternate, and the
    fastest run of each counts.

    The only reducer uses all cores: a second one would not help.
    """
    runs = [(agora(folder, 2, chosen), agora(folder, 2, chosen, "--no-combine"))
            for _ in range(chosen.rounds)]
    with_it, without = (min(run.iteration_ms for run in way) for way in zip(*runs))
    print(f"--no-combine, 2 mappers, 1 reducer: {without:.1f} ms, {without / with_it:.1f}x the "
          f"default's {with_it:.2f} (wanted: 20x)")


def spark(folder, dataset, chosen):
    python = Path(run([ROOT / "scripts" / "tools", "spark"]).strip()) / "python"
    command = [python, PEERS / "spark.py", folder, dataset.dims, "--threads", 2]
    output = run([*command, "--iterations", chosen.iterations]).split()
    there, cached, each, error = (float(word) for word in output[1:])
    ours = min((agora(folder, 2, chosen) for _ in range(chosen.rounds)),
               key=lambda one: one.iteration_ms)
    check("spark", ours, error)
    print(f"Spark MLlib, local[2]: {there:.1f} s until it is there, {cached:.1f} s to read, "
          f"{each:.0f} ms an iteration, {each / ours.iteration_ms:.0f}x ours")


def small(folder, rounds):
    """The whole command on a small input."""
    data = folder / "data"
    command = [AGORA, "kmeans", "--input", CITIES, "-k", 20, "-m", 2, "-r", 1, "--quiet"]
    times = []
    for _ in range(3 * rounds):
        shutil.rmtree(data, ignore_errors=True)
        began = time.monotonic()
        run([*command, "--iterations", 20, "--data", data])
        times.append(time.monotonic() - began)
    points = sum(1 for _ in CITIES.open())
    print(f"\ncities.csv, {points} points, K=20, M=2, R=1, 20 iterations, all of the command: "
          f"{min(times):.3f} s (wanted: below 0.5)", flush=True)


def parsing(folder, chosen):
    """Parses cities.csv repeatedly, on one core."""
    best = 0
    for _ in range(chosen.rounds + 1):
        output = bench("read", "--input", CITIES, "--mib", 300)
        best = max(best, float(re.search(r"(\d+) MB/s", output)[1]))
    line = f"parsing, cities.csv repeated to 300 MB: {best:.0f} MB/s a core (wanted: 500)"
    if not chosen.only_ours:
        python = Path(run([ROOT / "scripts" / "tools", "peers"]).strip()) / "python"
        text = folder / "cities"
        text.write_bytes(CITIES.read_bytes() * 12)
        program = (f"import numpy, time; began = time.perf_counter(); "
                   f"numpy.loadtxt({str(text)!r}, delimiter=','); "
                   f"print(time.perf_counter() - began)")
        seconds = float(run([python, "-c", program]))
        rate = text.stat().st_size / 1e6 / seconds
        line += f", np.loadtxt {rate:.0f} MB/s, {best / rate:.1f}x"
    print(line, flush=True)

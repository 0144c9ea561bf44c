#!/usr/bin/env python3
"""Times scikit-learn's and faiss's k-means on what `agora bench kmeans assign --save DIR` wrote.

    kmeans_peers.py DIR DIMS [--iterations 20] [--threads 1] [--rounds 3] [--only lloyd,elkan,faiss]

Same points, same first centroids, same number of iterations. Prints a line for each: milliseconds
an iteration of the best round, milliseconds of CPU time (which others on the machine don't change
as much), and the squared error that it came to.
"""

import argparse
import os
import sys
import time
import warnings
from pathlib import Path


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("dims", type=int)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="lloyd,elkan,faiss")
    return parser.parse_args()


ARGUMENTS = arguments()
# Read when the libraries are loaded.
os.environ["OMP_NUM_THREADS"] = str(ARGUMENTS.threads)
os.environ["OPENBLAS_NUM_THREADS"] = str(ARGUMENTS.threads)

import numpy as np  # noqa: E402


class Stopwatch:
    """Seconds of wall and CPU time since it was made."""

    def __init__(self):
        self.start = time.perf_counter(), time.process_time()

    def per(self, iterations):
        wall, cpu = self.start
        return (time.perf_counter() - wall) / iterations, (time.process_time() - cpu) / iterations


def scikit_learn(points, centroids, algorithm):
    """Seconds an iteration, wall and CPU, and the squared error."""
    from sklearn.cluster import KMeans

    model = KMeans(
        len(centroids),
        init=centroids,
        n_init=1,
        max_iter=ARGUMENTS.iterations,
        tol=0,
        algorithm=algorithm,
        copy_x=False,
    )
    watch = Stopwatch()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(points)
    return *watch.per(model.n_iter_), model.inertia_


def faiss_kmeans(points, centroids):
    """The same, in f32."""
    import faiss

    faiss.omp_set_num_threads(ARGUMENTS.threads)
    model = faiss.Kmeans(
        points.shape[1],
        len(centroids),
        niter=ARGUMENTS.iterations,
        max_points_per_centroid=(1 << 31) - 1,
        min_points_per_centroid=1,
    )
    watch = Stopwatch()
    model.train(points, init_centroids=centroids)
    return *watch.per(ARGUMENTS.iterations), float(model.obj[-1])


def main():
    points = np.fromfile(ARGUMENTS.folder / "points.f64").reshape(-1, ARGUMENTS.dims)
    centroids = np.fromfile(ARGUMENTS.folder / "centroids.f64").reshape(-1, ARGUMENTS.dims)
    single = points.astype(np.float32), centroids.astype(np.float32)
    contenders = {
        "lloyd": lambda: scikit_learn(points.copy(), centroids, "lloyd"),
        "elkan": lambda: scikit_learn(points.copy(), centroids, "elkan"),
        "faiss": lambda: faiss_kmeans(*single),
    }
    for name in ARGUMENTS.only.split(","):
        best = min(contenders[name]() for _ in range(ARGUMENTS.rounds))
        wall, cpu, error = best
        print(f"{name:6} {wall * 1e3:10.3f} ms an iteration, CPU {cpu * 1e3:10.3f} ms, squared error {error:.9e}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Times scikit-learn's and faiss's k-means on what `agora bench kmeans make --save DIR` wrote.

    kmeans.py DIR DIMS [--iterations 20] [--threads 1] [--only lloyd,elkan,faiss]

Same points, same first centroids. The time of an iteration is the difference between a run of
N + 1 iterations and a run of one, divided by N: setup does not count, nor does Elkan's slow first
iteration. Prints a line for each: name, milliseconds an iteration, milliseconds of CPU time (which
other programs on the machine change less), milliseconds of the longer run divided by its
iterations, which is what a user of fit() waits for, and the final squared error.
"""

import argparse
import os
import sys
import time
import warnings
from pathlib import Path


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("dims", type=int)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="lloyd,elkan,faiss")
    return parser.parse_args()


ARGUMENTS = arguments()
# Read when the libraries are loaded.
os.environ["OMP_NUM_THREADS"] = str(ARGUMENTS.threads)
os.environ["OPENBLAS_NUM_THREADS"] = str(ARGUMENTS.threads)

import numpy as np  # noqa: E402


def scikit_learn(points, centroids, algorithm, iterations):
    """The number of iterations, and the squared error."""
    from sklearn.cluster import KMeans

    model = KMeans(
        len(centroids),
        init=centroids,
        n_init=1,
        max_iter=iterations,
        tol=0,
        algorithm=algorithm,
        copy_x=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(points)
    return model.n_iter_, model.inertia_


def faiss_kmeans(points, centroids, iterations):
    """The same, in f32."""
    import faiss

    faiss.omp_set_num_threads(ARGUMENTS.threads)
    model = faiss.Kmeans(
        points.shape[1],
        len(centroids),
        niter=iterations,
        max_points_per_centroid=(1 << 31) - 1,
        min_points_per_centroid=1,
    )
    model.train(points, init_centroids=centroids)
    return iterations, float(model.obj[-1])


def timed(run, iterations):
    """Iterations, wall and CPU seconds, and the squared error of a run."""
    wall, cpu = time.perf_counter(), time.process_time()
    done, error = run(iterations)
    return done, time.perf_counter() - wall, time.process_time() - cpu, error


def main():
    points = np.fromfile(ARGUMENTS.folder / "points.f64").reshape(-1, ARGUMENTS.dims)
    centroids = np.fromfile(ARGUMENTS.folder / "centroids.f64").reshape(-1, ARGUMENTS.dims)
    runs = {
        "lloyd": lambda n: scikit_learn(points, centroids, "lloyd", n),
        "elkan": lambda n: scikit_learn(points, centroids, "elkan", n),
        "faiss": lambda n: faiss_kmeans(single[0], single[1], n),
    }
    names = ARGUMENTS.only.split(",")
    if "faiss" in names:
        single = points.astype(np.float32), centroids.astype(np.float32)
    for name in names:
        # Threads are started, libraries loaded, pages touched.
        timed(runs[name], 1)
        first, all_of_them = timed(runs[name], 1), timed(runs[name], 1 + ARGUMENTS.iterations)
        iterations = max(all_of_them[0] - first[0], 1)
        wall, cpu = ((all_of_them[place] - first[place]) / iterations * 1e3 for place in (1, 2))
        whole = all_of_them[1] / all_of_them[0] * 1e3
        print(f"{name} {wall:.3f} {cpu:.3f} {whole:.3f} {all_of_them[3]:.9e}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Times Spark MLlib's k-means on what `agora bench kmeans make --save DIR` wrote.

    spark.py DIR DIMS [--iterations 20] [--threads 2]

Same points, cached in memory, same first centroids (which the RDD interface takes), same number of
iterations. Prints seconds until Spark has started and until the points are cached, milliseconds an
iteration (training twice, as in kmeans.py) and the squared error.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("dims", type=int)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main():
    chosen = arguments()
    # Spark's workers use this Python too.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    began = time.perf_counter()
    from pyspark.mllib.clustering import KMeans, KMeansModel
    from pyspark.mllib.linalg import Vectors
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"local[{chosen.threads}]").appName("k-means")
    spark = builder.config("spark.driver.memory", "4g").config("spark.ui.enabled", "false")
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    context = spark.getOrCreate().sparkContext
    context.setLogLevel("ERROR")
    there = time.perf_counter()
    lines = context.textFile(str(chosen.folder / "points.txt"), chosen.threads)
    points = lines.map(lambda line: Vectors.dense([float(x) for x in line.split(",")])).cache()
    points.count()
    cached = time.perf_counter()
    centroids = np.fromfile(chosen.folder / "centroids.f64").reshape(-1, chosen.dims)
    first = KMeansModel([Vectors.dense(centroid) for centroid in centroids])

    def train(iterations):
        start = time.perf_counter()
        model = KMeans.train(
            points, len(centroids), maxIterations=iterations, initialModel=first, epsilon=0.0
        )
        return time.perf_counter() - start, model

    train(1)
    one, _ = train(1)
    more, model = train(1 + chosen.iterations)
    each = (more - one) / chosen.iterations * 1e3
    error = model.computeCost(points)
    print(f"spark {there - began:.1f} {cached - there:.1f} {each:.1f} {error:.9e}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

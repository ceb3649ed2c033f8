"""Microseconds per bootstrap replicate of the interquartile mean and of the probability of improvement, and milliseconds of a
hypervolume, with numpy and scipy: 10 runs of 26 tasks drawn within each task, and 10,000 points.

    python3 benchmarks/numpy/bootstrap.py
    go test ./tradeoff -run '^$' -bench 'Scores|Improvement|Hypervolume'

The operations are those of the usual tools: scipy.stats.trim_mean and scipy.stats.mannwhitneyu for each replicate, and a sorted
sweep with numpy. Needs numpy and scipy; nothing is downloaded.
"""

import statistics
import time

import numpy as np
from scipy import stats


def median(f, n, repeat=5):
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        for _ in range(n):
            f()
        times.append((time.perf_counter() - start) / n)
    return statistics.median(times)


def main():
    rng = np.random.default_rng(1)
    runs, tasks = 10, 26
    x = rng.normal(size=(runs, tasks)) + np.arange(tasks) / 10
    y = rng.normal(size=(runs, tasks)) + np.arange(tasks) / 10
    at = np.arange(tasks)

    def draw(s):
        return s[rng.integers(0, runs, size=(runs, tasks)), at]

    def improvement():
        a, b = draw(x), draw(y)
        return np.mean([stats.mannwhitneyu(a[:, t], b[:, t], alternative="greater").statistic / runs**2 for t in range(tasks)])

    points = rng.random((10_000, 2))

    def hypervolume():
        p = points[np.argsort(points[:, 0])]
        top = np.minimum.accumulate(p[:, 1])
        before = np.concatenate(([1.0], top[:-1]))
        return np.sum((1 - p[:, 0]) * (before - top))

    print(f"IQM                        {1e6 * median(lambda: stats.trim_mean(draw(x), 0.25, axis=None), 500):9.1f} µs/replicate")
    print(f"probability of improvement {1e6 * median(improvement, 10):9.1f} µs/replicate")
    print(f"hypervolume, 2 objectives  {1e3 * median(hypervolume, 20):9.3f} ms")


if __name__ == "__main__":
    main()

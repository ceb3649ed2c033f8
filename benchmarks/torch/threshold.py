"""Milliseconds for the threshold of global magnitude pruning, with numpy and torch: the 9-millionth of 10 million scores
that lie in 50 tensors.

    python3 benchmarks/torch/threshold.py
    go test ./prune -run '^$' -bench 'Kth|Quantile|Apply|ReadWrite'

Both libraries need the scores in one array: its concatenation is timed apart. The last two lines are the masking of the
weights, and reading and writing them once. Prints minimum and median over repetitions. Where other programs share the
processors, run the two in turn, several times, and compare ratios. Needs numpy and torch; nothing is downloaded.
"""

import argparse
import statistics
import time

import numpy as np
import torch


def measure(name, f, repeat):
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        f()
        times.append(1000 * (time.perf_counter() - start))
    print(f"{name:28} {min(times):8.1f} ms minimum {statistics.median(times):8.1f} ms median")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"numpy {np.__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    rng = np.random.default_rng(1)
    tensors = [np.abs(rng.standard_normal(200_000, dtype=np.float32)) for _ in range(50)]
    scores = np.concatenate(tensors)
    t = torch.from_numpy(scores)
    measure("np.concatenate", lambda: np.concatenate(tensors), args.repeat)
    measure("np.quantile", lambda: np.quantile(scores, 0.9), args.repeat)
    measure("np.partition", lambda: np.partition(scores, 9_000_000), args.repeat)
    measure("torch.kthvalue", lambda: torch.kthvalue(t, 9_000_001), args.repeat)
    measure("torch.topk", lambda: torch.topk(t, 1_000_000), args.repeat)
    weights = torch.from_numpy(scores.copy())
    mask = (t > 1.6449).float()
    measure("torch weights.mul_(mask)", lambda: weights.mul_(mask), args.repeat)
    measure("torch weights.mul_(1)", lambda: weights.mul_(1.0), args.repeat)


if __name__ == "__main__":
    main()

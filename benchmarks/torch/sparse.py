"""Microseconds of the products of torch and scipy with a sparse matrix of 1024 by 1024, and of torch's dense product.

    OMP_NUM_THREADS=1 python3 benchmarks/torch/sparse.py
    (cd benchmarks && go run ./cmd/ratios -only sparse)

64 examples, float32, one thread. Of each product the fastest of the ways to write it counts: torch takes examples as
columns for sparse ones, without transposing them. Prints the median over rounds in which all take turns, and the ratio
to torch's dense product.
"""

import statistics
import time

import peer

peer.best()

import numpy
import torch

try:
    import scipy.sparse
except ImportError:
    scipy = None

torch.set_num_threads(1)
rng = numpy.random.default_rng(1)
N, BATCH, ROUNDS = 1024, 64, 30


def microseconds(functions):
    times = {name: [] for name in functions}
    for f in functions.values():
        f()
    for _ in range(ROUNDS):
        for name, f in functions.items():
            start = time.perf_counter()
            f()
            times[name].append(1e6 * (time.perf_counter() - start))
    return {name: statistics.median(t) for name, t in times.items()}


def main():
    print("torch", torch.__version__, "scipy", scipy.__version__ if scipy else "not installed")
    print("| sparsity | torch dense us | torch CSR us | dense / CSR | scipy CSR us | one example: torch dense us | torch CSR us "
          "| scipy CSR us |\n|--:|--:|--:|--:|--:|--:|--:|--:|")
    x = rng.standard_normal((BATCH, N), dtype=numpy.float32)
    tx, txt = torch.from_numpy(x), torch.from_numpy(x).t().contiguous()
    v = rng.standard_normal(N, dtype=numpy.float32)
    tv, tcolumn = torch.from_numpy(v), torch.from_numpy(v)[:, None]
    for sparsity in [0.5, 0.8, 0.9, 0.95, 0.98]:
        w = rng.standard_normal((N, N), dtype=numpy.float32) * (rng.random((N, N)) >= sparsity)
        tw = torch.from_numpy(w.astype(numpy.float32))
        twt = tw.t().contiguous()
        csr = tw.to_sparse_csr()
        functions = {
            "rows": lambda: tx @ tw.t(), "transposed": lambda: tx @ twt, "columns": lambda: tw @ txt,
            "csr": lambda: csr @ txt, "vector": lambda: tw @ tv, "csr vector": lambda: csr @ tcolumn,
        }
        if scipy:
            sw, sxt = scipy.sparse.csr_matrix(w.astype(numpy.float32)), numpy.ascontiguousarray(x.T)
            functions["scipy"] = lambda: sw @ sxt
            functions["scipy vector"] = lambda: sw @ v
        us = microseconds(functions)
        dense = min(us["rows"], us["transposed"], us["columns"])
        print(f"| {sparsity} | {dense:.0f} | {us['csr']:.0f} | {dense / us['csr']:.3f} | {us.get('scipy', 0):.0f} "
              f"| {us['vector']:.1f} | {us['csr vector']:.1f} | {us.get('scipy vector', 0):.1f} |")


main()

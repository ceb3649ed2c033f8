"""Torch at its best: its products are OpenBLAS's, which falls back to kernels of twenty years ago on processors that it
does not know. best() runs the program again with OPENBLAS_CORETYPE set to the kernels that are fastest of those that
compute the right product, unless the variable is set, and prints which they are."""

import ctypes
import os
import subprocess
import sys

PROBE = """
import time, torch
torch.set_num_threads(1)
a, b = torch.randn(384, 384), torch.randn(384, 384)
want = (a.double() @ b.double()).float()
right = torch.allclose(a @ b, want, atol=1e-2)
least = 1e9
for _ in range(20):
    start = time.perf_counter()
    a @ b
    least = min(least, time.perf_counter() - start)
print(2 * 384 ** 3 / least / 1e9 if right else 0)
"""


def kernels():
    for name in ("libopenblas.so.0", "libopenblas.so"):
        try:
            f = ctypes.CDLL(name).openblas_get_corename
            f.restype = ctypes.c_char_p
            return f().decode()
        except (OSError, AttributeError):
            continue
    return "not OpenBLAS"


def best():
    if "OPENBLAS_CORETYPE" not in os.environ:
        fastest, choice = 0.0, ""
        flags = open("/proc/cpuinfo").read()
        wide = ["SapphireRapids", "Cooperlake", "SkylakeX"] if " avx512f" in flags else []
        for name in wide + ["Zen", "Haswell"]:
            env = dict(os.environ, OPENBLAS_CORETYPE=name, OPENBLAS_NUM_THREADS="1")
            run = subprocess.run([sys.executable, "-c", PROBE], env=env, capture_output=True, text=True)
            if run.returncode == 0 and float(run.stdout) > fastest:
                fastest, choice = float(run.stdout), name
        if choice:
            os.environ["OPENBLAS_CORETYPE"] = choice
            os.execv(sys.executable, [sys.executable] + sys.argv)
    print("OpenBLAS runs its kernels of", kernels())

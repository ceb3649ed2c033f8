"""Weighted MMD with a Gaussian kernel, value and gradient, in torch: the peer of

    go test ./causal -run xxx -bench 'MMD/'

Two forms: the four kernel means of the released code of Makar et al. 2022, and one quadratic form, which is what
torch can do at its best. One thread.
"""

import statistics
import time

import peer

peer.best()

import torch  # noqa: E402

torch.set_num_threads(1)


def distances(a, b):
    return ((a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * a @ b.T).clamp_min(0)


def reference(z, v, w, sigma):
    k = torch.exp(-distances(z, z) / (2 * sigma * sigma))
    one, zero = w * v, w * (1 - v)

    def mean(a, b):
        weights = a[:, None] * b[None, :]
        return (k * weights).sum() / weights.sum()

    return (mean(one, one) + mean(zero, zero) - 2 * mean(one, zero)).clamp_min(0)


def fused(z, v, w, sigma):
    a = w * v / (w * v).sum() - w * (1 - v) / (w * (1 - v)).sum()
    return a @ torch.exp(-distances(z, z) / (2 * sigma * sigma)) @ a


print("torch", torch.__version__)
for n, d in ((64, 16), (64, 1000), (256, 128), (512, 512)):
    z = torch.randn(n, d, requires_grad=True)
    v = (torch.rand(n) < 0.5).float()
    w = torch.rand(n) + 0.5
    for f in (reference, fused):
        times = []
        for _ in range(15):
            calls, start = 0, time.perf_counter()
            while time.perf_counter() - start < 0.02:
                z.grad = None
                f(z, v, w, 5.0).backward()
                calls += 1
            times.append((time.perf_counter() - start) / calls)
        print(f"{n}x{d} {f.__name__}: {1e3 * statistics.median(times):.3f} ms")

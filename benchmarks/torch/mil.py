"""Milliseconds of the poolings and of a training step of package mil in torch, on one thread.

    go test ./mil -run '^$' -bench 'Rules|Attention' -cpu 1
    go test ./examples/mil -run '^$' -bench Step -cpu 1
    python3 benchmarks/torch/mil.py

The data are 100 bags of 1000 instances of 64 columns, float32, pooled bag by bag over views of one matrix, which torch
does faster than padded. The model of the step is 166-256-128-64, gated attention of 64, a linear head, on a bag of five
instances with Nesterov's momentum and weight decay. Prints medians. Where other programs share the processors, run the
two in turn, several times, and compare ratios.
"""

import argparse
import statistics
import time

import torch
from torch import nn


def measure(name, f, seconds):
    times, end = [], time.perf_counter() + seconds
    f()
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    print(f"{name:14} median {1e3 * statistics.median(times):8.3f} ms  fastest {1e3 * min(times):8.3f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="per line")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} thread")
    x = torch.randn(100_000, 64)
    bags = list(x.split(1000))
    v, u, w = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 1)

    def gated(b):
        a = torch.softmax(w(torch.tanh(v(b)) * torch.sigmoid(u(b))), 0)
        return (a * b).sum(0)

    def gated_product(b):
        a = torch.softmax(w(torch.tanh(v(b)) * torch.sigmoid(u(b))), 0)
        return a.T @ b

    poolings = {
        "mean": lambda b: b.mean(0),
        "max": lambda b: b.max(0),
        "log-mean-exp": lambda b: torch.logsumexp(5 * b, 0) / 5,
        "top fifth": lambda b: b.topk(200, 0).values.mean(0),
        "top, columns": lambda b: b.T.contiguous().topk(200, 1, sorted=False).values.mean(1),
        "median": lambda b: b.median(0),
        "gated": gated,
        "gated, product": gated_product,
    }
    with torch.no_grad():
        for name, f in poolings.items():
            measure(name, lambda: [f(b) for b in bags], args.seconds)
    net = nn.Sequential(nn.Linear(166, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.5),
                        nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.5))
    head = nn.Linear(64, 1)
    params = [p for m in (net, v, u, w, head) for p in m.parameters()]
    opt = torch.optim.SGD(params, lr=5e-4, momentum=0.9, nesterov=True, weight_decay=5e-3)
    bag, label = torch.randn(5, 166), torch.ones(1)

    def step():
        opt.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(head(gated_product(net(bag)))[0], label)
        loss.backward()
        opt.step()

    measure("step", step, args.seconds)


if __name__ == "__main__":
    main()

"""Milliseconds per training step of torch on the CPU, for the models of tensor/nn/bench_test.go.

    python3 benchmarks/torch/steps.py --threads 2
    GOMAXPROCS=2 go test ./tensor/nn -run '^$' -bench Step

A step is the forward pass, cross-entropy, zeroing the gradients, the backward pass and SGD, on float32 and one fixed batch.
Prints the median and the minimum over the steps. Needs torch; nothing is downloaded. Where other programs share the
processors, run the two in turn, several times, and with OMP_WAIT_POLICY=PASSIVE: torch's threads wait for each other in
busy loops and lose whole time slices.
"""

import argparse
import statistics
import time

import peer

peer.best()

import torch  # noqa: E402
from torch import nn


def mlp():
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    return model, torch.randn(64, 1, 28, 28)


def cnn():
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(7 * 7 * 32, 10))
    return model, torch.randn(64, 1, 28, 28)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        return self.head(self.body(x).mean(1))


def transformer():
    return Encoder(), torch.randn(16, 32, 128)


def measure(build, seconds):
    torch.manual_seed(1)
    model, x = build()
    labels = torch.arange(len(x)) % 10
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()

    def step():
        start = time.perf_counter()
        loss = criterion(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        return time.perf_counter() - start

    for _ in range(10):  # warm-up
        step()
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        times.append(step())
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seconds", type=float, default=1.0, help="per model, after ten steps of warm-up")
    parser.add_argument("models", nargs="*", default=["mlp", "cnn", "transformer"])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for name in args.models:
        times = measure({"mlp": mlp, "cnn": cnn, "transformer": transformer}[name], args.seconds)
        print(f"{name:12} median {1e3 * statistics.median(times):7.3f} ms/step  min {1e3 * min(times):7.3f}  steps {len(times)}")


if __name__ == "__main__":
    main()

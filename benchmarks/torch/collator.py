"""Mtok/s of the operations of Hugging Face's DataCollatorForLanguageModeling.torch_mask_tokens on the CPU.

    python3 benchmarks/torch/collator.py
    go test ./schedule/masking -run '^$' -bench 'Mask/' -cpu 1

The batch is 32 rows of 512 int64 ids with the mask of special tokens given, as in BenchmarkMask. Prints the rate of the median
and of the fastest of the calls. Needs torch, not transformers; nothing is downloaded. Where other programs share the
processors, run the two in turn, several times, and compare ratios.
"""

import argparse
import statistics
import time

import peer

peer.best()

import torch  # noqa: E402

VOCAB, MASK, ROWS, COLS = 30522, 103, 32, 512


def mask_tokens(inputs, special, rate):
    labels = inputs.clone()
    probability = torch.full(labels.shape, rate)
    probability.masked_fill_(special, value=0.0)
    selected = torch.bernoulli(probability).bool()
    labels[~selected] = -100
    replaced = torch.bernoulli(torch.full(labels.shape, 0.8)).bool() & selected
    inputs[replaced] = MASK
    random = torch.bernoulli(torch.full(labels.shape, 0.5)).bool() & selected & ~replaced
    words = torch.randint(VOCAB, labels.shape, dtype=torch.long)
    inputs[random] = words[random]
    return inputs, labels


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="per rate")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    source = torch.randint(1000, VOCAB, (ROWS, COLS))
    source[:, 0], source[:, -1] = 101, 102
    special = (source == 101) | (source == 102)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {ROWS}x{COLS}")
    for rate in (0.15, 0.30):
        times = []
        end = time.perf_counter() + args.seconds
        while len(times) < 20 or time.perf_counter() < end:
            batch = source.clone()  # not measured: the collator works in place
            start = time.perf_counter()
            mask_tokens(batch, special, rate)
            times.append(time.perf_counter() - start)
        speed = lambda seconds: ROWS * COLS / seconds / 1e6
        print(f"rate {rate:.2f}  median {speed(statistics.median(times)):6.1f} Mtok/s  fastest {speed(min(times)):6.1f} Mtok/s")


if __name__ == "__main__":
    main()

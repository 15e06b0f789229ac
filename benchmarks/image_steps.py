"""Milliseconds of a step of FixMatch on colour images of 32x32, on one thread of a CPU.

    python benchmarks/image_steps.py [--steps 4] [--precision bfloat16]

Random images; the automatic network, that of other images, and WideResNet-28-2, at the default
batch (64 labeled rows and 448 unlabeled ones) and at smaller ones. CPU seconds of the process, so
that others on the machine disturb little: those of a fit of 1 + steps less those of a fit of one.
Minutes are those of the default budget, 1,000 steps.
"""

import argparse
import time

import numpy as np
import torch

from sklearn_ssl import FixMatchClassifier
from sklearn_ssl.networks import CNN, WideResNet

CASES = [
    ("FastCNN, automatic", "auto", 64, 7),
    ("FastCNN, automatic", "auto", 32, 3),
    ("FastCNN, automatic", "auto", 16, 3),
    ("CNN", CNN, 32, 3),
    ("WideResNet-28-2", WideResNet, 64, 7),
    ("WideResNet-28-2", WideResNet, 16, 3),
]


def seconds(module, batch_size, ratio, steps, precision):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (1000, 3, 32, 32), dtype=np.uint8)
    y = np.where(np.arange(1000) < 100, np.arange(1000) % 10, -1)
    clf = FixMatchClassifier(
        module=module, batch_size=batch_size, unlabeled_ratio=ratio, max_steps=steps,
        random_state=0, device="cpu", precision=precision,
    )  # fmt: skip
    start = time.process_time()
    clf.fit(X, y)
    return time.process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print("| network | labeled + unlabeled rows a step | ms a step | minutes |")
    print("| --- | --- | --- | --- |")
    for name, module, batch_size, ratio in CASES:
        with_steps, base = (
            seconds(module, batch_size, ratio, n, args.precision) for n in (1 + args.steps, 1)
        )
        each = (with_steps - base) / args.steps
        rows = f"{batch_size} + {ratio * batch_size}"
        print(f"| {name} | {rows} | {1000 * each:.0f} | {1000 * each / 60:.0f} |", flush=True)


if __name__ == "__main__":
    main()

"""Time and accuracy of two processes beside one with the same total batch.

    torchrun --standalone --nproc-per-node 2 benchmarks/processes.py speed [--batch-size 64]
    torchrun --standalone --nproc-per-node 2 benchmarks/processes.py accuracy [--seeds 3]

"speed" times steps of FixMatch with a WideResNet of depth 10 and width 1 on images of noise. The
processes train together, then the first one alone with as many rows a step, in turn, each process
with one thread. "accuracy" fits digits with 50 labels, half of the rows being the test set.
"""

import argparse
import os
import tempfile
from itertools import count
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import distributed

from sklearn_ssl import FixMatchClassifier, hide_labels
from sklearn_ssl.networks import WideResNet

RANK, SIZE = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
STORE = Path(tempfile.gettempdir()) / f"processes-{os.environ.get('TORCHELASTIC_RUN_ID')}"
numbers = count()


def together_and_alone(fit, batch_size):
    """What ``fit`` returns of all processes, and of the first one with all of their rows."""
    store = f"file://{STORE}-{next(numbers)}"
    distributed.init_process_group("gloo", init_method=store, rank=RANK, world_size=SIZE)
    together = fit(batch_size // SIZE)
    distributed.barrier()
    distributed.destroy_process_group()
    return together, fit(batch_size) if RANK == 0 else None


def speed(steps, pairs, batch_size):
    """Print seconds a step, and the ratio of each pair."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (2000, 3, 32, 32), dtype=np.uint8)
    y = np.where(np.arange(2000) < 100, np.arange(2000) % 10, -1)

    def fit(rows):
        clf = FixMatchClassifier(
            module=WideResNet, module_params={"depth": 10, "width": 1}, max_steps=steps,
            batch_size=rows, distribution_alignment=True, random_state=0,
        )  # fmt: skip
        clf._transduce = lambda *_: None  # which is not training
        return sum(record["seconds"] for record in clf.fit(X, y).history_) / steps

    ratios = []
    for pair in range(-1, pairs):  # the first one warms up
        together, alone = together_and_alone(fit, batch_size)
        if RANK == 0 and pair >= 0:
            ratios.append(alone / together)
            print(
                f"{alone:.3f} s alone  {together:.3f} s together  ratio {ratios[-1]:.2f}",
                flush=True,
            )
    if RANK == 0:
        low, middle, high = np.quantile(ratios, [0, 0.5, 1])
        print(f"ratio {middle:.2f} ({low:.2f} to {high:.2f}), {batch_size} labeled rows a step")


def accuracy(seeds, max_steps):
    """Print mean and standard deviation over seeds of labels and of training."""
    X, y = load_digits(return_X_y=True)
    found = []
    for seed in range(seeds):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=0.5, stratify=y, random_state=seed
        )
        few = hide_labels(y_train, 50, stratify="balanced", random_state=seed)

        def fit(rows, data=(X_train, few), test=(X_test, y_test), seed=seed):
            clf = FixMatchClassifier(batch_size=rows, max_steps=max_steps, random_state=seed)
            return clf.fit(*data).score(*test)

        found.append(together_and_alone(fit, 64))
        if RANK == 0:
            print(f"seed {seed}: {found[-1][0]:.4f} together, {found[-1][1]:.4f} alone", flush=True)
    if RANK == 0:
        for name, values in zip(("together", "alone"), np.transpose(found), strict=True):
            print(f"{name:9s} {values.mean():.4f} +- {values.std(ddof=1):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["speed", "accuracy"])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--max-steps", type=int, default=1000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.what == "speed":
        speed(given.steps, given.pairs, given.batch_size)
    else:
        accuracy(given.seeds, given.max_steps)

"""Forms of VAT, SGAN, M1+M2 and FlexMatch beside those of ``mnist.py``, on hidden training labels.

    python benchmarks/mnist_choices.py DATA_DIR [--only NAME ...] [--seeds 10] [--steps N]

DATA_DIR holds the IDX files. 100 labels of the 60,000 training images are kept, with seeds that no
table of results uses. The error is that on the other training images, whose labels were hidden; no
test image is scored. Each run is a line of ``benchmarks/mnist_choices.csv``, and those that are
there are not repeated.
"""

import argparse
import csv
import time
from pathlib import Path

import mnist
import numpy as np

from sklearn_ssl import (
    FlexMatchClassifier,
    FreeMatchClassifier,
    SGANClassifier,
    VAEClassifier,
    VATClassifier,
    hide_labels,
    load_mnist,
)
from sklearn_ssl.networks import CNN

RAW = Path(__file__).with_name("mnist_choices.csv")
COLUMNS = ("run", "steps", "seed", "error_percent", "seconds")

VAT = {**mnist.VAT, "max_steps": 750, "entropy_weight": 1.0}
SGAN = {**mnist.SGAN, "max_steps": 1500}
M1M2 = {**mnist.VAE, "objective": "m1+m2"}  # alpha 1 and a warm-up of a fifth of the steps
IMAGES = {**mnist.IMAGES, "max_steps": 1000}


def without(params, *names, **module):
    """Those parameters less some, with other keywords of the network."""
    left = {k: v for k, v in params.items() if k not in names}
    return {**left, "module_params": {**params["module_params"], **module}}


RUNS = {
    "VAT": (VATClassifier, VAT),
    "VAT, plain logits": (VATClassifier, without(VAT, normalize_logits=False)),
    "FlexMatch, images": (FlexMatchClassifier, IMAGES),
    "FreeMatch, images": (FreeMatchClassifier, IMAGES),
    "FlexMatch, images, CNN": (FlexMatchClassifier, {**IMAGES, "module": CNN}),
    "VAT, no noise": (VATClassifier, without(VAT, noise=0.0)),
    "VAT, no entropy": (VATClassifier, without(VAT, "entropy_weight")),
    "VAT, averaged weights": (VATClassifier, without(VAT, "ema_decay")),
    "VAT, cosine": (VATClassifier, without(VAT, "lr_schedule")),
    "VAT, epsilon 8": (VATClassifier, {**VAT, "epsilon": 8}),
    "VAT, epsilon 16": (VATClassifier, {**VAT, "epsilon": 16}),
    "M1+M2": (VAEClassifier, M1M2),
    "M1+M2, alpha .1": (VAEClassifier, {**M1M2, "alpha": 0.1}),
    "M1+M2, alpha .1, m1 .6": (VAEClassifier, {**M1M2, "alpha": 0.1, "m1_share": 0.6}),
    "SGAN": (SGANClassifier, SGAN),
    "SGAN, standardised": (SGANClassifier, {**SGAN, "module_params": {
        "hidden_layer_sizes": (1000, 500, 250, 250, 250), "noise": 0.5}}),
    "SGAN, Adam's epsilon 1e-8": (SGANClassifier, without(SGAN, "optimizer_params")),
    "SGAN, cosine": (SGANClassifier, without(SGAN, "lr_schedule", "ema_decay")),
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--only", choices=RUNS, nargs="+", default=list(RUNS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[10])
    parser.add_argument("--steps", type=int, help="instead of those of the run")
    args = parser.parse_args()
    X, y, _, _ = load_mnist(args.data_dir)
    X = X.reshape(len(X), -1) / np.float32(255)
    if not RAW.exists():
        RAW.write_text(",".join(COLUMNS) + "\n")
    for seed in args.seeds:
        for name in args.only:
            cls, params = RUNS[name]
            params = {**params, "max_steps": args.steps or params["max_steps"]}
            key = (name, str(params["max_steps"]), str(seed))
            with RAW.open(newline="") as file:
                if key in [tuple(row[:3]) for row in csv.reader(file)]:
                    continue
            few = hide_labels(y, 100, "balanced", random_state=seed)
            start = time.perf_counter()
            clf = cls(random_state=seed, **params).fit(X, few)
            seconds = time.perf_counter() - start
            hidden = few == -1
            error = 100 * (1 - clf.score(X[hidden], y[hidden]))
            row = (*key, round(error, 2), round(seconds))
            with RAW.open("a", newline="") as file:
                csv.writer(file).writerow(row)
            print(*row, flush=True)


if __name__ == "__main__":
    main()

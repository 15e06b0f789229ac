"""MNIST with 100 labels and permutation-invariant networks, beside the papers' figures.

    python benchmarks/mnist.py DATA_DIR [--seeds 2] [--only NAME]

DATA_DIR holds the four IDX files. 10 labels a class are drawn from the 60,000 training images, all
others are unlabeled; the error on the 10,000 test images is
that of the last step's averaged weights: no test label chooses anything.
"""

import argparse
import time

import numpy as np

from sklearn_ssl import SelfTrainingNet, VAEClassifier, hide_labels, load_mnist

RUNS = {
    "supervised net": (SelfTrainingNet, {"unlabeled_weight": 0, "max_steps": 1000}, ""),
    "SelfTrainingNet": (SelfTrainingNet, {"max_steps": 1000}, "Pseudo-Label: 16.15"),
    "VAEClassifier m2": (
        VAEClassifier,
        {
            "objective": "m2",
            "likelihood": "bernoulli",
            "latent_dim": 50,
            "max_steps": 20000,
            "unlabeled_ratio": 1,
            "module_params": {"hidden_layer_sizes": (500, 500)},
        },
        "M2: 11.97 +- 1.71",
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", choices=RUNS)
    args = parser.parse_args()
    X, y, X_test, y_test = load_mnist(args.data_dir)
    X, X_test = (images.reshape(len(images), -1) / np.float32(255) for images in (X, X_test))
    for name, (cls, params, published) in RUNS.items():
        if args.only not in (None, name):
            continue
        errors = []
        for seed in range(args.seeds):
            few = hide_labels(y, 100, "balanced", random_state=seed)
            start = time.perf_counter()
            clf = cls(random_state=seed, **params).fit(X, few)
            errors.append(100 * (1 - clf.score(X_test, y_test)))
            seconds = time.perf_counter() - start
            print(f"{name} seed {seed}: error {errors[-1]:.2f} %, {seconds:.0f} s", flush=True)
        print(
            f"{name}: {np.mean(errors):.2f} +- {np.std(errors, ddof=1):.2f} % over "
            f"{args.seeds} seeds {published and '(published ' + published + ' %)'}",
            flush=True,
        )


if __name__ == "__main__":
    main()

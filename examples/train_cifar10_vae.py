"""A variational autoencoder with a classifier: few labels alone, then with unlabeled rows too.

    python examples/train_cifar10_vae.py [--data-dir D] [--labels-per-class 50] [--max-steps N]

D holds the standard python files of CIFAR-10 (cifar-10-batches-py); without it scikit-learn's
digits are used, as images. One encoder serves the reconstruction, the KL divergence and the
classifier; unlabeled rows train the autoencoder and, where the classifier is confident, the
classifier. The test rows are scored once, at the end.
"""

import argparse
import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split

from sklearn_ssl import VAEClassifier, hide_labels, load_cifar10

# What the tutorial whose set-up this is (500 labels of CIFAR-10, 10 epochs) printed for its code:
# there no pseudo-label passed the threshold, and unlabeled images never trained the autoencoder.
REPORTED = {"supervised": 0.2509, "semi-supervised": 0.2203}


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--labels-per-class", type=int)
    parser.add_argument("--max-steps", type=int)
    parser.add_argument("--subset", type=int, help="so many training images only, for a trial")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto", help="bfloat16 for a CPU that has it")
    args = parser.parse_args(arguments)
    if args.data_dir:
        X, y, X_test, y_test = load_cifar10(args.data_dir)
        X, y = X[: args.subset], y[: args.subset]
        per_class, steps = args.labels_per_class or 50, args.max_steps or 8000
    else:
        X, y = load_digits(return_X_y=True)
        X = (X * 255 / 16).astype(np.uint8).reshape(-1, 1, 8, 8)
        X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
        per_class, steps = args.labels_per_class or 5, args.max_steps or 600
    print(f"{len(X)} training images, {per_class} labels a class, {len(X_test)} test images")
    results = {"supervised": [], "semi-supervised": []}
    for seed in range(args.seeds):
        few = hide_labels(y, per_class * len(np.unique(y)), "balanced", random_state=seed)
        for name, weight in (("supervised", 0.0), ("semi-supervised", 1.0)):
            start = time.perf_counter()
            vae = VAEClassifier(
                unlabeled_weight=weight, max_steps=steps, device=args.device,
                precision=args.precision, random_state=seed,
            ).fit(X, few)  # fmt: skip
            predicted = vae.predict(X_test)
            accuracy = accuracy_score(y_test, predicted)
            f1 = f1_score(y_test, predicted, average="macro")
            results[name].append(accuracy)
            seconds = time.perf_counter() - start
            print(f"seed {seed}  {name:16s} accuracy {accuracy:.4f}  F1 {f1:.4f}  {seconds:.0f} s")
    for name, scores in results.items():
        reported = f"  (reported: {REPORTED[name]:.4f})" if args.data_dir else ""
        print(f"{name:16s} {np.mean(scores):.4f} +- {np.std(scores):.4f}{reported}")
    return results


if __name__ == "__main__":
    main()

"""Pseudo-labels with a simple CNN: 1,000 labels, 5,000 unlabeled images, curves and a picture.

    python examples/mnist_pseudo_labels.py [--data-dir MNIST_FOLDER] [--max-steps 600] [--seeds 1]
        [--out DIR]

Pseudo-labels count above a confidence of .95, Adam runs at 1e-3. Without a folder scikit-learn's
digits serve, with 50 labels. The gradients of both losses are added, as they must be.
"""

import argparse
from pathlib import Path

import numpy as np
from _images import load, picture, say_gain
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from torch import nn

from sklearn_ssl import PseudoLabelClassifier, hide_labels


class SimpleCNN(nn.Module):
    """One convolution to 8 channels, and a linear layer."""

    def __init__(self, input_shape, n_classes):
        super().__init__()
        channels, height, width = input_shape
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(8 * (height // 2) * (width // 2), n_classes),
        )

    def forward(self, x):
        return self.layers(x)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--max-steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=1, help="draws of labels")
    parser.add_argument("--out", type=Path, default=Path("."))
    args = parser.parse_args(arguments)
    X, y, X_test, y_test = load(args.data_dir)
    n_rows, n_labeled = (6000, 1000) if args.data_dir else (len(X), 50)
    X, y = X[:n_rows], y[:n_rows]
    results = {"supervised": [], "pseudo-labels": []}
    for seed in range(args.seeds):
        few = hide_labels(y, n_labeled, "balanced", random_state=seed)
        for name, weight in (("supervised", 0.0), ("pseudo-labels", 1.0)):
            clf = PseudoLabelClassifier(
                module=SimpleCNN, threshold=0.95, unlabeled_weight=weight, optimizer="adam",
                lr=1e-3, max_steps=args.max_steps, unlabeled_ratio=2, random_state=seed,
            ).fit(X, few)  # fmt: skip
            p = clf.predict_proba(X_test)
            predicted = p.argmax(1)
            results[name].append(accuracy_score(y_test, predicted))
            f1 = f1_score(y_test, predicted, average="macro")
            auc = roc_auc_score(y_test, p, multi_class="ovr")
            print(f"{name:14s} accuracy {results[name][-1]:.4f}  F1 {f1:.4f}  AUC {auc:.4f}")
    say_gain(*results.values())
    rows = np.flatnonzero(few == -1)[:10]
    titles = [f"{clf.transduction_[i]}  {clf.label_distributions_[i].max():.2f}" for i in rows]
    picture(X[rows], titles, args.out / "pseudo_labels.png", columns=5)
    curves(clf.history_, args.out / "pseudo_label_curves.png")
    return results


def curves(history, path):
    """Labeled and pseudo-label loss by step."""
    try:
        from matplotlib import pyplot as plt
    except ImportError:
        return
    figure, axis = plt.subplots(figsize=(5, 3.2), layout="constrained")
    for name, style in (("labeled_loss", "-"), ("unlabeled_loss", "--"), ("mask_rate", ":")):
        axis.plot([r["step"] for r in history], [r[name] for r in history], style, label=name)
    axis.set(xlabel="optimizer step", ylabel="loss in nats; share")
    axis.legend()
    figure.savefig(path, dpi=100)
    plt.close(figure)
    print(f"Wrote {path}")


if __name__ == "__main__":
    main()

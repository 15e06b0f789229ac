"""FixMatch's threshold on digits, by the number of steps.

    python benchmarks/threshold.py [--draws 5]

5 labels of each class (random_state = draw), all other rows unlabeled; accuracy on the rows whose
label was hidden, mean +- standard deviation. Beside it the share of unlabeled rows that had a
pseudo-label in the last epoch.
"""

import argparse

import numpy as np
import torch
from sklearn.datasets import load_digits

from sklearn_ssl import FixMatchClassifier, hide_labels


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    X, y = load_digits(return_X_y=True)
    print("| steps | threshold | accuracy | share with a pseudo-label |\n" + "| --- " * 4 + "|")
    for steps in (100, 500):
        for threshold in (0.6, 0.8, 0.95, 0.99):
            scores, shares = [], []
            for seed in range(args.draws):
                few = hide_labels(y, 50, "balanced", random_state=seed)
                clf = FixMatchClassifier(threshold=threshold, max_steps=steps, random_state=seed)
                clf.fit(X, few)
                scores.append(clf.score(X[few < 0], y[few < 0]))
                shares.append(clf.history_[-1]["mask_rate"])
            print(f"| {steps} | {threshold} | {np.mean(scores):.3f} +- {np.std(scores, ddof=1):.3f}"
                  f" | {np.mean(shares):.2f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()

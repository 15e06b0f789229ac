"""How many rows the intervals of `AutoSSLRegressor` hold.

    python benchmarks/regression_intervals.py DATA_DIR [--labels 20 50] [--seeds 0 5]

Tasks of ``regression.py``; of the rows whose target was hidden the share that lies in its interval
of level .9, and the root mean square error beside the mean standard deviation. Mean over the draws,
and the smallest and largest share.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from regression import TASKS, drawn, table

from sklearn_ssl import AutoSSLRegressor


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--labels", nargs="+", type=int, default=[20, 50])
    parser.add_argument("--seeds", nargs=2, type=int, default=[0, 5], help="from, to")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for task in TASKS:
        cells = []
        for n in args.labels:
            held, ratio = [], []
            for seed in range(*args.seeds):
                X, truth = drawn(task, args.data, seed)
                y = np.where(np.arange(len(X)) < n, truth, np.nan)
                reg = AutoSSLRegressor(random_state=seed).fit(X, y)
                low, high = reg.predict_interval(X[n:], 0.9).T
                mean, std = reg.predict(X[n:], return_std=True)
                held.append(np.mean((low <= truth[n:]) & (truth[n:] <= high)))
                ratio.append(std.mean() / np.sqrt(np.mean((mean - truth[n:]) ** 2)))
            cells += [
                f"{np.mean(held):.2f} ({min(held):.2f} to {max(held):.2f})",
                f"{np.mean(ratio):.2f}",
            ]
        rows.append((task, cells))
    heads = [f"{n} labels: {what}" for n in args.labels for what in ("held", "std / error")]
    table(heads, rows)


if __name__ == "__main__":
    main()

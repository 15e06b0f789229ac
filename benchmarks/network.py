"""Which network for tables: parts of others' designs under our supervised net and four methods.

    python benchmarks/network.py DATA_DIR [--methods NAME ...] [--networks NAME ...]
                                 [--seeds 100 101 ...] [--labels 10 5]

DATA_DIR as in ``tabular.py``. A fit sees k labels a class of a training half; it is scored on the
hidden labels of that half, never on a test half, and with seeds that no table of results uses.
Each run is a line of ``network.csv``; those that are there are not repeated. Prints Markdown for
``RESULTS_TABLES.md``: the mean over the seven sets and the paired difference to the network as it
is, with its standard error.

Parts: width, depth and dropout of the blocks; columns that enter as periodic functions or piecewise
linear (Gorishniy et al. 2022, arXiv 2203.05556); the set of RealMLP (Holzmueller et al. 2024,
arXiv 2407.04491) as far as it is in the network: a scale a column, periodic columns beside the
columns themselves, Mish, dropout .15; members that share weights and differ by factors of inputs
and outputs (TabM, Gorishniy et al. 2024, arXiv 2410.24210), each of which sees every row, or each
row seen by one of them.
"""

import argparse
import csv
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tabular import NAMES, load
from torch import nn

from sklearn_ssl import (
    FixMatchClassifier,
    LabelPropagationNet,
    SelfTrainingNet,
    VATClassifier,
)
from sklearn_ssl.networks import Standardize
from sklearn_ssl.networks.mlp import SmoothClip

DATA = list(NAMES)[:7]
METHODS = {
    "supervised": lambda **p: SelfTrainingNet(unlabeled_weight=0, **p),
    "SelfTrainingNet": SelfTrainingNet,
    "FixMatchClassifier": FixMatchClassifier,
    "LabelPropagationNet": LabelPropagationNet,
    "VATClassifier": VATClassifier,
}
RAW = Path(__file__).parent / "network.csv"
COLUMNS = ["method", "network", "data", "labels", "seed", "accuracy"]


class Periodic(nn.Module):
    """x -> x and three linear functions of sixteen cos(2 pi w x + b), column by column."""

    def __init__(self, n_columns, sigma):
        super().__init__()
        self.frequency = nn.Parameter(sigma * torch.randn(n_columns, 16))
        self.phase = nn.Parameter(torch.pi * (2 * torch.rand(n_columns, 16) - 1))
        self.weight = nn.Parameter(torch.randn(n_columns, 16, 3) / 4)
        self.bias = nn.Parameter(torch.zeros(n_columns, 3))

    def forward(self, x):
        waves = torch.cos(2 * torch.pi * x[:, :, None] * self.frequency + self.phase)
        made = torch.einsum("ndh,dho->ndo", waves, self.weight) + self.bias
        return torch.cat([x[:, :, None], made], 2).flatten(1)


class PiecewiseLinear(nn.Module):
    """x -> x and, for eight bins from -2 to 2, the part of the bin below x."""

    def __init__(self):
        super().__init__()
        self.register_buffer("edges", torch.linspace(-2, 2, 9))

    def forward(self, x):
        low, high = self.edges[:-1], self.edges[1:]
        parts = ((x[:, :, None] - low) / (high - low)).clamp(0, 1)
        return torch.cat([x[:, :, None], parts], 2).flatten(1)


class Scale(nn.Module):
    """A learned factor a column."""

    def __init__(self, n_columns):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(n_columns))

    def forward(self, x):
        return x * self.factor


class Network(nn.Module):
    """The network as it is, with the parts that a variant names."""

    def __init__(self, input_shape, n_classes, mean, scale, sizes=(256, 256), dropout=0.0,
                 columns=None, sigma=0.1, activation=nn.ReLU, scaled=False):  # fmt: skip
        super().__init__()
        width = input_shape[0]
        layers = [Standardize(mean, scale), SmoothClip()]
        layers += [Scale(width)] if scaled else []
        if columns == "periodic":
            layers, width = [*layers, Periodic(width, sigma)], 4 * width
        if columns == "piecewise":
            layers, width = [*layers, PiecewiseLinear()], 9 * width
        for size in sizes:
            layers += [nn.Linear(width, size, bias=False), nn.BatchNorm1d(size), activation()]
            layers += [nn.Dropout(dropout)] if dropout else []
            width = size
        self.layers = nn.Sequential(*layers, nn.Linear(width, n_classes))

    def forward(self, x):
        return self.layers(x)


class Members(nn.Module):
    """k members share the linear maps and have factors, BatchNorm and a last layer of their own.

    ``mean``: of "probabilities" or "logits"; in training too unless ``one`` is set: then each row
    is seen by one member.
    """

    def __init__(self, input_shape, n_classes, mean, scale, k=4, size=256, of="probabilities",
                 one=False):  # fmt: skip
        super().__init__()
        self.k, self.of, self.one = k, of, one
        self.prepare = nn.Sequential(Standardize(mean, scale), SmoothClip())
        signs = torch.randint(2, (k, input_shape[0])) * 2.0 - 1
        self.factors = nn.Parameter(torch.randn(k, input_shape[0]) if one else signs)
        self.first = nn.Linear(input_shape[0], size, bias=False)
        self.second = nn.Linear(size, size, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm1d(k * size), nn.BatchNorm1d(k * size)])
        self.last = nn.Parameter(torch.empty(k, size, n_classes).uniform_(-1, 1) / size**0.5)
        self.bias = nn.Parameter(torch.zeros(k, n_classes))

    def forward(self, x):
        h = self.prepare(x)[:, None] * self.factors
        for linear, norm in zip((self.first, self.second), self.norms, strict=True):
            h = linear(h)
            h = torch.relu(norm(h.flatten(1)).view_as(h))
        logits = torch.einsum("nkh,kho->nko", h, self.last) + self.bias
        if self.one and self.training:
            chosen = torch.arange(len(x)) % self.k
            return logits[torch.arange(len(x)), chosen[torch.randperm(len(x))]]
        if self.of == "logits":
            return logits.mean(1)
        return logits.log_softmax(2).logsumexp(1) - np.log(self.k)


REALMLP = {"scaled": True, "columns": "periodic", "activation": nn.Mish, "dropout": 0.15}
NETWORKS = {
    "as it is": (Network, {}),
    "dropout .1": (Network, {"dropout": 0.1}),
    "dropout .3": (Network, {"dropout": 0.3}),
    "width 128": (Network, {"sizes": (128, 128)}),
    "width 512": (Network, {"sizes": (512, 512)}),
    "1 block": (Network, {"sizes": (256,)}),
    "3 blocks": (Network, {"sizes": (256, 256, 256)}),
    "Mish": (Network, {"activation": nn.Mish}),
    "periodic, sigma .1": (Network, {"columns": "periodic"}),
    "periodic, sigma .3": (Network, {"columns": "periodic", "sigma": 0.3}),
    "piecewise linear": (Network, {"columns": "piecewise"}),
    "piecewise linear, dropout .3": (Network, {"columns": "piecewise", "dropout": 0.3}),
    "RealMLP's set": (Network, REALMLP),
    "4 members of 128": (Members, {"size": 128}),
    "4 members": (Members, {}),
    "4 members, mean logits": (Members, {"of": "logits"}),
    "8 members": (Members, {"k": 8}),
    "16 members, each row seen by one": (Members, {"k": 16, "one": True}),
}


def runs_so_far():
    if not RAW.exists():
        RAW.write_text(",".join(COLUMNS) + "\n")
    with RAW.open(newline="") as file:
        return {tuple(line[:5]): float(line[5]) for line in list(csv.reader(file))[1:]}


def draw(X, y, k, seed):
    """The training half of ``tabular.split``: rows, few labels, all labels."""
    from sklearn.model_selection import train_test_split

    X, _, y, _ = train_test_split(X, y, test_size=0.5, stratify=y, random_state=seed)
    rng, few = np.random.default_rng(seed), np.full(len(y), -1)
    for c in np.unique(y):
        few[rng.choice(np.flatnonzero(y == c), k, replace=False)] = c
    return X, few, y


def report():
    runs = pd.Series(runs_so_far()).rename_axis(COLUMNS[:5]).reset_index(name="accuracy")
    for method in METHODS:
        table = runs[runs.method == method]
        table = table.pivot(index=["data", "labels", "seed"], columns="network", values="accuracy")
        if not len(table):
            continue
        gain = table.sub(table["as it is"], axis=0)
        print(f"\n| {method} | accuracy | difference | " + " | ".join(DATA) + " | runs |")
        print("| --- " * (len(DATA) + 4) + "|")
        for name in [name for name in NETWORKS if name in table and gain[name].count() > 1]:
            here = gain[name].dropna()
            error = here.std() / np.sqrt(len(here))
            by_data = here.groupby("data").mean()
            cells = [f"{by_data[data]:+.3f}" if data in by_data else "" for data in DATA]
            mean = table[name][here.index].mean()
            print(f"| {name} | {mean:.3f} | {here.mean():+.4f} +- {error:.4f} | "
                  f"{' | '.join(cells)} | {len(here)} |")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=list(METHODS))
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 101, 102])
    parser.add_argument("--labels", type=int, nargs="+", default=[10, 5])
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    tables = {data: load(NAMES[data], args.data_dir) for data in DATA}
    cases = [
        (method, name, data, k, seed)
        for method in args.methods
        for seed in args.seeds
        for name in args.networks
        for data in DATA
        for k in args.labels
    ]
    for method, name, data, k, seed in cases:
        if (method, name, data, str(k), str(seed)) in runs_so_far():
            continue
        X, few, y = draw(*tables[data], k, seed)
        module, params = NETWORKS[name]
        clf = METHODS[method](module=module, module_params=params, random_state=seed).fit(X, few)
        hidden = few < 0
        accuracy = float(np.mean(clf.predict(X[hidden]) == y[hidden]))
        with RAW.open("a", newline="") as file:
            csv.writer(file).writerow([method, name, data, k, seed, round(accuracy, 5)])
    report()


if __name__ == "__main__":
    main()

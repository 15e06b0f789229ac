"""Labels of rows that `rows_to_label` chose, beside labels of rows that were drawn at random.

    python benchmarks/labeling.py DATA_DIR [--models NAME ...] [--seeds 0 1 ...] [--report]

DATA_DIR as in ``tabular.py``, and so are the halves (random_state = seed). Of the training half 20
or 50 rows are labeled, without a look at the classes: chosen, or drawn uniformly. Then a model that
learned from the 20 chosen ones chooses 30 more, beside 30 more at random. Accuracy on the test
half; a class that no label shows is wrong there. FixMatch has 100 steps in the place of 1,000. Each
run is a line of ``labeling.csv``; those that are there are not repeated. ``RESULTS_LABELING.md`` is
written from all of them. The rule was chosen with ``labeling_rules.py``, on other draws.
"""

import argparse
import csv
import platform
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from tabular import NAMES, load

import sklearn_ssl
from sklearn_ssl import FixMatchClassifier, LabelPropagationClassifier, rows_to_label

DATA = ["digits", "pendigits", "banknote", "ionosphere", "wheat-seeds"]
MODELS = {
    "RandomForestClassifier": lambda seed: RandomForestClassifier(random_state=seed),
    "LabelPropagationClassifier": lambda seed: LabelPropagationClassifier(),
    "FixMatchClassifier": lambda seed: FixMatchClassifier(max_steps=100, random_state=seed),
}
HERE = Path(__file__).parent
RAW = HERE / "labeling.csv"
KEYS = ["model", "data", "seed", "rows"]
TITLES = {
    "20 chosen": "20 labels: chosen, less drawn at random",
    "50 chosen": "50 labels: chosen, less drawn at random",
    "20 chosen, 30 uncertain": "20 chosen, and 30 by the model, less 30 at random",
}
BASE = {
    "20 chosen": "20 random",
    "50 chosen": "50 random",
    "20 chosen, 30 uncertain": "20 chosen, 30 random",
}


def fitted(model, X, y, rows, seed):
    few = np.full(len(y), -1)
    few[rows] = y[rows]
    part = rows if model == "RandomForestClassifier" else slice(None)
    return MODELS[model](seed).fit(X[part], few[part]), few


def one(model, data, seed, folder):
    """Yield what was labeled and the accuracy, of the six ways to label."""
    X, y = load(NAMES[data], folder)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=seed)
    drawn = np.random.default_rng(seed).permutation(len(y))
    chosen = rows_to_label(X, 20, random_state=seed)
    first, few = fitted(model, X, y, chosen, seed)
    more = rows_to_label(X, 30, few, estimator=first, random_state=seed)
    others = drawn[~np.isin(drawn, chosen)][:30]
    ways = {
        "20 random": drawn[:20],
        "50 chosen": rows_to_label(X, 50, random_state=seed),
        "50 random": drawn[:50],
        "20 chosen, 30 uncertain": np.append(chosen, more),
        "20 chosen, 30 random": np.append(chosen, others),
    }
    yield "20 chosen", first.score(X_test, y_test)
    for way, rows in ways.items():
        yield way, fitted(model, X, y, rows, seed)[0].score(X_test, y_test)


def runs_so_far():
    if not RAW.exists():
        RAW.write_text(",".join([*KEYS, "accuracy"]) + "\n")
    return pd.read_csv(RAW)


def report():
    modules = (sklearn_ssl, torch, sklearn, np)
    versions = ", ".join(f"{m.__name__} {m.__version__}" for m in modules)
    runs = runs_so_far().pivot(index=["model", "data", "seed"], columns="rows", values="accuracy")
    text = """# Rows worth labeling first

`python benchmarks/labeling.py DATA_DIR`: accuracy on the test half where `rows_to_label` chose the
rows, and in brackets the difference to rows drawn at random, mean +- standard error over the draws,
paired. **worse** marks a difference below minus one standard error. A class that no label shows is
wrong. FixMatch has 100 steps in the place of 1,000. Every run is in [labeling.csv](labeling.csv).
The rules were chosen on training halves with seeds 100-109;
`benchmarks/labeling_rules.py` holds a part of what was compared.
"""
    for way, title in TITLES.items():
        text += f"\n## {title}\n\n| | " + " | ".join(DATA) + " | draws |\n"
        text += "| --- " * (len(DATA) + 2) + "|\n"
        for model in [name for name in MODELS if name in runs.index.get_level_values(0)]:
            cells, draws = [], set()
            for data in DATA:
                here = runs.xs((model, data)) if (model, data) in runs.index else runs[:0]
                here = here[[way, BASE[way]]].dropna()
                gain, n = here[way] - here[BASE[way]], len(here)
                draws.add(n)
                error = gain.std() / np.sqrt(n) if n > 1 else np.nan
                worse = " **worse**" if gain.mean() < -error else ""
                cells.append(f"{here[way].mean():.3f} ({gain.mean():+.3f} +- {error:.3f}){worse}")
            draws = "-".join(map(str, sorted({min(draws), max(draws)})))
            text += f"| {model} | " + " | ".join(cells) + f" | {draws} |\n"
    text += f"\n{versions}, Python {platform.python_version()}, CPU, one thread a fit.\n"
    (HERE / "RESULTS_LABELING.md").write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--report", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    cases = [(m, d, s) for s in args.seeds for m in args.models for d in DATA]
    for case in [] if args.report else cases:
        runs = runs_so_far()
        if (runs[KEYS[:3]] == case).all(axis=1).sum() == 6:
            continue
        done = [[*case, way, round(float(a), 5)] for way, a in one(*case, args.data_dir)]
        with RAW.open("a", newline="") as file:
            csv.writer(file).writerows(done)
    report()


if __name__ == "__main__":
    main()

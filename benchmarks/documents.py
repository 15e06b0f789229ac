"""Documents as tf-idf rows: our defaults beside logistic regression on the labeled rows.

    python benchmarks/documents.py [--seeds 0 1 ...] [--labels 5 20] [--only NAME ...]
    python benchmarks/documents.py --speed

The corpus lies in every installation: docstrings of the standard library, numpy, scipy and
scikit-learn, in nine topics by the module they are from. Protocol: a stratified half is the test
set (random_state = seed); of the other half k labels a topic are drawn, all other rows are
unlabeled. The vocabulary, at most 4,000 words, and its weights are those of the training half.
Each run is a line of ``benchmarks/documents.csv``; those that are there are not repeated. Then
``benchmarks/RESULTS_DOCUMENTS.md`` is written from all of them. ``--speed`` instead times a step of
FixMatch on random documents of 60 words, with vocabularies of 2,000 and 20,000.
"""

import argparse
import csv
import importlib
import inspect
import platform
import time
import warnings
from pathlib import Path

import numpy as np
import scipy
import scipy.sparse
import sklearn
import skorch
import torch
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import sklearn_ssl
from sklearn_ssl import (
    FixMatchClassifier,
    LabelPropagationClassifier,
    LabelPropagationNet,
    PseudoLabelClassifier,
    SelfTrainingNet,
    UDAClassifier,
)

TOPICS = {  # modules of each topic
    "statistics": "scipy.stats statistics numpy.random",
    "linear algebra": "scipy.linalg numpy.linalg scipy.sparse.linalg scipy.sparse",
    "signals": "scipy.signal scipy.ndimage scipy.fft numpy.fft",
    "optimisation": "scipy.optimize scipy.integrate scipy.interpolate",
    "learning": "sklearn.linear_model sklearn.ensemble sklearn.svm sklearn.tree sklearn.neighbors "
    "sklearn.neural_network sklearn.cluster sklearn.mixture sklearn.naive_bayes "
    "sklearn.decomposition sklearn.manifold",
    "evaluation": "sklearn.metrics sklearn.preprocessing sklearn.model_selection sklearn.datasets "
    "sklearn.feature_selection sklearn.feature_extraction sklearn.impute sklearn.pipeline "
    "sklearn.compose",
    "arrays": "numpy numpy.ma numpy.char numpy.strings numpy.polynomial",
    "processes": "os shutil pathlib io tarfile zipfile subprocess multiprocessing threading "
    "concurrent.futures asyncio tempfile glob signal socket ssl select selectors logging "
    "logging.handlers gzip bz2 lzma mmap pickle shelve sqlite3",
    "language": "ast inspect typing types re string textwrap json email email.message html "
    "html.parser xml.dom.minidom xml.etree.ElementTree urllib.request urllib.parse http.client "
    "http.server argparse configparser csv difflib locale gettext codecs unittest doctest pdb "
    "traceback tokenize dis collections itertools functools datetime decimal fractions calendar "
    "random enum dataclasses contextlib abc importlib",
}
MODELS = {
    "logistic regression, C=10": lambda seed: LogisticRegression(C=10, max_iter=1000),
    "random forest": lambda seed: RandomForestClassifier(random_state=seed),
    "extra trees": lambda seed: ExtraTreesClassifier(random_state=seed),
    "supervised net": lambda seed: SelfTrainingNet(unlabeled_weight=0, random_state=seed),
    "LabelPropagationClassifier": lambda seed: LabelPropagationClassifier(),
    "LabelPropagationNet": lambda seed: LabelPropagationNet(random_state=seed),
    "SelfTrainingNet": lambda seed: SelfTrainingNet(random_state=seed),
    "FixMatchClassifier": lambda seed: FixMatchClassifier(random_state=seed),
    "PseudoLabelClassifier": lambda seed: PseudoLabelClassifier(random_state=seed),
    "UDAClassifier": lambda seed: UDAClassifier(random_state=seed),
}
PLAIN = list(MODELS)[:3]  # of labeled rows alone
HERE = Path(__file__).parent
RAW = HERE / "documents.csv"
COLUMNS = ("model", "labels", "seed", "accuracy", "seconds")


def documents():
    """The docstrings of more than 120 letters, each once, and the numbers of their topics."""
    texts, topics = {}, list(TOPICS)
    for topic, names in enumerate(TOPICS.values()):
        for name in names.split():
            for text in _docstrings(importlib.import_module(name)):
                texts.setdefault(text, topic)
    return list(texts), np.array(list(texts.values())), topics


def _docstrings(module):
    names = getattr(module, "__all__", None) or [n for n in dir(module) if n[0] != "_"]
    for name in sorted(names):
        try:
            thing = getattr(module, name, None)
        except ImportError:  # of what scikit-learn calls experimental
            continue
        methods = sorted(n for n in vars(thing) if n[0] != "_") if inspect.isclass(thing) else []
        for one in (thing, *(getattr(thing, method, None) for method in methods)):
            text = None if isinstance(one, str | int | float) else getattr(one, "__doc__", None)
            if isinstance(text, str) and len(text) > 120:
                yield text


def draw(texts, y, k, seed):
    """Training rows, their few labels, test rows and their labels."""
    train, test = train_test_split(np.arange(len(y)), test_size=0.5, stratify=y, random_state=seed)
    vectorizer = TfidfVectorizer(max_features=4000, sublinear_tf=True)
    X = vectorizer.fit_transform([texts[i] for i in train])
    X_test = vectorizer.transform([texts[i] for i in test])
    rng, few = np.random.default_rng(seed), np.full(len(train), -1)
    for c in np.unique(y):
        few[rng.choice(np.flatnonzero(y[train] == c), k, replace=False)] = c
    return X, few, X_test, y[test]


def runs_so_far():
    if not RAW.exists():
        RAW.write_text(",".join(COLUMNS) + "\n")
    with RAW.open(newline="") as file:
        return list(csv.DictReader(file))


def report(n_documents):
    modules = (sklearn_ssl, torch, sklearn, skorch, np, scipy)
    versions = ", ".join(f"{m.__name__} {m.__version__}" for m in modules)
    lines = [
        "# Documents",
        "",
        f"`python benchmarks/documents.py`: {n_documents:,} docstrings in nine topics as tf-idf"
        " rows of at most 4,000 words, defaults. Accuracy on the test half, mean +- standard"
        " deviation over seeds, and the difference to logistic regression on the same labels,"
        " paired by seed, mean +- standard error. Every run is in [documents.csv](documents.csv).",
        "The views, the network and the neighbours for documents were chosen on this corpus with"
        " seeds 100-104; the tables use others. The corpus changes a little with the versions of"
        " the libraries it is taken from.",
    ]
    runs = runs_so_far()
    for k in sorted({int(run["labels"]) for run in runs}):
        lines += ["", f"## {k} labels a topic", ""]
        lines += ["| | accuracy | to logistic | seeds | seconds |", "| --- " * 5 + "|"]
        mine = {(r["model"], r["seed"]): r for r in runs if int(r["labels"]) == k}
        for name in MODELS:
            scores = {seed: float(r["accuracy"]) for (m, seed), r in mine.items() if m == name}
            pairs = [(s, mine.get((PLAIN[0], seed))) for seed, s in scores.items()]
            gain = np.array([s - float(plain["accuracy"]) for s, plain in pairs if plain])
            if len(gain) < 2:
                continue
            values = np.array(list(scores.values()))
            seconds = np.median([float(mine[name, seed]["seconds"]) for seed in scores])
            error = gain.std(ddof=1) / np.sqrt(len(gain))
            lines.append(
                f"| {name} | {values.mean():.3f} +- {values.std(ddof=1):.3f} | {gain.mean():+.3f}"
                f" +- {error:.3f} | {len(values)} | {seconds:.1f} |"
            )
    lines += ["", f"{versions}, Python {platform.python_version()}, CPU, one thread a fit; median"]
    lines[-1] += " seconds of a fit on a busy 2-core machine."
    (HERE / "RESULTS_DOCUMENTS.md").write_text("\n".join(lines) + "\n")


def speed():
    """Milliseconds of a step of FixMatch, the best of three fits of 20 steps less one of none."""
    for words in (2_000, 20_000):
        X = scipy.sparse.random(
            4000, words, density=60 / words, format="csr", dtype=np.float32, random_state=0
        )
        rng = np.random.default_rng(0)  # half of the words of some rows, all of those of others
        share = rng.uniform(0.5, 1, size=4000).repeat(np.diff(X.indptr))
        X.data *= rng.random(X.nnz) < share
        X.eliminate_zeros()
        y = np.where(np.arange(4000) < 100, np.arange(4000) % 5, -1)
        for name, module in (("sparse", "auto"), ("dense", _Dense)):
            seconds = []
            for _ in range(3):
                clf = FixMatchClassifier(module=module, max_steps=21, random_state=0)
                start = time.perf_counter()
                clf.fit(X, y)
                seconds.append(time.perf_counter() - start)
                clf = FixMatchClassifier(module=module, max_steps=1, random_state=0)
                start = time.perf_counter()
                clf.fit(X, y)
                seconds[-1] -= time.perf_counter() - start
            print(f"{words:,} words, {name} batches: {50 * min(seconds):.0f} ms a step")


class _Dense(sklearn_ssl.networks.DocumentMLP):
    reads_sparse = False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--labels", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--only", choices=MODELS, nargs="+", default=list(MODELS))
    parser.add_argument("--speed", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.speed:
        return speed()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        texts, y, _ = documents()
    for seed in args.seeds:
        for k in args.labels:
            X, few, X_test, y_test = draw(texts, y, k, seed)
            for name in args.only:
                key = (name, str(k), str(seed))
                if key in [(r["model"], r["labels"], r["seed"]) for r in runs_so_far()]:
                    continue
                rows = few >= 0 if name in PLAIN else slice(None)
                start = time.perf_counter()
                model = MODELS[name](seed).fit(X[rows], few[rows])
                seconds = time.perf_counter() - start
                row = (name, k, seed, round(model.score(X_test, y_test), 5), round(seconds, 2))
                with RAW.open("a", newline="") as file:
                    csv.writer(file).writerow(row)
                print(*row, flush=True)
    report(len(y))


if __name__ == "__main__":
    main()

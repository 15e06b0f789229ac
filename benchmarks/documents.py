"""Documents as tf-idf rows or word vectors: our defaults beside logistic regression on the labels.

    python benchmarks/documents.py [--topics 9 6] [--rows tf-idf vectors] [--seeds 0 1 ...]
        [--labels 2 5 ...] [--only NAME ...]
    python benchmarks/documents.py --speed

The corpus lies in every installation: docstrings of the standard library, numpy, scipy and
scikit-learn, in nine topics by the module they are from, or in six of these
(``examples/_docstrings.py``). Protocol: a stratified half is the test
set (random_state = seed); of the other half k labels a topic are drawn, all other rows are
unlabeled. The vocabulary, at most 4,000 words, and its weights are those of the training half.
Word vectors are those in the wheel of ``wordllama`` (``pip install ".[examples]"``), weighted by
the tf-idf weights of the training half; they are left out where it is not installed.
Each run is a line of ``benchmarks/documents.csv``; those that are there are not repeated. Then
``benchmarks/RESULTS_DOCUMENTS.md`` is written from all of them. ``--speed`` instead times a step of
FixMatch on random documents of 60 words, with vocabularies of 2,000 and 20,000.
"""

import argparse
import csv
import platform
import sys
import time
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
    AutoSSLClassifier,
    FixMatchClassifier,
    LabelPropagationClassifier,
    LabelPropagationNet,
    PseudoLabelClassifier,
    SelfTrainingNet,
    UDAClassifier,
)

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "examples"))
from _docstrings import SIX, TOPICS, documents, has_vectors, word_vectors  # noqa: E402

MODELS = {
    "logistic regression, C=10": lambda seed: LogisticRegression(C=10, max_iter=1000),
    "random forest": lambda seed: RandomForestClassifier(random_state=seed),
    "extra trees": lambda seed: ExtraTreesClassifier(random_state=seed),
    "supervised net": lambda seed: SelfTrainingNet(unlabeled_weight=0, random_state=seed),
    "LabelPropagationClassifier": lambda seed: LabelPropagationClassifier(documents=True),
    "LabelPropagationNet": lambda seed: LabelPropagationNet(random_state=seed),
    "SelfTrainingNet": lambda seed: SelfTrainingNet(random_state=seed),
    "FixMatchClassifier": lambda seed: FixMatchClassifier(random_state=seed),
    "PseudoLabelClassifier": lambda seed: PseudoLabelClassifier(random_state=seed),
    "UDAClassifier": lambda seed: UDAClassifier(random_state=seed),
    'AutoSSLClassifier(budget="fast")': lambda seed: AutoSSLClassifier(
        budget="fast", random_state=seed
    ),
}
PLAIN = list(MODELS)[:3]  # of labeled rows alone
LABELS = {9: (5, 20), 6: (2, 5, 10)}
ROWS = {9: ("tf-idf",), 6: ("tf-idf", "vectors")}
ONLY = {9: list(MODELS)[:-1], 6: [list(MODELS)[i] for i in (0, 3, 4, 7, 10)]}
RAW = HERE / "documents.csv"
COLUMNS = ("topics", "rows", "model", "labels", "seed", "accuracy", "seconds")


def draw(texts, y, kind, k, seed):
    """Training rows, their few labels, test rows and their labels."""
    train, test = train_test_split(np.arange(len(y)), test_size=0.5, stratify=y, random_state=seed)
    tf_idf = TfidfVectorizer(max_features=4000, sublinear_tf=True)
    vectorizer = tf_idf if kind == "tf-idf" else word_vectors()
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


def report():
    modules = (sklearn_ssl, torch, sklearn, skorch, np, scipy)
    versions = ", ".join(f"{m.__name__} {m.__version__}" for m in modules)
    sizes = {9: len(documents()[0]), 6: len(documents(SIX)[0])}
    lines = [
        "# Documents",
        "",
        f"`python benchmarks/documents.py`: {sizes[9]:,} docstrings in nine topics, or {sizes[6]:,}"
        f" in six of these ({', '.join(SIX)}), as tf-idf rows of at most 4,000 words, or as the"
        " mean of the vectors of their words (256 columns of `wordllama` 0.4.0, weighted"
        " by tf-idf). Defaults. Accuracy on the test half, mean +- standard"
        " deviation over seeds, and the difference to logistic regression on tf-idf of the same"
        " labels, paired by seed, mean +- standard error. Every run is in"
        " [documents.csv](documents.csv).",
        "The views, the network and the neighbours for documents were chosen on this corpus with"
        " seeds 100-104, and so was the cosine (`documents=True`) for neighbours of word vectors;"
        " the tables use others. The corpus changes a little with the versions of"
        " the libraries it is taken from.",
    ]
    runs = runs_so_far()
    for topics, k in sorted({(-int(run["topics"]), int(run["labels"])) for run in runs}):
        mine = {(r["rows"], r["model"], r["seed"]): r for r in runs
                if int(r["topics"]) == -topics and int(r["labels"]) == k}  # fmt: skip
        lines += ["", f"## {'Nine' if topics == -9 else 'Six'} topics, {k} labels each", ""]
        lines += ["| rows | | accuracy | to logistic | seeds | seconds |", "| --- " * 6 + "|"]
        for kind, name in ((kind, name) for kind in ROWS[6] for name in MODELS):
            runs_of_it = {key[2]: r for key, r in mine.items() if key[:2] == (kind, name)}
            if len(runs_of_it) < 2:
                continue
            values = np.array([float(r["accuracy"]) for r in runs_of_it.values()])
            plain = [float(mine["tf-idf", PLAIN[0], s]["accuracy"]) for s in runs_of_it]
            gain = values - plain
            error = gain.std(ddof=1) / np.sqrt(len(gain))
            seconds = np.median([float(r["seconds"]) for r in runs_of_it.values()])
            lines.append(
                f"| {kind} | {name} | {values.mean():.3f} +- {values.std(ddof=1):.3f} | "
                f"{gain.mean():+.3f} +- {error:.3f} | {len(values)} | {seconds:.1f} |"
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


def study(topics, kind, labels, models, seeds):
    """Do what is not in the file yet."""
    texts, names = documents(tuple(TOPICS) if topics == 9 else SIX)
    y = np.array([list(TOPICS).index(name) for name in names])
    done = {tuple(run[name] for name in COLUMNS[:5]) for run in runs_so_far()}
    for seed in seeds:
        for k in labels:
            wanted = [(str(topics), kind, name, str(k), str(seed)) for name in models]
            wanted = [key for key in wanted if key not in done]
            X, few, X_test, y_test = draw(texts, y, kind, k, seed) if wanted else [None] * 4
            for key in wanted:
                name = key[2]
                rows = few >= 0 if name in PLAIN else slice(None)
                start = time.perf_counter()
                model = MODELS[name](seed).fit(X[rows], few[rows])
                seconds = time.perf_counter() - start
                row = (*key, round(model.score(X_test, y_test), 5), round(seconds, 2))
                with RAW.open("a", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerow(row)
                print(*row, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--topics", type=int, choices=(9, 6), nargs="+", default=[9, 6])
    parser.add_argument("--rows", choices=ROWS[6], nargs="+", default=ROWS[6])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--labels", type=int, nargs="+", help="default: 5 20, and 2 5 10 of six")
    parser.add_argument("--only", choices=MODELS, nargs="+", help="default: what the page shows")
    parser.add_argument("--speed", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.speed:
        return speed()
    for topics in args.topics:
        for kind in (kind for kind in ROWS[topics] if kind in args.rows):
            if kind == "vectors" and not has_vectors():
                print('Word vectors are left out: pip install ".[examples]"')
                continue
            models = args.only or ONLY[topics]
            study(topics, kind, args.labels or LABELS[topics], models, args.seeds)
    report()


if __name__ == "__main__":
    main()

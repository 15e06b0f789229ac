"""Digests of every estimator's weights and predictions: did a change of the code change a bit?

    python benchmarks/digests.py > before.txt        # then change the code
    python benchmarks/digests.py > after.txt; diff before.txt after.txt

Each public estimator is fitted on small fixed data: a table, a sparse table, images; with and
without a checkpoint; on the labels alone; with rows held out; with sample weights; and continued by
`partial_fit`. Digests depend on the machine and on the versions of torch and numpy: compare runs of
one machine. One line a fit, about two minutes on one core.
"""

import argparse
import hashlib
import inspect
import tempfile
import warnings

import numpy as np
import torch
from scipy.sparse import csr_matrix
from sklearn.datasets import load_diabetes, load_digits

import sklearn_ssl
from sklearn_ssl import hide_labels

VARIANTS = {
    "VAEClassifier": [{"objective": o} for o in ("joint", "m1", "m2", "m1+m2")],
    "SelfTrainingNet": [{}, {"criterion": "threshold", "threshold": 0.5},
                        {"warm_start_rounds": True}],
    "NoisyStudentClassifier": [{}, {"balanced": False}],
    "VATClassifier": [{}, {"entropy_weight": 0.5}],
    "UDAClassifier": [{}, {"annealing": "exp"}],
    "CoTrainingNet": [{}, {"views": (list(range(32)), list(range(20, 64)))}],
    "SGANClassifier": [{}, {"generator_lr": 1e-4, "optimizer": "sgd"}],
    "ReMixMatchClassifier": [{}, {"rotation_weight": 0.5, "input_shape": (1, 8, 8)}],
    "SemiSupervisedGaussianMixture": [{}, {"covariance_type": "diag", "n_components": 2}],
}  # fmt: skip


def digest(*arrays):
    """Hexadecimal digest of arrays and numbers."""
    h = hashlib.blake2b(digest_size=6)
    for array in arrays:
        h.update(np.ascontiguousarray(array).tobytes())
    return h.hexdigest()


def digests(estimator, X):
    """Digests of the weights, of what is predicted and of the losses."""
    weights = []
    if hasattr(estimator, "net_"):
        weights = [v.numpy() for v in estimator.net_.predicting_module_.state_dict().values()]
    proba = getattr(estimator, "predict_proba", estimator.predict)(X)
    known = getattr(estimator, "label_distributions_", estimator.transduction_)
    history = getattr(estimator, "history_", [])
    losses = [record["loss"] for record in history if "loss" in record]
    return digest(*weights), digest(proba, known), digest(*losses)


def small(cls, **params):
    """An instance that trains in a fraction of a second."""
    fast = {"max_steps": 12, "batch_size": 16, "unlabeled_ratio": 2, "max_iter": 2}
    known = inspect.signature(cls).parameters
    return cls(**{k: v for k, v in {**fast, "random_state": 0, **params}.items() if k in known})


def cases(cls, params):
    """Names and fitted estimators with the rows to predict."""
    X, y = load_digits(return_X_y=True)
    X, few = X[:600], hide_labels(y[:600], 60, stratify="balanced", random_state=0)
    if cls.__name__.endswith("Regressor"):
        X, y = load_diabetes(return_X_y=True)
        few = np.where(np.arange(len(y)) % 4 == 0, y, np.nan)
    accepts = inspect.signature(cls).parameters

    yield "table", small(cls, **params).fit(X, few), X
    yield "weight 0", small(cls, **params, unlabeled_weight=0).fit(X, few), X
    weight = np.arange(len(X)) % 3
    yield "weighted", small(cls, **params).fit(X, few, sample_weight=weight), X
    if "checkpoint_dir" not in accepts:
        return
    with tempfile.TemporaryDirectory() as folder:
        yield "checkpoint", small(cls, **params, checkpoint_dir=folder).fit(X, few), X
        yield "resumed", small(cls, **params, checkpoint_dir=folder).fit(X, few), X
    held = {"validation_fraction": 0.34, "early_stopping": 2}
    if "temperature_scaling" in accepts:
        held["temperature_scaling"] = True
    yield "held out", small(cls, **params, **held).fit(X, few), X
    yield "continued", small(cls, **params).fit(X, few).partial_fit(X[::2] / 2, few[::2]), X
    if "input_shape" not in params:
        yield "sparse", small(cls, **params).fit(csr_matrix(X), few), csr_matrix(X)
    if "views" not in params and "input_shape" not in params:
        images = np.repeat(np.repeat(load_digits().images[:300, None], 2, 2), 2, 3)
        few = (
            few[:300] if len(few) == 600 else np.where(np.arange(300) % 3 == 0, X[:300, 0], np.nan)
        )
        for kind, rows in [
            ("bytes", (images * 15).astype(np.uint8)),
            ("colour", np.repeat(images / 16, 3, 1).astype(np.float32)),
        ]:
            yield kind, small(cls, **params, module_params={"width": 4}).fit(rows, few), rows


def main():
    """Print one line a fit."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="part of the estimators' names")
    only = parser.parse_args().only
    torch.set_num_threads(1)
    for name in sklearn_ssl.__all__:
        cls = getattr(sklearn_ssl, name)
        if not hasattr(cls, "predict") or only not in name or name.startswith("SSL"):
            continue
        for params in VARIANTS.get(name, [{}]):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for case, fitted, X in cases(cls, params):
                    print(name, params, case, *digests(fitted, X), flush=True)


if __name__ == "__main__":
    main()

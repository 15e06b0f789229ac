"""Random inputs of `attack.py`: each seed is an estimator, rows, labels and weights.

Every kind of rows, labels and weights says whether it must be fitted on (True), must be refused
(False) or may be either (None), and, where it holds the same as plain arrays do, those: a fit on
them with the same seed must predict the same.
"""

import copy
import random
import re
import traceback
import warnings

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from attack_draws import draw_classes, draw_numbers, draw_rows, draw_weights

import sklearn_ssl
from sklearn_ssl import LazyRows, SemiSupervisedGaussianMixture, SSLClassifier, SSLRegressor

ESTIMATORS = [
    cls
    for cls in map(sklearn_ssl.__dict__.get, sklearn_ssl.__all__)
    if isinstance(cls, type)
    and hasattr(cls, "predict")
    and cls not in (SSLClassifier, SSLRegressor)
]
# words that come from within numpy or torch, and help no user
INNER = re.compile(
    r"ufunc|DType|tensor|broadcast|could not be promoted|has no attribute|unsupported operand|"
    r"truth value|out of bounds|size mismatch|mat1|expected scalar|_|leading minor"
)
PUBLIC = re.compile(
    r"\b(sample_weight|unlabeled_\w+|class_weight|[a-z]+_fraction|early_stopping|temperature_scaling"
    r"|input_shape|max_steps|batch_size|partial_fit|warm_start|n_\w+|\w+_scaler|allow_nd)\b"
)


def draw(seed):
    """A fresh estimator, rows, labels and weights."""
    rng = np.random.default_rng(seed)
    cls = ESTIMATORS[seed % len(ESTIMATORS)]
    few = rng.random() < 0.05
    n = int(rng.choice([1, 2, 3])) if few else int(rng.integers(12, 40))
    codes = rng.permutation(np.arange(n) % int(rng.choice([2, 3])))
    hidden = rng.random(n) < 0.5
    hidden[[np.flatnonzero(codes == c)[0] for c in np.unique(codes)]] = False
    regression = issubclass(cls, SSLRegressor)
    X = draw_rows(rng, codes)
    y = (draw_numbers if regression else draw_classes)(rng, codes, hidden)
    weight = draw_weights(rng, n, hidden)
    if few:
        y.valid = None  # too few rows for what the name says
    if few or (cls is SemiSupervisedGaussianMixture and "image" in X.name):
        X.valid = X.valid and None
    if weight.name == "zero where labeled" and y.valid is None:
        weight.valid = None  # more rows may be labeled than we meant
    if cls is SemiSupervisedGaussianMixture and sp.issparse(X.value):
        X.valid = False
    if cls is SemiSupervisedGaussianMixture and weight.name != "none":
        weight.plain = None  # a weight of 2 counts there as a row given twice
    small = {
        "max_steps": 3,
        "max_iter": 1,
        "batch_size": 8,
        "unlabeled_ratio": 2,
        "random_state": 0,
    }
    small["module_params"] = {"width": 4} if "image" in X.name else {"hidden_layer_sizes": (8,)}
    if rng.random() < 0.2:
        small[rng.choice(["unlabeled_weight", "ema_decay"])] = 0.0
    known = cls().get_params()
    if "module" not in known:
        del small["max_iter"]
    clf = cls(**{k: v for k, v in small.items() if k in known})
    return clf, X, y, weight


def describe(seed):
    clf, X, y, weight = draw(seed)
    return f"{type(clf).__name__}, {X.name}, labels: {y.name}, weights: {weight.name}"


def snapshot(value):
    """Bytes of a value, to see whether a fit has changed it."""
    if isinstance(value, LazyRows):
        return [
            snapshot(np.asarray(row[0] if isinstance(row, tuple) else row)) for row in value.dataset
        ]
    if sp.issparse(value):
        return [snapshot(v) for v in vars(value).values() if isinstance(v, np.ndarray)]
    if isinstance(value, np.ma.MaskedArray):
        return snapshot(value.data), snapshot(np.ma.getmaskarray(value))
    if isinstance(value, torch.Tensor):
        return repr(value.dtype), value.detach().double().numpy().tobytes()
    if isinstance(value, np.ndarray) and value.dtype != object:
        return str(value.dtype), value.shape, value.strides, value.tobytes()
    if isinstance(value, pd.DataFrame | pd.Series):
        return repr(value.dtypes), value.to_csv()
    return repr(value.tolist() if isinstance(value, np.ndarray) else value)


def generators():
    """State of the process that no fit may change."""
    state = np.random.get_state()  # noqa: NPY002
    return (
        random.getstate(), state[1].tobytes(), state[2:], torch.get_rng_state().numpy().tobytes(),
        np.geterr(), torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads(),
    )  # fmt: skip


def weighted(clf, weight):
    return {} if weight is None else {"sample_weight": weight}


def attack_input(seed, loud=False):
    """Fit on one input: "fitted", "refused: words" or "FAULT ...: words"."""
    clf, X, y, weight = draw(seed)
    before, state = [snapshot(v.value) for v in (X, y, weight)], generators()
    validity = {X.valid, y.valid, weight.valid}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            fault = fitted(clf, X, y, weight)
        except (Exception, SystemExit) as error:
            if loud:
                traceback.print_exc()
            fault = refusal(error, clf)
        else:
            if fault is None and False in validity:
                fault = "FAULT taken: it should have been refused"
    if fault is None:
        fault = "fitted"
    elif fault.startswith("refused") and validity == {True}:
        fault = fault.replace("refused", "FAULT refused", 1)
    noise = [w for w in told if issubclass(w.category, RuntimeWarning | DeprecationWarning)]
    if not fault.startswith("FAULT") and noise:
        fault = f"FAULT {noise[0].category.__name__}: {noise[0].message}"
    if [snapshot(v.value) for v in (X, y, weight)] != before:
        fault = "FAULT changed: an input"
    if generators() != state:
        fault = "FAULT changed: a generator or setting of the process"
    return " ".join(fault.split())[:300]


def refusal(error, clf):
    words = f"{type(error).__name__}: {error}"
    if type(error) not in (ValueError, TypeError):
        return f"FAULT {words}"
    if hasattr(clf, "net_"):
        return f"FAULT late: {words}"
    if INNER.search(PUBLIC.sub("", str(error))) or len(str(error)) < 15:
        return f"FAULT no words: {words}"
    return f"refused: {words}"


def fitted(clf, X, y, weight):
    """Fit and predict; what is wrong with it, or None."""
    plain = copy.deepcopy(clf)
    clf.fit(X.value, y.value, **weighted(clf, weight.value))
    n = len(y.value)
    if isinstance(clf, SSLRegressor):
        seen = clf.predict(X.value)
        if (
            len(seen) != n
            or not np.isfinite(seen).all()
            or not np.isfinite(clf.transduction_).all()
        ):
            return "FAULT not finite: predictions"
        scale = np.abs(seen).max()
    else:
        seen, scale = clf.predict_proba(X.value), 1.0
        for p in (seen, clf.label_distributions_):
            if p.shape != (n, len(clf.classes_)) or not np.isfinite(p).all():
                return "FAULT not finite: probabilities"
            if not np.allclose(p.sum(1), 1, atol=1e-6) or p.min() < 0:
                return "FAULT not probabilities: they do not sum to 1"
        if (clf.predict(X.value) != clf.classes_[seen.argmax(1)]).any():
            return "FAULT other predictions: than the most probable class"
        if len(clf.transduction_) != n:
            return "FAULT transduction_: of another length"
    if any(v.plain is None and v.name not in ("ones", "some") for v in (X, y, weight)):
        return None
    same = [v.value if v.plain is None else v.plain for v in (X, y, weight)]
    plain.fit(same[0], same[1], **weighted(plain, same[2]))
    read = plain.predict if isinstance(clf, SSLRegressor) else plain.predict_proba
    difference = np.abs(read(same[0]) - seen).max() / (scale or 1.0)
    if not difference <= X.tolerance:
        return f"FAULT differs: by {difference:.2g} from the same as plain arrays"
    return None

"""What the tests share: the estimators they are run over, and a way to fit them in no time."""

import doctest
import sys
import threading
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from sklearn.base import is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.utils.data import Dataset

import sklearn_ssl
from sklearn_ssl import (
    LabelPropagationClassifier,
    LabelPropagationRegressor,
    SSLClassifier,
    SSLRegressor,
)

sys.path.append(str(Path(__file__).parent.parent / "examples"))
from entropy_minimization import EntropyMinimizationClassifier

DOCS = Path(__file__).parent.parent / "docs"


def from_page(page, name):
    """The class of that name that a page of the docs defines, as if a module held it."""
    module = ModuleType(f"docs_{page}")
    sys.modules[module.__name__] = module  # where pickles look for it
    for example in doctest.DocTestParser().get_examples((DOCS / f"{page}.md").read_text()):
        exec(compile(example.source, page, "exec"), vars(module))
        if name in vars(module):
            return vars(module)[name]


SCALED_LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression())
MEMBERS = {
    False: [("graph", LabelPropagationClassifier()), ("logistic", SCALED_LOGISTIC)],
    True: [
        ("graph", LabelPropagationRegressor(random_state=0)),
        ("ridge", make_pipeline(StandardScaler(), Ridge())),
    ],
}
BASES = SSLClassifier, SSLRegressor  # public, but no methods
PUBLIC = [
    cls
    for cls in map(sklearn_ssl.__dict__.get, sklearn_ssl.__all__)
    if isinstance(cls, type) and hasattr(cls, "predict") and cls not in BASES
]
ESTIMATORS = [cls for cls in PUBLIC if issubclass(cls, SSLClassifier)]
ESTIMATORS.append(EntropyMinimizationClassifier)  # the template of a new method keeps the contract
FROM_PAGES = [  # and so do the methods that pages show to authors
    from_page("second_network", "CrossPseudoClassifier"),
    from_page("queue", "MomentumContrastClassifier"),
]
REGRESSORS = [cls for cls in PUBLIC if is_regressor(cls())]
REGRESSION_NETS = [cls for cls in REGRESSORS if issubclass(cls, SSLRegressor)]
WITHOUT_NETWORK = [cls for cls in PUBLIC if not issubclass(cls, BASES) and cls not in REGRESSORS]
EVERYTHING = [*ESTIMATORS, *REGRESSORS, *WITHOUT_NETWORK]

every_estimator = pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)


def quick(cls, **params):
    """An instance that trains in a fraction of a second."""
    small = {
        "max_steps": 20,
        "unlabeled_ratio": 2,
        "random_state": 0,
        "module_params": {"hidden_layer_sizes": (32, 32)},
        "max_iter": 2,
        "estimators": MEMBERS[is_regressor(cls())],
        "cv": 2,
    }
    known = cls().get_params()
    if "module" not in known:
        del small["max_iter"]  # it is of EM
    return cls(**{**{k: v for k, v in small.items() if k in known}, **params})


def one_round(cls):
    """Parameters with which a method of rounds has the first one alone."""
    return {"max_iter": 0} if "max_iter" in cls().get_params() else {}


def few_steps(cls):
    """Parameters of a fit that need not learn."""
    few = {"max_steps": 3, "max_iter": 1} if "module" in cls().get_params() else {}
    return {k: v for k, v in few.items() if k in cls().get_params()}


def weights(clf):
    """Those that predict."""
    return clf.net_.predicting_module_.state_dict()


def assert_same_weights(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


class Squares(Dataset):
    """Grey images whose upper or lower half is bright; counts what is read."""

    def __init__(self, n=60):
        self.truth = np.arange(n) % 2
        self.images = np.random.default_rng(0).integers(0, 60, (n, 1, 8, 8)).astype(np.uint8)
        self.images[self.truth == 1, :, :4] += 180
        self.read, self.lock = 0, threading.Lock()

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        with self.lock:
            self.read += 1
        return torch.from_numpy(self.images[i]), self.truth[i]

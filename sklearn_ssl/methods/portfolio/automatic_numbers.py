"""Members that "auto" stands for where numbers are predicted."""

import warnings

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ..label_propagation import LabelPropagationRegressor
from ..mean_teacher_regressor import MeanTeacherRegressor
from ..rankup import RankUpRegressor
from .automatic import ENOUGH_FOR_BOOSTING
from .members import Member

__all__ = ["GaussianProcess", "automatic_regressors"]

NETWORKS = {  # in the order of what they add to the others, see benchmarks/RESULTS_REGRESSION.md
    "RankUpRegressor": RankUpRegressor,
    "MeanTeacherRegressor": MeanTeacherRegressor,
}
OF_BUDGET = {  # how many, where there are members without a network and where not; else all
    True: {"fast": 0, "good": 0},
    False: {"fast": 1, "good": 1},
}
KERNEL = ConstantKernel() * RBF(3.0, (0.1, 1e3)) + WhiteKernel(0.1, (1e-6, 10.0))
FEW_FOR_A_PROCESS = 1000  # labels: its time grows with their third power


class GaussianProcess(GaussianProcessRegressor):
    """One whose kernel may end at the bounds of its search, as it does for noise alone."""

    def fit(self, X, y):
        """Fit: rows (n, d), numbers (n,)."""
        with warnings.catch_warnings(), threadpool_limits(1, "blas"):
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().fit(X, y)


class Units(StandardScaler):
    """Of y, back to which predictions go in float64: 1e9 has no decimals in float32."""

    def inverse_transform(self, X, copy=None):
        """Numbers in standard deviations -> in the unit of y: (n, 1) -> (n, 1)."""
        return super().inverse_transform(np.asarray(X, dtype=float), copy)


def in_standard_units(reg):
    """A regressor that sees y standardised: trees take numbers of 1e-30 for equal ones."""
    return TransformedTargetRegressor(reg, transformer=Units(), check_inverse=False)


def automatic_regressors(kind, budget, n_labeled, choices, rng, *, sparse, weighted):
    """Members for rows of a kind.

    Parameters
    ----------
    kind : str
        ``input_kind_``.
    budget : "fast", "good", "best" or float
    n_labeled : int
    choices : dict
        Parameters of ours: ``categorical_features``, ``documents``.
    rng : RandomState
        Seeds them.
    sparse : bool
        Whether the rows are a sparse matrix.
    weighted : bool
        Whether rows have weights, which a Gaussian process does not take.
    """
    seed = iter(rng.randint(2**31, size=20).tolist())
    members = []
    if kind in ("table", "mixed table", "documents"):
        scaler = "passthrough" if kind == "documents" else StandardScaler(with_mean=not sparse)
        plain = {
            "ridge": make_pipeline(scaler, RidgeCV(np.logspace(-3, 3, 13))),
            "random forest": RandomForestRegressor(random_state=next(seed)),
            "extra trees": ExtraTreesRegressor(random_state=next(seed)),
        }
        if n_labeled <= FEW_FOR_A_PROCESS and not sparse and not weighted:
            process = GaussianProcess(KERNEL, n_restarts_optimizer=2, random_state=next(seed))
            plain["Gaussian process"] = make_pipeline(scaler, process)
        if n_labeled >= ENOUGH_FOR_BOOSTING and not sparse:
            plain["boosting"] = HistGradientBoostingRegressor(random_state=next(seed))
        members += [
            Member(name, in_standard_units(reg), False, of_numbers=True)
            for name, reg in plain.items()
        ]
        graph = LabelPropagationRegressor(random_state=next(seed), **choices)
        members.append(Member("graph", graph, True))
    few = OF_BUDGET[bool(members)]
    for name, cls in list(NETWORKS.items())[: few.get(budget)]:
        members.append(Member(name, cls(random_state=next(seed), **choices), True))
    return members

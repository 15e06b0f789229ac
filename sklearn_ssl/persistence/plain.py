"""Fitted estimators from plain arrays: for formats that know no tensors, such as skops."""

import torch

from ..engine.net import SSLNet
from ..inputs.mixed import Columns
from ..inputs.summary import DataSummary
from ..inputs.targets import ClassTargets, NumberTargets
from .files import network_of

HELD = [  # by estimators without a network, beside arrays
    "sklearn_ssl.methods.label_propagation.graph.LabelGraph",
    "sklearn_ssl.methods.label_propagation.lists.RowLists",
    "sklearn_ssl.methods.label_propagation.manifold.ManifoldRegression",
    "sklearn_ssl.methods.label_propagation.neighbors.KnownGraph",
    "sklearn_ssl.methods.label_propagation.neighbors.OfTransformer",
    "sklearn_ssl.methods.portfolio.automatic_numbers.GaussianProcess",
    "sklearn_ssl.methods.portfolio.automatic_numbers.Units",
    "sklearn_ssl.methods.portfolio.each_output.EachOutput",
    "sklearn_ssl.methods.portfolio.members.Member",
    "sklearn_ssl.methods.portfolio.report.MemberReport",
    "sklearn_ssl.methods.portfolio.report.NumberMemberReport",
    "sklearn_ssl.methods.portfolio.report.NumberReport",
    "sklearn_ssl.methods.portfolio.report.Report",
    "sklearn_ssl.methods.portfolio.spread.Spread",
    "sklearn.utils._bunch.Bunch",
]

__all__ = ["revive", "trusted_types"]


def revive(estimator):
    """Make the net of an estimator that holds what `SSLNet.__getstate__` gave, if it does."""
    net = vars(estimator).get("net_")
    stored = vars(net).get("stored") if net is not None else None
    if stored is None:
        return
    trained, predicting = (
        {name: torch.tensor(array) for name, array in stored[which].items()}
        for which in ("trained", "predicting")
    )
    estimator._summary.check()
    estimator._targets.check(estimator._summary)
    estimator.net_ = network_of(estimator, trained, predicting)
    for name in ("step_", "earlier_steps_", "stop_reason_"):
        setattr(estimator.net_, name, stored[name])


def trusted_types():
    """Names of the types that a skops file of an estimator may hold.

    skops asks which types to trust before it makes them. These set their attributes and build a
    network from numbers; nothing in the file is executed. Your own ``module``, views and other
    functions are not among them, nor is scikit-learn's KDTree, which label propagation over a graph
    of few columns holds: look at what ``skops.io.get_untrusted_types`` says, and add what you
    trust.

    Returns
    -------
    list of str
        For ``skops.io.load(path, trusted=...)``, and mlflow's ``skops_trusted_types``.

    Examples
    --------
    >>> from sklearn_ssl import trusted_types
    >>> "sklearn_ssl.methods.fixmatch.FixMatchClassifier" in trusted_types()
    True
    """
    import sklearn_ssl

    held = [SSLNet, DataSummary, Columns, ClassTargets, NumberTargets]
    public = [getattr(sklearn_ssl, name) for name in sklearn_ssl.__all__]
    held += [cls for cls in public if isinstance(cls, type) and hasattr(cls, "fit")]
    return [f"{cls.__module__}.{cls.__qualname__}" for cls in held] + HELD

"""Warnings point to the line of the user, not to one of this package or of scikit-learn."""

import warnings

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_ssl import (
    LabeledSplit,
    LabelPropagationClassifier,
    PiModelClassifier,
    SemiSupervisedGaussianMixture,
)


class Interrupt(Callback):
    def on_batch_end(self, net, **kwargs):
        raise KeyboardInterrupt


def where(call):
    """File and line of each warning, and the line on which the call stands."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        call()
    return {(w.filename, w.lineno) for w in told}, (__file__, call.__code__.co_firstlineno)


@pytest.fixture
def rows(blobs):
    X, y, _ = blobs
    return X, y, np.where(y == 1, 1, -1)


def test_one_class(rows):
    X, _, one = rows
    net = PiModelClassifier(max_steps=1)
    for clf in (net, LabelPropagationClassifier(), make_pipeline(StandardScaler(), net)):
        found, here = where(lambda clf=clf: clf.fit(X, one))
        assert found == {here}
    found, here = where(lambda: net.partial_fit(X, one))
    assert found == {here}


def test_an_interrupt_a_search_and_em(rows):
    X, y, one = rows
    found, here = where(lambda: PiModelClassifier(callbacks=[Interrupt()]).fit(X, y))
    assert found == {here}
    found, here = where(lambda: SemiSupervisedGaussianMixture(max_iter=1, tol=0).fit(X, y))
    assert found == {here}
    net = PiModelClassifier(max_steps=1)
    found, here = where(lambda: cross_val_score(net, X, one, cv=LabeledSplit(2)))
    assert found == {here}


def test_channels_last():
    X, y = np.zeros((20, 8, 8, 3), dtype=np.uint8), np.arange(20) % 2
    net = PiModelClassifier(max_steps=1, module_params={"width": 2})
    found, here = where(lambda: net.fit(X, y))
    assert found == {here}

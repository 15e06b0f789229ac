"""What estimators with a network share beyond the contract: shapes of rows, histories."""

import copy

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import FixMatchClassifier, VAEClassifier

from .helpers import every_estimator, few_steps, quick


@every_estimator
def test_input_shape_sees_rows_as_images(cls, digits):
    X, y, X_test, _ = digits
    X, y, X_test = X[:300], y[:300], X_test[:50]
    net = {**few_steps(cls), "module_params": {"width": 4}}
    rows = quick(cls, input_shape=(1, 8, 8), **net).fit(X, y)
    images = quick(cls, **net).fit(X.reshape(-1, 1, 8, 8), y)
    np.testing.assert_array_equal(
        rows.predict_proba(X_test), images.predict_proba(X_test.reshape(-1, 1, 8, 8))
    )
    assert rows.n_features_in_ == 64
    piped = make_pipeline(StandardScaler(), quick(cls, input_shape=(1, 8, 8), **net))
    assert piped.fit(pd.DataFrame(X), y).predict(pd.DataFrame(X_test)).shape == (len(X_test),)


def test_input_shape_gives_rows_back():
    X, y = load_digits(return_X_y=True)
    vae = quick(VAEClassifier, input_shape=(1, 8, 8), module_params={"width": 8}).fit(X, y)
    assert vae.inverse_transform(vae.transform(X[:5])).shape == (5, 64)
    assert vae.sample(3, random_state=0)[0].shape == (3, 64)
    assert vae.set_output(transform="pandas").transform(X[:5]).shape == (5, 32)


@every_estimator
def test_input_shape_that_does_not_fit_is_refused(cls, digits):
    X, y, _, _ = digits
    for rows in (X[:, :60], sp.csr_array(X), X.reshape(-1, 8, 8)):
        with pytest.raises(ValueError, match=r"input_shape=\(1, 8, 8\) needs dense 2-D rows of 64"):
            quick(cls, input_shape=(1, 8, 8), module_params=None).fit(rows, y)


@every_estimator
def test_history_as_a_frame(cls, fitted):
    clf = fitted(cls)
    frame = clf.history_frame()
    assert len(frame) == len(clf.history_)
    assert {"step", "lr", "loss", "labeled_loss", "seconds"} <= set(frame.columns)
    assert frame["loss"].notna().all()
    assert not any(isinstance(v, torch.Tensor) for record in clf.history_ for v in record.values())


@every_estimator
def test_a_refused_fit_leaves_the_estimator_as_it_was(cls, digits):
    X, y, _, _ = digits
    clf = quick(cls, warm_start=True, **few_steps(cls)).fit(X, y)
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match="other classes"):
        clf.fit(X, np.where(y < 0, -1, y + 10))
    with pytest.raises(ValueError, match="too few"):
        clf.set_params(warm_start=False, validation_fraction=0.01).fit(X, y + 10 * (y >= 0))
    with pytest.raises(ValueError, match="class_weight"):
        clf.set_params(validation_fraction=None, class_weight={0: -1.0}).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), before)
    np.testing.assert_array_equal(clf.classes_, np.arange(10))


def test_a_refused_fit_leaves_no_trace(digits):
    X, y, _, _ = digits
    generator = np.random.RandomState(0)
    clf = quick(FixMatchClassifier, max_steps=2, random_state=generator)
    too_few = {"validation_fraction": 0.01}  # noticed after rows are checked and a seed is drawn
    for rows in (X, X[:, :3]):  # unfitted, and then fitted on other columns
        before, next_draws = dict(vars(clf)), copy.deepcopy(generator).randint(99, size=9)
        with pytest.raises(ValueError, match="too few"):
            clf.set_params(**too_few).fit(rows, y)
        assert {k: v for k, v in vars(clf).items() if k != "validation_fraction"} == {
            k: v for k, v in before.items() if k != "validation_fraction"
        }
        assert (copy.deepcopy(generator).randint(99, size=9) == next_draws).all()
        clf.set_params(validation_fraction=None).fit(X, y)
    assert clf.n_features_in_ == 64

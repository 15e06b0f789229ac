"""Classifiers: partial_fit, temperatures, routing."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_ssl import (
    FixMatchClassifier,
    FreeMatchClassifier,
    LabeledSplit,
    ReMixMatchClassifier,
    SoftMatchClassifier,
    hide_labels,
)

from .helpers import every_estimator, few_steps, one_round, quick


@every_estimator
def test_partial_fit_goes_on_from_the_weights_so_far(cls, digits):
    X, y, X_test, y_test = digits
    params = {"batch_size": 32}
    whole = quick(cls, **params).fit(X, y)
    parts = quick(cls, **params).partial_fit(X, y)
    np.testing.assert_array_equal(whole.predict_proba(X_test), parts.predict_proba(X_test))
    parts.partial_fit(X[::2], y[::2])
    assert not np.array_equal(whole.predict_proba(X_test), parts.predict_proba(X_test))
    assert parts.score(X_test, y_test) > whole.score(X_test, y_test) - 0.02
    fresh = quick(cls, **params).fit(X[::2], y[::2])
    assert parts.score(X_test, y_test) > fresh.score(X_test, y_test)


@pytest.mark.parametrize(
    ("cls", "names"),
    [
        (FixMatchClassifier, ["mean_q"]),
        (FreeMatchClassifier, ["mean_q", "tau_t", "p_t", "h_t"]),
        (SoftMatchClassifier, ["mean_q", "mu", "variance"]),
        (ReMixMatchClassifier, ["mean_q"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_partial_fit_goes_on_with_running_means(cls, names, digits):
    """A call of few steps would not find them: predictions would be aligned to nothing."""
    X, y, _, _ = digits
    clf = quick(cls, random_state=np.random.RandomState(0)).partial_fit(X, y)
    before = {name: getattr(clf.net_.criterion_, name).clone() for name in names}
    clf.set_params(max_steps=1).partial_fit(X, y)
    fresh = quick(cls, max_steps=1).fit(X, y)
    for name, value in before.items():
        now, at_first = (getattr(c.net_.criterion_, name) for c in (clf, fresh))
        assert (now - value).abs().max() < (at_first - value).abs().max() / 3, name
    again = pickle.loads(pickle.dumps(clf)).partial_fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(clf.partial_fit(X, y).predict_proba(X), again)


@every_estimator
def test_running_means_are_buffers_that_know_no_rows(cls, fitted):
    loss = fitted(cls).net_.criterion_
    assert {*getattr(loss, "running", ())} <= dict(loss.named_buffers()).keys()
    before = {name: getattr(loss, name).shape for name in getattr(loss, "running", ())}
    assert all(shape in ((), (10,)) for shape in before.values())


def test_partial_fit_goes_on_where_the_loss_is_another(digits):
    X, y, X_test, y_test = digits
    clf = quick(FreeMatchClassifier, distribution_alignment=False).partial_fit(X, y)
    clf.set_params(distribution_alignment=True).partial_fit(X, y)
    clf.set_params(unlabeled_weight=0).partial_fit(X, y)
    clf.set_params(unlabeled_weight=1, distribution_alignment=False).partial_fit(X, y)
    assert clf.score(X_test, y_test) > 0.6


@every_estimator
def test_a_block_without_labels_is_told_to_come_beside_labeled_rows(cls, digits):
    X, y, X_test, _ = digits
    clf = quick(cls, **few_steps(cls)).partial_fit(X, y)
    with pytest.raises(ValueError, match=r"X_unlabeled: so partial_fit, where there is one, takes"):
        clf.partial_fit(X_test, np.full(len(X_test), -1))
    clf.partial_fit(X[y >= 0], y[y >= 0], X_unlabeled=X_test)
    assert clf.transduction_unlabeled_.shape == (len(X_test),)


@every_estimator
def test_partial_fit_learns_a_class_that_comes_later(cls, blobs):
    X, _, truth = blobs
    first, later = np.where(truth == 0, 0, -1), np.where(truth == 1, 1, -1)
    clf = quick(cls, max_steps=30, batch_size=16).partial_fit(X, first, classes=[0, 1])
    np.testing.assert_array_equal(clf.classes_, [0, 1])
    for _ in range(3):
        clf.partial_fit(X, np.where(np.arange(60) % 2, first, later))
    assert clf.score(X, truth) > 0.9


@every_estimator
def test_partial_fit_refuses_other_classes_and_columns(cls, blobs):
    X, y, _ = blobs
    clf = quick(cls, **few_steps(cls)).partial_fit(X, y)
    before = clf.predict_proba(X)
    with pytest.raises(ValueError, match="not among the classes"):
        clf.partial_fit(X, np.where(y == 1, 7, y))
    with pytest.raises(ValueError, match="the first call had"):
        clf.partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="features"):
        clf.partial_fit(X[:, :3], y)
    np.testing.assert_array_equal(clf.predict_proba(X), before)


def test_partial_fit_takes_the_unlabeled_mark_out_of_classes(blobs, tmp_path):
    X, y, _ = blobs
    clf = quick(FixMatchClassifier).partial_fit(X, y, classes=np.unique(y))
    np.testing.assert_array_equal(clf.classes_, [0, 1])
    with pytest.raises(ValueError, match="checkpoint_dir=None"):
        clf.set_params(checkpoint_dir=tmp_path).partial_fit(X, y)


@every_estimator
def test_temperature_minimises_the_loss_of_held_out_rows(cls):
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(len(y)) < 0.3, rng.integers(10, size=len(y)), y)  # overconfident
    few = hide_labels(noisy, 300, random_state=0)
    params = {
        "max_steps": 150,
        "batch_size": 32,
        "ema_decay": 0.9,
        "lr": 0.005 if cls.optimizer == "adam" else 0.1,
        "validation_fraction": 0.3,
        **one_round(cls),  # which rows further ones take depends on the confidences
    }
    scaled = quick(cls, temperature_scaling=True, **params).fit(X, few)
    assert scaled.temperature_ > 1.2
    noisy_test = np.where(rng.random(len(y_test)) < 0.3, rng.integers(10, size=len(y_test)), y_test)
    p = scaled.predict_proba(X_test)
    plain = p**scaled.temperature_
    plain /= plain.sum(1, keepdims=True)
    assert log_loss(noisy_test, p) < log_loss(noisy_test, plain)


@every_estimator
def test_temperature_changes_no_decision(cls, digits):
    X, y, X_test, _ = digits
    params = {"max_steps": 40, "lr": 0.01, "validation_fraction": 0.3, **one_round(cls)}
    plain = quick(cls, **params).fit(X, y)
    scaled = quick(cls, temperature_scaling=True, **params).fit(X, y)
    assert plain.temperature_ == 1
    np.testing.assert_array_equal(plain.predict(X_test), scaled.predict(X_test))
    expected = plain.predict_proba(X_test) ** (1 / scaled.temperature_)
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(scaled.predict_proba(X_test), expected, rtol=1e-4, atol=1e-6)


def test_temperature_never_sharpens():
    X, y = load_digits(return_X_y=True)
    X, y = X[y < 2], y[y < 2]  # easy: no held-out row is wrong
    clf = quick(FixMatchClassifier, max_steps=100, temperature_scaling=True)
    assert clf.fit(X, hide_labels(y, 20, random_state=0)).temperature_ == pytest.approx(1, abs=1e-3)


def test_sample_weight_is_routed(digits):
    X, y, X_test, _ = digits
    weight = (np.arange(len(y)) % 2 == 0) * 1.0
    alone = quick(FixMatchClassifier).fit(X, y, sample_weight=weight)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = quick(FixMatchClassifier).set_fit_request(sample_weight=True)
        clf.set_score_request(sample_weight=True)
        piped = make_pipeline(clf).fit(X, y, sample_weight=weight)
        np.testing.assert_array_equal(piped.predict_proba(X_test), alone.predict_proba(X_test))
        search = GridSearchCV(piped, {"fixmatchclassifier__threshold": [0.9]}, cv=LabeledSplit(2))
        assert search.fit(X, y, sample_weight=weight).best_score_ > 0.1


def test_short_calls_of_partial_fit_see_other_rows_each_time(digits):
    X, y, X_test, y_test = digits
    labeled = y >= 0
    clf = quick(FixMatchClassifier, max_steps=2, batch_size=8)
    for block in np.array_split(X[~labeled], 30):
        clf.partial_fit(X[labeled], y[labeled], X_unlabeled=block)
    assert clf.score(X_test, y_test) > 0.75


def test_partial_fit_holds_out_the_same_rows_each_time(digits):
    X, y, _, _ = digits
    clf = quick(FixMatchClassifier, validation_fraction=0.3, max_steps=1)
    held = []
    original = clf._training_rows

    def noting(*args):
        rows = original(*args)
        held.append(np.flatnonzero(rows.held_out))
        return rows

    clf._training_rows = noting
    for _ in range(2):
        clf.partial_fit(X, y)
    np.testing.assert_array_equal(*held)
    assert len(held[0]) == 30

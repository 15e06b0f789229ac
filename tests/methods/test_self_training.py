"""Self-training: selection, and rounds as in scikit-learn."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sklearn_ssl import SelfTrainingNet, hide_labels
from sklearn_ssl.engine.training import Training
from sklearn_ssl.methods.self_training import select_confident

from ..helpers import quick
from .by_hand import balanced_accuracies


def test_selection_is_balanced():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([3, 1, 1], size=300)
    predicted = np.bincount(p.argmax(1), minlength=3)
    counts = np.bincount(p[select_confident(p, k_best=30)].argmax(1), minlength=3)
    roots = np.sqrt(predicted)
    assert counts.sum() == 30
    assert np.abs(counts - 30 * roots / roots.sum()).max() < 3
    assert counts[1:].min() > 30 * predicted[1:].min() / 300
    unbalanced = select_confident(p, k_best=30, balanced=False)
    assert sorted(p[unbalanced].max(1)) == sorted(np.sort(p.max(1))[-30:])
    above = select_confident(p, threshold=0.9, balanced=False)
    assert (above == np.flatnonzero(p.max(1) > 0.9)).all()
    assert len(select_confident(p, threshold=0.999999)) == 0


def test_rounds_are_recorded_as_in_scikit_learn(digits):
    X, y, _, _ = digits
    clf = quick(SelfTrainingNet, k_best=50, max_iter=3).fit(X, y)
    assert clf.n_iter_ == 3
    assert clf.termination_condition_ == "max_iter"
    assert (clf.labeled_iter_[y >= 0] == 0).all()
    counts = [int((clf.labeled_iter_ == r).sum()) for r in (-1, 1, 2, 3)]
    assert counts[0] == int((clf.transduction_ == -1).sum()) > 0
    assert all(0 < c <= 50 for c in counts[1:])
    assert {record["round"] for record in clf.history_} == {0, 1, 2, 3}
    everything = quick(SelfTrainingNet, criterion="threshold", threshold=0.0, balanced=False)
    everything.fit(X, y)
    assert everything.termination_condition_ == "all_labeled"
    assert (everything.transduction_ >= 0).all()
    nothing = quick(SelfTrainingNet, criterion="threshold", threshold=0.9999999).fit(X, y)
    assert nothing.termination_condition_ == "no_change"
    assert ((nothing.transduction_ == -1) == (y == -1)).all()


def test_warm_rounds_differ_from_restarts(digits):
    X, y, _, _ = digits
    cold = quick(SelfTrainingNet).fit(X, y)
    warm = quick(SelfTrainingNet, warm_start_rounds=True).fit(X, y)
    first = [next(r for r in c.history_ if r["round"] == 1)["labeled_loss"] for c in (cold, warm)]
    assert first[1] < first[0]


def test_balanced_rounds_do_not_collapse_with_two_labels_a_class():
    X, truth = load_digits(return_X_y=True)
    y = hide_labels(truth, 20, stratify="balanced", random_state=0)
    assert (
        SelfTrainingNet(max_steps=100, batch_size=32, random_state=0).fit(X, y).score(X, truth)
        > 0.6
    )


def test_self_training_holds_the_same_validation_rows_out_in_every_round(digits, monkeypatch):
    X, y, _, _ = digits
    held = []
    run = Training.run

    def spy(self):
        held.append(np.flatnonzero(self.rows.held_out).tolist())
        assert not np.isin(held[-1], self.batches.labeled.numpy()).any()
        assert not np.isin(held[-1], self.batches.pool.numpy()).any()
        np.testing.assert_array_equal(self._valid[0], X[held[-1]])
        np.testing.assert_array_equal(self._valid[1], y[held[-1]])
        run(self)

    monkeypatch.setattr(Training, "run", spy)
    for state in (0, None, np.random.RandomState(0)):
        held.clear()
        quick(SelfTrainingNet, validation_fraction=0.3, max_iter=2, random_state=state).fit(X, y)
        assert len(held) == 3
        assert held[0] == held[1] == held[2] != []


def test_rows_that_no_round_labeled_keep_the_mark_and_the_dtype(digits):
    X, y, _, _ = digits
    params = {"max_iter": 1, "k_best": 5}
    clf = quick(SelfTrainingNet, **params).fit(X, y)
    assert clf.transduction_.dtype == y.dtype
    assert (clf.transduction_ == -1).sum() == (y < 0).sum() - 5
    missing = np.where(y < 0, np.nan, y - 1.0)  # -1 is a class
    clf = quick(SelfTrainingNet, unlabeled_label=None, **params).fit(X, missing)
    assert np.isnan(clf.transduction_).sum() == (y < 0).sum() - 5


def test_does_not_collapse_on_a_minority():
    """It costs some points there, as its docstring says, but no class disappears."""
    ours, supervised = balanced_accuracies(SelfTrainingNet, max_steps=50)
    assert ours > supervised - 0.1
    assert ours > 0.65


def test_pseudo_label_shares_are_those_of_all_rows_labeled_so_far(digits):
    X, y, _, _ = digits
    clf = quick(SelfTrainingNet, max_iter=2).fit(X, y)
    rounds = {r["round"]: r for r in clf.history_}
    for r in (1, 2):
        given = clf.labeled_iter_[(clf.labeled_iter_ > 0) & (clf.labeled_iter_ <= r)]
        assert sum(rounds[r]["pseudo_label_shares"]) == pytest.approx(len(given) / (y < 0).sum())
        assert 0 < rounds[r]["threshold"] <= 1


@pytest.mark.parametrize("balanced", [True, False])
def test_a_round_keeps_the_rows_that_its_parameters_choose(balanced):
    p = np.array([[0.99, 0.01], [0.98, 0.02], [0.97, 0.03], [0.96, 0.04], [0.4, 0.6], [0.95, 0.05]])
    # of 6 rows 3, by roots of 5 and 1: at most ceil(3 * 2.24 / 3.24) = 3 and ceil(.93) = 1
    expected = {0.5: [0, 1, 2], 4: [0, 1, 2, 4] if balanced else [0, 1, 2, 3]}
    for k_best, rows in expected.items():
        net = SelfTrainingNet(k_best=k_best, balanced=balanced)
        assert net._select(p, n_unlabeled=6).tolist() == rows
    net = SelfTrainingNet(criterion="threshold", threshold=0.5, balanced=balanced)
    assert net._select(p, n_unlabeled=6).tolist() == [0, 1, 2, 3, 4, 5]

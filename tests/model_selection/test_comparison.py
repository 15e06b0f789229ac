"""With against without unlabeled rows."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import (
    FixMatchClassifier,
    LabeledSplit,
    LabelPropagationClassifier,
    SelfTrainingNet,
    SemiSupervisedGaussianMixture,
    compare_with_supervised,
    hide_labels,
    label_budget_curve,
    labeled_scorer,
)
from sklearn_ssl.model_selection import Comparison

from ..helpers import quick


@pytest.fixture(scope="module")
def few():
    X, y = load_digits(return_X_y=True)
    X, y = X[:600], y[:600]
    return X, hide_labels(y, 150, random_state=0), y


def test_comparison_against_numbers_worked_out_by_hand(few):
    X, y, _ = few
    clf = quick(FixMatchClassifier, max_steps=30)
    result = compare_with_supervised(clf, X, y, cv=3, scoring="f1_macro")
    cv = LabeledSplit(3)
    ours = cross_val_score(clf, X, y, cv=cv, scoring="f1_macro")
    zero = quick(FixMatchClassifier, max_steps=30, unlabeled_weight=0)
    plain = cross_val_score(zero, X, y, cv=cv, scoring="f1_macro")
    np.testing.assert_array_equal(result.scores, ours)
    np.testing.assert_array_equal(result.supervised_scores, plain)
    d = ours - plain
    # test folds of 50 labeled rows, training folds of 100
    half = stats.t.ppf(0.975, 2) * np.sqrt((1 / 3 + 1 / 2) * d.var(ddof=1))
    np.testing.assert_allclose(result.interval, [d.mean() - half, d.mean() + half])
    assert clf.unlabeled_weight == 1
    assert result.verdict in str(result)


def test_comparison_says_when_unlabeled_rows_help_and_hurt():
    X, y = load_digits(return_X_y=True)
    few = hide_labels(y, 60, "balanced", random_state=0)
    pipe = make_pipeline(StandardScaler(), quick(FixMatchClassifier, max_steps=150))
    cv = LabeledSplit(StratifiedShuffleSplit(4, test_size=0.3, random_state=0))
    helped = compare_with_supervised(pipe, X, few, cv=cv)
    assert helped.difference > 0

    rng = np.random.default_rng(0)  # strong views that turn a row into one of the other class
    truth = rng.integers(0, 2, 400)
    X = rng.normal(size=(400, 2)) + 3 * (2 * truth[:, None] - 1)
    clf = quick(FixMatchClassifier, max_steps=100, strong_augment=lambda x, generator: -x)
    hurt = compare_with_supervised(clf, X, hide_labels(truth, 100, random_state=0), cv=5)
    assert hurt.difference < -0.2
    assert hurt.verdict == "hurt"


def test_comparison_refuses_what_it_cannot_compare(few):
    X, y, _ = few
    with pytest.raises(ValueError, match="unlabeled_weight"):
        compare_with_supervised(LogisticRegression(), X, y)
    with pytest.raises(ValueError, match="confidence"):
        compare_with_supervised(FixMatchClassifier(), X, y, confidence=95)


def test_comparison_with_what_the_user_has_already(few):
    X, y, _ = few
    graph, forest = LabelPropagationClassifier(), ExtraTreesClassifier(30, random_state=0)
    result = compare_with_supervised(graph, X, y, cv=3, baseline=forest)
    labeled = y >= 0
    plain = cross_val_score(forest, X[labeled], y[labeled], cv=3)
    np.testing.assert_array_equal(result.supervised_scores, plain)
    np.testing.assert_array_equal(result.scores, cross_val_score(graph, X, y, cv=LabeledSplit(3)))
    assert str(result).startswith("LabelPropagationClassifier 0.")
    assert "ExtraTreesClassifier 0." in str(result)
    assert "unlabeled rows" not in str(result)
    assert result.verdict in ("better", "worse", "undecided")


def test_folds_that_agree_by_chance_are_no_certainty(few):
    X, y, _ = few
    graph = LabelPropagationClassifier()
    result = compare_with_supervised(graph, X, y, cv=3, baseline=clone(graph))
    assert np.isnan(result.interval).all()
    assert result.verdict == "undecided"
    assert "no interval, since all folds have the same difference" in str(result)


def comparison(interval, n_labeled=60):
    mean = float(np.mean(interval))
    scores = np.array([0.8, 0.9])
    return Comparison(scores, scores - mean, mean, interval, 0.95, None, n_labeled)


def test_an_undecided_comparison_says_how_many_labels_would_decide():
    found = comparison((-0.06, 0.10))  # .02 +- .08: 4 times too wide
    np.testing.assert_allclose(found.labels_to_decide, 960)
    assert "undecided. About 960 labels instead of 60 would decide" in str(found)
    assert comparison((0.01, 0.10)).labels_to_decide is None
    assert str(comparison((0.01, 0.10))).endswith("helped")
    assert comparison((-0.06, 0.10), None).labels_to_decide is None
    assert comparison((-0.06, 0.06)).labels_to_decide == np.inf
    for small in ((-0.06, 0.06), (-0.06, 0.061)):
        assert "More than 100 times the 60 labels" in str(comparison(small))


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((-0.05, 0.1), "[-0.050, +0.100]"),
        ((0.00012, 0.00024), "[+0.0001, +0.0002]"),
        ((0.00004, 0.012), "[+0.00004, +0.01200]"),
        ((0.0, 0.1), "[+0.000, +0.100]"),
    ],
)
def test_no_bound_of_an_interval_is_rounded_to_zero(interval, text):
    assert text in str(comparison(interval))


def test_rounding_is_no_spread_of_folds(few):
    X, y, _ = few
    clf, by_class = LabelPropagationClassifier(), iter([0.9, 0.8, 0.8, 0.7, 0.7, 0.6])
    result = compare_with_supervised(
        clf, X, y, cv=3, baseline=clone(clf), scoring=lambda *_: next(by_class)
    )
    assert np.ptp(result.scores - result.supervised_scores) > 0
    assert np.isnan(result.interval).all()


def test_labels_to_decide_brings_the_interval_down_to_the_difference():
    rng = np.random.default_rng(0)

    def half_width(n):  # of folds of n / 5 rows, on each of which one side is right more often
        folds = rng.choice([-1, 0, 1], p=[0.1, 0.76, 0.14], size=(400, 5, n // 5)).mean(-1)
        return np.sqrt((1 / 5 + 1 / 4) * folds.var(-1, ddof=1)).mean() * stats.t.ppf(0.975, 4)

    reach = half_width(100)
    needed = comparison((0.04 - reach, 0.04 + reach), 100).labels_to_decide
    assert half_width(int(needed)) == pytest.approx(0.04, rel=0.1)


def test_budget_curve_rises_and_is_reproducible():
    X, y = load_breast_cancer(return_X_y=True)
    nets = {"ours": quick(FixMatchClassifier), "linear": quick(SelfTrainingNet)}
    args = {"n_labeled": [4, 100], "n_repeats": 3, "random_state": 0}
    curve = label_budget_curve(nets, X, y, **args)
    again = label_budget_curve(nets, X, y, n_jobs=2, **args)
    np.testing.assert_array_equal(curve.scores, again.scores)
    assert curve.scores.shape == (2, 2, 3)
    assert (curve.mean[:, 1] > curve.mean[:, 0]).all()
    expected = curve.scores[0, 0].std(ddof=1) / np.sqrt(3)
    np.testing.assert_allclose(curve.standard_error[0, 0], expected)
    assert "ours" in str(curve)


def test_budget_curve_gives_every_estimator_the_same_rows_and_that_many_labels():
    seen = []

    class Spy(LogisticRegression):
        def fit(self, X, y):
            seen.append(np.flatnonzero(y >= 0))
            return super().fit(X[y >= 0], y[y >= 0])

    X, y = load_breast_cancer(return_X_y=True)
    spies = {name: make_pipeline(StandardScaler(), Spy()) for name in "ab"}
    label_budget_curve(spies, X, y, [10, 20], n_repeats=2, random_state=0)
    assert [len(rows) for rows in seen] == [10, 20, 10, 20] * 2
    for one, other in zip(seen[:4], seen[4:], strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(seen[0], seen[2])


@pytest.mark.parametrize(("n", "message"), [([1], "cover"), ([10_000], "holds")])
def test_budget_curve_refuses_budgets_out_of_range(n, message):
    X, y = load_breast_cancer(return_X_y=True)
    with pytest.raises(ValueError, match=message):
        label_budget_curve(FixMatchClassifier(), X, y, n)


def test_budget_curve_gives_a_supervised_estimator_the_labeled_rows_alone():
    X, y = load_breast_cancer(return_X_y=True)
    linear = make_pipeline(StandardScaler(), LogisticRegression())
    curve = label_budget_curve(linear, X, y, 40, n_repeats=2, random_state=0)
    assert curve.mean[0, 0] > 0.85


@pytest.mark.parametrize("mark", [None, "open", -1])
def test_the_mark_is_that_of_the_estimator(mark):
    X, truth = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    few = hide_labels(truth, 90, random_state=0)
    y = np.array([mark if v < 0 else f"wine {v}" for v in few], dtype=object)
    linear = LogisticRegression()

    def curve(mixture, y):
        models = {"mixture": make_pipeline(StandardScaler(), mixture), "linear": linear}
        return label_budget_curve(models, X, y, [9, 30], n_repeats=2, random_state=0)

    ours = SemiSupervisedGaussianMixture(unlabeled_label=mark)
    expected = curve(SemiSupervisedGaussianMixture(), few)
    np.testing.assert_array_equal(curve(ours, y).scores, expected.scores)
    assert expected.mean.min() > 0.8
    result = compare_with_supervised(ours, X, y, cv=3)
    expected = compare_with_supervised(SemiSupervisedGaussianMixture(), X, few, cv=3)
    np.testing.assert_array_equal(result.scores, expected.scores)
    scorer = labeled_scorer("accuracy")
    fitted, plain = ours.fit(X, y), SemiSupervisedGaussianMixture().fit(X, few)
    assert scorer(fitted, X, y) == scorer(plain, X, few) == plain.score(X, few)
    search = GridSearchCV(make_pipeline(ours), {}, cv=LabeledSplit(2, mark)).fit(X, y)
    assert scorer(search, X, y) == search.score(X, y)


def test_budget_curve_fits_supervised_regressors_on_the_labeled_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = np.where(np.arange(120) < 60, X @ [1.0, 2.0, 3.0], np.nan)
    curve = label_budget_curve(LinearRegression(), X, y, [10, 20], n_repeats=2, random_state=0)
    np.testing.assert_allclose(curve.scores, 1)


def test_errors_of_an_estimator_that_knows_unlabeled_rows_are_not_swallowed():
    X, y = load_wine(return_X_y=True)
    mixture = SemiSupervisedGaussianMixture(unlabeled_label=None, max_iter=0)
    with pytest.raises(ValueError, match="max_iter"):
        label_budget_curve(mixture, X, y * 1.0, [9], n_repeats=2, random_state=0)
    models = {"a": SemiSupervisedGaussianMixture(unlabeled_label="open"), "b": FixMatchClassifier()}
    with pytest.raises(ValueError, match="different marks"):
        label_budget_curve(models, X, y, [9])


def test_budget_curve_never_trains_on_the_rows_it_scores():
    trained, tested = [], []

    class Spy(LogisticRegression):
        def fit(self, X, y):
            trained.append(set(X[:, 0]))
            return super().fit(X, y)

        def score(self, X, y):
            tested.append(set(X[:, 0]))
            return super().score(X, y)

    X, y = np.arange(60.0)[:, None], np.tile([0, 1, -1], 20)
    label_budget_curve(Spy(), X, y, [4, 9], n_repeats=2, random_state=0)
    assert [len(rows) for rows in tested] == [12] * 4  # .3 of 40 labels
    whole = [rows for rows in trained if len(rows) == 48]
    assert len(whole) == 4
    for train, test in zip(whole, tested, strict=True):
        assert not train & test
        assert not any(row % 3 == 2 for row in test)

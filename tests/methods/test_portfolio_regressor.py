"""The portfolio of regressors: who is given what, stacking, the safe mean, intervals."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import (
    AutoSSLRegressor,
    LabelPropagationRegressor,
    MeanTeacherRegressor,
    compare_with_supervised,
    label_budget_curve,
    rank_methods,
)
from sklearn_ssl.methods.portfolio.automatic_numbers import automatic_regressors
from sklearn_ssl.methods.portfolio.each_output import EachOutput
from sklearn_ssl.methods.portfolio.fitting import folds_of_numbers
from sklearn_ssl.methods.portfolio.spread import Spread
from sklearn_ssl.methods.portfolio.stacking import (
    on_simplex,
    safe_weights,
    squared_errors,
    stacked_weights,
)
from sklearn_ssl.plotting import PortfolioDisplay

RIDGE = "ridge", make_pipeline(StandardScaler(), Ridge())
NEIGHBOURS = "neighbours", KNeighborsRegressor(3)
GRAPH = "graph", LabelPropagationRegressor(n_landmarks=60, random_state=0)


class Recorder(RegressorMixin, BaseEstimator):
    """A regressor that remembers what it was given."""

    seen = []

    def fit(self, X, y, sample_weight=None):
        type(self).seen.append((np.asarray(X), np.asarray(y), sample_weight))
        self.mean_ = np.nanmean(y, axis=0)
        return self

    def predict(self, X):
        return np.full((len(X), *np.shape(self.mean_)), self.mean_)


class Knowing(Recorder):
    """The same, and it says that it takes unlabeled rows."""

    seen = []

    def fit(self, X, y, sample_weight=None, X_unlabeled=None):
        return super().fit(X, y, sample_weight)


class Off(Knowing):
    """It is far off everywhere."""

    def predict(self, X):
        return super().predict(X) + 100


@pytest.fixture(autouse=True)
def _nothing_seen():
    Recorder.seen, Knowing.seen = [], []


@pytest.fixture
def friedman():
    X, truth = make_friedman1(150, noise=0.3, random_state=0)
    return X, np.where(np.arange(150) < 30, truth, np.nan), truth


def test_members_that_take_a_pool_are_given_all_rows_and_the_others_no_nan(friedman):
    X, y, _ = friedman
    members = [("plain", make_pipeline(StandardScaler(), Recorder())), ("ours", Knowing())]
    reg = AutoSSLRegressor(estimators=members, random_state=0).fit(X, y)
    assert [len(labels) for _, labels, _ in Recorder.seen] == [30, 20, 20, 20]
    assert all(np.isfinite(labels).all() for _, labels, _ in Recorder.seen)
    assert [len(labels) for _, labels, _ in Knowing.seen] == [150] * 4
    assert [np.isfinite(labels).sum() for _, labels, _ in Knowing.seen] == [30, 20, 20, 20]
    hidden = [np.isfinite(y) & np.isnan(labels) for _, labels, _ in Knowing.seen[1:]]
    assert (np.sum(hidden, axis=0) == np.isfinite(y)).all()  # each label is hidden once
    assert [reg.report_[name].rows for name in ("plain", "ours")] == ["labeled", "all"]
    pool = AutoSSLRegressor(estimators=members, random_state=0).fit(
        X[:30], y[:30], X_unlabeled=X[30:]
    )
    np.testing.assert_array_equal(pool.weights_, reg.weights_)
    np.testing.assert_array_equal(pool.transduction_unlabeled_, reg.transduction_[30:])


def test_weights_of_rows_reach_members_inside_others(friedman):
    X, y, _ = friedman
    weight = np.linspace(0, 2, 150)
    members = [("plain", make_pipeline(StandardScaler(), Recorder())), ("ours", Knowing())]
    AutoSSLRegressor(estimators=members, cv=None).fit(X, y, sample_weight=weight)
    weight /= weight[1:30].mean()  # in any unit
    np.testing.assert_allclose(Recorder.seen[0][2], weight[1:30])
    np.testing.assert_allclose(Knowing.seen[0][2], weight[1:])
    both = np.column_stack([y, y])
    both[:10, 1] = np.nan
    AutoSSLRegressor(estimators=members, cv=None).fit(X, both, sample_weight=weight)
    np.testing.assert_allclose(Recorder.seen[-1][2], weight[10:30])
    auto = AutoSSLRegressor(cv=None, random_state=0).fit(X, y, sample_weight=weight)
    assert "random forest" in auto.named_estimators_
    with pytest.raises(ValueError, match="'near': it takes no sample_weight"):
        AutoSSLRegressor(estimators=[("near", KNeighborsRegressor())]).fit(X, y, weight)


def test_the_mean_is_that_of_the_members_with_their_weights(friedman):
    X, y, truth = friedman
    reg = AutoSSLRegressor(estimators=[RIDGE, NEIGHBOURS, GRAPH], random_state=0).fit(X, y)
    said = np.array([member.predict(X) for member in reg.named_estimators_.values()])
    np.testing.assert_allclose(reg.predict(X), reg.weights_ @ said, rtol=1e-6)
    np.testing.assert_array_equal(reg.transduction_[:30], y[:30])
    np.testing.assert_allclose(reg.transduction_[30:], reg.predict(X[30:]), rtol=1e-9)
    singles = [r2_score(truth[30:], p[30:]) for p in said]
    assert reg.score(X[30:], truth[30:]) > max(singles) - 0.05
    again = pickle.loads(pickle.dumps(reg))
    np.testing.assert_array_equal(again.predict(X), reg.predict(X))


def test_units_of_y_do_not_matter(friedman):
    X, y, _ = friedman
    members = [NEIGHBOURS, ("linear", LinearRegression())]
    one = AutoSSLRegressor(estimators=members, random_state=0).fit(X, y)
    other = AutoSSLRegressor(estimators=members, random_state=0).fit(X, 1e6 * y - 7e6)
    np.testing.assert_allclose(one.weights_, other.weights_, atol=1e-6)
    np.testing.assert_allclose(1e6 * one.predict(X) - 7e6, other.predict(X), rtol=1e-6, atol=1)
    for a, b in zip(one.predict(X, True), other.predict(X, True), strict=True):
        assert a.shape == b.shape
    np.testing.assert_allclose(1e6 * one.predict(X, True)[1], other.predict(X, True)[1], rtol=1e-5)


def test_several_outputs_of_which_some_are_unknown(friedman):
    X, y, truth = friedman
    both = np.column_stack([y, -2 * y])
    both[:12, 1] = np.nan
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    members = [RIDGE, GRAPH]
    reg = AutoSSLRegressor(estimators=members, random_state=0).fit(frame, both)
    predicted = reg.predict(frame)
    assert predicted.shape == (150, 2)
    assert reg.n_outputs_ == 2
    assert reg.predict_interval(frame, 0.5).shape == (150, 2, 2)
    assert r2_score(-2 * truth[30:], predicted[30:, 1]) > 0.35
    alone = make_pipeline(StandardScaler(), Ridge()).fit(X[12:30], both[12:30, 1])
    ridge = reg.named_estimators_["ridge"]
    assert isinstance(ridge, EachOutput)
    np.testing.assert_allclose(ridge.predict(frame)[:, 1], alone.predict(X), rtol=1e-9)


# ------------------------------------------------------------------------------- stacking


def test_folds_leave_targets_of_each_output():
    known = np.ones((30, 3), dtype=bool)
    known[:, 1], known[:, 2] = np.arange(30) < 2, np.arange(30) % 4 == 0
    for seed in range(10):
        folds = folds_of_numbers(known, 3, seed)
        assert len(folds) == 2
        assert sorted(np.concatenate(folds)) == list(range(30))
        for fold in folds:
            assert np.delete(known, fold, axis=0).any(0).all()
    known[1, 1] = False
    assert folds_of_numbers(known, 3, 0) == []
    assert folds_of_numbers(known[:, :1], None, 0) == []


def test_stacked_weights_by_hand():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(25, 1))
    told = y + np.array([0.3, 0.5, 2.0])[:, None, None] * rng.normal(size=(3, 25, 1))
    for pull in (0.0, 2.0, 100.0):

        def goal(w, pull=pull):
            residual = y[:, 0] - np.einsum("m,mn->n", w, told[..., 0])
            return residual @ residual + pull * ((w - 1 / 3) ** 2).sum()

        grid = [
            (a, b, 1 - a - b) for a in np.linspace(0, 1, 101) for b in np.linspace(0, 1 - a, 51)
        ]
        best = min(goal(np.array(w)) for w in grid)
        w = stacked_weights(told, y, pull)
        assert goal(w) <= best + 1e-9
        assert w.min() >= 0
        assert w.sum() == pytest.approx(1)
    assert np.ptp(stacked_weights(told, y, 1e6)) < 1e-3
    assert stacked_weights(told, y, 0.0)[2] < 0.05


def test_a_member_that_was_not_measured_counts_as_the_mean_of_all():
    y = np.arange(6.0)[:, None]
    told = np.array([y, np.full((6, 1), np.nan), y + 3])
    w = stacked_weights(told, y, 0.0)
    np.testing.assert_allclose(w, [2 / 3, 1 / 3, 0], atol=1e-6)
    assert stacked_weights(np.full((2, 6, 1), np.nan), y).tolist() == [0.5, 0.5]


def test_several_outputs_of_a_row_are_one_row():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(20, 1))
    told = y + rng.normal(size=(2, 20, 1)) * np.array([0.5, 1.0])[:, None, None]
    once = stacked_weights(told, y)
    twice = stacked_weights(np.concatenate([told, told], 2), np.concatenate([y, y], 1))
    np.testing.assert_allclose(once, twice, atol=1e-6)
    gaps = np.concatenate([y, np.where(np.arange(20)[:, None] < 5, np.nan, y)], 1)
    errors = squared_errors(np.zeros((20, 2)), gaps)
    np.testing.assert_allclose(errors, np.nanmean(gaps**2, axis=1))


def test_minimum_on_the_simplex():
    rng = np.random.default_rng(1)
    for _ in range(5):
        A, b = rng.normal(size=(4, 30)), rng.normal(size=30)
        w = on_simplex((A - b).T)
        start = np.log(np.maximum(w, 1e-3))

        def goal(z, A=A, b=b):
            p = np.exp(z - z.max())
            return np.square(b - (p / p.sum()) @ A).sum()

        other = minimize(goal, start, method="Nelder-Mead", options={"maxiter": 4000})
        assert np.square(b - w @ A).sum() <= other.fun + 1e-6


def test_the_safe_mean_is_no_farther_from_a_truth_in_the_hull():
    rng = np.random.default_rng(0)
    for _ in range(20):
        semi = rng.normal(size=(3, 40, 1))
        truth = np.einsum("m,mnt->nt", rng.dirichlet(np.ones(3)), semi)
        supervised = truth + rng.normal(size=truth.shape)
        safe = np.einsum("m,mnt->nt", safe_weights(supervised, semi), semi)
        assert np.square(safe - truth).sum() <= np.square(supervised - truth).sum()
    np.testing.assert_allclose(safe_weights(semi[1], semi), [0, 1, 0], atol=1e-5)


@pytest.mark.parametrize("size", [1e-6, 1e3, 1e6, 1e9])
def test_a_wild_member_does_not_move_the_others(size):
    rng = np.random.default_rng(0)
    semi = rng.normal(size=(3, 50, 1))
    target = 0.9 * semi[0] + 0.1 * semi[1]
    wild = np.concatenate([semi, size * rng.normal(size=(1, 50, 1))])
    np.testing.assert_allclose(safe_weights(target, wild), [0.9, 0.1, 0, 0], atol=1e-3)
    noisy = target + 0.1 * rng.normal(size=(50, 1))
    if size > 1:
        w = stacked_weights(wild, noisy)
        np.testing.assert_allclose(w[:3], stacked_weights(semi, noisy), atol=0.02)
        assert w[3] < 1e-3


def test_members_that_hardly_differ_are_told_apart():
    rng = np.random.default_rng(0)
    semi = rng.normal(size=(50, 1)) + 1e-5 * rng.normal(size=(8, 50, 1))
    np.testing.assert_allclose(safe_weights(semi[2], semi), np.eye(8)[2], atol=1e-6)
    almost = semi[2] + 1e-8 * rng.normal(size=(50, 1))
    assert safe_weights(almost, semi)[2] > 0.99


def test_rows_of_small_weight_count_little(friedman):
    X, y, _ = friedman
    spoiled, weight = y.copy(), np.ones(150)
    spoiled[:15] += np.where(np.arange(15) % 2, 50, -50)
    weight[:15] = 1e-6
    members = [("soft", Ridge(100.0)), ("hard", Ridge(0.1))]
    given = {"estimators": members, "random_state": 0}
    reg = AutoSSLRegressor(**given).fit(X, spoiled, sample_weight=weight)
    clean = np.where(np.arange(150) < 15, np.nan, y)
    other = AutoSSLRegressor(**given).fit(X, clean)
    wide = (
        np.diff(reg.predict_interval(X, 0.8)).mean()
        / np.diff(other.predict_interval(X, 0.8)).mean()
    )
    assert 0.5 < wide < 2
    unit = AutoSSLRegressor(**given).fit(X, spoiled, sample_weight=1e-4 * weight)
    np.testing.assert_allclose(unit.predict(X), reg.predict(X), rtol=1e-6)
    only = AutoSSLRegressor(estimators=[RIDGE, NEIGHBOURS], random_state=0)
    only.fit(
        X, y, sample_weight=np.where(np.isfinite(y), 2.0, 1.0)
    )  # for neighbours they are equal


def test_the_safe_mean_projects_the_plain_one(friedman):
    X, y, _ = friedman
    members = [RIDGE, NEIGHBOURS, GRAPH, ("other", LabelPropagationRegressor(n_landmarks=20))]
    reg = AutoSSLRegressor(estimators=members, mean="safe", random_state=0).fit(X, y)
    assert reg.weights_[:2].tolist() == [0, 0]
    assert reg.weights_.sum() == pytest.approx(1)
    stacked = AutoSSLRegressor(estimators=members[:2], random_state=0).fit(X, y)
    semi = np.array([reg.named_estimators_[n].predict(X[30:]) for n in ("graph", "other")])
    scale = np.nanstd(y)
    expected = safe_weights(
        (stacked.predict(X[30:]) - np.nanmean(y))[:, None] / scale,
        (semi - np.nanmean(y))[..., None] / scale,
    )
    np.testing.assert_allclose(reg.weights_[2:], expected, atol=1e-4)
    assert reg.report_.gain is not None  # over the plain mean


# ------------------------------------------------------------------- spread and intervals


def test_spread_by_hand():
    told = np.array([[[0.0], [1.0], [2.0]], [[1.0], [1.0], [4.0]]])
    targets, weights = np.array([[0.0], [2.0], [2.0]]), np.array([0.5, 0.5])
    spread = Spread.of(told, targets, weights)
    mean, v = np.array([0.5, 1, 3]), np.array([0.25, 0, 1])
    error = np.mean((mean - targets[:, 0]) ** 2)
    expected = np.sqrt(error * (v / v.mean() + 1) / 2)
    np.testing.assert_allclose(spread.std(told, weights)[:, 0], expected)
    ratios = np.sort(np.abs(mean - targets[:, 0]) / expected)
    assert spread.quantile(0.5)[0] == pytest.approx(ratios[1])
    assert spread.quantile(0.75)[0] == pytest.approx(ratios[2])
    with pytest.raises(ValueError, match=r"confidence_level=0.9 takes 9 labels, and there are 3"):
        spread.quantile(0.9)
    doubled = Spread.of(told[:, [0, 1, 2, 2]], targets[[0, 1, 2, 2]], weights)
    heavy = Spread.of(told, targets, weights, np.array([1.0, 1.0, 2.0]))
    np.testing.assert_allclose(heavy.error, doubled.error)
    np.testing.assert_allclose(heavy.quantile(0.5), doubled.quantile(0.5))
    close = told[:1] + np.array([0, 1e-9])[:, None, None] * told[1]
    assert np.ptp(Spread.of(close, targets, weights).std(close, weights)) == 0
    alone = Spread.of(told[:1], targets, np.ones(1))
    assert np.ptp(alone.std(told[:1], np.ones(1))) == 0


def test_intervals_hold_as_many_rows_as_they_say():
    held = []
    for seed in range(10):
        X, truth = make_friedman1(400, noise=1.0, random_state=seed)
        y = np.where(np.arange(400) < 60, truth, np.nan)
        reg = AutoSSLRegressor(estimators=[RIDGE, NEIGHBOURS], random_state=0).fit(X, y)
        low, high = reg.predict_interval(X[60:], 0.8).T
        held.append(np.mean((low <= truth[60:]) & (truth[60:] <= high)))
    assert 0.76 < np.mean(held) < 0.9
    mean, std = reg.predict(X[60:], return_std=True)
    assert 0.8 < std.mean() / np.sqrt(np.mean((mean - truth[60:]) ** 2)) < 1.4
    np.testing.assert_allclose((low + high) / 2, mean, rtol=1e-9)


def test_what_was_not_measured_is_refused_in_words(friedman):
    X, y, _ = friedman
    reg = AutoSSLRegressor(estimators=[RIDGE], cv=None).fit(X, y)
    for ask in (lambda: reg.predict(X, return_std=True), lambda: reg.predict_interval(X)):
        with pytest.raises(ValueError, match="it takes folds"):
            ask()
    few = np.where(np.arange(len(y)) < 8, y, np.nan)
    reg = AutoSSLRegressor(estimators=[RIDGE]).fit(X, few)
    with pytest.raises(ValueError, match=r"confidence_level=0.9 takes 9 labels, and there are 8"):
        reg.predict_interval(X)
    with pytest.raises(ValueError, match="between 0 and 1, got 90"):
        reg.predict_interval(X, 90)


# -------------------------------------------------------------------------- report, refusals


def test_the_report_has_r2_out_of_fold(friedman):
    X, y, _ = friedman
    members = [RIDGE, ("average", DummyRegressor()), GRAPH]
    reg = AutoSSLRegressor(estimators=members, random_state=0).fit(X, y)
    frame, text = reg.report_.frame(), str(reg.report_)
    assert {"r2", "r2_se", "weight", "disagreement"} <= set(frame.columns)
    assert frame.loc["average", "r2"] < 0.05
    assert frame.loc["ridge", "r2"] > 0.3
    assert "R2" in text
    assert "the R2 of the mean by" in text
    assert frame["weight"].sum() == pytest.approx(1)
    assert frame.loc["average", "weight"] < 0.1
    good = AutoSSLRegressor(estimators=[("average", DummyRegressor()), GRAPH], random_state=0)
    assert good.fit(X, y).report_.gain[0] > 0.2
    assert "they add to it" in good.report_.sentence
    bad = AutoSSLRegressor(estimators=[RIDGE, ("off", Off())], random_state=0).fit(X, y)
    assert bad.report_["off"].note == "adds nothing to the others"
    assert bad.report_.sentence.startswith("No member that uses the unlabeled rows has a weight")


class Silent(Recorder):
    """It has no number for any row."""

    def predict(self, X):
        return np.full(len(X), np.nan)


def test_the_safe_mean_takes_two_members_that_use_unlabeled_rows(friedman):
    X, y, _ = friedman
    for given in ({"estimators": [RIDGE, GRAPH]}, {}):
        with pytest.raises(ValueError, match='mean="safe" takes two members'):
            AutoSSLRegressor(mean="safe", **given).fit(X, y)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("classes", LogisticRegression())], "'classes' must be a regressor, and is a classifier"),
        ([("scaler", StandardScaler())], "'scaler' has no predict"),
        ([RIDGE, RIDGE], "must be unique"),
        ([("mean", Ridge())], "no parameter of this estimator, got 'mean'"),
        ([("silent", Silent())], "Member 'silent' predicts NaN or infinity"),
        ("ridge", "'ridge'"),
    ],
)
def test_refusal(members, message, friedman):
    X, y, _ = friedman
    reg = AutoSSLRegressor(estimators=[RIDGE], random_state=0).fit(X, y)
    before = reg.predict(X)
    reg.set_params(estimators=members)
    with pytest.raises(ValueError, match=message):
        reg.fit(X, y)
    np.testing.assert_array_equal(reg.predict(X), before)


# ---------------------------------------------------------------------------------- "auto"


def names(kind="table", budget="good", n_labeled=50, sparse=False, weighted=False):
    rng = np.random.RandomState(0)
    members = automatic_regressors(
        kind, budget, n_labeled, {}, rng, sparse=sparse, weighted=weighted
    )
    return [member.name for member in members]


def test_automatic_members():
    plain = ["ridge", "random forest", "extra trees", "Gaussian process", "graph"]
    assert names() == names(budget="fast") == plain
    assert names(budget="best") == [*plain, "RankUpRegressor", "MeanTeacherRegressor"]
    assert names(budget=60.0) == names(budget="best")
    assert "boosting" in names(n_labeled=100)
    assert "boosting" not in names(n_labeled=99)
    for given in ({"n_labeled": 1001}, {"sparse": True}, {"weighted": True}):
        assert "Gaussian process" not in names(**given)
    assert names("images") == names("images", "fast") == ["RankUpRegressor"]
    assert names("images", "best") == ["RankUpRegressor", "MeanTeacherRegressor"]


def test_auto_on_a_mixed_table_with_gaps(friedman):
    X, y, truth = friedman
    frame = pd.DataFrame(X[:, :5], columns=list("abcde"))
    frame["group"] = np.where(X[:, 3] > 0.5, "high", "low")
    frame.loc[::7, "a"] = np.nan
    reg = AutoSSLRegressor(random_state=0).fit(frame, y)
    assert reg.input_kind_ == "mixed table"
    assert list(reg.named_estimators_) == names()
    assert reg.score(frame[30:], truth[30:]) > 0.4
    assert np.isfinite(reg.predict_interval(frame)).all()


def test_an_automatic_member_that_predicts_nan_is_left_out(friedman, monkeypatch):
    X, y, truth = friedman
    monkeypatch.setattr(ExtraTreesRegressor, "predict", lambda self, X: np.full(len(X), np.nan))
    with pytest.warns(UserWarning, match="'extra trees' is left out. ValueError: Member 'extra"):
        reg = AutoSSLRegressor(random_state=0).fit(X, y)
    assert "extra trees" not in reg.named_estimators_
    assert reg.report_["extra trees"].weight == 0
    assert reg.score(X[30:], truth[30:]) > 0.5


def test_the_report_is_drawn(friedman):
    pytest.importorskip("matplotlib").use("agg")
    X, y, _ = friedman
    reg = AutoSSLRegressor(estimators=[RIDGE, GRAPH], random_state=0).fit(X, y)
    display = PortfolioDisplay.from_estimator(reg)
    assert display.ax_[0].get_xlabel() == "R2, out of fold"
    widths = [bar.get_width() for bar in display.ax_[1].patches]
    np.testing.assert_allclose(sorted(widths), sorted(reg.weights_))


def test_auto_does_not_depend_on_the_unit_of_y(friedman):
    X, y, _ = friedman
    usual = AutoSSLRegressor(random_state=0).fit(X, y)
    for unit, shift in ((2.0**-100, 0.0), (1.0, 2.0**30)):
        other = AutoSSLRegressor(random_state=0).fit(X, unit * y + shift)
        np.testing.assert_allclose(other.weights_, usual.weights_, atol=0.1)
        back = (other.predict(X) - shift) / unit
        np.testing.assert_allclose(back, usual.predict(X), atol=0.5)  # trees draw other ties
        ridge = [reg.named_estimators_["ridge"].predict(X) for reg in (other, usual)]
        np.testing.assert_allclose((ridge[0] - shift) / unit, ridge[1], atol=1e-5)


def test_auto_beats_the_worst_of_its_members_by_far():
    X, truth = load_diabetes(return_X_y=True)
    y = np.where(np.arange(len(X)) < 60, truth, np.nan)
    reg = AutoSSLRegressor(random_state=0).fit(X, y)
    trees = ExtraTreesRegressor(random_state=0).fit(X[:60], truth[:60])
    assert reg.score(X[60:], truth[60:]) > trees.score(X[60:], truth[60:])


def test_networks_keep_checkpoints_of_their_own(friedman, tmp_path):
    X, y, _ = friedman
    net = MeanTeacherRegressor(max_steps=3, module_params={"hidden_layer_sizes": (8,)})
    members = [RIDGE, ("net", net)]
    given = {"estimators": members, "cv": 2, "random_state": 0, "checkpoint_dir": tmp_path}
    reg = AutoSSLRegressor(**given).fit(X, y)
    folders = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.glob("*/*"))
    assert folders == ["all/net", "fold 0/net", "fold 1/net"]
    np.testing.assert_array_equal(AutoSSLRegressor(**given).fit(X, y).predict(X), reg.predict(X))


def test_helpers_and_searches_take_it(friedman):
    X, y, truth = friedman
    reg = AutoSSLRegressor(estimators=[RIDGE, GRAPH], cv=2, random_state=0)
    comparison = compare_with_supervised(reg, X, y, cv=3, baseline=Ridge())
    assert np.isfinite(comparison.scores).all()
    ranking = rank_methods({"ridge": Ridge(), "auto": reg}, X, y, cv=3)
    assert ranking.baseline == "ridge"
    assert ranking.scoring == "r2"
    curve = label_budget_curve(reg, X, truth, [10, 100], n_repeats=2, random_state=0)
    assert curve.mean[0, 1] > curve.mean[0, 0]
    search = GridSearchCV(reg, {"graph__n_neighbors": [3, 5], "cv": [None, 2]}, cv=2)
    assert np.isfinite(search.fit(X[:60], truth[:60]).best_score_)

"""Class shares estimated from few labels, and classifiers that go by them."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch.callbacks import Callback

import sklearn_ssl
from sklearn_ssl import (
    AutoSSLClassifier,
    FixMatchClassifier,
    LabelPropagationClassifier,
    LazyRows,
    SelfTrainingNet,
    SemiSupervisedGaussianMixture,
    estimate_class_prior,
)
from sklearn_ssl.inputs.class_prior import ClassPrior
from sklearn_ssl.model_selection import PriorEstimate
from sklearn_ssl.model_selection.class_prior import _calibration, _em, prior_of_probabilities

from ..helpers import ESTIMATORS, FROM_PAGES, WITHOUT_NETWORK, quick

# With so few labels an estimate is open, and says so: test_a_wide_estimate_says_so is about that.
with_few_labels = pytest.mark.filterwarnings("ignore:.*leave the share of class")
every_classifier = pytest.mark.parametrize(
    "cls", [*ESTIMATORS, *FROM_PAGES, *WITHOUT_NETWORK], ids=lambda cls: cls.__name__
)


def draw(seed=0, k=10, shares=(0.8, 0.2), m=400, centers=None, spread=1.0):
    """k labels of each of K classes, and m rows without labels that have other shares."""
    rng, K = np.random.default_rng(seed), len(shares)
    centers = 1.5 * rng.normal(size=(K, 3)) if centers is None else np.asarray(centers)
    truth = np.concatenate([np.repeat(np.arange(K), k), rng.choice(K, m, p=shares)])
    X = centers[truth] + spread * rng.normal(size=(len(truth), centers.shape[1]))
    return X, np.where(np.arange(len(truth)) < K * k, truth, -1), truth


# ------------------------------------------------------------------------------- the estimate


def test_em_finds_the_likeliest_shares():
    """Against all shares on a grid, of exact posteriors."""
    rng = np.random.default_rng(0)
    x = np.where(rng.random(500) < 0.85, rng.normal(-1, 1, 500), rng.normal(1, 1, 500))
    ratio = np.exp(-0.5 * (x[:, None] - [-1, 1]) ** 2)
    found = _em(ratio, np.array([0.5, 0.5]))
    grid = np.linspace(0.001, 0.999, 999)
    likelihood = [np.log(ratio @ [q, 1 - q]).mean() for q in grid]
    assert found[0] == pytest.approx(grid[np.argmax(likelihood)], abs=2e-3)
    assert found.sum() == pytest.approx(1)


def test_calibration_undoes_a_temperature():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(20_000, 3))
    codes = (z.cumsum(1) * 0 + z + rng.gumbel(size=z.shape)).argmax(1)  # drawn from softmax(z)
    log_t, bias = _calibration(4 * z, codes)
    assert np.exp(log_t) == pytest.approx(4, rel=0.05)
    np.testing.assert_allclose(bias - bias.mean(), 0, atol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("k", "shares"), [(15, (0.8, 0.2)), (15, (0.15, 0.25, 0.6))])
@with_few_labels
def test_the_interval_holds_the_shares_in_ninety_of_a_hundred_draws(k, shares):
    held = []
    for seed in range(50):
        X, few, truth = draw(seed, k, shares)
        real = np.bincount(truth[few < 0], minlength=len(shares)) / (few < 0).sum()
        found = estimate_class_prior(
            LogisticRegression(), X, few, n_bootstraps=25, random_state=seed
        )
        held.append(((found.low <= real) & (real <= found.high)).mean())
        assert found.prior.sum() == pytest.approx(1)
    assert np.mean(held) >= 0.9


def test_shares_among_the_labels_do_not_bias_the_estimate():
    """80 labels of one class and 20 of the other; of the rows without label a half and a half."""
    X, few, truth = draw(0, 80, (0.5, 0.5), m=1000, centers=[[0, 0], [1.2, 1.2]])
    rows = np.flatnonzero(few != 1).tolist() + np.flatnonzero(few == 1)[:20].tolist()
    found = estimate_class_prior(LogisticRegression(), X[rows], few[rows], random_state=0)
    assert found.raw[1] == pytest.approx((truth[few < 0] == 1).mean(), abs=0.06)


@with_few_labels
def test_an_estimate_that_is_noise_stays_with_the_labels():
    rng = np.random.default_rng(0)
    X, few = rng.normal(size=(200, 2)), np.r_[np.repeat([0, 1, 2], 4), np.full(188, -1)]
    found = estimate_class_prior(LogisticRegression(), X, few, random_state=0)
    assert found.trust == 0
    np.testing.assert_allclose(found.prior, 1 / 3)


def test_a_wide_estimate_says_so():
    rng = np.random.default_rng(0)
    X, few = rng.normal(size=(200, 2)), np.r_[np.repeat([0, 1], 3), np.full(194, -1)]
    with pytest.warns(UserWarning, match="6 labels leave the share of class 0 open.*give them as"):
        found = estimate_class_prior(LogisticRegression(), X, few, random_state=0)
    assert found.spread.max() > np.log(2)
    assert found.trust == 0


def test_a_class_that_every_bootstrap_misses_is_no_certainty():
    """Who is always sure of class 0 on unlabeled rows does not tell how few there are of 1."""
    p, codes = np.tile([[0.9, 0.1], [0.2, 0.8]], (10, 1)), np.tile([0, 1], 10)
    pool = np.tile([0.999, 0.001], (300, 1))
    with pytest.warns(UserWarning, match="leave the share of class 1 open"):
        found = prior_of_probabilities(p, codes, pool, np.arange(2), rng=0)
    assert found.trust == 0
    assert found.high[1] > 10 * found.raw[1]


def test_classes_keep_their_names_and_order():
    X, few, truth = draw(0, 25, (0.8, 0.2), centers=[[0, 0], [6, 6]])
    share = (truth[few < 0] == 1).mean()
    names = np.where(few < 0, "?", np.where(few == 0, "zebra", "ant"))
    found = estimate_class_prior(
        LogisticRegression(), pd.DataFrame(X), names, unlabeled_label="?", random_state=0
    )
    assert found.classes.tolist() == ["ant", "zebra"]
    np.testing.assert_allclose(found.raw, [share, 1 - share], atol=0.02)


@pytest.mark.parametrize("kind", [list, csr_array, LazyRows])
def test_rows_of_every_kind(kind):
    X, few, _ = draw(0, 25, (0.8, 0.2), centers=[[0, 0], [3, 3]])
    X, few = X[:150].astype(np.float32), few[:150]
    expected = estimate_class_prior(LabelPropagationClassifier(), X, few, random_state=0)
    found = estimate_class_prior(LabelPropagationClassifier(), kind(X), few, random_state=0)
    np.testing.assert_allclose(found.prior, expected.prior, atol=1e-4)


def test_a_pool_is_needed_and_two_labels_of_each_class():
    X, few, truth = draw()
    with pytest.raises(ValueError, match="no unlabeled row"):
        estimate_class_prior(LogisticRegression(), X, truth)
    few = np.where(np.arange(len(few)) < 19, -1, few)  # one is left
    few[:5] = 0
    with pytest.raises(ValueError, match="two labels of each class"):
        estimate_class_prior(LogisticRegression(), X, few)


def test_equal_seeds_give_equal_estimates():
    X, few, _ = draw(0, 25, (0.8, 0.2), centers=[[0, 0], [2, 2]])
    a, b, c = (
        estimate_class_prior(LogisticRegression(), X, few, random_state=s).raw for s in (0, 0, 1)
    )
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_fold_classifiers_that_disagree_widen_the_interval():
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1], 30)
    p = np.where(codes == 0, 0.8, 0.2)[:, None] * [1, -1] + [0, 1]
    one = rng.random(600) < 0.5
    pool = np.where(one, 0.8, 0.2)[:, None] * [1, -1] + [0, 1]
    other, classes = np.full((600, 2), [0.8, 0.2]), np.arange(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = prior_of_probabilities(p, codes, pool, classes, rng=0)
        equal = prior_of_probabilities(p, codes, np.stack([pool] * 2), classes, rng=0)
        folds = prior_of_probabilities(p, codes, np.stack([pool, other]), classes, rng=0)
    np.testing.assert_allclose(equal.spread, alone.spread)
    assert (folds.spread > 2 * alone.spread).all()


# ------------------------------------------------------------------------- every classifier


@every_classifier
def test_shares_that_are_given_move_predictions_there(cls):
    X, few, _ = draw(1, 6, (0.5, 0.5), m=200, centers=[[0, 0], [1.5, 1.5]])
    pool, moved = X[few < 0], []
    for prior in ([0.75, 0.25], [0.25, 0.75]):
        clf = quick(cls, class_prior=prior).fit(X, few)
        np.testing.assert_allclose(clf.class_prior_, prior)
        moved.append(clf.predict_proba(pool).mean(0))
        np.testing.assert_allclose(clf.label_distributions_[few < 0].mean(0), moved[-1], atol=0.05)
    assert moved[0][0] > moved[1][0] + 0.2
    if cls is not SemiSupervisedGaussianMixture:  # whose densities have a say
        np.testing.assert_allclose(moved, [[0.75, 0.25], [0.25, 0.75]], atol=0.02)
    copy = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(copy.predict_proba(pool), clf.predict_proba(pool))


@every_classifier
def test_the_labels_shares_change_nothing(cls):
    X, few, _ = draw(1, 6, (0.8, 0.2), m=60)
    few[:3] = -1
    clf = quick(cls).fit(X, few)
    if cls is not SemiSupervisedGaussianMixture:
        np.testing.assert_allclose(clf.class_prior_, [1 / 3, 2 / 3])
        holder = clf.graph_ if hasattr(clf, "graph_") else clf._targets
        assert holder.shift is None
    assert clf.class_prior_.sum() == pytest.approx(1)


@every_classifier
def test_wrong_shares_are_refused_before_training(cls):
    X, few, _ = draw(m=30)
    clf = quick(cls, class_prior=[0.5, 0.3, 0.2])
    with pytest.raises(ValueError, match="class_prior must be 2 numbers above 0"):
        clf.fit(X, few)
    assert not [name for name in vars(clf) if name.endswith("_")]
    with pytest.raises(ValueError, match="class_prior"):
        quick(cls, class_prior="majority").fit(X, few)


@pytest.mark.parametrize(
    "clf",
    [
        LabelPropagationClassifier(random_state=0),
        SemiSupervisedGaussianMixture(random_state=0),
        quick(FixMatchClassifier, max_steps=60),
        quick(SelfTrainingNet, max_steps=60),
        quick(AutoSSLClassifier),
    ],
    ids=lambda clf: type(clf).__name__,
)
def test_an_estimate_is_gone_by(clf):
    X, few, truth = draw(0, 25, (0.85, 0.15), centers=[[0, 0], [2.5, 2.5]])
    clf = clone(clf).set_params(class_prior="estimate").fit(X, few)
    np.testing.assert_allclose(clf.class_prior_, [0.85, 0.15], atol=0.08)
    hidden = few < 0
    assert clf.score(X[hidden], truth[hidden]) > 0.9
    again = clone(clf).fit(X, few)
    np.testing.assert_allclose(again.class_prior_, clf.class_prior_)


@pytest.mark.parametrize("cls", [FixMatchClassifier, LabelPropagationClassifier, AutoSSLClassifier])
@pytest.mark.parametrize("trust", [0.0, 0.5])
def test_an_estimate_counts_as_far_as_it_is_trusted(cls, trust, monkeypatch):
    X, few, _ = draw(1, 6, (0.5, 0.5), m=200, centers=[[0, 0], [1.5, 1.5]])
    half = np.array([0.5, 0.5])
    found = PriorEstimate(
        np.arange(2), half, np.array([0.9, 0.1]), half, half, trust=trust, spread=half
    )
    for place in (
        "model_selection.class_prior.estimate_class_prior",
        "methods.portfolio.classifier.prior_of_probabilities",
    ):
        monkeypatch.setattr(f"sklearn_ssl.{place}", lambda *args, **kwargs: found)
    clf, pool = quick(cls).fit(X, few), X[few < 0]
    own = clf.predict_proba(pool).mean(0)
    p = clf.set_params(class_prior="estimate").fit(X, few).predict_proba(pool).mean(0)
    expected = own ** (1 - trust) * found.raw**trust
    np.testing.assert_allclose(p, expected / expected.sum(), atol=0.01 + 0.05 * (trust > 0))


def test_without_unlabeled_rows_bayes_counts():
    """The labels' shares are 1 to 1, those to come 9 to 1."""
    X, _, truth = draw(2, 20, (0.5, 0.5), m=1)
    X, truth = X[:40], truth[:40]
    plain = quick(FixMatchClassifier).fit(X, truth).predict_proba(X)
    for y, weight in ((truth, 1.0), (truth, 0.0)):
        clf = quick(FixMatchClassifier, class_prior=[0.9, 0.1], unlabeled_weight=weight)
        p = clf.fit(X, y).predict_proba(X)
        by_hand = plain * [1.8, 0.2]
        np.testing.assert_allclose(p, by_hand / by_hand.sum(1, keepdims=True), rtol=1e-6)


def test_bayes_goes_by_what_batches_draw():
    """With balanced weights a net learns as if classes were equal, whatever the labels' shares."""
    X, y = make_blobs([60, 20], centers=[[0, 0], [2, 2]], random_state=0)
    given = {"class_weight": "balanced", "class_prior": [0.75, 0.25]}
    clf = quick(FixMatchClassifier, **given).fit(X, y)
    np.testing.assert_allclose(clf._targets.shift, np.log([1.5, 0.5]))


def test_an_estimate_without_unlabeled_rows_is_that_of_the_labels():
    X, _, truth = draw(m=1)
    for cls in (FixMatchClassifier, LabelPropagationClassifier):
        clf = quick(cls, class_prior="estimate").fit(X[:20], truth[:20])
        plain = quick(cls).fit(X[:20], truth[:20])
        assert np.array_equal(clf.predict_proba(X), plain.predict_proba(X))


def test_rows_of_weight_zero_have_no_say():
    X, few, _ = draw(0, 25, (0.85, 0.15), centers=[[0, 0], [2.5, 2.5]])
    used = np.arange(len(X)) % 7 > 0
    clf = LabelPropagationClassifier(class_prior="estimate", random_state=0)
    with_weights = clone(clf).fit(X, few, sample_weight=used.astype(float))
    without = clone(clf).fit(X[used], few[used])
    np.testing.assert_allclose(with_weights.predict_proba(X), without.predict_proba(X), atol=1e-6)


def test_alignment_goes_to_the_shares_that_are_given():
    X, few, _ = draw(1, 6, (0.8, 0.2), m=60)
    targets = []

    class Spied(FixMatchClassifier):
        def _make_loss(self, rows):
            loss = super()._make_loss(rows)
            targets.append(None if loss.target is None else loss.target.tolist())
            return loss

    for prior, align in (("labels", "auto"), ([0.75, 0.25], "auto"), ([0.75, 0.25], False)):
        quick(Spied, class_prior=prior, distribution_alignment=align).fit(X, few)
    assert targets == [None, [0.75, 0.25], None]


def test_partial_fit_takes_shares_and_no_estimate():
    X, few, _ = draw(1, 6, (0.5, 0.5), m=200, centers=[[0, 0], [1.5, 1.5]])
    clf = quick(FixMatchClassifier, class_prior=[0.75, 0.25])
    for _ in range(2):
        p = clf.partial_fit(X, few).predict_proba(X[few < 0])
        np.testing.assert_allclose(p.mean(0), [0.75, 0.25], atol=0.01)
    with pytest.raises(ValueError, match="needs a whole fit"):
        quick(FixMatchClassifier, class_prior="estimate").partial_fit(X, few)


def test_a_file_keeps_the_shares(tmp_path):
    X, few, _ = draw(1, 6, (0.5, 0.5), m=60)
    clf = quick(FixMatchClassifier, class_prior=np.array([0.75, 0.25])).fit(X, few)
    clf.save(tmp_path / "net")
    same = sklearn_ssl.load(tmp_path / "net")
    assert np.array_equal(same.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(same.class_prior_, clf.class_prior_)


def test_searches_choose_shares():
    X, few, _ = draw(1, 25, (0.8, 0.2), m=100, centers=[[0, 0], [4, 4]])
    grid = {"class_prior": ["labels", "uniform", [0.75, 0.25]]}
    search = GridSearchCV(LabelPropagationClassifier(), grid, cv=2).fit(X, few)
    assert len(search.cv_results_["params"]) == 3
    clf = LabelPropagationClassifier(class_prior="estimate", random_state=0)
    assert np.isfinite(cross_val_score(clf, X, few, cv=2)).all()


def test_a_portfolio_needs_folds_for_an_estimate():
    X, few, _ = draw(m=30)
    clf = quick(AutoSSLClassifier, class_prior="estimate", cv=None)
    with pytest.raises(ValueError, match='"estimate" needs cv'):
        clf.fit(X, few)


# ------------------------------------------------------------------- what a second look found


@pytest.mark.parametrize(
    "given",
    [
        pd.Series({"ill": 0.7, "healthy": 0.3}),
        pd.Series(["ill"] * 7 + ["healthy"] * 3).value_counts(normalize=True),
        {"ill": 0.7, "healthy": 0.3},
        pd.Series([0.3, 0.7]),
    ],
)
def test_shares_by_name_are_read_by_name(given):
    X, few, _ = draw(1, 6, (0.5, 0.5), m=60)
    y = np.array(["?", "healthy", "ill"])[few + 1]
    clf = LabelPropagationClassifier(class_prior=given, unlabeled_label="?").fit(X, y)
    np.testing.assert_allclose(clf.class_prior_, [0.3, 0.7])


def test_numbers_name_classes_whatever_their_type():
    X, few, _ = draw(1, 6, (0.5, 0.5), m=60)
    for given in ({0.0: 0.3, 1.0: 0.7}, {np.int64(1): 0.7, 0: 0.3}):
        clf = LabelPropagationClassifier(class_prior=given).fit(X, few)
        np.testing.assert_allclose(clf.class_prior_, [0.3, 0.7])


@pytest.mark.parametrize("given", [{"ill": 0.7, "well": 0.3}, pd.Series({"ill": 1.0}), {}])
def test_names_of_other_classes_are_refused(given):
    X, few, _ = draw(1, 6, (0.5, 0.5), m=60)
    y = np.array(["?", "healthy", "ill"])[few + 1]
    with pytest.raises(ValueError, match="'healthy', 'ill'"):
        LabelPropagationClassifier(class_prior=given, unlabeled_label="?").fit(X, y)


def test_a_few_unlabeled_rows_are_no_sample():
    """Four rows of one class are not made to have two: the labels' shares and Bayes count."""
    X, few, _ = draw(0, 25, (1.0, 0.0), m=4, centers=[[0, 0], [4, 4]])
    labeled = few >= 0
    clf = quick(FixMatchClassifier, class_prior=[0.5, 0.5], max_steps=100)
    clf.partial_fit(X[labeled], few[labeled], classes=[0, 1])
    assert clf.set_params(max_steps=1).partial_fit(X, few).score(X[labeled], few[labeled]) > 0.95
    np.testing.assert_allclose(clf._targets.shift, 0, atol=1e-12)


def test_ctrl_c_in_an_estimate_ends_the_fit():
    class Stop(Callback):
        steps = 0

        def on_batch_end(self, net, **kwargs):
            type(self).steps += 1
            if self.steps == 5:
                raise KeyboardInterrupt

    X, few, _ = draw(m=30)
    clf = quick(FixMatchClassifier, callbacks=[Stop()])
    with pytest.warns(UserWarning, match="interrupted"), pytest.raises(KeyboardInterrupt):
        estimate_class_prior(clf, X, few, random_state=0)
    assert Stop.steps == 5


def test_the_global_generator_stays_as_it_was():
    X, few, _ = draw(0, 25, (0.85, 0.15), centers=[[0, 0], [2.5, 2.5]])
    before = np.random.get_state()[1].copy()  # noqa: NPY002 (it is what is tested)
    for cls in (LabelPropagationClassifier, SemiSupervisedGaussianMixture):
        cls(class_prior="estimate", random_state=None).fit(X, few)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002 (as above)


@pytest.mark.filterwarnings("ignore:'None' is a class here")
def test_a_class_may_be_named_as_a_missing_value_is():
    X, few, _ = draw(0, 25, (0.85, 0.15), centers=[[0, 0], [2.5, 2.5]])
    y = np.array([-1, "None", "yes"], dtype=object)[few + 1]
    clf = LabelPropagationClassifier(class_prior="estimate", random_state=0).fit(X, y)
    assert clf.classes_.tolist() == ["None", "yes"]
    assert clf.class_prior_[0] > 0.75


@with_few_labels
@pytest.mark.parametrize(
    "params",
    [{"early_stopping": True}, {"validation_fraction": 0.4}, {"temperature_scaling": True}],
)
def test_held_out_rows_leave_the_folds_alone(params):
    X, few, _ = draw(k=5, m=60)
    clf = quick(FixMatchClassifier, class_prior="estimate", **params)
    assert np.isfinite(clf.fit(X, few).predict_proba(X)).all()


def test_lengths_that_do_not_fit_are_said_before_any_fold():
    X, few, _ = draw(m=30)
    clf = quick(FixMatchClassifier, class_prior="estimate")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.fit(X[:-3], few)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clf.fit(X, few, sample_weight=np.ones(len(X) + 1))
    with pytest.raises(ValueError, match="cv == 1, must be >= 2"):
        estimate_class_prior(clf, X, few, cv=1)
    with pytest.raises(ValueError, match="n_bootstraps == 1, must be >= 2"):
        estimate_class_prior(clf, X, few, n_bootstraps=1)


@pytest.mark.parametrize("trust", [0.0, 0.4, 1.0])
def test_the_bound_of_a_mixture_never_falls(trust, monkeypatch):
    X, few, _ = draw(1, 10, (0.8, 0.2), m=300, centers=[[0, 0], [1.3, 1.3]])
    known = ClassPrior(np.array([0.2, 0.8]), trust)
    place = "sklearn_ssl.methods.gaussian_mixture.estimator.settled_class_prior"
    monkeypatch.setattr(place, lambda *_: known)
    clf = SemiSupervisedGaussianMixture(class_prior="estimate", tol=1e-9, max_iter=500).fit(X, few)
    bounds = [record["lower_bound"] for record in clf.history_]
    assert np.diff(bounds).min() > -1e-9
    monkeypatch.undo()
    own = SemiSupervisedGaussianMixture(tol=1e-9, max_iter=500).fit(X, few).class_prior_
    np.testing.assert_allclose(clf.class_prior_, known.blend(own), atol=1e-6)


def test_a_fit_that_fails_claims_no_shares():
    class Fail(Callback):
        def on_batch_end(self, net, **kwargs):
            raise RuntimeError("no more")

    X, few, _ = draw(1, 6, (0.5, 0.5), m=60)
    clf = quick(FixMatchClassifier, class_prior=[0.2, 0.8], callbacks=[Fail()])
    with pytest.raises(RuntimeError, match="no more"):
        clf.fit(X, few)
    np.testing.assert_allclose(clf.class_prior_, [0.5, 0.5])


@pytest.mark.slow
@with_few_labels
def test_a_portfolio_knows_how_its_folds_disagree(monkeypatch):
    members = [("forest", RandomForestClassifier(20, random_state=0))]
    clf, held = AutoSSLClassifier(estimators=members, class_prior="estimate", random_state=0), []
    found = []

    def noted(*args, **kwargs):
        found.append(prior_of_probabilities(*args, **kwargs))
        return found[-1]

    monkeypatch.setattr("sklearn_ssl.methods.portfolio.classifier.prior_of_probabilities", noted)
    for seed in range(15):
        X, few, truth = draw(seed, 20, (0.85, 0.15), m=300, centers=[[0, 0, 0], [1.2] * 3])
        clf.fit(X, few)
        held.append(found[-1].low[1] <= (truth[few < 0] == 1).mean() <= found[-1].high[1])
    assert np.mean(held) >= 0.8


@pytest.mark.filterwarnings("ignore:Only one class")
@pytest.mark.parametrize("cls", [LabelPropagationClassifier, FixMatchClassifier])
def test_one_class_has_all_rows(cls):
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.r_[np.zeros(10), np.full(50, -1)]
    assert estimate_class_prior(quick(cls), X, y).prior.tolist() == [1]
    clf = quick(cls, class_prior="estimate").fit(X, y)
    assert clf.class_prior_.tolist() == [1]
    assert (clf.predict_proba(X) == 1).all()

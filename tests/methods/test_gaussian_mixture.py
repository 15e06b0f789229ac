"""Gaussian mixtures with known classes: EM, its limits and its weights."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, make_blobs
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_classifiers_classes, parametrize_with_checks

from sklearn_ssl import LabeledSplit, SemiSupervisedGaussianMixture, hide_labels

TYPES = ["full", "tied", "diag", "spherical"]

every_type = pytest.mark.parametrize("covariance_type", TYPES)


def mixture(**params):
    return SemiSupervisedGaussianMixture(**{"random_state": 0, **params})


@pytest.fixture
def toy():
    """Two correlated classes that overlap a little: X (120, 2), y with 6 labels, the truth."""
    rng = np.random.default_rng(0)
    truth = np.arange(120) % 2
    shape = np.array([[[1.0, 0.5], [0.0, 0.7]], [[0.6, -0.3], [0.0, 1.5]]])
    X = np.einsum("ni,nij->nj", rng.normal(size=(120, 2)), shape[truth]) + 2.5 * truth[:, None]
    X = X * [1.0, 20.0] + [0.0, 300.0]
    return X, np.where(np.arange(120) < 6, truth, -1), truth


# scikit-learn's own checks warn on purpose: one labeled class, column vectors as y.
@pytest.mark.filterwarnings("ignore:Only one class:UserWarning")
@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.filterwarnings("ignore:EM did not converge")
@parametrize_with_checks(
    [mixture(covariance_type=name) for name in TYPES],
    expected_failed_checks=lambda _: {
        "check_classifiers_classes": "it uses -1 as a class, and -1 means unlabeled here"
    },
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("unlabeled_label", [None, np.nan, "?"])
def test_minus_one_is_a_class_where_something_else_marks_unlabeled_rows(unlabeled_label):
    name = SemiSupervisedGaussianMixture.__name__
    check_classifiers_classes(name, mixture(unlabeled_label=unlabeled_label))


@every_type
@pytest.mark.parametrize("n_components", [1, 2])
@pytest.mark.parametrize(
    "params",
    [{}, {"shrinkage": 0}, {"shrinkage": 0, "reg_covar": 0.3}, {"unlabeled_weight": 0.1}],
    ids=str,
)
def test_the_bound_never_falls(toy, digits, covariance_type, n_components, params):
    params = {"covariance_type": covariance_type, "n_components": n_components, **params}
    for X, y in (toy[:2], [part[:450] for part in digits[:2]]):
        clf = mixture(tol=1e-6, max_iter=300, **params).fit(X, y)
        bounds = [record["lower_bound"] for record in clf.history_]
        assert np.diff(bounds).min() > -1e-9 * np.abs(bounds).max()
        assert clf.converged_
        assert [record["iteration"] for record in clf.history_] == list(range(clf.n_iter_ + 1))
        assert clf.lower_bound_ == bounds[-1] > bounds[0]


def test_one_step_row_by_row(toy):
    """The same arithmetic in plain loops, from the formulas of the docstring."""
    X, y, _ = toy
    lam, nu = 0.3, 7.0
    params = {"unlabeled_weight": lam, "shrinkage": nu, "max_iter": 1, "tol": 0}
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        clf = mixture(covariance_type="full", **params).fit(X, y)

    w = [1.0 if label >= 0 else lam for label in y]
    center = sum(w[i] * X[i] for i in range(120)) / sum(w)
    scale = np.sqrt(sum(w[i] * (X[i] - center) ** 2 for i in range(120)) / sum(w))
    Z = (X - center) / scale
    means = [sum(Z[i] for i in range(120) if y[i] == k) / 3 for k in (0, 1)]
    start = 50 * np.eye(2)
    for i in range(6):
        start += np.outer(Z[i] - means[y[i]], Z[i] - means[y[i]])
    start /= 56

    r, bound = np.zeros((120, 2)), 0.0
    for i in range(120):
        p = [0.5 * multivariate_normal.pdf(Z[i], means[k], start) for k in (0, 1)]
        for k in (0, 1):
            r[i, k] = float(y[i] == k) if y[i] >= 0 else p[k] / (p[0] + p[1])
        bound += w[i] * np.log(p[y[i]] if y[i] >= 0 else p[0] + p[1])
    for _ in (0, 1):  # one prior for each covariance, which is S_0 itself at the start
        bound -= nu / 2 * (np.log(np.linalg.det(start)) + 2)
    assert clf.history_[0]["lower_bound"] == pytest.approx(bound / sum(w) - np.log(scale).sum())

    for k in (0, 1):
        n = sum(w[i] * r[i, k] for i in range(120))
        mean = sum(w[i] * r[i, k] * Z[i] for i in range(120)) / n
        covariance = nu * start
        for i in range(120):
            covariance = covariance + w[i] * r[i, k] * np.outer(Z[i] - mean, Z[i] - mean)
        covariance /= n + nu
        assert clf.weights_[k] == pytest.approx(n / sum(w))
        assert_allclose(clf.means_[k], center + scale * mean)
        assert_allclose(clf.covariances_[k], covariance * np.outer(scale, scale))


@every_type
def test_all_rows_labeled_is_one_gaussian_a_class(toy, covariance_type):
    X, _, truth = toy
    clf = mixture(covariance_type=covariance_type, shrinkage=0).fit(X, truth)
    parts = [X[truth == k] for k in (0, 1)]
    assert_allclose(clf.weights_, 0.5)
    assert_allclose(clf.means_, [part.mean(0) for part in parts])
    full = np.array([np.cov(part.T, bias=True) for part in parts])
    expected = {
        "full": full,
        "tied": full.mean(0),
        "diag": full[:, [0, 1], [0, 1]],
        "spherical": full[:, [0, 1], [0, 1]].mean(1),
    }
    assert_allclose(clf.covariances_, expected[covariance_type])
    one = GaussianMixture(1, covariance_type=covariance_type, reg_covar=0).fit(parts[0])
    if covariance_type != "tied":
        assert_allclose(clf.covariances_[0], one.covariances_[0])


@every_type
def test_labels_that_weigh_nothing_leave_scikit_learns_mixture(covariance_type):
    X, truth = make_blobs(300, centers=3, n_features=3, random_state=1)
    y = np.where(np.arange(300) < 30, truth, -1)
    weight = np.where(y >= 0, 1e-9, 1.0)
    tight = {"tol": 1e-12, "max_iter": 1000, "covariance_type": covariance_type}
    ours = mixture(shrinkage=0, **tight).fit(X, y, sample_weight=weight)
    theirs = GaussianMixture(3, reg_covar=0, means_init=ours.means_, **tight).fit(X[y < 0])
    assert_allclose(ours.weights_, theirs.weights_, rtol=1e-5)
    assert_allclose(ours.means_, theirs.means_, rtol=1e-4, atol=1e-4)
    assert_allclose(ours.covariances_, theirs.covariances_, rtol=1e-4, atol=1e-4)
    assert ours.lower_bound_ == pytest.approx(theirs.score(X[y < 0]))
    assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-4)


def test_labels_never_change(toy):
    X, y, _ = toy
    wrong = y.copy()
    wrong[:2] = 1 - wrong[:2]
    clf = mixture().fit(X, wrong)
    assert (clf.transduction_[:6] == wrong[:6]).all()
    assert (clf.label_distributions_[:6] == np.eye(2)[wrong[:6]]).all()
    assert (clf.predict(X)[:6] != wrong[:6]).any()  # only the given labels are kept
    assert_allclose(clf.label_distributions_[6:], clf.predict_proba(X)[6:])
    assert (clf.transduction_[6:] == clf.predict(X)[6:]).all()


@every_type
def test_weight_zero_is_the_fit_on_labeled_rows(digits, covariance_type):
    X, y, X_test, _ = digits
    params = {"unlabeled_weight": 0, "covariance_type": covariance_type}
    whole = mixture(**params).fit(X, y)
    alone = mixture(**params).fit(X[y >= 0], y[y >= 0])
    assert (whole.means_ == alone.means_).all()
    assert (whole.covariances_ == alone.covariances_).all()
    assert (whole.predict_proba(X_test) == alone.predict_proba(X_test)).all()
    assert whole.transduction_.shape == y.shape


@every_type
def test_weight_two_is_a_row_given_twice(toy, covariance_type):
    X, y, _ = toy
    weight = np.arange(120) % 3
    rows = np.repeat(np.arange(120), weight)
    weighted = mixture(covariance_type=covariance_type).fit(X, y, sample_weight=weight)
    repeated = mixture(covariance_type=covariance_type).fit(X[rows], y[rows])
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-9)
    assert_allclose(weighted.means_, repeated.means_)
    assert weighted.lower_bound_ == pytest.approx(repeated.lower_bound_)


def test_unlabeled_weight_is_the_weight_of_unlabeled_rows(toy):
    X, y, _ = toy
    by_parameter = mixture(unlabeled_weight=0.2).fit(X, y)
    by_row = mixture().fit(X, y, sample_weight=np.where(y >= 0, 1, 0.2))
    assert (by_parameter.means_ == by_row.means_).all()
    assert not np.allclose(by_parameter.means_, mixture().fit(X, y).means_)


def test_several_components_a_class_follow_a_class_in_two_pieces():
    X, piece = make_blobs(400, centers=[[0, 0], [6, 6], [0, 6], [6, 0]], random_state=0)
    truth = piece // 2
    y = np.full(400, -1)
    for p in range(4):
        y[np.flatnonzero(piece == p)[:5]] = p // 2
    clf = mixture(n_components=2).fit(X, y)
    assert clf.score(X, truth) > 0.99
    assert clf.component_classes_.tolist() == [0, 0, 1, 1]
    assert clf.means_.shape == (4, 2)
    assert mixture().fit(X, y).score(X, truth) < 0.9
    assert (mixture(n_components=2).fit(X, y).means_ == clf.means_).all()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    mixture(n_components=2, random_state=None).fit(X, y)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag"])
def test_units_of_the_features_do_not_matter(toy, covariance_type):
    X, y, _ = toy
    factor = np.array([1e-4, 1e5])
    here = mixture(covariance_type=covariance_type).fit(X, y)
    there = mixture(covariance_type=covariance_type).fit(X * factor + 3, y)
    assert_allclose(here.predict_proba(X), there.predict_proba(X * factor + 3), atol=1e-6)
    log_density = there.score_samples(X * factor + 3) + np.log(factor).sum()
    assert_allclose(here.score_samples(X), log_density, rtol=1e-6)


@every_type
@pytest.mark.parametrize("n_components", [1, 2])
def test_densities_and_probabilities(toy, covariance_type, n_components):
    X, y, _ = toy
    clf = mixture(covariance_type=covariance_type, n_components=n_components).fit(X, y)
    covariances = {
        "full": clf.covariances_,
        "tied": [clf.covariances_] * 2 * n_components,
        "diag": [np.diag(row) for row in np.atleast_2d(clf.covariances_)],
        "spherical": [v * np.eye(2) for v in np.ravel(clf.covariances_)],
    }[covariance_type]
    density = np.transpose(
        [
            weight * multivariate_normal.pdf(X, mean, covariance)
            for weight, mean, covariance in zip(clf.weights_, clf.means_, covariances, strict=True)
        ]
    )
    assert_allclose(clf.score_samples(X), np.log(density.sum(1)))
    by_class = np.transpose([density[:, clf.component_classes_ == k].sum(1) for k in (0, 1)])
    proba = by_class / by_class.sum(1, keepdims=True)
    assert_allclose(clf.predict_proba(X), proba)
    assert_allclose(clf.predict_log_proba(X), np.log(proba), atol=1e-12)
    assert clf.weights_.sum() == pytest.approx(1)
    far = clf.predict_log_proba(X + 1e4)  # in logarithms nothing underflows
    assert np.isfinite(far).all()


@every_type
def test_samples(toy, covariance_type):
    X, y, _ = toy
    names = np.where(y >= 0, np.array(["cat", "dog"], dtype=object)[y], None)
    clf = mixture(covariance_type=covariance_type, n_components=2).fit(X, names)
    rows, labels = clf.sample(4000, random_state=0)
    assert rows.shape == (4000, 2)
    assert labels.shape == (4000,)
    shares = [clf.weights_[clf.component_classes_ == name].sum() for name in ("cat", "dog")]
    assert_allclose([(labels == name).mean() for name in ("cat", "dog")], shares, atol=0.03)
    assert_allclose(rows.mean(0), clf.weights_ @ clf.means_, atol=0.05 * rows.std(0).max())
    again = mixture(covariance_type=covariance_type, shrinkage=0).fit(rows, labels)
    one = mixture(covariance_type=covariance_type, shrinkage=0).fit(*clf.sample(9000, None, 1))
    assert_allclose(again.covariances_, one.covariances_, rtol=0.2, atol=2.0)
    dogs, labels = clf.sample(5, y="dog", random_state=0)
    assert dogs.shape == (5, 2)
    assert (labels == "dog").all()
    assert clf.sample(2, y=["dog", "cat"])[1].tolist() == ["dog", "cat"]
    assert (clf.sample(3, random_state=1)[0] == clf.sample(3, random_state=1)[0]).all()
    with pytest.raises(ValueError, match="y must hold classes among"):
        clf.sample(2, y="bird")
    with pytest.raises(ValueError, match="n_samples"):
        clf.sample(0)


@every_type
@pytest.mark.parametrize("unlabeled_weight", [0, 1])
def test_more_features_than_rows_and_constant_ones(covariance_type, unlabeled_weight):
    rng = np.random.default_rng(0)
    truth = np.arange(40) % 2
    X = rng.normal(size=(40, 60)) + 2 * truth[:, None]
    X[:, 7] = 1 / 3
    y = np.where(np.arange(40) < 2, truth, -1)
    for shrinkage in (50, 0):
        params = {"unlabeled_weight": unlabeled_weight, "shrinkage": shrinkage}
        clf = mixture(covariance_type=covariance_type, **params).fit(X, y)
        assert np.isfinite(clf.score_samples(X)).all()
        assert_allclose(clf.predict_proba(X + 1).sum(1), 1)
    assert mixture().fit(X, y).score(X, truth) > 0.9


@every_type
def test_no_variance_is_below_reg_covar(toy, covariance_type):
    X, y, _ = toy
    X = np.column_stack([X, X.sum(1)])  # of rank 2
    X = (X - X.mean(0)) / X.std(0)
    clf = mixture(covariance_type=covariance_type, shrinkage=0, reg_covar=0.05).fit(X, y)
    variances = clf.covariances_
    if covariance_type in ("full", "tied"):
        variances = np.linalg.eigvalsh(variances)
        assert variances.min() == pytest.approx(0.05)
    assert np.min(variances) > 0.05 - 1e-9


def test_unlabeled_rows_help_on_blobs():
    gains = []
    for seed in range(3):
        X, truth = make_blobs(400, centers=3, cluster_std=2.5, n_features=5, random_state=seed)
        y = hide_labels(truth, 6, stratify="balanced", random_state=seed)
        alone = mixture(unlabeled_weight=0).fit(X, y).score(X, truth)
        gains.append(mixture().fit(X, y).score(X, truth) - alone)
    assert min(gains) >= 0, gains
    assert np.mean(gains) > 0.01, gains


def test_unlabeled_rows_help_on_digits():
    X, truth = load_digits(return_X_y=True)
    gains = []
    for seed in range(3):
        y = hide_labels(truth, 50, stratify="balanced", random_state=seed)
        alone = mixture(unlabeled_weight=0).fit(X, y).score(X, truth)
        gains.append(mixture().fit(X, y).score(X, truth) - alone)
    assert min(gains) > 0.03, gains


def test_tied_is_safe_where_a_full_matrix_swallows_a_class():
    """The reason for the default: on breast cancer one class takes nearly all rows."""
    X, truth = load_breast_cancer(return_X_y=True)
    y = hide_labels(truth, 10, stratify="balanced", random_state=0)
    assert mixture().fit(X, y).score(X, truth) > 0.85
    assert mixture(covariance_type="full").fit(X, y).score(X, truth) < 0.75


def test_scores_ignore_unlabeled_rows(digits):
    X, y, X_test, y_test = digits
    clf = mixture().fit(X, y)
    labeled = y >= 0
    assert clf.score(X, y) == clf.score(X[labeled], y[labeled])
    assert clf.score(X_test, y_test) == (clf.predict(X_test) == y_test).mean()
    with pytest.raises(ValueError, match="score needs labeled rows"):
        clf.score(X, np.full(len(X), -1))
    assert cross_val_score(clf, X, y, cv=LabeledSplit(3), scoring="f1_macro").mean() > 0.7


@pytest.mark.parametrize("marker", [-1, None, np.nan])
def test_string_labels_and_pandas(blobs, marker):
    X, y, truth = blobs
    frame = pd.DataFrame(X, columns=list("abcd"), index=np.arange(60) + 7)
    names = pd.Series(np.array(["cat", "dog"])[truth], index=frame.index, dtype=object)
    names[y < 0] = marker
    clf = mixture().fit(frame, names)
    assert list(clf.classes_) == ["cat", "dog"]
    assert list(clf.feature_names_in_) == list("abcd")
    assert (clf.transduction_ == np.array(["cat", "dog"])[truth]).mean() > 0.95
    assert clf.score(frame, names) == 1
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame[list("dcba")])


def test_clone_pickle_pipeline_and_grid(digits):
    X, y, X_test, _ = digits
    clf = mixture(shrinkage=20).fit(X, y)
    expected = clf.predict_proba(X_test)
    assert (pickle.loads(pickle.dumps(clf)).predict_proba(X_test) == expected).all()
    assert (clone(clf).fit(X, y).predict_proba(X_test) == expected).all()
    pipe = make_pipeline(StandardScaler(), mixture())
    grid = {"semisupervisedgaussianmixture__unlabeled_weight": [0, 0.1, 1]}
    search = GridSearchCV(pipe, grid, cv=LabeledSplit(2)).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(X_test).shape == (len(X_test),)


def test_one_labeled_class_is_predicted_with_a_warning(blobs):
    X, y, _ = blobs
    with pytest.warns(UserWarning, match="Only one class"):
        clf = mixture().fit(X, np.where(y == 1, 1, -1))
    assert (clf.predict(X) == 1).all()


def test_bad_input_is_refused_and_the_estimator_stays(blobs):
    X, y, _ = blobs
    clf = mixture().fit(X, y)
    before = clf.predict_proba(X)
    nan = X.copy()
    nan[3, 1] = np.nan
    for bad_X, bad_y, message in [
        (X, np.full(60, -1), "No row is labeled"),
        (nan, y, "NaN"),
        (X.astype(float) * 1e300, y, "too large"),
        (X[:, 0], y, "1D array|Expected 2D"),
        (X.reshape(60, 2, 2), y, "dim 3"),
        (X, y[:-1], "inconsistent"),
        (X, None, "requires y to be passed"),
        (X, np.array(["a", "nan"] * 30), "fixed-width strings"),
        (np.full((60, 4), "red"), y, "encode it first"),
    ]:
        with pytest.raises(ValueError, match=message):
            clf.fit(bad_X, bad_y)
    with pytest.raises(ValueError, match="Negative values in sample_weight"):
        clf.fit(X, y, sample_weight=-np.ones(60))
    with pytest.raises(ValueError, match=r"only 3 distinct rows .* lower n_components"):
        clf.set_params(n_components=4, unlabeled_weight=0).fit(X, y)
    clf.set_params(n_components=1)
    assert (clf.predict_proba(X) == before).all()
    for params in [
        {"n_components": 0},
        {"covariance_type": "round"},
        {"unlabeled_weight": -1},
        {"shrinkage": -1},
        {"reg_covar": 0},
        {"max_iter": 0},
        {"tol": -1},
    ]:
        with pytest.raises(ValueError, match=next(iter(params))):
            mixture(**params).fit(X, y)
    with pytest.raises(ValueError, match="features"):
        clf.predict(X[:, :3])
    for method in ("predict", "predict_proba", "predict_log_proba", "score_samples"):
        with pytest.raises(NotFittedError):
            getattr(mixture(), method)(X)
    with pytest.raises(NotFittedError):
        mixture().sample()
    with pytest.raises(NotFittedError):
        mixture().score(X, y)

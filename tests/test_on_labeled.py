"""OnLabeled and out_of_fold."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import load_iris
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ssl import (
    LabeledSplit,
    OnLabeled,
    SemiSupervisedGaussianMixture,
    hide_labels,
    out_of_fold,
)


@parametrize_with_checks([OnLabeled(StandardScaler()), OnLabeled(SelectKBest(k=1))])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture
def iris():
    X, truth = load_iris(return_X_y=True)
    return X, hide_labels(truth, 30, random_state=0), truth


def test_it_is_the_transformer_fitted_on_the_labeled_rows(iris):
    X, few, _ = iris
    labeled = few >= 0
    ours = OnLabeled(SelectKBest(chi2, k=2)).fit(X, few)
    alone = SelectKBest(chi2, k=2).fit(X[labeled], few[labeled])
    np.testing.assert_array_equal(ours.transformer_.scores_, alone.scores_)
    np.testing.assert_array_equal(ours.transform(X), alone.transform(X))
    sparse = OnLabeled(SelectKBest(chi2, k=2)).fit(csr_matrix(X), few)
    np.testing.assert_allclose(sparse.transformer_.scores_, alone.scores_)


def test_frames_names_and_categories(iris):
    _, few, truth = iris
    frame = pd.DataFrame({"shade": np.array(list("abc"))[truth], "n": np.arange(150.0)})
    strings = np.array([None if v < 0 else f"kind {v}" for v in few], dtype=object)
    ours = OnLabeled(TargetEncoder(random_state=0)).set_output(transform="pandas")
    out = ours.fit(frame[["shade"]], strings).transform(frame[["shade"]])
    assert list(out.columns) == list(ours.get_feature_names_out())
    assert list(ours.feature_names_in_) == ["shade"]
    assert out.notna().all(axis=None)


def test_without_labels_it_says_so_and_without_y_it_takes_all_rows(iris):
    X, _, _ = iris
    with pytest.raises(ValueError, match="No row is labeled"):
        OnLabeled(SelectKBest(k=1)).fit(X, np.full(150, -1))
    scaler = OnLabeled(StandardScaler()).fit(X)
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(X)), X)
    assert not hasattr(OnLabeled(TargetEncoder()), "inverse_transform")


def test_a_grid_reaches_inside(iris):
    X, few, _ = iris
    pipe = make_pipeline(OnLabeled(SelectKBest()), SemiSupervisedGaussianMixture())
    grid = {"onlabeled__transformer__k": [1, 3]}
    search = GridSearchCV(clone(pipe), grid, cv=LabeledSplit(3)).fit(X, few)
    kept = search.best_estimator_[0].get_feature_names_out()
    assert len(kept) == search.best_params_["onlabeled__transformer__k"]


def test_out_of_fold_is_cross_val_predict_where_all_rows_are_labeled(iris):
    X, _, truth = iris
    mixture = SemiSupervisedGaussianMixture()
    rows, p = out_of_fold(mixture, X, truth, cv=4)
    assert rows.tolist() == list(range(150))
    expected = cross_val_predict(mixture, X, truth, cv=4, method="predict_proba")
    np.testing.assert_allclose(p, expected)


@pytest.mark.parametrize("mark", [None, "open", 99])
def test_out_of_fold_takes_the_mark_of_the_estimator(iris, mark):
    X, few, _ = iris
    y = np.array([mark if v < 0 else f"kind {v}" for v in few], dtype=object)
    inside = SemiSupervisedGaussianMixture(unlabeled_label=mark)
    expected = out_of_fold(SemiSupervisedGaussianMixture(), X, few, cv=3)
    for clf in (inside, GridSearchCV(inside, {}, cv=LabeledSplit(2, mark))):
        rows, p = out_of_fold(clf, X, y, cv=3)
        np.testing.assert_array_equal(rows, expected[0])
        np.testing.assert_array_equal(p, expected[1])


def test_out_of_fold_uses_all_unlabeled_rows_and_no_label_of_its_own(iris):
    X, few, truth = iris
    seen = []

    class Spy(SemiSupervisedGaussianMixture):
        def fit(self, X, y):
            seen.append((int((y < 0).sum()), int((y >= 0).sum())))
            return super().fit(X, y)

    rows, predicted = out_of_fold(Spy(), X, few, cv=5, method="predict")
    assert seen == [(120, 24)] * 5
    assert (few[rows] >= 0).all()
    assert (predicted == truth[rows]).mean() > 0.8
    with pytest.raises(ValueError, match="every labeled row once"):
        out_of_fold(Spy(), X, few, cv=[([0, 1, 2], [3])])


# ------------------------------------------------------------------ fit_transform


class Halves(TransformerMixin, BaseEstimator):
    """Shows rows of fit other numbers than rows that come later, and keeps what it was given."""

    def fit(self, X, y, sample_weight=None, tag=None):
        self.seen_ = X.shape[0], y, sample_weight, tag
        return self

    def fit_transform(self, X, y, sample_weight=None, tag=None):
        return self.fit(X, y, sample_weight, tag).transform(X) / 2

    def transform(self, X):
        return X * 1.0

    def get_feature_names_out(self, names=None):
        return np.array(list("abcd"))


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix, pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_labeled_rows_pass_through_fit_transform_and_the_others_through_transform(
    iris, kind, output
):
    X, few, _ = iris
    if kind is csr_matrix and output != "default":
        pytest.skip("frames hold no sparse rows")
    rows = kind(X, columns=list("abcd")) if kind is pd.DataFrame else kind(X)
    rows = kind(X, schema=list("abcd")) if kind is pl.DataFrame else rows
    weight = np.arange(150.0)
    ours = OnLabeled(Halves()).set_output(transform=output)
    out = ours.fit_transform(rows, few, sample_weight=weight, tag="whole")
    n, y, cut, tag = ours.transformer_.seen_
    assert n == 30
    np.testing.assert_array_equal(y, few[few >= 0])
    np.testing.assert_array_equal(cut, weight[few >= 0])
    assert tag == "whole"
    if output != "default":
        assert type(out).__module__.partition(".")[0] == output
    out = out.toarray() if kind is csr_matrix else np.asarray(out)
    np.testing.assert_array_equal(out, np.where(few[:, None] >= 0, X / 2, X))
    ours.fit(rows, few, sample_weight=weight)
    np.testing.assert_array_equal(ours.transformer_.seen_[2], weight[few >= 0])


def test_fit_transform_where_all_rows_are_labeled_or_the_transformer_has_none(iris):
    X, few, truth = iris
    np.testing.assert_array_equal(OnLabeled(Halves()).fit_transform(X, truth), X / 2)
    np.testing.assert_array_equal(OnLabeled(Halves()).fit_transform(X), X / 2)

    class Plain(BaseEstimator):
        def fit(self, X, y):
            self.n_ = len(y)
            return self

        def transform(self, X):
            return X + self.n_

    np.testing.assert_array_equal(OnLabeled(Plain()).fit_transform(X, few), X + 30)


def test_target_encoder_does_not_show_rows_their_own_label(iris):
    _, few, _ = iris
    labeled = few >= 0
    shade = np.random.default_rng(0).choice(list("abcdefgh"), size=(150, 1))  # says nothing
    ours = OnLabeled(TargetEncoder(cv=3))
    out = ours.fit_transform(shade, few)
    alone = TargetEncoder(cv=3).fit(shade[labeled], few[labeled])
    np.testing.assert_allclose(ours.transform(shade), alone.transform(shade))
    np.testing.assert_allclose(out[~labeled], alone.transform(shade[~labeled]))
    own = few[labeled][:, None] == alone.classes_  # the column of a row's own class
    leaked = alone.transform(shade[labeled])[own].mean()
    assert out[labeled][own].mean() < leaked - 0.05
    pipe = make_pipeline(ours, SemiSupervisedGaussianMixture())
    assert pipe.fit(shade, few)[0].transformer_.encodings_[0].shape == alone.encodings_[0].shape


def test_weights_are_routed_to_the_transformer(iris):
    X, few, _ = iris
    weight = np.linspace(1, 2, 150)
    with config_context(enable_metadata_routing=True):
        step = OnLabeled(Halves().set_fit_request(sample_weight=True, tag=False))
        mixture = SemiSupervisedGaussianMixture().set_fit_request(sample_weight=False)
        pipe = make_pipeline(step, mixture).fit(X, few, sample_weight=weight)
    np.testing.assert_array_equal(pipe[0].transformer_.seen_[2], weight[few >= 0])

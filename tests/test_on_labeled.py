"""OnLabeled and out_of_fold."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
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


def colours(few):
    """A table of shades that say nothing, and the labels."""
    shade = np.random.default_rng(0).choice(list("abcdefgh"), size=(len(few), 2))
    return shade, few >= 0


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_target_encoder_does_not_show_rows_their_own_label(iris, output):
    _, few, _ = iris
    X, labeled = colours(few)
    encoder = TargetEncoder(cv=3)
    ours = OnLabeled(encoder).set_output(transform=output)
    out = ours.fit_transform(X, few)
    assert type(out).__module__.partition(".")[0] in (output, "numpy")
    alone = clone(encoder)
    crossed = alone.fit_transform(X[labeled], few[labeled])
    assert crossed.shape[1] == 6
    if encoder.get_params().get("random_state", 0) is not None:
        np.testing.assert_allclose(np.asarray(out)[labeled], crossed)
    assert not np.allclose(np.asarray(out)[labeled], alone.transform(X[labeled]))
    np.testing.assert_allclose(np.asarray(out)[~labeled], alone.transform(X[~labeled]))
    np.testing.assert_allclose(ours.transform(X), alone.transform(X))

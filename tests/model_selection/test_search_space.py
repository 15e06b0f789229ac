"""Distributions for random searches: valid for every estimator, and searched."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ParameterSampler, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.optim import SGD

from sklearn_ssl import (
    FixMatchClassifier,
    LabeledSplit,
    VAEClassifier,
    get_search_space,
)

from ..helpers import EVERYTHING, FROM_PAGES, REGRESSORS, few_steps, quick

every_estimator = pytest.mark.parametrize(
    "cls", [*EVERYTHING, *FROM_PAGES], ids=lambda cls: cls.__name__
)


@pytest.mark.filterwarnings("ignore:The total space of parameters")
@every_estimator
def test_what_is_drawn_are_valid_parameters(cls):
    for params in ParameterSampler(get_search_space(cls()), 20, random_state=0):
        estimator = cls().set_params(**params)
        estimator._validate_params()
        assert {name: estimator.get_params()[name] for name in params} == params


@pytest.mark.filterwarnings("ignore:The total space of parameters")
@every_estimator
def test_five_candidates_are_searched(cls, blobs):
    X, y, _ = blobs
    estimator = quick(cls, **few_steps(cls))
    cv = LabeledSplit(2)
    if cls in REGRESSORS:
        y = np.where(y < 0, np.nan, y)
    space = get_search_space(estimator)
    search = RandomizedSearchCV(estimator, space, n_iter=5, cv=cv, random_state=0)
    search.set_params(error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_params_.keys() == space.keys()


def test_a_child_adds_to_what_its_base_searches():
    class Child(FixMatchClassifier):
        _search_space = {"n": [1], "lr": [0.5]}

    assert get_search_space(Child()).keys() == {*get_search_space(FixMatchClassifier()), "n"}
    assert get_search_space(Child())["lr"] == [0.5]
    assert get_search_space(FixMatchClassifier())["lr"] != [0.5]
    get_search_space(Child()).clear()
    assert get_search_space(Child())


def test_learning_rates_are_those_of_the_optimizer():
    assert get_search_space(VAEClassifier())["lr"].ppf(1) <= 0.01
    assert get_search_space(FixMatchClassifier())["lr"].ppf(1) > 0.05


def test_keywords_of_foreign_networks_and_optimizers_are_left_out():
    space = get_search_space(FixMatchClassifier(module=lambda n_classes: None, optimizer=SGD))
    assert not [name for name in space if "__" in name]
    assert "threshold" in space


def test_pipelines_have_prefixes_and_foreign_estimators_are_refused():
    pipeline = make_pipeline(StandardScaler(), make_pipeline(FixMatchClassifier()))
    names = {f"pipeline__fixmatchclassifier__{n}" for n in get_search_space(FixMatchClassifier())}
    assert get_search_space(pipeline).keys() == names
    for foreign in (LogisticRegression(), make_pipeline(LogisticRegression())):
        with pytest.raises(ValueError, match="has no search space"):
            get_search_space(foreign)

"""Searches on joblib's dask backend: two worker processes find what one process finds."""

import os

import numpy as np
import pytest
import sklearn
import torch
from joblib import Parallel, delayed, parallel_config
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import (
    AutoSSLClassifier,
    FixMatchClassifier,
    LabeledSplit,
    LabelPropagationClassifier,
    compare_with_supervised,
    label_budget_curve,
    out_of_fold,
    rank_methods,
)

from .helpers import quick

distributed = pytest.importorskip("distributed")
GRAPH = LabelPropagationClassifier()
LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression())
FIXMATCH = quick(FixMatchClassifier, max_steps=5, batch_size=16)


@pytest.fixture(scope="module")
def on_cluster():
    """A function that calls another one with two workers, each of one thread.

    Any free port for the status page: processes that run these tests have a cluster each.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as the workers have
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):

        def call(function, *args):
            with parallel_config("dask"):
                return function(*args)

        call.client = client
        yield call
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def few(digits):
    X, y, _, _ = digits
    return X[:300], y[:300]


def grid(X, y):
    search = GridSearchCV(FIXMATCH, {"lr": [0.01, 0.03]}, cv=LabeledSplit(2)).fit(X, y)
    return search.cv_results_["mean_test_score"], search.predict_proba(X)


def routed(X, y):
    """The pool is metadata, which a search hands to each fit as a whole."""
    labeled = y >= 0
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = make_pipeline(StandardScaler(), FIXMATCH, transform_input=["X_unlabeled"])
        search = GridSearchCV(pipe, {"fixmatchclassifier__lr": [0.01, 0.03]}, cv=2)
        search.fit(X[labeled], y[labeled], X_unlabeled=X[~labeled])
        return search.cv_results_["mean_test_score"], search.predict_proba(X)


def halving(X, y):
    sizes = {"resource": "max_steps", "min_resources": 3, "max_resources": 6, "factor": 2}
    cv = LabeledSplit(StratifiedKFold(2))
    search = HalvingGridSearchCV(FIXMATCH, {"lr": [0.01, 0.03]}, cv=cv, random_state=0, **sizes)
    return search.fit(X, y).cv_results_["mean_test_score"], search.predict_proba(X)


def folds(X, y):
    kept = cross_validate(FIXMATCH, X, y, cv=LabeledSplit(2), return_estimator=True)
    return kept["test_score"], *[clf.predict_proba(X) for clf in kept["estimator"]]


def ranking(X, y):
    found = rank_methods({"logistic": LOGISTIC, "graph": GRAPH, "net": FIXMATCH}, X, y, cv=2)
    return found.scores, found.difference, np.array(found.names)


def budgets(X, y):
    found = label_budget_curve(
        {"graph": GRAPH, "net": FIXMATCH}, X, y, [10, 20], n_repeats=2, random_state=0
    )
    return (found.scores,)


def with_and_without(X, y):
    return (compare_with_supervised(FIXMATCH, X, y, cv=2).difference,)


def held_out(X, y):
    return out_of_fold(FIXMATCH, X, y, cv=2)


def automatic(X, y):
    members = [("logistic", LOGISTIC), ("graph", GRAPH), ("net", FIXMATCH)]
    clf = AutoSSLClassifier(estimators=members, cv=2, random_state=0).fit(X, y)
    return clf.weights_, clf.predict_proba(X)


TASKS = [
    grid,
    routed,
    halving,
    folds,
    ranking,
    budgets,
    with_and_without,
    held_out,
    automatic,
]


def test_a_cluster_finds_what_one_process_finds(few, on_cluster):
    for task in TASKS:  # in one test, for one cluster: a test of each could run in two processes
        for there, here in zip(on_cluster(task, *few), task(*few), strict=True):
            np.testing.assert_array_equal(there, here, err_msg=task.__name__)


def of_the_process(_):
    return os.getpid(), torch.get_num_threads()


def test_workers_are_two_processes_of_one_thread(on_cluster):
    found = on_cluster(lambda: Parallel()(delayed(of_the_process)(i) for i in range(8)))
    processes = {process for process, _ in found}
    assert os.getpid() not in processes
    assert processes <= {*on_cluster.client.run(os.getpid).values()}
    assert {n_threads for _, n_threads in found} == {1}

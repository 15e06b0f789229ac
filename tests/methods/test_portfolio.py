"""The portfolio: who is given what, how members are weighed, and what is told of them."""

import pickle
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from skorch.callbacks import Callback

from sklearn_ssl import (
    AutoSSLClassifier,
    FixMatchClassifier,
    LabelPropagationClassifier,
    LabelPropagationNet,
    LazyRows,
)
from sklearn_ssl.inputs.marks import core
from sklearn_ssl.methods.portfolio.automatic import automatic_members
from sklearn_ssl.methods.portfolio.weights import (
    log_losses,
    mean_of,
    member_weights,
    temperature,
    tempered,
)

from ..inputs.test_documents import corpus, few
from ..inputs.test_mixed import frame

GRAPH = ("graph", LabelPropagationClassifier())
LOGISTIC = ("logistic", LogisticRegression())
KNN = LabelSpreading(kernel="knn", n_neighbors=5)


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that remembers what it was given."""

    seen = []

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        type(self).seen.append((len(X), y, sample_weight))
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def predict(self, X):
        return self.classes_[np.zeros(len(X), dtype=int)]


class Marked(Recorder):
    """The same, and it says that it knows a mark."""

    seen = []

    def __init__(self, unlabeled_label=-1):
        self.unlabeled_label = unlabeled_label

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.classes_ = np.unique([v for v in y if v != self.unlabeled_label])
        return self


@pytest.fixture(autouse=True)
def _nothing_seen():
    Recorder.seen, Marked.seen = [], []


@pytest.mark.parametrize("wrap", [lambda e: e, lambda e: make_pipeline(StandardScaler(), e)])
def test_members_without_a_mark_are_never_given_one(wrap, blobs):
    X, y, _ = blobs
    clf = AutoSSLClassifier(estimators=[GRAPH, ("plain", wrap(Recorder()))], cv=3).fit(X, y)
    assert len(Recorder.seen) == 4  # all labels, and three folds
    assert {n for n, _, _ in Recorder.seen} == {6, 4}
    assert all((labels >= 0).all() for _, labels, _ in Recorder.seen)
    assert clf.report_["plain"].rows == "labeled"


def test_members_that_know_a_mark_are_given_all_rows_and_the_mark(blobs):
    X, y, _ = blobs
    y = np.where(y == -1, 7, y)
    members = [("ours", make_pipeline(StandardScaler(), Marked())), LOGISTIC]
    clf = AutoSSLClassifier(estimators=members, unlabeled_label=7, cv=3).fit(X, y)
    assert [n for n, _, _ in Marked.seen] == [60] * 4
    assert [(labels == 7).sum() for _, labels, _ in Marked.seen] == [54, 56, 56, 56]
    assert clf.report_["ours"].rows == "all"
    assert members[0][1][-1].unlabeled_label == -1  # the user's own is untouched


@pytest.mark.parametrize("theirs", [KNN, SelfTrainingClassifier(GaussianNB())])
def test_members_of_scikit_learn_that_know_minus_one_take_classes_of_any_kind(theirs, blobs):
    X, y, truth = blobs
    names = np.array(["no", "yes"])
    text = np.array([None if code == -1 else names[code] for code in y], dtype=object)
    clf = AutoSSLClassifier(estimators=[("theirs", theirs), LOGISTIC]).fit(X, text)
    assert clf.report_["theirs"].rows == "all"
    assert clf.score(X, names[truth]) > 0.95
    assert clf.classes_.tolist() == ["no", "yes"]


def test_minus_one_may_be_a_class(blobs):
    X, y, truth = blobs
    classes = np.array([-1.0, 1.0])
    y = np.where(y == -1, np.nan, classes[y])
    theirs = ("theirs", KNN)
    clf = AutoSSLClassifier(estimators=[theirs, GRAPH, LOGISTIC], unlabeled_label=None).fit(X, y)
    assert clf.score(X, classes[truth]) > 0.95


class Silent(Recorder):
    """It has no probabilities of rows far away."""

    def predict_proba(self, X):
        return super().predict_proba(X) * np.where(X[:, :1] > 100, np.nan, 1)


def test_a_member_without_an_answer_leaves_it_to_the_others(blobs):
    X, y, truth = blobs
    X = np.vstack([X, X[-1] + 200])
    y = np.append(y, -1)
    clf = AutoSSLClassifier(estimators=[("silent", Silent()), LOGISTIC]).fit(X, y)
    assert np.isfinite(clf.predict_proba(X)).all()
    assert clf.score(X, np.append(truth, 1)) > 0.95


def test_a_search_is_a_member(blobs):
    X, y, truth = blobs
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    clf = AutoSSLClassifier(estimators=[GRAPH, ("search", search)], cv=None).fit(X, y)
    assert clf.report_["search"].rows == "labeled"
    assert clf.score(X, truth) > 0.95
    assert core(GridSearchCV(FixMatchClassifier(), {})).unlabeled_label == -1


def test_a_member_that_knows_nothing_falls_out(digits):
    X, y, X_test, y_test = digits
    members = [LOGISTIC, ("graph", GRAPH[1]), ("nothing", DummyClassifier())]
    members[0] = ("logistic", make_pipeline(StandardScaler(), LogisticRegression()))
    clf = AutoSSLClassifier(estimators=members, random_state=0).fit(X, y)
    assert clf.weights_[2] == 0
    assert clf.weights_.sum() == pytest.approx(1)
    assert clf.score(X_test, y_test) > clf.named_estimators_.logistic.score(X_test, y_test)


def test_weights_by_hand():
    rng = np.random.default_rng(0)
    alike = rng.random((3, 20))
    assert member_weights(alike, np.array([True, False, False])).min() > 0.25
    unknown = np.vstack([alike[0], alike[0] + 1, np.full(20, np.nan)])
    weights = member_weights(unknown, np.array([True, False, False]))
    assert weights[1] == 0
    assert weights[0] == weights[2] == 0.5
    p = np.array([[0.8, 0.2], [0.5, 0.5]])
    np.testing.assert_allclose(
        log_losses(p, np.array([0, 1])), -np.log([0.95 * 0.8 + 0.025, 0.95 * 0.5 + 0.025])
    )
    q = np.array([[0.2, 0.8], [0.1, 0.9]])
    np.testing.assert_allclose(mean_of([p, q], np.array([0.75, 0.25])), 0.75 * p + 0.25 * q)


def test_temperatures_by_hand():
    p = np.array([[0.64, 0.04], [0.5, 0.5]]) / np.array([[0.68], [1.0]])
    expected = np.array([[0.8, 0.2], [0.5, 0.5]])
    np.testing.assert_allclose(tempered(p, 2.0), expected, atol=1e-12)
    rng = np.random.default_rng(0)
    truth = rng.random((2000, 3))
    truth /= truth.sum(1, keepdims=True)
    codes = np.array([rng.choice(3, p=row) for row in truth])
    assert temperature(tempered(truth, 3.0), codes) == pytest.approx(1 / 3, rel=0.25)
    assert temperature(tempered(truth, 0.5), codes) == pytest.approx(2, rel=0.25)
    one = temperature(np.array([[0.6, 0.4]]), np.array([0]))
    assert 0.1 < one < 1


def test_one_label_of_a_class_leaves_the_weights_equal(blobs):
    X, y, truth = blobs
    y = np.where(np.isin(np.arange(60), [0, 30]), y, -1)
    clf = AutoSSLClassifier(estimators=[GRAPH, LOGISTIC]).fit(X, y)
    assert clf.weights_.tolist() == [0.5, 0.5]
    assert np.isnan(clf.report_["graph"].log_loss)
    assert "was not measured" in str(clf.report_)
    assert clf.score(X, truth) > 0.9


def test_weights_of_rows_reach_the_members(blobs):
    X, y, _ = blobs
    weight = np.arange(60) % 3  # a third of the rows is left out
    pipeline = make_pipeline(StandardScaler(), Recorder())
    clf = AutoSSLClassifier(estimators=[("plain", pipeline), GRAPH], cv=None)
    clf.fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(Recorder.seen[0][2], weight[(y >= 0) & (weight > 0)])
    assert clf.label_distributions_.shape == (60, 2)
    assert np.isfinite(clf.label_distributions_).all()
    with pytest.raises(ValueError, match="'plain': it takes no sample_weight"):
        AutoSSLClassifier(estimators=[("plain", LabelSpreading())]).fit(X, y, weight + 1)


@pytest.mark.parametrize(
    ("estimators", "message"),
    [
        ([], "list of"),
        ([LogisticRegression()], "list of"),
        ([GRAPH, GRAPH], "unique"),
        ([("ridge", RidgeClassifier())], "CalibratedClassifierCV"),
        ([("class", LogisticRegression)], "must be a classifier"),
    ],
)
def test_what_is_no_list_of_members_is_refused(estimators, message, blobs):
    X, y, _ = blobs
    with pytest.raises(ValueError, match=message):
        AutoSSLClassifier(estimators=estimators).fit(X, y)


def test_parameters_of_members_are_parameters(blobs):
    X, y, _ = blobs
    clf = AutoSSLClassifier(estimators=[GRAPH, LOGISTIC])
    assert clf.get_params()["logistic__C"] == 1.0
    clf = clone(clf).set_params(logistic__C=3.0, graph=LabelPropagationClassifier(alpha=0.9))
    assert clf.fit(X, y).named_estimators_.logistic.C == 3.0
    assert clf.named_estimators_.graph.alpha == 0.9
    assert AutoSSLClassifier().get_params()["estimators"] == "auto"


def small_networks(monkeypatch):
    """Let the networks of "auto" be quick."""
    monkeypatch.setattr(
        "sklearn_ssl.methods.portfolio.automatic.NETWORKS",
        {name: lambda cls=cls, **p: cls(**QUICK, **p) for name, cls in SMALL.items()},
    )


QUICK = {"max_steps": 5, "batch_size": 8, "unlabeled_ratio": 1}
SMALL = {"LabelPropagationNet": LabelPropagationNet, "FixMatchClassifier": FixMatchClassifier}


def test_auto_on_a_table(blobs, monkeypatch):
    small_networks(monkeypatch)
    X, y, truth = blobs
    clf = AutoSSLClassifier(budget="fast", random_state=0).fit(X, y)
    table = clf.report_.frame()
    assert np.isnan(table.log_loss["LabelPropagationNet"])
    assert np.isfinite(table.log_loss[:-1]).all()
    assert clf.weights_[-1] > 0
    names = ["logistic", "random forest", "extra trees", "graph", "LabelPropagationNet"]
    assert list(clf.named_estimators_) == names
    assert clf.score(X, truth) > 0.95
    again = AutoSSLClassifier(budget="fast", random_state=0).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    restored = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(restored.predict_proba(X), clf.predict_proba(X))


def test_auto_on_a_table_with_categories_and_gaps(monkeypatch):
    small_networks(monkeypatch)
    X, y, truth = frame(90)
    clf = AutoSSLClassifier(budget="fast", random_state=0).fit(X, y)
    assert clf.input_kind_ == "mixed table"
    assert "logistic" in clf.named_estimators_
    assert clf.score(X, truth) > 0.8
    shuffled = X.sample(frac=1, random_state=0)
    np.testing.assert_allclose(
        clf.predict_proba(shuffled), clf.predict_proba(X)[shuffled.index], atol=1e-6
    )


def test_members_of_a_list_are_given_the_frame():
    X, y, truth = frame(90)
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["color", "place"]), remainder="drop"
    )
    members = [("encoded", make_pipeline(encoder, LogisticRegression())), GRAPH]
    assert AutoSSLClassifier(estimators=members).fit(X, y).score(X, truth) > 0.8


@pytest.mark.parametrize("kind", ["documents", "sparse", "images", "lazy"])
def test_auto_on_other_rows(kind, monkeypatch):
    from scipy.sparse import csr_array

    small_networks(monkeypatch)
    if kind == "documents":
        X, truth = corpus()
        X, y = csr_array(X), few(truth)
    elif kind == "sparse":
        rng = np.random.default_rng(0)
        truth = np.arange(80) % 2
        X = csr_array(rng.normal(size=(80, 6)) * (rng.random((80, 6)) < 0.7) + truth[:, None])
        y = few(truth)
    else:
        rng = np.random.default_rng(0)
        truth = np.arange(40) % 2
        X = rng.random((40, 1, 8, 8)).astype(np.float32) + truth[:, None, None, None]
        X, y = (LazyRows(list(X)) if kind == "lazy" else X), few(truth)
    clf = AutoSSLClassifier(budget="fast", random_state=0).fit(X, y)
    assert np.isfinite(clf.predict_proba(X)).all()
    assert ("logistic" in clf.named_estimators_) == (kind in ("documents", "sparse"))


def test_a_refusal_of_auto_is_told_and_of_a_list_is_raised(blobs, monkeypatch):
    X, y, truth = blobs

    class Refuses(LabelPropagationNet):
        def fit(self, X, y, sample_weight=None):
            raise ValueError("not such rows")

    monkeypatch.setattr("sklearn_ssl.methods.portfolio.automatic.NETWORKS", {"net": Refuses})
    with pytest.warns(UserWarning, match="'net' is left out. ValueError: not such rows"):
        clf = AutoSSLClassifier(random_state=0).fit(X, y)
    assert "not such rows" in clf.report_["net"].note
    assert "net" not in clf.named_estimators_
    assert clf.score(X, truth) > 0.95
    with pytest.raises(ValueError, match="not such rows"):
        AutoSSLClassifier(estimators=[GRAPH, ("net", Refuses())]).fit(X, y)
    assert not hasattr(AutoSSLClassifier(), "classes_")


def test_what_members_of_auto_warn_of_is_in_the_report(blobs, monkeypatch):
    X, y, _ = blobs

    class Warns(LabelPropagationNet):
        def fit(self, X, y, sample_weight=None):
            warnings.warn("a mind of its own", stacklevel=1)
            return super().fit(X, y, sample_weight)

    nets = {"net": lambda **p: Warns(max_steps=2, **p)}
    monkeypatch.setattr("sklearn_ssl.methods.portfolio.automatic.NETWORKS", nets)
    clf = AutoSSLClassifier(random_state=0, cv=2).fit(X, y)
    assert clf.report_["net"].note.endswith("a mind of its own")
    with pytest.warns(UserWarning, match="a mind of its own") as caught:
        AutoSSLClassifier(estimators=[GRAPH, ("net", Warns(max_steps=2))], cv=2).fit(X, y)
    assert len(caught) == 1  # and not of every fold


def test_seconds_are_kept(digits):
    X, y, _, _ = digits
    start = time.monotonic()
    clf = AutoSSLClassifier(budget=1.0, random_state=0).fit(X, y)
    spent = time.monotonic() - start
    notes = " ".join(entry.note for entry in clf.report_.members)
    assert "time" in notes
    assert spent < 60, "four networks of 1,000 steps take minutes"


def test_ctrl_c_keeps_the_members_so_far(blobs):
    X, y, truth = blobs

    class Interrupted(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            raise KeyboardInterrupt

    clf = AutoSSLClassifier(estimators=[GRAPH, LOGISTIC, ("late", Interrupted())]).fit(X, y)
    assert list(clf.named_estimators_) == ["graph", "logistic"]
    assert clf.report_["late"].note == "the fit was interrupted"
    assert clf.score(X, truth) > 0.95
    with pytest.raises(KeyboardInterrupt):
        AutoSSLClassifier(estimators=[("late", Interrupted())]).fit(X, y)


def test_the_report(digits):
    X, y, _, _ = digits
    logistic = make_pipeline(StandardScaler(), LogisticRegression())
    members = [("logistic", logistic), GRAPH, ("trees", ExtraTreesClassifier(30))]
    clf = AutoSSLClassifier(estimators=members, random_state=0).fit(X, y)
    table = clf.report_.frame()
    assert isinstance(table, pd.DataFrame)
    assert list(table.index) == ["logistic", "graph", "trees"]
    assert table.weight.sum() == pytest.approx(1)
    assert table.accuracy.between(0.5, 1).all()
    assert table.disagreement.between(0, 0.5).all()
    text = str(clf.report_)
    assert all(name in text for name in table.index)
    difference, low, high = clf.report_.gain
    assert low < difference < high
    assert f"{difference:+.3f}" in text


def test_processes_give_the_same(blobs):
    X, y, _ = blobs
    one, two = (
        AutoSSLClassifier(estimators=[GRAPH, LOGISTIC], n_jobs=n, random_state=0).fit(X, y)
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    np.testing.assert_array_equal(one.weights_, two.weights_)


def test_checkpoints_have_a_folder_a_member_and_part(blobs, tmp_path):
    X, y, _ = blobs
    net = FixMatchClassifier(max_steps=3, unlabeled_ratio=1)
    clf = AutoSSLClassifier(
        estimators=[GRAPH, ("net", net)], cv=2, random_state=0, checkpoint_dir=tmp_path
    ).fit(X, y)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.glob("*/*")) == [
        "all/net", "fold 0/net", "fold 1/net",
    ]  # fmt: skip
    assert clf.named_estimators_.net.checkpoint_dir is None
    with pytest.raises(ValueError, match="needs an int"):
        AutoSSLClassifier(estimators=[GRAPH], checkpoint_dir=tmp_path).fit(X, y)


@pytest.mark.parametrize(("budget", "networks"), [("fast", 1), ("good", 2), ("best", 4), (9.0, 4)])
def test_the_budget_says_how_many_networks(budget, networks):
    rng = np.random.RandomState(0)
    members = automatic_members("table", budget, 5, 120, {}, rng)
    assert sum(hasattr(m.estimator, "max_steps") for m in members) == networks
    assert "boosting" in [m.name for m in members]
    assert all(m.measured for m in members) == (budget != "fast")


def test_what_is_masked_is_missing(blobs):
    X, y, _ = blobs
    mask = np.random.default_rng(0).random(X.shape) < 0.2
    trees = HistGradientBoostingClassifier(min_samples_leaf=2, random_state=0)
    given = np.ma.array(np.where(mask, 1e6, X), mask=mask), np.where(mask, np.nan, X)
    clf = AutoSSLClassifier(estimators=[GRAPH, ("trees", trees)], cv=None)
    a, b = (clone(clf).fit(rows, y).predict_proba(rows) for rows in given)
    np.testing.assert_array_equal(a, b)


def test_a_member_that_learned_the_mark_as_a_class_is_refused(blobs):
    X, y, _ = blobs

    class Learns(Recorder):
        unlabeled_label = -1

    with pytest.raises(ValueError, match="'learns' knows the classes"):
        AutoSSLClassifier(estimators=[("learns", Learns()), LOGISTIC]).fit(X, y)


def test_inner_marks_of_scikit_learns_own_are_those_of_its_codes():
    rng = np.random.default_rng(0)
    truth = 1 + np.arange(90) % 3
    X = rng.normal(size=(90, 3)) * 0.3 + np.eye(3)[truth - 1] * 2
    y = np.where(np.arange(90) < 30, truth, 0)
    inner = SelfTrainingClassifier(LabelPropagationClassifier(), threshold=0.6)
    clf = AutoSSLClassifier(estimators=[("theirs", inner), LOGISTIC], unlabeled_label=0)
    assert clf.fit(X, y).named_estimators_.theirs.score(X, truth - 1) > 0.95


def test_ctrl_c_in_a_fold_ends_the_fit(blobs):
    X, y, _ = blobs
    calls = []

    class Interrupted(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            calls.append(len(X))
            if len(calls) == 2:
                raise KeyboardInterrupt
            return super().fit(X, y, sample_weight)

    clf = AutoSSLClassifier(estimators=[GRAPH, ("late", Interrupted())], cv=3).fit(X, y)
    assert calls == [6, 4]
    assert clf.weights_.tolist() == [0.5, 0.5]


def test_weights_reach_searches_and_nested_pipelines(blobs):
    X, y, _ = blobs
    nested = make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), Recorder()))
    search = GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, cv=3)
    members = [("nested", nested), ("search", search), GRAPH]
    AutoSSLClassifier(estimators=members, cv=None).fit(X, y, sample_weight=1.0 + np.arange(60))
    np.testing.assert_array_equal(Recorder.seen[0][2], (1.0 + np.arange(60))[y >= 0])


def test_a_callback_of_the_user_may_end_a_training(blobs):
    X, y, _ = blobs

    class Stop(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    net = FixMatchClassifier(max_steps=50, batch_size=8, callbacks=[Stop()])
    clf = AutoSSLClassifier(estimators=[GRAPH, ("net", net)], cv=2).fit(X, y)
    assert np.isfinite(clf.report_["net"].log_loss)
    assert "cut short" not in clf.report_["net"].note


@pytest.mark.parametrize("name", ["cv", "a__b", "a/b", 3])
def test_names_that_cannot_be_are_refused(name, blobs):
    X, y, _ = blobs
    with pytest.raises(ValueError, match="Names of estimators"):
        AutoSSLClassifier(estimators=[(name, LogisticRegression()), GRAPH]).fit(X, y)


def test_shares_that_no_member_could_tell_are_not_estimated(monkeypatch):
    small_networks(monkeypatch)
    X = np.random.default_rng(0).random((40, 1, 8, 8)).astype(np.float32)
    clf = AutoSSLClassifier(budget="fast", class_prior="estimate", random_state=0)
    with pytest.warns(UserWarning, match="No member was measured"):
        p = clf.fit(X, few(np.arange(40) % 2)).predict_proba(X)
    assert np.isfinite(p).all()


def test_the_report_says_who_fell_out_and_what_that_means(blobs):
    X, y, _ = blobs

    class Guesses(Recorder):
        unlabeled_label = -1

        def fit(self, X, y, sample_weight=None):
            self.classes_ = np.array([0, 1])
            return self

    y = np.where(y > 1, -1, y)
    clf = AutoSSLClassifier(estimators=[("guess", Guesses()), LOGISTIC]).fit(X, y)
    assert clf.weights_.tolist() == [0, 1]
    assert clf.report_["guess"].note == "fell out: worse than the best plain member"
    assert clf.report_.sentence.startswith("All members that use the unlabeled rows fell out")


def test_an_error_names_the_member(blobs):
    X, y, _ = blobs
    members = [LOGISTIC, ("rare", LogisticRegression(C=-1.0))]
    with pytest.raises(ValueError, match="Member 'rare': The 'C' parameter"):
        AutoSSLClassifier(estimators=members).fit(X, y)


def test_members_that_change_nothing_are_no_certainty(blobs):
    X, y, _ = blobs
    clf = AutoSSLClassifier(estimators=[GRAPH, LOGISTIC]).fit(X, y)
    clf.report_.gain = (0.0, 0.0, 0.0)
    assert "change no decision of the mean" in str(clf.report_)

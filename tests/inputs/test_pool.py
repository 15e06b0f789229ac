"""A pool beside X: the same fit as with -1 in y, in every kind of rows, and refused in words."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import torch
from scipy.sparse import csc_array, csr_matrix
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline
from skorch.callbacks import Callback
from torch.utils.data import TensorDataset

from sklearn_ssl import (
    AutoSSLClassifier,
    FixMatchClassifier,
    LabelPropagationClassifier,
    LazyRows,
    MeanTeacherRegressor,
    SelfTrainingNet,
    SemiSupervisedGaussianMixture,
    compare_with_supervised,
    estimate_class_prior,
    hide_labels,
    label_budget_curve,
    out_of_fold,
    rank_methods,
)
from sklearn_ssl.inputs import pool as pool_module
from sklearn_ssl.inputs.pool import rows_behind, with_pool

from ..helpers import EVERYTHING, REGRESSORS, one_round, quick


class Plain(torch.nn.Linear):
    """A network that is told nothing of the rows' units."""

    def __init__(self, input_shape, n_classes):
        super().__init__(input_shape[0], n_classes)


@pytest.fixture(scope="module")
def iris():
    """Labeled rows first: X (60, 4), y (60,), the pool (90, 4), all true classes."""
    X, truth = load_iris(return_X_y=True)
    labeled = hide_labels(truth, 60, random_state=0) >= 0
    order = np.r_[np.flatnonzero(labeled), np.flatnonzero(~labeled)]
    return X[order[:60]], truth[order[:60]], X[order[60:]], truth[order]


def has_steps(cls):
    return "max_steps" in cls().get_params(deep=False)


def known(estimator):
    return {k: v for k, v in vars(estimator).items() if k.startswith(pool_module.OF_ROWS)}


@pytest.mark.parametrize("cls", EVERYTHING, ids=lambda cls: cls.__name__)
def test_the_same_fit_as_with_marks_in_y(iris, cls):
    X, y, pool, _ = iris
    mark = np.nan if cls in REGRESSORS else -1
    few = np.r_[y[:40], np.full(20, mark)]  # both ways together
    params = {"max_steps": 3, "batch_size": 8, **one_round(cls)} if has_steps(cls) else {}
    whole = quick(cls, **params).fit(np.r_[X, pool], np.r_[few, np.full(90, mark)])
    apart = quick(cls, **params).fit(X, few, X_unlabeled=pool)
    method = "predict" if cls in REGRESSORS else "predict_proba"
    np.testing.assert_array_equal(getattr(whole, method)(pool), getattr(apart, method)(pool))
    rows = [name for name in known(whole) if not name.endswith("unlabeled_")]
    assert "transduction_" in rows
    for name in rows:
        here, there = getattr(apart, name), getattr(apart, name + "unlabeled_")
        assert (len(here), len(there)) == (60, 90)
        np.testing.assert_array_equal(np.concatenate([here, there]), getattr(whole, name))
    again = quick(cls, **params).fit(np.r_[X, pool], np.r_[few, np.full(90, mark)])
    assert set(known(again)) == set(known(whole))


def test_attributes_of_a_pool_go_with_it(iris):
    X, y, pool, _ = iris
    clf = SelfTrainingNet(max_steps=2, max_iter=1, random_state=0)
    clf.fit(X, y, X_unlabeled=pool)
    assert clf.labeled_iter_unlabeled_.shape == clf.transduction_unlabeled_.shape == (90,)
    assert clf.label_distributions_unlabeled_.shape == (90, 3)
    clf.fit(np.r_[X, pool], np.r_[y, np.full(90, -1)])
    assert not hasattr(clf, "transduction_unlabeled_")
    assert len(clf.transduction_) == 150


def test_partial_fit_and_weights(iris):
    X, y, pool, _ = iris
    weight = np.linspace(0.5, 2, 60)
    kw = {"max_steps": 3, "random_state": 0}
    apart = FixMatchClassifier(**kw).partial_fit(X, y, [0, 1, 2], weight, pool)
    apart.partial_fit(X, y, X_unlabeled=pool[:20])
    X_2, y_2 = np.r_[X, pool], np.r_[y, np.full(90, -1)]
    whole = FixMatchClassifier(**kw).partial_fit(X_2, y_2, [0, 1, 2], np.r_[weight, np.ones(90)])
    whole.partial_fit(X_2[:80], y_2[:80])
    np.testing.assert_array_equal(whole.predict_proba(pool), apart.predict_proba(pool))
    assert apart.transduction_unlabeled_.shape == (20,)


@pytest.mark.filterwarnings("ignore:.* labels leave the share")
def test_class_shares_are_estimated_with_the_pool(iris):
    X, y, pool, _ = iris
    kw = {"class_prior": "estimate", "random_state": 0}
    for cls in (LabelPropagationClassifier, SemiSupervisedGaussianMixture):
        apart = cls(**kw).fit(X, y, X_unlabeled=pool[:40])
        whole = cls(**kw).fit(np.r_[X, pool[:40]], np.r_[y, np.full(40, -1)])
        np.testing.assert_array_equal(whole.class_prior_, apart.class_prior_)


# ------------------------------------------------------------------ kinds of rows

NAMES = ["a", "b", "c", "d"]
KINDS = {
    "list": np.ndarray.tolist,
    "tensor": torch.from_numpy,
    "float32": lambda X: X.astype(np.float32),
    "integers": lambda X: (10 * X).round().astype(np.int16),
    "sparse": csr_matrix,
    "sparse columns": csc_array,
    "pandas": lambda X: pd.DataFrame(X, columns=NAMES),
    "polars": lambda X: pl.DataFrame(X, schema=NAMES),
    "masked": lambda X: np.ma.MaskedArray(X, mask=X == 5.0),
    "images": lambda X: np.round(20 * X).astype(np.uint8).reshape(-1, 1, 2, 2),
    "data set": lambda X: TensorDataset(torch.from_numpy(X.astype(np.float32))),
    "lazy": lambda X: LazyRows(list(X.astype(np.float32))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_rows(iris, kind):
    X, y, pool, _ = iris
    make = KINDS[kind]
    net = {"width": 4} if kind == "images" else {"hidden_layer_sizes": (8,)}
    kw = {"max_steps": 3, "batch_size": 8, "module_params": net, "random_state": 0}
    apart = FixMatchClassifier(**kw).fit(make(X), y, X_unlabeled=make(pool))
    both = make(np.r_[X, pool])
    whole = FixMatchClassifier(**kw).fit(both, np.r_[y, np.full(90, -1)])
    np.testing.assert_array_equal(whole.transduction_[60:], apart.transduction_unlabeled_)
    p, q = whole.label_distributions_[60:], apart.label_distributions_unlabeled_
    np.testing.assert_array_equal(p, q)


def test_labeled_rows_in_memory_and_a_pool_that_is_read_when_needed(iris):
    X, y, pool, _ = iris
    files = LazyRows(list(pool))
    clf = FixMatchClassifier(max_steps=3, random_state=0).fit(X, y, X_unlabeled=files)
    both = LazyRows(list(np.r_[X, pool]))
    same = FixMatchClassifier(max_steps=3, random_state=0).fit(both, np.r_[y, np.full(90, -1)])
    np.testing.assert_array_equal(clf.predict_proba(pool), same.predict_proba(pool))


def test_categories_and_gaps_of_both_count():
    rng = np.random.default_rng(0)
    color = pd.Categorical(rng.choice(["red", "blue"], 40))
    frame = pd.DataFrame(
        {"size": rng.normal(size=40), "color": color, "n": rng.integers(9, size=40)}
    )
    more = frame.assign(color=pd.Categorical(rng.choice(["red", "green"], 40)), size=np.nan)
    y = np.arange(40) % 2
    clf = LabelPropagationClassifier().fit(frame, y, X_unlabeled=more)
    assert clf.input_kind_ == "mixed table"
    numbers = frame.assign(color=pd.Categorical(frame["color"].cat.codes))
    others = numbers.assign(color=pd.Categorical(np.arange(40) % 3 + 5))
    X, n = with_pool(numbers, others)
    assert n == 40
    assert X["color"].cat.categories.tolist() == [0, 1, 5, 6, 7]
    whole = pd.concat([frame.astype({"color": object}), more.astype({"color": object})])
    same = LabelPropagationClassifier().fit(whole, np.r_[y, np.full(40, -1)])
    np.testing.assert_array_equal(same.predict_proba(frame), clf.predict_proba(frame))


def test_labels_keep_their_kind(iris):
    X, y, pool, _ = iris
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    kinds = [names, list(names), pd.Series(names, dtype="category"), y.astype(bool)]
    kinds += [
        y.astype(np.uint8),
        pd.Series(y, dtype="Int64"),
        torch.from_numpy(y),
        y[:, None] * 1.0,
    ]
    for labels in kinds:
        labels = labels[:, 0] if getattr(labels, "ndim", 1) == 2 else labels
        for cls in (LabelPropagationClassifier, SemiSupervisedGaussianMixture):
            plain = cls().fit(X, labels)
            clf = cls().fit(X, labels, X_unlabeled=pool)
            assert clf.classes_.dtype == plain.classes_.dtype
            assert clf.classes_.tolist() == plain.classes_.tolist()


def test_the_portfolio_hands_the_pool_to_those_that_know_it(iris):
    X, y, pool, _ = iris
    members = [
        ("graph", LabelPropagationClassifier()),
        ("mixture", SemiSupervisedGaussianMixture()),
        ("logistic", LogisticRegression(max_iter=500)),
    ]
    names = np.array(["a", "b", "c"])[y]
    clf = AutoSSLClassifier(estimators=members, cv=2, random_state=0).fit(
        X, names, X_unlabeled=pool
    )
    whole = AutoSSLClassifier(estimators=members, cv=2, random_state=0)
    whole.fit(np.r_[X, pool], np.r_[names.astype(object), [-1] * 90])
    np.testing.assert_array_equal(whole.predict_proba(pool), clf.predict_proba(pool))
    assert clf.transduction_unlabeled_.shape == (90,)
    assert len(clf.named_estimators_["graph"].transduction_) == 150
    assert clf.report_.gain is not None


# ------------------------------------------------------------------ large pools stay where they are


def test_large_arrays_are_read_where_they_lie(iris, monkeypatch, tmp_path):
    X, y, pool, _ = iris
    monkeypatch.setattr(pool_module, "LARGE", 1000)
    np.save(tmp_path / "pool.npy", pool.astype(np.float32))
    memory = np.load(tmp_path / "pool.npy", mmap_mode="r")
    net = FixMatchClassifier(max_steps=3, random_state=0)
    rows, n = with_pool(X.astype(np.float32), memory, net, apart=True)
    assert isinstance(rows, LazyRows)
    assert np.shares_memory(rows.dataset.second, memory)
    assert n == 90
    index = np.array([3, 149, 60, 59])
    np.testing.assert_array_equal(rows[index].read(), np.r_[X, pool].astype(np.float32)[index])
    np.testing.assert_array_equal(rows[-1], pool[-1].astype(np.float32))
    assert pickle.loads(pickle.dumps(rows)).shape == (150, 4)
    clf = net.fit(X.astype(np.float32), y, X_unlabeled=memory)
    assert clf.transduction_unlabeled_.shape == (90,)
    far = net.fit(1e9 + X, y, X_unlabeled=1e9 + pool)  # less an offset, as it is read
    assert np.ptp(far.predict_proba(1e9 + pool), axis=0).max() > 0.01
    with pytest.raises(ValueError, match="X_unlabeled contains infinity, at row 4, column 1"):
        net.fit(X, y, X_unlabeled=np.where(pool == pool[4, 1], np.inf, pool))


def test_a_masked_x_is_not_read_beneath_its_mask(iris, monkeypatch):
    X, _, pool, _ = iris
    monkeypatch.setattr(pool_module, "LARGE", 0)
    masked = np.ma.MaskedArray(np.where(X > 5, 1e9, X), mask=X > 5)
    rows, _ = with_pool(masked, pool, FixMatchClassifier(), apart=True)
    assert np.nanmax(rows) < 10
    beside = with_pool(masked, LazyRows(list(pool)))[0]
    assert np.nanmax(np.asarray(beside)) < 10


def test_documents_and_gaps_of_an_earlier_fit_keep_large_arrays_together(iris, monkeypatch):
    X, y, pool, _ = iris
    rng = np.random.default_rng(0)
    counts = (rng.random((150, 200)) < rng.gamma(0.5, 0.06, (150, 1))).astype(float)
    gaps = np.where(X[3, 1] == X, np.nan, X)
    net = FixMatchClassifier(max_steps=2, random_state=0).partial_fit(gaps, y, X_unlabeled=pool)
    monkeypatch.setattr(pool_module, "LARGE", 0)
    clf = FixMatchClassifier(max_steps=2).fit(counts[:60], y, X_unlabeled=counts[60:])
    assert clf.input_kind_ == "documents"
    assert net.partial_fit(X, y, X_unlabeled=pool).transduction_unlabeled_.shape == (90,)


def test_a_checkpoint_of_a_large_pool_is_for_the_same_rows(iris, monkeypatch, tmp_path):
    X, y, pool = iris[0].copy(), iris[1], np.tile(iris[2], (10, 1))
    monkeypatch.setattr(pool_module, "LARGE", 0)
    kw = {"module": Plain, "max_steps": 4, "random_state": 0, "checkpoint_dir": tmp_path}
    first = FixMatchClassifier(**kw).fit(X, y, X_unlabeled=pool)
    again = FixMatchClassifier(**kw).fit(X, y, X_unlabeled=pool)
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    for changed in (X[1], pool[2]):  # one row of a thousand
        changed *= -1
        with pytest.raises(ValueError, match="other"):
            FixMatchClassifier(**kw).fit(X, y, X_unlabeled=pool)
        changed *= -1


@pytest.mark.parametrize(
    "params",
    [{"input_shape": (1, 2, 2), "module_params": {"width": 4}}, {"categorical_features": [0]}],
)
def test_large_arrays_that_are_more_than_numbers_are_joined(iris, monkeypatch, params):
    X, y, pool, _ = iris
    kw = {"max_steps": 2, "random_state": 0, **params}
    joined = FixMatchClassifier(**kw).fit(X, y, X_unlabeled=pool).predict_proba(X)
    monkeypatch.setattr(pool_module, "LARGE", 0)
    np.testing.assert_array_equal(
        FixMatchClassifier(**kw).fit(X, y, X_unlabeled=pool).predict_proba(X), joined
    )


def test_gaps_in_a_large_pool_make_a_table(iris, monkeypatch):
    X, y, pool, _ = iris
    monkeypatch.setattr(pool_module, "LARGE", 0)
    pool = np.where(np.arange(4) == 2, np.nan, pool)
    clf = FixMatchClassifier(max_steps=2, random_state=0).fit(X, y, X_unlabeled=pool)
    assert clf.input_kind_ == "mixed table"


# ------------------------------------------------------------------ what is refused

BROKEN = {
    "NaN": (lambda P: np.where(P[7, 2] == P, np.nan, P), "X_unlabeled contains NaN, at row 7"),
    "too large": (lambda P: np.where(P[2, 1] == P, 1e300, P), "X_unlabeled contains 1e[+]300, at"),
    "fewer columns": (lambda P: P[:, :3], "X_unlabeled has 3 features, and X has 4.*transform_in"),
    "no rows": (lambda P: P[:0], "X_unlabeled has no rows"),
    "one row": (lambda P: P[0], r"X_unlabeled has rows of shape \(\), and X of shape \(4,\)"),
    "a number": (lambda P: 3, "X_unlabeled must hold rows as X does"),
    "a generator": (iter, "X_unlabeled must hold rows as X does"),
    "ragged": (lambda P: [[1.0, 2], [3]], "X_unlabeled has rows of several lengths"),
    "a frame": (pd.DataFrame, "X is an array and X_unlabeled a DataFrame of pandas"),
    "sparse": (csr_matrix, "X is an array and X_unlabeled a sparse matrix"),
    "text": (lambda P: np.full(P.shape, "red"), "X_unlabeled holds text in columns 0, 1, 2, 3"),
    "text in a list": (lambda P: [["red"] * 4], "X_unlabeled holds text in columns 0, 1, 2, 3"),
    "images": (lambda P: P[:, None], r"X_unlabeled has rows of shape \(1, 4\), and X of shape"),
}


@pytest.mark.parametrize("cls", [FixMatchClassifier, SemiSupervisedGaussianMixture])
@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_refused(iris, kind, cls):
    X, y, pool, _ = iris
    change, message = BROKEN[kind]
    clf = quick(cls, max_steps=2) if has_steps(cls) else quick(cls)
    if cls is FixMatchClassifier and kind == "NaN":  # networks take gaps in tables
        change, message = BROKEN["fewer columns"]
    if cls is SemiSupervisedGaussianMixture and kind in ("too large", "NaN"):
        message = "X_unlabeled contains NaN|too large to square"
    clf.fit(X, y)
    before = clf.predict_proba(pool)
    with pytest.raises(ValueError, match=message):
        clf.fit(X, y, X_unlabeled=change(pool))
    np.testing.assert_array_equal(clf.predict_proba(pool), before)


def test_frames_are_refused_where_their_columns_differ(iris):
    X, y, pool, _ = iris
    X, pool = pd.DataFrame(X, columns=NAMES), pd.DataFrame(pool, columns=NAMES)
    clf = LabelPropagationClassifier()
    other = pool.rename(columns={"a": "z"})
    with pytest.raises(ValueError, match=r"lacks \['a'\] and has \['z'\], which X has not"):
        clf.fit(X, y, X_unlabeled=other)
    with pytest.raises(ValueError, match=r"in another order: X_unlabeled\[X.columns\]"):
        clf.fit(X, y, X_unlabeled=pool[NAMES[::-1]])
    with pytest.raises(ValueError, match="a DataFrame of pandas and X_unlabeled a DataFrame of po"):
        clf.fit(X, y, X_unlabeled=pl.from_pandas(pool))


def test_a_y_that_looks_encoded_is_told_of_unless_there_is_a_pool():
    rng = np.random.default_rng(0)
    X, codes = rng.normal(size=(200, 2)), np.r_[np.zeros(190, int), np.arange(10) % 3]
    clf = LabelPropagationClassifier()
    with pytest.warns(UserWarning, match="No row is unlabeled, and 9.% of all rows are of class 0"):
        clf.fit(X, codes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.fit(X, codes, X_unlabeled=X)
        clf.fit(X, np.minimum(codes, 1))  # one class against the rest
        clf.fit(X, np.array(["a", "b", "c"])[codes])
        clf.fit(X, np.r_[codes[:199], -1])


@pytest.mark.filterwarnings("ignore:No label reaches")
def test_a_column_holds_the_same_kind_in_both():
    y, n = np.arange(60) % 2, np.arange(60.0)
    dates = pd.to_datetime(n, unit="D")
    kinds = {
        "numbers": n,
        "categories": pd.Categorical(np.arange(60) % 3),
        "booleans": n > 30,
        "dates or times": dates,
    }
    frames = {kind: pd.DataFrame({"a": n, "b": values}) for kind, values in kinds.items()}
    frames["text"] = pd.DataFrame({"a": n, "b": np.where(n == 7, "?", "1").astype(object)})
    for ours in ("numbers", "categories", "booleans"):
        for theirs, pool in frames.items():
            if {ours, theirs} in ({ours}, {"categories", "text"}):
                LabelPropagationClassifier().fit(frames[ours], y, X_unlabeled=pool)
                continue
            said = "categories" if theirs == "text" else theirs
            message = f"X_unlabeled holds {said} in column 'b', and X {ours}"
            with pytest.raises(ValueError, match=message):
                LabelPropagationClassifier().fit(frames[ours], y, X_unlabeled=pool)
    empty = frames["numbers"].assign(b=None)
    clf = LabelPropagationClassifier().fit(frames["numbers"], y, X_unlabeled=empty)
    assert clf.input_kind_ == "mixed table"
    first, other = (
        pl.DataFrame({"b": pl.Series(values * 30, dtype=pl.Enum(values))})
        for values in (["x", "y"], ["x", "z"])
    )
    assert with_pool(first, other)[0]["b"].unique().sort().to_list() == ["x", "y", "z"]
    with pytest.raises(ValueError, match="X_unlabeled holds dates or times in column 'b', and X"):
        with_pool(pl.DataFrame({"b": n}), pl.DataFrame({"b": dates.date.tolist()}))


def test_wide_integers_are_not_rounded():
    X = 2**60 + np.arange(20)[:, None]
    y = np.arange(20) // 10
    assert LabelPropagationClassifier().fit(X, y, X_unlabeled=X).score(X, y) > 0.8
    for pool in (X.astype(np.uint64), X.astype(float)):
        with pytest.raises(ValueError, match="integers as large as these would be rounded"):
            LabelPropagationClassifier().fit(X, y, X_unlabeled=pool)


def test_errors_of_an_estimate_name_the_row_of_the_pool(iris):
    X, y, pool, _ = iris
    broken = pool.copy()
    broken[7, 2] = np.inf
    for clf in (LabelPropagationClassifier(), FixMatchClassifier(max_steps=2)):
        clf.set_params(class_prior="estimate")
        with pytest.raises(ValueError, match="X_unlabeled contains infinity, at row 7, column 2"):
            clf.fit(X, y, X_unlabeled=broken)


def test_nothing_is_known_of_rows_after_a_fit_that_failed(iris):
    X, y, pool, _ = iris

    class Stop(Callback):
        def on_train_begin(self, net, **kwargs):
            raise RuntimeError("no")

    clf = FixMatchClassifier(max_steps=2).fit(X, y, X_unlabeled=pool)
    with pytest.raises(RuntimeError):
        clf.set_params(callbacks=[Stop()]).fit(X, y, X_unlabeled=pool)
    assert not known(clf)


# ------------------------------------------------------------------ tools that split or cut X


def test_a_pool_that_a_split_has_cut_is_told_of(iris):
    X, y, pool, _ = iris
    clf = LabelPropagationClassifier()
    with sklearn.config_context(enable_metadata_routing=True):
        with pytest.warns(UserWarning, match="X_unlabeled has as many rows, 40,"):
            cross_val_score(clf, X, y, cv=3, params={"X_unlabeled": pool[:60]})
        search = GridSearchCV(clf, {"n_neighbors": [3]}, cv=2)
        with pytest.warns(UserWarning, match="X_unlabeled has as many rows, .0,"):
            cross_val_score(search, X, y, cv=3, params={"X_unlabeled": pool[:40]})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cross_val_score(search, X, y, cv=3, params={"X_unlabeled": pool})


@pytest.mark.parametrize("params", [{"bootstrap_features": True}, {"max_features": 0.5}])
def test_a_bag_that_draws_columns_is_refused(iris, params):
    X, y, pool, _ = iris
    bag = BaggingClassifier(LabelPropagationClassifier(), n_estimators=2, **params)
    routed = sklearn.config_context(enable_metadata_routing=True)
    with routed, pytest.raises(ValueError, match="draws columns of X, and X_unlabeled keeps all"):
        bag.fit(X, y, X_unlabeled=pool)


def test_steps_before_the_one_with_the_pool_count(iris):
    X, y, pool, _ = iris
    mixture = SemiSupervisedGaussianMixture()
    select = SelectFromModel(mixture, importance_getter=lambda e: np.ones(4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Pipeline([("s", select), ("l", LogisticRegression())]).fit(X, y, s__X_unlabeled=pool)
    pipe = Pipeline([("p", PCA(4)), ("s", select), ("l", LogisticRegression())])
    with pytest.warns(UserWarning, match=r"gave X through \['p'\], and X_unlabeled as it was"):
        pipe.fit(X, y, s__X_unlabeled=pool)
    with pytest.warns(UserWarning, match=r"gave X through \['p'\]"):
        pipe[:2].fit_transform(X, y, s__X_unlabeled=pool)


def test_errors_of_other_rows_keep_their_words(iris):
    X, y, pool, _ = iris
    broken = np.where(X[7, 2] == X, np.inf, X)
    with pytest.raises(ValueError, match=r"^X contains infinity, at row 7, column 2"):
        FixMatchClassifier(max_steps=2).fit(broken, y, X_unlabeled=pool)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[60, 59\]"):
        FixMatchClassifier(max_steps=2).fit(X, y[:59], X_unlabeled=pool)
    bytes_ = np.zeros((60, 1, 4, 4), np.uint8)
    with pytest.raises(ValueError, match="images of dtype uint8, and X_unlabeled of float64"):
        FixMatchClassifier(max_steps=2).fit(bytes_, y, X_unlabeled=np.zeros((9, 1, 4, 4)))


def test_rows_behind_weights_and_several_outputs():
    X, y = np.zeros((3, 2)), np.array([[1.0, 2], [3, 4], [5, 6]])
    rows, numbers, weight = rows_behind(X, y, np.ones((2, 2)), None, [2, 2, 3], 1.0)
    assert rows.tolist() == [[0, 0]] * 3 + [[1, 1]] * 2
    assert np.isnan(numbers[3:]).all()
    assert numbers.shape == (5, 2)
    assert weight.tolist() == [2, 2, 3, 1, 1]
    assert rows_behind(X, y, np.ones((2, 2)), None, ["a", "b", "c"])[2].tolist() == [*"abcaa"]
    assert rows_behind(X, y, None, None, [1])[2] == [1]
    names = rows_behind(X, ["a", "b", "a"], [[1.0, 1]], -1)[1]
    assert names.tolist() == ["a", "b", "a", -1]
    with pytest.raises(ValueError, match="inconsistent numbers"):
        rows_behind(X, y[:2], X, None)


def test_a_regressor_and_the_request_that_nobody_has_to_make():
    X, truth = load_wine(return_X_y=True)
    y = X[:, 0]
    net = MeanTeacherRegressor(max_steps=5, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        for estimator in (net, LabelPropagationClassifier(), AutoSSLClassifier()):
            asked = estimator.get_metadata_routing().fit.requests
            assert asked["X_unlabeled"] is True
            assert asked["sample_weight"] is None
        assert net.get_metadata_routing().partial_fit.requests["X_unlabeled"] is True
    net.fit(X[:50, 1:], y[:50], X_unlabeled=X[50:, 1:])
    assert net.transduction_unlabeled_.shape == (len(truth) - 50,)


@pytest.mark.filterwarnings("ignore:.* labels leave the share", "ignore:No label reaches")
def test_helpers_take_a_pool(iris):
    X, y, pool, _ = iris
    both = np.r_[X, pool], np.r_[y, np.full(90, -1)]
    clf, plain = LabelPropagationClassifier(), LogisticRegression(max_iter=500)
    beside = {"X_unlabeled": pool}
    compare = [
        compare_with_supervised(clf, X, y, 3, **beside),
        compare_with_supervised(clf, *both, 3),
    ]
    np.testing.assert_array_equal(compare[0].scores, compare[1].scores)
    assert compare[0].scores.tolist() != compare[0].supervised_scores.tolist()
    methods = {"logistic": plain, "graph": clf}
    ranks = [rank_methods(methods, X, y, 3, **beside), rank_methods(methods, *both, 3)]
    np.testing.assert_array_equal(ranks[0].scores, ranks[1].scores)
    kw = {"n_repeats": 2, "random_state": 0}
    curves = [
        label_budget_curve(clf, X, y, [12], **kw, **beside),
        label_budget_curve(clf, *both, [12], **kw),
    ]
    np.testing.assert_array_equal(curves[0].scores, curves[1].scores)
    groups = np.arange(60) % 4
    cv = GroupKFold(3)
    rows, p = out_of_fold(clf, X, y, cv, groups=groups, **beside)
    rows_2, p_2 = out_of_fold(clf, *both, cv, groups=np.r_[groups, np.zeros(90, int)])
    np.testing.assert_array_equal(p, p_2)
    np.testing.assert_array_equal(rows, rows_2)
    found = estimate_class_prior(plain, X, y, random_state=0, **beside)
    assert found.prior.tolist() == estimate_class_prior(plain, *both, random_state=0).prior.tolist()

"""Tables of categories and numbers with gaps: how they are read, and what is done with them."""

import itertools
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from sklearn_ssl import (
    CoTrainingNet,
    FixMatchClassifier,
    LabelPropagationClassifier,
    MeanTeacherRegressor,
    SGANClassifier,
    load,
)
from sklearn_ssl.augment import GaussianNoise, SwapFeatures, default_views, relative_spacing
from sklearn_ssl.inputs.mixed import read_table

from ..helpers import ESTIMATORS, few_steps, quick


def frame(n=60, seed=0):
    """Two classes by a category and a number, gaps in both; a column of many values, and noise."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    color = np.where(truth == 0, "red", rng.choice(["blue", "green"], n)).astype(object)
    size = truth * 3 + rng.normal(size=n)
    color[rng.random(n) < 0.1], size[rng.random(n) < 0.1] = None, np.nan
    X = pd.DataFrame({
        "size": size,
        "color": color,
        "flag": rng.random(n) < 0.5,
        "place": pd.Categorical(rng.integers(0, 4, n)),
        "count": pd.array(rng.integers(0, 9, n), dtype="Int64"),
    })  # fmt: skip
    return X, np.where(np.arange(n) < n // 3, truth, -1), truth


SMALL = pd.DataFrame({"a": [1.0, 5.0, np.nan], "s": ["v", None, "u"], "i": [1, 2, 6]})
DENSE = [  # a less its mean 3, a missing; s: u, v, missing; i less 3
    [-2, 0, 0, 1, 0, -2],
    [2, 0, 0, 0, 1, -1],
    [0, 1, 1, 0, 0, 3],
]


@pytest.mark.parametrize("kind", ["pandas", "polars", "category", "string", "object array"])
def test_a_table_by_hand(kind):
    X, choice = SMALL, "from_dtype"
    if kind == "polars":
        X = pl.DataFrame({"a": [1.0, 5.0, None], "s": ["v", None, "u"], "i": [1, 2, 6]})
    elif kind == "object array":
        X, choice = SMALL.to_numpy(object), [1]
    elif kind in ("category", "string"):
        X = SMALL.astype({"s": kind})
    rows = read_table(X, choice)
    assert rows.shape == (3, 6)
    np.testing.assert_array_equal(rows.toarray(), DENSE)
    np.testing.assert_array_equal(np.asarray(rows[[2, 0]]), np.array(DENSE)[[2, 0]])
    assert rows.columns.groups.tolist() == [0, 0, 1, 1, 1, 2]
    assert rows.columns.numbers.tolist() == [0, 5]
    assert rows.columns.indicators.tolist() == [1, -1]
    mean, scale = rows.moments()
    np.testing.assert_allclose(mean, [0, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 0], atol=1e-6)
    np.testing.assert_allclose(scale, [2, 1, 1, 1, 1, np.sqrt(14 / 3)], rtol=1e-6)


def test_values_that_fit_has_not_seen_are_none_of_those_it_has():
    rows = read_table(SMALL, "from_dtype")
    new = SMALL.assign(s=["w", "u", "x"])
    assert rows.columns.encode(new).toarray()[:, 2:5].tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
    whole = read_table(SMALL.assign(s=["u", "v", "u"], a=0.0), "from_dtype")
    assert whole.shape == (3, 4)
    assert whole.columns.encode(SMALL.assign(a=0.0)).toarray()[1, 1:3].tolist() == [0, 0]


def test_columns_of_the_same_values_have_the_same_codes_whatever_their_type():
    rows = read_table(SMALL, "from_dtype")
    for kind in ("category", "string", object):
        np.testing.assert_array_equal(rows.columns.encode(SMALL.astype({"s": kind})), DENSE)
    reversed_categories = pd.Categorical(["v", None, "u"], categories=["v", "x", "u"])
    np.testing.assert_array_equal(rows.columns.encode(SMALL.assign(s=reversed_categories)), DENSE)


@pytest.mark.parametrize(
    "choice", [["s"], [1], [False, True, False], np.array([1]), np.array(["s"])]
)
def test_categories_are_chosen_by_name_position_and_mask(choice):
    np.testing.assert_array_equal(read_table(SMALL, choice), DENSE)


@pytest.mark.parametrize(
    ("choice", "message"),
    [(["t"], r"names \['t'\], but X has columns"), ([3], "positions"), ([0.5], "mask of 3")],
)
def test_a_choice_that_does_not_fit_is_refused(choice, message):
    few = [0, 1, -1]
    with pytest.raises(ValueError, match=message):
        quick(FixMatchClassifier, categorical_features=choice).fit(SMALL, few)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": [1.0, np.inf, 2.0]}, "Column 'a' of X holds infinity"),
        ({"a": [1.0, -1e300, 2.0]}, "Column 'a' of X holds values too large"),
    ],
)
def test_infinity_and_overflow_are_refused_by_name(change, message):
    clf = quick(FixMatchClassifier, max_steps=2).fit(SMALL, [0, 1, -1])
    for call in (lambda X: quick(FixMatchClassifier).fit(X, [0, 1, -1]), clf.predict):
        with pytest.raises(ValueError, match=message):
            call(SMALL.assign(**change))


def test_text_in_a_column_of_numbers_is_refused_by_name_at_predict():
    clf = quick(FixMatchClassifier, max_steps=2).fit(SMALL, [0, 1, -1])
    with pytest.raises(ValueError, match="text in column 'i'"):
        clf.predict(SMALL.assign(i=["one", "two", "six"]))


def test_columns_in_another_order_are_refused():
    clf = quick(FixMatchClassifier, max_steps=2).fit(SMALL, [0, 1, -1])
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(SMALL[["s", "a", "i"]])


REFUSED = [cls for cls in ESTIMATORS if cls.__name__ == "VAEClassifier"]
TAKEN = [cls for cls in [*ESTIMATORS, LabelPropagationClassifier] if cls not in REFUSED]


@pytest.mark.parametrize("cls", TAKEN, ids=lambda cls: cls.__name__)
def test_every_method_learns_from_a_mixed_table(cls, tmp_path):
    X, y, truth = frame()
    params = {"max_steps": 80, "batch_size": 16} if "max_steps" in cls().get_params() else {}
    labels_alone = quick(cls, **params, unlabeled_weight=0).fit(X, y)
    assert labels_alone.score(X, truth) > 0.75
    clf = quick(cls, **few_steps(cls)).fit(X, y)
    p = clf.predict_proba(X)
    assert p.shape == (60, 2)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-6)
    assert clf.n_features_in_ == 5
    assert clf.feature_names_in_.tolist() == list(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X), p)
    again = pl.DataFrame({name: X[name].astype(object).where(X[name].notna(), None).tolist()
                          for name in X})  # fmt: skip
    np.testing.assert_array_equal(clf.predict_proba(again), p)
    new = X.assign(color="violet", size=np.nan)
    assert np.isfinite(clf.predict_proba(new)).all()


@pytest.mark.parametrize("cls", REFUSED, ids=lambda cls: cls.__name__)
def test_what_takes_numbers_alone_says_what_to_do(cls):
    X, y, _ = frame()
    with pytest.raises(ValueError, match="OneHotEncoder"):
        quick(cls).fit(X, y)


def test_a_mixed_table_is_saved_and_gone_on_with(tmp_path):
    X, y, _ = frame()
    clf = quick(FixMatchClassifier).fit(X, y)
    clf.save(tmp_path / "model")
    same = load(tmp_path / "model")
    np.testing.assert_array_equal(same.predict_proba(X), clf.predict_proba(X))
    same.partial_fit(X, y)
    other = X.assign(color=np.where(X["color"] == "red", "red", "violet"))
    again = quick(FixMatchClassifier, warm_start=True).fit(X, y).fit(other, y)
    assert again._summary.columns.categories[1] == ("blue", "green", "red")


def test_a_killed_fit_goes_on_where_it_was(tmp_path):
    from skorch.callbacks import Callback

    class Stop(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if net.step_ >= 10:
                raise RuntimeError("killed")

    X, y, _ = frame()
    params = {"checkpoint_dir": tmp_path, "batch_size": 8}
    whole = quick(FixMatchClassifier, batch_size=8).fit(X, y)
    with pytest.raises(RuntimeError, match="killed"):
        quick(FixMatchClassifier, callbacks=[Stop()], **params).fit(X, y)
    resumed = quick(FixMatchClassifier, **params).fit(X.copy(), y)
    np.testing.assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))


def test_a_plain_table_is_read_as_ever_whatever_holds_it():
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = np.where(np.arange(40) < 10, np.arange(40) % 2, -1)
    plain = quick(FixMatchClassifier).fit(X, y)
    assert plain._summary.columns is None
    for kind in (pd.DataFrame, lambda X: pl.DataFrame(X, list("abc"), orient="row")):
        clf = quick(FixMatchClassifier).fit(kind(X), y)
        assert clf._summary.columns is None
        np.testing.assert_array_equal(clf.predict_proba(kind(X)), plain.predict_proba(X))


@pytest.mark.parametrize(("dtype", "far"), [(np.float64, 5), (np.float32, 5), (np.float64, 2e9)])
def test_gaps_that_fit_has_not_seen_are_the_mean_and_told(dtype, far):
    X = np.random.default_rng(0).normal([far, 0, 0], size=(40, 3)).astype(dtype)
    y = np.where(np.arange(40) < 10, np.arange(40) % 2, -1)
    clf = quick(FixMatchClassifier).fit(X, y)
    gaps, filled = X.copy(), X.copy()
    gaps[3, 0], filled[3, 0] = np.nan, X[:, 0].mean(dtype=np.float64)
    with pytest.warns(UserWarning, match=r"Columns \['0'\] of X have gaps"):
        p = clf.predict_proba(gaps)
    np.testing.assert_allclose(p, clf.predict_proba(filled), atol=1e-5)


def test_what_is_masked_is_missing():
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = np.where(np.arange(40) < 10, np.arange(40) % 2, -1)
    mask = np.zeros(X.shape, dtype=bool)
    mask[3:20, 1] = True
    gaps = np.where(mask, np.nan, X)
    clf = quick(FixMatchClassifier, max_steps=3).fit(gaps, y)
    other = quick(FixMatchClassifier, max_steps=3).fit(np.ma.masked_array(X, mask), y)
    np.testing.assert_array_equal(other.predict_proba(gaps), clf.predict_proba(gaps))
    np.testing.assert_array_equal(
        clf.predict_proba(np.ma.masked_array(X, mask)), clf.predict_proba(gaps)
    )


def test_a_column_that_is_all_missing_and_one_that_no_label_has():
    X, y, _ = frame()
    X = X.assign(nothing=np.nan, none=pd.Series([None] * len(X), dtype=object))
    X["rare"] = np.where(np.arange(len(X)) == len(X) - 1, "unlabeled only", "all others")
    clf = quick(FixMatchClassifier).fit(X, y)
    assert np.isfinite(clf.predict_proba(X)).all()


@pytest.mark.filterwarnings("ignore:Column 'id' of X is taken for a category")
def test_many_categories_are_read_part_by_part():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"id": rng.integers(0, 3000, 4000).astype(str), "x": rng.normal(size=4000)})
    y = np.where(np.arange(4000) < 50, (X["x"] > 0).astype(int), -1)
    rows = read_table(X, "from_dtype")
    assert rows.values.shape == (4000, 2)
    assert rows.shape[1] > 2000
    clf = quick(FixMatchClassifier, max_steps=2, batch_size=8).fit(X, y)
    assert clf.predict_proba(X[:5]).shape == (5, 2)
    graph = LabelPropagationClassifier().fit(X[:500], y[:500])
    assert graph.label_distributions_.shape == (500, 2)


def test_views_of_co_training_are_columns_of_the_table():
    X, y, _ = frame()
    clf = CoTrainingNet(views=([0, 1], [2, 4]), max_steps=3, random_state=0).fit(X, y)
    groups, module = clf._summary.columns.groups, clf.net_.module_
    assert set(groups[module.columns_a.numpy()].tolist()) == {0, 1}
    assert groups[module.columns_b.numpy()].tolist() == [2, 2, 4]
    with pytest.raises(ValueError, match="from 0 to 4"):
        CoTrainingNet(views=([0], [5])).fit(X, y)


def test_a_gan_gives_no_categories_back():
    X, y, _ = frame()
    with pytest.raises(ValueError, match="X had categories or gaps"):
        quick(SGANClassifier, max_steps=2).fit(X, y).sample(3)


def test_regressors_take_mixed_tables():
    X, _, truth = frame()
    y = np.where(np.arange(60) < 30, truth + 0.5, np.nan)
    reg = MeanTeacherRegressor(max_steps=20, random_state=0).fit(X, y)
    assert np.isfinite(reg.predict(X)).all()


@pytest.mark.parametrize(
    ("gap", "unknown", "polars"), list(itertools.product([False, True], repeat=3))
)
def test_frames_of_every_kind_give_probabilities(gap, unknown, polars):
    X, y, _ = frame(30, seed=3)
    X = X if gap else X.ffill().bfill()
    new = X.assign(color="violet") if unknown else X
    if polars:
        X, new = (pl.DataFrame({c: Z[c].astype(object).where(Z[c].notna(), None).tolist()
                                for c in Z}, strict=False) for Z in (X, new))  # fmt: skip
    p = quick(FixMatchClassifier, max_steps=3).fit(X, y).predict_proba(new)
    assert np.isfinite(p).all()


# ------------------------------------------------------------------ views


def batch(n=400):
    X, _, _ = frame(n)
    rows = read_table(X, "from_dtype")
    return rows, torch.from_numpy(rows.toarray())


def test_noise_touches_numbers_that_are_there_and_nothing_else():
    rows, x = batch()
    columns = rows.columns
    moved = GaussianNoise(0.5, columns)(x, torch.Generator().manual_seed(0)) - x
    others = np.setdiff1d(np.arange(x.shape[1]), columns.numbers)
    assert not moved[:, others].any()
    missing = x[:, columns.indicators[0]] == 1
    assert missing.any()
    assert not moved[missing, 0].any()
    size = x[~missing, 0]
    spread = size.std(correction=0).item()
    assert moved[~missing, 0].std().item() == pytest.approx(0.5 * spread, rel=0.15)


def test_a_swap_takes_the_whole_category_and_the_gap_with_its_number():
    rows, x = batch()
    columns = rows.columns
    seen = SwapFeatures(0.5, 0.0, columns)(x, torch.Generator().manual_seed(0))
    for j in np.flatnonzero(columns.is_category):
        one_hot = seen[:, columns.groups == j]
        assert (one_hot.sum(1) == 1).all()  # half a category would have none or two
        assert (one_hot != x[:, columns.groups == j]).any()
    gap = seen[:, 1] == 1
    assert not seen[gap, 0].any()
    given = set(x[x[:, 1] == 0, 0].tolist())
    assert set(seen[~gap, 0].tolist()) <= given
    # by hand: a row keeps its flag with probability 1/2 + 1/2 * share of equal flags
    flag = np.flatnonzero(columns.groups == 2)[1]
    share = x[:, flag].mean().item()
    kept = (seen[:, flag] == x[:, flag]).float().mean().item()
    assert kept == pytest.approx(0.5 + 0.5 * (share**2 + (1 - share) ** 2), abs=0.08)


def test_default_views_know_the_columns():
    rows, _ = batch()
    weak, strong = default_views(rows)
    assert weak.columns is strong.columns is rows.columns


def test_two_values_of_a_category_are_as_far_apart_as_two_numbers_are_on_average():
    X = pd.DataFrame({"s": list("abcd")})
    assert relative_spacing(read_table(X, "from_dtype")) == 1.0  # sqrt(2), cut to 1
    twins = pd.DataFrame({"s": list("aabb"), "x": [0.0, 1.0, 0.0, 1.0]})
    spacing = relative_spacing(read_table(twins, "from_dtype"))
    assert spacing == pytest.approx(min(1, np.sqrt(2) / np.sqrt(2)))


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ([f"id{i}" for i in range(60)], "drop it"),
        (["?", *(str(i / 7) for i in range(59))], "59 of them read as numbers"),
        (pd.Categorical([*range(40), *range(20)]), "40 of them read as numbers"),
        ([None] * 30 + [str(i) for i in range(30)], "30 of its 30 values"),
    ],
)
@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_a_category_whose_values_do_not_come_back_is_told_of(kind, values, remedy):
    table = kind({"number": np.arange(60.0), "text": values if kind is pd.DataFrame else [*values]})
    if kind is pl.DataFrame and isinstance(values, pd.Categorical):
        pytest.skip("numbers are no categories there")
    y = np.where(np.arange(60) % 3, -1, np.arange(60) // 30)
    with pytest.warns(UserWarning, match=f"Column 'text' .*{remedy}") as told:
        LabelPropagationClassifier().fit(table, y)
    assert len(told) == 1


def test_categories_of_few_rows_or_few_values_are_not_told_of():
    y = np.where(np.arange(60) % 3, -1, np.arange(60) // 30)
    halves = pd.DataFrame({"number": np.arange(60.0), "text": [f"id{i // 2}" for i in range(60)]})
    LabelPropagationClassifier().fit(halves, y)
    few = pd.DataFrame({"number": np.arange(19.0), "text": [f"id{i}" for i in range(19)]})
    LabelPropagationClassifier().fit(few, np.arange(19) % 2)

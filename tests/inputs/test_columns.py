"""Columns that are no numbers, and values that are none: where they are, and what to do."""

import datetime
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from sklearn_ssl import (
    FixMatchClassifier,
    LabelPropagationClassifier,
    LazyRows,
    MeanTeacherRegressor,
    SemiSupervisedGaussianMixture,
    VAEClassifier,
)

from ..helpers import quick

Y = np.array([0, 1] * 4 + [-1] * 22)
N = len(Y)
NUMBERS = np.random.default_rng(5).normal(size=(N, 2))
FRAME = pd.DataFrame(NUMBERS, columns=["size", "age"])
COLOURS = ["red", "green", "blue"] * (N // 3)
DAYS = [datetime.date(2021, 3, 1) + datetime.timedelta(days=i) for i in range(N)]
NUMBERS_ALONE = VAEClassifier, SemiSupervisedGaussianMixture  # no categories, no gaps
CLASSES = FixMatchClassifier, LabelPropagationClassifier, SemiSupervisedGaussianMixture


def polars(**columns):
    return pl.DataFrame({"size": NUMBERS[:, 0], **columns})


def objects(value, row=4):
    X = NUMBERS.astype(object)
    X[row, 1] = value
    return X


TEXT = {
    "text": (FRAME.assign(colour=COLOURS), "'colour' ('red')"),
    "category": (FRAME.assign(colour=pd.Categorical(COLOURS)), "'colour' ('blue')"),
    "string": (FRAME.assign(colour=pd.array(COLOURS, dtype="string")), "'colour' ('red')"),
    "frame of one": (pd.DataFrame({7: COLOURS}), "column 7 ('red')"),
    "two": (FRAME.assign(a=COLOURS, b=COLOURS), "columns 'a', 'b' ('red')"),
    "polars": (polars(c=COLOURS), "'c' ('red')"),
    "polars category": (polars(c=pl.Series(COLOURS, dtype=pl.Categorical)), "'c' ('red')"),
    "polars enum": (polars(c=pl.Series(COLOURS, dtype=pl.Enum(COLOURS[:3]))), "'c' ('red')"),
    "array": (np.array(COLOURS)[:, None], "column 0 ('red')"),
    "bytes": (np.array(COLOURS, "S")[:, None], "column 0"),
    "objects": (objects("n/a"), "column 1 ('n/a')"),
    "list": ([[float(i), c] for i, c in enumerate(COLOURS)], "column 1 ('red')"),
}
TIMES = {
    "datetime": FRAME.assign(day=pd.to_datetime(DAYS)),
    "with a zone": FRAME.assign(day=pd.to_datetime(DAYS).tz_localize("UTC")),
    "timedelta": FRAME.assign(day=pd.to_timedelta(np.arange(N), "h")),
    "alone": pd.DataFrame({"day": pd.to_datetime(DAYS)}),
    "period": FRAME.assign(day=pd.to_datetime(DAYS).to_period("D")),
    "date objects": FRAME.assign(day=DAYS),
    "category": FRAME.assign(day=pd.Categorical(pd.to_datetime(DAYS))),
    "polars date": polars(day=DAYS),
    "polars duration": polars(day=[datetime.timedelta(hours=i) for i in range(N)]),
    "polars time": polars(day=[datetime.time(i % 24) for i in range(N)]),
    "array": pd.to_datetime(DAYS).to_numpy()[:, None],
    "timedelta array": np.arange(N).astype("m8[s]")[:, None],
    "one object": objects(np.datetime64("2021")),
    "list": [[d] for d in DAYS],
}


@pytest.mark.parametrize("kind", TEXT)
@pytest.mark.parametrize("cls", [*NUMBERS_ALONE, FixMatchClassifier])
def test_text_is_refused_with_the_columns_name(cls, kind):
    X, where = TEXT[kind]
    if cls is FixMatchClassifier and hasattr(X, "columns"):
        quick(cls, max_steps=1).fit(X, Y)
        cls = partial(cls, categorical_features=None)
    with pytest.raises(ValueError, match="X holds text in column") as told:
        cls().fit(X, Y)
    assert where in str(told.value)
    assert "OrdinalEncoder" in str(told.value)


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("cls", CLASSES)
def test_dates_are_refused_with_the_columns_name(cls, kind):
    X = TIMES[kind]
    name = "'day'" if hasattr(X, "columns") else r"\d"
    with pytest.raises(ValueError, match=rf"dates or times in column {name} .* days since"):
        quick(cls).fit(X, Y)


@pytest.mark.parametrize("cls", CLASSES)
def test_after_the_fit_they_are_refused_too(cls):
    clf = quick(cls).fit(FRAME, Y)
    with pytest.raises(ValueError, match="text in column 'age'"):
        clf.predict(FRAME.assign(age=COLOURS))
    with pytest.raises(ValueError, match="dates or times in column 'age'"):
        clf.predict_proba(FRAME.assign(age=pd.to_datetime(DAYS)))


def test_other_things_in_columns():
    both = FRAME.assign(colour=COLOURS, day=DAYS)
    with pytest.raises(ValueError, match=r"text in column 'colour' .* dates or times in column 'd"):
        VAEClassifier().fit(both, Y)
    many = pd.DataFrame({f"c{i}": COLOURS for i in range(8)})
    with pytest.raises(ValueError, match="'c4' and 3 more"):
        VAEClassifier().fit(many, Y)
    with pytest.raises(ValueError, match="lists in column 'l'"):
        VAEClassifier().fit(polars(l=[[1.0, 2.0]] * N), Y)
    with pytest.raises(ValueError, match="intervals in column 'i'"):
        VAEClassifier().fit(FRAME.assign(i=pd.cut(NUMBERS[:, 0], 3)), Y)
    with pytest.raises(ValueError, match="integer too large"):
        VAEClassifier().fit(objects(10**400), Y)


@pytest.mark.parametrize(
    "X",
    [
        FRAME.assign(c=pd.Categorical([3, 1, 2] * (N // 3))),
        FRAME.assign(c=["1.5", "2", "3"] * (N // 3)),
        FRAME.assign(c=[True, False] * (N // 2)),
        polars(c=[True, False] * (N // 2)),
        objects(7),
    ],
)
def test_numbers_of_all_kinds_are_taken(X):
    clf = quick(FixMatchClassifier, max_steps=2).fit(X, Y)
    assert np.isfinite(clf.predict_proba(X)).all()


def spoiled(value, dtype=np.float64):
    X = NUMBERS.astype(dtype)
    X[17, 1] = value
    return X


def spoiled_images(value):
    X = np.ones((N, 1, 4, 4), np.float32)
    X[::2] = 0.5
    X[17, 0, 2, 3] = value
    return X


SPOILED = {
    "float64": (spoiled(np.nan), "NaN, at row 17, column 1"),
    "float32": (spoiled(-np.inf, np.float32), "infinity, at row 17, column 1"),
    "too large": (spoiled(-2e39), r"-2e\+39, at row 17, column 1: values too large for float32"),
    "big-endian": (spoiled(5e200, ">f8"), r"5e\+200, at row 17, column 1"),
    "big-endian NaN": (spoiled(np.nan, ">f4"), "NaN, at row 17, column 1"),
    "long double": (spoiled(3e77, np.longdouble), r"3e\+77, at row 17, column 1"),
    "half": (spoiled(np.inf, np.float16), "infinity, at row 17, column 1"),
    "frame": (pd.DataFrame(spoiled(np.nan), columns=["a", "b"]), "NaN, at row 17, column 'b'"),
    "large in a frame": (pd.DataFrame(spoiled(4e40), columns=["a", "b"]), "row 17, column 'b'"),
    "nullable": (
        FRAME.assign(n=pd.array([None if i == 17 else i for i in range(N)], dtype="Int64")),
        "NaN, at row 17, column 'n'",
    ),
    "polars": (polars(n=[None if i == 17 else i for i in range(N)]), "row 17, column 'n'"),
    "pandas.NA": (objects(pd.NA, 17), "NaN, at row 17, column 1"),
    "None": (objects(None, 17), "NaN, at row 17, column 1"),
    "sparse": (sp.csc_array(spoiled(np.nan)), "NaN, at row 17, column 1"),
    "sparse, large": (sp.csr_array(spoiled(7e66)), r"7e\+66, at row 17, column 1"),
    "masked": (np.ma.masked_values(spoiled(99.0), 99.0), "masked array with masked entries"),
    "list": (spoiled(np.nan).tolist(), "NaN, at row 17, column 1"),
    "images": (spoiled_images(np.nan), r"NaN, at row 17, position \(0, 2, 3\)"),
    "lazy": (LazyRows(list(spoiled(np.nan))), "NaN, at row 17, column 1"),
    "lazy, large": (LazyRows(list(spoiled(1e39))), r"1e\+39, at row 17, column 1"),
    "lazy images": (LazyRows(list(spoiled_images(np.inf))), r"row 17, position \(0, 2, 3\)"),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_what_is_not_finite_is_found_before_training(kind):
    X, where = SPOILED[kind]
    where = "masked" if kind == "masked" else where
    gap = "NaN" in where or kind in ("polars", "masked")
    may_be_missing = gap and kind not in ("sparse", "images", "lazy")
    for cls in (VAEClassifier, *[FixMatchClassifier] * (not may_be_missing)):
        clf = cls()
        with pytest.raises(ValueError, match=where):
            clf.fit(X, Y)
        assert not hasattr(clf, "net_")


@pytest.mark.parametrize("kind", ["too large", "large in a frame", "lazy", "sparse"])
def test_regressors_and_graphs_find_it_too(kind):
    X, where = SPOILED[kind]
    with pytest.raises(ValueError, match=where):
        quick(MeanTeacherRegressor).fit(X, np.where(Y < 0, np.nan, Y))
    with pytest.raises(ValueError, match=where):
        quick(LabelPropagationClassifier).fit(X, Y)


def test_a_read_only_map_of_a_file(tmp_path):
    np.save(tmp_path / "X.npy", spoiled(np.inf))
    with pytest.raises(ValueError, match="row 17, column 1"):
        quick(FixMatchClassifier).fit(np.load(tmp_path / "X.npy", mmap_mode="r"), Y)


def test_after_the_fit_it_is_found_too():
    clf = quick(FixMatchClassifier).fit(NUMBERS, Y)
    for X in (spoiled(-np.inf), spoiled(1e99), LazyRows(list(spoiled(np.nan)))):
        with pytest.raises(ValueError, match="row 17, column 1"):
            clf.predict(X)


class Late:
    """Twenty-five thousand rows, of which one that the first look leaves out is wrong."""

    def __len__(self):
        return 25_000

    def __getitem__(self, i):
        return np.array([i % 7, np.nan if i == 12_345 else i % 5], dtype=np.float32)


def test_rows_that_were_not_looked_at_are_found_in_training():
    y = np.where(np.arange(25_000) < 20, np.arange(25_000) % 2, -1)
    y[12_345] = 1
    clf = quick(FixMatchClassifier, max_steps=400, batch_size=20, module_params=None)
    with pytest.raises(ValueError, match="NaN, at row 12345, column 1"):
        clf.fit(LazyRows(Late(), workers=1), y)


@pytest.mark.parametrize("kind", [list, np.array, lambda texts: np.array(texts, dtype=object)])
def test_texts_that_no_vectorizer_has_seen_are_named(kind):
    texts = kind(["the first text", "a second one", "3"])
    with pytest.raises(ValueError, match=r"X holds text in column 0 \('the first text'\).*Tfidf"):
        quick(FixMatchClassifier).fit(texts, [0, 1, -1])


def test_tables_of_pyarrow_are_refused_in_words():
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"size": NUMBERS[:, 0], "age": NUMBERS[:, 1]})
    for rows in (table, table.to_batches()[0]):
        with pytest.raises(
            ValueError, match=rf"^X is a {type(rows).__name__} of pyarrow: .*to_pandas"
        ):
            quick(FixMatchClassifier).fit(rows, Y)
        with pytest.raises(ValueError, match=r"^X_unlabeled is a .* of pyarrow"):
            quick(FixMatchClassifier).fit(NUMBERS, Y, X_unlabeled=rows)
    clf = quick(FixMatchClassifier).fit(table.to_pandas(), pa.array(Y, mask=Y < 0))
    np.testing.assert_array_equal(clf.classes_, [0, 1])

"""Kinds of rows, labels and weights that `attack_inputs.py` draws from."""

import re
import tempfile
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
import scipy.sparse as sp
import torch

from sklearn_ssl import LazyRows


@dataclass
class Drawn:
    """A value, what it is called, whether it must be fitted on, and the plain value it equals."""

    name: str
    value: object
    valid: bool | None = True
    plain: object = None
    tolerance: float = 1e-5


# ------------------------------------------------------------------ rows


def memmap(A):
    with tempfile.TemporaryDirectory() as folder:  # on Linux and macOS the open file stays
        np.save(f"{folder}/X.npy", A.astype(np.float32))
        return np.load(f"{folder}/X.npy", mmap_mode="r")


def masked(A):
    rows = np.ma.masked_array(A, mask=np.zeros(A.shape, bool))
    rows[len(A) // 2, 0] = np.ma.masked
    return rows


def frame(A, dtype=None):
    return pd.DataFrame(A, columns=[f"c{i}" for i in range(A.shape[1])], dtype=dtype)


SPARSE = {
    "csr": sp.csr_matrix,
    "csc": sp.csc_array,
    "coo": sp.coo_matrix,
    "csr array": sp.csr_array,
}
HOLDERS = {  # of quarters between -16 and 16, which all of these hold
    "float64": lambda A: A,
    "float32": lambda A: A.astype(np.float32),
    "float16": lambda A: A.astype(np.float16),
    ">f8": lambda A: A.astype(">f8"),
    ">f4": lambda A: A.astype(">f4"),
    "longdouble": lambda A: A.astype(np.longdouble),
    "columns first": np.asfortranarray,
    "negative strides": lambda A: np.ascontiguousarray(A[::-1, ::-1])[::-1, ::-1],
    "every other": lambda A: np.repeat(np.repeat(A, 2, 0), 2, 1)[::2, ::2],
    "read only": lambda A: np.frombuffer(A.tobytes()).reshape(A.shape),
    "matrix of objects": lambda A: A.astype(object),
    "masked, nothing hidden": lambda A: np.ma.masked_array(A, mask=False),
    "list": lambda A: A.tolist(),
    "tuples": lambda A: tuple(map(tuple, A.tolist())),
    "list of arrays": list,
    "memmap": memmap,
    "frame": frame,
    "frame of Float64": lambda A: frame(A, "Float64"),
    "frame of float32": lambda A: frame(A, "float32"),
    "polars": lambda A: pl.DataFrame(A, schema=[f"c{i}" for i in range(A.shape[1])]),
    "tensor": lambda A: torch.tensor(A),
    "tensor of bfloat16": lambda A: torch.tensor(A).bfloat16(),
    "tensor with gradient": lambda A: torch.tensor(A, requires_grad=True),
    "LazyRows": lambda A: LazyRows(list(A.astype(np.float32))),
    "LazyRows of float64": lambda A: LazyRows(list(A)),
    "LazyRows of tensors": lambda A: LazyRows([(torch.tensor(a).float(), 0) for a in A]),
    **SPARSE,
}
WHOLE = {  # of small whole numbers
    **{
        kind: lambda A, k=kind: A.astype(k) for kind in ("i1", "i2", ">i4", "i8", "u1", ">u2", "u8")
    },
    "frame of Int64": lambda A: frame(A, "float64").astype("Int64"),
    "frame of int8": lambda A: frame(A, "int8"),
    "csr of ints": lambda A: sp.csr_matrix(A.astype(int)),
    "LazyRows of ints": lambda A: LazyRows(list(A.astype(int))),
    "range of ints": lambda A: [list(map(int, a)) for a in A],
}
CONTENTS = ["plain"] * 4 + ["whole"] * 2
CONTENTS += ["bool", "image", "offset", "repeats", "constant", "bad", "huge", "small"]


def draw_rows(rng, codes):
    n = len(codes)
    d = int(rng.choice([1, 2, 3, 8, 60]))
    A = np.round(4 * (rng.normal(size=(n, d)) + 2 * codes[:, None])).clip(-60, 60) / 4
    content = rng.choice(CONTENTS)
    if content == "image":
        return draw_images(rng, codes)
    holders = WHOLE if content == "whole" and rng.random() < 0.7 else HOLDERS
    name = rng.choice(list(holders))
    valid, plain, tolerance = True, None, 1e-5
    if content == "whole":
        A = np.abs(np.round(A))
    elif content == "bool":
        A = (A > 1).astype(float)
        if rng.random() < 0.5:
            return Drawn("bool array", A.astype(bool), True, A)
    elif content == "repeats":
        A = A[rng.integers(min(n, 3), size=n)]
    elif content == "constant":
        A[:, rng.integers(d) :] = rng.choice([0.0, 1.0, -7.25])
    elif content == "offset":  # in float64 alone; what varies is as large as in the plain rows
        name = rng.choice(
            [k for k in holders if not re.search("16|32|f4|memmap|LazyRows$|tensors", k)]
        )
        plain, tolerance = A, 0.1
        A = A + rng.choice([2.0**31, -(2.0**40)])
        name = "float64" if name in SPARSE else name
    elif content == "bad":
        A[rng.integers(n), rng.integers(d)] = rng.choice([np.nan, np.inf, -np.inf])
        valid = False
    elif content in ("huge", "small"):
        name = rng.choice(["float64", ">f8", "longdouble", "list", "polars", *SPARSE])
        unit = rng.choice([2.0**60, 2.0**100, 1e150, 1e300])
        plain, tolerance, valid = (A, 0.1, None) if unit < 1e100 else (None, 0, None)
        A = A * unit if content == "huge" else A / unit
    with np.errstate(over="ignore"):
        value = holders[name](A)
    if name == "float64" and rng.random() < 0.2 and content == "plain":
        value, name, valid = masked(A), "masked", False
    if plain is None and valid:
        plain = A
    if isinstance(value, LazyRows):  # whose batches are drawn one ahead, so not those of an array
        plain = LazyRows(list(A.astype(np.float32))) if content != "offset" else None
    return Drawn(f"{content} rows {A.shape}, {name}", value, valid, plain, tolerance)


def draw_images(rng, codes):
    channels = int(rng.choice([1, 3, 4]))
    A = rng.integers(0, 60, (len(codes), channels, 8, 8)).astype(np.uint8)
    A[codes > 0, :, :4] += 150
    kinds = {
        "uint8": A,
        "LazyRows": LazyRows(list(A)),
        "every other": np.repeat(A, 2, 3)[..., ::2],
        "columns first": np.asfortranarray(A),
        "LazyRows of tensors": LazyRows([torch.tensor(a) for a in A]),
    }
    if rng.random() < 0.3:
        F = A / np.float64(256)
        kinds = {
            "float16": F.astype(np.float16),
            ">f4": F.astype(">f4"),
            "longdouble": F.astype(np.longdouble),
            "LazyRows": LazyRows(list(F)),
        }
        A = F
    name = rng.choice(list(kinds))
    plain = LazyRows(list(A)) if "LazyRows" in name else A
    return Drawn(f"images {A.shape}, {name}", kinds[name], True, plain)


# ------------------------------------------------------------------ labels


def draw_classes(rng, codes, hidden):
    """Labels of a classifier; plain are the codes, with -1."""
    plain = np.where(hidden, -1, codes)
    names = np.array(["cat", "dog", "eel"], object)[codes]
    none, nan = names.copy(), np.where(hidden, np.nan, codes)
    none[hidden] = None
    objects = codes.astype(object)
    objects[hidden] = None
    kinds = {
        "ints": plain,
        "int8": plain.astype(np.int8),
        ">i4": plain.astype(">i4"),
        "list": plain.tolist(),
        "column": plain[:, None],
        "floats, -1": plain.astype(float),
        "floats, NaN": nan,
        ">f8, NaN": nan.astype(">f8"),
        "float16, NaN": nan.astype(np.float16),
        "objects, None": objects,
        "strings, None": none,
        "strings, NaN": np.where(hidden, np.nan, names),
        "list of strings, None": none.tolist(),
        "strings of numpy, -1": np.where(hidden, "-1", names).astype("U"),
        "bytes, -1": np.where(hidden, "-1", names).astype("S"),
        "tensor": torch.tensor(plain),
        "Int64": pd.Series(nan).astype("Int64"),
        "Int64 array": pd.array(nan).astype("Int64"),
        "category": pd.Series(none).astype("category"),
        "Categorical": pd.Categorical(none),
        "ordered category": pd.Series(
            pd.Categorical(none, categories=["eel", "cat", "dog"], ordered=True)
        ),
        "string": pd.Series(none).astype("string"),
        "object series": pd.Series(none, dtype=object),
        "frame": pd.DataFrame({"label": none}),
        "shuffled index": pd.Series(plain, index=rng.permutation(len(codes))),
        "masked": np.ma.masked_array(codes, mask=hidden),
        "masked floats": np.ma.masked_array(codes.astype(float), mask=hidden),
        "masked strings": np.ma.masked_array(names.astype("U"), mask=hidden),
        "polars": pl.Series(objects.tolist(), dtype=pl.Int64),
        "polars strings": pl.Series(none.tolist(), dtype=pl.String),
        "polars categories": pl.Series(none.tolist(), dtype=pl.Categorical),
    }
    maybe = {"bytes, -1"}
    wrong = {
        "no label": np.full(len(codes), -1),
        "no label, None": np.full(len(codes), None, object),
        "shorter": plain[:-1],
        "numbers": codes + rng.random(len(codes)),
        "infinite": np.where(hidden, np.inf, codes),
        "strings and numbers": np.where(np.arange(len(codes)) % 2, codes, names),
        "None": None,
        "table": np.column_stack([plain, plain]),
        "complex": codes + 1j,
        "lists": [[int(c)] * (1 + i % 2) for i, c in enumerate(codes)],
        "text nan": np.where(hidden, "nan", names).astype("U"),
    }
    free = {
        "one class": np.where(hidden, -1, 0),
        "every row labeled": codes,
        "dates": pd.Series(pd.to_datetime(np.where(hidden, None, "2020-01-01"))),
        "one label": np.where(np.arange(len(codes)) == 0, 0, -1),
        "text, nan": np.where(hidden, "nan", names),
        "bool": codes.astype(bool),
    }
    chance = rng.random()
    if chance < 0.7:
        name = rng.choice(list(kinds))
        return Drawn(name, kinds[name], None if name in maybe else True, plain)
    name = rng.choice(list(wrong if chance < 0.85 else free))
    return Drawn(name, {**wrong, **free}[name], None if name in free else False)


def draw_numbers(rng, codes, hidden):
    """Targets of a regressor."""
    plain = np.where(hidden, np.nan, np.round(4 * (codes + rng.normal(size=len(codes)))) / 4)
    objects = plain.astype(object)
    objects[hidden] = None
    kinds = {
        "floats": plain,
        "float32": plain.astype(np.float32),
        ">f8": plain.astype(">f8"),
        "longdouble": plain.astype(np.longdouble),
        "objects, None": objects,
        "list": plain.tolist(),
        "list, None": objects.tolist(),
        "Float64": pd.Series(plain).astype("Float64"),
        "series": pd.Series(plain),
        "masked": np.ma.masked_array(np.nan_to_num(plain, nan=-999.0), mask=hidden),
        "polars": pl.Series(objects.tolist(), dtype=pl.Float64),
        "tensor": torch.tensor(plain),
    }
    free = {
        "two outputs": np.column_stack([plain, 2 * plain]),
        "column": plain[:, None],
        "ints": codes,
        "huge": 1e300 * plain,
        "tiny": 1e-300 * plain,
        "offset": 1e12 + plain,
    }
    wrong = {
        "infinite": np.where(hidden, np.inf, plain),
        "no label": np.full(len(codes), np.nan),
        "text": np.array(["much"] * len(codes)),
        "shorter": plain[:-1],
        "None": None,
    }
    chance = rng.random()
    if chance < 0.7:
        name = rng.choice(list(kinds))
        return Drawn(name, kinds[name], True, plain)
    name = rng.choice(list(wrong if chance < 0.85 else free))
    return Drawn(name, {**wrong, **free}[name], None if name in free else False)


# ------------------------------------------------------------------ weights


def draw_weights(rng, n, hidden):
    ones, some = np.ones(n), rng.integers(1, 9, n) / 4
    kinds = {
        "none": (None, True, ones),
        "ones": (ones, True, None),
        "ints": (np.ones(n, int), True, ones),
        "uniform 1e-170": (ones * 1e-170, True, ones),
        "uniform 1e160": (ones * 1e160, True, ones),
        "uniform 1e308": (ones * 1e308, True, ones),
        "uniform 1e-310": (ones * 1e-310, True, ones),
        "some": (some, True, None),
        "float32": (some.astype(np.float32), True, some),
        "list": (some.tolist(), True, some),
        "series": (pd.Series(some, index=range(5, n + 5)), True, some),
        "large": (some * 2.0**600, True, some),
        "small": (some * 2.0**-600, True, some),
        "zeros among them": (np.where(np.arange(n) % 3 == 1, 0, some), None, None),
        "1 to 1e300": (np.where(np.arange(n) % 2, 1.0, 1e300), None, None),
        "a number": (2.0, True, ones),
        "all zero": (0 * ones, False, None),
        "zero where labeled": (hidden * 1.0, False, None),
        "one below 0": (np.where(np.arange(n) == n // 2, -1.0, 1.0), False, None),
        "NaN": (np.where(np.arange(n) == n // 2, np.nan, 1.0), False, None),
        "infinite": (np.where(np.arange(n) == n // 2, np.inf, 1.0), False, None),
        "shorter": (ones[:-1], False, None),
        "table": (np.ones((n, 2)), False, None),
        "text": (["heavy"] * n, False, None),
    }
    name = "none" if rng.random() < 0.4 else rng.choice(list(kinds))
    return Drawn(name, *kinds[name])

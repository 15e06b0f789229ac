"""Columns whose numbers are large beside what varies in them."""

import pickle
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from sklearn_ssl import (
    FixMatchClassifier,
    LabelPropagationClassifier,
    LazyRows,
    MeanTeacherRegressor,
    SemiSupervisedGaussianMixture,
    SGANClassifier,
    VAEClassifier,
    load,
)
from sklearn_ssl.augment import relative_spacing
from sklearn_ssl.inputs.columns import difference
from sklearn_ssl.inputs.offsets import find_offset, less_offset

from ..helpers import EVERYTHING, REGRESSORS, few_steps, quick

N = 240
RNG = np.random.default_rng(8)
UNIT = RNG.uniform(-1, 1, (N, 2))  # what varies
TRUTH = (UNIT[:, 0] > 0).astype(int)
FEW = np.where(np.arange(N) < 30, TRUTH, -1)


def columns(low, width):
    """A column of its own and one that needs no offset."""
    return np.stack([low + width * UNIT[:, 0], UNIT[:, 1]], 1)


FAR = {
    "milliseconds since 1970": columns(1.6e12, 4000.0),
    "below 0": columns(-3.2e9, 25.0),
    "modified Julian day": columns(59_000.25, 1e-3),
    "pressure in Pa": columns(101_325.0, 0.02),
    "near 1": columns(1.0, 1e-7),
    "nanoseconds as int64": (1_700_000_000_000_000_000 + (900 * UNIT).astype(np.int64)),
    "identifiers as uint64": (2**63 + 5_000 + (900 * UNIT).astype(np.int64).astype(np.uint64)),
    "int32": (2_000_000_000 + 40 * UNIT).round().astype(np.int32),
    "long doubles": columns(1.6e12, 4000.0).astype(np.longdouble),
    "big-endian": columns(1.6e12, 4000.0).astype(">f8"),
    "Fortran order": np.asfortranarray(columns(1.6e12, 4000.0)),
}
FORMS = {
    "array": lambda X: X,
    "frame": lambda X: pd.DataFrame(X, columns=["t", "x"]),
    "sparse": sp.csc_matrix,
    "sparse array": sp.csr_array,
    "lazy": lambda X: LazyRows(list(X)),
}


@pytest.mark.parametrize("kind", FAR)
def test_networks_learn_what_varies(kind):
    X = FAR[kind]
    clf = quick(FixMatchClassifier, max_steps=80).fit(X, FEW)
    assert clf.score(X, TRUTH) > 0.9
    assert clf.score(X[::3], TRUTH[::3]) > 0.9  # what is predicted does not depend on the batch


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_of_rows(form):
    X = columns(1.6e12, 4000.0)
    rows = FORMS[form](X)
    graph = LabelPropagationClassifier().fit(rows, FEW)
    assert graph.score(rows, TRUTH) > 0.9
    array = LabelPropagationClassifier().fit(X, FEW)
    np.testing.assert_allclose(
        graph.label_distributions_, array.label_distributions_, rtol=0.1, atol=1e-3
    )
    clf = quick(FixMatchClassifier, max_steps=80).fit(rows, FEW)
    assert clf.score(rows, TRUTH) > 0.9
    if form != "frame":
        np.testing.assert_allclose(clf.predict_proba(rows), clf.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("cls", EVERYTHING)
def test_an_offset_changes_next_to_nothing(cls):
    y = np.where(FEW < 0, np.nan, FEW) if cls in REGRESSORS else FEW
    near = np.round(2**12 * UNIT) / 2**12  # sums that float64 holds
    far = near + np.array([2.0**30, 0])
    few = few_steps(cls)
    expected = quick(cls, **few).fit(near, y)
    ours = quick(cls, **few).fit(far, y)
    name = "predict" if cls in REGRESSORS else "predict_proba"
    a, b = getattr(ours, name)(far), getattr(expected, name)(near)
    np.testing.assert_allclose(a, b, atol=1e-3)


def test_images_have_offsets_by_channel_and_keep_their_2d_form():
    images = RNG.uniform(0, 1, (60, 2, 6, 6))
    truth = np.arange(60) % 2
    images[truth == 1, 0, :3] += 1
    images[:, 0] += 5e8
    y = np.where(np.arange(60) < 20, truth, -1)
    clf = quick(FixMatchClassifier, max_steps=60, batch_size=16, module_params={"width": 8})
    assert clf.fit(images, y)._summary.offset.shape == (2, 1, 1)
    assert clf._summary.offset[1] == 0
    assert clf.score(images, truth) > 0.9
    flat = images.reshape(60, -1)
    rows = quick(
        FixMatchClassifier, max_steps=60, batch_size=16, module_params={"width": 8},
        input_shape=(2, 6, 6),
    ).fit(flat, y)  # fmt: skip
    np.testing.assert_array_equal(rows.predict_proba(flat), clf.predict_proba(images))


def test_it_stays_with_the_estimator(tmp_path):
    X = columns(1.6e12, 4000.0)
    clf = quick(FixMatchClassifier, max_steps=80).fit(X, FEW)
    p, offset = clf.predict_proba(X), clf._summary.offset
    clf.save(tmp_path / "m.safetensors")
    for same in (load(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(clf))):
        np.testing.assert_array_equal(same.predict_proba(X), p)
    later = X + np.array([900.0, 0])
    clf.partial_fit(later, FEW)
    np.testing.assert_array_equal(clf._summary.offset, offset)
    warm = quick(FixMatchClassifier, warm_start=True, max_steps=50).fit(X, FEW).fit(later, FEW)
    np.testing.assert_array_equal(warm._summary.offset, offset)
    assert warm.score(later, TRUTH) > 0.8
    kept = {"checkpoint_dir": tmp_path, "max_steps": 40}
    whole, again = (quick(FixMatchClassifier, **kept).fit(X, FEW) for _ in range(2))
    np.testing.assert_array_equal(whole.predict_proba(X), again.predict_proba(X))


def test_a_file_with_a_wrong_offset_is_refused(tmp_path):
    clf = quick(FixMatchClassifier, max_steps=2).fit(columns(1e9, 1.0), FEW)
    good = clf._summary
    for bad in (np.zeros(3), np.array([np.nan, 0.0])):
        object.__setattr__(good, "offset", bad)
        with pytest.raises(ValueError, match="offset does not fit"):
            good.check()


@pytest.mark.parametrize("objective", ["joint", "m2"])
def test_what_is_generated_is_in_the_users_units(objective):
    X = columns(1.6e12, 4000.0)
    vae = quick(VAEClassifier, objective=objective, latent_dim=2, max_steps=100).fit(X, FEW)
    back = vae.inverse_transform(vae.transform(X))
    assert np.abs(back[:, 0] - 1.6e12).max() < 8000
    drawn, _ = vae.sample(50, random_state=0)
    assert np.abs(drawn[:, 0] - 1.6e12).max() < 20_000
    assert len(np.unique(drawn[:, 0])) > 40
    near = X - np.array([1.6e12, 0])
    ours = vae.score_samples(X)
    theirs = quick(VAEClassifier, objective=objective, latent_dim=2, max_steps=100).fit(near, FEW)
    np.testing.assert_allclose(ours, theirs.score_samples(near), rtol=0.02, atol=0.1)
    rows = quick(SGANClassifier, max_steps=50).fit(X, FEW).sample(20, random_state=0)
    assert np.abs(rows[:, 0] - 1.6e12).max() < 40_000


def test_rows_left_out_do_not_move_it():
    X, weight = columns(1.6e12, 4000.0), (np.arange(N) % 5 > 0) * 1.0
    X[weight == 0, 0] = 0.0
    kept = weight > 0
    weighted = quick(FixMatchClassifier).fit(X, FEW, sample_weight=weight)
    dropped = quick(FixMatchClassifier).fit(X[kept], FEW[kept])
    np.testing.assert_array_equal(weighted.predict_proba(X), dropped.predict_proba(X))


ORDINARY = {
    "normal": RNG.normal(size=(N, 3)),
    "years": RNG.integers(1900, 2030, (N, 3)).astype(float),
    "constant": np.full((N, 3), 0.1),
    "constant but for rounding": np.where(UNIT[:, :1] > 0, 0.3, 0.1 + 0.2) * [1.0, 1.0, 1.0],
    "heavy tails": np.exp(9 * RNG.normal(size=(N, 3))),
    "whole numbers below 2^24": 2.0**23 + RNG.integers(0, 9, (N, 3)),
    "what was float32": (1e9 + 1000 * RNG.normal(size=(N, 3))).astype(np.float32).astype(float),
    "int64": RNG.integers(-9, 9, (N, 3)),
    "one row": RNG.normal(size=(1, 3)),
}


@pytest.mark.filterwarnings("ignore:Columns")
@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_columns_are_left_as_they_are(kind):
    X = ORDINARY[kind]
    assert find_offset(X) is None
    rows = less_offset(X, None)
    assert rows is X if X.dtype.kind == "i" else np.array_equal(rows, X.astype(np.float32))
    few = X[:, [0, 1]].astype(np.float32)
    assert find_offset(few) is None
    assert less_offset(few, None) is few


def test_numbers_that_float64_does_not_hold_are_told_of():
    X = columns(2e13, 1.0)
    for cls in (FixMatchClassifier, LabelPropagationClassifier, SemiSupervisedGaussianMixture):
        with pytest.warns(UserWarning, match=r"Columns \[0\] of X vary by so little"):
            quick(cls, **few_steps(cls)).fit(X, FEW)
    whole = FAR["nanoseconds as int64"]
    with pytest.warns(UserWarning, match=r"Columns \[0, 1\] of X vary by so little"):
        quick(SemiSupervisedGaussianMixture).fit(whole, FEW)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick(SemiSupervisedGaussianMixture).fit(columns(1.6e9, 1.0), FEW)
        quick(MeanTeacherRegressor, max_steps=2).fit(whole, np.where(FEW < 0, np.nan, FEW))


@pytest.mark.parametrize(
    ("X", "offset", "expected"),
    [
        (np.array([2**62 + 3, -(2**62)]), [2.0**62, -(2.0**62) + 0.0], [3, 0]),
        (np.array([2**64 - 1, 7], np.uint64), [2.0**64 - 2048, 7.5], [2047, -0.5]),
        (np.array([-(2**63), 2**63 - 1]), [2.0**62, 0.0], [-(2.0**63) - 2.0**62, 2.0**63]),
        (np.array([3, 200], np.uint8), [4.0, -56.0], [-1, 256]),
        (np.array([True, False]), [0.5, 1.0], [0.5, -1]),
        (np.array([1e9 + 64, 1], np.float32), [1e9 + 1, 0.0], [63, 1]),
    ],
)
def test_differences_by_hand(X, offset, expected):
    np.testing.assert_array_equal(difference(X[None], np.array(offset)), [expected])


def test_values_that_are_too_large_are_found_beside_an_offset():
    X = columns(1.6e12, 4000.0)
    clf = quick(FixMatchClassifier, max_steps=2).fit(X, FEW)
    X[201, 1] = 1e77
    for rows in (X, sp.csr_array(X), LazyRows(list(X))):
        with pytest.raises(ValueError, match=r"1e\+77, at row 201, column 1"):
            clf.predict(rows)


def test_a_map_of_a_file_is_not_copied_in_float64(tmp_path):
    X = RNG.normal(size=(40_000, 50))
    X[:, 3] = 1.6e12 + 1000 * X[:, 3]
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    offset = find_offset(mapped)
    assert np.flatnonzero(offset).tolist() == [3]
    tracemalloc.start()
    rows = less_offset(mapped, offset)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows.dtype == np.float32
    assert peak < 0.5 * X.nbytes + 2**25
    np.testing.assert_allclose(rows, X - offset, rtol=1e-6)


def test_the_spacing_of_rows_does_not_depend_on_an_offset():
    near = columns(0.0, 4000.0)
    far = near + np.array([1.6e12, 0])
    assert relative_spacing(far) == pytest.approx(relative_spacing(near), rel=0.01)

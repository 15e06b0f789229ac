"""Rows that are read when needed: data sets of torch, image folders."""

import numpy as np
import pytest
from PIL import Image
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.utils import _safe_indexing
from torch.utils.data import IterableDataset

from sklearn_ssl import FixMatchClassifier, ImageFolder, LabeledSplit, LazyRows, SelfTrainingNet

from ..helpers import Squares, every_estimator, few_steps, quick


@pytest.fixture
def squares():
    data = Squares()
    return data, np.where(np.arange(60) < 10, data.truth, -1)


def small(cls, **params):
    return quick(
        cls, **{"max_steps": 40, "batch_size": 10, "module_params": {"width": 4}, **params}
    )


@every_estimator
def test_dataset_trains_and_predicts(cls, squares):
    data, y = squares
    clf = small(cls, max_steps=30).fit(data, y)
    assert clf.score(data, data.truth) > 0.8
    np.testing.assert_array_equal(clf.predict(data), clf.predict(data.images))
    assert clf.transduction_.shape == (60,)
    same = [small(cls, **few_steps(cls)).fit(rows, y).predict_proba(data) for rows in (data, data)]
    np.testing.assert_array_equal(*same)


def test_cross_validation_reads_only_what_it_needs(squares):
    data, y = squares
    y = np.where(np.arange(60) < 20, data.truth, -1)
    scores = cross_val_score(small(SelfTrainingNet), LazyRows(data), y, cv=LabeledSplit(2))
    assert scores.mean() > 0.8


def test_bad_data_sets_are_refused(squares):
    data, y = squares
    with pytest.raises(ValueError, match="inconsistent"):
        small(FixMatchClassifier).fit(data, y[:-1])
    with pytest.raises(ValueError, match="arrays of numbers"):
        small(FixMatchClassifier).fit(LazyRows(["a", "b"]), np.array([0, 1]))
    ragged = [np.zeros((1, 8, 8), np.uint8)] * 5 + [np.zeros((1, 8, 9), np.uint8)]
    with pytest.raises(ValueError, match=r"Row 5 .* give all rows one shape"):
        np.asarray(LazyRows(ragged))
    clf = small(FixMatchClassifier).fit(data, y)
    with pytest.raises(ValueError, match="rows of shape"):
        clf.predict(LazyRows([np.zeros((1, 9, 9), np.uint8)] * 5))


class Stream(IterableDataset):
    def __iter__(self):
        yield from np.zeros((5, 3))


@pytest.mark.parametrize("data", [Stream(), iter([1.0, 2.0]), {1.0, 2.0}])
def test_streams_are_refused_in_words(data):
    with pytest.raises(ValueError, match=r"needs len\(\) and \[i\]"):
        LazyRows(data)
    if isinstance(data, Stream):
        with pytest.raises(ValueError, match="Stream has not both"):
            small(FixMatchClassifier).fit(data, np.arange(5) % 2)


def test_data_sets_without_rows_are_refused():
    with pytest.raises(ValueError, match="has no rows"):
        LazyRows([])


def test_rows_by_number_and_in_turn():
    data = Squares(5)
    rows = LazyRows(data)
    for i in (0, 4, -1, -5, np.int64(2), np.array(3)):
        assert isinstance(rows[i], np.ndarray)
        np.testing.assert_array_equal(rows[i], data.images[i])
    for i in (5, -6):
        with pytest.raises(IndexError, match="out of bounds"):
            rows[i]
    np.testing.assert_array_equal(list(rows), data.images)
    np.testing.assert_array_equal(list(reversed(rows)), data.images[::-1])
    part = rows[3:0:-1]
    assert isinstance(part, LazyRows)
    np.testing.assert_array_equal([row for row in part], data.images[3:0:-1])
    np.testing.assert_array_equal(part[0], data.images[3])
    with pytest.raises(IndexError):
        part[3]
    np.testing.assert_array_equal(_safe_indexing(rows, 2), data.images[2])
    np.testing.assert_array_equal(_safe_indexing(rows, [2, 0]), data.images[[2, 0]])
    train, test = train_test_split(rows, test_size=2, random_state=0)
    assert (len(train), len(test)) == (3, 2)


def test_image_folder(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(40):
        name = ("dark", "light")[i % 2] if i < 10 else "unlabeled"
        (tmp_path / name / "deep").mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 60, (20, 30, 3)) + 180 * (i % 2)
        kind = ("png", "JPG")[i % 3 == 0]
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / name / "deep" / f"{i:02d}.{kind}")
    (tmp_path / "notes.txt").write_text("not an image")
    images = ImageFolder(tmp_path, size=16)
    assert images.shape == (40, 3, 16, 16)
    assert images.dtype == np.uint8
    assert (images.y == None).sum() == 30  # noqa: E711
    turned = images[::-1]
    assert turned.y.tolist() == images.y.tolist()[::-1]
    assert turned.paths == images.paths[::-1]
    clf = small(FixMatchClassifier).fit(images, images.y)
    assert list(clf.classes_) == ["dark", "light"]
    truth = np.array(["dark", "light"])[[int(p.stem) % 2 for p in images.paths]]
    assert np.mean(clf.predict(images) == truth) > 0.9
    (tmp_path / "dark" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"broken\.png is no image"):
        np.asarray(ImageFolder(tmp_path, size=16))
    with pytest.raises(ValueError, match="no folders that hold images"):
        ImageFolder(tmp_path / "dark" / "deep", size=16)


def test_masked_entries_of_a_row_are_refused():
    rows = np.ma.masked_array(np.ones((6, 3)), mask=np.eye(6, 3) * [0, 0, 1])
    with pytest.raises(ValueError, match="Row 2 of the data set has masked entries"):
        np.asarray(LazyRows(list(rows)))

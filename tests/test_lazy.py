"""Rows that are read when needed: data sets of torch, image folders."""

import threading

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.model_selection import cross_val_score
from sklearn_ssl.data import PairedBatches
from torch.utils.data import Dataset

from sklearn_ssl import FixMatchClassifier, ImageFolder, LabeledSplit, LazyRows, SelfTrainingNet

from .conftest import ESTIMATORS, quick

every_estimator = pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)


class Squares(Dataset):
    """Grey images whose upper or lower half is bright; counts what is read."""

    def __init__(self, n=60):
        self.truth = np.arange(n) % 2
        self.images = np.random.default_rng(0).integers(0, 60, (n, 1, 8, 8)).astype(np.uint8)
        self.images[self.truth == 1, :, :4] += 180
        self.read, self.lock = 0, threading.Lock()

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        with self.lock:
            self.read += 1
        return torch.from_numpy(self.images[i]), self.truth[i]


@pytest.fixture
def squares():
    data = Squares()
    return data, np.where(np.arange(60) < 10, data.truth, -1)


def small(cls, **params):
    return quick(cls, **{"max_steps": 60, "module_params": {"width": 4}, **params})


@every_estimator
def test_dataset_trains_and_predicts(cls, squares):
    data, y = squares
    clf = small(cls).fit(data, y)
    assert clf.score(data, data.truth) > 0.9
    np.testing.assert_array_equal(clf.predict(data), clf.predict(data.images))
    assert clf.transduction_.shape == (60,)
    again = small(cls).fit(data, y)
    np.testing.assert_array_equal(clf.predict_proba(data), again.predict_proba(data))


def test_batches_are_read_one_ahead_and_never_the_whole():
    data = Squares(10_000)
    y = np.where(np.arange(10_000) < 20, data.truth, -1)
    batches = PairedBatches(
        LazyRows(data), y, np.arange(10_000), batch_size=4, unlabeled_ratio=2, max_steps=100,
        device="cpu", seed=0,
    )  # fmt: skip
    before = data.read
    for step in range(5):
        batch = batches.draw(step / 100)
        expected = data.images[batch.i_u.numpy()].astype(np.float32) / 255
        np.testing.assert_allclose(batch.x_u.numpy(), expected, atol=1e-6)
    assert data.read - before <= 6 * 12
    twin = PairedBatches(
        LazyRows(data), y, np.arange(10_000), batch_size=4, unlabeled_ratio=2, max_steps=100,
        device="cpu", seed=1,
    )  # fmt: skip
    twin.load_state_dict(batches.state_dict())
    for _ in range(3):
        one, other = batches.draw(0.5), twin.draw(0.5)
        assert torch.equal(one.x_u, other.x_u)
        assert torch.equal(one.i_u, other.i_u)


def test_a_checkpoint_goes_on_where_rows_fit_by_now():
    data = Squares(200)
    y = np.where(np.arange(200) < 20, data.truth, -1)
    params = {"batch_size": 4, "unlabeled_ratio": 2, "max_steps": 9, "device": "cpu", "seed": 0}
    far = PairedBatches(LazyRows(data), y, np.arange(200), **params)
    far.draw(0.0)
    near = PairedBatches(data.images, y, np.arange(200), **params)
    near.load_state_dict(far.state_dict())
    assert torch.equal(near.draw(0.1).x_u, far.draw(0.1).x_u)
    assert near.draw(0.2).x_u.shape == (8, 1, 8, 8)


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

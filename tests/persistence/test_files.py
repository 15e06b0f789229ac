"""One file to share a fitted estimator."""

import json
import os
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from safetensors.torch import save as pack

import sklearn_ssl
from sklearn_ssl import FixMatchClassifier, VAEClassifier, load

from ..helpers import (
    ESTIMATORS,
    EVERYTHING,
    REGRESSORS,
    EntropyMinimizationClassifier,
    few_steps,
    quick,
)

KNOWN = [cls for cls in ESTIMATORS if cls is not EntropyMinimizationClassifier]

NAMES = np.array(list("abcdefghij"))


def test_foreign_classes_are_refused_when_written(digits, tmp_path):
    X, y, _, _ = digits
    with pytest.raises(ValueError, match=r"Use pickle for classes of your own"):
        quick(EntropyMinimizationClassifier).fit(X, y).save(tmp_path / "net")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cls", KNOWN, ids=lambda cls: cls.__name__)
def test_a_loaded_estimator_is_the_saved_one(cls, digits, tmp_path):
    X, y, X_test, _ = digits
    X, X_test = (pd.DataFrame(rows).add_prefix("pixel") for rows in (X, X_test))
    names = np.where(y < 0, "-1", NAMES[y])
    clf = quick(cls, temperature_scaling=True).fit(X, names)
    clf.save(tmp_path / "net")
    before = torch.get_rng_state()
    same = load(str(tmp_path / "net"))
    assert torch.equal(before, torch.get_rng_state())
    assert [p.name for p in tmp_path.iterdir()] == ["net"]
    np.testing.assert_array_equal(same.predict_proba(X_test), clf.predict_proba(X_test))
    np.testing.assert_array_equal(same.predict(X_test), clf.predict(X_test))
    assert same.get_params() == clf.get_params()
    assert same.history_ == clf.history_
    assert (same.feature_names_in_ == clf.feature_names_in_).all()
    assert same.temperature_ == clf.temperature_ != 1
    pickle.loads(pickle.dumps(same)).partial_fit(X, names)
    with pytest.raises(ValueError, match="feature names"):
        same.predict(X_test.add_prefix("other"))


@pytest.mark.parametrize("objective", ["joint", "m1", "m2", "m1+m2"])
def test_a_loaded_vae_samples_and_scores_as_the_saved_one(objective, digits, tmp_path):
    X, y, X_test, _ = digits
    vae = quick(VAEClassifier, objective=objective).fit(X, y)
    vae.save(tmp_path / "vae")
    same = load(tmp_path / "vae")
    np.testing.assert_array_equal(same.score_samples(X_test), vae.score_samples(X_test))
    np.testing.assert_array_equal(same.transform(X_test), vae.transform(X_test))
    for one, other in zip(
        same.sample(5, random_state=0), vae.sample(5, random_state=0), strict=True
    ):
        np.testing.assert_array_equal(one, other)


class Own(torch.nn.Linear):
    def __init__(self, n_classes):
        super().__init__(64, n_classes)


def test_what_no_file_can_hold_is_asked_for(digits, tmp_path):
    X, y, X_test, _ = digits
    clf = quick(FixMatchClassifier, module=Own, module_params=None).fit(X, y)
    clf.save(tmp_path / "net")
    with pytest.raises(ValueError, match=r"pass them to load.*module"):
        load(tmp_path / "net")
    same = load(tmp_path / "net", module=Own)
    np.testing.assert_array_equal(same.predict_proba(X_test), clf.predict_proba(X_test))
    with pytest.raises(ValueError, match="does not fit the network"):
        load(tmp_path / "net", module="auto")


def test_damaged_foreign_and_later_files_are_refused(digits, tmp_path, monkeypatch):
    X, y, _, _ = digits
    quick(FixMatchClassifier).fit(X, y).save(tmp_path / "net")
    data = (tmp_path / "net").read_bytes()
    for wrong in (data[: len(data) // 2], b"", pickle.dumps(os.getcwd), pack({"a": torch.ones(2)})):
        (tmp_path / "wrong").write_bytes(wrong)
        with pytest.raises(ValueError, match="is damaged"):
            load(tmp_path / "wrong")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nowhere")
    header = {"format": 99, "class": "NewNet", "version": "9.0", "attributes": {}}
    later = pack({"a": torch.ones(2)}, {"sklearn_ssl": json.dumps(header)})
    (tmp_path / "later").write_bytes(later)
    with pytest.raises(ValueError, match=r"format 99 of sklearn_ssl 9\.0"):
        load(tmp_path / "later")
    monkeypatch.setattr(sklearn_ssl, "__version__", "0.2.0")
    with pytest.warns(UserWarning, match=r"written by sklearn_ssl 0\.1\.0, and this is 0\.2\.0"):
        load(tmp_path / "net")


def test_class_weights_by_number_are_kept(digits, tmp_path):
    X, y, _, _ = digits
    clf = quick(FixMatchClassifier, class_weight={3: 2.0, 4: 1.0, **dict.fromkeys((0, 1, 2), 1)})
    clf.fit(X, y).save(tmp_path / "a")
    assert load(tmp_path / "a").class_weight == clf.class_weight


def test_save_after_a_metadata_request_and_labels_in_a_frame(blobs, tmp_path):
    X, y, _ = blobs
    with sklearn.config_context(enable_metadata_routing=True):
        clf = quick(FixMatchClassifier).set_fit_request(sample_weight=True).fit(X, y)
    clf.save(tmp_path / "net")
    framed = quick(FixMatchClassifier).fit(X, pd.DataFrame({"y": y}))
    np.testing.assert_array_equal(framed.predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize("cls", EVERYTHING, ids=lambda cls: cls.__name__)
def test_joblib(cls, blobs, tmp_path):
    X, y, _ = blobs
    y = np.where(y < 0, np.nan, y) if cls in REGRESSORS else y
    clf = quick(cls, **few_steps(cls)).fit(X, y)
    joblib.dump(clf, tmp_path / "clf.joblib")
    np.testing.assert_array_equal(joblib.load(tmp_path / "clf.joblib").predict(X), clf.predict(X))

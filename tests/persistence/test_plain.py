"""Estimators from plain arrays, whatever the format that holds them."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_ssl import FixMatchClassifier, MeanTeacherClassifier, VAEClassifier
from sklearn_ssl.engine.net import SSLNet
from sklearn_ssl.inputs.summary import DataSummary

from ..helpers import assert_same_weights, quick, weights


def through_plain(estimator):
    """What a format makes of it that takes `__getstate__` of every part."""
    state = dict(vars(estimator))
    for name, cls in (("net_", SSLNet), ("_summary", DataSummary)):
        plain, part = state[name].__getstate__(), cls.__new__(cls)
        assert not any(isinstance(v, torch.Tensor) for v in leaves(plain))
        part.__setstate__(copy.deepcopy(plain))
        state[name] = part
    twin = type(estimator).__new__(type(estimator))
    twin.__setstate__(state)
    return twin


def leaves(value):
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    else:
        yield value


@pytest.mark.parametrize("cls", [FixMatchClassifier, MeanTeacherClassifier, VAEClassifier])
@pytest.mark.parametrize("ema_decay", [0.9, None])
def test_it_predicts_and_goes_on_as_the_pickled_one(cls, ema_decay, blobs):
    if cls is MeanTeacherClassifier and ema_decay is None:
        pytest.skip("its teacher is the average")
    X, y, _ = blobs
    clf = quick(cls, max_steps=5, ema_decay=ema_decay, warm_start=True).fit(X, y)
    before = torch.get_rng_state()
    plain, pickled = through_plain(clf), pickle.loads(pickle.dumps(clf))
    assert torch.equal(before, torch.get_rng_state())
    assert_same_weights(weights(plain), weights(clf))
    assert_same_weights(plain.net_.module_.state_dict(), clf.net_.module_.state_dict())
    np.testing.assert_array_equal(plain.predict_proba(X), clf.predict_proba(X))
    assert plain.net_.stop_reason_ == "max_steps"
    assert plain.net_.targets is plain._targets
    assert plain.get_params() == clf.get_params()
    for again in (plain, pickled):
        again.partial_fit(X, y).fit(X, y)
    assert_same_weights(weights(plain), weights(pickled))
    assert plain.net_.earlier_steps_ == pickled.net_.earlier_steps_ == 10


def test_pickles_hold_everything_still(blobs):
    X, y, _ = blobs
    clf = quick(FixMatchClassifier, max_steps=5).fit(X, y)
    for twin in (pickle.loads(pickle.dumps(clf)), copy.deepcopy(clf), copy.copy(clf)):
        assert twin.net_.optimizer_.state_dict()["state"].keys()
        assert twin.net_.criterion_.lambda_u == 1
        np.testing.assert_array_equal(twin.predict_proba(X), clf.predict_proba(X))


def test_summaries_of_earlier_pickles_hold_tensors(blobs):
    X, y, _ = blobs
    known = quick(FixMatchClassifier, max_steps=1).fit(X, y)._summary
    old = DataSummary.__new__(DataSummary)
    old.__setstate__(dict(vars(known)))
    assert torch.equal(old.mean, known.mean)
    assert torch.equal(old.scale, known.scale)


def test_mixed_tables_and_words_as_classes(blobs):
    X, y, _ = blobs
    frame = pd.DataFrame(X).add_prefix("n").assign(c=np.where(X[:, 0] > 2, "a", "b"))
    frame.loc[3, "n0"] = np.nan
    names = np.array(["-1", "no", "yes"])[y + 1]
    clf = quick(FixMatchClassifier, max_steps=5).fit(frame, names)
    np.testing.assert_array_equal(through_plain(clf).predict(frame), clf.predict(frame))


def test_a_forged_state_is_refused(blobs):
    X, y, _ = blobs
    clf = quick(FixMatchClassifier, max_steps=5).fit(X, y)
    net = SSLNet.__new__(SSLNet)
    stored = clf.net_.__getstate__()
    stored["stored"]["predicting"]["layers.2.weight"] = np.zeros((3, 3), np.float32)
    net.__setstate__(stored)
    with pytest.raises(ValueError, match="does not fit the network"):
        FixMatchClassifier().__setstate__({**vars(clf), "net_": net})

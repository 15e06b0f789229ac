"""What predicts: the averaged network where there is one."""

import numpy as np
import pytest
import torch

from sklearn_ssl import MixMatchClassifier


@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_the_averages_predict(blobs, ema_decay):
    X, y, _ = blobs
    clf = MixMatchClassifier(max_steps=5, ema_decay=ema_decay, random_state=0).fit(X, y)
    net = clf.net_
    expected = net.module_ if ema_decay is None else net.ema_module_
    with torch.no_grad():
        p = torch.softmax(expected.eval()(torch.from_numpy(X)).double(), 1).numpy()
    np.testing.assert_allclose(clf.predict_proba(X), p, atol=1e-7)
    if ema_decay is not None:
        trained = net.module_.state_dict()
        differs = [not torch.equal(v, trained[k]) for k, v in expected.state_dict().items()]
        assert any(differs)


@pytest.mark.parametrize("prior", ["labels", [0.3, 0.7]])
def test_probabilities_are_the_same_slice_by_slice(blobs, prior):
    X, y, _ = blobs
    clf = MixMatchClassifier(max_steps=5, class_prior=prior, random_state=0).fit(X, y)
    many = np.tile(X, (50, 1))  # of three slices, the last one short
    at_once = clf._targets.decode(torch.from_numpy(clf.net_.collect(many))).numpy()
    np.testing.assert_array_equal(clf.predict_proba(many), at_once)

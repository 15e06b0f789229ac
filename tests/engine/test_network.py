"""The network of a fit: what it is told, and whose it is."""

import pytest
import torch
from torch import nn

from sklearn_ssl import MixMatchClassifier
from sklearn_ssl.engine.network import build_network
from sklearn_ssl.networks import CNN, MLP

KNOWN = {"input_shape": (4,), "n_classes": 3, "mean": torch.zeros(4), "scale": torch.ones(4)}


def test_an_instance_is_copied_and_never_trained(blobs):
    X, y, _ = blobs
    own = nn.Linear(4, 2)
    before = own.weight.detach().clone()
    clf = MixMatchClassifier(max_steps=3, module=own, random_state=0).fit(X, y)
    assert torch.equal(own.weight, before)
    assert not torch.equal(clf.net_.module_.weight, before)


def test_auto_is_chosen_by_the_shape_of_a_row():
    assert type(build_network("auto", None, KNOWN)) is MLP
    images = {**KNOWN, "input_shape": (1, 8, 8), "mean": torch.zeros(1, 1, 1)}
    images["scale"] = torch.ones(1, 1, 1)
    assert type(build_network("auto", None, images)) is CNN
    with pytest.raises(ValueError, match="knows tables"):
        build_network("auto", None, {**KNOWN, "input_shape": (2, 2)})


def test_a_class_is_told_what_it_asks_for():
    class Asks(nn.Linear):
        def __init__(self, input_shape, n_classes, extra=1):
            super().__init__(input_shape[0], n_classes)
            self.extra = extra

    made = build_network(Asks, {"extra": 5}, KNOWN)
    assert (made.in_features, made.out_features, made.extra) == (4, 3, 5)
    with pytest.raises(ValueError, match="not a parameter of Asks"):
        build_network(Asks, {"depth": 5}, KNOWN)
    with pytest.raises(ValueError, match=r"must make an nn\.Module"):
        build_network(lambda: 3, None, KNOWN)

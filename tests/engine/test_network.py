"""The network of a fit: what it is told, and whose it is."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sklearn_ssl import (
    CoTrainingNet,
    FixMatchClassifier,
    FreeMatchClassifier,
    MixMatchClassifier,
    S4LClassifier,
    SelfTrainingNet,
    SGANClassifier,
)
from sklearn_ssl.engine.network import build_network, start_network
from sklearn_ssl.networks import CNN, MLP, FastCNN

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
    photos = {**images, "input_shape": (3, 32, 32)}
    assert type(build_network("auto", None, photos)) is FastCNN
    for shape in ((3, 16, 16), (3, 96, 96), (1, 32, 32)):
        assert type(build_network("auto", None, {**images, "input_shape": shape})) is CNN
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


class Starts(nn.Module):
    """Remembers the rows that it was to start from."""

    def __init__(self, input_shape, n_classes):
        super().__init__()
        self.layer = nn.Linear(input_shape[0], n_classes)
        self.rows, self.calls = None, 0

    def start_from(self, x):
        self.rows, self.calls = x, self.calls + 1

    def forward(self, x):
        return self.layer(x)


def test_a_network_starts_from_training_rows_before_the_first_step(blobs):
    X, y, _ = blobs
    own = {"module": Starts, "max_steps": 2, "random_state": 0}
    clf = FixMatchClassifier(validation_fraction=0.5, warm_start=True, **own).fit(X, y)
    for module in (clf.net_.module_, clf.net_.predicting_module_):
        held = {tuple(row) for row in X.astype("float32").tolist()}
        seen = [tuple(row) for row in module.rows.tolist()]
        assert 0 < len(seen) < len(X)  # not the held-out rows
        assert set(seen) <= held
        assert len(set(seen)) == len(seen)
    assert clf.net_.module_.calls == 1
    assert clf.fit(X, y).net_.module_.calls == 0  # a fit that goes on does not start again
    again = FixMatchClassifier(validation_fraction=0.5, **own).fit(X, y)
    assert torch.equal(again.net_.module_.rows, module.rows)


def test_wrapped_networks_start_from_the_columns_they_see(blobs):
    X, y, _ = blobs
    own = {"module": Starts, "max_steps": 2, "random_state": 0}
    net = CoTrainingNet(views=([0, 2], [1]), **own).fit(X, y).net_.module_
    assert net.first.rows.shape[1] == 2
    assert net.second.rows.shape[1] == 1
    assert set(net.second.rows[:, 0].tolist()) <= set(X[:, 1].astype("float32").tolist())
    SelfTrainingNet(max_iter=2, **own).fit(X, y)


@pytest.mark.parametrize("cls", [FreeMatchClassifier, S4LClassifier, SGANClassifier, CoTrainingNet])
def test_a_network_in_which_nothing_learns_is_refused(cls, blobs):
    """Also where another part of the method would learn, such as a generator."""
    X, y, _ = blobs
    if cls is CoTrainingNet:
        X = X[:, [0, 1, 0, 1]]
    width = 2 if cls is CoTrainingNet else 4
    own = nn.Sequential(nn.Linear(width, 8), nn.ReLU(), nn.Linear(8, 2)).requires_grad_(False)
    views = {"views": ([0, 1], [2, 3])} if cls is CoTrainingNet else {}
    clf = cls(module=own, max_steps=2, random_state=0, **views)
    with pytest.raises(ValueError, match=r"No parameter of the module .* learns.*copy_to_train"):
        clf.fit(X, y)
    assert not hasattr(clf, "net_")
    own[2].requires_grad_(True)  # a frozen backbone
    trained = clf.fit(X, y).net_.module_.state_dict()
    kept = [v for k, v in trained.items() if k.endswith("0.weight") and v.shape == (8, width)]
    assert any(torch.equal(v, own[0].weight) for v in kept)


def test_the_averages_become_a_network_to_go_on_from(blobs):
    X, y, _ = blobs
    own = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    own[0].requires_grad_(False)
    first = FixMatchClassifier(module=own, max_steps=3, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="copy_to_train"):
        FixMatchClassifier(module=first.net_.predicting_module_, max_steps=3).fit(X, y)
    start = first.net_.copy_to_train()
    assert [p.requires_grad for p in start.parameters()] == [False, False, True, True]
    averaged = first.net_.predicting_module_.state_dict()
    assert all(torch.equal(v, averaged[k]) for k, v in start.state_dict().items())
    second = FixMatchClassifier(module=start, max_steps=3, random_state=0).fit(X, y)
    trained = second.net_.module_.state_dict()
    assert torch.equal(trained["0.weight"], own[0].weight)
    assert not torch.equal(trained["2.weight"], averaged["2.weight"])
    assert not any(p.requires_grad for p in first.net_.predicting_module_.parameters())


def test_rows_to_start_from_do_not_move_the_random_stream(blobs):
    X, y, _ = blobs
    rows = SimpleNamespace(X=X, held_out=y == 0)
    for module in (Starts((4,), 2), nn.Linear(4, 2)):
        before = torch.get_rng_state()
        start_network(module, rows)
        assert torch.equal(torch.get_rng_state(), before)


class Frugal(nn.Linear):
    """Keeps no gradient where it only predicts."""

    def forward(self, x):
        with torch.set_grad_enabled(self.training):
            return super().forward(x)


def test_a_network_that_keeps_gradients_in_training_alone_is_taken(blobs):
    X, y, _ = blobs
    own = Frugal(4, 2)
    clf = FixMatchClassifier(module=own, max_steps=3, random_state=0).fit(X, y)
    assert not torch.equal(clf.net_.module_.weight, own.weight)

"""Groups of parameters, and the learning rate in time."""

import numpy as np
import pytest
import torch

from sklearn_ssl import FixMatchClassifier, SSLRegressor, VAEClassifier
from sklearn_ssl.engine.optimizer import make_optimizer
from sklearn_ssl.networks import MLP

from ..helpers import ESTIMATORS, FROM_PAGES, REGRESSION_NETS, one_round, quick


class Backbone(torch.nn.Module):
    """As a pretrained network of a model library would be used: a backbone and a new head."""

    def __init__(self, n_classes):
        super().__init__()
        self.backbone = torch.nn.Sequential(torch.nn.Linear(64, 16), torch.nn.ReLU())
        self.head = torch.nn.Linear(16, n_classes)

    def forward(self, x):
        return self.head(self.backbone(x / 16))


def test_parameter_groups_by_name(digits):
    X, y, _, _ = digits
    groups = [("backbone.*", {"lr": 1e-12})]
    clf = FixMatchClassifier(module=Backbone, max_steps=5, random_state=0)
    clf.set_params(optimizer__param_groups=groups, optimizer__weight_decay=0.0).fit(X, y)
    free = FixMatchClassifier(module=Backbone, max_steps=5, random_state=0).fit(X, y)
    moved = (
        (clf.net_.module_.head.weight - free.net_.module_.head.weight).abs().max(),
        (clf.net_.module_.backbone[0].weight - free.net_.module_.backbone[0].weight).abs().max(),
    )
    assert min(moved) > 1e-4
    start = FixMatchClassifier(module=Backbone, max_steps=1, lr=1e-12, random_state=0).fit(X, y)
    torch.testing.assert_close(
        clf.net_.module_.backbone[0].weight, start.net_.module_.backbone[0].weight
    )
    assert groups == [("backbone.*", {"lr": 1e-12})]
    with pytest.raises(ValueError, match=r"no parameter .* 'body\.\*'.*backbone"):
        clf.set_params(optimizer__param_groups=[("body.*", {})]).fit(X, y)


OWN = {*ESTIMATORS, *FROM_PAGES, *REGRESSION_NETS}
OWN -= {VAEClassifier}  # whose module is the whole network


@pytest.mark.parametrize(
    "cls", sorted(OWN, key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__
)
def test_groups_name_parameters_of_the_users_module_in_every_method(cls, digits):
    """Whatever else the method's network holds."""
    X, y, _, _ = digits
    if issubclass(cls, SSLRegressor):
        y = np.where(y < 0, np.nan, y)
    params = {**one_round(cls), "max_steps": 1, "module_params": None}
    groups = [("backbone.*", {"lr": 0.0})]
    clf = quick(cls, module=Backbone, **params)
    clf.set_params(optimizer__param_groups=groups).fit(X, y)
    still = [group for group in clf.net_.optimizer_.param_groups if group["base_lr"] == 0]
    named = dict(clf.net_.module_.named_parameters())
    expected = {id(p) for name, p in named.items() if "backbone." in name}
    assert {id(p) for group in still for p in group["params"]} == expected
    assert len(expected) in (2, 4)
    assert groups == [("backbone.*", {"lr": 0.0})]


@pytest.mark.parametrize(
    ("groups", "message"),
    [({"a": 1}, "list of pairs"), ([("*", {"learning_rate": 1})], "does not fit SGD")],
)
def test_groups_that_mean_nothing_are_refused(groups, message, blobs):
    X, y, _ = blobs
    with pytest.raises(ValueError, match=message):
        quick(FixMatchClassifier, optimizer_params={"param_groups": groups}).fit(X, y)


def test_weight_decay_shrinks_weights_and_neither_biases_nor_batchnorm():
    net = MLP((3,), n_classes=2, hidden_layer_sizes=(4,))
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    named = list(net.named_parameters())
    settings = {"weight_decay": 0.2}
    optimizer = make_optimizer(torch.optim.SGD, named, 0.5, settings, torch.device("cpu"))
    for p in net.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    shares = {n: 0.9 if p.ndim > 1 else 1.0 for n, p in before.items()}  # 1 - .5 * .2
    assert sorted(shares.values()) == [0.9, 0.9, 1, 1, 1]
    for name, p in named:
        torch.testing.assert_close(p.detach(), shares[name] * before[name])

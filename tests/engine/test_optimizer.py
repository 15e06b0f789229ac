"""Groups of parameters, and the learning rate in time."""

import pytest
import torch

from sklearn_ssl import FixMatchClassifier

from ..helpers import quick


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


@pytest.mark.parametrize(
    ("groups", "message"),
    [({"a": 1}, "list of pairs"), ([("*", {"learning_rate": 1})], "does not fit SGD")],
)
def test_groups_that_mean_nothing_are_refused(groups, message, blobs):
    X, y, _ = blobs
    with pytest.raises(ValueError, match=message):
        quick(FixMatchClassifier, optimizer_params={"param_groups": groups}).fit(X, y)

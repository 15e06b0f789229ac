"""The loss without unlabeled rows: a view, and the kind of target's own distance."""

import torch
from torch.nn.functional import cross_entropy

from sklearn_ssl.engine.batches import Batch
from sklearn_ssl.engine.supervised import SupervisedLoss
from sklearn_ssl.inputs.targets import ClassTargets


def test_it_is_cross_entropy_of_the_view():
    g, model = torch.Generator().manual_seed(0), torch.nn.Linear(2, 3)
    x, y = torch.randn(5, 2), torch.tensor([0, 1, 2, 1, 0])
    batch = Batch(x, y, x[:0], y[:0], 0.0, g)
    loss, parts = SupervisedLoss(lambda x, g: 2 * x + 1, ClassTargets.loss)(model, batch)
    assert torch.equal(loss, cross_entropy(model(2 * x + 1), y))
    assert list(parts) == ["labeled_loss"]

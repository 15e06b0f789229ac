"""Mean Teacher for numbers, by hand and along a swiss roll."""

import copy

import numpy as np
import pytest
import torch
from sklearn.datasets import make_swiss_roll

from sklearn_ssl import MeanTeacherRegressor
from sklearn_ssl.engine.batches import Batch
from sklearn_ssl.inputs.targets import masked_mse
from sklearn_ssl.methods.mean_teacher_regressor import MeanTeacherRegressionLoss

from .by_hand import same


def test_labels_are_a_batch_of_their_own_and_the_teacher_gets_no_gradient():
    g = torch.Generator().manual_seed(0)
    x_l, x_u = torch.randn(6, 3, generator=g), 2 + torch.randn(8, 3, generator=g)
    y_l = torch.randn(6, 1, generator=g)
    student = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 1))
    teacher = copy.deepcopy(student).eval()
    with torch.no_grad():
        teacher[1].weight += 1
    batch = Batch(x_l, y_l, x_u, torch.arange(8), 0.5, g, teacher)
    loss, parts = MeanTeacherRegressionLoss(view=same, unlabeled_weight=2.0, ramp_length=0.0)(
        student, batch
    )
    loss.backward()

    def outputs(x, weight):
        x = x.double().numpy()
        z = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
        return z @ weight.detach().double().numpy().T + student[1].bias.item()

    labeled = np.mean((outputs(x_l, student[1].weight) - y_l.double().numpy()) ** 2)
    gap = outputs(x_u, student[1].weight) - outputs(x_u, teacher[1].weight)
    assert parts["labeled_loss"].item() == pytest.approx(labeled, rel=1e-5)
    assert parts["unlabeled_loss"].item() == pytest.approx(np.mean(gap**2), rel=1e-5)
    assert loss.item() == pytest.approx(labeled + 2 * np.mean(gap**2), rel=1e-5)
    np.testing.assert_allclose(student[0].running_mean, 0.1 * x_l.mean(0), rtol=1e-5)
    assert teacher[1].weight.grad is None
    alone = copy.deepcopy(student)
    alone.zero_grad()
    masked_mse(alone(x_l), y_l).backward()
    assert not torch.allclose(alone[1].weight.grad, student[1].weight.grad)


def test_unlabeled_rows_help_along_a_swiss_roll():
    X, truth = make_swiss_roll(800, noise=0.1, random_state=0)
    y = np.where(np.arange(len(X)) < 40, truth, np.nan)
    r2 = [
        MeanTeacherRegressor(max_steps=500, random_state=0, unlabeled_weight=w)
        .fit(X, y)
        .score(X[40:], truth[40:])
        for w in (2.0, 0.0)
    ]
    assert r2[0] > r2[1]

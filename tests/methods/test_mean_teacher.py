"""Mean Teacher: what it pulls, and who makes noise."""

import copy

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import nn

from sklearn_ssl.methods.mean_teacher import MeanTeacherLoss, teach

from .by_hand import K, gradient, linear, same


@pytest.mark.parametrize("consistency", ["mse", "kl"])
def test_mean_teacher_moves_the_student_towards_the_average(batch, consistency):
    loss = MeanTeacherLoss(
        view=same, unlabeled_weight=30.0, ramp_length=0.0, consistency=consistency
    )
    student, teacher = linear(0), linear(1)
    batch = batch._replace(average=teacher)
    _, parts = loss(student, batch)
    x = torch.cat([batch.x_l, batch.x_u])
    p, q = (softmax(m(x).detach().double().numpy(), axis=1) for m in (student, teacher))
    distance = ((p - q) ** 2).mean() if consistency == "mse" else (q * np.log(q / p)).sum(1).mean()
    assert parts["unlabeled_loss"].item() == pytest.approx(distance, rel=1e-4)
    with_teacher = gradient(loss, batch, student)
    loss.lambda_u = 0.0
    assert (with_teacher - gradient(loss, batch, student)).norm() > 0.1
    assert all(p.grad is None for p in teacher.parameters())


def test_mean_teacher_student_and_teacher_have_a_noise_each(batch):
    seen = []

    def noise(x, generator):
        seen.append(torch.randn(x.shape, generator=generator))
        return x + seen[-1]

    loss = MeanTeacherLoss(view=noise, unlabeled_weight=1.0, ramp_length=0.0)
    loss(linear(), batch._replace(average=linear(1)))
    assert len(seen) == 2
    assert not torch.equal(*seen)


def test_the_teacher_is_in_training_mode_and_left_as_it_was(batch):
    """Its own dropout, and BatchNorm of the batch, in float64; no statistic moves."""
    torch.manual_seed(0)
    teacher = nn.Sequential(nn.BatchNorm1d(K), nn.Dropout(0.5)).eval()
    before = copy.deepcopy(teacher.state_dict())
    x = batch.x_u + 3
    outputs = teach(linear(), batch._replace(average=teacher), x).double().numpy()
    z = x.double().numpy()
    z = (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5)
    dropped = outputs == 0
    assert 0 < dropped.sum() < dropped.size
    np.testing.assert_allclose(outputs[~dropped], 2 * z[~dropped], rtol=1e-4)
    assert not teacher.training
    for name, value in teacher.state_dict().items():
        torch.testing.assert_close(value, before[name])

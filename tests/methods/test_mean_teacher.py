"""Mean Teacher: what it pulls, and who makes noise."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from sklearn_ssl.methods.mean_teacher import MeanTeacherLoss

from .by_hand import gradient, linear, same


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

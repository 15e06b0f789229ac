"""Noisy Student: whose noise, and whose labels."""

import numpy as np
import torch

from sklearn_ssl import NoisyStudentClassifier

from ..helpers import quick


def test_noisy_student_learns_soft_labels_of_a_teacher_without_noise(digits):
    X, y, _, _ = digits
    calls = []

    def noise(x, generator):
        calls.append(len(x))
        return x + 100 * torch.randn(x.shape, generator=generator)

    clf = quick(NoisyStudentClassifier, max_iter=1, augment=noise, max_steps=60).fit(X, y)
    teacher = clf.net_.criterion_.teacher[torch.from_numpy(np.flatnonzero(y < 0))]
    assert len(calls) == 60  # the student's steps alone: not the teacher's, nor its labels
    torch.testing.assert_close(teacher.sum(1), torch.ones(len(teacher)))
    assert (teacher.amax(1) < 0.99).float().mean() > 0.05  # soft
    assert {r["round"] for r in clf.history_} == {0, 1}

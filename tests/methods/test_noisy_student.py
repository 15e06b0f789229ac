"""Noisy Student: whose noise, and whose labels."""

import numpy as np
import pytest
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


@pytest.mark.parametrize("balanced", [True, False])
def test_the_student_learns_what_the_teacher_says_of_rows_as_they_are(balanced, digits):
    X, y, _, _ = digits
    few = np.where((y == 0) & (np.cumsum(y == 0) > 2), -1, y)  # 2 labels of class 0, 10 of others
    unlabeled = few < 0
    teacher = quick(NoisyStudentClassifier, max_iter=0).fit(X, few)
    student = quick(NoisyStudentClassifier, max_iter=1, balanced=balanced).fit(X, few)
    p = teacher.predict_proba(X[unlabeled])
    if balanced:
        shares = np.bincount(few[~unlabeled]) / (~unlabeled).sum()
        p = p * np.clip(shares / p.mean(0), 0.5, 2)
        p /= p.sum(1, keepdims=True)
    taught = student.net_.criterion_.teacher.numpy()
    np.testing.assert_allclose(taught[unlabeled], p, rtol=1e-4, atol=1e-6)
    assert (taught[~unlabeled] == 0).all()

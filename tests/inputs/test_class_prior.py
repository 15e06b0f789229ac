"""Class shares that are given: how they are read, and how predictions come to have them."""

import numpy as np
import pytest

from sklearn_ssl.inputs.class_prior import (
    ClassPrior,
    matching_shift,
    read_class_prior,
    shifted,
    source_shift,
)

CLASSES = np.array(["a", "b", "c"])


def distributions(n=500, K=3, seed=0, sharp=1.0):
    z = sharp * np.random.default_rng(seed).normal(size=(n, K)) * [1, 2, 0.5]
    return np.exp(z) / np.exp(z).sum(1, keepdims=True)


@pytest.mark.parametrize("given", [[1, 2, 1], [0.5, 0.5], [0.5, 0.5, 0.0], [1.5, -0.5, 0], "most"])
def test_what_are_no_shares_of_these_classes_is_refused(given):
    with pytest.raises(ValueError, match=r"3 numbers above 0 that sum to 1.*'a', 'b', 'c'"):
        read_class_prior(given if given != "most" else ["a", "b", "c"], CLASSES)


def test_shares_that_are_rounded_are_normalised():
    shares = read_class_prior([0.333, 0.333, 0.333], CLASSES).shares
    assert shares.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("sharp", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("prior", [[1 / 3] * 3, [0.7, 0.2, 0.1], [0.02, 0.9, 0.08]])
def test_the_mean_over_the_rows_becomes_the_prior(sharp, prior):
    p = distributions(sharp=sharp)
    moved = shifted(p, matching_shift(p, np.array(prior)))
    np.testing.assert_allclose(moved.mean(0), prior, atol=0.003)
    np.testing.assert_allclose(moved.sum(1), 1)


def test_rows_count_as_often_as_they_come():
    p, counts = distributions(40), np.random.default_rng(1).integers(1, 9, 40)
    shift = matching_shift(p, np.array([0.5, 0.25, 0.25]), counts)
    by_hand = matching_shift(p.repeat(counts, axis=0), np.array([0.5, 0.25, 0.25]))
    np.testing.assert_allclose(shift, by_hand, atol=1e-3)


def test_certain_rows_leave_the_shift_finite():
    p = np.eye(2)[[0, 0, 0, 1]]
    shift = matching_shift(p, np.array([0.1, 0.9]))
    assert np.isfinite(shift).all()
    assert np.isfinite(shifted(p, shift)).all()


def test_bayes_by_hand():
    """Two classes with densities 3 to 1 at x, learned in equal shares, that come 1 to 9."""
    p = shifted(np.array([[0.75, 0.25]]), source_shift(np.array([0.1, 0.9]), np.array([0.5, 0.5])))
    np.testing.assert_allclose(p, [[3 / 12, 9 / 12]])


def test_a_class_without_labels_stays_where_it_is():
    shift = source_shift(np.array([0.5, 0.4, 0.1]), np.array([0.5, 0.5, 0.0]))
    assert shift.tolist() == [0, pytest.approx(np.log(0.8)), 0]


def test_trust_lies_between_what_is_found_and_what_is_given():
    found, given = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    np.testing.assert_allclose(ClassPrior(given).blend(found), given)
    np.testing.assert_allclose(ClassPrior(given, 0.0).blend(found), found)
    np.testing.assert_allclose(ClassPrior(given, 0.5).blend(found), [0.75, 0.25])
    p = distributions(2000)[:, :2]
    p /= p.sum(1, keepdims=True)
    target, shift = ClassPrior(given, 0.0).shift(p, found)
    np.testing.assert_allclose(target, p.mean(0))
    np.testing.assert_allclose(shift - shift.mean(), 0, atol=1e-3)

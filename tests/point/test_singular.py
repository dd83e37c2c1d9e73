"""Singular fits are recognised, and the reason is named."""

import numpy as np
import pytest

from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.cone import Cone
from bayeslmm.point.singular import singularities
from tests.designs import from_arrays, random_term, together


@pytest.fixture
def cone():
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(6), 8)
    term = random_term("g", g, 3, together(3), rng)
    return Cone.of(MarginalLikelihood.of(from_arrays(rng.normal(size=g.size), np.ones((g.size, 1)), (term,))))


def reasons(cone, factor):
    """Reasons for Lambda = factor (3, 3)."""
    return singularities(cone, cone.covariance.gather([np.array(factor, dtype=float)]))


def test_a_regular_covariance_has_no_reason(cone):
    assert reasons(cone, [[1, 0, 0], [0.5, 1, 0], [0.2, 0.1, 0.3]]) == ()


def test_zero_sd(cone):
    (found,) = reasons(cone, [[1, 0, 0], [0.5, 1, 0], [0, 0, 0]])
    assert (found.kind, found.effects) == ("zero sd", ("z2",))
    assert "sd of `z2`" in found.sentence


def test_first_sd_zero(cone):
    (found,) = reasons(cone, [[0, 0, 0], [0, 1, 0], [0, 0.3, 0.4]])
    assert (found.kind, found.effects) == ("zero sd", ("(Intercept)",))


@pytest.mark.parametrize(("sign", "text"), [(1, "is +1"), (-1, "is -1")])
def test_correlation_at_one(cone, sign, text):
    (found,) = reasons(cone, [[1, 0, 0], [sign * 0.4, 0, 0], [0.2, 0.7, 0]])
    assert (found.kind, found.effects) == ("correlation", ("(Intercept)", "z1"))
    assert text in found.sentence


def test_combination_without_variance(cone):
    (found,) = reasons(cone, [[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    assert found.kind == "combination"
    # z2 = intercept + z1, so intercept + z1 - z2 has no variance
    assert "(Intercept)" in found.sentence
    assert "no variance" in found.sentence


def test_everything_zero(cone):
    found = reasons(cone, np.zeros((3, 3)))
    assert [f.kind for f in found] == ["zero sd"] * 3

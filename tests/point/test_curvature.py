"""The analytic Hessian and the derivatives of Var(beta) against differences of the analytic gradient."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.cone import Cone
from bayeslmm.point.curvature import by_differences, curvature, positive_inverse
from tests.designs import SHAPES, make_design


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("rank", ["full", "reduced"])
@pytest.mark.parametrize("shape", SHAPES)
def test_equal_to_differences_anywhere(shape, rank, reml):
    likelihood = MarginalLikelihood.of(make_design(shape, seed=5, weighted=True, n=90))
    cone = Cone.of(likelihood)
    if rank == "reduced":
        cone = cone.with_ranks([b.k - 1 if i % 2 == 0 else b.k for i, b in enumerate(cone.blocks)])
    x = np.random.default_rng(2).normal(size=cone.size)
    sigma = 1.7
    exact = curvature(likelihood, cone, x, sigma, reml)
    rough = by_differences(likelihood, cone, np.append(x, sigma), reml)
    assert_allclose(exact.hessian, rough.hessian, rtol=1e-5, atol=1e-5 * np.abs(rough.hessian).max())
    assert_allclose(exact.vcov, rough.vcov, rtol=1e-9)
    assert_allclose(exact.derivatives, rough.derivatives, rtol=1e-5, atol=1e-6 * np.abs(rough.derivatives).max())


def test_differences_take_over_where_dense_derivatives_would_not_fit(monkeypatch):
    likelihood = MarginalLikelihood.of(make_design("crossed", seed=5, n=90))
    cone = Cone.of(likelihood)
    x = np.random.default_rng(2).normal(size=cone.size)
    exact = curvature(likelihood, cone, x, 1.0, True)
    monkeypatch.setattr("bayeslmm.likelihood.second_order.MAX_NUMBERS", 10)
    rough = curvature(likelihood, cone, x, 1.0, True)
    assert not np.array_equal(rough.hessian, exact.hessian)
    assert_allclose(rough.hessian, exact.hessian, rtol=1e-5, atol=1e-5 * np.abs(exact.hessian).max())


def test_inverse_leaves_out_directions_that_do_not_curve_upwards():
    H = np.diag([4.0, -1.0, 0.0])
    assert_allclose(positive_inverse(H), np.diag([0.25, 0.0, 0.0]))
    assert_allclose(positive_inverse(np.array([[2.0, 1e3], [1e3, 4e6]])), np.linalg.inv([[2.0, 1e3], [1e3, 4e6]]))

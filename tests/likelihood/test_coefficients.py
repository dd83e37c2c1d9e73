"""Coefficients given theta and sigma against the normal equations in n x n."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bayeslmm.likelihood.arrow import FixedPart, Given
from bayeslmm.likelihood.coefficients import coefficients
from bayeslmm.likelihood.dense import Dense
from bayeslmm.likelihood.normal_prior import NormalPrior
from tests.designs import SHAPES, make_design


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("normal", [(), (0, 2), (0, 1, 2)])
def test_moments_are_those_of_the_normal_equations(shape, normal):
    design, rng = make_design(shape, 2, weighted=True), np.random.default_rng(1)
    m, s = rng.normal(size=3), rng.uniform(0.2, 2, 3)
    prior = NormalPrior(np.eye(3)[list(normal)], m[list(normal)], s[list(normal)])
    fixed = FixedPart.of(design.X, np.zeros((design.n, 0)), design.y, design.weights, prior)
    lambdas = tuple(rng.normal(size=(4, t.k, t.k)) for t in design.terms)
    sigma = rng.uniform(0.5, 2, 4)
    found = coefficients(design.terms, fixed, Given(lambdas, sigma, np.zeros((4, 0))))
    P, dense = np.diag([1 / s[j] ** 2 if j in normal else 0.0 for j in range(3)]), Dense.of(design)
    for d in range(4):
        V_inv = np.linalg.inv(sigma[d] ** 2 * dense.covariance(tuple(L[d] for L in lambdas)))
        covariance = np.linalg.inv(design.X.T @ V_inv @ design.X + P)
        assert_allclose(found.covariance[d], covariance, rtol=1e-9, atol=1e-12)
        assert_allclose(found.mean[d], covariance @ (design.X.T @ V_inv @ design.y + P @ m), rtol=1e-9)

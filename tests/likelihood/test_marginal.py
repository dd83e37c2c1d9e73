"""The blocked kernel against the dense n x n reference and against central differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from bayeslmm.likelihood.conditional import modes, unscaled_beta_covariance, unscaled_mode_variances
from bayeslmm.likelihood.dense import Dense
from bayeslmm.likelihood.marginal import MarginalLikelihood
from tests.designs import SHAPES, designs, designs_with_theta, make_design

profile = settings(max_examples=60, deadline=None)


@given(designs_with_theta(), st.booleans(), st.sampled_from([None, 0.7, 2.0]))
@profile
def test_criterion_equals_the_dense_reference(case, reml, sigma):
    design, theta = case
    likelihood, dense = MarginalLikelihood.of(design), Dense.of(design)
    expected = dense.criterion(likelihood.covariance.lambdas(theta), reml, sigma)
    assert_allclose(likelihood.criterion(theta, reml, sigma), expected, rtol=1e-10)


@given(designs_with_theta(), st.booleans(), st.sampled_from([None, 1.3]))
@profile
def test_gradient_equals_central_differences(case, reml, sigma):
    design, theta = case
    likelihood = MarginalLikelihood.of(design)
    value, gradient = likelihood.with_gradient(theta, reml, sigma)
    assert_allclose(value, likelihood.criterion(theta, reml, sigma), rtol=1e-13)
    steps = 1e-5 * np.eye(theta.size)
    numeric = [
        (likelihood.criterion(theta + h, reml, sigma) - likelihood.criterion(theta - h, reml, sigma)) / 2e-5
        for h in steps
    ]
    # the differences themselves carry an error of about 1e-16 |f| / h
    assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-5)


@given(designs_with_theta())
@profile
def test_modes_and_variances_equal_the_dense_reference(case):
    design, theta = case
    likelihood, dense = MarginalLikelihood.of(design), Dense.of(design)
    lambdas = likelihood.covariance.lambdas(theta)
    factor = likelihood.factor(theta)
    beta, covariance = dense.beta(lambdas)
    found = modes(likelihood, factor)
    assert_allclose(found.beta, beta, rtol=1e-8, atol=1e-9)
    q = likelihood.structure.q_tail
    assert_allclose(unscaled_beta_covariance(likelihood, factor.L_tail[q:, q:]), covariance, rtol=1e-8, atol=1e-10)
    assert_allclose(np.concatenate([b.ravel() for b in found.b]), dense.modes(lambdas), rtol=1e-7, atol=1e-8)
    expected, at = dense.mode_variance(lambdas), 0
    for term, variances in zip(design.terms, unscaled_mode_variances(likelihood, factor), strict=True):
        for level in range(term.n_levels):
            block = slice(at, at + term.k)
            assert_allclose(variances[level], expected[block, block], rtol=1e-7, atol=1e-9)
            at += term.k


@given(designs_with_theta(), st.floats(0.3, 3.0))
@profile
def test_joint_log_density_equals_the_dense_reference(case, sigma):
    design, theta = case
    likelihood, dense = MarginalLikelihood.of(design), Dense.of(design)
    beta = np.linspace(-1, 3, design.p)
    expected = dense.log_density(beta, likelihood.covariance.lambdas(theta), sigma)
    assert_allclose(likelihood.log_density(beta, theta, sigma), expected, rtol=1e-10)


@given(designs_with_theta(), st.booleans())
@profile
def test_sigma_derivative_vanishes_at_the_profiled_sigma(case, reml):
    design, theta = case
    likelihood = MarginalLikelihood.of(design)
    factor = likelihood.factor(theta)
    sigma = likelihood.sigma(factor, reml)
    assert_allclose(likelihood.criterion(theta, reml, sigma), likelihood.criterion(theta, reml), rtol=1e-12)
    assert abs(likelihood.sigma_derivative(factor, sigma, reml)) < 1e-8 * likelihood.nu(reml)
    numeric = (likelihood.criterion(theta, reml, 2 + 1e-5) - likelihood.criterion(theta, reml, 2 - 1e-5)) / 2e-5
    assert_allclose(likelihood.sigma_derivative(factor, 2.0, reml), numeric, rtol=1e-5, atol=1e-5)


@given(designs_with_theta(), st.booleans())
@profile
def test_any_square_factor_gives_the_criterion_of_its_product(case, reml):
    design, theta = case
    likelihood = MarginalLikelihood.of(design)
    lambdas = likelihood.covariance.lambdas(theta)
    rng = np.random.default_rng(0)
    turned = tuple(L @ np.linalg.qr(rng.normal(size=L.shape))[0] for L in lambdas)
    expected, gradient = likelihood.with_full_gradient(lambdas, reml)
    value, turned_gradient = likelihood.with_full_gradient(turned, reml)
    assert_allclose(value, expected, rtol=1e-12)
    for L, T, G, H in zip(lambdas, turned, gradient, turned_gradient, strict=True):
        # df/dLambda = 2 (df/dV) Lambda, so G Lambda' depends on V only
        assert_allclose(H @ T.T, G @ L.T, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_theta_zero_is_weighted_least_squares(shape):
    design = make_design(shape, seed=3, weighted=True)
    likelihood = MarginalLikelihood.of(design)
    factor = likelihood.factor(np.zeros(likelihood.covariance.m))
    root = np.sqrt(design.weights)
    beta, rss, *_ = np.linalg.lstsq(design.X * root[:, None], design.y * root, rcond=None)
    assert_allclose(modes(likelihood, factor).beta, beta, rtol=1e-10)
    assert_allclose(factor.r2, rss[0], rtol=1e-10)


@given(designs(), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_row_order_and_term_order_do_not_matter(design, seed):
    from dataclasses import replace

    rng = np.random.default_rng(seed)
    order = rng.permutation(design.n)
    likelihood = MarginalLikelihood.of(design)
    theta = rng.normal(size=likelihood.covariance.m)
    terms = tuple(replace(t, Z=t.Z[order], index=t.index[order]) for t in design.terms)
    shuffled = replace(
        design, y=design.y[order], X=design.X[order], weights=design.weights[order], terms=tuple(reversed(terms))
    )
    other = MarginalLikelihood.of(shuffled)
    by_name = dict(zip(likelihood.covariance.names, theta, strict=True))
    reordered = np.array([by_name[name] for name in other.covariance.names])
    assert_allclose(other.criterion(reordered), likelihood.criterion(theta), rtol=1e-11)


@given(designs(), st.floats(0.01, 100), st.floats(-1e6, 1e6))
@settings(max_examples=30, deadline=None)
def test_scaling_and_shifting_y(design, scale, shift):
    from dataclasses import replace

    likelihood = MarginalLikelihood.of(design)
    theta = np.full(likelihood.covariance.m, 0.7)
    moved = MarginalLikelihood.of(replace(design, y=shift + scale * design.y))
    nu = likelihood.nu(True)
    # a shift of 1e6 leaves 10 digits of y itself
    tolerance = 1e-10 * max(1.0, abs(shift) / scale)
    expected = likelihood.criterion(theta) + 2 * nu * np.log(scale)
    assert_allclose(moved.criterion(theta), expected, rtol=tolerance, atol=1e-8)


@given(designs(), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_invertible_change_of_X_only_adds_its_determinant(design, seed):
    from dataclasses import replace

    change = np.random.default_rng(seed).normal(size=(design.p, design.p)) + 3 * np.eye(design.p)
    likelihood = MarginalLikelihood.of(design)
    changed = MarginalLikelihood.of(replace(design, X=design.X @ change))
    theta = np.full(likelihood.covariance.m, 0.4)
    assert_allclose(changed.criterion(theta, reml=False), likelihood.criterion(theta, reml=False), rtol=1e-9)
    shift = 2 * np.log(abs(np.linalg.det(change)))
    assert_allclose(changed.criterion(theta), likelihood.criterion(theta) + shift, rtol=1e-9)

"""Standardised residuals and modes against dense arithmetic; bands and tests by rank where the answer is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from bayeslmm.likelihood.dense import Dense
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.point.bands import quantile_residuals, rank_p_value, simultaneous_band, uniform_distance
from bayeslmm.point.estimates import estimates
from bayeslmm.point.influence import Base
from bayeslmm.point.optimise import optimise
from bayeslmm.point.simulated import simulate_and_standardise
from tests.designs import SHAPES, make_design


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reml", [True, False])
def test_observed_values_are_divided_by_their_standard_deviations(shape, reml):
    design = make_design(shape, seed=12, weighted=True, n=100)
    likelihood = MarginalLikelihood.of(design)
    optimum = optimise(likelihood, reml, "lbfgs")
    at = estimates(likelihood, optimum, reml)
    found = simulate_and_standardise(Base(design, likelihood, optimum, at, reml), 3, np.random.default_rng(1))
    dense = Dense.of(design)
    V = dense.covariance(at.lambdas)
    V_inv = np.linalg.inv(V)
    P = V_inv - V_inv @ design.X @ np.linalg.solve(design.X.T @ V_inv @ design.X, design.X.T @ V_inv)
    W_inv = np.diag(1 / design.weights)
    e = W_inv @ P @ dense.y
    assert_allclose(found.residuals[:, 0], e / (at.sigma * np.sqrt(np.diag(W_inv @ P @ W_inv))), rtol=1e-6)
    r = V @ P @ dense.y
    assert_allclose(found.marginal[:, 0], r / (at.sigma * np.sqrt(np.diag(V @ P @ V))), rtol=1e-6)
    G = dense.big_lambda(at.lambdas) @ dense.big_lambda(at.lambdas).T
    b, variance = G @ dense.Z.T @ P @ dense.y, np.diag(G @ dense.Z.T @ P @ dense.Z @ G)
    start = 0
    for term, modes in zip(design.terms, found.modes, strict=True):
        q = term.k * term.n_levels
        own = np.sqrt(variance[start : start + q].reshape(term.n_levels, term.k))
        b_own = b[start : start + q].reshape(term.n_levels, term.k)
        told = np.isfinite(modes[:, :, 0])
        assert (told | (own < 1e-3 * at.sigma)).all()
        assert_allclose(modes[:, :, 0][told], (b_own[told] / (at.sigma * own[told])), rtol=1e-4, atol=1e-5)
        start += q


def test_simulated_values_have_mean_zero_and_variance_one():
    design = make_design("crossed", seed=3, n=120)
    likelihood = MarginalLikelihood.of(design)
    optimum = optimise(likelihood, True, "lbfgs")
    base = Base(design, likelihood, optimum, estimates(likelihood, optimum, True), True)
    found = simulate_and_standardise(base, 4000, np.random.default_rng(4))
    for values in (found.residuals[:, 1:], found.marginal[:, 1:], found.modes[0][:, 0, 1:]):
        assert np.abs(values.mean(axis=1)).max() < 5 / np.sqrt(4000)
        # divided by their own sigma they are not quite normal: the fourth moment is near 3
        assert np.abs(values.var(axis=1) - 1).max() < 6 * np.sqrt(2 / 4000)
    assert found.dispersion[:, 1:].mean(axis=1) == pytest.approx([1, 1], abs=0.03)


def test_a_curve_leaves_the_band_exactly_where_its_p_value_is_small():
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(400):
        band = simultaneous_band(rng.normal(size=(25, 200)), 0.9)
        assert band.outside.any() == (band.p < 0.1)
        assert (np.diff(band.values) >= 0).all()
        seen.append(band.outside.any())
    assert np.mean(seen) == pytest.approx(0.1, abs=0.045)  # three standard errors


def test_the_band_of_one_normal_value_is_the_normal_interval():
    band = simultaneous_band(np.random.default_rng(2).normal(size=(1, 40_000)), 0.95)
    assert_allclose([band.lower[0], band.upper[0]], stats.norm.ppf([0.025, 0.975]), atol=0.05)


def test_heavy_tails_leave_the_band():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(150, 500))
    values[:, 0] = rng.standard_t(2, 150)
    band = simultaneous_band(values, 0.95)
    assert band.p < 0.01
    assert band.outside[0] or band.outside[-1]


def test_ranks_are_uniform_and_kolmogorovs_distance_is_scipys():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(80, 400))
    u = quantile_residuals(values, rng)
    assert ((u > 0) & (u < 1)).all()
    assert (np.argsort(u[0]) == np.argsort(values[0])).all()
    expected = [stats.kstest(column, "uniform").statistic for column in u.T[:20]]
    assert_allclose(uniform_distance(u)[:20], expected, rtol=1e-10)


def test_p_values_count_the_observed_one():
    assert rank_p_value(np.array([5.0, 1, 2, 3])) == 0.25
    assert rank_p_value(np.array([1.0, 1, 2, 3])) == 1.0

"""theta <-> Lambda <-> sds and correlations."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from bayeslmm.likelihood.covariance import Covariance, TermShape, sd_and_correlation

TERMS = (
    TermShape("g", ("(Intercept)", "x", "z"), ((0, 2), (1,)), 5),
    TermShape("h", ("(Intercept)", "x"), ((0, 1),), 4),
)


def test_names_are_lme4s():
    names = Covariance.of(TERMS).names
    assert names == (
        "g.(Intercept)",
        "g.z.(Intercept)",
        "g.z",
        "g.x",
        "h.(Intercept)",
        "h.x.(Intercept)",
        "h.x",
    )


def test_entries_outside_of_a_block_stay_zero():
    Lambda = Covariance.of(TERMS).lambdas(np.arange(1.0, 8.0))[0]
    assert_allclose(Lambda, [[1, 0, 0], [0, 4, 0], [2, 0, 3]])


@given(st.integers(0, 10_000), st.booleans())
def test_theta_survives_the_way_there_and_back(seed, singular):
    covariance = Covariance.of(TERMS)
    theta = np.random.default_rng(seed).normal(size=covariance.m)
    if singular:
        theta[2] = 0.0
    theta = covariance.canonical(theta)
    lambdas = covariance.lambdas(theta)
    assert_allclose(covariance.gather(lambdas), theta)
    back = covariance.lambdas(covariance.factor([L @ L.T for L in lambdas]))
    for L, other in zip(lambdas, back, strict=True):
        assert_allclose(other @ other.T, L @ L.T, atol=1e-10)


@given(st.integers(0, 10_000))
def test_canonical_theta_has_the_same_covariance_and_no_negative_diagonal(seed):
    covariance = Covariance.of(TERMS)
    theta = np.random.default_rng(seed).normal(size=covariance.m)
    canonical = covariance.canonical(theta)
    assert (canonical[covariance.on_diagonal] >= 0).all()
    for L, other in zip(covariance.lambdas(theta), covariance.lambdas(canonical), strict=True):
        assert_allclose(other @ other.T, L @ L.T, atol=1e-12)


def test_correlation_with_a_zero_sd_is_undefined():
    sd, correlation = sd_and_correlation(np.array([[4.0, 0.0], [0.0, 0.0]]))
    assert_allclose(sd, [2, 0])
    assert np.isnan(correlation[0, 1])
    assert_allclose(np.diag(correlation), 1)

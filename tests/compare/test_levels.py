"""Least squares of one level against solving it by hand, with and without coefficients that it cannot tell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayeslmm as blm
from bayeslmm.compare.levels import alone, least_squares
from tests.compare.posteriors import fitted

ALL = np.array([True, True])


def rows(seed: int, n: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(3, 1, n)])
    return X, rng.normal(size=n), rng.uniform(0.5, 2, n)


@given(seed=st.integers(0, 10_000), n=st.integers(3, 30))
@settings(deadline=None, max_examples=30)
def test_what_the_rows_determine_is_weighted_least_squares(seed, n):
    X, y, w = rows(seed, n)
    V = np.linalg.inv(X.T * w @ X)
    beta = V @ (X.T @ (w * y))
    sigma2 = (w * (y - X @ beta) ** 2).sum() / (n - 2)
    for varying in (ALL, ~ALL, np.array([True, False])):
        coefficients, estimate, se = least_squares(X, y, w, varying, np.array([5.0, -5.0]))
        np.testing.assert_allclose(estimate, beta, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(coefficients, beta, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(se, np.sqrt(sigma2 * np.diag(V)), rtol=1e-8)


def test_a_constant_predictor_is_held_so_that_the_intercept_is_told():
    X, y, w = rows(1)
    X[:, 1] = 2.0
    coefficients, estimate, se = least_squares(X, y, w, np.array([True, False]), np.array([0.0, 3.0]))
    mean = np.average(y, weights=w)
    np.testing.assert_allclose(coefficients, [mean - 6, 3])
    np.testing.assert_allclose(estimate, [mean - 6, np.nan])
    sigma2 = (w * (y - mean) ** 2).sum() / (len(y) - 1)
    np.testing.assert_allclose(se, [np.sqrt(sigma2 / w.sum()), np.nan])


def test_an_interaction_with_a_constant_predictor_still_gives_the_levels_own_line():
    X, y, w = rows(2)
    X = np.column_stack([X, 2 * X])  # 1, x, h, h x with h = 2 throughout
    varying = np.array([True, False, False, False])
    held = np.array([0.0, 1.0, 4.0, -0.5])
    coefficients, estimate, _ = least_squares(X, y, w, varying, held)
    own = least_squares(X[:, :2], y, w, ALL, np.zeros(2))[0]
    np.testing.assert_allclose(X @ coefficients, X[:, :2] @ own)
    assert coefficients[2] == pytest.approx(4.0)
    np.testing.assert_allclose(estimate, [own[0] - 8.0, np.nan, np.nan, np.nan])


def test_two_varying_coefficients_that_one_row_cannot_tell_are_missing():
    X, y, w = rows(3, 1)
    coefficients, estimate, se = least_squares(X, y, w, ALL, np.zeros(2))
    assert np.isnan(coefficients).all()
    assert np.isnan(estimate).all()
    assert np.isnan(se).all()


def test_one_row_tells_an_intercept_without_an_error():
    X, y, w = rows(4, 1)
    _, estimate, se = least_squares(X, y, w, np.array([True, False]), np.array([0.0, 2.0]))
    np.testing.assert_allclose(estimate, [y[0] - 2 * X[0, 1], np.nan])
    assert np.isnan(se).all()


def test_a_column_of_zeros_is_not_told():
    X, y, w = rows(5)
    X = np.column_stack([X, np.zeros(len(y))])
    coefficients, estimate, _ = least_squares(X, y, w, np.array([True, True, True]), np.array([0.0, 0.0, 7.0]))
    assert np.isnan([coefficients[2], estimate[2]]).all()
    np.testing.assert_allclose(estimate[:2], least_squares(X[:, :2], y, w, ALL, np.zeros(2))[1])
    fixed = least_squares(X, y, w, np.array([True, True, False]), np.array([0.0, 0.0, 7.0]))
    assert fixed[0][2] == 7.0
    assert np.isnan(fixed[1][2])


def test_levels_are_fitted_from_their_own_rows():
    fit = fitted("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    term = fit.design.terms[0]
    found = alone(fit.design, term, fit.design.X, ALL, np.zeros(2))
    data = blm.datasets.load("sleepstudy")
    for j, level in enumerate(term.levels):
        own = data[data["Subject"] == level]
        slope, intercept = np.polyfit(own["Days"], own["Reaction"], 1)
        np.testing.assert_allclose(found.estimate[j], [intercept, slope])

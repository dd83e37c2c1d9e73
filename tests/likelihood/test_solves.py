"""Solves for single rows and for many responses, against dense arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose

from bayeslmm.likelihood.dense import Dense
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.solves import apply_inverse, solve_rows
from tests.designs import SHAPES, designs_with_theta, make_design


def dense_system(design, likelihood, theta):
    """M for (u, gamma), (q + p, q + p), and Lambda (q, q), in the order of the dense reference."""
    dense = Dense.of(design)
    Lambda = dense.big_lambda(likelihood.covariance.lambdas(theta))
    C = np.hstack([dense.Z @ Lambda, design.X @ likelihood.basis.T])
    M = (C * design.weights[:, None]).T @ C
    q = Lambda.shape[0]
    M[:q, :q] += np.eye(q)
    return M, Lambda


def written_out(design, Lambda, Z, index, XT):
    """The rows c (m, q + p)."""
    columns = []
    for term, z, i in zip(design.terms, Z, index, strict=True):
        columns += [z * (i == level)[:, None] for level in range(term.n_levels)]
    return np.hstack([np.hstack(columns) @ Lambda, XT])


@settings(max_examples=40, deadline=None)
@given(designs_with_theta())
def test_rows_that_were_fitted(drawn):
    design, theta = drawn
    likelihood = MarginalLikelihood.of(design)
    M, Lambda = dense_system(design, likelihood, theta)
    Z, index = [t.Z for t in design.terms], [t.index for t in design.terms]
    XT = design.X @ likelihood.basis.T
    found = solve_rows(likelihood.factor(theta), likelihood.structure, Z, index, XT)
    c = written_out(design, Lambda, Z, index, XT)
    solved = np.linalg.solve(M, c.T).T
    assert_allclose(found.squares, np.einsum("ij,ij->i", c, solved), rtol=1e-8, atol=1e-10)
    assert_allclose(found.fixed, solved[:, -design.p :], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_any_combination_of_levels_and_unknown_ones(shape):
    """New rows may join levels that never met, and leave terms out."""
    design, rng = make_design(shape, seed=5, weighted=True), np.random.default_rng(7)
    likelihood = MarginalLikelihood.of(design)
    theta = rng.normal(size=likelihood.covariance.m)
    M, Lambda = dense_system(design, likelihood, theta)
    index = [rng.integers(-1, t.n_levels, size=40) for t in design.terms]
    Z = [rng.normal(size=(40, t.k)) for t in design.terms]
    XT = rng.normal(size=(40, design.p))
    found = solve_rows(likelihood.factor(theta), likelihood.structure, Z, index, XT)
    c = written_out(design, Lambda, Z, index, XT)
    solved = np.linalg.solve(M, c.T).T
    assert_allclose(found.squares, np.einsum("ij,ij->i", c, solved), rtol=1e-9)
    assert_allclose(found.fixed, solved[:, -design.p :], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_many_right_hand_sides(shape):
    design, rng = make_design(shape, seed=2, weighted=True), np.random.default_rng(3)
    likelihood = MarginalLikelihood.of(design)
    theta = rng.normal(size=likelihood.covariance.m)
    M, _ = dense_system(design, likelihood, theta)
    rhs = [rng.normal(size=(t.k, t.n_levels, 4)) for t in design.terms]
    by_X = rng.normal(size=(design.p, 4))
    u, gamma = apply_inverse(likelihood.factor(theta), likelihood.structure, rhs, by_X)
    flat = np.vstack([*(np.swapaxes(r, 0, 1).reshape(-1, 4) for r in rhs), by_X])
    found = np.vstack([*(np.swapaxes(x, 0, 1).reshape(-1, 4) for x in u), gamma])
    assert_allclose(found, np.linalg.solve(M, flat), rtol=1e-8, atol=1e-10)

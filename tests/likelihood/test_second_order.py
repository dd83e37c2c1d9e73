"""Second derivatives through the blocks against the n x n formulas."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bayeslmm.likelihood.dense import Dense
from bayeslmm.likelihood.marginal import MarginalLikelihood
from bayeslmm.likelihood.second_order import basis_matrices, second_order
from tests.designs import SHAPES, make_design


def derivatives_of_V(dense, covariance):
    """dV/dgamma_a (n, n) for every entry."""
    out = []
    for t, term in enumerate(covariance.terms):
        for E in basis_matrices(covariance.entries, t, term.k):
            one = [np.zeros((other.k, other.k)) for other in covariance.terms]
            one[t] = E
            out.append(dense.Z @ dense.big_lambda(tuple(one)) @ dense.Z.T)
    return out


@pytest.mark.parametrize("kind", ["general", "some zero", "all zero"])
@pytest.mark.parametrize("shape", SHAPES)
def test_derivatives_equal_the_dense_formulas(shape, kind):
    design = make_design(shape, seed=3, weighted=True, n=60)
    likelihood, dense = MarginalLikelihood.of(design), Dense.of(design)
    covariance = likelihood.covariance
    rng = np.random.default_rng(1)
    share = {"general": 1.0, "some zero": 0.5, "all zero": 0.0}[kind]
    theta = rng.normal(size=covariance.m) * (rng.random(covariance.m) < share)
    # a basis of the random effects that is not theirs: Z root, Lambda = root X
    roots = [np.eye(t.k) + 0.3 * np.tril(rng.normal(size=(t.k, t.k))) * _same_block(t) for t in covariance.terms]
    factors = covariance.lambdas(theta)
    found = second_order(likelihood, roots, factors)

    V_inv = np.linalg.inv(dense.covariance(tuple(R @ X for R, X in zip(roots, factors, strict=True))))
    Xy = likelihood.basis.transform(design.X, design.y - design.offset)
    rooted = Dense(dense.y, dense.X, dense.Z @ dense.big_lambda(tuple(roots)), dense.weights, dense.blocks)
    by = [V_inv @ V for V in derivatives_of_V(rooted, covariance)]
    assert_allclose(found.N, Xy.T @ V_inv @ Xy, rtol=1e-9, atol=1e-9)
    assert_allclose(found.log_det[0], [np.trace(a) for a in by], rtol=1e-9, atol=1e-9)
    assert_allclose(found.log_det[1], [[-np.sum(a * b.T) for b in by] for a in by], rtol=1e-9, atol=1e-9)
    scale = np.abs(found.N_second).max()
    for i, a in enumerate(by):
        assert_allclose(found.N_first[i], -Xy.T @ a @ V_inv @ Xy, rtol=1e-9, atol=1e-12 * scale)
        for j, b in enumerate(by):
            Q = Xy.T @ a @ b @ V_inv @ Xy
            assert_allclose(found.N_second[i, j], Q + Q.T, rtol=1e-9, atol=1e-12 * scale)


def _same_block(term):
    out = np.zeros((term.k, term.k))
    for block in term.blocks:
        out[np.ix_(block, block)] = 1.0
    return out
